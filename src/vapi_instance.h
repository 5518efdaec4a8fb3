/*
 * Which installation this database belongs to, so that a copy of it (a
 * restored dump, a promoted clone, CREATE DATABASE … TEMPLATE) calls nobody
 * and writes to nobody.
 *
 * An identity is the cluster's system identifier, the database's oid and the
 * secret file instance_id, of which only a hash is kept. The identities under
 * which the database works are rows of vapi_internal.instance, which dumps and
 * copies carry along: while one of them is another's, nothing goes out until
 * vapi.vapi_adopt_instance().
 */
#ifndef VAPI_INSTANCE_H
#define VAPI_INSTANCE_H

#include "vapi_compat.h"

/* The secret file. */
#define VAPI_INSTANCE_FILE "instance_id"

/*
 * May what goes out go out from here? True when every recorded identity is
 * this one. Where none is recorded yet, records it first, unless the
 * transaction is read-only. Needs a transaction; ereports ERRCODE_VAPI_SECRET
 * for a file that may not be read, and what SQL ereports.
 */
extern bool vapi_instance_matches(void);

/* The same, but ereports ERRCODE_VAPI_INSTANCE, with what to do, where it is a copy. */
extern void vapi_instance_check(void);

#endif
