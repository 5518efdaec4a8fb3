/*
 * The lexicon of src/lexicon/ for the unit tests, which run in the project's root.
 */
#ifndef LEXICON_FILES_H
#define LEXICON_FILES_H

#include "english_stem.h"
#include "read_file.h"
#include "vapi_lexicon.h"
#include "vapi_rubric.h"

/* Adds the entries of one file; how many are wrong, each of which is printed. */
static inline int
lexicon_add_file(VapiLexicon *lexicon, const char *list, const char *path)
{
	size_t length;
	char *line = read_file(path, &length);
	int wrong = 0;

	if (line == NULL)
	{
		printf("# cannot read %s\n", path);
		return 1;
	}
	while (*line != '\0')
	{
		char *end = line + strcspn(line, "\n");
		char *tab;
		const char *error;
		bool last = *end == '\0';

		*end = '\0';
		tab = line + strcspn(line, "\t");
		if (*tab == '\t')
			*tab++ = '\0';
		error = vapi_lexicon_add(lexicon, list, line, tab);
		if (error != NULL)
		{
			printf("# %s: %s %s: %s\n", path, line, tab, error);
			wrong++;
		}
		if (last)
			break;
		line = end + 1;
	}
	return wrong;
}

/* The shipped lexicon; wrong counts entries that were refused. */
static inline VapiLexicon *
lexicon_read(int *wrong)
{
	static const char *const files[][2] = {{"sentiment", "src/lexicon/sentiment.tsv"},
										   {"idioms", "src/lexicon/idioms.tsv"},
										   {"intensifiers", "src/lexicon/intensifiers.tsv"},
										   {"negators", "src/lexicon/negators.txt"},
										   {"contrasts", "src/lexicon/contrasts.txt"},
										   {"classes", "src/lexicon/classes.tsv"},
										   {"rules", "src/lexicon/rules.tsv"},
										   {"weights", "src/lexicon/weights.tsv"}};
	VapiLexicon *lexicon = vapi_lexicon_create(english_stem);

	*wrong = 0;
	for (size_t i = 0; i < lengthof(files); i++)
		*wrong += lexicon_add_file(lexicon, files[i][0], files[i][1]);
	vapi_lexicon_finish(lexicon);
	return lexicon;
}

/* The shipped rubric; how many of its lines were refused. */
static inline int
rubric_read(VapiRubric *rubric)
{
	size_t length;
	char *line = read_file("src/lexicon/rubric.tsv", &length);
	int wrong = 0;

	memset(rubric, 0, sizeof(*rubric));
	for (line = line == NULL ? NULL : strtok(line, "\n"); line != NULL; line = strtok(NULL, "\n"))
	{
		char *answer = strchr(line, '\t');
		char *points = answer == NULL ? NULL : strchr(answer + 1, '\t');
		const char *error = "a line has three fields";

		if (points != NULL)
		{
			*answer = *points = '\0';
			error = vapi_rubric_add(rubric, line, answer + 1, points + 1);
		}
		if (error != NULL)
		{
			printf("# rubric.tsv: %s: %s\n", line, error);
			wrong++;
		}
	}
	return wrong + (vapi_rubric_problem(rubric) != NULL);
}

#endif
