#include "vapi_compat.h"

#include "lib/stringinfo.h"
#include "utils/memutils.h"

#include "vapi_error.h"
#include "vapi_guc.h"
#include "vapi_outbox.h"
#include "vapi_retry.h"

/* Answers of vendors are short. */
#define ANSWER_SIZE (4 * 1024 * 1024)

/* Words that long are taken for keys. */
#define KEY_LEAST 32

int64
vapi_outbox_recover(void)
{
	static VapiStatement statement = {"SELECT vapi_internal.delivery_recover($1::integer)", NULL};
	VapiParameter parameter;
	VapiStoreSection section;
	bool isnull;
	int64 count;

	vapi_store_begin(&section, "vapi_sales: deliveries");
	parameter = vapi_parameter_int8(vapi_guc_delivery_attempts);
	(void) vapi_store_execute(&statement, 1, &parameter);
	count = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	vapi_store_commit(&section);
	return count;
}

/* A text column of a row in the delivery's context. */
static char *
row_text(const VapiDelivery *delivery, uint64 row, int column)
{
	char *text = SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);

	return text ? MemoryContextStrdup(delivery->context, text) : NULL;
}

VapiDelivery **
vapi_outbox_claim(const char *destination, const char *database, int most, int64 stamp, MemoryContext parent,
				  int *count)
{
	static VapiStatement statement = {"SELECT c.outbox_id, c.delivery_key, c.kind, c.event, c.attempts, c.uncertain"
									  " FROM vapi_internal.delivery_claim($1, $2::integer, $3) AS c",
									  NULL};
	VapiDelivery **deliveries = NULL;
	VapiParameter parameters[3];
	VapiStoreSection section;
	uint64 rows;

	vapi_store_begin(&section, "vapi_sales: deliveries");
	parameters[0] = vapi_parameter_text(destination);
	parameters[1] = vapi_parameter_int8(most);
	parameters[2] = vapi_parameter_int8(stamp);
	rows = vapi_store_execute(&statement, 3, parameters);
	if (rows > 0)
		deliveries = MemoryContextAlloc(parent, sizeof(VapiDelivery *) * rows);
	for (uint64 i = 0; i < rows; i++)
	{
		MemoryContext context = AllocSetContextCreate(parent, "vapi_sales delivery", ALLOCSET_DEFAULT_SIZES);
		VapiDelivery *delivery = MemoryContextAllocZero(context, sizeof(VapiDelivery));
		HeapTuple row = SPI_tuptable->vals[i];
		bool isnull;

		delivery->context = context;
		delivery->database = database;
		delivery->destination = destination;
		delivery->id = DatumGetInt64(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &isnull));
		delivery->key = row_text(delivery, i, 2);
		delivery->kind = row_text(delivery, i, 3);
		delivery->event = row_text(delivery, i, 4);
		delivery->attempt = DatumGetInt32(SPI_getbinval(row, SPI_tuptable->tupdesc, 5, &isnull));
		delivery->uncertain = DatumGetBool(SPI_getbinval(row, SPI_tuptable->tupdesc, 6, &isnull));
		deliveries[i] = delivery;
	}
	vapi_store_commit(&section);
	*count = (int) rows;
	return deliveries;
}

/* As vapi_internal.delivery_settle() has it. */
static const char *
verdict_name(VapiDeliveryVerdict verdict)
{
	switch (verdict)
	{
		case VAPI_DELIVERY_DELIVERED:
			return "delivered";
		case VAPI_DELIVERY_AGAIN:
			return "again";
		case VAPI_DELIVERY_UNCERTAIN:
			return "uncertain";
		case VAPI_DELIVERY_LATER:
			return "later";
		case VAPI_DELIVERY_REFUSED:
			return "refused";
		case VAPI_DELIVERY_GONE:
			return "gone";
		case VAPI_DELIVERY_DEAD:
			return "dead";
		case VAPI_DELIVERY_NOTHING:
			return "nothing";
		case VAPI_DELIVERY_ASK:
			break;
	}
	elog(ERROR, "a delivery that goes on is not settled");
}

void
vapi_outbox_settle(const VapiDelivery *delivery, VapiDeliveryVerdict verdict, int64 stamp)
{
	static VapiStatement statement = {
		"SELECT vapi_internal.delivery_settle($1, $2, $3::integer, $4, $5, $6, $7, $8, $9, $10,"
		" $11::integer, $12, $13::integer, $14::integer)",
		NULL};
	VapiParameter parameters[14];
	VapiStoreSection section;

	vapi_store_begin(&section, "vapi_sales: deliveries");
	parameters[0] = vapi_parameter_int8(delivery->id);
	parameters[1] = vapi_parameter_text(verdict_name(verdict));
	parameters[2] = vapi_parameter_int8(delivery->status);
	parameters[3] = vapi_parameter_text(delivery->error);
	parameters[4] = vapi_parameter_text(delivery->vendor_id);
	parameters[5] = vapi_parameter_text(delivery->vendor_url);
	parameters[6] = vapi_parameter_int8(delivery->hash);
	parameters[6].isnull = !delivery->has_hash;
	parameters[7] = vapi_parameter_int8(delivery->wait_ms);
	parameters[8] = vapi_parameter_int8(delivery->limited_ms);
	parameters[9] = vapi_parameter_bool(delivery->broken);
	parameters[10] = vapi_parameter_int8(delivery->requests);
	parameters[11] = vapi_parameter_int8(stamp);
	parameters[12] = vapi_parameter_int8(vapi_guc_delivery_backoff);
	parameters[13] = vapi_parameter_int8(vapi_guc_delivery_attempts);
	(void) vapi_store_execute(&statement, 14, parameters);
	vapi_store_commit(&section);
}

/* A copy without what may be a key: a vendor's answer can repeat the one it was asked with. */
static char *
without_keys(const char *text)
{
	static const char *const prefixes[] = {"lin_", "whsec_", "Bearer"};
	static const char key_characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+/=.";
	StringInfoData out;

	initStringInfo(&out);
	while (*text != '\0')
	{
		size_t length = strspn(text, key_characters);
		bool is_key = length >= KEY_LEAST;

		for (size_t i = 0; i < lengthof(prefixes); i++)
			is_key |= length > 0 && strncmp(text, prefixes[i], strlen(prefixes[i])) == 0;
		if (is_key)
			appendStringInfoString(&out, "***");
		else
			appendBinaryStringInfo(&out, text, (int) Max(length, 1));
		text += Max(length, 1);
	}
	return out.data;
}

VapiDeliveryVerdict
vapi_outbox_fail(VapiDelivery *delivery, VapiDeliveryVerdict verdict, const char *error)
{
	const char *safe = without_keys(error);

	delivery->error = MemoryContextStrdup(delivery->context, vapi_error_text(safe, strlen(safe)));
	return verdict;
}

VapiDeliveryVerdict
vapi_outbox_judge(VapiDelivery *delivery, const VapiHttpResponse *response, bool changes)
{
	VapiDeliveryVerdict verdict;

	delivery->status = response->status;
	if (response->status == 0)
	{
		delivery->broken = true;
		/* What never left cannot have arrived. */
		return vapi_outbox_fail(delivery, changes && response->sent ? VAPI_DELIVERY_UNCERTAIN : VAPI_DELIVERY_AGAIN,
								response->error);
	}
	if (response->status >= 200 && response->status < 300)
		return VAPI_DELIVERY_DELIVERED;
	if (response->retry_after > 0)
		delivery->wait_ms = Min(response->retry_after, 86400000);
	if (response->status == 429)
	{
		delivery->limited_ms = Max(delivery->wait_ms, 1000);
		verdict = VAPI_DELIVERY_LATER;
	}
	else if (response->status >= 500)
	{
		delivery->broken = true;
		verdict = changes ? VAPI_DELIVERY_UNCERTAIN : VAPI_DELIVERY_AGAIN;
	}
	else if (vapi_retry_classify(response->status) == VAPI_RETRY_AGAIN)
		verdict = VAPI_DELIVERY_AGAIN;
	else
		verdict = VAPI_DELIVERY_DEAD;
	return vapi_outbox_fail(delivery, verdict, psprintf("it answers with status %d", response->status));
}

char *
vapi_outbox_host(const char *url)
{
	const char *host = strstr(url, "://");

	host = host != NULL ? host + 3 : url;
	return pnstrdup(host, strcspn(host, ":/?#"));
}

void
vapi_outbox_ask(VapiDelivery *delivery, const char *method, const char *url, const char *setting, const char *body)
{
	memset(&delivery->request, 0, sizeof(VapiHttpRequest));
	delivery->hosts.list = delivery->hosts_list != NULL ? delivery->hosts_list : vapi_outbox_host(url);
	delivery->hosts.setting = setting;
	delivery->request.method = method;
	delivery->request.url = url;
	delivery->request.hosts = &delivery->hosts;
	delivery->request.body = body;
	delivery->request.body_length = body != NULL ? strlen(body) : 0;
	delivery->request.timeout_ms = vapi_guc_delivery_timeout;
	delivery->request.max_response = ANSWER_SIZE;
}

VapiJson *
vapi_outbox_tree(const VapiHttpResponse *response)
{
	VapiJsonReport report;

	if (response->status == 0 || response->body_length == 0)
		return NULL;
	return vapi_json_parse(pnstrdup(response->body, response->body_length), response->body_length, &report);
}
