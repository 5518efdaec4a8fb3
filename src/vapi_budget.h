/*
 * The rate budget: vapi_sales.requests_per_minute, shared by all processes of
 * the database. GCRA (ITU-T I.371) on two sequences, so that it needs neither
 * shared memory nor row locks.
 */
#ifndef VAPI_BUDGET_H
#define VAPI_BUDGET_H

#include "vapi_compat.h"

#include "vapi_client.h"

/*
 * Who asks. An import waits until nobody else has used up what is due, and
 * has a budget of its own of four fifths; a person may take a short burst.
 */
typedef enum VapiBudgetPriority
{
	VAPI_BUDGET_SYNC,
	VAPI_BUDGET_POLL,
	VAPI_BUDGET_INTERACTIVE
} VapiBudgetPriority;

typedef struct VapiBudget
{
	VapiBudgetPriority priority;
	bool in_transaction; /* the caller has one; else each question is a short one of its own */
} VapiBudget;

/*
 * A VapiClientBudget; arg is a VapiBudget. Takes one request from the budget
 * and returns 0, or takes nothing and returns the milliseconds to wait before
 * asking again. No 60 seconds hold more requests than the setting, but for
 * those of read-only transactions, in which nothing can be taken: they wait
 * like others, and their own process waits for them too and takes them when
 * it next can; other processes do not know of them. ereports what SQL and locks
 * ereport.
 */
extern int vapi_budget_take(void *arg);

/*
 * A client for what a person asks Vapi in this backend, with the interactive
 * budget; its connection closes with the current context. Needs a transaction.
 */
extern VapiClient *vapi_budget_client(int max_attempts);

#endif
