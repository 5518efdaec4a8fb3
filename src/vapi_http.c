#include "vapi_http.h"

#include <curl/curl.h>
#include <poll.h>

#include "lib/ilist.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "vapi_guc.h"

/* Sockets of all connections of one client and of curl's name resolution. */
#define SOCKETS_MAX 72
#define CONNECTIONS_MAX 4
/* The longest single wait; timers and sockets end it earlier. */
#define WAIT_MAX_MS 1000

typedef struct HttpSocket
{
	curl_socket_t fd;
	int what; /* CURL_POLL_IN, OUT, INOUT */
} HttpSocket;

struct VapiHttpClient
{
	MemoryContext context;
	MemoryContextCallback callback;
	CURLM *multi;
	int64 timer_due; /* ms on our clock; -1: none */
	int nsockets;
	HttpSocket sockets[SOCKETS_MAX];
	dlist_head transfers;
	size_t usual_size; /* of the latest answer, and some more: the next one is probably as large */
};

static bool curl_ready = false;

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
	int i = 0;

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
	client->timer_due = timeout_ms < 0 ? -1 : vapi_transfer_clock_ms() + timeout_ms;
	return 0;
}

/* The client's memory context goes away: free curl's part. Never ereports. */
static void
release_client(void *arg)
{
	VapiHttpClient *client = arg;
	dlist_mutable_iter iter;
	sigset_t saved;

	dlist_foreach_modify (iter, &client->transfers)
		vapi_transfer_release(dlist_container(VapiHttpTransfer, node, iter.cur));
	if (client->multi != NULL)
	{
		vapi_transfer_block_signals(&saved);
		curl_multi_cleanup(client->multi);
		vapi_transfer_restore_signals(&saved);
		client->multi = NULL;
	}
}

VapiHttpClient *
vapi_http_client_create(MemoryContext context)
{
	return vapi_http_client_create_wide(context, CONNECTIONS_MAX);
}

VapiHttpClient *
vapi_http_client_create_wide(MemoryContext context, int connections)
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
		curl_multi_setopt(client->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long) connections) != CURLM_OK ||
		curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long) connections) != CURLM_OK)
	{
		MemoryContextDelete(own);
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("could not create an HTTP client")));
	}
	return client;
}

/* Notes the transfers that curl has finished. */
static void
collect_finished(VapiHttpClient *client)
{
	CURLMsg *message;
	int left;

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
	sigset_t saved;
	int running;

	vapi_transfer_block_signals(&saved);
	for (int i = 0; i < nready; i++)
		curl_multi_socket_action(client->multi, ready[i].fd, ready[i].what, &running);
	if (client->timer_due >= 0 && client->timer_due <= vapi_transfer_clock_ms())
	{
		client->timer_due = -1;
		curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
	collect_finished(client);
	vapi_transfer_restore_signals(&saved);
}

VapiHttpTransfer *
vapi_http_start(VapiHttpClient *client, const VapiHttpRequest *request)
{
	VapiHttpTransfer *transfer = vapi_transfer_create(client->multi, client->context, &client->transfers, request);

	transfer->client = client;
	transfer->size_hint = Min(client->usual_size, transfer->max + 1);
	drive(client, NULL, 0);
	return transfer;
}

bool
vapi_http_poll(VapiHttpTransfer *transfer)
{
	VapiHttpClient *client = transfer->client;
	struct pollfd fds[SOCKETS_MAX];
	HttpSocket ready[SOCKETS_MAX];
	int nfds = client->nsockets;
	int nready = 0;

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

size_t
vapi_http_brought(const VapiHttpTransfer *transfer)
{
	long status = 0;

	if (!transfer->complete || transfer->result != CURLE_OK || transfer->too_large || transfer->out_of_memory)
		return 0;
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	return status >= 200 && status < 300 ? transfer->length : 0;
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
	WaitEvent events[SOCKETS_MAX + 2];
	WaitEventSet *set;
	volatile int nevents = 0;
	int nready = 0;

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
			uint32 mask = 0;

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

/* What vapi_http_idle calls. */
static void (*current_idle)(void *arg) = NULL;
static void *current_idle_arg = NULL;

void
vapi_http_set_idle(void (*idle)(void *arg), void *arg)
{
	current_idle = idle;
	current_idle_arg = arg;
}

void
vapi_http_idle(void)
{
	if (current_idle != NULL)
		current_idle(current_idle_arg);
}

/* Waits until the transfer is complete or has been silent for too long. */
static void
wait_for_transfer(VapiHttpTransfer *transfer)
{
	VapiHttpClient *client = transfer->client;
	HttpSocket ready[SOCKETS_MAX];
	/* the time in which nobody polled is not the other side's silence */
	int64 listening_since = vapi_transfer_clock_ms();

	vapi_http_poll(transfer);
	vapi_transfer_drain(transfer);
	while (!transfer->complete)
	{
		int64 now = vapi_transfer_clock_ms();
		int64 deadline = Max(transfer->last_byte, listening_since) + vapi_guc_http_timeout;
		int64 timeout = Min(deadline - now, WAIT_MAX_MS);
		int nready;

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
		vapi_transfer_drain(transfer);
		if (!transfer->brief)
			vapi_http_idle();
	}
}

void
vapi_http_wait(VapiHttpClient *client, int most_ms)
{
	HttpSocket ready[SOCKETS_MAX];
	int64 timeout = most_ms;
	int nready;

	if (client->timer_due >= 0)
		timeout = Min(timeout, client->timer_due - vapi_transfer_clock_ms());
	nready = wait_for_sockets(client, (long) Max(timeout, 0), ready);
	CHECK_FOR_INTERRUPTS();
	drive(client, ready, nready);
	vapi_http_idle();
}

VapiHttpResponse *
vapi_http_finish(VapiHttpTransfer *transfer)
{
	VapiHttpResponse *volatile response = NULL;

	PG_TRY();
	{
		wait_for_transfer(transfer);
		transfer->client->usual_size = transfer->length + transfer->length / 8;
		response = vapi_transfer_response(transfer);
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
	vapi_transfer_free(transfer);
}
