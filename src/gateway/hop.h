#pragma once

/* gateway/hop.h - what travels with a call from hop to hop, read from its headers. Pure.
 *
 * All of it comes from outside: what is not of the expected form is not taken over. */

#include "base/ctx.h"

/* May this stand in our logs and headers as a correlation id? A plain token of at most 64 bytes. */
bool hop_plain_id(Str s);
/* x-deadline-ms: what is left of the caller's deadline. Brings *deadline nearer, never farther; an absent header leaves
 * it. ERR_BAD_REQUEST for anything but a number of milliseconds. */
int hop_deadline(Ctx *cx, Str header, MonoNs started, MonoNs *deadline);
