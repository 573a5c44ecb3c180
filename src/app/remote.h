#pragma once

/* app/remote.h - an ApiCaller over HTTP, on net's blocking client. */

#include "api/call.h"

/* address: "unix:/path" or "127.0.0.1:8080". key: the admin key; empty = none. Connects with the first call. */
int remote_open(Ctx *cx, Str address, Str key, ApiCaller **out);
