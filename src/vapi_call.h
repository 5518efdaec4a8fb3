/*
 * The client functions: one request to Vapi on behalf of a person, inside the
 * caller's transaction, and what its answer says into the merge.
 */
#ifndef VAPI_CALL_H
#define VAPI_CALL_H

#include "vapi_compat.h"

#include "utils/jsonb.h"
#include "vapi_http.h"

/*
 * All return palloc'd jsonb without secrets and need a transaction. They
 * ereport what vapi_client_request does, 22032 for an answer that is no usable
 * JSON, ERRCODE_VAPI_ORG_CHANGED, and as said.
 */

/* GET /call with the documented filters; 22023 for another one, 22007 for a bad time. */
extern Jsonb *vapi_call_list(Jsonb *filter);

/*
 * A settled call from the store, else GET /call/{id}, merged unless the
 * transaction is read-only; 02000 when there is none or it was erased.
 */
extern Jsonb *vapi_call_get(const char *id);

/* POST /call, once; ERRCODE_VAPI_BLOCKED. What cannot be stored of the answer is a WARNING: the call was made. */
extern Jsonb *vapi_call_create(Jsonb *request);

/*
 * Merges the call of an answer to POST /call, contained as there, and returns
 * its id; 22032 when it has none.
 */
extern char *vapi_call_store_answer(VapiHttpResponse *response);

/* DELETE /call/{id}, then the local rows; true when there were some. */
extern bool vapi_call_delete(const char *id);

#endif
