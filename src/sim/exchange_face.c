/* sim/exchange_face.c - what the venues beside Binance share: which one a path belongs to, pace, faults. */

#include "sim/exchange_internal.h"

#include "base/num.h"

#include <stdarg.h>
#include <stdio.h>

enum { BODY_MAX = 16 << 20 };

static const SimFace *const faces[FACES] = {
    [FACE_COINBASE] = &sim_face_coinbase,
    [FACE_KRAKEN] = &sim_face_kraken,
    [FACE_VCI] = &sim_face_vci,
    [FACE_BYBIT] = &sim_face_bybit,
};

static int face_of(Str path) {
    for (int i = 0; i < FACES; i++)
        for (size_t k = 0; k < ARRAY_LEN(faces[i]->prefixes) && faces[i]->prefixes[k]; k++)
            if (str_starts(path, str_c(faces[i]->prefixes[k])))
                return i;
    return -1;
}

void face_fault(FaceCall *c, unsigned fits) {
    unsigned always = FAULTS_ALWAYS_FIT & ~(1u << FAULT_418);
    c->fault = faults_next(&c->x->faults, fits | always, c->path, c->symbol);
    c->fits = 0;
}

void face_fail(FaceCall *c, int status, const char *fmt, ...) {
    char text[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    c->status = status;
    c->out.n = 0;
    BUF_LIT(&c->out, "{\"message\":");
    json_quote(&c->out, str_c(text));
    buf_put_c(&c->out, '}');
    c->x->stats.errors++;
}

const Source *face_find_pair(const ExchangeSim *x, Str base, Str quote, Time now) {
    for (size_t i = 0; i < x->n_sources; i++) {
        const GenSymbol *g = &x->sources[i].listing;
        if (str_eq(symbol_str(&g->base), base) && str_eq(symbol_str(&g->quote), quote))
            return source_listed(&x->sources[i], now) ? &x->sources[i] : NULL;
    }
    return NULL;
}

void put_shortest(Buf *b, double v) {
    char text[NUM_TEXT_MAX];
    Str s = str_n(text, num_format_f64(v, text));
    if (str_find_char(s, 'e') >= 0)
        put_decimal(b, v);
    else
        buf_put_str(b, s);
}

size_t face_spoil_rows(const FaceCall *c, Kline *v, size_t n) {
    if (c->fault.kind == FAULT_EMPTY_PAGE)
        return 0;
    if (c->fault.kind == FAULT_DUPLICATE_ROW && n > 1)
        v[n / 2 - 1] = v[n / 2];
    if (c->fault.kind == FAULT_UNSORTED)
        for (size_t i = 1; i < n; i += 5) {
            Kline swap = v[i];
            v[i] = v[i - 1];
            v[i - 1] = swap;
        }
    return n;
}

/* false: too early. */
static bool charge(ExchangeSim *x, const SimRequest *req, int face, Time now) {
    const SimFace *f = faces[face];
    int64_t *free_at = &sim_peer_get(x, req->peer)->free_at[face];
    if (*free_at - (f->burst - 1) * f->interval_ms > now.ms)
        return false;
    *free_at = MAX(*free_at, now.ms) + f->interval_ms;
    return true;
}

static void answer(FaceCall *c, const SimFace *f, SimReply *r) {
    f->run(c);
    switch (c->fault.kind) {
    case FAULT_429:
        f->limited(c, r);
        if (r->status == 429)
            sim_reply_header(r, S("Retry-After"), str_fmt(c->arena, "%lld", (long long)c->fault.n));
        break;
    case FAULT_BUSY:
    case FAULT_500:
    case FAULT_503:
        f->broken(c, r, c->fault.kind);
        break;
    case FAULT_403:
        sim_reply_html(r, 403, S("<html><head><title>403 Forbidden</title></head><body>Forbidden</body></html>"));
        break;
    case FAULT_NOT_JSON:
        sim_reply_html(r, 200, S("<!doctype html><title>Maintenance</title><p>We will be back soon."));
        break;
    default:
        sim_reply_json(r, c->status ? c->status : 200, str_dup(c->arena, buf_str(&c->out)));
        sim_reply_spoil(r, c->fault);
    }
    c->x->stats.faults += c->fault.kind != FAULT_NONE;
}

bool sim_face_handle(ExchangeSim *x, Arena *arena, const SimRequest *req, Str path, Str query, Time now, SimReply *r) {
    int face = face_of(path);
    if (face < 0)
        return false;
    FaceCall c = { .x = x, .arena = arena, .req = req, .path = path, .now = now };
    query_parse(&c.q, query, arena);
    buf_init(&c.out, BODY_MAX);
    if (charge(x, req, face, now)) {
        answer(&c, faces[face], r);
    } else {
        x->stats.limited++;
        faces[face]->limited(&c, r);
    }
    buf_done(&c.out);
    return true;
}
