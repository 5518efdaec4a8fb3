/*
 * Who may see what: by the role in force outside any of our functions, and by
 * what vapi_grant gave it.
 */
#ifndef VAPI_ACCESS_H
#define VAPI_ACCESS_H

#include "vapi_compat.h"

#include "utils/array.h"

/* Ids of the assistants whose calls the outer role may see, in order; NULL: all. palloc'd. Needs an active snapshot. */
extern ArrayType *vapi_access_scope(void);

/* May the outer role do or see that, of all calls in its scope. Needs an active snapshot. */
extern bool vapi_access_may(const char *what);

#endif
