#include "vapi_durations.h"

#include <math.h>

#define ST_SORT sort_numbers
#define ST_ELEMENT_TYPE double
#define ST_COMPARE(a, b) ((*(a) > *(b)) - (*(a) < *(b)))
#define ST_SCOPE static
#define ST_DECLARE
#define ST_DEFINE
#include "lib/sort_template.h"

void
vapi_durations_sort(double *durations, int64 count)
{
	int64 numbers = 0;

	/* Comparisons, of which there are many, need not know of them then. */
	for (int64 i = 0; i < count; i++)
	{
		double duration = durations[i];

		if (unlikely(isnan(duration)))
			continue;
		durations[i] = durations[numbers];
		durations[numbers++] = duration;
	}
	sort_numbers(durations, numbers);
}

double *
vapi_durations_merge(const double *a, int64 a_count, const double *b, int64 b_count)
{
	double *merged = palloc_extended(sizeof(double) * (a_count + b_count), MCXT_ALLOC_HUGE);
	int64 i = 0;
	int64 j = 0;

	while (i < a_count || j < b_count)
	{
		bool first = j == b_count || (i < a_count && (isnan(b[j]) || a[i] <= b[j]));

		merged[i + j] = first ? a[i] : b[j];
		if (first)
			i++;
		else
			j++;
	}
	return merged;
}

double
vapi_durations_percentile(const double *durations, int64 count, double share)
{
	double place = share * (double) (count - 1);
	int64 first = (int64) floor(place);
	int64 second = (int64) ceil(place);

	if (first == second)
		return durations[first];
	return durations[first] + (place - (double) first) * (durations[second] - durations[first]);
}
