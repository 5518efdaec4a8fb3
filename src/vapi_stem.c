#include "vapi_compat.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "tsearch/ts_cache.h"
#include "tsearch/ts_public.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "vapi_stem.h"

size_t
vapi_stem_english(const char *word, size_t length, char *lexeme)
{
	static Oid dictionary_id = InvalidOid;
	TSDictionaryCacheEntry *dictionary;
	TSLexeme *found;
	size_t size = 0;

	/* Shipped with PostgreSQL and pinned: its OID is for ever. */
	if (!OidIsValid(dictionary_id))
		dictionary_id =
			get_ts_dict_oid(list_make2(makeString(pstrdup("pg_catalog")), makeString(pstrdup("english_stem"))), false);
	dictionary = lookup_ts_dictionary_cache(dictionary_id);
	found = (TSLexeme *) DatumGetPointer(FunctionCall4(&dictionary->lexize, PointerGetDatum(dictionary->dictData),
													   PointerGetDatum(word), Int32GetDatum((int32) length),
													   PointerGetDatum(NULL)));
	if (found == NULL)
		return 0;
	if (found[0].lexeme != NULL)
	{
		size = Min(strlen(found[0].lexeme), VAPI_WORD_MAX);
		memcpy(lexeme, found[0].lexeme, size);
	}
	for (TSLexeme *each = found; each->lexeme != NULL; each++)
		pfree(each->lexeme);
	pfree(found);
	return size;
}

PG_FUNCTION_INFO_V1(vapi_sales_lexemes);

/* SQL: vapi_internal.lexemes(text) */
Datum
vapi_sales_lexemes(PG_FUNCTION_ARGS)
{
	text *spoken = PG_GETARG_TEXT_PP(0);
	VapiVocabulary *vocabulary = vapi_vocabulary_create(vapi_stem_english);
	VapiWords words = {0};
	Datum *lexemes;

	vapi_words_read_phrase(&words, vocabulary, VARDATA_ANY(spoken), (int) VARSIZE_ANY_EXHDR(spoken));
	lexemes = palloc(sizeof(Datum) * Max(words.count, 1));
	for (int i = 0; i < words.count; i++)
	{
		const char *word = words.words[i].number > 0 ? vapi_vocabulary_word(vocabulary, words.words[i].number) : "";
		int lexeme = vapi_vocabulary_add_lexeme(vocabulary, word, strlen(word));

		/* past the mark of lexemes; a word that is too long has none */
		lexemes[i] = CStringGetTextDatum(lexeme > 0 ? vapi_vocabulary_word(vocabulary, lexeme) + 1 : "");
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(lexemes, words.count, TEXTOID, -1, false, TYPALIGN_INT));
}
