#pragma once

/* net/http_response.h - reads one HTTP/1.x response from bytes in any pieces. Private to net/.
 *
 * Bounded: head 64 KB, 200 fields; the body is handed on piece by piece and bounded by whoever takes it. 1xx responses
 * are skipped. Fields go to the arena once the head is whole, names in lower case. */

#include "base/vec.h"
#include "net/http_server.h"

#include <llhttp.h>

typedef struct ResponseField {
    size_t name_at, name_n, value_at, value_n; /* in text */
} ResponseField;

typedef struct HttpResponse {
    int status;
    const HttpField *fields; /* in the arena, from head_whole on */
    size_t n_fields;
    int64_t length; /* its Content-Length; -1: none */
    bool head_whole, complete, keep_alive;
    bool may_upgrade; /* a 101 is an answer like others, and ends HTTP; set after http_response_init */
    size_t used;      /* of the last piece fed, once complete: what lies behind is not of this response */
    /* private */
    llhttp_t parser;
    Arena *arena;
    bool no_body; /* of a HEAD */
    bool in_value;
    Buf text;
    VEC(ResponseField) slots;
    int (*on_body)(void *arg, const char *p, size_t n); /* 0 or ErrCode */
    void *arg;
    int err;
} HttpResponse;

/* r: zeroed, or of a former response, whose memory is used again. */
void http_response_init(HttpResponse *r, Arena *arena, bool head_only,
                        int (*on_body)(void *arg, const char *p, size_t n), void *arg);
void http_response_done(HttpResponse *r);
/* 0; ERR_CORRUPT (not HTTP), ERR_LIMIT (head), or what on_body said. */
int http_response_feed(HttpResponse *r, const char *p, size_t n);
/* The connection ended: 0 when that ends the body, else ERR_UNAVAILABLE (cut short). */
int http_response_eof(HttpResponse *r);
