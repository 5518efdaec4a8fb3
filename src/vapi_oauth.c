#include "vapi_compat.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/memutils.h"

#include "vapi_error.h"
#include "vapi_guc.h"
#include "vapi_oauth.h"
#include "vapi_seal.h"
#include "vapi_secret.h"
#include "vapi_time.h"

/* How long a failed refresh leaves it alone. */
#define REFRESH_PAUSE "5 seconds"

/* Why sealed tokens cannot be opened. */
#define OTHER_KEY "the tokens were sealed under another token_key"

/* What FreshBooks gives when it does not say. */
#define LIFE_S 43200

typedef struct Refresh
{
	int64 version;
	bool repeated; /* the answer of another one was lost */
} Refresh;

/* "id:secret" in two; the caller wipes both. */
static void
read_client(const char *database, char **id, char **secret)
{
	char *both = vapi_secret_read(database, VAPI_OAUTH_CLIENT, false);
	char *colon = strchr(both, ':');

	if (colon == NULL || colon == both || colon[1] == '\0')
	{
		vapi_secret_wipe(both);
		ereport(ERROR, (errcode(ERRCODE_VAPI_SECRET),
						errmsg("the secret \"%s\" is not an id and a secret", VAPI_OAUTH_CLIENT),
						errhint("Write the application's client id, a colon and its client secret in one line.")));
	}
	*id = pnstrdup(both, colon - both);
	*secret = pstrdup(colon + 1);
	vapi_secret_wipe(both);
}

char *
vapi_oauth_client_id(const char *database)
{
	char *id;
	char *secret;

	read_client(database, &id, &secret);
	vapi_secret_wipe(secret);
	return id;
}

char *
vapi_oauth_body(const char *database, const char *grant, const char *value, const char *redirect_uri)
{
	StringInfoData body;
	char *id;
	char *secret;

	read_client(database, &id, &secret);
	initStringInfo(&body);
	appendStringInfo(&body, "{\"grant_type\": \"%s\", \"client_id\": ", grant);
	escape_json(&body, id);
	appendStringInfoString(&body, ", \"client_secret\": ");
	escape_json(&body, secret);
	appendStringInfoString(&body, ", \"redirect_uri\": ");
	escape_json(&body, redirect_uri);
	appendStringInfo(&body, ", \"%s\": ", strcmp(grant, "refresh_token") == 0 ? "refresh_token" : "code");
	escape_json(&body, value);
	appendStringInfoChar(&body, '}');
	vapi_secret_wipe(id);
	vapi_secret_wipe(secret);
	return body.data;
}

VapiReadiness
vapi_oauth_ready(void)
{
	/* At four fifths of its life it is refreshed. */
	static VapiStatement statement = {
		"SELECT CASE WHEN c.needs_authorization IS NOT NULL THEN 2"
		" WHEN clock_timestamp() < c.issued_at + (c.expires_at - c.issued_at) * 0.8 THEN 0"
		" WHEN c.refresh_after > clock_timestamp() THEN 2 ELSE 1 END"
		" FROM vapi_internal.freshbooks_connection c",
		NULL};
	VapiReadiness readiness = VAPI_VENDOR_WAITS;
	VapiStoreSection section;
	bool isnull;

	vapi_store_begin(&section, "vapi_sales: deliveries");
	if (vapi_store_execute(&statement, 0, NULL) > 0)
	{
		int32 found = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));

		readiness = found == 0 ? VAPI_VENDOR_READY : found == 1 ? VAPI_VENDOR_TO_PREPARE
																: VAPI_VENDOR_WAITS;
	}
	vapi_store_commit(&section);
	return readiness;
}

/* Notes why a person is needed, unless there are other tokens by now. */
static void
need_authorization(int64 version, const char *why)
{
	static VapiStatement statement = {
		"UPDATE vapi_internal.freshbooks_connection SET needs_authorization = $2, refresh_started_at = NULL"
		" WHERE version = $1",
		NULL};
	VapiParameter parameters[2];
	VapiStoreSection section;

	vapi_store_begin(&section, "vapi_sales: deliveries");
	parameters[0] = vapi_parameter_int8(version);
	parameters[1] = vapi_parameter_text(why);
	(void) vapi_store_execute(&statement, 2, parameters);
	vapi_store_commit(&section);
}

/* A sealed column of the first row, opened in context; NULL when it cannot be. */
static char *
opened(const char *database, int column, MemoryContext context)
{
	bool isnull;
	Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull);
	MemoryContext old = MemoryContextSwitchTo(context);
	char *text = isnull ? NULL : vapi_seal_open(database, VAPI_SEAL_TOKEN_KEY, DatumGetByteaPP(value));

	MemoryContextSwitchTo(old);
	return text;
}

char *
vapi_oauth_access(const char *database, bool in_transaction, int64 *version)
{
	static VapiStatement statement = {"SELECT c.access_token, c.version FROM vapi_internal.freshbooks_connection c"
									  " WHERE c.needs_authorization IS NULL AND c.expires_at > clock_timestamp()",
									  NULL};
	MemoryContext context = CurrentMemoryContext;
	VapiStoreSection section;
	char *token = NULL;
	bool isnull;

	if (in_transaction)
		vapi_store_enter(&section);
	else
		vapi_store_begin(&section, "vapi_sales: deliveries");
	*version = 0;
	if (vapi_store_execute(&statement, 0, NULL) > 0)
	{
		token = opened(database, 1, context);
		*version = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	}
	if (in_transaction)
		vapi_store_leave(&section);
	else
		vapi_store_commit(&section);
	MemoryContextSwitchTo(context);
	if (token == NULL && *version != 0 && !in_transaction)
	{
		need_authorization(*version, OTHER_KEY);
		MemoryContextSwitchTo(context);
	}
	return token;
}

int64
vapi_oauth_version(void)
{
	static VapiStatement statement = {"SELECT c.version FROM vapi_internal.freshbooks_connection c", NULL};
	VapiStoreSection section;
	int64 version = 0;
	bool isnull;

	vapi_store_begin(&section, "vapi_sales: deliveries");
	if (vapi_store_execute(&statement, 0, NULL) > 0)
		version = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	vapi_store_commit(&section);
	return version;
}

bool
vapi_oauth_begin_refresh(VapiDelivery *delivery)
{
	static VapiStatement look = {
		"SELECT c.refresh_token, c.redirect_uri, c.version, c.refresh_started_at IS NOT NULL"
		" FROM vapi_internal.freshbooks_connection c WHERE c.needs_authorization IS NULL FOR UPDATE",
		NULL};
	static VapiStatement note = {
		"UPDATE vapi_internal.freshbooks_connection SET refresh_started_at = clock_timestamp()", NULL};
	Refresh *refresh = MemoryContextAllocZero(delivery->context, sizeof(Refresh));
	VapiStoreSection section;
	char *token = NULL;
	char *redirect_uri = NULL;
	bool found;
	bool isnull;

	vapi_store_begin(&section, "vapi_sales: deliveries");
	found = vapi_store_execute(&look, 0, NULL) > 0;
	if (found)
	{
		token = opened(delivery->database, 1, delivery->context);
		redirect_uri =
			MemoryContextStrdup(delivery->context, SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2));
		refresh->version = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 3, &isnull));
		refresh->repeated = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 4, &isnull));
		(void) vapi_store_execute(&note, 0, NULL);
	}
	vapi_store_commit(&section);
	MemoryContextSwitchTo(delivery->context);
	if (!found)
		return false;
	if (token == NULL)
	{
		need_authorization(refresh->version, OTHER_KEY);
		MemoryContextSwitchTo(delivery->context);
		return false;
	}
	delivery->state = refresh;
	vapi_outbox_ask(delivery, "POST", psprintf("%s/auth/oauth/token", vapi_guc_freshbooks_url),
					"vapi_sales.freshbooks_url",
					vapi_oauth_body(delivery->database, "refresh_token", token, redirect_uri));
	vapi_secret_wipe(token);
	return true;
}

/* Another attempt after a while: the token may be good yet. */
static void
put_off(int64 version, const char *error)
{
	static VapiStatement statement = {
		"UPDATE vapi_internal.freshbooks_connection SET refresh_after = clock_timestamp()"
		" + interval '" REFRESH_PAUSE "' * (0.5 + random()) WHERE version = $1",
		NULL};
	static VapiStatement note = {
		"UPDATE vapi_internal.destination_state SET last_error = $1, last_error_at = clock_timestamp()"
		" WHERE destination = 'freshbooks'",
		NULL};
	VapiParameter parameter;
	VapiStoreSection section;

	vapi_store_begin(&section, "vapi_sales: deliveries");
	parameter = vapi_parameter_int8(version);
	(void) vapi_store_execute(&statement, 1, &parameter);
	parameter = vapi_parameter_text(error);
	(void) vapi_store_execute(&note, 1, &parameter);
	vapi_store_commit(&section);
}

/* The pair of an answer as parameters $1 to $4: both sealed, when issued, when they end. False: it is none. */
static bool
pair_parameters(const char *database, const VapiJson *tokens, VapiParameter *parameters)
{
	const char *access = vapi_json_string(tokens, "access_token");
	const char *refresh = vapi_json_string(tokens, "refresh_token");
	const char *created = vapi_json_number(tokens, "created_at");
	const char *life = vapi_json_number(tokens, "expires_in");
	int64 now = vapi_store_now();
	int64 issued = created ? strtoll(created, NULL, 10) * 1000000 : now;
	int64 life_us = (life ? strtoll(life, NULL, 10) : LIFE_S) * 1000000;

	if (access == NULL || refresh == NULL || life_us <= 0)
		return false;
	/* Their clock is not ours. */
	if (issued > now || issued < now - 60 * INT64CONST(1000000))
		issued = now;
	parameters[0] =
		(VapiParameter){BYTEAOID, PointerGetDatum(vapi_seal(database, VAPI_SEAL_TOKEN_KEY, access)), false};
	parameters[1] =
		(VapiParameter){BYTEAOID, PointerGetDatum(vapi_seal(database, VAPI_SEAL_TOKEN_KEY, refresh)), false};
	parameters[2] = vapi_parameter_time(issued);
	parameters[3] = vapi_parameter_time(issued + life_us);
	return true;
}

/* Commits the new pair; after that it may be used. */
static bool
store_pair(VapiDelivery *delivery, const VapiJson *tokens)
{
	static VapiStatement statement = {
		"UPDATE vapi_internal.freshbooks_connection SET access_token = $1, refresh_token = $2, issued_at = $3,"
		" expires_at = $4, version = version + 1, refresh_started_at = NULL, refresh_after = NULL,"
		" needs_authorization = NULL WHERE version = $5",
		NULL};
	const Refresh *refresh = delivery->state;
	VapiParameter parameters[5];
	VapiStoreSection section;

	if (!pair_parameters(delivery->database, tokens, parameters))
		return false;
	vapi_store_begin(&section, "vapi_sales: deliveries");
	parameters[4] = vapi_parameter_int8(refresh->version);
	(void) vapi_store_execute(&statement, 5, parameters);
	vapi_store_commit(&section);
	MemoryContextSwitchTo(delivery->context);
	return true;
}

void
vapi_oauth_end_refresh(VapiDelivery *delivery, const VapiHttpResponse *response)
{
	const Refresh *refresh = delivery->state;
	VapiDeliveryVerdict verdict = vapi_outbox_judge(delivery, response, false);

	if (verdict == VAPI_DELIVERY_DELIVERED)
	{
		if (!store_pair(delivery, vapi_outbox_tree(response)))
			need_authorization(refresh->version, "FreshBooks answered a refresh without tokens");
	}
	else if (verdict == VAPI_DELIVERY_DEAD)
	{
		const char *error = vapi_json_string(vapi_outbox_tree(response), "error");

		if (refresh->repeated && error != NULL && strcmp(error, "invalid_grant") == 0)
			error = "a refresh was interrupted, and its token is used up";
		else
			error = psprintf("FreshBooks refused the refresh: %s", error != NULL && strlen(error) < 32
																	   ? vapi_error_text(error, strlen(error))
																	   : delivery->error);
		need_authorization(refresh->version, error);
	}
	else
		put_off(refresh->version, delivery->error);
	MemoryContextSwitchTo(delivery->context);
}

void
vapi_oauth_refused(int64 version)
{
	static VapiStatement statement = {
		"UPDATE vapi_internal.freshbooks_connection SET expires_at = least(expires_at, clock_timestamp()),"
		" needs_authorization = CASE WHEN issued_at > clock_timestamp() - interval '30 seconds'"
		"  THEN 'FreshBooks refuses a token that it has just given' END"
		" WHERE version = $1 AND expires_at > clock_timestamp()",
		NULL};
	MemoryContext context = CurrentMemoryContext;
	VapiParameter parameter;
	VapiStoreSection section;

	vapi_store_begin(&section, "vapi_sales: deliveries");
	parameter = vapi_parameter_int8(version);
	(void) vapi_store_execute(&statement, 1, &parameter);
	vapi_store_commit(&section);
	MemoryContextSwitchTo(context);
}

void
vapi_oauth_connect(const char *database, const VapiJson *tokens, const char *redirect_uri, int64 business_id,
				   const char *account_id, const char *business_name)
{
	static VapiStatement statement = {
		"INSERT INTO vapi_internal.freshbooks_connection AS c (access_token, refresh_token, issued_at, expires_at,"
		" redirect_uri, business_id, account_id, business_name) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
		" ON CONFLICT (only_row) DO UPDATE SET access_token = excluded.access_token,"
		" refresh_token = excluded.refresh_token, issued_at = excluded.issued_at, expires_at = excluded.expires_at,"
		" redirect_uri = excluded.redirect_uri, business_id = excluded.business_id, account_id = excluded.account_id,"
		" business_name = excluded.business_name, version = c.version + 1, connected_at = now(),"
		" refresh_started_at = NULL, refresh_after = NULL, needs_authorization = NULL",
		NULL};
	VapiParameter parameters[8];
	VapiStoreSection section;

	if (!pair_parameters(database, tokens, parameters))
		ereport(ERROR, (errcode(ERRCODE_VAPI_UNAVAILABLE), errmsg("FreshBooks answered without tokens")));
	parameters[4] = vapi_parameter_text(redirect_uri);
	parameters[5] = vapi_parameter_int8(business_id);
	parameters[6] = vapi_parameter_text(account_id);
	parameters[7] = vapi_parameter_text(business_name);
	vapi_store_enter(&section);
	(void) vapi_store_execute(&statement, 8, parameters);
	vapi_store_leave(&section);
}
