/*
 * Files for the unit tests, which run in the project's root.
 */
#ifndef READ_FILE_H
#define READ_FILE_H

#include "vapi_pure.h"

/* The whole file, palloc'd, with a zero byte behind it; NULL when it cannot be read. */
static inline char *
read_file(const char *path, size_t *length)
{
	FILE *file = fopen(path, "rb");
	size_t room = 65536;
	char *text;
	size_t got;

	*length = 0;
	if (file == NULL)
		return NULL;
	text = palloc(room);
	while ((got = fread(text + *length, 1, room - 1 - *length, file)) > 0)
	{
		*length += got;
		if (*length == room - 1)
			text = repalloc(text, room *= 2);
	}
	fclose(file);
	text[*length] = '\0';
	return text;
}

/* The same for a file in the folder of real payloads: $VAPI_SAMPLES, which is not part of the project. */
static inline char *
read_sample(const char *name, size_t *length)
{
	const char *folder = getenv("VAPI_SAMPLES");
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", folder != NULL && folder[0] != '\0' ? folder : "../shared/samples", name);
	return read_file(path, length);
}

#endif
