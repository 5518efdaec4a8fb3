#include "vapi_compat.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "commands/dbcommands.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "vapi_error.h"
#include "vapi_instance.h"
#include "vapi_secret.h"
#include "vapi_store.h"

/* Bytes of the hash that are kept: enough to tell files apart, too few to try what is in them by. */
#define HASH_BYTES 16

/* What tells this installation from others. */
typedef struct Identity
{
	int64 system_identifier;
	int64 database_id;
	char *hash; /* of the file, in hexadecimal; NULL: there is none */
} Identity;

/* The hash of a secret, which is wiped. */
static char *
hash_of(char *secret)
{
	uint8 digest[PG_SHA256_DIGEST_LENGTH];
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);
	char *text = palloc(HASH_BYTES * 2 + 1);
	bool good = context != NULL && pg_cryptohash_init(context) >= 0 &&
				pg_cryptohash_update(context, (const uint8 *) secret, strlen(secret)) >= 0 &&
				pg_cryptohash_final(context, digest, sizeof(digest)) >= 0;

	pg_cryptohash_free(context);
	vapi_secret_wipe(secret);
	if (!good)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("the identity could not be hashed")));
	text[hex_encode((const char *) digest, HASH_BYTES, text)] = '\0';
	return text;
}

/* Reads what tells this installation from others. */
static void
read_identity(void *result)
{
	Identity *identity = result;
	char *secret = vapi_secret_read(get_database_name(MyDatabaseId), VAPI_INSTANCE_FILE, true);

	identity->system_identifier = (int64) GetSystemIdentifier();
	identity->database_id = (int64) MyDatabaseId;
	identity->hash = secret ? hash_of(secret) : NULL;
}

bool
vapi_instance_matches(void)
{
	static VapiStatement compare = {
		"SELECT count(*), count(*) FILTER (WHERE i.system_identifier = $1 AND i.database_id = $2"
		" AND i.file_hash IS NOT DISTINCT FROM $3) FROM vapi_internal.instance i",
		NULL};
	static VapiStatement record = {
		"INSERT INTO vapi_internal.instance (system_identifier, database_id, file_hash) VALUES ($1, $2, $3)", NULL};
	Identity identity;
	VapiParameter parameters[3];
	VapiStoreSection section;
	int64 recorded;
	int64 own;
	bool isnull;

	read_identity(&identity);
	vapi_store_enter(&section);
	parameters[0] = vapi_parameter_int8(identity.system_identifier);
	parameters[1] = vapi_parameter_int8(identity.database_id);
	parameters[2] = vapi_parameter_text(identity.hash);
	(void) vapi_store_execute(&compare, 3, parameters);
	recorded = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	own = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	if (recorded == 0 && !XactReadOnly)
		(void) vapi_store_execute(&record, 3, parameters);
	vapi_store_leave(&section);
	return own == recorded;
}

void
vapi_instance_check(void)
{
	if (vapi_instance_matches())
		return;
	ereport(ERROR,
			(errcode(ERRCODE_VAPI_INSTANCE),
			 errmsg("this database is a copy, from which nothing goes out"),
			 errdetail("It was last at work in another cluster or database, or with another file %s.",
					   VAPI_INSTANCE_FILE),
			 errhint("If it takes over from the other one, run SELECT vapi.vapi_adopt_instance().")));
}

PG_FUNCTION_INFO_V1(vapi_sales_instance_matches);

/* SQL: vapi_internal.instance_matches() */
Datum
vapi_sales_instance_matches(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(vapi_instance_matches());
}

PG_FUNCTION_INFO_V1(vapi_sales_instance_check);

/* SQL: vapi_internal.instance_check() */
Datum
vapi_sales_instance_check(PG_FUNCTION_ARGS)
{
	vapi_instance_check();
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(vapi_sales_instance_identity);

/* SQL: vapi_internal.instance_identity() */
Datum
vapi_sales_instance_identity(PG_FUNCTION_ARGS)
{
	Identity identity = {0};
	ErrorData *failure = vapi_store_attempt(read_identity, &identity);
	TupleDesc descriptor;
	Datum values[4] = {0};
	bool nulls[4] = {false, false, true, true};

	if (failure != NULL && failure->sqlerrcode != ERRCODE_VAPI_SECRET)
		ReThrowError(failure);
	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("function returning record called in a context that cannot accept it")));
	values[0] = Int64GetDatum((int64) GetSystemIdentifier());
	values[1] = Int64GetDatum((int64) MyDatabaseId);
	nulls[2] = identity.hash == NULL;
	if (identity.hash != NULL)
		values[2] = CStringGetTextDatum(identity.hash);
	nulls[3] = failure == NULL;
	if (failure != NULL)
		values[3] = CStringGetTextDatum(failure->message);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}
