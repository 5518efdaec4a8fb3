/*
 * Running what is not ours, such as a user's function or what a write to a
 * user's table sets off: as its owner, never with our rights.
 */
#ifndef VAPI_ROLE_H
#define VAPI_ROLE_H

#include "vapi_compat.h"

typedef struct VapiRoleStatement
{
	const char *sql;
	int count; /* of parameters, none of them NULL */
	const Oid *types;
	Datum *values;
} VapiRoleStatement;

/*
 * Runs statements as that role, security-restricted, so that they cannot
 * become another, with that search_path; what they set ends with them. Our
 * views show what that role may see. SPI must be connected, usually by an open
 * store section; the last statement's rows are in SPI_tuptable. ereports what
 * SQL ereports; afterwards the caller's role is in force again in any case.
 */
extern void vapi_role_run(Oid role, const char *search_path, const VapiRoleStatement *statements, int count);

#endif
