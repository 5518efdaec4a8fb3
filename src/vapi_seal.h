/*
 * Sealing: what must be kept for a while but never in clear, such as presigned
 * URLs and the tokens of vendors. AES-256-GCM by OpenSSL, with a key derived from
 * a secret: who has the tables but not that file can read nothing, and with
 * another one nothing opens.
 */
#ifndef VAPI_SEAL_H
#define VAPI_SEAL_H

#include "vapi_compat.h"

/* The secret file of what outlives a restart and a new API key: tokens of vendors, keys of webhooks. */
#define VAPI_SEAL_TOKEN_KEY "token_key"

/*
 * The text sealed under the secret of that name (VAPI_CLIENT_KEY,
 * VAPI_SEAL_TOKEN_KEY) as a palloc'd bytea, other bytes each time. ereports
 * ERRCODE_VAPI_SECRET when there is none, or token_key is shorter than 32
 * characters, 55000 when OpenSSL fails.
 */
extern bytea *vapi_seal(const char *database, const char *secret_name, const char *text);

/* The text, palloc'd; NULL when it was sealed with another key or has been changed. ereports as above. */
extern char *vapi_seal_open(const char *database, const char *secret_name, const bytea *sealed);

#endif
