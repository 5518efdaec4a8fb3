/*
 * Sealing: what must be kept for a while but never in clear, such as presigned
 * URLs. AES-256-GCM by OpenSSL, with a key derived from the API key: who has the
 * tables but not that file can read nothing, and with another key nothing opens.
 */
#ifndef VAPI_SEAL_H
#define VAPI_SEAL_H

#include "vapi_compat.h"

/*
 * The sealed text as a palloc'd bytea, other bytes each time. ereports
 * ERRCODE_VAPI_SECRET when there is no API key, 55000 when OpenSSL fails.
 */
extern bytea *vapi_seal(const char *database, const char *text);

/* The text, palloc'd; NULL when it was sealed with another key or has been changed. ereports as above. */
extern char *vapi_seal_open(const char *database, const bytea *sealed);

#endif
