/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scope-bound release of descriptors, memory and streams.
 *
 * A variable marked `_cleanup_(f)` is released by f when it leaves its scope. Hand it over with
 * TAKE_FD() or TAKE_PTR(), which leave the variable empty.
 */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

static inline void kvs_close_p(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static inline void kvs_free_p(void *p)
{
	free(*(void **)p);
}

static inline void kvs_fclose_p(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void kvs_closedir_p(DIR **d)
{
	if (*d)
		closedir(*d);
}

#define _cleanup_close_	   _cleanup_(kvs_close_p)
#define _cleanup_free_	   _cleanup_(kvs_free_p)
#define _cleanup_fclose_   _cleanup_(kvs_fclose_p)
#define _cleanup_closedir_ _cleanup_(kvs_closedir_p)

#define TAKE(var, empty)                                                                           \
	({                                                                                         \
		__typeof__(var) taken_ = (var);                                                    \
		(var) = (empty);                                                                   \
		taken_;                                                                            \
	})
#define TAKE_FD(var)  TAKE(var, -1)
#define TAKE_PTR(var) TAKE(var, NULL)
