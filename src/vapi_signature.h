/*
 * What a webhook's headers say about who sent it: secrets, bearer tokens,
 * signatures, times. Bytes only; the HMAC itself is vapi_verify's. Pure.
 */
#ifndef VAPI_SIGNATURE_H
#define VAPI_SIGNATURE_H

#include "vapi_pure.h"

typedef enum VapiSignatureEncoding
{
	VAPI_SIGNATURE_HEX,
	VAPI_SIGNATURE_BASE64
} VapiSignatureEncoding;

/* Longest digest, that of SHA-512. */
#define VAPI_SIGNATURE_MAX 64

/* Most signatures in one header that are looked at: a sender that changes its key sends two. */
#define VAPI_SIGNATURE_MOST 8

/*
 * Are these the same bytes? Takes as long for a wrong guess as for the right
 * one: the time tells the length of got, which who sent it knows. An empty
 * secret is the same as nothing, an empty one included.
 */
extern bool vapi_signature_same(const void *secret, size_t secret_length, const void *got, size_t got_length);

/* The token in "Bearer <token>" (any case of the scheme), without surrounding spaces; NULL when it is none or empty. */
extern const char *vapi_signature_bearer(const char *header, size_t *length);

/*
 * The next signature of a header: after the prefix, which must be there as it
 * is, length bytes (at most VAPI_SIGNATURE_MAX) in hex of either case, or in
 * base64 of either alphabet, padded or not. Several signatures are separated
 * by white space; those that do not fit are passed over. *cursor begins at the
 * header's first byte and moves on. False: there is none any more.
 */
extern bool vapi_signature_next(const char **cursor, const char *prefix, VapiSignatureEncoding encoding, size_t length,
								uint8 *signature);

/*
 * Decodes base64 of either alphabet, padded or not, into at most size bytes;
 * returns how many, -1 when the text is no base64 or too long.
 */
extern int vapi_signature_base64(const char *text, size_t text_length, uint8 *bytes, size_t size);

/*
 * A header's time in microseconds since the Unix epoch: seconds or
 * milliseconds, with or without fraction, or ISO 8601. VAPI_TIME_NONE
 * (vapi_time.h) for anything else.
 */
extern int64 vapi_signature_time(const char *header);

/* Is time at most tolerance seconds before or after now? Never for VAPI_TIME_NONE. */
extern bool vapi_signature_fresh(int64 time, int64 now, int tolerance);

/* What the placeholders of a format stand for; NULL: the request has none. */
typedef struct VapiSigned
{
	const char *body; /* never NULL */
	size_t body_length;
	const char *timestamp;	/* as the header has it */
	const char *method;		/* POST */
	const char *url;		/* as Vapi knows it */
	const char *message_id; /* {svix-id} */
} VapiSigned;

/* Takes the next bytes of what is signed. */
typedef void (*VapiSignatureSink)(void *context, const void *bytes, size_t length);

/*
 * Gives the sink what is signed: the format, such as "{timestamp}.{body}",
 * with its placeholders replaced. False, maybe after some bytes, when a
 * placeholder stands for nothing; the format must be valid.
 */
extern bool vapi_signature_payload(const char *format, const VapiSigned *parts, VapiSignatureSink sink, void *context);

/* NULL, or why the format is not valid, as an English sentence. */
extern const char *vapi_signature_format_problem(const char *format);

/* Does the format sign the time? */
extern bool vapi_signature_has_time(const char *format);

#endif
