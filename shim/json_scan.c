/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/json_scan.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim/json.h"

#define TWO_POW_53 9007199254740992.0
#define TWO_POW_63 9223372036854775808.0
#define TWO_POW_64 18446744073709551616.0

#define NUMBER_MAX_CHARS 63 /* cJSON cuts longer ones off */

/*
 * A recursive descent over RFC 8259 that builds nothing. Every scan_ function starts at the first
 * character of its construct and leaves `at` behind the last.
 */
struct scan {
	const unsigned char *text;
	size_t size;
	size_t at;
	size_t values;
	unsigned depth;
	struct kvs_error *err;
};

static int scan_value(struct scan *s);

/* Refuse the text at the current position; the hint may be "" for the error's default. */
__attribute__((format(printf, 3, 4))) static int refuse(
	struct scan *s, const char *hint, const char *fmt, ...)
{
	char text[128];
	size_t line = 1;
	size_t column = 1;
	va_list ap;

	for (size_t i = 0; i < s->at && i < s->size; i++) {
		if (s->text[i] == '\n') {
			line++;
			column = 1;
		} else if ((s->text[i] & 0xc0) != 0x80) {
			column++;
		}
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	kvs_error_where(s->err, "line %zu, column %zu", line, column);
	if (hint[0])
		kvs_error_hint(s->err, "%s", hint);
	return kvs_error_set(s->err, KVS_ERROR_SPEC_SYNTAX, 0, "%s", text);
}

/* The byte at the current position, or -1 at the end of the text. */
static int peek(const struct scan *s)
{
	return s->at < s->size ? s->text[s->at] : -1;
}

static const char *hint_for_unexpected(int c)
{
	switch (c) {
	case -1:
		return "the file is cut off, or a bracket or quote is never closed";
	case '/':
	case '#':
		return "JSON has no comments; a key that begins with // is one: \"//\": \"text\"";
	case '\'':
		return "JSON strings take double quotes";
	case '}':
	case ']':
		return "remove the comma before the closing bracket, or add what is missing";
	case 0xef:
		return "save the file as UTF-8 without a byte order mark";
	default:
		return "";
	}
}

static int refuse_unexpected(struct scan *s, const char *wanted)
{
	int c = peek(s);
	const char *hint = hint_for_unexpected(c);

	if (c < 0)
		return refuse(s, hint, "the text ends where %s should follow", wanted);
	if (c == 0)
		return refuse(s, "the file is not text", "NUL byte where %s should be", wanted);
	if (c < 0x20 || c >= 0x7f)
		return refuse(s, hint, "byte 0x%02x where %s should be", (unsigned)c, wanted);
	return refuse(s, hint, "'%c' where %s should be", c, wanted);
}

static void skip_space(struct scan *s)
{
	for (int c = peek(s); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = peek(s))
		s->at++;
}

/* Bytes in the UTF-8 sequence at @p, of which @left are there; 0 when it is not UTF-8. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = p[0] < 0x80		? 1
			: (p[0] & 0xe0) == 0xc0 ? 2
			: (p[0] & 0xf0) == 0xe0 ? 3
			: (p[0] & 0xf8) == 0xf0 ? 4
						: 0;
	uint32_t rune;

	if (length < 2 || length > left)
		return length == 1 ? 1 : 0;
	rune = p[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		rune = rune << 6 | (p[i] & 0x3fu);
	}
	if (rune < least[length] || rune > 0x10ffff || (rune >= 0xd800 && rune <= 0xdfff))
		return 0;
	return length;
}

/* Read the four digits of a \u escape; -1 when they are not. */
static int32_t read_hex4(const struct scan *s, size_t at)
{
	int32_t value = 0;

	for (size_t i = at; i < at + 4; i++) {
		int c = i < s->size ? s->text[i] : -1;

		if (c >= '0' && c <= '9')
			value = value * 16 + (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			value = value * 16 + ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return value;
}

static int scan_unicode_escape(struct scan *s)
{
	int32_t high = read_hex4(s, s->at + 2);
	int32_t low;

	if (high < 0)
		return refuse(s, "write \\u and four hexadecimal digits", "bad \\u escape");
	if (high == 0)
		return refuse(s, "no field can hold a NUL character", "escaped NUL in a string");
	if (high >= 0xdc00 && high <= 0xdfff)
		return refuse(s, "write the high half first", "lone surrogate escape in a string");
	if (high < 0xd800 || high > 0xdbff) {
		s->at += 6;
		return 0;
	}
	low = s->size - s->at >= 12 && s->text[s->at + 6] == '\\' && s->text[s->at + 7] == 'u'
		      ? read_hex4(s, s->at + 8)
		      : -1;
	if (low < 0xdc00 || low > 0xdfff)
		return refuse(s, "write both halves, as \\ud83d\\ude00",
			"lone surrogate escape in a string");
	s->at += 12;
	return 0;
}

static int scan_escape(struct scan *s)
{
	int c = s->at + 1 < s->size ? s->text[s->at + 1] : -1;

	if (c == 'u')
		return scan_unicode_escape(s);
	if (c <= 0 || !strchr("\"\\/bfnrt", c))
		return refuse(
			s, "a backslash itself is written \\\\", "unknown escape in a string");
	s->at += 2;
	return 0;
}

static int scan_string(struct scan *s)
{
	int r;

	for (s->at++; s->at < s->size;) {
		unsigned char c = s->text[s->at];
		size_t length;

		if (c == '"') {
			s->at++;
			return 0;
		}
		if (c == '\\') {
			r = scan_escape(s);
			if (r < 0)
				return r;
			continue;
		}
		if (c == 0)
			return refuse(s, "the file is not text", "NUL byte in a string");
		if (c < 0x20)
			return refuse(s, "close the quote; a line break in a string is written \\n",
				"control byte 0x%02x in a string", c);
		length = utf8_length(s->text + s->at, s->size - s->at);
		if (length == 0)
			return refuse(s, "save the file as UTF-8", "byte 0x%02x is not UTF-8", c);
		s->at += length;
	}
	return refuse_unexpected(s, "a closing quote");
}

static size_t skip_digits(struct scan *s)
{
	size_t start = s->at;

	while (peek(s) >= '0' && peek(s) <= '9')
		s->at++;
	return s->at - start;
}

/* Whether the double nearest to an integer literal stands for it alone; json.h has the rule. */
static bool is_exact_integer(const char *literal, double value)
{
	char *end;
	uint64_t magnitude;

	if (fabs(value) < TWO_POW_53)
		return true;
	errno = 0;
	magnitude = strtoull(literal + (literal[0] == '-'), &end, 10);
	if (errno)
		return false;
	if (literal[0] == '-')
		return magnitude <= (uint64_t)INT64_MAX + 1 && (uint64_t)-value == magnitude;
	if (magnitude == UINT64_MAX || magnitude == INT64_MAX)
		return true;
	return value < TWO_POW_64 && value != TWO_POW_63 && (uint64_t)value == magnitude;
}

static int check_number(struct scan *s, size_t start, bool integer)
{
	char literal[NUMBER_MAX_CHARS + 1];
	size_t length = s->at - start;
	double value;

	s->at = start;
	if (length > NUMBER_MAX_CHARS)
		return refuse(s, "no field takes such a number", "number of %zu digits", length);
	memcpy(literal, s->text + start, length);
	literal[length] = '\0';
	value = strtod(literal, NULL);
	if (!isfinite(value) ||
		(integer ? !is_exact_integer(literal, value) : fabs(value) >= TWO_POW_53))
		return refuse(s,
			"unlimited is 18446744073709551615, or -1 where it may be negative",
			"number '%s' cannot be kept exactly", literal);
	s->at = start + length;
	return 0;
}

static int scan_number(struct scan *s)
{
	size_t start = s->at;
	bool integer = true;

	if (peek(s) == '-')
		s->at++;
	if (peek(s) == '0')
		s->at++;
	else if (skip_digits(s) == 0)
		return refuse_unexpected(s, "a digit");
	if (peek(s) >= '0' && peek(s) <= '9')
		return refuse(
			s, "octal is not JSON: write 438 for 0666", "number with a leading 0");
	if (peek(s) == '.') {
		integer = false;
		s->at++;
		if (skip_digits(s) == 0)
			return refuse_unexpected(s, "a digit");
	}
	if (peek(s) == 'e' || peek(s) == 'E') {
		integer = false;
		s->at++;
		if (peek(s) == '+' || peek(s) == '-')
			s->at++;
		if (skip_digits(s) == 0)
			return refuse_unexpected(s, "a digit");
	}
	return check_number(s, start, integer);
}

static int scan_literal(struct scan *s)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t length = strlen(words[i]);

		if (s->size - s->at >= length && memcmp(s->text + s->at, words[i], length) == 0) {
			s->at += length;
			return 0;
		}
	}
	return refuse_unexpected(s, "a value");
}

static int scan_member(struct scan *s)
{
	int r;

	skip_space(s);
	if (peek(s) != '"')
		return refuse_unexpected(s, "a key in double quotes");
	r = scan_string(s);
	if (r < 0)
		return r;
	skip_space(s);
	if (peek(s) != ':')
		return refuse_unexpected(s, "':'");
	s->at++;
	return scan_value(s);
}

/* An object or an array: comma-separated members or values up to @close. */
static int scan_list(struct scan *s, int close, int (*scan_item)(struct scan *))
{
	int r;

	if (s->depth == KVS_JSON_DEPTH_MAX)
		return refuse(
			s, "no field is that deep", "more than %d levels deep", KVS_JSON_DEPTH_MAX);
	s->depth++;
	s->at++;
	skip_space(s);
	if (peek(s) != close) {
		for (;;) {
			r = scan_item(s);
			if (r < 0)
				return r;
			skip_space(s);
			if (peek(s) != ',')
				break;
			s->at++;
		}
		if (peek(s) != close)
			return refuse_unexpected(s, close == '}' ? "',' or '}'" : "',' or ']'");
	}
	s->at++;
	s->depth--;
	return 0;
}

static int scan_value(struct scan *s)
{
	skip_space(s);
	if (s->values == KVS_JSON_VALUES_MAX)
		return refuse(
			s, "no spec is that large", "more than %d values", KVS_JSON_VALUES_MAX);
	s->values++;
	switch (peek(s)) {
	case '{':
		return scan_list(s, '}', scan_member);
	case '[':
		return scan_list(s, ']', scan_value);
	case '"':
		return scan_string(s);
	case '-':
	case '0' ... '9':
		return scan_number(s);
	default:
		return scan_literal(s);
	}
}

int kvs_json_scan_text(const char *text, size_t size, struct kvs_error *err)
{
	struct scan scan = { .text = (const unsigned char *)text, .size = size, .err = err };
	struct scan *s = &scan;
	int r;

	if (s->size > KVS_JSON_TEXT_MAX_BYTES)
		return refuse(s, "is this the right file?", "the text has more than %d bytes",
			KVS_JSON_TEXT_MAX_BYTES);
	skip_space(s);
	if (s->at == s->size)
		return refuse(s, "kvshim spec writes one to start from", "the text is empty");
	r = scan_value(s);
	if (r < 0)
		return r;
	skip_space(s);
	if (s->at < s->size)
		return refuse_unexpected(s, "the end of the text");
	return 0;
}
