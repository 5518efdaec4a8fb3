#include "vapi_guc_check.h"

#include <sys/un.h>

#include "pgtime.h"
#include "utils/varlena.h"

#include "vapi_signature.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define HOST_CHARACTERS LETTERS DIGITS ".-:[]_"
#define PATH_CHARACTERS LETTERS DIGITS "/-._~%:!$&'()*+,;="

/* Is text "<scheme>://host[:port][/path]", without user, query and fragment? Sets the detail when not. */
static bool
check_url(const char *text, const char *const *schemes, bool path_allowed)
{
	const char *rest = NULL;
	size_t host;

	for (; *schemes != NULL; schemes++)
	{
		if (pg_strncasecmp(text, *schemes, strlen(*schemes)) == 0)
			rest = text + strlen(*schemes);
	}
	if (rest == NULL)
	{
		GUC_check_errdetail("The value must be a complete URL of an allowed scheme.");
		return false;
	}
	if (strchr(rest, '@') != NULL)
	{
		GUC_check_errdetail("The URL must not hold a user name or password.");
		return false;
	}
	if (strpbrk(rest, "?#") != NULL)
	{
		GUC_check_errdetail("The URL must not have a query or a fragment.");
		return false;
	}
	host = strspn(rest, HOST_CHARACTERS);
	if (host == 0 || (rest[host] != '\0' && rest[host] != '/'))
	{
		GUC_check_errdetail("The URL has no valid host name.");
		return false;
	}
	rest += host;
	if (!path_allowed && *rest == '/')
		rest++;
	if (rest[path_allowed ? strspn(rest, PATH_CHARACTERS) : 0] != '\0')
	{
		GUC_check_errdetail("The URL's path is not allowed or has characters that must be percent-encoded.");
		return false;
	}
	return true;
}

bool
vapi_guc_check_base_url(char **newval, void **extra, GucSource source)
{
	static const char *const schemes[] = {"https://", "http://", NULL};

	(void) extra;
	(void) source;
	if (check_url(*newval, schemes, true))
		return true;
	GUC_check_errhint("Write it like https://api.vapi.ai; http:// also needs vapi_sales.allow_private_hosts.");
	return false;
}

bool
vapi_guc_check_public_url(char **newval, void **extra, GucSource source)
{
	static const char *const schemes[] = {"https://", "http://", NULL};

	(void) extra;
	(void) source;
	if (**newval == '\0' || check_url(*newval, schemes, true))
		return true;
	GUC_check_errhint("Write it like https://sales.example.com.");
	return false;
}

bool
vapi_guc_check_publish_url(char **newval, void **extra, GucSource source)
{
	static const char *const schemes[] = {"https://", "http://", NULL};
	const char *path = *newval + strlen(VAPI_GUC_UNIX);

	(void) extra;
	(void) source;
	if (**newval == '\0')
		return true;
	if (strncmp(*newval, VAPI_GUC_UNIX, strlen(VAPI_GUC_UNIX)) == 0)
	{
		if (is_absolute_path(path) && strlen(path) < sizeof(((struct sockaddr_un *) NULL)->sun_path))
			return true;
		GUC_check_errdetail("After \"%s\" there must be the absolute path of a socket, of less than %zu bytes.",
							VAPI_GUC_UNIX, sizeof(((struct sockaddr_un *) NULL)->sun_path));
	}
	else if (check_url(*newval, schemes, true))
		return true;
	GUC_check_errhint("Write it like unix:/run/vapi_sales/publish.sock.");
	return false;
}

bool
vapi_guc_check_proxy(char **newval, void **extra, GucSource source)
{
	static const char *const schemes[] = {"http://", "https://", "socks5://", "socks5h://", NULL};

	(void) extra;
	(void) source;
	if (**newval == '\0' || check_url(*newval, schemes, false))
		return true;
	GUC_check_errhint("Write it like http://proxy.example.com:3128.");
	return false;
}

bool
vapi_guc_check_hosts(char **newval, void **extra, GucSource source)
{
	(void) extra;
	(void) source;
	if ((*newval)[strspn(*newval, HOST_CHARACTERS ", \t")] == '\0')
		return true;
	GUC_check_errdetail("The value must be host names separated by commas, without scheme, path or wildcard.");
	GUC_check_errhint("An entry such as .example.com allows all subdomains of example.com.");
	return false;
}

bool
vapi_guc_check_path(char **newval, void **extra, GucSource source)
{
	(void) extra;
	(void) source;
	if (**newval == '\0' || is_absolute_path(*newval))
		return true;
	GUC_check_errdetail("The value must be an absolute path.");
	return false;
}

bool
vapi_guc_check_databases(char **newval, void **extra, GucSource source)
{
	char *copy = pstrdup(*newval);
	List *names;
	bool valid = SplitIdentifierString(copy, ',', &names);

	(void) extra;
	(void) source;
	if (!valid)
	{
		GUC_check_errdetail("The value must be names of databases separated by commas.");
		GUC_check_errhint("A name with capital letters or signs stands in double quotes.");
	}
	else if (list_length(names) > VAPI_GUC_MAX_DATABASES)
	{
		valid = false;
		GUC_check_errdetail("There may be %d databases at most.", VAPI_GUC_MAX_DATABASES);
	}
	list_free(names);
	pfree(copy);
	return valid;
}

bool
vapi_guc_check_region(char **newval, void **extra, GucSource source)
{
	const char *region = *newval;

	(void) extra;
	(void) source;
	if (strlen(region) == 2 && region[0] >= 'A' && region[0] <= 'Z' && region[1] >= 'A' && region[1] <= 'Z')
		return true;
	GUC_check_errdetail("The value must be two capital letters (ISO 3166-1 alpha-2), such as US or GB.");
	return false;
}

bool
vapi_guc_check_time_zone(char **newval, void **extra, GucSource source)
{
	pg_tz *zone;

	(void) extra;
	(void) source;
	if (**newval == '\0')
		return true;
	zone = pg_tzset(*newval);
	if (zone != NULL && pg_tz_acceptable(zone))
		return true;
	GUC_check_errdetail("Time zone \"%s\" is not known to the server.", *newval);
	GUC_check_errhint("See the view pg_timezone_names.");
	return false;
}

bool
vapi_guc_check_id(char **newval, void **extra, GucSource source)
{
	(void) extra;
	(void) source;
	if (strlen(*newval) <= 255 && (*newval)[strspn(*newval, LETTERS DIGITS "-_")] == '\0')
		return true;
	GUC_check_errdetail("The value must be an id as Vapi shows it: letters, digits, \"-\" and \"_\".");
	return false;
}

bool
vapi_guc_check_header_name(char **newval, void **extra, GucSource source)
{
	(void) extra;
	(void) source;
	if ((*newval)[strspn(*newval, LETTERS DIGITS "!#$%&'*+-.^_`|~")] == '\0')
		return true;
	GUC_check_errdetail("The value must be the name of an HTTP header, without colon.");
	return false;
}

bool
vapi_guc_check_signature_header(char **newval, void **extra, GucSource source)
{
	if (**newval != '\0')
		return vapi_guc_check_header_name(newval, extra, source);
	GUC_check_errdetail("The value must not be empty.");
	return false;
}

bool
vapi_guc_check_signature_prefix(char **newval, void **extra, GucSource source)
{
	(void) extra;
	(void) source;
	for (const char *p = *newval; *p != '\0'; p++)
	{
		if (*p <= ' ' || *p > '~')
		{
			GUC_check_errdetail("The value must consist of printable ASCII characters other than spaces.");
			return false;
		}
	}
	return true;
}

bool
vapi_guc_check_payload_format(char **newval, void **extra, GucSource source)
{
	const char *problem = vapi_signature_format_problem(*newval);

	(void) extra;
	(void) source;
	if (problem == NULL)
		return true;
	GUC_check_errdetail("%s", problem);
	GUC_check_errhint("Write it as Vapi's credential has it, for example {timestamp}.{body}.");
	return false;
}

bool
vapi_guc_check_webhook_url(char **newval, void **extra, GucSource source)
{
	(void) extra;
	(void) source;
	if (**newval == '\0' ||
		((pg_strncasecmp(*newval, "https://", 8) == 0 || pg_strncasecmp(*newval, "http://", 7) == 0) &&
		 (*newval)[strspn(*newval, HOST_CHARACTERS PATH_CHARACTERS "?@")] == '\0'))
		return true;
	GUC_check_errdetail("The value must be the complete URL that Vapi was given.");
	return false;
}
