/*
 * The tokens of the connection with FreshBooks (OAuth 2.0, RFC 6749). A refresh
 * token is good for one use: the row says that a refresh is on its way before
 * it is asked for, and the pair that it brings is committed, sealed, before it
 * is used. When the answer of a refresh is lost, the next one tells: a token
 * that is used up means that a person has to authorise it again.
 */
#ifndef VAPI_OAUTH_H
#define VAPI_OAUTH_H

#include "vapi_compat.h"

#include "vapi_http.h"
#include "vapi_outbox.h"

/* The secret file of our id and secret at FreshBooks: "id:secret". */
#define VAPI_OAUTH_CLIENT "freshbooks_client"

/* Is there an access token that can be used. A transaction of its own. */
extern VapiReadiness vapi_oauth_ready(void);

/*
 * The access token, palloc'd, and which one it is; NULL when there is none, or
 * it was sealed under another token_key. in_transaction: the caller has one,
 * else this is a transaction of its own. The caller wipes it (vapi_secret_wipe).
 */
extern char *vapi_oauth_access(const char *database, bool in_transaction, int64 *version);

/* Which tokens they are; 0: none. A transaction of its own. */
extern int64 vapi_oauth_version(void);

/*
 * Notes that a refresh begins and makes its request; false when somebody else
 * has brought other tokens meanwhile, or a person is needed. ereports
 * ERRCODE_VAPI_SECRET without the client's file or token_key.
 */
extern bool vapi_oauth_begin_refresh(VapiDelivery *delivery);

/* Stores what it brought. Transactions of its own. */
extern void vapi_oauth_end_refresh(VapiDelivery *delivery, const VapiHttpResponse *response);

/* Notes that the access token of that version was refused: it is refreshed; a person is needed when it is brand-new. */
extern void vapi_oauth_refused(int64 version);

/* The body of a token request, palloc'd: grant is "authorization_code" or "refresh_token", value the code or token. */
extern char *vapi_oauth_body(const char *database, const char *grant, const char *value, const char *redirect_uri);

/* Our id at FreshBooks, palloc'd. ereports ERRCODE_VAPI_SECRET. */
extern char *vapi_oauth_client_id(const char *database);

/* Stores a pair of tokens that a person has brought, in the caller's transaction, with the business they are for. */
extern void vapi_oauth_connect(const char *database, const VapiJson *tokens, const char *redirect_uri,
							   int64 business_id, const char *account_id, const char *business_name);

#endif
