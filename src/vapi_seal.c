#include "vapi_seal.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/sha2.h"
#include "port.h"

#include "vapi_error.h"
#include "vapi_secret.h"

/* NIST SP 800-38D: a random nonce of 96 bits, a tag of 128. */
#define NONCE_SIZE 12
#define TAG_SIZE 16

/* Shorter ones could be guessed. */
#define TOKEN_KEY_LEAST 32

/* OpenSSL did not do what it must. */
pg_noreturn static void
report_failure(EVP_CIPHER_CTX *context)
{
	EVP_CIPHER_CTX_free(context);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("could not encrypt: OpenSSL does not offer AES-256-GCM")));
}

/* The key of seals: derived, so that it is good for nothing else. */
static void
derive_key(const char *database, const char *secret_name, uint8 key[PG_SHA256_DIGEST_LENGTH])
{
	static const char label[] = "vapi_sales seal 1";
	char *secret = vapi_secret_read(database, secret_name, false);
	unsigned int length = 0;
	bool made;

	if (strcmp(secret_name, VAPI_SEAL_TOKEN_KEY) == 0 && strlen(secret) < TOKEN_KEY_LEAST)
	{
		vapi_secret_wipe(secret);
		ereport(ERROR, (errcode(ERRCODE_VAPI_SECRET), errmsg("the secret \"%s\" is too short", secret_name),
						errdetail("It needs %d characters.", TOKEN_KEY_LEAST),
						errhint("Make it with: openssl rand -base64 32")));
	}
	/* Not PostgreSQL's own, which needs a transaction. */
	made = HMAC(EVP_sha256(), secret, (int) strlen(secret), (const uint8 *) label, sizeof(label), key, &length) != NULL;
	vapi_secret_wipe(secret);
	if (!made)
		report_failure(NULL);
}

bytea *
vapi_seal(const char *database, const char *secret_name, const char *text)
{
	int length = (int) strlen(text);
	bytea *sealed = palloc(VARHDRSZ + NONCE_SIZE + length + TAG_SIZE);
	uint8 *nonce = (uint8 *) VARDATA(sealed);
	uint8 *body = nonce + NONCE_SIZE;
	uint8 key[PG_SHA256_DIGEST_LENGTH];
	EVP_CIPHER_CTX *context;
	int done;
	bool ok;

	SET_VARSIZE(sealed, VARHDRSZ + NONCE_SIZE + length + TAG_SIZE);
	derive_key(database, secret_name, key);
	context = EVP_CIPHER_CTX_new();
	ok = context != NULL && pg_strong_random(nonce, NONCE_SIZE) &&
		 EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
		 EVP_EncryptUpdate(context, body, &done, (const uint8 *) text, length) == 1 && done == length &&
		 EVP_EncryptFinal_ex(context, body + length, &done) == 1 &&
		 EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, body + length) == 1;
	explicit_bzero(key, sizeof(key));
	if (!ok)
		report_failure(context);
	EVP_CIPHER_CTX_free(context);
	return sealed;
}

char *
vapi_seal_open(const char *database, const char *secret_name, const bytea *sealed)
{
	int length = (int) VARSIZE_ANY_EXHDR(sealed) - NONCE_SIZE - TAG_SIZE;
	const uint8 *nonce = (const uint8 *) VARDATA_ANY(sealed);
	uint8 key[PG_SHA256_DIGEST_LENGTH];
	uint8 tag[TAG_SIZE];
	EVP_CIPHER_CTX *context;
	char *text;
	int done;
	bool ready;
	bool genuine;

	if (length < 0)
		return NULL;
	text = palloc(length + 1);
	memcpy(tag, nonce + NONCE_SIZE + length, TAG_SIZE);
	derive_key(database, secret_name, key);
	context = EVP_CIPHER_CTX_new();
	ready = context != NULL && EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
			EVP_DecryptUpdate(context, (uint8 *) text, &done, nonce + NONCE_SIZE, length) == 1 && done == length &&
			EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) == 1;
	explicit_bzero(key, sizeof(key));
	if (!ready)
		report_failure(context);
	genuine = EVP_DecryptFinal_ex(context, (uint8 *) text + length, &done) == 1;
	EVP_CIPHER_CTX_free(context);
	text[length] = '\0';
	return genuine ? text : NULL;
}
