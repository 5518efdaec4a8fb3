#include "vapi_compat.h"

#include <crypt.h>

#include "commands/dbcommands.h"
#include "common/base64.h"
#include "common/hmac.h"
#include "common/sha2.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "vapi_secret.h"

/* What bcrypt reads of a password; it would ignore the rest. */
#define PASSWORD_BYTES 72

/* 2^12 rounds: about a quarter of a second. */
#define BCRYPT_COST 12

/* HS256 of RFC 7518 wants a key as long as the hash; PostgREST refuses shorter ones. */
#define TOKEN_KEY "jwt_secret"
#define TOKEN_KEY_BYTES 32

/* 20 characters of 32 are 100 bits. None that looks like another. */
#define PASSWORD_CHARACTERS "abcdefghijkmnpqrstuvwxyz23456789"
#define PASSWORD_LENGTH 20

/* bcrypt of the password with the setting: a hash, or a salt that crypt_gensalt made. */
static char *
bcrypt(const char *password, const char *setting)
{
	struct crypt_data *data = palloc0(sizeof(struct crypt_data));
	char *hash = crypt_rn(password, setting, data, sizeof(struct crypt_data));

	hash = hash ? pstrdup(hash) : NULL;
	explicit_bzero(data, sizeof(struct crypt_data));
	pfree(data);
	return hash;
}

PG_FUNCTION_INFO_V1(vapi_sales_hash_password);

/* SQL: vapi_internal.hash_password(text) */
Datum
vapi_sales_hash_password(PG_FUNCTION_ARGS)
{
	char *password = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];
	char *hash;

	if (strlen(password) > PASSWORD_BYTES)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a password has at most %d bytes", PASSWORD_BYTES)));
	if (crypt_gensalt_rn("$2b$", BCRYPT_COST, NULL, 0, salt, sizeof(salt)) == NULL)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not make a salt: %m")));
	hash = bcrypt(password, salt);
	explicit_bzero(password, strlen(password));
	if (hash == NULL)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not hash a password: %m")));
	PG_RETURN_TEXT_P(cstring_to_text(hash));
}

PG_FUNCTION_INFO_V1(vapi_sales_password_fits);

/* SQL: vapi_internal.password_fits(password text, hash text) */
Datum
vapi_sales_password_fits(PG_FUNCTION_ARGS)
{
	char *password = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char *hash = text_to_cstring(PG_GETARG_TEXT_PP(1));
	bool fits = false;

	if (strlen(password) <= PASSWORD_BYTES)
	{
		char *again = bcrypt(password, hash);

		/* Both are of one length, and made from the salt that is in the hash. */
		fits = again != NULL && strlen(again) == strlen(hash) && timingsafe_bcmp(again, hash, strlen(hash)) == 0;
	}
	explicit_bzero(password, strlen(password));
	PG_RETURN_BOOL(fits);
}

PG_FUNCTION_INFO_V1(vapi_sales_random_password);

/* SQL: vapi_internal.random_password() */
Datum
vapi_sales_random_password(PG_FUNCTION_ARGS)
{
	uint8 bytes[PASSWORD_LENGTH];
	char password[PASSWORD_LENGTH + 1];
	int i;

	if (!pg_strong_random(bytes, sizeof(bytes)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random bytes")));
	for (i = 0; i < PASSWORD_LENGTH; i++)
		password[i] = PASSWORD_CHARACTERS[bytes[i] % 32];
	password[i] = '\0';
	PG_RETURN_TEXT_P(cstring_to_text(password));
}

/* Appends the bytes as base64url without padding (RFC 4648, 5). */
static void
append_base64url(StringInfo out, const void *bytes, int length)
{
	int size = pg_b64_enc_len(length);
	char *encoded = palloc(size + 1);
	int used = pg_b64_encode(bytes, length, encoded, size);
	int i;

	for (i = 0; i < used && encoded[i] != '='; i++)
		appendStringInfoChar(out, encoded[i] == '+' ? '-' : encoded[i] == '/' ? '_'
																			  : encoded[i]);
	pfree(encoded);
}

PG_FUNCTION_INFO_V1(vapi_sales_sign_token);

/* SQL: vapi_internal.sign_token(claims jsonb) */
Datum
vapi_sales_sign_token(PG_FUNCTION_ARGS)
{
	static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
	Jsonb *claims = PG_GETARG_JSONB_P(0);
	char *text = JsonbToCString(NULL, &claims->root, VARSIZE(claims));
	char *key = vapi_secret_read(get_database_name(MyDatabaseId), TOKEN_KEY, false);
	size_t length = strlen(key);
	uint8 digest[PG_SHA256_DIGEST_LENGTH];
	pg_hmac_ctx *context;
	StringInfoData token;
	bool made;

	if (length < TOKEN_KEY_BYTES)
	{
		vapi_secret_wipe(key);
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("the key of tokens is shorter than %d characters", TOKEN_KEY_BYTES),
						errhint("Write a longer one into secret file \"%s\", for PostgREST as well.", TOKEN_KEY)));
	}
	initStringInfo(&token);
	append_base64url(&token, header, (int) strlen(header));
	appendStringInfoChar(&token, '.');
	append_base64url(&token, text, (int) strlen(text));

	context = pg_hmac_create(PG_SHA256);
	made = context != NULL && pg_hmac_init(context, (const uint8 *) key, length) == 0 &&
		   pg_hmac_update(context, (const uint8 *) token.data, token.len) == 0 &&
		   pg_hmac_final(context, digest, sizeof(digest)) == 0;
	if (context != NULL)
		pg_hmac_free(context);
	vapi_secret_wipe(key);
	if (!made)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not sign a token")));
	appendStringInfoChar(&token, '.');
	append_base64url(&token, digest, sizeof(digest));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(token.data, token.len));
}

/* The value of a hexadecimal digit, -1 for anything else. */
static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char) pg_ascii_tolower((unsigned char) c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A part of a query, decoded as the WHATWG URL standard says for application/x-www-form-urlencoded. */
static JsonbValue
decode_part(const char *text, size_t length)
{
	char *decoded = palloc(length + 1);
	JsonbValue value = {.type = jbvString};
	int used = 0;
	size_t i;

	for (i = 0; i < length; i++)
	{
		if (text[i] == '%')
		{
			int high = i + 1 < length ? hex_digit(text[i + 1]) : -1;
			int low = i + 2 < length ? hex_digit(text[i + 2]) : -1;

			if (high < 0 || low < 0)
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
								errmsg("the query has a %% that no two hexadecimal digits follow"),
								errhint("A %% itself is written %%25.")));
			decoded[used++] = (char) (high * 16 + low);
			i += 2;
		}
		else
			decoded[used++] = text[i] == '+' ? ' ' : text[i];
	}
	if (!pg_verify_mbstr(PG_UTF8, decoded, used, true))
		ereport(ERROR, (errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE), errmsg("the query is no UTF-8")));
	value.val.string.val = decoded;
	value.val.string.len = used;
	return value;
}

PG_FUNCTION_INFO_V1(vapi_sales_query_parameters);

/* SQL: vapi_internal.query_parameters(text) */
Datum
vapi_sales_query_parameters(PG_FUNCTION_ARGS)
{
	const char *query = text_to_cstring(PG_GETARG_TEXT_PP(0));
	JsonbParseState *state = NULL;
	JsonbValue *object;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	while (*query != '\0')
	{
		size_t length = strcspn(query, "&");
		size_t name = strcspn(query, "&=");

		if (length > 0)
		{
			JsonbValue key = decode_part(query, name);
			JsonbValue value = decode_part(query + Min(name + 1, length), length - Min(name + 1, length));

			pushJsonbValue(&state, WJB_KEY, &key);
			pushJsonbValue(&state, WJB_VALUE, &value);
		}
		query += length;
		if (*query == '&')
			query++;
	}
	object = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	PG_RETURN_JSONB_P(JsonbValueToJsonb(object));
}
