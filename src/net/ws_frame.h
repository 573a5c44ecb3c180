#pragma once

/* net/ws_frame.h - WebSocket frames (RFC 6455 §5): heads written, bytes read in any pieces, messages joined.
 *
 * Our own rather than libwslay: its context keeps a 4 KB buffer a connection and copies each message for each receiver,
 * where ten thousand idle sockets are to cost next to nothing and one delta goes to a thousand of them by reference.
 * Pure: no clock, no randomness, no socket. Private to net/ and its tests. */

#include "net/out_queue.h"
#include "net/websocket.h"

typedef enum WsOpcode {
    WS_OP_CONTINUE = 0,
    WS_OP_TEXT = 1,
    WS_OP_BINARY = 2,
    WS_OP_CLOSE = 8,
    WS_OP_PING = 9,
    WS_OP_PONG = 10,
} WsOpcode;

enum { WS_HEAD_MAX = 14, WS_CONTROL_MAX = 125, WS_REASON_MAX = WS_CONTROL_MAX - 2 };

/* Writes the head of a frame with n bytes of payload; mask NULL: not masked. Returns its length. */
size_t ws_frame_head(char out[WS_HEAD_MAX], WsOpcode op, bool fin, uint64_t n, const uint8_t mask[4]);
/* Masks or unmasks n bytes that lie `at` bytes into their payload. */
void ws_mask(char *p, size_t n, const uint8_t mask[4], uint64_t at);
/* A whole server's frame, for many sockets. */
OutShared *ws_frame_shared(WsOpcode op, Str payload);

typedef struct WsReader WsReader;
struct WsReader {
    bool masked;        /* what comes must be masked (a server reads), or must not be (a client reads) */
    size_t max_message; /* joined */
    /* Both may set `stop`, and then nothing more is read; neither may free the reader. Payloads last for the call. */
    void (*on_message)(void *arg, WsKind kind, Str payload);
    void (*on_control)(void *arg, WsOpcode op, Str payload);
    void *arg;
    bool stop;
    const char *why; /* after a failure */
    /* private */
    uint8_t head[WS_HEAD_MAX], head_n, control_n;
    bool in_payload, fin;
    uint8_t op, joined; /* of this frame; of the message that its first frame began, 0 = none */
    uint8_t mask[4];
    uint64_t size, at; /* of the payload */
    Buf message;
    char control[WS_CONTROL_MAX];
};

/* 0, or the close code that the peer has earned; then nothing more may be read. */
int ws_reader_take(WsReader *r, const char *p, size_t n);
void ws_reader_done(WsReader *r);

/* The payload of a close frame: 0 and code (WS_CLOSE_NONE if it has none) and reason, or the close code for a bad one. */
int ws_close_parse(Str payload, int *code, Str *reason);
