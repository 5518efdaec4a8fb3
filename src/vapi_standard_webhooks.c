#include "vapi_compat.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "commands/dbcommands.h"
#include "common/base64.h"
#include "common/sha2.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "vapi_error.h"
#include "vapi_guc.h"
#include "vapi_seal.h"
#include "vapi_secret.h"
#include "vapi_signature.h"
#include "vapi_standard_webhooks.h"
#include "vapi_url.h"

/* What stands before a key; then base64 of 24 to 64 bytes. */
#define KEY_PREFIX "whsec_"
#define KEY_MOST 64

/* A busy receiver is left alone for at least so long. */
#define THROTTLE_MS 5000

char *
vapi_standard_webhooks_sign(const char *key, const char *id, const char *timestamp, const char *body)
{
	uint8 bytes[KEY_MOST];
	uint8 digest[PG_SHA256_DIGEST_LENGTH];
	char encoded[64];
	int length = -1;
	int size;
	char *signed_text;
	unsigned int digest_length = 0;
	bool made;

	if (strncmp(key, KEY_PREFIX, strlen(KEY_PREFIX)) == 0)
		length =
			vapi_signature_base64(key + strlen(KEY_PREFIX), strlen(key) - strlen(KEY_PREFIX), bytes, sizeof(bytes));
	if (length < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the webhook's key is none of Standard Webhooks")));
	signed_text = psprintf("%s.%s.%s", id, timestamp, body);
	/* Not PostgreSQL's own, which needs a transaction. */
	made = HMAC(EVP_sha256(), bytes, length, (const uint8 *) signed_text, strlen(signed_text), digest,
				&digest_length) != NULL;
	pfree(signed_text);
	explicit_bzero(bytes, sizeof(bytes));
	if (!made)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("could not compute an HMAC")));
	/* The server took char before 18, uint8 since. */
	size = pg_b64_encode((const void *) digest, sizeof(digest), encoded, sizeof(encoded) - 1);
	if (size < 0)
		elog(ERROR, "could not encode a signature");
	return psprintf("v1,%.*s", size, encoded);
}

/* The destination's URL and keys, and what is posted, into the delivery's context. */
static char *
read_body(VapiDelivery *delivery, char **url, bytea **secret, bytea **former)
{
	static VapiStatement statement = {
		"SELECT vapi_internal.webhook_body($1), d.url, d.secret,"
		" CASE WHEN d.former_until > clock_timestamp() THEN d.former_secret END"
		" FROM vapi_internal.destination d WHERE d.destination = $2 AND d.kind = 'webhook'",
		NULL};
	bytea **const seals[] = {secret, former};
	VapiParameter parameters[2];
	VapiStoreSection section;
	char *body = NULL;

	vapi_store_begin(&section, "vapi_sales: deliveries");
	parameters[0] = vapi_parameter_int8(delivery->id);
	parameters[1] = vapi_parameter_text(delivery->destination);
	if (vapi_store_execute(&statement, 2, parameters) > 0)
	{
		HeapTuple row = SPI_tuptable->vals[0];

		body = SPI_getvalue(row, SPI_tuptable->tupdesc, 1);
		if (body != NULL)
			body = MemoryContextStrdup(delivery->context, body);
		*url = MemoryContextStrdup(delivery->context, SPI_getvalue(row, SPI_tuptable->tupdesc, 2));
		for (int i = 0; i < 2; i++)
		{
			bool isnull;
			Datum value = SPI_getbinval(row, SPI_tuptable->tupdesc, 3 + i, &isnull);
			MemoryContext old = MemoryContextSwitchTo(delivery->context);

			*seals[i] = isnull ? NULL : DatumGetByteaPCopy(value);
			MemoryContextSwitchTo(old);
		}
	}
	vapi_store_commit(&section);
	MemoryContextSwitchTo(delivery->context);
	return body;
}

/* Adds the signature by a sealed key; false when it cannot be opened. */
static bool
add_signature(VapiDelivery *delivery, StringInfo header, const bytea *sealed, const char *timestamp, const char *body)
{
	char *key = sealed ? vapi_seal_open(delivery->database, VAPI_SEAL_TOKEN_KEY, sealed) : NULL;

	if (key == NULL)
		return false;
	appendStringInfo(header, "%s%s", header->len > 0 ? " " : "",
					 vapi_standard_webhooks_sign(key, psprintf("msg_%s", delivery->key), timestamp, body));
	vapi_secret_wipe(key);
	return true;
}

static VapiDeliveryVerdict
begin(VapiDelivery *delivery)
{
	char *url = NULL;
	bytea *secret = NULL;
	bytea *former = NULL;
	char *body = read_body(delivery, &url, &secret, &former);
	char *timestamp = psprintf(INT64_FORMAT, vapi_store_now() / 1000000);
	StringInfoData signatures;
	const char **headers;

	if (body == NULL)
		return VAPI_DELIVERY_NOTHING;
	initStringInfo(&signatures);
	if (!add_signature(delivery, &signatures, secret, timestamp, body))
		return vapi_outbox_fail(
			delivery, VAPI_DELIVERY_REFUSED,
			"the webhook's key was sealed under another token_key: vapi_rotate_webhook gives it a new one");
	(void) add_signature(delivery, &signatures, former, timestamp, body);
	delivery->hosts_list = vapi_guc_webhook_hosts;
	vapi_outbox_ask(delivery, "POST", url, "vapi_sales.webhook_hosts", body);
	headers = palloc0(sizeof(char *) * 4);
	headers[0] = psprintf("webhook-id: msg_%s", delivery->key);
	headers[1] = psprintf("webhook-timestamp: %s", timestamp);
	headers[2] = psprintf("webhook-signature: %s", signatures.data);
	delivery->request.headers = headers;
	/* Its id tells a receiver that it has it. */
	delivery->request.repeatable = true;
	return VAPI_DELIVERY_ASK;
}

static VapiDeliveryVerdict
answer(VapiDelivery *delivery, const VapiHttpResponse *response)
{
	VapiDeliveryVerdict verdict = vapi_outbox_judge(delivery, response, false);

	if (verdict == VAPI_DELIVERY_DELIVERED)
		return verdict;
	if (response->status == 410)
		return vapi_outbox_fail(delivery, VAPI_DELIVERY_GONE, "the receiver answered 410: it wants no more");
	if (response->status == 429 || response->status == 502 || response->status == 504)
	{
		delivery->limited_ms = Max(delivery->wait_ms, THROTTLE_MS);
		return VAPI_DELIVERY_AGAIN;
	}
	/* A receiver that is being set up answers anything. */
	return verdict == VAPI_DELIVERY_DEAD ? VAPI_DELIVERY_AGAIN : verdict;
}

static int64
stamp(const char *database)
{
	return (int64) vapi_secret_stamp(database, VAPI_SEAL_TOKEN_KEY);
}

const VapiVendor vapi_webhook_vendor = {"webhook", stamp, begin, answer, NULL, NULL, NULL};

PG_FUNCTION_INFO_V1(vapi_sales_seal_webhook_secret);

/* SQL: vapi_internal.seal_webhook_secret(secret). */
Datum
vapi_sales_seal_webhook_secret(PG_FUNCTION_ARGS)
{
	char *key = text_to_cstring(PG_GETARG_TEXT_PP(0));
	bytea *sealed;

	/* A key that could not sign is refused here. */
	(void) vapi_standard_webhooks_sign(key, "", "", "");
	sealed = vapi_seal(get_database_name(MyDatabaseId), VAPI_SEAL_TOKEN_KEY, key);
	vapi_secret_wipe(key);
	PG_RETURN_BYTEA_P(sealed);
}

PG_FUNCTION_INFO_V1(vapi_sales_check_webhook_url);

/* SQL: vapi_internal.check_webhook_url(url). */
Datum
vapi_sales_check_webhook_url(PG_FUNCTION_ARGS)
{
	VapiUrlHosts hosts = {vapi_guc_webhook_hosts, "vapi_sales.webhook_hosts"};
	char host[VAPI_URL_HOST_SIZE];

	vapi_url_check(text_to_cstring(PG_GETARG_TEXT_PP(0)), &hosts, host);
	PG_RETURN_VOID();
}
