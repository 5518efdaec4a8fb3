/*
 * Reads a conversation turn by turn: what each of the customer's turns adds to
 * the findings. Pure.
 */
#ifndef VAPI_READER_H
#define VAPI_READER_H

#include "vapi_readings.h"

/* Takes in one of the customer's turns, by its index in the dialogue. */
extern void vapi_reader_take(VapiReader *reader, int turn);

#endif
