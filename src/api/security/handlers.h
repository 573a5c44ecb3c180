#pragma once

/* api/security/handlers.h - what the table of ops.c runs. */

#include "api/security/security_api.h"

int security_api_keys(void *role, Ctx *cx, const void *in, void *out);
int security_api_create(void *role, Ctx *cx, const void *in, void *out);
int security_api_get(void *role, Ctx *cx, const void *in, void *out);
int security_api_rotate(void *role, Ctx *cx, const void *in, void *out);
int security_api_revoke(void *role, Ctx *cx, const void *in, void *out);
int security_api_feed(void *role, Ctx *cx, const void *in, void *out);
int security_api_events(void *role, Ctx *cx, const void *in, void *out);
int security_api_verify(void *role, Ctx *cx, const void *in, void *out);
int security_api_acknowledge(void *role, Ctx *cx, const void *in, void *out);
