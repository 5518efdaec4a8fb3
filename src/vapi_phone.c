#include "vapi_phone.h"

#include "common/hashfn.h"
#include "utils/memutils.h"

#include "phone/format.h"

/* E.164 allows 15 digits; below 8 it is a short code */
#define E164_MIN_DIGITS 8
#define E164_MAX_DIGITS 15

/* The module's function, NULL until loaded or when there is no module. */
static VapiPhoneFormat format_number = NULL;
static bool load_tried = false;

/*
 * Loads the module once per process. Loading takes no lock and opens nothing
 * that an abort would have to release, so its error may be turned into a
 * warning without a subtransaction.
 */
static void
load_module(void)
{
	MemoryContext caller = CurrentMemoryContext;

	load_tried = true;
	PG_TRY();
	{
		format_number = (VapiPhoneFormat) load_external_function("$libdir/vapi_sales_phone", "vapi_phone_format",
																 true, NULL);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		ereport(WARNING,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("phone numbers are only read in international form in this session"),
				 errdetail("The phone number module could not be loaded: %s", error->message),
				 errhint("Install libphonenumber and build the extension without PHONE=no.")));
		FreeErrorData(error);
	}
	PG_END_TRY();
}

/* What is already E.164 but for white space and punctuation. */
static char *
plain_e164(const char *number)
{
	char buffer[E164_MAX_DIGITS + 2];
	int length = 0;

	while (*number == ' ' || *number == '\t')
		number++;
	if (*number++ != '+')
		return NULL;
	buffer[length++] = '+';
	for (; *number != '\0'; number++)
	{
		if (strchr(" \t-().", *number) != NULL)
			continue;
		if (*number < '0' || *number > '9' || length > E164_MAX_DIGITS || (length == 1 && *number == '0'))
			return NULL;
		buffer[length++] = *number;
	}
	if (length - 1 < E164_MIN_DIGITS)
		return NULL;
	return pnstrdup(buffer, length);
}

/* Numbers read last: every event of a call brings the same one, and reading it takes longer than all other fields. */
#define CACHE_SIZE 512
#define CACHE_NUMBER_SIZE 32

typedef struct CachedNumber
{
	char number[CACHE_NUMBER_SIZE];
	char region[4];
	char e164[VAPI_PHONE_SIZE]; /* empty: it is none */
} CachedNumber;

static CachedNumber cache[CACHE_SIZE];

/* Where the number is remembered; NULL: it is too long to be. */
static CachedNumber *
find_cached(const char *number, const char *region)
{
	size_t length = strlen(number);

	if (length >= CACHE_NUMBER_SIZE || strlen(region) >= sizeof(cache[0].region))
		return NULL;
	return &cache[hash_bytes((const unsigned char *) number, (int) length) % CACHE_SIZE];
}

char *
vapi_phone_e164(const char *number, const char *region)
{
	char buffer[VAPI_PHONE_SIZE];
	CachedNumber *cached;
	int result;

	if (number == NULL || *number == '\0')
		return NULL;
	if (!load_tried)
		load_module();
	if (format_number == NULL)
		return plain_e164(number);
	if (region == NULL)
		region = "";
	cached = find_cached(number, region);
	if (cached != NULL && strcmp(cached->number, number) == 0 && strcmp(cached->region, region) == 0)
		return cached->e164[0] != '\0' ? pstrdup(cached->e164) : NULL;
	result = format_number(number, region, buffer);
	if (result == VAPI_PHONE_NO_MEMORY)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("Failed while reading a phone number.")));
	if (cached != NULL)
	{
		strlcpy(cached->number, number, sizeof(cached->number));
		strlcpy(cached->region, region, sizeof(cached->region));
		strlcpy(cached->e164, result == VAPI_PHONE_FORMATTED ? buffer : "", sizeof(cached->e164));
	}
	return result == VAPI_PHONE_FORMATTED ? pstrdup(buffer) : NULL;
}
