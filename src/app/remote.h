#pragma once

/* app/remote.h - an ApiCaller over HTTP, on net's blocking client. */

#include "api/call.h"
#include "net/http_caller.h"

/* What a caller shows and believes. All of it outlives the caller; NULL or empty = not that. */
typedef struct RemoteTrust {
    Str key;          /* sent as X-API-Key */
    Str internal_key; /* instead: the platform's own, and who asks is told as well */
    HttpTrust tls;    /* of an address that begins with https:// */
} RemoteTrust;

/* address: "unix:/path", "127.0.0.1:8080", "https://10.0.0.5:8000". Connects with the first call. */
int remote_open(Ctx *cx, Str address, const RemoteTrust *trust, ApiCaller **out);
