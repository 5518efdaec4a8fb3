/*
 * Columns of a call that follow from others of its row: the generated ones.
 * SQL's expressions call these functions, and so does who writes a row past the
 * executor, so both have the same.
 */
#ifndef VAPI_DERIVED_H
#define VAPI_DERIVED_H

#include "vapi_compat.h"

#define VAPI_DERIVED_COUNT 6
#define VAPI_DERIVED_ARGUMENTS 3

/* A generated column, and the columns that it follows from, in the order of the function's parameters. */
typedef struct VapiDerived
{
	const char *column;
	PGFunction function;
	const char *arguments[VAPI_DERIVED_ARGUMENTS]; /* NULL: no more */
} VapiDerived;

extern const VapiDerived vapi_derived[VAPI_DERIVED_COUNT];

/*
 * Computes a column from its arguments' values. The result may be one of them,
 * or palloc'd in the current context. ereports 22003 and 22008 for times that
 * have no slot; opens no transaction.
 */
extern Datum vapi_derived_compute(const VapiDerived *derived, const NullableDatum *arguments, bool *isnull);

#endif
