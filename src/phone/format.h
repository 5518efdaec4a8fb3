/*
 * The interface of the phone number module: plain C, no PostgreSQL and no C++
 * in it.
 */
#ifndef VAPI_PHONE_FORMAT_H
#define VAPI_PHONE_FORMAT_H

/* "+", 15 digits and the final zero byte, and room to spare */
#define VAPI_PHONE_SIZE 32

#define VAPI_PHONE_FORMATTED 1
#define VAPI_PHONE_IMPOSSIBLE 0
#define VAPI_PHONE_NO_MEMORY (-1)

/*
 * Writes number, read in region (may be empty), as E.164 into buffer of
 * VAPI_PHONE_SIZE bytes, and returns one of the three results above. Both
 * arguments are UTF-8. No exception leaves it.
 */
typedef int (*VapiPhoneFormat)(const char *number, const char *region, char *buffer);

#ifdef __cplusplus
extern "C"
#endif
	int
	vapi_phone_format(const char *number, const char *region, char *buffer);

#endif
