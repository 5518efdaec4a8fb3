#include "vapi_url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>

#include "lib/stringinfo.h"

#include "vapi_error.h"
#include "vapi_guc.h"
#include "vapi_netguard.h"

/* Refuses a URL before anything happens; nothing of the URL but its host is in reason and hint. */
pg_noreturn static void
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
	char plain[VAPI_URL_HOST_SIZE];
	size_t length = strlen(host);

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
	char *text = NULL;

	buffer[0] = '\0';
	if (curl_url_get(parsed, part, &text, 0) == CURLUE_OK && strlen(text) < size)
		strlcpy(buffer, text, size);
	curl_free(text);
}

void
vapi_url_check(const char *url, const VapiUrlHosts *hosts, char host[VAPI_URL_HOST_SIZE])
{
	VapiUrlHosts own = {vapi_guc_allowed_hosts, "vapi_sales.allowed_hosts"};
	const VapiUrlHosts *allowed = hosts != NULL ? hosts : &own;
	char scheme[16] = "";
	char port[8] = "";
	CURLUcode result = CURLUE_OUT_OF_MEMORY;
	CURLU *parsed;

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
			url_part(parsed, CURLUPART_HOST, host, VAPI_URL_HOST_SIZE);
			/* one that curl knows is the scheme's own it leaves out */
			url_part(parsed, CURLUPART_PORT, port, sizeof(port));
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
	if (!vapi_netguard_host_allowed(host, allowed->list))
		refuse_url(host, psprintf("The host is not in %s.", allowed->setting),
				   psprintf("If the host is trusted, add it to %s in postgresql.conf, then reload.", allowed->setting));
	if (hosts != NULL && !vapi_guc_allow_private_hosts && port[0] != '\0' && strcmp(port, "443") != 0)
		refuse_url(host, "The URL names another port than the usual one.", NULL);
	if (!vapi_guc_allow_private_hosts && private_literal(host))
		refuse_url(host, "The address is not a public one.",
				   "A simulator on a private address needs vapi_sales.allow_private_hosts.");
}

char *
vapi_url_escape(const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	StringInfoData out;

	initStringInfo(&out);
	for (; *text != '\0'; text++)
	{
		unsigned char c = (unsigned char) *text;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~", c) != NULL)
			appendStringInfoChar(&out, (char) c);
		else
		{
			appendStringInfoChar(&out, '%');
			appendStringInfoChar(&out, hex[c >> 4]);
			appendStringInfoChar(&out, hex[c & 15]);
		}
	}
	return out.data;
}
