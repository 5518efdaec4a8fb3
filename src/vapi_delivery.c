#include "vapi_compat.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "vapi_delivery.h"
#include "vapi_error.h"
#include "vapi_freshbooks.h"
#include "vapi_http.h"
#include "vapi_instance.h"
#include "vapi_linear.h"
#include "vapi_outbox.h"
#include "vapi_standard_webhooks.h"

/* Deliveries on their way to one destination, and to all. Who has none on its way may always begin one. */
#define TARGET_MOST 8
#define ALL_MOST 24

/* While others are waited for, new ones begin for so long after the step's time. */
#define OVERTIME_MS 30000

/* How often it looks for what has come since. */
#define LOOK_MS 200

/* The longest single wait. */
#define WAIT_MS 200

/* What a host that is not allowed waits for. */
#define HOST_MS (10 * 60 * 1000)

/* A destination. */
typedef struct Target
{
	char *name;
	const VapiVendor *vendor;
	int on_way;
	bool preparing;
} Target;

/* A request on its way: of a delivery, or one that prepares a target. */
typedef struct Flight
{
	Target *target;
	VapiDelivery *delivery;
	VapiHttpTransfer *transfer;
	bool prepares;
	int64 stamp;
} Flight;

typedef struct Round
{
	VapiStepWork *work;
	Target *targets;
	int ntargets;
	Flight flights[VAPI_HTTP_MOST_CONNECTIONS];
	int nflights;
	bool progress; /* something ended since the last look */
	bool more;	   /* time ended it, not the lack of work */
} Round;

/* Its connections are kept; it belongs to the process. */
static VapiHttpClient *client = NULL;
static MemoryContext client_context = NULL;

static const VapiVendor *
vendor_of(const char *kind)
{
	static const VapiVendor *const vendors[] = {&vapi_linear_vendor, &vapi_freshbooks_vendor, &vapi_webhook_vendor};

	for (size_t i = 0; i < lengthof(vendors); i++)
		if (strcmp(vendors[i]->kind, kind) == 0)
			return vendors[i];
	elog(ERROR, "there is no kind of destination \"%s\"", kind);
}

/* The destinations that are switched on; none in a copy. */
static void
read_targets(Round *round)
{
	static VapiStatement statement = {
		"SELECT d.destination, d.kind FROM vapi_internal.destination d WHERE d.enabled ORDER BY d.destination", NULL};
	MemoryContext context = round->work->context;
	VapiStoreSection section;
	uint64 rows;

	vapi_store_begin(&section, "vapi_sales: deliveries");
	rows = vapi_store_execute(&statement, 0, NULL);
	if (rows > 0)
		round->targets = MemoryContextAllocZero(context, sizeof(Target) * rows);
	for (uint64 i = 0; i < rows; i++)
	{
		char *name = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);

		round->targets[i].name = MemoryContextStrdup(context, name);
		round->targets[i].vendor = vendor_of(SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2));
	}
	round->ntargets = (int) rows;
	if (rows > 0 && !vapi_instance_matches())
		round->ntargets = 0;
	vapi_store_commit(&section);
	MemoryContextSwitchTo(context);
}

/* Sends a request, and forgets the key that it was made with. */
static VapiHttpTransfer *
send_request(VapiDelivery *delivery)
{
	VapiHttpTransfer *transfer = vapi_http_start(client, &delivery->request);

	delivery->requests++;
	if (delivery->request.authorization != NULL)
		explicit_bzero(unconstify(char *, delivery->request.authorization), strlen(delivery->request.authorization));
	if (delivery->request.body != NULL)
		explicit_bzero(unconstify(char *, delivery->request.body), delivery->request.body_length);
	delivery->request.authorization = NULL;
	delivery->request.body = NULL;
	return transfer;
}

/* What an error in the midst of a delivery means for it. Throws cancels on. */
static VapiDeliveryVerdict
contain(VapiDelivery *delivery, bool asked)
{
	ErrorData *error;
	VapiDeliveryVerdict verdict = asked ? VAPI_DELIVERY_UNCERTAIN : VAPI_DELIVERY_AGAIN;

	MemoryContextSwitchTo(delivery->context);
	error = CopyErrorData();
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		PG_RE_THROW();
	FlushErrorState();
	AbortOutOfAnyTransaction();
	MemoryContextSwitchTo(delivery->context);
	if (error->sqlerrcode == ERRCODE_VAPI_SECRET)
		verdict = VAPI_DELIVERY_REFUSED;
	else if (error->sqlerrcode == ERRCODE_VAPI_HOST_REFUSED)
	{
		delivery->wait_ms = HOST_MS;
		verdict = VAPI_DELIVERY_LATER;
	}
	return vapi_outbox_fail(delivery, verdict, error->message);
}

/* Begins a delivery, or goes on with it by an answer; *transfer when it asks something next. */
static VapiDeliveryVerdict
take_further(const VapiVendor *vendor, VapiDelivery *delivery, const VapiHttpResponse *response,
			 VapiHttpTransfer **transfer)
{
	volatile VapiDeliveryVerdict verdict = VAPI_DELIVERY_AGAIN;

	*transfer = NULL;
	PG_TRY();
	{
		MemoryContextSwitchTo(delivery->context);
		verdict = response == NULL ? vendor->begin(delivery) : vendor->answer(delivery, response);
		if (verdict == VAPI_DELIVERY_ASK)
			*transfer = send_request(delivery);
	}
	PG_CATCH();
	{
		verdict = contain(delivery, response != NULL);
	}
	PG_END_TRY();
	return verdict;
}

/* A delivery came to an end, or to a wait. */
static void
settle(Round *round, Target *target, VapiDelivery *delivery, VapiDeliveryVerdict verdict, int64 stamp)
{
	vapi_outbox_settle(delivery, verdict, stamp);
	MemoryContextSwitchTo(round->work->context);
	MemoryContextDelete(delivery->context);
	target->on_way--;
	round->work->done++;
	round->progress = true;
}

/* Remembers a request on its way. */
static void
add_flight(Round *round, Target *target, VapiDelivery *delivery, VapiHttpTransfer *transfer, bool prepares,
		   int64 stamp)
{
	Flight *flight = &round->flights[round->nflights++];

	flight->target = target;
	flight->delivery = delivery;
	flight->transfer = transfer;
	flight->prepares = prepares;
	flight->stamp = stamp;
}

/* Has the token of a target brought, beside the others. */
static void
prepare(Round *round, Target *target)
{
	MemoryContext context = AllocSetContextCreate(round->work->context, "vapi_sales delivery", ALLOCSET_DEFAULT_SIZES);
	VapiDelivery *delivery = MemoryContextAllocZero(context, sizeof(VapiDelivery));
	VapiHttpTransfer *volatile transfer = NULL;

	delivery->context = context;
	delivery->database = round->work->place->database;
	delivery->destination = target->name;
	PG_TRY();
	{
		MemoryContextSwitchTo(context);
		if (target->vendor->prepare(delivery))
			transfer = send_request(delivery);
	}
	PG_CATCH();
	{
		(void) contain(delivery, false);
		ereport(LOG,
				(errmsg("vapi_sales: the token of \"%s\" could not be refreshed: %s", target->name, delivery->error)));
	}
	PG_END_TRY();
	MemoryContextSwitchTo(round->work->context);
	if (transfer == NULL)
	{
		MemoryContextDelete(context);
		return;
	}
	target->preparing = true;
	add_flight(round, target, delivery, transfer, true, 0);
}

/* Takes what is due at a target. */
static void
begin_some(Round *round, Target *target)
{
	const char *database = round->work->place->database;
	int room = Min(TARGET_MOST - target->on_way, ALL_MOST - round->nflights);
	VapiDelivery **deliveries;
	VapiReadiness readiness;
	int64 stamp;
	int count;

	if (target->on_way == 0 && round->nflights < VAPI_HTTP_MOST_CONNECTIONS)
		room = Max(room, 1);
	if (room <= 0 || target->preparing)
		return;
	readiness = target->vendor->ready ? target->vendor->ready() : VAPI_VENDOR_READY;
	/* A new token ends the former one: nothing may be on its way with that. */
	if (readiness == VAPI_VENDOR_TO_PREPARE && target->on_way == 0)
		prepare(round, target);
	if (readiness != VAPI_VENDOR_READY)
		return;
	stamp = target->vendor->stamp(database);
	deliveries = vapi_outbox_claim(target->name, database, room, stamp, round->work->context, &count);
	for (int i = 0; i < count; i++)
	{
		VapiHttpTransfer *transfer;
		VapiDeliveryVerdict verdict;

		target->on_way++;
		verdict = take_further(target->vendor, deliveries[i], NULL, &transfer);
		if (verdict == VAPI_DELIVERY_ASK)
			add_flight(round, target, deliveries[i], transfer, false, stamp);
		else
			settle(round, target, deliveries[i], verdict, stamp);
	}
}

/* An answer is there: the delivery goes on, or ends. Returns whether the flight is over. */
static bool
land(Round *round, Flight *flight)
{
	Target *target = flight->target;
	VapiDelivery *delivery = flight->delivery;
	VapiHttpResponse *response;
	VapiDeliveryVerdict verdict;

	MemoryContextSwitchTo(delivery->context);
	response = vapi_http_finish(flight->transfer);
	if (flight->prepares)
	{
		target->vendor->prepared(delivery, response);
		MemoryContextSwitchTo(round->work->context);
		MemoryContextDelete(delivery->context);
		target->preparing = false;
		round->progress = true;
		return true;
	}
	verdict = take_further(target->vendor, delivery, response, &flight->transfer);
	if (verdict == VAPI_DELIVERY_ASK)
		return false;
	settle(round, target, delivery, verdict, flight->stamp);
	return true;
}

/* Takes all answers that are there. */
static void
land_all(Round *round)
{
	int i = 0;

	while (i < round->nflights)
	{
		Flight *flight = &round->flights[i];

		if (vapi_http_poll(flight->transfer) && land(round, flight))
			round->flights[i] = round->flights[--round->nflights];
		else
			i++;
	}
}

/* May something new begin? Past the step's time only beside others that are waited for. */
static bool
may_begin(Round *round)
{
	VapiStepWork *work = round->work;

	if (vapi_step_goes_on(work))
		return true;
	round->more = true;
	return round->nflights > 0 && GetCurrentTimestamp() < TimestampTzPlusMilliseconds(work->until, OVERTIME_MS);
}

static void
deliver(Round *round)
{
	TimestampTz looked_at = 0;

	do
	{
		if ((round->progress || TimestampDifferenceExceeds(looked_at, GetCurrentTimestamp(), LOOK_MS)) &&
			may_begin(round))
		{
			round->progress = false;
			looked_at = GetCurrentTimestamp();
			for (int i = 0; i < round->ntargets; i++)
				begin_some(round, &round->targets[i]);
		}
		/* An answer may have come while the next request was sent. */
		land_all(round);
		if (round->nflights > 0 && !round->progress)
		{
			vapi_http_wait(client, WAIT_MS);
			land_all(round);
		}
	} while (round->nflights > 0 || (round->progress && vapi_step_goes_on(round->work)));
}

void
vapi_delivery_take(VapiStepWork *work)
{
	Round *round = MemoryContextAllocZero(work->context, sizeof(Round));

	round->work = work;
	read_targets(round);
	if (round->ntargets == 0)
		return;
	(void) vapi_outbox_recover();
	MemoryContextSwitchTo(work->context);
	if (client == NULL)
	{
		client_context = AllocSetContextCreate(TopMemoryContext, "vapi_sales deliveries", ALLOCSET_DEFAULT_SIZES);
		client = vapi_http_client_create_wide(client_context, VAPI_HTTP_MOST_CONNECTIONS);
	}
	PG_TRY();
	{
		deliver(round);
	}
	PG_CATCH();
	{
		/* What is on its way is dropped with its client. */
		client = NULL;
		MemoryContextDelete(client_context);
		PG_RE_THROW();
	}
	PG_END_TRY();
	work->more = round->more && work->done > 0;
}
