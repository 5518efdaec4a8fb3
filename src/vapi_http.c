#include "vapi_http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>

#include "lib/ilist.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "vapi_error.h"
#include "vapi_guc.h"
#include "vapi_netguard.h"
#include "vapi_retry.h"

StaticAssertDecl(LIBCURL_VERSION_NUM >= VAPI_COMPAT_CURL_VERSION, "libcurl is too old");

/* Sockets of all connections of one client and of curl's name resolution. */
#define SOCKETS_MAX 32
#define CONNECTIONS_MAX 4
#define HEADERS_MAX (64 * 1024)
#define BUFFER_START (64 * 1024)
#define HOST_MAX 256
/* The longest single wait; timers and sockets end it earlier. */
#define WAIT_MAX_MS 1000
/* A whole request may take this many times the longest silence. */
#define TOTAL_FACTOR 10

typedef struct HttpSocket
{
	curl_socket_t fd;
	int			what; /* CURL_POLL_IN, OUT, INOUT */
} HttpSocket;

struct VapiHttpClient
{
	MemoryContext context;
	MemoryContextCallback callback;
	CURLM	   *multi;
	int64		timer_due; /* ms on our clock; -1: none */
	int			nsockets;
	HttpSocket	sockets[SOCKETS_MAX];
	dlist_head	transfers;
};

struct VapiHttpTransfer
{
	dlist_node	node;
	VapiHttpClient *client;
	CURL	   *easy;
	struct curl_slist *headers;
	char	   *request_body;
	char		host[HOST_MAX];
	char		curl_error[CURL_ERROR_SIZE];

	char	   *buffer; /* malloc'd: written by curl's callback, which must not throw */
	size_t		length;
	size_t		size;
	size_t		max;
	size_t		header_bytes;
	int64		last_byte; /* ms on our clock */
	int64		started_us;
	bool		too_large;
	bool		out_of_memory;
	bool		address_refused;
	bool		silent; /* ended by us: no byte for vapi_sales.http_timeout */
	bool		added;
	bool		complete;
	CURLcode	result;
};

static bool curl_ready = false;

/* Microseconds of a clock that never jumps. */
static int64
clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The same in milliseconds. */
static int64
clock_ms(void)
{
	return clock_us() / 1000;
}

/*
 * Blocks signals around calls of curl: the thread that it starts for name
 * resolution inherits the mask, and must not run the server's handlers.
 */
static void
block_signals(sigset_t *saved)
{
	static const int synchronous[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
	sigset_t	all;

	sigfillset(&all);
	for (size_t i = 0; i < lengthof(synchronous); i++)
		sigdelset(&all, synchronous[i]);
	sigprocmask(SIG_SETMASK, &all, saved);
}

static void
restore_signals(const sigset_t *saved)
{
	sigprocmask(SIG_SETMASK, saved, NULL);
}

/* Initialises libcurl once per process; never in the postmaster, whose children would share its state. */
static void
init_curl(void)
{
	if (curl_ready)
		return;
	if (IsPostmasterEnvironment && !IsUnderPostmaster)
		elog(ERROR, "HTTP requests cannot be made in the postmaster");
	if (curl_version_info(CURLVERSION_NOW)->version_num < VAPI_COMPAT_CURL_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("libcurl %s is too old", curl_version_info(CURLVERSION_NOW)->version),
				 errhint("vapi_sales needs libcurl 7.87 or later.")));
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("could not initialise libcurl")));
	curl_ready = true;
}

/* curl: watch, or no longer watch, a socket. */
static int
socket_changed(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	VapiHttpClient *client = arg;
	int			i = 0;

	(void) easy;
	(void) socket_arg;
	while (i < client->nsockets && client->sockets[i].fd != fd)
		i++;
	if (what == CURL_POLL_REMOVE)
	{
		if (i < client->nsockets)
			client->sockets[i] = client->sockets[--client->nsockets];
		return 0;
	}
	if (i == SOCKETS_MAX)
		return -1;
	client->sockets[i].fd = fd;
	client->sockets[i].what = what;
	if (i == client->nsockets)
		client->nsockets++;
	return 0;
}

/* curl: wake me after that many milliseconds, or (-1) not at all. */
static int
timer_changed(CURLM *multi, long timeout_ms, void *arg)
{
	VapiHttpClient *client = arg;

	(void) multi;
	client->timer_due = timeout_ms < 0 ? -1 : clock_ms() + timeout_ms;
	return 0;
}

/* curl: open a socket to that address, known only now that the name is resolved. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	VapiHttpTransfer *transfer = arg;

	(void) purpose;
	/* a proxy is the operator's own choice and usually private */
	if (!vapi_guc_allow_private_hosts && *vapi_guc_proxy == '\0' && !vapi_netguard_public(&address->addr))
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
	transfer->last_byte = clock_ms();
	if (count > transfer->max - transfer->length)
	{
		transfer->too_large = true;
		return CURL_WRITEFUNC_ERROR;
	}
	/* room for the final zero byte */
	if (transfer->length + count + 1 > transfer->size)
	{
		size_t		size = Max(transfer->size * 2, BUFFER_START);
		char	   *buffer;

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

/* curl: a header line; curl keeps the values, we only bound their sum. */
static size_t
header_arrived(char *bytes, size_t one, size_t count, void *arg)
{
	VapiHttpTransfer *transfer = arg;

	(void) bytes;
	(void) one;
	transfer->last_byte = clock_ms();
	transfer->header_bytes += count;
	if (transfer->header_bytes > HEADERS_MAX)
	{
		transfer->too_large = true;
		return 0;
	}
	return count;
}

/* Frees all that a transfer holds outside memory contexts. Never ereports. */
static void
release_transfer(VapiHttpTransfer *transfer)
{
	sigset_t	saved;

	block_signals(&saved);
	if (transfer->easy != NULL)
	{
		if (transfer->added)
			curl_multi_remove_handle(transfer->client->multi, transfer->easy);
		curl_easy_cleanup(transfer->easy);
		transfer->easy = NULL;
	}
	restore_signals(&saved);

	/* one of the headers is the key */
	for (struct curl_slist *header = transfer->headers; header != NULL; header = header->next)
		explicit_bzero(header->data, strlen(header->data));
	curl_slist_free_all(transfer->headers);
	transfer->headers = NULL;
	free(transfer->buffer);
	transfer->buffer = NULL;
	dlist_delete(&transfer->node);
}

/* The client's memory context goes away: free curl's part. Never ereports. */
static void
release_client(void *arg)
{
	VapiHttpClient *client = arg;
	dlist_mutable_iter iter;
	sigset_t	saved;

	dlist_foreach_modify(iter, &client->transfers)
		release_transfer(dlist_container(VapiHttpTransfer, node, iter.cur));
	if (client->multi != NULL)
	{
		block_signals(&saved);
		curl_multi_cleanup(client->multi);
		restore_signals(&saved);
		client->multi = NULL;
	}
}

VapiHttpClient *
vapi_http_client_create(MemoryContext context)
{
	MemoryContext own;
	VapiHttpClient *client;

	init_curl();
	own = AllocSetContextCreate(context, "vapi_sales HTTP client", ALLOCSET_SMALL_SIZES);
	client = MemoryContextAllocZero(own, sizeof(VapiHttpClient));
	client->context = own;
	client->timer_due = -1;
	dlist_init(&client->transfers);
	client->callback.func = release_client;
	client->callback.arg = client;
	MemoryContextRegisterResetCallback(own, &client->callback);

	client->multi = curl_multi_init();
	if (client->multi == NULL ||
		curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, socket_changed) != CURLM_OK ||
		curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client) != CURLM_OK ||
		curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, timer_changed) != CURLM_OK ||
		curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client) != CURLM_OK ||
		curl_multi_setopt(client->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long) CONNECTIONS_MAX) != CURLM_OK ||
		curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long) CONNECTIONS_MAX) != CURLM_OK)
	{
		MemoryContextDelete(own);
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("could not create an HTTP client")));
	}
	return client;
}

/* Refuses a URL before anything happens; reason is a constant phrase. */
static void pg_attribute_noreturn()
refuse_url(const char *host, const char *reason, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_VAPI_HOST_REFUSED),
			 *host != '\0' ? errmsg("refused to send a request to host \"%s\"", vapi_error_text(host, strlen(host)))
						   : errmsg("refused to send a request"),
			 errdetail("%s", reason),
			 hint != NULL ? errhint("%s", hint) : 0));
}

/* Is host an IP literal that is not public? Other notations (decimal, octal) curl has normalised. */
static bool
private_literal(const char *host)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	char		plain[HOST_MAX];
	size_t		length = strlen(host);

	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
		return !vapi_netguard_public((struct sockaddr *) &v4);
	if (length < 2 || host[0] != '[')
		return false;
	strlcpy(plain, host + 1, Min(sizeof(plain), length - 1));
	/* an unreadable one (with a zone) is never public */
	return inet_pton(AF_INET6, plain, &v6.sin6_addr) != 1 || !vapi_netguard_public((struct sockaddr *) &v6);
}

/* Copies one part of a parsed URL into a buffer; empty when missing or too long. */
static void
url_part(CURLU *parsed, CURLUPart part, char *buffer, size_t size)
{
	char	   *text = NULL;

	buffer[0] = '\0';
	if (curl_url_get(parsed, part, &text, 0) == CURLUE_OK && strlen(text) < size)
		strlcpy(buffer, text, size);
	curl_free(text);
}

/* Judges scheme, user part and host of a URL, and notes the host. */
static void
check_url(const char *url, char host[HOST_MAX])
{
	char		scheme[16] = "";
	CURLUcode	result = CURLUE_OUT_OF_MEMORY;
	CURLU	   *parsed;

	host[0] = '\0';
	for (const char *p = url; *p != '\0'; p++)
	{
		if ((unsigned char) *p <= ' ' || (unsigned char) *p >= 0x7F)
			refuse_url("", "The URL has a character that must be percent-encoded.", NULL);
	}

	/* nothing may ereport while the parsed URL is held */
	parsed = curl_url();
	if (parsed != NULL)
	{
		result = curl_url_set(parsed, CURLUPART_URL, url, CURLU_DISALLOW_USER);
		if (result == CURLUE_OK)
		{
			url_part(parsed, CURLUPART_SCHEME, scheme, sizeof(scheme));
			url_part(parsed, CURLUPART_HOST, host, HOST_MAX);
		}
		curl_url_cleanup(parsed);
	}

	if (result == CURLUE_OUT_OF_MEMORY)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	if (result == CURLUE_USER_NOT_ALLOWED)
		refuse_url(host, "The URL has a user name.", NULL);
	if (result != CURLUE_OK || host[0] == '\0')
		refuse_url(host, "The URL is not valid.", NULL);
	if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
		refuse_url(host, "Only https URLs are allowed.", NULL);
	if (strcmp(scheme, "http") == 0 && !vapi_guc_allow_private_hosts)
		refuse_url(host, "Plain http is only allowed with vapi_sales.allow_private_hosts.",
				   "Use an https URL in vapi_sales.base_url.");
	if (!vapi_netguard_host_allowed(host, vapi_guc_allowed_hosts))
		refuse_url(host, "The host is not in vapi_sales.allowed_hosts.",
				   "If the host is trusted, add it to vapi_sales.allowed_hosts in postgresql.conf and reload the server.");
	if (!vapi_guc_allow_private_hosts && private_literal(host))
		refuse_url(host, "The address is not a public one.",
				   "A simulator on a private address needs vapi_sales.allow_private_hosts.");
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
	bool		ok = add_header(transfer, "Accept: application/json") && add_header(transfer, "Expect:");

	if (request->body != NULL)
		ok = ok && add_header(transfer, "Content-Type: application/json");
	if (request->bearer != NULL)
	{
		char	   *line = psprintf("Authorization: Bearer %s", request->bearer);

		ok = ok && add_header(transfer, line);
		explicit_bzero(line, strlen(line));
		pfree(line);
	}
	return ok;
}

/* Method and body; false when curl refuses one. */
static bool
set_method(VapiHttpTransfer *transfer, const VapiHttpRequest *request)
{
	CURL	   *easy = transfer->easy;
	bool		get = strcmp(request->method, "GET") == 0;
	bool		ok = true;

	if (request->body != NULL || strcmp(request->method, "POST") == 0)
	{
		ok = curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
			curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) request->body_length) == CURLE_OK &&
			curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->request_body) == CURLE_OK;
	}
	if (!get)
		ok = ok && curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK;
	/* on a kept connection that turns out dead curl would silently send a second time */
	if (!get && strcmp(request->method, "DELETE") != 0)
		ok = ok && curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK;
	return ok;
}

/* Every option of a request; the name of the option curl refuses, NULL when all is well. */
static const char *
set_options(VapiHttpTransfer *transfer, const VapiHttpRequest *request)
{
	CURL	   *easy = transfer->easy;

#define SET(option, value)                                        \
	do                                                            \
	{                                                             \
		if (curl_easy_setopt(easy, (option), (value)) != CURLE_OK) \
			return #option;                                       \
	} while (0)

	SET(CURLOPT_URL, request->url);
	SET(CURLOPT_PROTOCOLS_STR, vapi_guc_allow_private_hosts ? "https,http" : "https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	/* one request at a time has no use for HTTP/2, and less can go wrong */
	SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (*vapi_guc_ca_file != '\0')
		SET(CURLOPT_CAINFO, vapi_guc_ca_file);
	/* also when empty: curl would look for https_proxy and no_proxy in the environment */
	SET(CURLOPT_PROXY, vapi_guc_proxy);
	SET(CURLOPT_NOPROXY, "");

	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long) vapi_guc_connect_timeout);
	SET(CURLOPT_TIMEOUT_MS, (long) vapi_guc_http_timeout * TOTAL_FACTOR);
	SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t) transfer->max);
	SET(CURLOPT_ACCEPT_ENCODING, "");
	SET(CURLOPT_USERAGENT, "vapi_sales");
	SET(CURLOPT_HTTPHEADER, transfer->headers);
	SET(CURLOPT_ERRORBUFFER, transfer->curl_error);
	SET(CURLOPT_PRIVATE, transfer);
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_OPENSOCKETDATA, transfer);
	SET(CURLOPT_WRITEFUNCTION, body_arrived);
	SET(CURLOPT_WRITEDATA, transfer);
	SET(CURLOPT_HEADERFUNCTION, header_arrived);
	SET(CURLOPT_HEADERDATA, transfer);
	return set_method(transfer, request) ? NULL : "method";
#undef SET
}

/* Notes the transfers that curl has finished. */
static void
collect_finished(VapiHttpClient *client)
{
	CURLMsg    *message;
	int			left;

	while ((message = curl_multi_info_read(client->multi, &left)) != NULL)
	{
		VapiHttpTransfer *transfer = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **) &transfer);
		transfer->complete = true;
		transfer->result = message->data.result;
	}
}

/* Lets curl work: on its timer when that is due, and on the sockets that are ready. */
static void
drive(VapiHttpClient *client, const HttpSocket *ready, int nready)
{
	sigset_t	saved;
	int			running;

	block_signals(&saved);
	for (int i = 0; i < nready; i++)
		curl_multi_socket_action(client->multi, ready[i].fd, ready[i].what, &running);
	if (client->timer_due >= 0 && client->timer_due <= clock_ms())
	{
		client->timer_due = -1;
		curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
	collect_finished(client);
	restore_signals(&saved);
}

VapiHttpTransfer *
vapi_http_start(VapiHttpClient *client, const VapiHttpRequest *request)
{
	VapiHttpTransfer *transfer;
	const char *refused = NULL;
	char		host[HOST_MAX];
	sigset_t	saved;

	check_url(request->url, host);
	if (request->bearer != NULL && strpbrk(request->bearer, "\r\n") != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the key has a line break")));

	transfer = MemoryContextAllocZero(client->context, sizeof(VapiHttpTransfer));
	transfer->client = client;
	strlcpy(transfer->host, host, HOST_MAX);
	transfer->max = request->max_response > 0 ? request->max_response : (size_t) vapi_guc_max_response_size * 1024;
	transfer->max = Min(transfer->max, MaxAllocSize - 1);
	transfer->started_us = clock_us();
	transfer->last_byte = clock_ms();
	dlist_push_tail(&client->transfers, &transfer->node);

	PG_TRY();
	{
		bool		ok;

		transfer->request_body = MemoryContextAllocExtended(client->context, request->body_length + 1, MCXT_ALLOC_HUGE);
		if (request->body != NULL)
			memcpy(transfer->request_body, request->body, request->body_length);
		ok = set_headers(transfer, request);
		block_signals(&saved);
		transfer->easy = ok ? curl_easy_init() : NULL;
		if (transfer->easy != NULL)
		{
			refused = set_options(transfer, request);
			if (refused == NULL)
				transfer->added = ok = curl_multi_add_handle(client->multi, transfer->easy) == CURLM_OK;
		}
		restore_signals(&saved);
		if (refused != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("libcurl refused option %s", refused)));
		if (!ok || transfer->easy == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_OUT_OF_MEMORY),
					 errmsg("could not start an HTTP request")));
		drive(client, NULL, 0);
	}
	PG_CATCH();
	{
		vapi_http_abort(transfer);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return transfer;
}

bool
vapi_http_poll(VapiHttpTransfer *transfer)
{
	VapiHttpClient *client = transfer->client;
	struct pollfd fds[SOCKETS_MAX];
	HttpSocket	ready[SOCKETS_MAX];
	int			nfds = client->nsockets;
	int			nready = 0;

	if (transfer->complete)
		return true;
	for (int i = 0; i < nfds; i++)
	{
		fds[i].fd = client->sockets[i].fd;
		fds[i].events = ((client->sockets[i].what & CURL_POLL_IN) ? POLLIN : 0) |
			((client->sockets[i].what & CURL_POLL_OUT) ? POLLOUT : 0);
		fds[i].revents = 0;
	}
	if (nfds > 0 && poll(fds, nfds, 0) > 0)
	{
		for (int i = 0; i < nfds; i++)
		{
			if (fds[i].revents == 0)
				continue;
			ready[nready].fd = fds[i].fd;
			ready[nready++].what = ((fds[i].revents & ~POLLOUT) ? CURL_CSELECT_IN : 0) |
				((fds[i].revents & ~POLLIN) ? CURL_CSELECT_OUT : 0);
		}
	}
	drive(client, ready, nready);
	return transfer->complete;
}

/*
 * Waits up to timeout_ms for a socket or our latch, and fills in the sockets
 * that are ready. The event set lives for one wait only, since curl's sockets
 * come and go; WaitLatchOrSocket does the same.
 */
static int
wait_for_sockets(VapiHttpClient *client, long timeout_ms, HttpSocket *ready)
{
	static uint32 wait_event = 0;
	WaitEvent	events[SOCKETS_MAX + 2];
	WaitEventSet *set;
	volatile int nevents = 0;
	int			nready = 0;

	if (wait_event == 0)
		wait_event = vapi_compat_wait_event("VapiHttp");
	set = vapi_compat_wait_event_set(client->nsockets + 2);
	PG_TRY();
	{
		AddWaitEventToSet(set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
		if (IsUnderPostmaster)
			AddWaitEventToSet(set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
		for (int i = 0; i < client->nsockets; i++)
		{
			uint32		mask = 0;

			if (client->sockets[i].what & CURL_POLL_IN)
				mask |= WL_SOCKET_READABLE;
			if (client->sockets[i].what & CURL_POLL_OUT)
				mask |= WL_SOCKET_WRITEABLE;
			if (mask != 0)
				AddWaitEventToSet(set, mask, client->sockets[i].fd, NULL, NULL);
		}
		nevents = WaitEventSetWait(set, timeout_ms, events, lengthof(events), wait_event);
	}
	PG_FINALLY();
	{
		FreeWaitEventSet(set);
	}
	PG_END_TRY();

	for (int i = 0; i < nevents; i++)
	{
		if (events[i].events & WL_LATCH_SET)
			ResetLatch(MyLatch);
		if ((events[i].events & (WL_SOCKET_READABLE | WL_SOCKET_WRITEABLE)) == 0)
			continue;
		ready[nready].fd = events[i].fd;
		ready[nready++].what = ((events[i].events & WL_SOCKET_READABLE) ? CURL_CSELECT_IN : 0) |
			((events[i].events & WL_SOCKET_WRITEABLE) ? CURL_CSELECT_OUT : 0);
	}
	return nready;
}

/* Waits until the transfer is complete or has been silent for too long. */
static void
wait_for_transfer(VapiHttpTransfer *transfer)
{
	VapiHttpClient *client = transfer->client;
	HttpSocket	ready[SOCKETS_MAX];
	/* the time in which nobody polled is not the other side's silence */
	int64		listening_since = clock_ms();

	vapi_http_poll(transfer);
	while (!transfer->complete)
	{
		int64		now = clock_ms();
		int64		deadline = Max(transfer->last_byte, listening_since) + vapi_guc_http_timeout;
		int64		timeout = Min(deadline - now, WAIT_MAX_MS);
		int			nready;

		CHECK_FOR_INTERRUPTS();
		if (now >= deadline)
		{
			transfer->silent = true;
			transfer->result = CURLE_OPERATION_TIMEDOUT;
			return;
		}
		if (client->timer_due >= 0)
			timeout = Min(timeout, client->timer_due - now);
		nready = wait_for_sockets(client, (long) Max(timeout, 0), ready);
		CHECK_FOR_INTERRUPTS();
		drive(client, ready, nready);
	}
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

/* What a finished transfer brought, palloc'd. */
static VapiHttpResponse *
make_response(VapiHttpTransfer *transfer)
{
	VapiHttpResponse *response = palloc0(sizeof(VapiHttpResponse));
	long		status = 0;
	long		headers = 0;
	long		request = 0;
	curl_off_t	body = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(transfer->easy, CURLINFO_HEADER_SIZE, &headers);
	curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &request);
	curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_DOWNLOAD_T, &body);
	response->sent = request > 0;
	response->wire_bytes = (int64) body + headers;
	response->elapsed_us = clock_us() - transfer->started_us;
	response->date = PG_INT64_MIN;
	response->retry_after = -1;
	if (transfer->result != CURLE_OK || status == 0)
	{
		describe_failure(transfer, response);
		return response;
	}

	response->status = (int) status;
	response->body = palloc(transfer->length + 1);
	if (transfer->length > 0)
		memcpy(response->body, transfer->buffer, transfer->length);
	response->body[transfer->length] = '\0';
	response->body_length = transfer->length;
	response->content_type = response_header(transfer, "Content-Type");
	response->location = response_header(transfer, "Location");
	response->date = vapi_retry_http_date(response_header(transfer, "Date"));
	response->retry_after = vapi_retry_after(response_header(transfer, "Retry-After"),
											 response->date != PG_INT64_MIN ? response->date
											 : (int64) time(NULL) * 1000000);
	return response;
}

VapiHttpResponse *
vapi_http_finish(VapiHttpTransfer *transfer)
{
	VapiHttpResponse *volatile response = NULL;

	PG_TRY();
	{
		wait_for_transfer(transfer);
		response = make_response(transfer);
	}
	PG_CATCH();
	{
		vapi_http_abort(transfer);
		PG_RE_THROW();
	}
	PG_END_TRY();
	vapi_http_abort(transfer);
	return response;
}

void
vapi_http_abort(VapiHttpTransfer *transfer)
{
	if (transfer == NULL)
		return;
	release_transfer(transfer);
	if (transfer->request_body != NULL)
		pfree(transfer->request_body);
	pfree(transfer);
}

VapiHttpResponse *
vapi_http_perform(VapiHttpClient *client, const VapiHttpRequest *request)
{
	return vapi_http_finish(vapi_http_start(client, request));
}
