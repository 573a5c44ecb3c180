#pragma once

/* ports/ws_dialer.h - WebSocket connections to venues, as their adapters see them: text out, events in.
 *
 * A dialer holds several connections (links) and one queue of what happens on them; whoever polls it waits on all.
 * Pings are answered below, and a link that is silent for too long ends by itself.
 *
 * Adapters:  adapters/ws/net on net/ws_client; sim/sim_ws on a virtual clock.
 * Threads:   one at a time; poll blocks, at most as long as it is told.   Memory: text of an event lives in cx->arena. */

#include "base/ctx.h"

typedef struct WsDialer WsDialer;

typedef enum WsEventKind { WS_NOTHING, WS_OPENED, WS_TEXT_CAME, WS_ENDED } WsEventKind;

typedef struct WsEvent {
    WsEventKind kind;
    int link;
    Str text;   /* of WS_TEXT_CAME; words of WS_ENDED */
    int code;   /* of WS_ENDED: the close code, 1006 when there was none */
    int err;    /* of WS_ENDED: 0 closed as agreed, or ErrCode */
    int status; /* of WS_ENDED: the HTTP status that refused the handshake; 0: none did */
    int64_t retry_after_ms;
} WsEvent;

typedef struct WsDialerOps {
    const char *name;
    /* Begins to connect; WS_OPENED or WS_ENDED follows. *link > 0. ERR_USAGE, ERR_DENIED (the guard). */
    int (*dial)(WsDialer *d, Ctx *cx, Str url, int *link);
    /* 0, ERR_UNAVAILABLE (not open), ERR_LIMIT (too much is queued). */
    int (*send)(WsDialer *d, Ctx *cx, int link, Str text);
    /* Ends it; nothing of it comes after. Unknown links are fine. */
    void (*hang_up)(WsDialer *d, int link);
    /* The next event, or WS_NOTHING after wait_ms. */
    int (*poll)(WsDialer *d, Ctx *cx, int64_t wait_ms, WsEvent *out);
    void (*close)(WsDialer *d);
} WsDialerOps;

struct WsDialer {
    const WsDialerOps *ops;
};

int ws_dialer_dial(WsDialer *d, Ctx *cx, Str url, int *link);
int ws_dialer_send(WsDialer *d, Ctx *cx, int link, Str text);
void ws_dialer_hang_up(WsDialer *d, int link);
int ws_dialer_poll(WsDialer *d, Ctx *cx, int64_t wait_ms, WsEvent *out);
WsDialer *ws_dialer_close(WsDialer *d); /* NULL is fine; returns NULL */
