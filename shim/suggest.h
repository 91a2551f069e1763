/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Did you mean": the known name nearest to a misspelt one.
 *
 * Offer every known name, then ask for the best. Distance is the number of inserted, deleted,
 * changed or swapped characters; case costs nothing.
 */
#pragma once

struct kvs_suggest {
	const char *word;
	const char *best;
	unsigned best_distance;
};

/* kvs_suggest_init - @word is borrowed, as are the names offered */
void kvs_suggest_init(struct kvs_suggest *suggest, const char *word);

void kvs_suggest_offer(struct kvs_suggest *suggest, const char *name);

/* kvs_suggest_best - the nearest name, or NULL when none is near enough to be what was meant */
const char *kvs_suggest_best(const struct kvs_suggest *suggest);
