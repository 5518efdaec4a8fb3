/*
 * What a whole call comes to on each component: by what the rules made of it,
 * what single turns probably say, and how the call went. Pure.
 */
#ifndef VAPI_WHOLE_H
#define VAPI_WHOLE_H

#include "vapi_readings.h"

/* How much a sign of a call counts, and the most that a call has. */
#define VAPI_CALL_SCALE 0.35
#define VAPI_MAX_CALL_FEATURES 640

/* What a call is judged by; returns how many. There is room for VAPI_MAX_CALL_FEATURES. */
extern int vapi_whole_features(const VapiReader *reader, VapiFeature *features);

/* Judges the call; an answer that is changed is shown by the turn that most probably gives it. */
extern void vapi_whole_judge(VapiReader *reader);

#endif
