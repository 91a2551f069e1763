/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statistics for timings: medians and ranks only, since a timing's errors are neither symmetric nor
 * bounded above. Knows arrays of numbers and nothing of commands.
 *
 * A sample is an array with one number a round, NAN for a round that did not measure.
 */
#pragma once

#include <stddef.h>

struct kvs_sample_summary {
	size_t count; /* rounds that measured; 0 leaves the others 0 */
	double p10, median, p90;
};

struct kvs_sample_ratio {
	size_t count;	  /* rounds that measured both */
	double median;	  /* of the ratios, each within one round */
	double low, high; /* its interval of confidence, 95 %; below six rounds the whole range */
};

/* Return: the sorted sample's value at @rank, from 0 (least) to 1, interpolated. @count > 0. */
double kvs_sample_quantile(const double *sorted, size_t count, double rank);

/* Return: 0, or -ENOMEM. */
int kvs_sample_summarize(const double *sample, size_t rounds, struct kvs_sample_summary *ret);

/*
 * kvs_sample_compare - one sample against another of the same rounds
 *
 * What disturbs the machine for longer than a round disturbs both and leaves their ratio alone,
 * which a ratio of two medians cannot offer. The interval is the one between order statistics: it
 * assumes nothing of the distribution, and gives the same answer every time.
 *
 * Return: 0, or -ENOMEM.
 */
int kvs_sample_compare(
	const double *sample, const double *peer, size_t rounds, struct kvs_sample_ratio *ret);
