/*
 * Recordings at Vapi: where one lies, and its bytes. Vapi answers with a
 * presigned URL, good for half an hour and a secret: it is kept sealed for its
 * life, so that a player's many requests ask Vapi once, and is given to the
 * edge alone.
 */
#ifndef VAPI_RECORDING_H
#define VAPI_RECORDING_H

#include "vapi_compat.h"

#include "vapi_client.h"

/* Where to fetch a recording, in parts, palloc'd: all checked, the address one that was connected to. */
typedef struct VapiRecordingSource
{
	char *url;
	char *scheme;			/* https, or http with vapi_sales.allow_private_hosts */
	char *host;				/* for the Host header and the certificate, with the port if it is no usual one */
	char *address;			/* IP address and port to connect to, as in a URL */
	char *target;			/* path and query as they are */
	int64 asked_at;			/* when Vapi gave the URL, microseconds since the Unix epoch */
	const char *media_type; /* see vapi_recording_media_type */
} VapiRecordingSource;

/*
 * The source of a call's recording of that kind (mono, stereo, customer,
 * assistant). asked_after: only a URL that Vapi gave later than that, because
 * the storage has refused the one of then; 0: any. Needs a transaction
 * that may write. ereports 22023 for another kind, 02000 when Vapi has no such
 * recording, ERRCODE_VAPI_RETENTION, ERRCODE_VAPI_HOST_REFUSED for a URL outside
 * vapi_sales.storage_hosts, one that is not https on its usual port, or a name
 * that leads to an address that is not public; 55P03 when others have waited for
 * Vapi too long, and what vapi_client_request does.
 */
extern void vapi_recording_locate(const char *id, const char *kind, int64 asked_after, VapiRecordingSource *source);

/* The recording's bytes, at most vapi_sales.max_response_size. As above; 08006, 54000. */
extern bytea *vapi_recording_fetch(const char *id, const char *kind);

/*
 * Asks Vapi for a recording's presigned URL, palloc'd; a secret, and not checked
 * in any way. Neither needs nor uses a transaction of its own. ereports 22023 for
 * another kind, 02000, ERRCODE_VAPI_RETENTION, and what vapi_client_request does.
 */
extern char *vapi_recording_ask(VapiClient *client, const char *id, const char *kind);

/*
 * Fetches a presigned URL, as far as vapi_sales.storage_hosts allows it: the
 * audio goes to sink (VapiHttpRequest). Returns once it is complete. ereports
 * ERRCODE_VAPI_HOST_REFUSED, 02000, ERRCODE_VAPI_UNAVAILABLE, 08001, 08006, 54000
 * beyond vapi_sales.max_response_size.
 */
extern void vapi_recording_download(VapiHttpClient *client, const char *url,
									void (*sink)(void *arg, const char *bytes, size_t length), void *arg);

/* audio/wav, audio/mpeg or application/octet-stream, by the name in the URL. */
extern const char *vapi_recording_media_type(const char *url);

/* Judges a URL as vapi_recording_locate does, and connects to its host; ereports ERRCODE_VAPI_HOST_REFUSED, 08001. */
extern void vapi_recording_check_url(const char *url);

#endif
