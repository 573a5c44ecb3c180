#pragma once

/* net/upstream_internal.h - what http_upstream.c (HTTP/1.1) and h2_upstream.c share: a call, and the upstream it goes to.
 *
 * A call owns the reply: fields and window; a connection owns the socket. Over HTTP/1.1 a connection has one call at a
 * time; over HTTP/2 a link carries many. */

#include "base/list.h"
#include "base/vec.h"
#include "net/address.h"
#include "net/http_response.h"
#include "net/http_upstream.h"
#include "net/out_queue.h"
#include "net/stream.h"

enum { UP_READ_SIZE = 64 * 1024 };

typedef struct H2Link H2Link;

struct UpCall {
    Upstream *u;
    ListNode node;       /* in waiting or ending, while it has no connection; in the calls of a link; in free */
    struct UpConn *conn; /* NULL: waits, or its reply is whole, or it failed; or it goes over HTTP/2 */
    const UpEvents *events;
    void *arg;
    Buf head; /* of the request, of HTTP/1.1 */
    Str body;
    size_t sent;    /* of both */
    HttpPump *pump; /* makes the body instead; NULL: there is none, or it has made all */
    void *pump_arg;
    size_t length, made;     /* by the pump, as told; so far */
    bool pumped, pump_waits; /* it was asked before; upstream_wake is owed */
    Buf piece;               /* what it made last, and how much of it is sent */
    size_t piece_at;
    LoopTimer timer;
    MonoNs deadline, progress;
    Arena arena; /* the reply's fields; of HTTP/2 those of the request too */
    HttpResponse response;
    Buf in;       /* body, not yet taken */
    bool told;    /* the head was */
    bool waiting; /* more is owed */
    bool idempotent, retried, reused;
    bool left;    /* over HTTP/2: the upstream may have seen of it */
    bool patient; /* a reply that has begun may be silent */
    bool upgrade; /* a 101 is welcome */
    bool tunnel;  /* it came */
    Buf push;     /* of a tunnel, to be sent */
    int err;
    /* of HTTP/2 */
    H2Link *link;
    int32_t stream; /* 0: not submitted yet; -1: over */
    void *nv;       /* nghttp2_nv */
    size_t n_nv;
    int status;
    VEC(HttpField) fields;
    HttpField *trailers;
    size_t n_trailers, head_n;
    bool head_whole, complete;
};

struct Upstream {
    Loop *loop;
    UpstreamOptions o;
    Address address;
    TlsClient *tls;
    char host[128];
    bool retired;
    ListNode idle, busy; /* connections */
    ListNode links;      /* of HTTP/2 */
    ListNode waiting;    /* calls without a connection */
    ListNode ending;     /* calls whose failure is still to be told */
    ListNode free;       /* calls at rest, with their memory */
    int n_free;
    OutPool segs;
    UpstreamStats stats;
    char buf[UP_READ_SIZE];
};

/* http_upstream.c */
/* The last of a call that has no connection any more: told once, whichever way it is due. */
void upcall_fail(UpCall *c, int err);
/* From the loop's next turn, so that nothing is told within upstream_send. */
void upcall_fail_soon(UpCall *c, int err);
void upcall_free(UpCall *c);
/* The pump's next bytes into c->piece, if there are none: HTTP_PUMP_MORE (bytes), HTTP_PUMP_WAIT, HTTP_PUMP_DONE (bytes or
 * none, and no more after them), or < 0. */
int upcall_pump(UpCall *c);

/* h2_upstream.c */
int h2_call_prepare(UpCall *c, const UpRequest *rq); /* 0 or ERR_USAGE */
bool h2_has_room(const Upstream *u);
void h2_call_start(UpCall *c);          /* onto a link that has room, or a new one */
void h2_call_leave(UpCall *c);          /* resets its stream */
void h2_call_took(UpCall *c, size_t n); /* n bytes of the reply were taken: credit for as many */
void h2_call_wake(UpCall *c);           /* its pump has more */
void h2_links_close(Upstream *u);       /* those that carry no call; the others when their calls end */
