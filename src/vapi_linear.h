/*
 * Linear: issues with an attachment, and projects that qualified leads move
 * on, by its GraphQL API. Ids are ours (the delivery's key), so nothing is made
 * twice; errors are judged by their code first, since validation and rate
 * limits come as HTTP 400.
 */
#ifndef VAPI_LINEAR_H
#define VAPI_LINEAR_H

#include "vapi_compat.h"

#include "vapi_outbox.h"

/* The secret file of its key: a personal API key (lin_api_…) or an OAuth token. */
#define VAPI_LINEAR_KEY "linear_api_key"

extern const VapiVendor vapi_linear_vendor;

/*
 * A request for that operation; variables is JSON, palloc'd strings in the
 * current context, hosts is filled in. The caller wipes request->authorization.
 * ereports ERRCODE_VAPI_SECRET without a key.
 */
extern void vapi_linear_request(VapiHttpRequest *request, VapiUrlHosts *hosts, const char *database, const char *name,
								const char *variables);

#endif
