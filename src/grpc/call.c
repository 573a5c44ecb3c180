/* grpc/call.c - see call.h.
 *
 * The loop owns the exchange and all that is said of it; a turn owns what it was handed (turn, below) and the arena of
 * its Ctx. They meet at the start and at the end of a turn, nowhere else but in two flags. */

#include "grpc/call.h"

#include "base/num.h"
#include "base/vec.h"

enum {
    IN_MARK = 256 << 10,  /* bytes of messages that wait for a turn stop the reading */
    OUT_MARK = 128 << 10, /* bytes of answers that wait for the client stop the asking */
    OUT_MAX = 64 << 20,   /* of one turn */
    FIELDS_MAX = 32,
    COMPRESS_FROM = 1024,
    ARENA_MAX = 128 << 20, /* what arena_try gives: messages grow in memory */
};

typedef struct Turn { /* the lane's, while `turning` */
    Buf in;           /* whole messages */
    bool last;        /* behind them the client has nothing to say */
    Buf out;
    int result; /* GRPC_NEXT_*, or an ErrCode with words in the call's cx */
    Arena arena;
} Turn;

struct GrpcCall {
    GrpcStart o;
    HttpExchange *ex; /* NULL: answered whole, or over */
    Arena arena;
    Ctx cx; /* the turn's while turning, else the loop's */
    void *state;
    HttpField *fields; /* of the request */
    size_t n_fields;
    VEC(HttpField) heads, tails; /* metadata of the handler's */
    bool gzip;                   /* the client compresses: so do we */
    /* the client's messages */
    Buf in;
    size_t in_whole;
    int in_err;
    bool in_done;
    /* answers */
    Buf out;
    bool streaming, pump_waits, finished;
    int status;
    Str message; /* for people */
    int64_t retry_after_ms;
    Buf details;
    /* turns */
    Turn turn;
    bool turning, told_last, next_more;
    int64_t n_messages;
    LoopMail mail;
    LoopTimer timer;
    atomic_bool gone, woken;
    atomic_int refs;
};

static void step(GrpcCall *c);

/* --- for handlers --- */

void *grpc_service(const GrpcCall *c) {
    return c->o.service;
}

void *grpc_state(const GrpcCall *c) {
    return c->state;
}

Arena *grpc_arena(GrpcCall *c) {
    return &c->arena;
}

Str grpc_field(const GrpcCall *c, Str lower_name) {
    for (size_t i = 0; i < c->n_fields; i++)
        if (str_eq(c->fields[i].name, lower_name))
            return c->fields[i].value;
    return (Str){ 0 };
}

bool grpc_compresses(const GrpcCall *c) {
    return c->gzip;
}

static int too_much(Ctx *cx) {
    return err_set(cx, ERR_LIMIT, "the answer is too large to send in one piece; ask for less");
}

char *grpc_send_reserve(GrpcCall *c, Ctx *cx, size_t n) {
    char *to = grpc_frame_reserve(&c->turn.out, n);
    if (!to)
        too_much(cx);
    return to;
}

int grpc_send(GrpcCall *c, Ctx *cx, Str message) {
    bool gzip = c->gzip && message.n >= COMPRESS_FROM;
    return grpc_frame_put(&c->turn.out, NULL, gzip, message) == 0 ? 0 : too_much(cx);
}

void grpc_metadata(GrpcCall *c, Str lower_name, Str value) {
    if (c->heads.n < FIELDS_MAX && !c->streaming)
        vec_push(&c->heads, ((HttpField){ str_dup(&c->arena, lower_name), str_dup(&c->arena, value) }));
}

void grpc_trailer(GrpcCall *c, Str lower_name, Str value) {
    if (c->tails.n < FIELDS_MAX)
        vec_push(&c->tails, ((HttpField){ str_dup(&c->arena, lower_name), str_dup(&c->arena, value) }));
}

/* --- life --- */

static void call_unref(GrpcCall *c) {
    if (atomic_fetch_sub(&c->refs, 1) != 1)
        return;
    if (c->o.method->close)
        c->o.method->close(c);
    loop_timer_stop(&c->timer);
    void (*done)(void *arg, int status) = c->o.done;
    void *arg = c->o.arg;
    int status = c->status;
    buf_done(&c->in);
    buf_done(&c->out);
    buf_done(&c->details);
    buf_done(&c->turn.in);
    buf_done(&c->turn.out);
    vec_done(&c->heads);
    vec_done(&c->tails);
    arena_done(&c->turn.arena);
    arena_done(&c->arena);
    mem_free(c);
    if (done)
        done(arg, status);
}

static GrpcCall *call_ref(GrpcCall *c) {
    atomic_fetch_add(&c->refs, 1);
    return c;
}

/* --- answers --- */

static HttpField field_number(Arena *a, Str name, int64_t v) {
    char *text = arena_alloc(a, NUM_TEXT_MAX);
    return (HttpField){ name, str_n(text, num_format_i64(v, text)) };
}

/* How it ended, as fields. Room for 4. */
static size_t put_status(Arena *a, HttpField *to, int status, Str message, Str details, int64_t retry_after_ms) {
    size_t n = 0;
    to[n++] = status == GRPC_OK ? (HttpField){ S("grpc-status"), S("0") } : field_number(a, S("grpc-status"), status);
    if (message.n)
        to[n++] = (HttpField){ S("grpc-message"), grpc_message_encode(a, message) };
    if (details.n)
        to[n++] = (HttpField){ S("grpc-status-details-bin"), grpc_bin_encode(a, details) };
    if (retry_after_ms > 0)
        to[n++] = field_number(a, S("grpc-retry-pushback-ms"), retry_after_ms);
    return n;
}

enum { STATUS_FIELDS = 4 };

static size_t put_fields(HttpField *to, const HttpField *from, size_t n_from) {
    memcpy(to, n_from ? from : to, n_from * sizeof *to);
    return n_from;
}

/* Fields of the reply's head: ours, those of whoever started the call, the handler's. */
static size_t put_head(const GrpcCall *c, HttpField to[3 * FIELDS_MAX]) {
    size_t n = 0;
    to[n++] = (HttpField){ S("content-type"), S("application/grpc") };
    if (c->gzip)
        to[n++] = (HttpField){ S("grpc-encoding"), S("gzip") };
    n += put_fields(to + n, c->o.fields, MIN(c->o.n_fields, (size_t)FIELDS_MAX));
    return c->turning ? n : n + put_fields(to + n, c->heads.v, c->heads.n); /* else they are still being made */
}

static size_t put_tail(GrpcCall *c, Arena *a, HttpField to[2 * FIELDS_MAX]) {
    size_t n = put_status(a, to, c->status, c->message, buf_str(&c->details), c->retry_after_ms);
    if (!c->turning)
        n += put_fields(to + n, c->tails.v, c->tails.n);
    return n;
}

/* The answer in one piece: messages and trailers, or, without a message, trailers alone. */
static void reply_whole(GrpcCall *c) {
    HttpField head[5 * FIELDS_MAX], tail[2 * FIELDS_MAX];
    Arena scratch = { 0 };
    HttpExchange *ex = TAKE(c->ex);
    bool bare = c->out.n == 0;
    size_t n_tail = put_tail(c, &scratch, tail), n_head = put_head(c, head);
    if (bare)
        n_head += put_fields(head + n_head, tail, n_tail);
    HttpReply r = { .status = 200,
                    .fields = head,
                    .n_fields = n_head,
                    .trailers = tail,
                    .n_trailers = bare ? 0 : n_tail,
                    .body = c->out,
                    .length = -1,
                    .bare = true };
    c->out = (Buf){ 0 };
    ex->on_gone = ex->on_body = NULL;
    http_reply(ex, &r);
    arena_done(&scratch);
    call_unref(c); /* the exchange's */
}

static int pump(void *arg, Buf *out) {
    GrpcCall *c = arg;
    if (!c->out.n && !c->finished) {
        c->pump_waits = true;
        return HTTP_PUMP_WAIT;
    }
    buf_done(out);
    *out = c->out;
    c->out = (Buf){ 0 };
    step(c);
    if (!c->finished || c->out.n)
        return HTTP_PUMP_MORE;
    HttpField tail[2 * FIELDS_MAX];
    Arena scratch = { 0 };
    http_reply_trailers(c->ex, tail, put_tail(c, &scratch, tail));
    arena_done(&scratch);
    return HTTP_PUMP_DONE;
}

static void finish(GrpcCall *c, int status, Str message);

static void stream_done(void *arg) {
    GrpcCall *c = arg;
    c->ex = NULL;
    if (!c->finished) { /* the client has left */
        atomic_store(&c->gone, true);
        finish(c, GRPC_CANCELLED, S("the client is gone"));
    }
    call_unref(c); /* the exchange's */
}

static void wake_pump(GrpcCall *c) {
    if (c->pump_waits && c->ex) {
        c->pump_waits = false;
        http_stream_wake(c->ex); /* may end the stream */
    }
}

/* There is something to send before the call is over. */
static void start_streaming(GrpcCall *c) {
    HttpField head[3 * FIELDS_MAX];
    HttpReply r = { .status = 200, .fields = head, .n_fields = put_head(c, head), .length = 0, .bare = true };
    c->streaming = true;
    http_reply_stream(c->ex, &r, pump, c, stream_done);
}

static void finish(GrpcCall *c, int status, Str message) {
    if (c->finished)
        return;
    c->finished = true;
    c->status = status;
    c->message = message;
    loop_timer_stop(&c->timer);
    if (!c->ex)
        return;
    if (c->streaming)
        wake_pump(c);
    else
        reply_whole(c);
}

/* With the error in cx: the documents' words for what is our own fault. */
static Str error_words(Arena *a, const Ctx *cx, int status) {
    Str words = cx->err.text[0] ? str_c(cx->err.text) : str_c(err_info(cx->err.code)->words);
    return status == GRPC_INTERNAL ? str_fmt(a, "Internal error: " STR_FMT, STR_ARG(words)) : words;
}

enum { DETAILS_MAX = 8192 };

static void fail(GrpcCall *c, const Ctx *cx) {
    if (c->finished)
        return;
    int status = grpc_status_of(cx->err.code);
    Str words = error_words(&c->arena, cx, status);
    c->retry_after_ms = cx->err.retry_after_ms;
    buf_init(&c->details, DETAILS_MAX);
    grpc_details(cx, status, words, &c->details);
    if (!buf_ok(&c->details))
        buf_done(&c->details);
    finish(c, status, words);
}

/* --- turns --- */

static int take_message(GrpcCall *c, Ctx *cx, const GrpcFrame *f) {
    const GrpcMethod *m = c->o.method;
    if (!m->client_streams && c->n_messages == 1)
        return err_set(cx, ERR_BAD_REQUEST, "the method takes one message");
    c->n_messages++;
    if (!f->compressed)
        return m->message(c, cx, f->bytes);
    Buf room;
    Str message;
    buf_init(&room, m->max_message ? m->max_message : (size_t)GRPC_MESSAGE_MAX);
    int r = grpc_frame_open(f, NULL, &room, &message);
    if (r == ERR_TOO_LARGE)
        err_set(cx, r, "a message grows larger than is taken here");
    else if (r != 0)
        r = err_set(cx, ERR_BAD_REQUEST, "a compressed message cannot be read");
    if (r == 0)
        r = m->message(c, cx, message);
    buf_done(&room);
    return r;
}

static int take_last(GrpcCall *c, Ctx *cx) {
    const GrpcMethod *m = c->o.method;
    c->told_last = true;
    if (!m->client_streams && c->n_messages == 0)
        return err_set(cx, ERR_BAD_REQUEST, "the method takes one message, and none came");
    return m->ended ? m->ended(c, cx) : 0;
}

static int ask_next(GrpcCall *c, Ctx *cx) {
    const GrpcMethod *m = c->o.method;
    if (!m->next)
        return c->told_last ? GRPC_NEXT_DONE : GRPC_NEXT_WAIT;
    if (!m->client_streams && c->n_messages == 0)
        return GRPC_NEXT_WAIT;
    int r = GRPC_NEXT_MORE;
    while (r == GRPC_NEXT_MORE && c->turn.out.n < OUT_MARK) {
        arena_reset(&c->turn.arena);
        r = m->next(c, cx);
    }
    return r;
}

static int run_turn(GrpcCall *c, Ctx *cx) {
    Str rest = buf_str(&c->turn.in);
    GrpcFrame f;
    int r = ctx_check(cx);
    while (r == 0 && grpc_frame_next(&rest, &f)) {
        r = take_message(c, cx, &f);
        arena_reset(&c->turn.arena);
        if (r == 0 && rest.n)
            r = ctx_check(cx);
    }
    if (r == 0 && c->turn.last && !c->told_last)
        r = take_last(c, cx);
    return r < 0 ? r : ask_next(c, cx);
}

/* Back on the loop: what the turn made goes out, unless the call has ended without it. */
static void turn_done(void *arg) { /* what it calls may start the next one */
    GrpcCall *c = arg;
    Turn *t = &c->turn;
    c->turning = false;
    arena_reset(&t->arena);
    buf_done(&t->in);
    if (c->finished) {
        buf_done(&t->out);
    } else if (!c->out.n) {
        buf_done(&c->out);
        c->out = t->out;
        t->out = (Buf){ 0 };
    } else {
        buf_put_str(&c->out, buf_str(&t->out)); /* c->out is a former turn's: its limit is the same */
        buf_done(&t->out);
    }
    c->next_more = t->result == GRPC_NEXT_MORE;
    if (t->result < 0)
        fail(c, &c->cx);
    else if (t->result == GRPC_NEXT_DONE)
        finish(c, GRPC_OK, (Str){ 0 });
    else if (c->ex && !c->finished && !c->streaming && (c->out.n || c->heads.n))
        start_streaming(c);
    else
        wake_pump(c);
    step(c);
    call_unref(c); /* the turn's */
}

static void turn_job(void *arg, int lane_err) {
    GrpcCall *c = arg;
    Ctx *cx = &c->cx;
    if (lane_err == ERR_TIMEOUT)
        c->turn.result = err_set(cx, lane_err, "the call waited too long in the queue");
    else if (lane_err != 0)
        c->turn.result = err_set(cx, ERR_UNAVAILABLE, "the server is stopping");
    else
        c->turn.result = run_turn(c, cx);
    if (c->o.method->lane == GRPC_ON_LOOP) {
        turn_done(c);
        return;
    }
    c->mail = (LoopMail){ .fn = turn_done, .arg = c };
    loop_mail(c->o.loop, &c->mail);
}

/* Hands what is whole to the lane. */
static void start_turn(GrpcCall *c) {
    Turn *t = &c->turn;
    c->turning = true;
    atomic_store(&c->woken, false);
    if (c->in_whole == c->in.n) {
        t->in = c->in;
        c->in = (Buf){ 0 };
    } else if (c->in_whole) {
        buf_init(&t->in, c->in_whole);
        buf_put(&t->in, c->in.p, c->in_whole);
        buf_consume(&c->in, c->in_whole);
    }
    c->in_whole = 0;
    t->last = c->in_done;
    buf_init(&t->out, OUT_MAX);
    call_ref(c);
    if (c->o.method->lane == GRPC_ON_LOOP) {
        turn_job(c, 0);
        return;
    }
    LaneJob job = { .run = turn_job, .arg = c, .deadline = c->cx.deadline };
    if (lane_post(c->o.lanes[c->o.method->lane], &job) == 0)
        return;
    err_set(&c->cx, ERR_BUSY, "too much work is waiting; try again in a second");
    c->cx.err.retry_after_ms = 1000;
    t->result = ERR_BUSY;
    turn_done(c);
}

/* --- the client's messages --- */

static size_t message_max(const GrpcCall *c) {
    return c->o.method->max_message ? c->o.method->max_message : (size_t)GRPC_MESSAGE_MAX;
}

static int in_fail(GrpcCall *c, int err) {
    switch (err) {
    case ERR_TOO_LARGE:
        return err_set(&c->cx, err, "a message is larger than the %zu bytes taken here", message_max(c));
    case ERR_CANCELLED:
        return err_set(&c->cx, err, "the client is gone");
    case ERR_TIMEOUT:
        return err_set(&c->cx, err, "the client's messages did not arrive in time");
    default:
        return err_set(&c->cx, ERR_BAD_REQUEST, "the body is not a row of gRPC messages");
    }
}

/* Reads while there is room for messages, and as far as the one that is arriving reaches. */
static int read_in(GrpcCall *c) {
    int r = HTTP_PUMP_MORE;
    while (!c->in_done && (c->in.n < IN_MARK || c->in_whole == 0) && r != HTTP_PUMP_WAIT) {
        Buf piece = { 0 };
        r = http_body_read(c->ex, &piece);
        if (c->in.n == 0) {
            buf_done(&c->in);
            c->in = piece;
            c->in.limit = message_max(c) + GRPC_PREFIX + IN_MARK + (1 << 20);
        } else {
            buf_put_str(&c->in, buf_str(&piece));
            buf_done(&piece);
        }
        if (r < 0)
            return r;
        c->in_done = r == HTTP_PUMP_DONE;
        size_t whole;
        int e = grpc_frames_whole(str_from(buf_str(&c->in), c->in_whole), message_max(c), &whole);
        if (e != 0)
            return e;
        c->in_whole += whole;
    }
    return c->in_done && c->in_whole != c->in.n ? ERR_BAD_REQUEST : 0;
}

/* Does whatever can be done now. */
static void step(GrpcCall *c) {
    if (c->turning || c->finished || !c->ex)
        return;
    int r = read_in(c);
    if (r != 0) {
        in_fail(c, r);
        fail(c, &c->cx);
        return;
    }
    bool room = c->out.n < OUT_MARK;
    bool more = c->o.method->next && room && (c->next_more || atomic_load(&c->woken));
    if ((c->in_whole && room) || (c->in_done && !c->told_last) || more)
        start_turn(c);
}

/* --- what happens to it --- */

static void on_body(HttpExchange *ex) {
    GrpcCall *c = call_ref(ex->worker);
    step(c);
    call_unref(c);
}

static void on_gone(HttpExchange *ex) {
    GrpcCall *c = call_ref(ex->worker);
    atomic_store(&c->gone, true);
    if (c->streaming)
        wake_pump(c); /* ends the stream */
    else if (!c->turning)
        finish(c, GRPC_CANCELLED, S("the client is gone"));
    call_unref(c);
}

static void on_woken(void *arg) {
    step(arg);
    call_unref(arg);
}

void grpc_wake(GrpcCall *c) {
    if (atomic_exchange(&c->woken, true))
        return;
    call_ref(c);
    loop_post(c->o.loop, on_woken, c);
}

void grpc_end(GrpcCall *c, int status, const char *words) {
    call_ref(c);
    atomic_store(&c->gone, true); /* a turn under way is told to stop */
    finish(c, status, str_c(words));
    call_unref(c);
}

static void on_deadline(void *arg) {
    grpc_end(arg, GRPC_DEADLINE_EXCEEDED, "the deadline of the call has passed");
}

/* A turn may go on after the exchange is over: what it asks of the request is its own. */
static void copy_fields(GrpcCall *c, const HttpHead *head) {
    c->fields = arena_alloc(&c->arena, head->n_fields * sizeof *c->fields + 1);
    for (size_t i = 0; i < head->n_fields; i++)
        c->fields[i] =
            (HttpField){ str_dup(&c->arena, head->fields[i].name), str_dup(&c->arena, head->fields[i].value) };
    c->n_fields = head->n_fields;
}

static bool coding_known(GrpcCall *c) {
    Str coding = grpc_field(c, S("grpc-encoding"));
    c->gzip = str_eq(coding, S("gzip"));
    if (!coding.n || c->gzip || str_eq(coding, S("identity")))
        return true;
    grpc_metadata(c, S("grpc-accept-encoding"), S("identity,gzip"));
    err_set(&c->cx, ERR_UNSUPPORTED, "messages compressed by " STR_FMT " are not read here", STR_ARG(coding));
    return false;
}

void grpc_start(HttpExchange *ex, const GrpcStart *start) {
    assert(ex->intake == HTTP_BODY_OPEN);
    GrpcCall *c = mem_new(GrpcCall);
    c->o = *start;
    c->ex = ex;
    if (start->call)
        *start->call = c;
    atomic_init(&c->refs, 2); /* the exchange's, and this call's */
    arena_init(&c->arena, ARENA_MAX);
    arena_init(&c->turn.arena, ARENA_MAX);
    c->cx = *start->cx;
    c->cx.arena = &c->turn.arena;
    c->cx.cancel = &c->gone;
    if (start->method->state_size)
        c->state = arena_zalloc(&c->arena, start->method->state_size);
    copy_fields(c, &ex->head);
    ex->worker = c;
    ex->on_body = on_body;
    ex->on_gone = on_gone;
    loop_timer_init(&c->timer, start->loop, on_deadline, c);
    if (!coding_known(c))
        fail(c, &c->cx);
    else {
        if (c->cx.deadline.ns)
            loop_timer_start_at(&c->timer, c->cx.deadline);
        step(c);
    }
    call_unref(c);
}

/* --- refusals --- */

bool grpc_is_call(const HttpHead *head) {
    return head->major == 2 && str_eq(head->method, S("POST")) &&
           grpc_content_type(http_field(head, S("content-type")));
}

void grpc_refuse(HttpExchange *ex, const Ctx *cx, const HttpField *fields, size_t n) {
    HttpField head[1 + FIELDS_MAX + STATUS_FIELDS];
    Arena scratch = { 0 };
    Buf details;
    int status = grpc_status_of(cx->err.code);
    Str words = error_words(&scratch, cx, status);
    buf_init(&details, DETAILS_MAX);
    grpc_details(cx, status, words, &details);
    size_t at = 0;
    head[at++] = (HttpField){ S("content-type"), S("application/grpc") };
    at += put_fields(head + at, fields, MIN(n, (size_t)FIELDS_MAX));
    at += put_status(&scratch, head + at, status, words, buf_ok(&details) ? buf_str(&details) : (Str){ 0 },
                     cx->err.retry_after_ms);
    HttpReply r = { .status = 200, .fields = head, .n_fields = at, .length = -1, .bare = true };
    http_reply(ex, &r);
    buf_done(&details);
    arena_done(&scratch);
}
