#include "vapi_compat.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "vapi_linear_documents.h"

/* Lists are asked for with a small "first": it counts for the complexity that Linear allows. */
static const struct
{
	const char *name;
	const char *document;
} documents[] = {
	{"Choices", "query Choices { viewer { id name organization { id urlKey } }"
				" teams(first: 50) { nodes { id key name } }"
				" projects(first: 100) { nodes { id name status { type } } }"
				" issueLabels(first: 100) { nodes { id name isGroup team { id } } }"
				" users(first: 100) { nodes { id name active } } }"},
	{"IssueCreate", "mutation IssueCreate($input: IssueCreateInput!) { issueCreate(input: $input)"
					" { success issue { id identifier url } } }"},
	{"IssueUpdate",
	 "mutation IssueUpdate($id: String!, $input: IssueUpdateInput!) { issueUpdate(id: $id, input: $input)"
	 " { success issue { id identifier url } } }"},
	{"IssuesByIds",
	 "query IssuesByIds($ids: [ID!]!) { issues(first: 1, includeArchived: true, filter: { id: { in: $ids } })"
	 " { nodes { id identifier url } } }"},
	{"AttachmentCreate", "mutation AttachmentCreate($input: AttachmentCreateInput!) { attachmentCreate(input: $input)"
						 " { success attachment { id } } }"},
	{"ProjectAndStatuses",
	 "query ProjectAndStatuses($id: String!) { project(id: $id) { id name url status { id type } }"
	 " projectStatuses(first: 50) { nodes { id type position archivedAt } } }"},
	{"ProjectSetStatus",
	 "mutation ProjectSetStatus($id: String!, $statusId: String!)"
	 " { projectUpdate(id: $id, input: { statusId: $statusId }) { success project { id status { type } } } }"},
	{"ProjectUpdateCreate",
	 "mutation ProjectUpdateCreate($input: ProjectUpdateCreateInput!) { projectUpdateCreate(input: $input)"
	 " { success projectUpdate { id url } } }"},
};

const char *
vapi_linear_document(const char *name)
{
	for (size_t i = 0; i < lengthof(documents); i++)
		if (strcmp(documents[i].name, name) == 0)
			return documents[i].document;
	elog(ERROR, "there is no operation \"%s\"", name);
}

PG_FUNCTION_INFO_V1(vapi_sales_linear_documents);

/* SQL: vapi_internal.linear_documents(). */
Datum
vapi_sales_linear_documents(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (size_t i = 0; i < lengthof(documents); i++)
	{
		Datum values[2] = {CStringGetTextDatum(documents[i].name), CStringGetTextDatum(documents[i].document)};
		bool nulls[2] = {false, false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
