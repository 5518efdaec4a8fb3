/*
 * Control of running calls: say, mute, transfer, hang up. Vapi gives each call a
 * URL for that, with which anybody could speak in the call: it is asked for at
 * the moment of use, and never stored, logged or shown.
 */
#ifndef VAPI_CONTROL_H
#define VAPI_CONTROL_H

#include "vapi_compat.h"

#include "utils/jsonb.h"

/*
 * Sends a control message ({"type": ...}, as Vapi's documentation of live call
 * control has it) to the call of that id, once. Needs a transaction. ereports
 * ERRCODE_VAPI_CALL_STATE when the call has ended or not begun, 55000 when Vapi
 * gives no control URL for it, ERRCODE_VAPI_HOST_REFUSED when that lies outside
 * vapi_sales.control_hosts or is not https, 02000 when Vapi does not know the
 * call, ERRCODE_VAPI_REFUSED and ERRCODE_VAPI_UNAVAILABLE for what the control
 * server answers, and what vapi_client_request does.
 */
extern void vapi_control_send(const char *id, Jsonb *message);

#endif
