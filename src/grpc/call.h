#pragma once

/* grpc/call.h - a call of gRPC from its head to its trailers, over an HttpExchange whose body streams (HTTP_BODY_OPEN).
 *
 * A method is a row of functions. They run in turns, one at a time for a call, on the lane the row names: never on the
 * loop but for what costs less than 20 µs. A turn hands over the messages that have come (message), then says that no more
 * will (ended), then asks for answers (next) until enough of them wait for the client. So one form serves all four kinds:
 *
 *     unary             message makes the answer: grpc_send
 *     server streaming  message notes the question, next makes answers until GRPC_NEXT_DONE
 *     client streaming  message takes each, ended answers
 *     both              message answers each, or next does
 *
 * Without next a call ends well after `ended`; with it, when next says so. An ErrCode of any of them ends it at once, with
 * the words in cx as its status. Nobody waits anywhere: a client that does not read stops next, a handler that is slow
 * stops the client, by the credit of HTTP/2.
 *
 * Deadlines (grpc-timeout, or the method's own) and a client that leaves end the call although a turn is under way: cx then
 * says so (ctx_check), and what the turn still makes is dropped.
 *
 * Threads: grpc_wake from any; a handler's functions where the method's lane runs; all else on the loop. Memory: cx->arena
 * lasts for one call of a function; what lasts as long as the call lies in its state or in grpc_arena. */

#include "base/lane.h"
#include "grpc/frame.h"
#include "grpc/wire.h"
#include "net/http_server.h"

typedef struct GrpcCall GrpcCall;

typedef enum GrpcLane { GRPC_ON_LOOP, GRPC_ON_CPU, GRPC_ON_IO, GRPC_ON_FEED, GRPC_LANES } GrpcLane;

enum {
    GRPC_NEXT_DONE = 0, /* that was the last: the call ends well */
    GRPC_NEXT_MORE = 1, /* ask again when there is room */
    GRPC_NEXT_WAIT = 2, /* ask again after a message, or grpc_wake */
};

typedef struct GrpcMethod {
    const char *name; /* "GetNews" */
    bool client_streams, server_streams;
    Role role; /* least role that may call */
    GrpcLane lane;
    int64_t deadline_ms; /* 0: none but the client's */
    size_t max_message;  /* of the client's; 0: GRPC_MESSAGE_MAX */
    size_t state_size;   /* grpc_state, zeroed */
    int (*message)(GrpcCall *c, Ctx *cx, Str message);
    int (*ended)(GrpcCall *c, Ctx *cx); /* optional */
    int (*next)(GrpcCall *c, Ctx *cx);  /* optional: GRPC_NEXT_*, or an ErrCode */
    void (*close)(GrpcCall *c);         /* optional: on the loop, once, after the last turn */
} GrpcMethod;

typedef struct GrpcService {
    const char *name; /* "finsight.news.NewsService" */
    const GrpcMethod *methods;
    size_t n_methods;
} GrpcService;

/* --- for handlers, in a turn --- */

void *grpc_service(const GrpcCall *c); /* what serves: GrpcStart.service */
void *grpc_state(const GrpcCall *c);
Arena *grpc_arena(GrpcCall *c); /* lasts as long as the call */
/* A field of the request, by its name in lower case; p NULL if absent. A value of "-bin" is still base64. */
Str grpc_field(const GrpcCall *c, Str lower_name);
/* One message to the client. 0, or ERR_LIMIT with words: too much at once. */
int grpc_send(GrpcCall *c, Ctx *cx, Str message);
/* Room for a message of n bytes, to be filled at once; NULL as above. Not for a client that compresses (grpc_compresses),
 * which is answered in kind by grpc_send. */
bool grpc_compresses(const GrpcCall *c);
char *grpc_send_reserve(GrpcCall *c, Ctx *cx, size_t n);
/* Metadata before the first message (later ones are dropped), and behind the last. Copied. */
void grpc_metadata(GrpcCall *c, Str lower_name, Str value);
void grpc_trailer(GrpcCall *c, Str lower_name, Str value);
/* Any thread, from the first turn to close: next is to be asked again. */
void grpc_wake(GrpcCall *c);

/* --- for whoever has the exchange --- */

typedef struct GrpcStart {
    Loop *loop;
    Lane *lanes[GRPC_LANES]; /* that of GRPC_ON_LOOP is not looked at */
    const GrpcMethod *method;
    void *service;
    const Ctx *cx;           /* who asks, trace, deadline; copied, its texts borrowed until done */
    const HttpField *fields; /* beside our own in every reply; borrowed until done */
    size_t n_fields;
    /* On the loop, once, when nothing of the call is left; status: how it ended. */
    void (*done)(void *arg, int status);
    void *arg;
    GrpcCall **call; /* optional: set before anything else happens, good until done */
} GrpcStart;

/* Takes over the exchange: it is answered here. On the loop, at the head of the request. */
void grpc_start(HttpExchange *ex, const GrpcStart *start);

/* Ends a call, a turn under way or not; one that has ended already stays as it is. words: static. On the loop. */
void grpc_end(GrpcCall *c, int status, const char *words);

/* Answers with the error in cx and no message. */
void grpc_refuse(HttpExchange *ex, const Ctx *cx, const HttpField *fields, size_t n);
/* Is it a call of gRPC, by version, method and type? */
bool grpc_is_call(const HttpHead *head);

/* What grpc-status-details-bin says of an error beside code and words: google.rpc.Status with an ErrorInfo of what
 * the documents' error has: code, field, stage, ids; and RetryInfo where a pause is told. */
void grpc_details(const Ctx *cx, int status, Str message, Buf *out);
