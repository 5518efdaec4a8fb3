// E.164 through libphonenumber.
#include "format.h"

#include <cstring>
#include <new>
#include <string>

#include <phonenumbers/logger.h>
#include <phonenumbers/phonenumber.pb.h>
#include <phonenumbers/phonenumberutil.h>

using i18n::phonenumbers::NullLogger;
using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

// The library with its messages, which quote numbers, switched off.
static PhoneNumberUtil *
quiet_util()
{
	static PhoneNumberUtil *util = nullptr;

	if (util == nullptr)
	{
		PhoneNumberUtil *instance = PhoneNumberUtil::GetInstance();

		instance->SetLogger(new NullLogger());
		util = instance;
	}
	return util;
}

extern "C" __attribute__((visibility("default"))) int
vapi_phone_format(const char *number, const char *region, char *buffer)
{
	try
	{
		PhoneNumberUtil *util = quiet_util();
		PhoneNumber parsed;
		std::string text;

		// words among the digits would be dialled as letters on a keypad: "555-0100 ext" is no number
		if (util->IsAlphaNumber(number))
			return VAPI_PHONE_IMPOSSIBLE;
		// without a region only numbers with a + can be read; "ZZ" is the library's name for none
		if (util->Parse(number, *region != '\0' ? region : "ZZ", &parsed) != PhoneNumberUtil::NO_PARSING_ERROR ||
			!util->IsPossibleNumber(parsed))
			return VAPI_PHONE_IMPOSSIBLE;
		util->Format(parsed, PhoneNumberUtil::E164, &text);
		if (text.size() < 2 || text[0] != '+' || text.size() >= VAPI_PHONE_SIZE)
			return VAPI_PHONE_IMPOSSIBLE;
		std::memcpy(buffer, text.c_str(), text.size() + 1);
		return VAPI_PHONE_FORMATTED;
	}
	catch (const std::bad_alloc &)
	{
		return VAPI_PHONE_NO_MEMORY;
	}
	catch (...)
	{
		return VAPI_PHONE_IMPOSSIBLE;
	}
}
