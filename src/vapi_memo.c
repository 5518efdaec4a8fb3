#include "vapi_compat.h"

#include "common/hashfn.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "vapi_guc.h"
#include "vapi_memo.h"

typedef struct Entry
{
	dlist_node node;
	VapiMemo memo;
	MemoryContext context; /* this is in it, too */
	Size size;
	uint32 hash;
	int length;
	const char *key;
} Entry;

/* Those asked for last first. */
static dlist_head entries = DLIST_STATIC_INIT(entries);
static Size total;
static MemoryContext all;

static Size
room(void)
{
	return (Size) vapi_guc_analytics_memory * 1024;
}

static void
forget(Entry *entry)
{
	dlist_delete(&entry->node);
	total -= entry->size;
	MemoryContextDelete(entry->context);
}

/* Forgets the oldest until they take no more than that. */
static void
shrink(Size most)
{
	while (total > most && !dlist_is_empty(&entries))
		forget(dlist_tail_element(Entry, node, &entries));
}

bool
vapi_memo_begin(void)
{
	shrink(room());
	return room() > 0;
}

static Entry *
find_entry(const char *key, int length, uint32 hash)
{
	dlist_iter iter;

	dlist_foreach (iter, &entries)
	{
		Entry *entry = dlist_container(Entry, node, iter.cur);

		if (entry->hash == hash && entry->length == length && memcmp(entry->key, key, length) == 0)
			return entry;
	}
	return NULL;
}

static bool
same_version(const VapiMemoHour *a, const VapiMemoHour *b)
{
	return a->xmin == b->xmin && a->part == b->part &&
		   ItemPointerEquals(unconstify(ItemPointerData *, &a->place), unconstify(ItemPointerData *, &b->place));
}

/* Marks the hours that the memo has; are all of its hours among them, as they were? */
static bool
mark_hours(const VapiMemo *memo, const VapiMemoHour *hours, int count, VapiMemoMark *marks)
{
	bool all_are = true;
	int i = 0;

	for (int j = 0; j < memo->count; j++)
	{
		while (i < count && hours[i].hour < memo->hours[j].hour)
			i++;
		if (i == count || hours[i].hour != memo->hours[j].hour)
			all_are = false;
		else if (same_version(&hours[i], &memo->hours[j]))
			marks[i] = VAPI_MEMO_COUNTED;
		else
		{
			marks[i] = VAPI_MEMO_CHANGED;
			all_are = false;
		}
	}
	return all_are;
}

const VapiMemo *
vapi_memo_find(const char *key, int length, const VapiMemoHour *hours, int count, VapiMemoMark *marks)
{
	uint32 hash = hash_bytes((const unsigned char *) key, length);
	Entry *entry;

	for (int i = 0; i < count; i++)
		marks[i] = VAPI_MEMO_UNKNOWN;
	entry = find_entry(key, length, hash);
	if (entry == NULL)
		return NULL;
	if (mark_hours(&entry->memo, hours, count, marks))
	{
		dlist_move_head(&entries, &entry->node);
		return &entry->memo;
	}
	for (int i = 0; i < count; i++)
		if (marks[i] == VAPI_MEMO_COUNTED)
			marks[i] = VAPI_MEMO_UNKNOWN;
	forget(entry);
	return NULL;
}

void
vapi_memo_keep(const char *key, int length, const VapiMemoHour *hours, int count, const void *state,
			   MemoryContext context)
{
	uint32 hash = hash_bytes((const unsigned char *) key, length);
	Size size = MemoryContextMemAllocated(context, true) + length + sizeof(VapiMemoHour) * count;
	VapiMemoHour *own_hours;
	Entry *entry;
	Entry *former;
	char *own_key;

	if (size > room() / 2)
		return;
	if (all == NULL)
		all = AllocSetContextCreate(TopMemoryContext, "vapi_sales analytics memory", ALLOCSET_SMALL_SIZES);
	/* All that may fail comes before it is taken over. */
	entry = MemoryContextAllocZero(context, sizeof(Entry));
	own_hours = MemoryContextAlloc(context, sizeof(VapiMemoHour) * Max(count, 1));
	own_key = MemoryContextAlloc(context, Max(length, 1));
	memcpy(own_hours, hours, sizeof(VapiMemoHour) * count);
	memcpy(own_key, key, length);
	entry->memo = (VapiMemo){state, own_hours, count};
	entry->context = context;
	entry->size = MemoryContextMemAllocated(context, true);
	entry->hash = hash;
	entry->length = length;
	entry->key = own_key;

	former = find_entry(key, length, hash);
	if (former != NULL)
		forget(former);
	shrink(room() - Min(room(), entry->size));
	MemoryContextSetParent(context, all);
	total += entry->size;
	dlist_push_head(&entries, &entry->node);
}
