/* gateway/forward.c - see forward.h. */

#include "gateway/forward.h"

#include "api/call.h"
#include "base/num.h"

enum { DROP_REQUEST = 1, DROP_REPLY = 2, DROP_KEYS = 4 };

/* Names and when they stay behind, the short ones first: a name is compared with those of its length alone. The fixed
 * fields of our own replies are among them: an upstream's copy would be a second one. */
static const struct {
    Str name;
    unsigned drop;
} rows[] = {
    /* clang-format off */
    { STR_INIT("te"), DROP_REQUEST },
    { STR_INIT("host"), DROP_REQUEST },
    { STR_INIT("date"), DROP_REPLY },
    { STR_INIT("expect"), DROP_REQUEST },
    { STR_INIT("server"), DROP_REPLY },
    { STR_INIT("trailer"), DROP_REQUEST | DROP_REPLY },
    { STR_INIT("upgrade"), DROP_REQUEST | DROP_REPLY },
    { STR_INIT("forwarded"), DROP_REQUEST },
    { STR_INIT("x-real-ip"), DROP_REQUEST },
    { STR_INIT(API_HEADER_KEY), DROP_KEYS },
    { STR_INIT("connection"), DROP_REQUEST | DROP_REPLY },
    { STR_INIT("keep-alive"), DROP_REQUEST | DROP_REPLY },
    { STR_INIT(API_HEADER_TRACESTATE), DROP_REQUEST | DROP_REPLY },
    { STR_INIT(API_HEADER_TRACE), DROP_REQUEST | DROP_REPLY },
    { STR_INIT("x-request-id"), DROP_REQUEST | DROP_REPLY },
    { STR_INIT(API_HEADER_DEADLINE), DROP_REQUEST | DROP_REPLY },
    { STR_INIT("authorization"), DROP_KEYS },
    { STR_INIT("content-length"), DROP_REQUEST | DROP_REPLY },
    { STR_INIT("http2-settings"), DROP_REQUEST },
    { STR_INIT("x-forwarded-for"), DROP_REQUEST },
    { STR_INIT("x-frame-options"), DROP_REPLY },
    { STR_INIT("referrer-policy"), DROP_REPLY },
    { STR_INIT("proxy-connection"), DROP_REQUEST | DROP_REPLY },
    { STR_INIT("x-forwarded-host"), DROP_REQUEST },
    { STR_INIT(API_HEADER_CORRELATION), DROP_REQUEST | DROP_REPLY },
    { STR_INIT("x-xss-protection"), DROP_REPLY },
    { STR_INIT("transfer-encoding"), DROP_REQUEST | DROP_REPLY },
    { STR_INIT("x-forwarded-proto"), DROP_REQUEST },
    { STR_INIT("proxy-authenticate"), DROP_REPLY },
    { STR_INIT("proxy-authorization"), DROP_REQUEST },
    { STR_INIT("x-content-type-options"), DROP_REPLY },
    { STR_INIT("content-security-policy"), DROP_REPLY },
    { STR_INIT("strict-transport-security"), DROP_REPLY },
    /* clang-format on */
};

static bool is_ours(Str name) {
    return str_starts(name, S("x-finsight-"));
}

static bool dropped(Str name, unsigned when) {
    size_t at = 0, end = ARRAY_LEN(rows);
    while (at < end) { /* the first of that length */
        size_t middle = (at + end) / 2;
        if (rows[middle].name.n < name.n)
            at = middle + 1;
        else
            end = middle;
    }
    for (; at < ARRAY_LEN(rows) && rows[at].name.n == name.n; at++)
        if (memcmp(rows[at].name.p, name.p, name.n) == 0)
            return (rows[at].drop & when) != 0;
    return is_ours(name);
}

bool forward_owns(Str name, bool request) {
    return dropped(name, request ? DROP_REQUEST : DROP_REPLY);
}

/* Whether a Connection field names it: such a field is of this hop alone. */
static bool named(Str connection, Str name) {
    Str word;
    while (str_next(&connection, ',', &word))
        if (str_eq_nocase(str_trim(word), name))
            return true;
    return false;
}

/* Copies what may go on; returns how many. */
static size_t copy(const HttpField *from, size_t n_from, unsigned when, HttpField *to) {
    Str connection[4];
    size_t n_connection = 0, n = 0;
    for (size_t i = 0; i < n_from; i++)
        if (str_eq(from[i].name, S("connection")) && n_connection < ARRAY_LEN(connection))
            connection[n_connection++] = from[i].value;
    for (size_t i = 0; i < n_from; i++) {
        bool drop = dropped(from[i].name, when);
        for (size_t k = 0; k < n_connection && !drop; k++)
            drop = named(connection[k], from[i].name);
        if (!drop)
            to[n++] = from[i];
    }
    return n;
}

static Str number(Arena *a, int64_t v) {
    char *p = arena_alloc(a, NUM_TEXT_MAX);
    return str_n(p, num_format_i64(v, p));
}

static Str joined(Arena *a, Str before, Str client) {
    return before.n ? str_fmt(a, STR_FMT ", " STR_FMT, STR_ARG(before), STR_ARG(client)) : client;
}

void forward_request(Arena *a, const ForwardRequest *f, HttpField **out, size_t *n_out) {
    enum { OWN = 13 };
    const HttpHead *h = f->head;
    HttpField *to = arena_alloc(a, (h->n_fields + OWN) * sizeof *to);
    size_t n = copy(h->fields, h->n_fields, DROP_REQUEST | (f->internal_key.n ? DROP_KEYS : 0u), to);
    Str told = f->trusted ? http_field(h, S("x-forwarded-for")) : (Str){ 0 };
    Str proto = f->trusted ? http_field(h, S("x-forwarded-proto")) : (Str){ 0 };
    to[n++] = (HttpField){ S("x-forwarded-for"), joined(a, told, f->client) };
    to[n++] = (HttpField){ S("x-forwarded-proto"), proto.n ? proto : h->secure ? S("https") : S("http") };
    to[n++] = (HttpField){ S(API_HEADER_CORRELATION), f->trace->correlation_id };
    if (f->traceparent.n)
        to[n++] = (HttpField){ S(API_HEADER_TRACE), f->traceparent };
    if (f->traceparent.n && f->trace->state.n)
        to[n++] = (HttpField){ S(API_HEADER_TRACESTATE), f->trace->state };
    to[n++] = (HttpField){ S(API_HEADER_DEADLINE), number(a, f->left_ms) };
    if (f->internal_key.n) {
        to[n++] = (HttpField){ S(FORWARD_INTERNAL_KEY), f->internal_key };
        to[n++] =
            (HttpField){ S(FORWARD_PRINCIPAL), str_fmt(a, "%d " STR_FMT, (int)f->who->role, STR_ARG(f->who->id)) };
    }
    if (f->upgrade) {
        to[n++] = (HttpField){ S("connection"), S("upgrade") };
        to[n++] = (HttpField){ S("upgrade"), http_field(h, S("upgrade")) };
    }
    *out = to;
    *n_out = n;
}

void forward_reply(Arena *a, const HttpField *fields, size_t n_fields, HttpField **out, size_t *n_out) {
    HttpField *to = arena_alloc(a, (n_fields + FORWARD_ROOM) * sizeof *to);
    *n_out = copy(fields, n_fields, DROP_REPLY, to);
    *out = to;
}
