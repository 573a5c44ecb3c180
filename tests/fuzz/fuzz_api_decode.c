/* api: a request of any bytes (method, target, empty line, body) is routed and decoded, or refused with words; what
 * was decoded can be sent again and means the same. */

#include "demo.h"

#include "fuzz.h"

static const OpTable *const tables[] = { &demo_table };

typedef struct Fuzz {
    Arena arena;
    Ctx cx;
    OpRouter *router;
} Fuzz;

/* 0 and the operation with its struct, or the error. */
static int decode(Fuzz *f, Str method, Str target, Str body, const Op **op, void **in) {
    OpMatch m;
    Str rest = target, path = { 0 };
    QueryPair *query;
    size_t n;
    str_next(&rest, '?', &path);
    int e = op_route(f->router, &f->cx, method, path, &m);
    if (e || (e = query_split(&f->cx, rest, &query, &n)))
        return e;
    *op = m.op;
    *in = arena_zalloc(&f->arena, m.op->in ? m.op->in->size : 1);
    return op_decode(m.op, &f->cx, m.params, m.n_params, query, n, body, *in);
}

static void check_error(const Fuzz *f, int e) {
    MUST(e == ERR_INVALID || e == ERR_BAD_REQUEST || e == ERR_NOT_FOUND || e == ERR_METHOD || e == ERR_TOO_LARGE);
    MUST(f->cx.err.code == e && f->cx.err.text[0]);
    MUST(e != ERR_INVALID || f->cx.err.field[0]);
    Buf b; /* and it can be told */
    JsonWriter w;
    buf_init(&b, 1 << 16);
    json_writer_init(&w, &b, false);
    op_write_error(&w, &f->cx);
    Arena a;
    Ctx client;
    arena_init(&a, 0);
    ctx_init(&client, &a, NULL);
    MUST(op_read_error(&client, err_info(e)->http_status, buf_str(&b)) == e);
    arena_done(&a);
    buf_done(&b);
}

static void check_again(Fuzz *f, const Op *op, const void *in) {
    ApiRequest first, second;
    const Op *found;
    void *back;
    if (op_encode(op, &f->cx, in, &first)) {
        MUST(f->cx.err.code == ERR_TOO_LARGE); /* a target longer than we send */
        return;
    }
    MUST(decode(f, first.method, first.target, first.body, &found, &back) == 0 && found == op);
    MUST(op_encode(op, &f->cx, back, &second) == 0);
    MUST(str_eq(first.target, second.target) && str_eq(first.body, second.body));
    MUST(!op->in || shape_validate(op->in, &f->cx, back) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Fuzz f = { 0 };
    Str text = str_n((const char *)data, size), body = { 0 };
    ptrdiff_t empty = str_find(text, S("\n\n"));
    if (empty >= 0) {
        body = str_from(text, (size_t)empty + 2);
        text = str_first(text, (size_t)empty);
    }
    arena_init(&f.arena, 1 << 22);
    ctx_init(&f.cx, &f.arena, NULL);
    f.router = op_router_new(tables, 1);
    const Op *op;
    void *in;
    Str method = { 0 };
    str_next(&text, ' ', &method);
    int e = decode(&f, method, text, body, &op, &in);
    if (e)
        check_error(&f, e);
    else
        check_again(&f, op, in);
    op_router_free(f.router);
    arena_done(&f.arena);
    return 0;
}
