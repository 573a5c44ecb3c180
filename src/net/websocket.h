#pragma once

/* net/websocket.h - what server and client of RFC 6455 share: kinds of messages, close codes, shared frames. */

#include "base/buf.h"

typedef enum WsKind { WS_TEXT = 1, WS_BINARY = 2 } WsKind;

/* Close codes of RFC 6455 §7.4.1 and of its registry. Applications use 4000 to 4999. */
enum {
    WS_CLOSE_NORMAL = 1000,
    WS_CLOSE_GOING_AWAY = 1001, /* the server stops */
    WS_CLOSE_PROTOCOL = 1002,
    WS_CLOSE_UNSUPPORTED = 1003, /* text where binary is taken, or the other way round */
    WS_CLOSE_NONE = 1005,        /* never sent: the peer's close frame had no code */
    WS_CLOSE_LOST = 1006,        /* never sent: the connection ended without a close frame */
    WS_CLOSE_NOT_UTF8 = 1007,
    WS_CLOSE_POLICY = 1008,
    WS_CLOSE_TOO_BIG = 1009,
    WS_CLOSE_INTERNAL = 1011,
    WS_CLOSE_TRY_LATER = 1013,
};

/* May this code stand in a close frame? (§7.4) */
bool ws_close_code_valid(int code);
