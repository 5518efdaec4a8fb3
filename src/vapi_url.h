/*
 * Which URLs may be asked at all, judged before anything is sent. The address
 * behind a name is judged later, when it is known (vapi_netguard.h).
 */
#ifndef VAPI_URL_H
#define VAPI_URL_H

#include "vapi_compat.h"

/* Room for a host name (RFC 1035: 255) and the final zero byte. */
#define VAPI_URL_HOST_SIZE 256

/* Which hosts may be asked. */
typedef struct VapiUrlHosts
{
	const char *list;	 /* as vapi_netguard_host_allowed has it */
	const char *setting; /* its name, for the error */
} VapiUrlHosts;

/*
 * Writes the URL's host into host. hosts NULL: those of vapi_sales.allowed_hosts,
 * for URLs of the operator's own; URLs that somebody else gave have others, and
 * must not name a port but the usual one (any with allow_private_hosts). ereports ERRCODE_VAPI_HOST_REFUSED for a
 * scheme other than https (http with vapi_sales.allow_private_hosts), a user
 * part, white space, control and non-ASCII characters, a host that is not
 * allowed, and an IP literal in any notation that is not
 * public; 53200 when out of memory. libcurl does the parsing, so that the host
 * judged is the host asked.
 */
extern void vapi_url_check(const char *url, const VapiUrlHosts *hosts, char host[VAPI_URL_HOST_SIZE]);

/* A segment of a URL's path: percent-encoded but for the unreserved characters of RFC 3986. palloc'd. */
extern char *vapi_url_escape(const char *text);

#endif
