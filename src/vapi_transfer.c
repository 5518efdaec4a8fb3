#include "vapi_transfer.h"

#include <sys/socket.h>
#include <time.h>

#include "utils/memutils.h"

#include "vapi_error.h"
#include "vapi_guc.h"
#include "vapi_netguard.h"
#include "vapi_retry.h"

#define HEADERS_MAX (64 * 1024)
#define BUFFER_START (64 * 1024)
/* What is received at once. */
#define RECEIVE_SIZE (256 * 1024L)
/* A whole request may take this many times the longest silence. */
#define TOTAL_FACTOR 10

/* Microseconds of a clock that never jumps. */
static int64
clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64
vapi_transfer_clock_ms(void)
{
	return clock_us() / 1000;
}

void
vapi_transfer_block_signals(sigset_t *saved)
{
	static const int synchronous[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
	sigset_t all;

	sigfillset(&all);
	for (size_t i = 0; i < lengthof(synchronous); i++)
		sigdelset(&all, synchronous[i]);
	sigprocmask(SIG_SETMASK, &all, saved);
}

void
vapi_transfer_restore_signals(const sigset_t *saved)
{
	sigprocmask(SIG_SETMASK, saved, NULL);
}

/* curl: open a socket to that address, known only now that the name is resolved. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	VapiHttpTransfer *transfer = arg;

	(void) purpose;
	/* a proxy is the operator's own choice and usually private */
	if (!transfer->local && !vapi_guc_allow_private_hosts && *vapi_guc_proxy == '\0' &&
		!vapi_netguard_public(&address->addr))
	{
		transfer->address_refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* curl: a part of the body. */
static size_t
body_arrived(char *bytes, size_t one, size_t count, void *arg)
{
	VapiHttpTransfer *transfer = arg;

	(void) one;
	transfer->last_byte = vapi_transfer_clock_ms();
	if (count > transfer->max - transfer->taken - transfer->length)
	{
		transfer->too_large = true;
		return CURL_WRITEFUNC_ERROR;
	}
	/* room for the final zero byte */
	if (transfer->length + count + 1 > transfer->size)
	{
		size_t size = transfer->size > 0 ? transfer->size * 2 : Max(transfer->size_hint, BUFFER_START);
		char *buffer;

		while (size < transfer->length + count + 1)
			size *= 2;
		buffer = realloc(transfer->buffer, size);
		if (buffer == NULL)
		{
			transfer->out_of_memory = true;
			return CURL_WRITEFUNC_ERROR;
		}
		transfer->buffer = buffer;
		transfer->size = size;
	}
	memcpy(transfer->buffer + transfer->length, bytes, count);
	transfer->length += count;
	return count;
}

void
vapi_transfer_drain(VapiHttpTransfer *transfer)
{
	long status = 0;

	if (transfer->sink == NULL || transfer->length == 0)
		return;
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		return;
	transfer->sink(transfer->sink_arg, transfer->buffer, transfer->length);
	transfer->taken += transfer->length;
	transfer->length = 0;
}

/* curl: a header line; curl keeps the values, we only bound their sum. */
static size_t
header_arrived(char *bytes, size_t one, size_t count, void *arg)
{
	VapiHttpTransfer *transfer = arg;

	(void) bytes;
	(void) one;
	transfer->last_byte = vapi_transfer_clock_ms();
	transfer->header_bytes += count;
	if (transfer->header_bytes > HEADERS_MAX)
	{
		transfer->too_large = true;
		return 0;
	}
	return count;
}

void
vapi_transfer_release(VapiHttpTransfer *transfer)
{
	sigset_t saved;

	vapi_transfer_block_signals(&saved);
	if (transfer->easy != NULL)
	{
		if (transfer->added)
			curl_multi_remove_handle(transfer->multi, transfer->easy);
		curl_easy_cleanup(transfer->easy);
		transfer->easy = NULL;
	}
	vapi_transfer_restore_signals(&saved);

	/* one of the headers is the key */
	for (struct curl_slist *header = transfer->headers; header != NULL; header = header->next)
		explicit_bzero(header->data, strlen(header->data));
	curl_slist_free_all(transfer->headers);
	transfer->headers = NULL;
	free(transfer->buffer);
	transfer->buffer = NULL;
	dlist_delete(&transfer->node);
}

/* Adds "name value" to the transfer's headers; false when out of memory. */
static bool
add_header(VapiHttpTransfer *transfer, const char *line)
{
	struct curl_slist *list = curl_slist_append(transfer->headers, line);

	if (list == NULL)
		return false;
	transfer->headers = list;
	return true;
}

/* The request's headers; false when out of memory. */
static bool
set_headers(VapiHttpTransfer *transfer, const VapiHttpRequest *request)
{
	bool ok = add_header(transfer, "Accept: application/json") && add_header(transfer, "Expect:");

	if (request->body != NULL)
		ok = ok && add_header(transfer, "Content-Type: application/json");
	if (request->bearer != NULL)
	{
		char *line = psprintf("Authorization: Bearer %s", request->bearer);

		ok = ok && add_header(transfer, line);
		explicit_bzero(line, strlen(line));
		pfree(line);
	}
	if (request->authorization != NULL)
	{
		char *line = psprintf("Authorization: %s", request->authorization);

		ok = ok && add_header(transfer, line);
		explicit_bzero(line, strlen(line));
		pfree(line);
	}
	for (const char *const *header = request->headers; ok && header != NULL && *header != NULL; header++)
		ok = add_header(transfer, *header);
	return ok;
}

/* Method and body; false when curl refuses one. */
static bool
set_method(VapiHttpTransfer *transfer, const VapiHttpRequest *request)
{
	CURL *easy = transfer->easy;
	bool get = strcmp(request->method, "GET") == 0;
	bool ok = true;

	if (request->body != NULL || strcmp(request->method, "POST") == 0)
	{
		ok = curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
			 curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) request->body_length) == CURLE_OK &&
			 curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->request_body) == CURLE_OK;
	}
	if (!get)
		ok = ok && curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK;
	/* on a kept connection that turns out dead curl would silently send a second time */
	if (!get && strcmp(request->method, "DELETE") != 0 && !request->repeatable)
		ok = ok && curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK;
	return ok;
}

/* Every option of a request; the name of the option curl refuses, NULL when all is well. */
static const char *
set_options(VapiHttpTransfer *transfer, const VapiHttpRequest *request)
{
	CURL *easy = transfer->easy;
	const int own_ms = request->timeout_ms;

#define SET(option, value)                                         \
	do                                                             \
	{                                                              \
		if (curl_easy_setopt(easy, (option), (value)) != CURLE_OK) \
			return #option;                                        \
	} while (0)

	SET(CURLOPT_URL, request->url);
	SET(CURLOPT_PROTOCOLS_STR, vapi_guc_allow_private_hosts || transfer->local ? "https,http" : "https");
	if (transfer->local)
		SET(CURLOPT_UNIX_SOCKET_PATH, request->socket);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	/* one request at a time has no use for HTTP/2, and less can go wrong */
	SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (*vapi_guc_ca_file != '\0')
		SET(CURLOPT_CAINFO, vapi_guc_ca_file);
	/* also when empty: curl would look for https_proxy and no_proxy in the environment */
	SET(CURLOPT_PROXY, transfer->local ? "" : vapi_guc_proxy);
	SET(CURLOPT_NOPROXY, "");

	if (transfer->connect_only)
		SET(CURLOPT_CONNECT_ONLY, 1L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long) (own_ms > 0 ? own_ms : vapi_guc_connect_timeout));
	SET(CURLOPT_TIMEOUT_MS, own_ms > 0 ? (long) own_ms : (long) vapi_guc_http_timeout * TOTAL_FACTOR);
	SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t) transfer->max);
	SET(CURLOPT_ACCEPT_ENCODING, "");
	SET(CURLOPT_USERAGENT, "vapi_sales");
	SET(CURLOPT_HTTPHEADER, transfer->headers);
	SET(CURLOPT_ERRORBUFFER, transfer->curl_error);
	SET(CURLOPT_PRIVATE, transfer);
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_OPENSOCKETDATA, transfer);
	SET(CURLOPT_BUFFERSIZE, RECEIVE_SIZE);
	SET(CURLOPT_WRITEFUNCTION, body_arrived);
	SET(CURLOPT_WRITEDATA, transfer);
	SET(CURLOPT_HEADERFUNCTION, header_arrived);
	SET(CURLOPT_HEADERDATA, transfer);
	return set_method(transfer, request) ? NULL : "method";
#undef SET
}

VapiHttpTransfer *
vapi_transfer_create(CURLM *multi, MemoryContext context, dlist_head *list, const VapiHttpRequest *request)
{
	VapiHttpTransfer *transfer;
	const char *refused = NULL;
	char host[VAPI_URL_HOST_SIZE];
	sigset_t saved;

	if (request->socket != NULL)
		strlcpy(host, "localhost", sizeof(host));
	else
		vapi_url_check(request->url, request->hosts, host);
	if ((request->bearer != NULL && strpbrk(request->bearer, "\r\n") != NULL) ||
		(request->authorization != NULL && strpbrk(request->authorization, "\r\n") != NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the key has a line break")));

	transfer = MemoryContextAllocZero(context, sizeof(VapiHttpTransfer));
	transfer->multi = multi;
	transfer->local = request->socket != NULL;
	transfer->brief = request->brief;
	transfer->connect_only = request->connect_only;
	transfer->sink = request->sink;
	transfer->sink_arg = request->sink_arg;
	transfer->wanted = request->wanted;
	strlcpy(transfer->host, host, VAPI_URL_HOST_SIZE);
	transfer->max = request->max_response > 0 ? request->max_response : (size_t) vapi_guc_max_response_size * 1024;
	transfer->max = Min(transfer->max, MaxAllocSize - 1);
	transfer->started_us = clock_us();
	transfer->last_byte = vapi_transfer_clock_ms();
	dlist_push_tail(list, &transfer->node);

	PG_TRY();
	{
		bool ok;

		transfer->request_body = MemoryContextAllocExtended(context, request->body_length + 1, MCXT_ALLOC_HUGE);
		transfer->request_length = request->body != NULL ? request->body_length : 0;
		if (request->body != NULL)
			memcpy(transfer->request_body, request->body, request->body_length);
		ok = set_headers(transfer, request);
		vapi_transfer_block_signals(&saved);
		transfer->easy = ok ? curl_easy_init() : NULL;
		if (transfer->easy != NULL)
		{
			refused = set_options(transfer, request);
			if (refused == NULL)
				transfer->added = ok = curl_multi_add_handle(multi, transfer->easy) == CURLM_OK;
		}
		vapi_transfer_restore_signals(&saved);
		if (refused != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("libcurl refused option %s", refused)));
		if (!ok || transfer->easy == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_OUT_OF_MEMORY),
					 errmsg("could not start an HTTP request")));
	}
	PG_CATCH();
	{
		vapi_transfer_free(transfer);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return transfer;
}

/* The value of a response header as a palloc'd copy, NULL when missing. */
static char *
response_header(VapiHttpTransfer *transfer, const char *name)
{
	struct curl_header *header;

	if (curl_easy_header(transfer->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
		return NULL;
	return pstrdup(header->value);
}

/* The values of the headers that the caller wants. */
static char **
response_headers(VapiHttpTransfer *transfer)
{
	char **values;
	int count = 0;

	if (transfer->wanted == NULL)
		return NULL;
	while (transfer->wanted[count] != NULL)
		count++;
	values = palloc(sizeof(char *) * (count + 1));
	for (int i = 0; i < count; i++)
		values[i] = response_header(transfer, transfer->wanted[i]);
	values[count] = NULL;
	return values;
}

/* Sets sqlstate, error and permanent for a transfer that failed with result. */
static void
describe_failure(VapiHttpTransfer *transfer, VapiHttpResponse *response)
{
	const char *host = vapi_error_text(transfer->host, strlen(transfer->host));
	const char *reason = transfer->curl_error[0] != '\0' ? transfer->curl_error : curl_easy_strerror(transfer->result);

	reason = vapi_error_text(reason, strlen(reason));
	if (transfer->address_refused && transfer->result == CURLE_COULDNT_CONNECT)
	{
		response->sqlstate = ERRCODE_VAPI_HOST_REFUSED;
		response->permanent = true;
		response->error = psprintf("host \"%s\" has an address that is not a public one", host);
		return;
	}
	if (transfer->too_large || transfer->result == CURLE_FILESIZE_EXCEEDED)
	{
		response->sqlstate = ERRCODE_PROGRAM_LIMIT_EXCEEDED;
		response->permanent = true;
		response->error = transfer->header_bytes > HEADERS_MAX
							  ? psprintf("the headers of the answer are larger than %d kB", HEADERS_MAX / 1024)
							  : psprintf("the answer is larger than %zu kB", transfer->max / 1024);
		return;
	}
	if (transfer->out_of_memory)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("Failed after %zu bytes of an HTTP answer.", transfer->length)));
	if (transfer->silent)
	{
		response->sqlstate = ERRCODE_CONNECTION_FAILURE;
		response->error = psprintf("host \"%s\" sent nothing for %d ms", host, vapi_guc_http_timeout);
		return;
	}

	switch (transfer->result)
	{
		case CURLE_COULDNT_RESOLVE_HOST:
		case CURLE_COULDNT_RESOLVE_PROXY:
			response->sqlstate = ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
			response->error = psprintf("could not resolve the name of host \"%s\"", host);
			break;
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CACERT_BADFILE:
		case CURLE_SSL_ISSUER_ERROR:
		case CURLE_SSL_CERTPROBLEM:
		case CURLE_SSL_CONNECT_ERROR:
			/* only the handshake itself may go better the next time */
			response->permanent = transfer->result != CURLE_SSL_CONNECT_ERROR;
			response->sqlstate = ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
			response->error = psprintf("could not make a secure connection to host \"%s\": %s", host, reason);
			break;
		case CURLE_COULDNT_CONNECT:
			response->sqlstate = ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
			response->error = psprintf("could not connect to host \"%s\": %s", host, reason);
			break;
		default:
			response->sqlstate = response->sent ? ERRCODE_CONNECTION_FAILURE
												: ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
			response->error = psprintf("the request to host \"%s\" failed: %s", host, reason);
			break;
	}
}

/* A reset callback: frees a body that was handed over. */
static void
free_body(void *body)
{
	free(body);
}

/* Makes the buffer the answer's body: as it is for a success, which may be large, else as a palloc'd copy. */
static void
hand_over_body(VapiHttpTransfer *transfer, VapiHttpResponse *response)
{
	MemoryContextCallback *callback;

	response->body_length = transfer->taken + transfer->length;
	if (transfer->buffer == NULL || response->status < 200 || response->status > 299)
	{
		response->body = palloc(transfer->length + 1);
		if (transfer->length > 0)
			memcpy(response->body, transfer->buffer, transfer->length);
	}
	else
	{
		callback = palloc(sizeof(MemoryContextCallback));
		callback->func = free_body;
		callback->arg = response->body = transfer->buffer;
		MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
		transfer->buffer = NULL;
	}
	response->body[transfer->length] = '\0';
}

VapiHttpResponse *
vapi_transfer_response(VapiHttpTransfer *transfer)
{
	VapiHttpResponse *response = palloc0(sizeof(VapiHttpResponse));
	long status = 0;
	long headers = 0;
	long request = 0;
	curl_off_t body = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(transfer->easy, CURLINFO_HEADER_SIZE, &headers);
	curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &request);
	curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_DOWNLOAD_T, &body);
	response->sent = request > 0;
	response->wire_bytes = (int64) body + headers;
	response->elapsed_us = clock_us() - transfer->started_us;
	response->date = PG_INT64_MIN;
	response->retry_after = -1;
	if (transfer->connect_only && transfer->result == CURLE_OK)
	{
		char *address = NULL;

		curl_easy_getinfo(transfer->easy, CURLINFO_PRIMARY_IP, &address);
		response->address = pstrdup(address ? address : "");
		response->body = pstrdup("");
		response->status = 200;
		return response;
	}
	if (transfer->result != CURLE_OK || status == 0)
	{
		describe_failure(transfer, response);
		return response;
	}

	response->status = (int) status;
	hand_over_body(transfer, response);
	response->content_type = response_header(transfer, "Content-Type");
	response->location = response_header(transfer, "Location");
	response->wanted = response_headers(transfer);
	response->date = vapi_retry_http_date(response_header(transfer, "Date"));
	response->retry_after = vapi_retry_after(response_header(transfer, "Retry-After"),
											 response->date != PG_INT64_MIN ? response->date
																			: (int64) time(NULL) * 1000000);
	return response;
}

void
vapi_transfer_free(VapiHttpTransfer *transfer)
{
	vapi_transfer_release(transfer);
	if (transfer->request_body != NULL)
	{
		/* it may hold the secret of a webhook */
		explicit_bzero(transfer->request_body, transfer->request_length);
		pfree(transfer->request_body);
	}
	pfree(transfer);
}
