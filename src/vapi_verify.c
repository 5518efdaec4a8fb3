#include "vapi_compat.h"

#include "access/xact.h"
#include "common/cryptohash.h"
#include "common/hmac.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "vapi_error.h"
#include "vapi_guc.h"
#include "vapi_secret.h"
#include "vapi_signature.h"
#include "vapi_time.h"
#include "vapi_verify.h"

/* The path under which nginx has the webhook (deploy/nginx). */
#define USUAL_PATH "/api/webhooks/vapi"

/* Where a bearer token also stands: PostgREST takes Authorization for a token of its own. */
#define MOVED_AUTHORIZATION "X-Original-Authorization"

/* How Svix writes its keys. */
#define SVIX_PREFIX "whsec_"

/* Says in the server's log what is wrong with our own secret: once a minute, however many requests come. */
static void
log_problem(const char *message)
{
	static TimestampTz last = 0;
	TimestampTz now = GetCurrentTimestamp();

	if (last != 0 && !TimestampDifferenceExceeds(last, now, 60000))
		return;
	last = now;
	ereport(LOG, (errcode(ERRCODE_VAPI_SECRET), errmsg("a secret of webhooks cannot be used: %s", message)));
}

char *
vapi_verify_secret(const char *database, const char *name, ErrorData **failure)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	char *volatile secret = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		secret = vapi_secret_read(database, name, failure == NULL);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (error->sqlerrcode != ERRCODE_VAPI_SECRET)
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (failure)
			*failure = error;
		else
			log_problem(error->message);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return secret;
}

/* A header's value; NULL when it is not there or empty: Vapi sends an empty one for a secret that is unset. */
static const char *
header_value(const VapiRequest *request, const char *name)
{
	char *lower;
	const char *value;

	if (request->headers == NULL || *name == '\0')
		return NULL;
	lower = pstrdup(name);
	for (char *p = lower; *p != '\0'; p++)
		*p = (char) pg_ascii_tolower((unsigned char) *p);
	value = vapi_json_get(request->headers, lower) ? vapi_json_get(request->headers, lower)->text : NULL;
	pfree(lower);
	return value == NULL || *value == '\0' ? NULL : value;
}

/* What the sender says and the settings ask for, before a secret is looked at. */
typedef struct Claim
{
	const char *token; /* secret and bearer */
	size_t token_length;
	const char *signatures; /* hmac */
	pg_cryptohash_type algorithm;
	size_t digest_length;
	VapiSigned parts;
	char *url;
} Claim;

static VapiVerdict
read_token(const VapiRequest *request, Claim *claim)
{
	const bool bearer = vapi_guc_webhook_auth == VAPI_WEBHOOK_BEARER;
	const char *name = vapi_guc_webhook_header;
	const char *value;

	if (*name == '\0')
		name = bearer ? "Authorization" : "X-Vapi-Secret";
	value = header_value(request, name);
	if (value == NULL && pg_strcasecmp(name, "Authorization") == 0)
		value = header_value(request, MOVED_AUTHORIZATION);
	if (value == NULL)
		return VAPI_VERDICT_MISSING;
	claim->token = value;
	claim->token_length = strlen(value);
	if (bearer)
		claim->token = vapi_signature_bearer(value, &claim->token_length);
	return claim->token == NULL ? VAPI_VERDICT_MISSING : VAPI_VERDICT_GENUINE;
}

/* Counts what a format gives, to see whether it gives anything. */
static void
ignore(void *context, const void *bytes, size_t length)
{
}

static VapiVerdict
read_signature(const VapiRequest *request, Claim *claim)
{
	claim->signatures = header_value(request, vapi_guc_webhook_signature_header);
	if (claim->signatures == NULL)
		return VAPI_VERDICT_MISSING;
	switch ((VapiWebhookAlgorithm) vapi_guc_webhook_hmac_algorithm)
	{
		case VAPI_WEBHOOK_SHA256:
			claim->algorithm = PG_SHA256;
			claim->digest_length = 32;
			break;
		case VAPI_WEBHOOK_SHA512:
			claim->algorithm = PG_SHA512;
			claim->digest_length = 64;
			break;
		case VAPI_WEBHOOK_SHA1:
			claim->algorithm = PG_SHA1;
			claim->digest_length = 20;
			break;
	}
	if (*vapi_guc_webhook_url != '\0')
		claim->url = pstrdup(vapi_guc_webhook_url);
	else if (*vapi_guc_public_url != '\0')
		claim->url = psprintf("%s" USUAL_PATH, vapi_guc_public_url);
	claim->parts = (VapiSigned){
		.body = request->body,
		.body_length = request->length,
		.timestamp = header_value(request, vapi_guc_webhook_timestamp_header),
		.method = request->method,
		.url = claim->url,
		.message_id = header_value(request, vapi_guc_webhook_message_id_header),
	};
	if (!vapi_signature_has_time(vapi_guc_webhook_payload_format))
		claim->parts.timestamp = NULL;
	else if (claim->parts.timestamp == NULL || vapi_signature_time(claim->parts.timestamp) == VAPI_TIME_NONE)
		return VAPI_VERDICT_NO_TIME;
	if (!vapi_signature_payload(vapi_guc_webhook_payload_format, &claim->parts, ignore, NULL))
		return VAPI_VERDICT_INCOMPLETE;
	return VAPI_VERDICT_GENUINE;
}

static VapiVerdict
read_claim(const VapiRequest *request, Claim *claim)
{
	return vapi_guc_webhook_auth == VAPI_WEBHOOK_HMAC ? read_signature(request, claim) : read_token(request, claim);
}

/* The context outlives an update that fails; the error is thrown when it is freed. */
typedef struct Digest
{
	pg_hmac_ctx *context;
	bool failed;
} Digest;

static void
update_digest(void *context, const void *bytes, size_t length)
{
	Digest *digest = context;

	if (!digest->failed && pg_hmac_update(digest->context, bytes, length) < 0)
		digest->failed = true;
}

/* The HMAC of what the request claims to have signed. */
static void
compute_digest(const Claim *claim, const uint8 *key, size_t key_length, uint8 *result)
{
	Digest digest = {pg_hmac_create(claim->algorithm), false};

	if (digest.context == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	if (pg_hmac_init(digest.context, key, key_length) < 0)
		digest.failed = true;
	if (!digest.failed)
		(void) vapi_signature_payload(vapi_guc_webhook_payload_format, &claim->parts, update_digest, &digest);
	if (digest.failed || pg_hmac_final(digest.context, result, claim->digest_length) < 0)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not compute an HMAC: %s", pg_hmac_error(digest.context)),
						errhint("Is the hash function of vapi_sales.webhook_hmac_algorithm allowed on this system?")));
	pg_hmac_free(digest.context);
}

/* The bytes that the secret stands for; -1 when it is no base64 where it must be. */
static int
key_bytes(const char *secret, uint8 *key)
{
	if (!vapi_guc_webhook_secret_is_base64)
	{
		memcpy(key, secret, strlen(secret));
		return (int) strlen(secret);
	}
	if (strncmp(secret, SVIX_PREFIX, strlen(SVIX_PREFIX)) == 0)
		secret += strlen(SVIX_PREFIX);
	return vapi_signature_base64(secret, strlen(secret), key, strlen(secret));
}

/* Has it been made with this secret? */
static bool
fits(const Claim *claim, const char *secret)
{
	uint8 digest[VAPI_SIGNATURE_MAX];
	uint8 given[VAPI_SIGNATURE_MAX];
	const char *cursor = claim->signatures;
	size_t size = strlen(secret) + 1;
	uint8 *key;
	int key_length;
	bool found = false;

	if (claim->signatures == NULL)
		return vapi_signature_same(secret, strlen(secret), claim->token, claim->token_length);
	key = palloc(size);
	key_length = key_bytes(secret, key);
	if (key_length > 0)
		compute_digest(claim, key, (size_t) key_length, digest);
	else
		log_problem("the secret is no base64, and vapi_sales.webhook_secret_is_base64 is on");
	explicit_bzero(key, size);
	pfree(key);
	for (int i = 0; key_length > 0 && i < VAPI_SIGNATURE_MOST; i++)
	{
		if (!vapi_signature_next(&cursor, vapi_guc_webhook_signature_prefix,
								 (VapiSignatureEncoding) vapi_guc_webhook_signature_encoding, claim->digest_length,
								 given))
			break;
		found |= vapi_signature_same(digest, claim->digest_length, given, claim->digest_length);
	}
	explicit_bzero(digest, sizeof(digest));
	return found;
}

VapiVerdict
vapi_verify(const VapiRequest *request, const char *database, int64 now)
{
	static const char *const names[] = {VAPI_VERIFY_SECRET, VAPI_VERIFY_PREVIOUS};
	Claim claim = {0};
	VapiVerdict verdict;
	bool have_secret = false;
	bool found = false;

	if (vapi_guc_webhook_auth == VAPI_WEBHOOK_NONE)
		return VAPI_VERDICT_GENUINE;
	verdict = read_claim(request, &claim);
	if (verdict != VAPI_VERDICT_GENUINE)
		return verdict;
	for (size_t i = 0; i < lengthof(names) && !found; i++)
	{
		char *secret = vapi_verify_secret(database, names[i], NULL);

		if (secret == NULL)
			continue;
		have_secret = true;
		found = fits(&claim, secret);
		vapi_secret_wipe(secret);
	}
	if (!have_secret)
		return VAPI_VERDICT_NO_SECRET;
	if (!found)
		return VAPI_VERDICT_WRONG;
	if (claim.parts.timestamp != NULL &&
		!vapi_signature_fresh(vapi_signature_time(claim.parts.timestamp), now, vapi_guc_webhook_tolerance))
		return VAPI_VERDICT_EXPIRED;
	return VAPI_VERDICT_GENUINE;
}

const char *
vapi_verdict_phrase(int64 verdict)
{
	switch (verdict)
	{
		case VAPI_VERDICT_NO_SECRET:
			return "the secret here cannot be read";
		case VAPI_VERDICT_MISSING:
			return "the header with the secret, token or signature was missing or empty";
		case VAPI_VERDICT_WRONG:
			return "the secret, token or signature did not fit";
		case VAPI_VERDICT_NO_TIME:
			return "the header with the signed time was missing or no time";
		case VAPI_VERDICT_EXPIRED:
			return "the signed time was too far from now";
		case VAPI_VERDICT_INCOMPLETE:
			return "a placeholder of webhook_payload_format stood for nothing";
		default:
			return NULL;
	}
}
