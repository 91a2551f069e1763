/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double kvs_sample_quantile(const double *sorted, size_t count, double rank)
{
	double at = rank * (double)(count - 1);
	size_t below = (size_t)at;

	if (below + 1 >= count)
		return sorted[count - 1];
	return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

/* Sorts the values that are numbers to the front; returns how many. */
static size_t sort_numbers(double *values, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (!isnan(values[i]))
			values[kept++] = values[i];
	qsort(values, kept, sizeof(*values), by_value);
	return kept;
}

int kvs_sample_summarize(const double *sample, size_t rounds, struct kvs_sample_summary *ret)
{
	double *sorted = malloc((rounds + 1) * sizeof(*sorted));
	size_t count;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < rounds; i++)
		sorted[i] = sample[i];
	count = sort_numbers(sorted, rounds);
	*ret = (struct kvs_sample_summary){ .count = count };
	if (count > 0) {
		ret->p10 = kvs_sample_quantile(sorted, count, 0.1);
		ret->median = kvs_sample_quantile(sorted, count, 0.5);
		ret->p90 = kvs_sample_quantile(sorted, count, 0.9);
	}
	free(sorted);
	return 0;
}

/*
 * The ranks between which the true median lies with 95 %: how many of @count values fall below it
 * is binomial, here by its normal approximation, rounded outwards.
 */
static void interval(const double *sorted, size_t count, double *ret_low, double *ret_high)
{
	double reach = 1.96 * sqrt((double)count) / 2, middle = (double)count / 2;
	double low = floor(middle - reach) - 1, high = ceil(middle + reach);

	*ret_low = sorted[low < 0 ? 0 : (size_t)low];
	*ret_high = sorted[high > (double)(count - 1) ? count - 1 : (size_t)high];
}

int kvs_sample_compare(
	const double *sample, const double *peer, size_t rounds, struct kvs_sample_ratio *ret)
{
	double *ratios = malloc((rounds + 1) * sizeof(*ratios));
	size_t count;

	if (!ratios)
		return -ENOMEM;
	for (size_t i = 0; i < rounds; i++)
		ratios[i] = sample[i] / peer[i];
	count = sort_numbers(ratios, rounds);
	*ret = (struct kvs_sample_ratio){ .count = count };
	if (count > 0) {
		ret->median = kvs_sample_quantile(ratios, count, 0.5);
		interval(ratios, count, &ret->low, &ret->high);
	}
	free(ratios);
	return 0;
}
