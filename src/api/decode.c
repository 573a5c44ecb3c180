/* api/decode.c - a request's path parameters, query and body -> the `in` struct of its operation. */

#include "api/decode.h"

/* --- the query string --- */

bool percent_decode(Arena *a, Str s, bool plus, Str *out) {
    if (str_find_char(s, '%') < 0 && (!plus || str_find_char(s, '+') < 0)) {
        *out = s;
        return str_find_char(s, '\0') < 0;
    }
    char *p = arena_alloc(a, s.n);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            int hi = i + 2 < s.n ? hex_value(s.p[i + 1]) : -1;
            int lo = i + 2 < s.n ? hex_value(s.p[i + 2]) : -1;
            if (hi < 0 || lo < 0)
                return false;
            c = (char)(hi << 4 | lo);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        if (c == '\0')
            return false;
        p[n++] = c;
    }
    *out = str_n(p, n);
    return true;
}

int query_split(Ctx *cx, Str query, QueryPair **out, size_t *n) {
    QueryPair *pairs = NULL;
    size_t count = 0;
    Str piece, rest = query;
    while (rest.n && str_next(&rest, '&', &piece)) {
        if (piece.n == 0)
            continue; /* "a=1&&b=2", "a=1&" */
        if (count == QUERY_PAIRS_MAX)
            return err_set(cx, ERR_BAD_REQUEST, "the query has more than %d parameters", QUERY_PAIRS_MAX);
        if (!pairs)
            pairs = arena_new_n(cx->arena, QueryPair, QUERY_PAIRS_MAX);
        ptrdiff_t eq = str_find_char(piece, '=');
        Str name = eq < 0 ? piece : str_first(piece, (size_t)eq);
        Str value = eq < 0 ? (Str){ 0 } : str_from(piece, (size_t)eq + 1);
        if (!percent_decode(cx->arena, name, true, &pairs[count].name) ||
            !percent_decode(cx->arena, value, true, &pairs[count].value))
            return err_set(cx, ERR_BAD_REQUEST, "the query parameter " STR_FMT " has a bad %% escape",
                           STR_ARG(words_quote(cx->arena, piece)));
        count++;
    }
    *out = pairs;
    *n = count;
    return 0;
}

/* --- where a field comes from --- */

bool path_names(Str path, Str name) {
    Str segment;
    while (str_next(&path, '/', &segment))
        if (segment.n == name.n + 2 && segment.p[0] == '{' && str_eq(str_n(segment.p + 1, name.n), name))
            return true;
    return false;
}

unsigned op_field_source(const Op *op, const Field *f) {
    unsigned told = f->flags & (F_QUERY | F_PATH | F_BODY);
    if (told)
        return told;
    if (path_names(str_c(op->path), field_name(f)))
        return F_PATH;
    bool bodyless =
        strcmp(op->method, "GET") == 0 || strcmp(op->method, "HEAD") == 0 || strcmp(op->method, "DELETE") == 0;
    return bodyless ? F_QUERY : F_BODY;
}

static uint64_t fields_from(const Op *op, unsigned source) {
    uint64_t bits = 0;
    for (size_t i = 0; i < op->in->n_fields; i++)
        if (op_field_source(op, &op->in->fields[i]) & source)
            bits |= UINT64_C(1) << i;
    return bits;
}

bool op_has_body(const Op *op) {
    return op->in && fields_from(op, F_BODY) != 0;
}

/* --- decoding --- */

typedef struct Decoding {
    const Op *op;
    Ctx *cx;
    void *in;
    uint64_t seen;
} Decoding;

static const Field *find(const Decoding *d, Str name, uint64_t allowed) {
    for (size_t i = 0; d->op->in && i < d->op->in->n_fields; i++) {
        const Field *f = &d->op->in->fields[i];
        bool same = str_eq(field_name(f), name) || (f->rename && str_eq(str_c(f->rename), name));
        if (same && allowed >> i & 1)
            return f;
    }
    return NULL;
}

static int unknown(const Decoding *d, Str name, uint64_t allowed) {
    const Field *elsewhere = find(d, name, UINT64_MAX);
    if (elsewhere)
        return err_set_at(d->cx, ERR_INVALID, field_name(elsewhere), "%s belongs in the %s, not in the query",
                          elsewhere->name, op_field_source(d->op, elsewhere) & F_PATH ? "path" : "body");
    Nearest near = { .wanted = name };
    for (size_t i = 0; d->op->in && i < d->op->in->n_fields; i++)
        if (allowed >> i & 1)
            nearest_offer(&near, field_name(&d->op->in->fields[i]));
    Str shown = words_quote(d->cx->arena, name);
    Str hint = nearest_hint(&near, d->cx->arena);
    return err_set_at(d->cx, ERR_INVALID, name.n ? name : S("query"), STR_FMT " is not a known parameter of %s" STR_FMT,
                      STR_ARG(shown), d->op->name, STR_ARG(hint));
}

/* A repeated list parameter (a=1&a=2) adds to what is there. */
static int append(Decoding *d, const Field *f, const Place *at, Str text) {
    List *list = FIELD_AT(f, d->in, List), had = *list;
    int e = field_text(f, d->cx, at, text, d->in);
    if (e || had.n == 0)
        return e;
    if (list->n == 0) { /* "a=1&a=" adds nothing */
        *list = had;
        return 0;
    }
    size_t n = had.n + list->n;
    Str *joined = arena_new_n(d->cx->arena, Str, n);
    memcpy(joined, had.v, had.n * sizeof(Str));
    memcpy(joined + had.n, list->v, list->n * sizeof(Str));
    *list = (List){ joined, n };
    return field_check(f, d->cx, at, d->in);
}

static int take(Decoding *d, const Field *f, Str text) {
    Place root = { 0 }, at = place_member(&root, field_name(f));
    uint64_t bit = UINT64_C(1) << (f - d->op->in->fields);
    bool again = d->seen & bit;
    d->seen |= bit;
    if (f->flags & F_REPEAT && f->type == FT_LIST && !f->of)
        return append(d, f, &at, text);
    if (again)
        return place_invalid(d->cx, &at, "is given twice");
    return field_text(f, d->cx, &at, text, d->in);
}

static int take_params(Decoding *d, const QueryPair *params, size_t n) {
    for (size_t i = 0; i < n; i++) {
        /* By name alone: an alias may have in its path what the operation's own path has in the query. */
        const Field *f = find(d, params[i].name, UINT64_MAX);
        assert(f); /* a {name} of a path without a field: op_lint */
        int e = f ? take(d, f, params[i].value) : ERR_INTERNAL;
        if (e)
            return e;
    }
    return 0;
}

static int take_query(Decoding *d, const QueryPair *query, size_t n, uint64_t allowed) {
    for (size_t i = 0; i < n; i++) {
        const Field *f = find(d, query[i].name, allowed);
        int e = f ? take(d, f, query[i].value) : unknown(d, query[i].name, allowed);
        if (e)
            return e;
    }
    return 0;
}

static int take_body(Decoding *d, Str body) {
    if (!op_has_body(d->op)) {
        if (str_trim(body).n == 0)
            return 0;
        return err_set_at(d->cx, ERR_INVALID, S("body"), "%s takes no body", d->op->name);
    }
    if (str_trim(body).n == 0)
        return 0; /* as {}: what is required will be missed by name */
    JsonReader r;
    json_reader_init(&r, body, d->cx->arena, SHAPE_DEPTH_MAX);
    ShapeReader rd = { .cx = d->cx, .r = &r, .allowed = fields_from(d->op, F_BODY) };
    Place root = { 0 };
    int e = shape_read_members(&rd, d->op->in, &root, d->in, &d->seen);
    return e ? e : json_finish(&r) ? shape_json_fault(d->cx, &r) : 0;
}

int op_decode(const Op *op, Ctx *cx, const QueryPair *params, size_t n_params, const QueryPair *query, size_t n_query,
              Str json_body, void *in) {
    Decoding d = { .op = op, .cx = cx, .in = in };
    if (op->in)
        memset(in, 0, op->in->size);
    int e = take_params(&d, params, n_params);
    if (!e)
        e = take_query(&d, query, n_query, op->in ? fields_from(op, F_QUERY) : 0);
    if (!e)
        e = take_body(&d, json_body);
    if (e || !op->in)
        return e;
    Place root = { 0 };
    return shape_finish(op->in, cx, &root, d.seen, false, in);
}

int decode_beside_csv(const Op *op, Ctx *cx, const OpText *text, uint64_t *seen, void *in) {
    Decoding d = { .op = op, .cx = cx, .in = in };
    memset(in, 0, op->in->size);
    uint64_t allowed = fields_from(op, F_QUERY);
    for (size_t i = 0; i < op->in->n_fields; i++)
        if (op->in->fields[i].type < FT_SHAPE)
            allowed |= UINT64_C(1) << i;
    allowed &= ~fields_from(op, F_PATH);
    int e = take_params(&d, text->params, text->n_params);
    if (!e)
        e = take_query(&d, text->query, text->n_query, allowed);
    *seen = d.seen;
    return e;
}
