/*
 * Outgoing webhooks as Standard Webhooks 1.0.0 has them: an id that stays, a
 * time and a signature (HMAC-SHA256, v1) for each attempt, and for a while a
 * second signature by the former key.
 */
#ifndef VAPI_STANDARD_WEBHOOKS_H
#define VAPI_STANDARD_WEBHOOKS_H

#include "vapi_compat.h"

#include "vapi_outbox.h"

extern const VapiVendor vapi_webhook_vendor;

/*
 * "v1," and the base64 of the signature, palloc'd. key is as it is given out,
 * whsec_ and base64. ereports 22023 for another key.
 */
extern char *vapi_standard_webhooks_sign(const char *key, const char *id, const char *timestamp, const char *body);

#endif
