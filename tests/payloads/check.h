/* SPDX-License-Identifier: Apache-2.0 */
/* For payloads with a C library: prints what is not so, so that no output is success. */
#pragma once

#include <errno.h>
#include <stdio.h>

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			printf("line %d: not so: %s (errno %d)\n", __LINE__, #condition, errno);   \
	} while (0)

#define FAILS(call, error)                                                                         \
	do {                                                                                       \
		errno = 0;                                                                         \
		if ((long)(call) != -1 || errno != (error))                                        \
			printf("line %d: errno %d, not %s: %s\n", __LINE__, errno, #error, #call); \
	} while (0)
