/*
 * Percentiles of durations in seconds, as SQL's percentile_cont over double
 * precision has them: what is not a number comes last.
 */
#ifndef VAPI_DURATIONS_H
#define VAPI_DURATIONS_H

#include "vapi_compat.h"

/* Sorts them in place. */
extern void vapi_durations_sort(double *durations, int64 count);

/* Both in one order; each is sorted. palloc'd. */
extern double *vapi_durations_merge(const double *a, int64 a_count, const double *b, int64 b_count);

/* The percentile, from 0 to 1, of at least one that are sorted. */
extern double vapi_durations_percentile(const double *durations, int64 count, double share);

#endif
