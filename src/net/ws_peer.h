#pragma once

/* net/ws_peer.h - one end of an open WebSocket as a machine of bytes: what server and client have in common.
 *
 * Bytes in through ws_peer_input, out into an OutQueue, time as a parameter. Answers pings, sends its own after a
 * silence, runs the close handshake, holds the limits. Private to net/. */

#include "base/time.h"
#include "net/ws_frame.h"

typedef struct WsLimits {
    size_t max_message;
    size_t max_queue; /* bytes to be sent: past it a send is refused, and nothing is read */
    int64_t idle_ms;  /* without a byte from the peer; 0 = never */
    int64_t ping_ms;  /* after so much silence a ping asks for a sign of life; 0 = never */
    int64_t close_ms; /* how long the peer's answer to a close frame is waited for */
} WsLimits;

typedef enum WsState {
    WS_OPEN,
    WS_CLOSING, /* our close frame is out, the peer's is awaited */
    WS_CLOSED,  /* nothing more will come or go but what is queued; then the connection is to be closed */
} WsState;

typedef struct WsPeer {
    const WsLimits *limits;
    OutQueue *out;
    /* A client masks with bytes from here; NULL: a server. */
    void (*random)(void *arg, uint8_t *out, size_t n);
    void (*on_message)(void *arg, WsKind kind, Str payload);
    void (*on_ping)(void *arg, Str payload); /* optional */
    void *arg;
    /* How it ended; set with WS_CLOSED. */
    int err;         /* 0, ERR_CORRUPT, ERR_LIMIT, ERR_TIMEOUT, ERR_UNAVAILABLE */
    int code;        /* the peer's, WS_CLOSE_NONE or WS_CLOSE_LOST */
    const char *why; /* words */
    char reason[WS_REASON_MAX];
    uint8_t reason_n;
    WsState state;
    MonoNs heard, close_by;
    bool pinged; /* since the peer was last heard */
    WsReader reader;
} WsPeer;

/* The caller has set limits, out, the callbacks and arg. */
void ws_peer_init(WsPeer *w, MonoNs now);
void ws_peer_done(WsPeer *w);

void ws_peer_input(WsPeer *w, const char *p, size_t n, MonoNs now);
void ws_peer_eof(WsPeer *w); /* also when the connection is lost */
bool ws_peer_wants_read(const WsPeer *w);

int ws_peer_send(WsPeer *w, WsOpcode op, Str payload); /* 0, ERR_LIMIT, ERR_UNAVAILABLE */
int ws_peer_share(WsPeer *w, OutShared *frame);        /* a server's whole frame; the same */
void ws_peer_close(WsPeer *w, int code, Str reason, MonoNs now);

MonoNs ws_peer_deadline(const WsPeer *w); /* ns INT64_MAX: none */
void ws_peer_expire(WsPeer *w, MonoNs now);
