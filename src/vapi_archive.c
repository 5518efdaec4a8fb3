#include "vapi_compat.h"

#include "access/xact.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/memutils.h"

#include "vapi_archive.h"
#include "vapi_breaker.h"
#include "vapi_error.h"
#include "vapi_guc.h"
#include "vapi_lock.h"
#include "vapi_recording.h"
#include "vapi_store.h"

/* Bytes of a part: what one request of the edge asks for (docs/benchmarks.md). */
#define PART_SIZE (256 * 1024)

/* Calls that are looked at in one transaction, and recordings that are looked up at once. */
#define CALLS 500
#define RECORDINGS 20

/* Attempts of one request: the recording itself is asked for again later. */
#define ATTEMPTS 2

/* Fetching recordings, one after the other. */
typedef struct Archive
{
	VapiStepWork *work;
	VapiClient *client;
	VapiHttpClient *storage;
	MemoryContext context; /* of one recording */
	int64 bytes;		   /* all that is stored */
	bool full;			   /* the quota is used up */
} Archive;

typedef struct Recording
{
	const char *id;
	const char *kind;
	const char *media_type;
	File file; /* temporary: gone with this process, however that ends */
	int64 length;
} Recording;

bool
vapi_archive_off(void)
{
	return vapi_guc_archive_recordings == VAPI_ARCHIVE_OFF;
}

/* The quota in bytes; 0: none. */
static int64
quota(void)
{
	return (int64) vapi_guc_archive_quota * 1024 * 1024;
}

/* Notes the recordings of calls that are new or have changed, as long as there is time. */
static void
choose(VapiStepWork *work)
{
	static VapiStatement statement = {"SELECT vapi_internal.archive_choose($1, $2::integer)", NULL};
	VapiParameter parameters[2];
	int handled;

	do
	{
		VapiStoreSection section;
		bool isnull;

		vapi_store_begin(&section, "vapi_sales: choosing recordings");
		parameters[0] = vapi_parameter_text(vapi_guc_archive_recordings == VAPI_ARCHIVE_MONO ? "mono" : "stereo");
		parameters[1] = vapi_parameter_int8(CALLS);
		(void) vapi_store_execute(&statement, 2, parameters);
		handled = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
		vapi_store_commit(&section);
	} while (handled > 0 && vapi_step_goes_on(work));
	MemoryContextSwitchTo(work->context);
}

/* Recordings that are due, in work->context. */
static Recording *
find_due(VapiStepWork *work, int *count)
{
	static VapiStatement statement = {
		"SELECT a.call_id, a.kind FROM vapi_internal.archived_recording a"
		" WHERE a.status = 'waiting' AND (a.next_attempt_at IS NULL OR a.next_attempt_at <= now())"
		" ORDER BY a.call_created_at LIMIT $1",
		NULL};
	VapiParameter parameter;
	VapiStoreSection section;
	Recording *recordings;
	int i;

	vapi_store_begin(&section, "vapi_sales: looking for recordings");
	parameter = vapi_parameter_int8(RECORDINGS);
	*count = (int) vapi_store_execute(&statement, 1, &parameter);
	recordings = MemoryContextAllocZero(work->context, sizeof(Recording) * RECORDINGS);
	for (i = 0; i < *count; i++)
	{
		recordings[i].id =
			MemoryContextStrdup(work->context, SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1));
		recordings[i].kind =
			MemoryContextStrdup(work->context, SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2));
	}
	vapi_store_commit(&section);
	MemoryContextSwitchTo(work->context);
	return recordings;
}

/* Adds up what is stored. */
static void
measure(Archive *archive)
{
	static VapiStatement statement = {"SELECT vapi_internal.archive_measure($1)", NULL};
	VapiParameter parameter;
	VapiStoreSection section;
	bool isnull;

	vapi_store_begin(&section, "vapi_sales: size of the archive");
	parameter = vapi_parameter_int8(quota());
	(void) vapi_store_execute(&statement, 1, &parameter);
	archive->bytes = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	vapi_store_commit(&section);
	MemoryContextSwitchTo(archive->work->context);
	archive->full = quota() > 0 && archive->bytes >= quota();
}

/* A sink: appends to the temporary file. */
static void
keep_bytes(void *arg, const char *bytes, size_t length)
{
	Recording *recording = arg;

	/* as with a full disk, errno may be left as it was */
	errno = ENOSPC;
	if ((size_t) FileWrite(recording->file, unconstify(char *, bytes), (int) length, (off_t) recording->length,
						   WAIT_EVENT_BUFFILE_WRITE) != length)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not write a temporary file of the archive: %m")));
	recording->length += (int64) length;
}

/* Brings the audio into the temporary file. */
static void
fetch(Archive *archive, Recording *recording)
{
	char *url = vapi_recording_ask(archive->client, recording->id, recording->kind);

	vapi_recording_download(archive->storage, url, keep_bytes, recording);
	if (recording->length == 0)
		ereport(ERROR, (errcode(ERRCODE_NO_DATA), errmsg("Vapi's storage has an empty recording")));
	recording->media_type = vapi_recording_media_type(url);
}

/* Stores the parts, and their hash in sum; in the caller's store section. */
static void
store_parts(const Recording *recording, uint8 *sum)
{
	static VapiStatement insert = {
		"INSERT INTO vapi_internal.archived_recording_part (call_id, kind, part, audio) VALUES ($1, $2, $3, $4)", NULL};
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);
	bytea *audio = palloc(VARHDRSZ + PART_SIZE);
	VapiParameter parameters[4] = {
		vapi_parameter_text(recording->id),
		vapi_parameter_text(recording->kind),
	};
	bool hashed = hash != NULL && pg_cryptohash_init(hash) == 0;
	int64 at;

	for (at = 0; at < recording->length; at += PART_SIZE)
	{
		int length = (int) Min(PART_SIZE, recording->length - at);

		CHECK_FOR_INTERRUPTS();
		if (FileRead(recording->file, VARDATA(audio), length, (off_t) at, WAIT_EVENT_BUFFILE_READ) != length)
			ereport(ERROR, (errcode_for_file_access(), errmsg("could not read a temporary file of the archive: %m")));
		SET_VARSIZE(audio, VARHDRSZ + length);
		hashed = hashed && pg_cryptohash_update(hash, (const uint8 *) VARDATA(audio), length) == 0;
		parameters[2] = (VapiParameter){INT4OID, Int32GetDatum((int32) (at / PART_SIZE)), false};
		parameters[3] = (VapiParameter){BYTEAOID, PointerGetDatum(audio), false};
		(void) vapi_store_execute(&insert, 4, parameters);
	}
	hashed = hashed && pg_cryptohash_final(hash, sum, PG_SHA256_DIGEST_LENGTH) == 0;
	pg_cryptohash_free(hash);
	if (!hashed)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not compute the hash of a recording")));
}

/* All of a recording in one transaction, unless it is no longer wanted: its call was erased, or its time has passed. */
static void
store(Archive *archive, const Recording *recording)
{
	static VapiStatement lock = {
		"SELECT FROM vapi_internal.archived_recording a"
		" WHERE a.call_id = $1 AND a.kind = $2 AND a.status = 'waiting' FOR UPDATE",
		NULL};
	static VapiStatement finish = {
		"SELECT vapi_internal.archive_store($1, $2, $3, $4, $5, $6)", NULL};
	VapiParameter parameters[6];
	VapiStoreSection section;

	vapi_store_begin(&section, "vapi_sales: storing a recording");
	/* As merges do: nothing of an erased call must come back. */
	vapi_lock_transaction_shared(VAPI_LOCK_ERASURE);
	parameters[0] = vapi_parameter_text(recording->id);
	parameters[1] = vapi_parameter_text(recording->kind);
	if (vapi_store_execute(&lock, 2, parameters) > 0)
	{
		bytea *sum = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);

		SET_VARSIZE(sum, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
		store_parts(recording, (uint8 *) VARDATA(sum));
		parameters[2] = vapi_parameter_int8(recording->length);
		parameters[3] = vapi_parameter_int8(PART_SIZE);
		parameters[4] = vapi_parameter_text(recording->media_type);
		parameters[5] = (VapiParameter){BYTEAOID, PointerGetDatum(sum), false};
		(void) vapi_store_execute(&finish, 6, parameters);
		archive->bytes += recording->length;
		archive->work->done++;
	}
	vapi_store_commit(&section);
	MemoryContextSwitchTo(archive->context);
}

/* Puts a recording off, or gives it up; reason NULL: there is no room for it. */
static void
note(Archive *archive, const Recording *recording, const char *reason, bool final)
{
	static VapiStatement statement = {"SELECT vapi_internal.archive_note($1, $2, $3, $4)", NULL};
	VapiParameter parameters[4];
	VapiStoreSection section;

	vapi_store_begin(&section, "vapi_sales: a recording that cannot be archived");
	parameters[0] = vapi_parameter_text(recording->id);
	parameters[1] = vapi_parameter_text(recording->kind);
	parameters[2] = vapi_parameter_text(reason);
	parameters[3] = vapi_parameter_bool(final);
	(void) vapi_store_execute(&statement, 4, parameters);
	vapi_store_commit(&section);
	MemoryContextSwitchTo(archive->context);
}

/* Is that error about this recording alone? */
static bool
is_of_recording(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_NO_DATA || error->sqlerrcode == ERRCODE_VAPI_RETENTION ||
		   error->sqlerrcode == ERRCODE_VAPI_REFUSED || error->sqlerrcode == ERRCODE_PROGRAM_LIMIT_EXCEEDED ||
		   error->sqlerrcode == ERRCODE_INVALID_PARAMETER_VALUE;
}

/* Vapi or its storage did not give the recording. */
static void
take_refusal(Archive *archive, const Recording *recording, ErrorData *error)
{
	if (error->sqlerrcode == ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION)
		vapi_breaker_open(vapi_client_used_key(archive->client), error);
	else
		/* Also when the error is about all: another recording comes first the next time. */
		note(archive, recording, vapi_error_text(error->message, strlen(error->message)),
			 error->sqlerrcode == ERRCODE_VAPI_RETENTION);
	if (!is_of_recording(error))
	{
		MemoryContextSwitchTo(archive->context);
		ReThrowError(error);
	}
}

/* One recording from Vapi's storage into ours. The temporary file is closed by the caller. */
static void
bring(Archive *archive, Recording *recording)
{
	ErrorData *volatile error = NULL;

	PG_TRY();
	{
		fetch(archive, recording);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(archive->context);
		error = CopyErrorData();
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
			PG_RE_THROW();
		FlushErrorState();
		AbortOutOfAnyTransaction();
		MemoryContextSwitchTo(archive->context);
	}
	PG_END_TRY();
	if (error != NULL)
		take_refusal(archive, recording, error);
	else if (quota() > 0 && archive->bytes + recording->length > quota())
	{
		archive->full = true;
		note(archive, recording, NULL, false);
	}
	else
		store(archive, recording);
}

static void
archive_one(Archive *archive, Recording *recording)
{
	MemoryContextReset(archive->context);
	MemoryContextSwitchTo(archive->context);
	/* It outlives transactions, of which there are some while Vapi is waited for. */
	recording->file = OpenTemporaryFile(true);
	PG_TRY();
	{
		bring(archive, recording);
	}
	PG_FINALLY();
	{
		FileClose(recording->file);
	}
	PG_END_TRY();
}

void
vapi_archive_take(VapiStepWork *work)
{
	Archive archive = {.work = work};
	Recording *recordings;
	int count;
	int i;

	if (!vapi_step_has_key(work))
		return;
	choose(work);
	measure(&archive);
	do
	{
		recordings = find_due(work, &count);
		if (count > 0 && archive.client == NULL)
		{
			archive.client = vapi_step_client(work, ATTEMPTS);
			archive.storage = vapi_http_client_create(work->context);
			archive.context = AllocSetContextCreate(work->context, "vapi_sales recording", ALLOCSET_DEFAULT_SIZES);
		}
		for (i = 0; i < count && !archive.full && (i == 0 || vapi_step_goes_on(work)); i++)
			archive_one(&archive, &recordings[i]);
		work->more = !archive.full && (count == RECORDINGS || i < count);
	} while (work->more && vapi_step_goes_on(work));
}
