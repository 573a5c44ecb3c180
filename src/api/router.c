/* api/router.c - path -> operation: a trie of segments, literals before {parameters}.
 *
 * A literal child is tried first and the parameter only if the literal leads nowhere, so that the longest
 * literal prefix wins: /jobs/active beats /jobs/{id}. Built once, read by any thread. Segments are compared
 * percent-decoded: %2F inside a segment belongs to the value. */

#include "api/op.h"
#include "api/place.h"

enum { SEGMENTS_MAX = 16, METHODS_MAX = 8 };

typedef struct Route {
    Str method;
    const Op *op;
    bool alias;
    Str params[SEGMENTS_MAX]; /* names, in the order of the path */
} Route;

typedef struct Node {
    Str segment;               /* of a literal */
    struct Node *child, *next; /* literals */
    struct Node *param;        /* {anything} */
    Route *routes[METHODS_MAX];
    size_t n_routes;
} Node;

struct OpRouter {
    Arena arena;
    Node root;
};

/* --- building --- */

static Node *literal_child(OpRouter *r, Node *node, Str segment) {
    for (Node *c = node->child; c; c = c->next)
        if (str_eq(c->segment, segment))
            return c;
    Node *c = arena_new(&r->arena, Node);
    *c = (Node){ .segment = segment, .next = node->child };
    node->child = c;
    return c;
}

static void add_route(OpRouter *r, const Op *op, Str method, Str path, bool alias) {
    Route *route = arena_new(&r->arena, Route);
    *route = (Route){ .method = method, .op = op, .alias = alias };
    Node *node = &r->root;
    size_t n_params = 0;
    Str segment;
    while (str_next(&path, '/', &segment)) {
        if (segment.n == 0)
            continue;
        if (segment.p[0] != '{') {
            node = literal_child(r, node, segment);
            continue;
        }
        assert(segment.n > 2 && segment.p[segment.n - 1] == '}' && n_params < SEGMENTS_MAX);
        route->params[n_params++] = str_n(segment.p + 1, segment.n - 2);
        if (!node->param)
            node->param = arena_new(&r->arena, Node);
        node = node->param;
    }
    for (size_t i = 0; i < node->n_routes; i++)
        assert(!str_eq(node->routes[i]->method, method)); /* two operations on one route: op_lint names them */
    assert(node->n_routes < METHODS_MAX);
    node->routes[node->n_routes++] = route;
}

OpAlias op_alias(const Op *op, const char *text) {
    Str path = str_c(text);
    ptrdiff_t space = str_find_char(path, ' ');
    if (space < 0)
        return (OpAlias){ str_c(op->method), path };
    return (OpAlias){ str_first(path, (size_t)space), str_trim(str_from(path, (size_t)space)) };
}

OpRouter *op_router_new(const OpTable *const *tables, size_t n) {
    OpRouter *r = mem_new(OpRouter);
    for (size_t t = 0; t < n; t++)
        for (size_t i = 0; i < tables[t]->n_ops; i++) {
            const Op *op = tables[t]->ops[i];
            add_route(r, op, str_c(op->method), str_c(op->path), false);
            for (const char *const *a = op->aliases; a && *a; a++) {
                OpAlias alias = op_alias(op, *a);
                add_route(r, op, alias.method, alias.path, true);
            }
        }
    return r;
}

OpRouter *op_router_free(OpRouter *r) {
    if (r) {
        arena_done(&r->arena);
        mem_free(r);
    }
    return NULL;
}

/* --- matching --- */

static int split_path(Ctx *cx, Str path, Str segments[static SEGMENTS_MAX], size_t *n) {
    Str rest = path, segment;
    *n = 0;
    if (path.n == 0 || path.p[0] != '/')
        return ERR_NOT_FOUND;
    str_next(&rest, '/', &segment); /* before the first slash: nothing */
    while (str_next(&rest, '/', &segment)) {
        if (segment.n == 0 && !rest.p)
            break; /* a trailing slash */
        if (segment.n == 0 || *n == SEGMENTS_MAX)
            return ERR_NOT_FOUND;
        if (!percent_decode(cx->arena, segment, false, &segments[*n]))
            return err_set(cx, ERR_BAD_REQUEST, "the path has a bad %% escape in " STR_FMT,
                           STR_ARG(words_quote(cx->arena, segment)));
        ++*n;
    }
    return 0;
}

/* Depth is bounded by the segments, and each level has at most two ways to go on: 2^16 steps at the very worst,
 * for a table built to provoke it; ours branch at one level. */
static const Node *walk(const Node *node, const Str *segments, size_t n, Str *values) {
    if (n == 0)
        return node->n_routes ? node : NULL;
    for (const Node *c = node->child; c; c = c->next)
        if (str_eq(c->segment, segments[0])) {
            const Node *hit = walk(c, segments + 1, n - 1, values);
            if (hit)
                return hit;
            break;
        }
    if (!node->param)
        return NULL;
    *values = segments[0];
    return walk(node->param, segments + 1, n - 1, values + 1);
}

static const Route *route_of(const Node *node, Str method) {
    for (size_t i = 0; i < node->n_routes; i++)
        if (str_eq(node->routes[i]->method, method))
            return node->routes[i];
    return NULL;
}

static Str allowed_methods(const Node *node, Arena *a) {
    Buf b;
    buf_init(&b, 256);
    for (size_t i = 0; i < node->n_routes; i++)
        buf_printf(&b, "%s" STR_FMT, b.n ? ", " : "", STR_ARG(node->routes[i]->method));
    if (route_of(node, S("GET")) && !route_of(node, S("HEAD")))
        BUF_LIT(&b, ", HEAD");
    BUF_LIT(&b, ", OPTIONS");
    Str text = str_dup(a, buf_str(&b));
    buf_done(&b);
    return text;
}

int op_route(const OpRouter *r, Ctx *cx, Str method, Str path, OpMatch *out) {
    Str segments[SEGMENTS_MAX], values[SEGMENTS_MAX];
    size_t n;
    int e = split_path(cx, path, segments, &n);
    const Node *node = e ? NULL : walk(&r->root, segments, n, values);
    if (e == ERR_BAD_REQUEST)
        return e;
    if (!node)
        return err_set(cx, ERR_NOT_FOUND, "there is no path " STR_FMT "; /openapi.json lists those there are",
                       STR_ARG(words_quote(cx->arena, path)));
    const Route *route = route_of(node, method);
    if (!route && str_eq(method, S("HEAD")))
        route = route_of(node, S("GET"));
    if (!route) {
        *out = (OpMatch){ .allow = allowed_methods(node, cx->arena) };
        return err_set(cx, ERR_METHOD, STR_FMT " is not a method of this path; allowed: " STR_FMT,
                       STR_ARG(words_quote(cx->arena, method)), STR_ARG(out->allow));
    }
    size_t n_params = 0;
    while (n_params < SEGMENTS_MAX && route->params[n_params].p)
        n_params++;
    QueryPair *params = n_params ? arena_new_n(cx->arena, QueryPair, n_params) : NULL;
    for (size_t i = 0; i < n_params; i++)
        params[i] = (QueryPair){ route->params[i], values[i] };
    *out = (OpMatch){ .op = route->op, .alias = route->alias, .params = params, .n_params = n_params };
    return 0;
}
