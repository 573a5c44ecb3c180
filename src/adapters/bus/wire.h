#pragma once

/* adapters/bus/wire.h - calls of an event bus as bytes between processes of one machine: share.h serves them, shared.h
 * makes them.
 *
 * A frame is its length (4 bytes, the host's order: both ends are one machine) and that many bytes: numbers of 8, texts
 * with their length before them. A request begins with its WireCall, an answer with what the call returned, below 0
 * followed by the error's words, place and pause. What is read is bounded and checked; a reader that finds something else
 * than it expects turns `bad` and gives zeros from there on. */

#include "base/buf.h"
#include "base/ctx.h"
#include "ports/event_bus.h"

enum {
    WIRE_VERSION = 1,
    WIRE_FRAME_MAX = 96 << 20,
    WIRE_EVENTS_MAX = 64,      /* deliveries, log rows, dead letters of one answer */
    WIRE_PART_BYTES = 8 << 20, /* publications of one request, about */
};

typedef enum WireCall {
    WIRE_HELLO,
    WIRE_DECLARE,
    WIRE_PUBLISH,
    WIRE_SUBSCRIBE,
    WIRE_RECEIVE,
    WIRE_ACK,
    WIRE_REJECT,
    WIRE_UNSUBSCRIBE,
    WIRE_READ,
    WIRE_DEAD_LIST,
    WIRE_DEAD_REQUEUE,
    WIRE_DEAD_DROP,
    WIRE_STATS,
    WIRE_DESCRIBE,
    WIRE_TICK,
    WIRE_CALLS
} WireCall;

typedef struct WireIn {
    Str rest;
    bool bad;
} WireIn;

void wire_i64(Buf *b, int64_t v);
void wire_str(Buf *b, Str s);
void wire_event(Buf *b, const Event *e);
void wire_death(Buf *b, const Death *d); /* NULL is fine */
void wire_topology(Buf *b, const BusTopology *t);

int64_t wire_take_i64(WireIn *in);
Str wire_take_str(WireIn *in); /* lies in the frame */
/* A number of things of at least `size` bytes each: no more than the frame has room for. */
size_t wire_take_count(WireIn *in, size_t size, size_t most);
Event wire_take_event(WireIn *in, Arena *a);
const Death *wire_take_death(WireIn *in, Arena *a);
BusTopology wire_take_topology(WireIn *in, Arena *a);
/* Everything was read, and nothing was wrong. */
static inline bool wire_all(const WireIn *in) {
    return !in->bad && in->rest.n == 0;
}

/* A frame out. ERR_UNAVAILABLE: the line is broken. */
int wire_send(Ctx *cx, int fd, const Buf *frame);
/* The next frame into cx->arena; waits in steps of a tenth of a second, between which cx's cancel and deadline and, where
 * it is not NULL, `stop` are looked at. ERR_UNAVAILABLE: the other side has ended, or it is broken. */
int wire_receive(Ctx *cx, int fd, const atomic_bool *stop, Str *out);
