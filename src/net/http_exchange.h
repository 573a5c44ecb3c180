#pragma once

/* net/http_exchange.h - what a request and its reply are made of. Private to net/http_*.c. */

#include "base/vec.h"
#include "net/http_conn.h"

#include <llhttp.h>

struct Exchange {
    HttpExchange pub; /* first: handlers hold this */
    HttpCore *core;
    HttpConn *conn; /* NULL once the connection is gone; the connections' thread alone */
    Exchange *next; /* in the connection's list, or in the core's free list */
    LoopMail mail;  /* carries the news of this exchange; at most one is under way */
    atomic_bool gone;
    /* request */
    Buf raw;       /* the head's bytes; HttpHead points into it */
    size_t line_n; /* bytes of the line that is arriving */
    int lines;     /* whole lines of the head */
    VEC(HttpField) fields;
    llhttp_t parser;
    Buf body; /* whole, or what has come and was not read yet */
    size_t body_max;
    uint64_t body_n;           /* bytes of it so far */
    size_t raw_body;           /* the same as they came, with framing */
    MonoNs head_done, body_at; /* of a stream: when it last moved */
    int body_err;              /* of a stream: the rest will never come */
    bool body_waited;          /* on_body is owed */
    int refuse;                /* status found while parsing; 0 = none */
    const char *why;           /* words for it */
    bool head_whole, in_body, complete, keep_alive, head_only, want_continue, refused, counted;
    /* reply */
    bool dispatched;     /* the handler has it: an answer is owed */
    bool ready, started; /* answered; head queued */
    bool chunked;
    bool waiting, woken; /* stream: a wake is owed; it came while the pump ran */
    int status;
    int64_t length; /* as HttpReply.length */
    Buf lines_out;  /* the reply's own fields, serialised by the thread that answered */
    Buf body_out;
    OutShared *shared_out; /* instead of it; NULL: it is not shared */
    int64_t sent;
    HttpPump *pump;
    void *pump_arg;
    void (*pump_done)(void *arg);
    Buf trailers_out; /* lines, like lines_out; empty: none */
    /* of HTTP/2 alone */
    int32_t stream;
    size_t head_n;  /* bytes of the header block, decoded, with what RFC 9113 counts for each field */
    size_t out_at;  /* of body_out, queued already */
    bool pumped;    /* the pump has said DONE */
    bool all_sent;  /* the last byte of the reply is queued */
    MonoNs slow_at; /* since when the client has had slow_sent bytes of the reply */
    int64_t slow_sent;
};

static inline Exchange *exchange_of(const HttpExchange *ex) {
    return (Exchange *)ex;
}

/* The body of a reply that is no stream. */
static inline Str exchange_body_out(const Exchange *x) {
    return x->shared_out ? str_n(x->shared_out->bytes, x->shared_out->n) : buf_str(&x->body_out);
}

/* http_head.c: bytes of a head. Both return 0 or the status to refuse with, the words in x->why. */
/* Takes bytes up to the end of the head at most; *used says how many. Sets x->head_whole at its end. */
int http_head_take(Exchange *x, const char *p, size_t n, size_t *used);
/* Parses the whole head, checks it, fills x->pub.head. x->complete when no body follows. */
int http_head_parse(Exchange *x);
/* Bytes of body, framed; *used up to the end of the message. x->complete at its end. */
int http_body_take(Exchange *x, const char *p, size_t n, size_t *used);

/* The same for a head that came as fields (HTTP/2): they are in x->pub.head. */
int http_head_check(Exchange *x, Str method, Str path, Str authority);

/* Bytes of body, in order: 0 or the status to refuse with. */
int http_body_put(Exchange *x, const void *p, size_t n);

enum { HTTP_STREAM_WINDOW = 256 << 10 }; /* bytes of a body that streams, come and not read */
static inline bool exchange_streams(const Exchange *x) {
    return x->pub.intake != HTTP_BODY_WHOLE;
}

/* http_exchange.c */
/* Of a body that streams: there is more of it, or its end. x may be answered by it, and gone. */
void exchange_body_news(Exchange *x);
/* The rest of it will never come: told as news. */
void exchange_body_fail(Exchange *x, int err);
/* When too little of it has come for too long; INT64_MAX: never, or it is us who do not read. */
MonoNs exchange_body_deadline(const Exchange *x);
/* The connection will not answer x any more. */
void exchange_detach(Exchange *x);
Exchange *exchange_new(HttpConn *c);
/* Files the exchange in the counts and tells on_done; once. */
void exchange_count(Exchange *x, bool aborted);
void exchange_release(Exchange *x); /* into the free list */
/* Gives x the server's own reply; why NULL: the words of base/err.h for the status. */
void exchange_refuse(Exchange *x, int status, const char *why);
void http_refusal_body(const HttpCore *core, int status, const char *why, Buf *body);
void exchanges_free_all(HttpCore *core); /* of the free list */

/* http_out.c: into the queue of bytes, which also starts the write deadline. */
void out_put(HttpConn *c, const void *p, size_t n);
char *out_reserve(HttpConn *c, size_t n); /* contiguous; follow with out_commit */
void out_commit(HttpConn *c, size_t n);
void out_take(HttpConn *c, Buf *b); /* moves the buffer's bytes in; b is empty after */
void out_share(HttpConn *c, OutShared *shared);
void out_share_part(HttpConn *c, OutShared *shared, size_t at, size_t n);
enum { HTTP_DATE_TEXT = 29 };
/* The Date field's text, made anew when the second changes; the clock is asked ten times a second at most. */
const char *http_date(HttpCore *core);
/* The head of x's reply; body_n < 0: a stream. close: this is the last reply of the connection. */
void out_reply_head(HttpConn *c, Exchange *x, int64_t body_n, bool close);
/* First piece and what the pump makes until enough is queued: HTTP_PUMP_DONE, HTTP_PUMP_MORE, or < 0. */
void out_piece(HttpConn *c, Exchange *x, Buf *piece);
int out_pump(HttpConn *c, Exchange *x);

/* http_conn.c: runs the stream at the head of the queue, if there is one. */
void conn_pump(HttpConn *c);
