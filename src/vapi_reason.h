/*
 * How a call ended: Vapi's endedReason (an open set, 627 listed) to a family
 * and to the status that a finished call shows. Pure.
 */
#ifndef VAPI_REASON_H
#define VAPI_REASON_H

#include "vapi_pure.h"

/*
 * Families: completed, voicemail, no-answer, busy, limit, transfer, canceled,
 * setup-error, vapi-error, provider-error, error, unknown.
 */
typedef struct VapiReason
{
	const char *pattern; /* exact reason, or a prefix/suffix/infix with '*' */
	const char *family;
	const char *status; /* of an ended call: completed, failed, no-answer, busy, voicemail, canceled */
	bool reached;		/* did somebody at the other end take part */
} VapiReason;

/*
 * The entry for a reason: an exact pattern wins, then the longest matching
 * pattern. The shortest ones classify by shape what Vapi may add (…error… is
 * an error, …canceled… canceled), "*" is family unknown with status failed;
 * so never NULL for a non-NULL reason. The result is static.
 */
extern const VapiReason *vapi_reason_classify(const char *ended_reason);

/* All entries, for the view ended_reasons and the tests. */
extern const VapiReason *vapi_reason_table(int *count);

#endif
