/* sim/fault.c - see fault.h. */

#include "sim/fault.h"

#include "base/num.h"

/* clang-format off */
static const struct {
    const char *name;
    int64_t n; /* default */
} kinds[FAULT_KINDS] = {
    [FAULT_NONE]          = { "none", 0 },
    [FAULT_SHORT_PAGE]    = { "short-page", 0 },
    [FAULT_EMPTY_PAGE]    = { "empty-page", 0 },
    [FAULT_DUPLICATE_ROW] = { "duplicate-row", 0 },
    [FAULT_MICROS]        = { "micros", 0 },
    [FAULT_MISALIGNED]    = { "misaligned", 18123 },
    [FAULT_UNSORTED]      = { "unsorted", 0 },
    [FAULT_TEXT_TIMES]    = { "text-times", 0 },
    [FAULT_WRAPPED]       = { "wrapped", 0 },
    [FAULT_BUSY]          = { "busy", 0 },
    [FAULT_429]           = { "429", 1 },
    [FAULT_418]           = { "418", 120 },
    [FAULT_403]           = { "403", 0 },
    [FAULT_500]           = { "500", 0 },
    [FAULT_503]           = { "503", 0 },
    [FAULT_NOT_JSON]      = { "not-json", 0 },
    [FAULT_TRUNCATED]     = { "truncated", 0 },
    [FAULT_CHUNKED]       = { "chunked", 0 },
    [FAULT_TRICKLE]       = { "trickle", 64 },
    [FAULT_RESET]         = { "reset", 0 },
    [FAULT_STALL]         = { "stall", 60000 },
    [FAULT_WS_CLOSE]      = { "ws-close", 0 },
    [FAULT_WS_DAY]        = { "ws-day", 0 },
    [FAULT_WS_TWICE]      = { "ws-twice", 0 },
    [FAULT_WS_GAP]        = { "ws-gap", 5 },
    [FAULT_WS_SHUTDOWN]   = { "ws-shutdown", 0 },
    [FAULT_WS_PING]       = { "ws-ping", 0 },
    [FAULT_LOST]          = { "lost", 0 },
    [FAULT_WRONG_ETAG]    = { "wrong-etag", 0 },
};
/* clang-format on */

const char *fault_name(FaultKind kind) {
    assert(kind >= FAULT_NONE && kind < FAULT_KINDS);
    return kinds[kind].name;
}

void faults_init(Faults *f, uint64_t seed) {
    *f = (Faults){ .n = 0 };
    rng_seed(&f->rng, seed);
}

void faults_clear(Faults *f) {
    f->n = 0;
}

static int unknown_fault(Ctx *cx, Str name) {
    Buf known;
    buf_init(&known, 512);
    for (int k = FAULT_NONE + 1; k < FAULT_KINDS; k++)
        buf_printf(&known, "%s%s", k > 1 ? ", " : "", kinds[k].name);
    int r = err_set_at(cx, ERR_INVALID, S("fault"), "no fault is called \"" STR_FMT "\"; there are " STR_FMT,
                       STR_ARG(str_first(name, 40)), STR_ARG(buf_str(&known)));
    buf_done(&known);
    return r;
}

static int set_number(Ctx *cx, Str key, Str value, int64_t least, int64_t *out) {
    if (!str_to_i64(value, out) || *out < least || *out > 1000000000)
        return err_set_at(cx, ERR_INVALID, S("fault"),
                          STR_FMT "=" STR_FMT ": a whole number from %lld to 1000000000 is needed", STR_ARG(key),
                          STR_ARG(str_first(value, 40)), (long long)least);
    return 0;
}

static int set_option(Ctx *cx, FaultRule *r, Str key, Str value) {
    if (str_eq(key, S("every")))
        return set_number(cx, key, value, 1, &r->every);
    if (str_eq(key, S("count")))
        return set_number(cx, key, value, 1, &r->count);
    if (str_eq(key, S("after")))
        return set_number(cx, key, value, 0, &r->after);
    if (str_eq(key, S("n")))
        return set_number(cx, key, value, 0, &r->n);
    if (str_eq(key, S("prob"))) {
        if (!num_parse_f64(value, &r->prob) || !(r->prob > 0 && r->prob <= 1))
            return err_set_at(cx, ERR_INVALID, S("fault"), "prob=" STR_FMT ": a number above 0 and up to 1 is needed",
                              STR_ARG(str_first(value, 40)));
        return 0;
    }
    if (str_eq(key, S("symbol"))) {
        if (!symbol_parse(value, &r->symbol))
            return err_set_at(cx, ERR_INVALID, S("fault"), "symbol=" STR_FMT " is not a symbol",
                              STR_ARG(str_first(value, 40)));
        return 0;
    }
    if (str_eq(key, S("path"))) {
        if (value.n == 0 || value.n >= sizeof r->path)
            return err_set_at(cx, ERR_INVALID, S("fault"), "path= takes 1 to %d characters", (int)sizeof r->path - 1);
        memcpy(r->path, value.p, value.n);
        return 0;
    }
    return err_set_at(cx, ERR_INVALID, S("fault"),
                      "\"" STR_FMT
                      "\" is not an option of a fault; there are every, prob, count, after, symbol, path, n",
                      STR_ARG(str_first(key, 40)));
}

int faults_add(Faults *f, Ctx *cx, Str text) {
    if (f->n == FAULT_RULES_MAX)
        return err_set_at(cx, ERR_LIMIT, S("fault"), "there are already %d fault rules", FAULT_RULES_MAX);
    Str name, options = str_trim(text), one;
    if (!str_next(&options, ':', &name))
        name = S("");
    FaultRule rule = { .n = -1 };
    for (int k = FAULT_NONE + 1; k < FAULT_KINDS; k++)
        if (str_eq(name, str_c(kinds[k].name)))
            rule.kind = (FaultKind)k;
    if (rule.kind == FAULT_NONE)
        return unknown_fault(cx, name);
    while (str_next(&options, ',', &one)) {
        ptrdiff_t at = str_find_char(one, '=');
        if (at < 0)
            return err_set_at(cx, ERR_INVALID, S("fault"), "\"" STR_FMT "\": key=value is needed",
                              STR_ARG(str_first(one, 40)));
        int r = set_option(cx, &rule, str_first(one, (size_t)at), str_from(one, (size_t)at + 1));
        if (r != 0)
            return r;
    }
    f->v[f->n++] = rule;
    return 0;
}

static bool rule_matches(const FaultRule *r, unsigned fits, Str path, Str symbol) {
    return (fits >> r->kind & 1) && (r->symbol.s[0] == '\0' || str_eq(symbol_str(&r->symbol), symbol)) &&
           (r->path[0] == '\0' || str_find(path, str_c(r->path)) >= 0);
}

static bool rule_hits(FaultRule *r, Rng *rng) {
    int64_t nth = ++r->seen - r->after;
    if (nth <= 0 || (r->count && r->hits >= r->count))
        return false;
    if (r->every && nth % r->every != 0)
        return false;
    return r->prob == 0 || rng_chance(rng, r->prob);
}

FaultHit faults_next(Faults *f, unsigned fits, Str path, Str symbol) {
    for (size_t i = 0; i < f->n; i++) {
        FaultRule *r = &f->v[i];
        if (rule_matches(r, fits, path, symbol) && rule_hits(r, &f->rng)) {
            r->hits++;
            return (FaultHit){ r->kind, r->n >= 0 ? r->n : kinds[r->kind].n };
        }
    }
    return (FaultHit){ FAULT_NONE, 0 };
}

void faults_write(const Faults *f, JsonWriter *w) {
    json_array(w);
    for (size_t i = 0; i < f->n; i++) {
        const FaultRule *r = &f->v[i];
        json_object(w);
        json_put_str(w, "fault", str_c(fault_name(r->kind)));
        json_put_i64(w, "seen", r->seen);
        json_put_i64(w, "hits", r->hits);
        if (r->every)
            json_put_i64(w, "every", r->every);
        if (r->prob > 0)
            json_put_f64(w, "prob", r->prob);
        if (r->count)
            json_put_i64(w, "count", r->count);
        if (r->after)
            json_put_i64(w, "after", r->after);
        if (r->n >= 0)
            json_put_i64(w, "n", r->n);
        if (r->symbol.s[0])
            json_put_str(w, "symbol", symbol_str(&r->symbol));
        if (r->path[0])
            json_put_str(w, "path", str_c(r->path));
        json_object_end(w);
    }
    json_array_end(w);
}
