#pragma once

/* tests/lib/raw_server.h - a loopback server whose every byte the test decides.
 *
 * It reads one request after the other from each connection and lets the test's function write what it likes,
 * HTTP or not. One thread a connection; for tests of clients only. */

#include "base/str.h"

typedef struct RawServer RawServer;

typedef struct RawRequest {
    Str head; /* request line and headers */
    Str path;
    Str body;
    int nth; /* on this connection, from 0 */
} RawRequest;

/* Writes the answer to fd; false closes the connection. Called on the connection's thread. */
typedef bool RawAnswerFn(void *arg, int fd, const RawRequest *req);

RawServer *raw_server_start(RawAnswerFn *fn, void *arg); /* aborts when it cannot listen */
int raw_server_port(const RawServer *s);
int raw_server_connections(RawServer *s); /* accepted so far */
RawServer *raw_server_stop(RawServer *s);
/* Writes all, or false when the peer is gone. */
bool raw_write(int fd, Str bytes);
/* Sleeps, but ends early (false) when the peer has closed. */
bool raw_pause_ms(int fd, int ms);
