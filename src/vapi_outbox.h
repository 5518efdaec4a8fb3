/*
 * A delivery on its way: what it is, what is asked next, how it ended. Claims
 * and settles rows of vapi_internal.outbox, each in a transaction of its own;
 * the HTTP in between is vapi_delivery's, what is asked the vendors'.
 */
#ifndef VAPI_OUTBOX_H
#define VAPI_OUTBOX_H

#include "vapi_compat.h"

#include "vapi_http.h"
#include "vapi_json.h"
#include "vapi_store.h"

/* What an answer means. The names in SQL are those of vapi_internal.delivery_settle(). */
typedef enum VapiDeliveryVerdict
{
	VAPI_DELIVERY_ASK,		 /* another request is ready */
	VAPI_DELIVERY_DELIVERED, /* the other side has it */
	VAPI_DELIVERY_AGAIN,	 /* it does not have it; later */
	VAPI_DELIVERY_UNCERTAIN, /* it may have it: it is looked for before it is sent again */
	VAPI_DELIVERY_LATER,	 /* not now, for a reason that is no failure: a rate limit, a decision that is missing */
	VAPI_DELIVERY_REFUSED,	 /* the key is not accepted: no delivery there before it is another */
	VAPI_DELIVERY_GONE,		 /* it wants no more: the destination is switched off */
	VAPI_DELIVERY_DEAD,		 /* it will never take this one */
	VAPI_DELIVERY_NOTHING	 /* there is nothing to tell of any more */
} VapiDeliveryVerdict;

/* wait_ms of VAPI_DELIVERY_LATER: until somebody does something. */
#define VAPI_DELIVERY_FOR_SOMEBODY (-1)

typedef struct VapiDelivery
{
	int64 id;
	char *key; /* a UUID, the same in each attempt */
	char *kind;
	char *event; /* NULL: it is no webhook */
	int attempt; /* from 1 */
	bool uncertain;

	const char *destination;
	const char *database; /* for secrets */
	MemoryContext context;
	void *state; /* the vendor's */

	/* What is asked next, in context. */
	VapiHttpRequest request;
	const char *hosts_list;
	VapiUrlHosts hosts;
	int requests; /* made so far */

	/* How it ended. */
	int status;			   /* of the last answer; 0: there was none */
	const char *error;	   /* a sentence without keys, numbers and content; NULL: none */
	const char *vendor_id; /* NULL: as it was */
	const char *vendor_url;
	bool has_hash;
	int64 hash;
	int64 wait_ms;	  /* not before that */
	int64 limited_ms; /* the other side wants no requests for so long */
	bool broken;	  /* the connection failed or it answered 5xx: counts for the circuit breaker */
} VapiDelivery;

/* Can a vendor be asked. */
typedef enum VapiReadiness
{
	VAPI_VENDOR_READY,
	VAPI_VENDOR_TO_PREPARE, /* a token is to be had first */
	VAPI_VENDOR_WAITS		/* for a person, or for some time */
} VapiReadiness;

/*
 * How a vendor is spoken to. All run outside any transaction; what has a
 * delivery runs in its context, and may ereport.
 */
typedef struct VapiVendor
{
	const char *kind;
	int64 (*stamp)(const char *database); /* which key it is, for one that is refused */
	VapiDeliveryVerdict (*begin)(VapiDelivery *delivery);
	VapiDeliveryVerdict (*answer)(VapiDelivery *delivery, const VapiHttpResponse *response);

	/* Of a vendor with tokens; the others have NULL. The delivery is none, but what a request is made of. */
	VapiReadiness (*ready)(void);
	bool (*prepare)(VapiDelivery *delivery); /* false: not now */
	void (*prepared)(VapiDelivery *delivery, const VapiHttpResponse *response);
} VapiVendor;

/* What a worker that is no more was sending becomes uncertain. Returns how many. A transaction of its own. */
extern int64 vapi_outbox_recover(void);

/*
 * Takes up to so many deliveries of the destination that are due, as the
 * destination's order, rate budget, breaker and refused key allow; their
 * contexts are children of parent. *count is how many. A transaction of its own.
 */
extern VapiDelivery **vapi_outbox_claim(const char *destination, const char *database, int most, int64 stamp,
										MemoryContext parent, int *count);

/* Notes how it ended. A transaction of its own. */
extern void vapi_outbox_settle(const VapiDelivery *delivery, VapiDeliveryVerdict verdict, int64 stamp);

/*
 * The verdict for an answer without a usable body: of a failed connection, 429,
 * 5xx; VAPI_DELIVERY_DELIVERED for 2xx, VAPI_DELIVERY_DEAD for any other. Sets
 * status, error, wait_ms, limited_ms, broken. changes: the request may have changed something.
 */
extern VapiDeliveryVerdict vapi_outbox_judge(VapiDelivery *delivery, const VapiHttpResponse *response, bool changes);

/* Says why, with that verdict: a copy fit for logs of at most 200 bytes. */
extern VapiDeliveryVerdict vapi_outbox_fail(VapiDelivery *delivery, VapiDeliveryVerdict verdict, const char *error);

/* Makes the next request, to the URL's host alone, which the setting names. The rest of the request is the caller's. */
extern void
vapi_outbox_ask(VapiDelivery *delivery, const char *method, const char *url, const char *setting, const char *body);

/* The host of a URL of a setting, palloc'd, for VapiUrlHosts. */
extern char *vapi_outbox_host(const char *url);

/* The answer's body as a tree in the current context; NULL when it is no JSON. */
extern VapiJson *vapi_outbox_tree(const VapiHttpResponse *response);

#endif
