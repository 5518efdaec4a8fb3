/*
 * The GraphQL operations that are sent to Linear. A test holds each to Linear's
 * own schema, so nothing else may be sent there.
 */
#ifndef VAPI_LINEAR_DOCUMENTS_H
#define VAPI_LINEAR_DOCUMENTS_H

#include "vapi_compat.h"

/* The operation of that name; it must be one of the list. */
extern const char *vapi_linear_document(const char *name);

#endif
