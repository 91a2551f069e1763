/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/suggest.h"

#include <string.h>

#define LENGTH_MAX 64 /* of names that take part */

static char lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

static unsigned min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Optimal string alignment; three rows of the matrix are enough. */
static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	unsigned rows[3][LENGTH_MAX + 1];

	for (unsigned j = 0; j <= b_length; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= a_length; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *above = rows[(i + 2) % 3];
		const unsigned *above2 = rows[(i + 1) % 3];

		row[0] = i;
		for (unsigned j = 1; j <= b_length; j++) {
			char ca = lower(a[i - 1]);
			char cb = lower(b[j - 1]);

			row[j] = min(above[j - 1] + (ca != cb), min(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && ca == lower(b[j - 2]) && cb == lower(a[i - 2]))
				row[j] = min(row[j], above2[j - 2] + 1);
		}
	}
	return rows[a_length % 3][b_length];
}

void kvs_suggest_init(struct kvs_suggest *suggest, const char *word)
{
	*suggest = (struct kvs_suggest){ .word = word };
}

void kvs_suggest_offer(struct kvs_suggest *suggest, const char *name)
{
	size_t word_length = strnlen(suggest->word, LENGTH_MAX + 1);
	size_t name_length = strnlen(name, LENGTH_MAX + 1);
	unsigned d;

	if (word_length > LENGTH_MAX || name_length > LENGTH_MAX)
		return;
	d = distance(suggest->word, word_length, name, name_length);
	if (d > 1 + name_length / 4 || d >= name_length)
		return;
	if (!suggest->best || d < suggest->best_distance) {
		suggest->best = name;
		suggest->best_distance = d;
	}
}

const char *kvs_suggest_best(const struct kvs_suggest *suggest)
{
	return suggest->best;
}
