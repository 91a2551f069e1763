/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct error_row {
	const char *name;
	int exit_code;
	int errnum;
	const char *hint;
};

static const struct error_row error_rows[KVS_ERROR_COUNT] = {
	[KVS_ERROR_NONE] = { "NONE", 0, 0, "" },
#define X(name, exit_code, errnum, hint) [KVS_ERROR_##name] = { #name, exit_code, errnum, hint },
	KVS_ERRORS(X)
#undef X
};

static const struct error_row *row_of(uint32_t code)
{
	return &error_rows[code < KVS_ERROR_COUNT ? code : KVS_ERROR_INTERNAL];
}

int kvs_error_set(struct kvs_error *err, enum kvs_error_code code, int errnum, const char *fmt, ...)
{
	if (err && err->code == KVS_ERROR_NONE) {
		va_list ap;

		err->code = code;
		err->errnum = errnum;
		va_start(ap, fmt);
		vsnprintf(err->text, sizeof(err->text), fmt, ap);
		va_end(ap);
	}
	return errnum ? -errnum : -row_of(code)->errnum;
}

void kvs_error_where(struct kvs_error *err, const char *fmt, ...)
{
	va_list ap;

	if (!err || err->where[0])
		return;
	va_start(ap, fmt);
	vsnprintf(err->where, sizeof(err->where), fmt, ap);
	va_end(ap);
}

void kvs_error_hint(struct kvs_error *err, const char *fmt, ...)
{
	va_list ap;

	if (!err || err->hint[0])
		return;
	va_start(ap, fmt);
	vsnprintf(err->hint, sizeof(err->hint), fmt, ap);
	va_end(ap);
}

const char *kvs_error_name(uint32_t code)
{
	return row_of(code)->name;
}

int kvs_error_exit_code(const struct kvs_error *err)
{
	return row_of(err->code)->exit_code;
}

static void sanitize_string(char *s, size_t size)
{
	s[size - 1] = '\0';
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f)
			*s = '?';
}

void kvs_error_sanitize(struct kvs_error *err)
{
	if (err->code >= KVS_ERROR_COUNT)
		err->code = KVS_ERROR_INTERNAL;
	if (err->errnum < 0 || err->errnum > 4095)
		err->errnum = 0;
	sanitize_string(err->where, sizeof(err->where));
	sanitize_string(err->text, sizeof(err->text));
	sanitize_string(err->hint, sizeof(err->hint));
}

/* The C library's words, in lower case like the rest; engines look for them so. */
static void append_errno(char *text, size_t size, int errnum)
{
	size_t used = strlen(text);

	if (!errnum || used + 2 >= size)
		return;
	snprintf(text + used, size - used, ": %s", strerror(errnum));
	text[used + 2] = (char)tolower((unsigned char)text[used + 2]);
}

void kvs_error_format(const struct kvs_error *err, char *ret_text, size_t size)
{
	size_t used;

	snprintf(ret_text, size, "%s%s%s", err->where, err->where[0] ? ": " : "", err->text);
	append_errno(ret_text, size, err->errnum);
	used = strlen(ret_text);
	snprintf(ret_text + used, size - used, " [%s]", kvs_error_name(err->code));
}

void kvs_error_print(const struct kvs_error *err)
{
	const char *hint = err->hint[0] ? err->hint : row_of(err->code)->hint;
	char text[768];

	kvs_error_format(err, text, sizeof(text));
	fprintf(stderr, "kvshim: %s\n", text);
	if (hint[0])
		fprintf(stderr, "kvshim: hint: %s\n", hint);
}
