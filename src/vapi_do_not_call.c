#include "vapi_compat.h"

#include "access/htup_details.h"
#include "commands/dbcommands.h"
#include "common/hmac.h"
#include "common/sha2.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "vapi_secret.h"

/* The secret file; without it hashes are unkeyed. */
#define KEY "token_key"

/* What is hashed is the label with its final zero, then the text. */
#define NUMBER_LABEL "vapi_sales do-not-call number 1"
#define KEY_LABEL "vapi_sales do-not-call key 1"

/* Bytes that name a key. */
#define KEY_ID_BYTES 8

/* HMAC-SHA256 of label and text; an empty key makes it a mere hash. */
static void
hash(const char *key, const char *label, size_t label_size, const char *text, uint8 result[PG_SHA256_DIGEST_LENGTH])
{
	pg_hmac_ctx *context = pg_hmac_create(PG_SHA256);
	bool made = context != NULL && pg_hmac_init(context, (const uint8 *) key, strlen(key)) == 0 &&
				pg_hmac_update(context, (const uint8 *) label, label_size) == 0 &&
				pg_hmac_update(context, (const uint8 *) text, strlen(text)) == 0 &&
				pg_hmac_final(context, result, PG_SHA256_DIGEST_LENGTH) == 0;

	pg_hmac_free(context);
	if (!made)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("a telephone number could not be hashed")));
}

static Datum
bytes(const uint8 digest[PG_SHA256_DIGEST_LENGTH])
{
	bytea *result = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);

	SET_VARSIZE(result, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	memcpy(VARDATA(result), digest, PG_SHA256_DIGEST_LENGTH);
	return PointerGetDatum(result);
}

PG_FUNCTION_INFO_V1(vapi_sales_phone_hashes);

/* SQL: vapi_internal.phone_hashes(phone text) */
Datum
vapi_sales_phone_hashes(PG_FUNCTION_ARGS)
{
	const char *phone = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char *key = vapi_secret_read(get_database_name(MyDatabaseId), KEY, true);
	uint8 digest[PG_SHA256_DIGEST_LENGTH];
	char key_id[KEY_ID_BYTES * 2 + 1] = "";
	TupleDesc descriptor;
	Datum values[3] = {0};
	bool nulls[3] = {key == NULL, false, false};

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("function returning record called in a context that cannot accept it")));
	if (key != NULL)
	{
		hash(key, NUMBER_LABEL, sizeof(NUMBER_LABEL), phone, digest);
		values[0] = bytes(digest);
		hash(key, KEY_LABEL, sizeof(KEY_LABEL), "", digest);
		key_id[hex_encode((const char *) digest, KEY_ID_BYTES, key_id)] = '\0';
	}
	vapi_secret_wipe(key);
	hash("", NUMBER_LABEL, sizeof(NUMBER_LABEL), phone, digest);
	values[1] = bytes(digest);
	values[2] = CStringGetTextDatum(key_id);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}
