/*
 * The next token of JSON text. Punctuation, plain numbers and strings, nearly
 * all of a payload, are recognised here, strings eight bytes at a time; every
 * other token, and whatever is wrong with one, is PostgreSQL's lexer's. Pure.
 */
#ifndef VAPI_TOKEN_H
#define VAPI_TOKEN_H

#include "vapi_pure.h"

#include "common/jsonapi.h"

/* json_lex with a short way; end is where the text ends. Escapes of strings are checked, not replaced. */
extern JsonParseErrorType vapi_token_next(JsonLexContext *lexer, const char *end);

/* Where the string token that begins at token ends; NULL: it is invalid or incomplete. */
extern const char *vapi_token_string_end(const char *token, const char *end);

/* The four hex digits at text, or -1. */
extern int vapi_token_hex(const char *text, const char *end);

#endif
