/* gateway/route_table.c - see route_table.h: a trie whose literal edges lie in one hash table. */

#include "gateway/route_table.h"

#include "api/op.h"
#include "api/place.h"
#include "base/hash.h"

typedef struct Route {
    Str method; /* empty: any */
    void *target;
    Str names[ROUTE_SEGMENTS_MAX];
    size_t n_names;
} Route;

typedef struct Node {
    uint32_t id;
    struct Node *param; /* {anything} */
    struct Node *rest;  /* "*" */
    bool has_literals;
    size_t n_routes;
    Route *routes[ROUTE_METHODS_MAX];
} Node;

typedef struct Edge { /* parent and segment -> node; node NULL: free */
    uint64_t hash;
    uint32_t parent;
    Str segment;
    Node *node;
} Edge;

struct RouteTable {
    Arena arena;
    Node *root;
    Edge *edges;
    size_t n_edges, cap; /* cap a power of two */
    uint32_t n_nodes;
    size_t n_routes;
};

/* --- edges --- */

static uint64_t edge_hash(uint32_t parent, Str segment) {
    return hash64(segment.p, segment.n, parent);
}

static Edge *edge_slot(Edge *edges, size_t cap, uint64_t hash, uint32_t parent, Str segment) {
    for (size_t i = hash & (cap - 1);; i = (i + 1) & (cap - 1)) {
        Edge *e = &edges[i];
        if (!e->node || (e->hash == hash && e->parent == parent && str_eq(e->segment, segment)))
            return e;
    }
}

static Node *literal_of(const RouteTable *t, const Node *node, Str segment) {
    if (!node->has_literals)
        return NULL;
    return edge_slot(t->edges, t->cap, edge_hash(node->id, segment), node->id, segment)->node;
}

static Node *node_new(RouteTable *t) {
    Node *node = arena_new(&t->arena, Node);
    node->id = t->n_nodes++;
    return node;
}

static void edges_grow(RouteTable *t) {
    size_t cap = t->cap * 2;
    Edge *edges = mem_new_n(Edge, cap);
    for (size_t i = 0; i < t->cap; i++)
        if (t->edges[i].node)
            *edge_slot(edges, cap, t->edges[i].hash, t->edges[i].parent, t->edges[i].segment) = t->edges[i];
    mem_free(t->edges);
    t->edges = edges;
    t->cap = cap;
}

static Node *literal_make(RouteTable *t, Node *node, Str segment) {
    Node *had = literal_of(t, node, segment);
    if (had)
        return had;
    if (t->n_edges * 2 >= t->cap)
        edges_grow(t);
    uint64_t hash = edge_hash(node->id, segment);
    Edge *e = edge_slot(t->edges, t->cap, hash, node->id, segment);
    *e = (Edge){ .hash = hash, .parent = node->id, .segment = segment, .node = node_new(t) };
    t->n_edges++;
    node->has_literals = true;
    return e->node;
}

/* --- building --- */

RouteTable *route_table_new(void) {
    enum { FIRST = 64 };
    RouteTable *t = mem_new(RouteTable);
    t->cap = FIRST;
    t->edges = mem_new_n(Edge, t->cap);
    t->root = node_new(t);
    return t;
}

RouteTable *route_table_free(RouteTable *t) {
    if (!t)
        return NULL;
    arena_done(&t->arena);
    mem_free(t->edges);
    return mem_free(t);
}

size_t route_table_count(const RouteTable *t) {
    return t->n_routes;
}

static int bad_pattern(Ctx *cx, Str pattern, const char *why) {
    return err_set(cx, ERR_USAGE, "\"" STR_FMT "\" is no route: %s", STR_ARG(pattern), why);
}

/* Whether somebody who decodes %2F, or takes a backslash for a slash, would climb. */
static bool dots(Str s) {
    size_t start = 0;
    for (size_t i = 0; i <= s.n; i++) {
        if (i < s.n && s.p[i] != '/' && s.p[i] != '\\')
            continue;
        size_t n = i - start;
        if ((n == 1 || n == 2) && s.p[start] == '.' && s.p[i - 1] == '.')
            return true;
        start = i + 1;
    }
    return false;
}

/* Checked whole before anything is made, so that a pattern that is refused leaves nothing behind. */
static int check_pattern(Ctx *cx, Str pattern) {
    if (pattern.n == 0 || pattern.p[0] != '/')
        return bad_pattern(cx, pattern, "it begins with /");
    Str rest = str_from(pattern, 1), s;
    size_t n = 0;
    while (str_next(&rest, '/', &s)) {
        if (s.n == 0 && !rest.p)
            break; /* a trailing slash */
        bool last = !rest.p;
        bool braces = s.n > 0 && s.p[0] == '{';
        if (s.n == 0 || dots(s))
            return bad_pattern(cx, pattern, "it has an empty or dot segment");
        if (++n > ROUTE_SEGMENTS_MAX)
            return bad_pattern(cx, pattern, "it has more than 16 segments");
        if (braces && (s.n < 3 || s.p[s.n - 1] != '}'))
            return bad_pattern(cx, pattern, "a parameter is written {name}, a whole segment");
        if (str_find_char(s, '*') >= 0 && !(s.n == 1 && last))
            return bad_pattern(cx, pattern, "* is the last segment, and alone in it");
    }
    return 0;
}

int route_table_add(RouteTable *t, Ctx *cx, Str method, Str pattern, void *target) {
    int r = check_pattern(cx, pattern);
    if (r != 0)
        return r;
    if (t->n_routes == ROUTES_MAX)
        return err_set(cx, ERR_LIMIT, "there are more than %d routes", ROUTES_MAX);
    Route *route = arena_new(&t->arena, Route);
    *route = (Route){ .method = str_dup(&t->arena, method), .target = target };
    Node *node = t->root;
    Str rest = str_dup(&t->arena, str_from(pattern, 1)), s;
    while (str_next(&rest, '/', &s)) {
        if (s.n == 0)
            break;
        if (s.p[0] == '{') {
            route->names[route->n_names++] = str_n(s.p + 1, s.n - 2);
            node->param = node->param ? node->param : node_new(t);
            node = node->param;
        } else if (s.p[0] == '*') {
            node->rest = node->rest ? node->rest : node_new(t);
            node = node->rest;
        } else {
            node = literal_make(t, node, s);
        }
    }
    for (size_t i = 0; i < node->n_routes; i++)
        if (str_eq(node->routes[i]->method, method))
            return err_set(cx, ERR_CONFLICT, "the route " STR_FMT " " STR_FMT " is there twice", STR_ARG(method),
                           STR_ARG(pattern));
    if (node->n_routes == ROUTE_METHODS_MAX)
        return err_set(cx, ERR_LIMIT, STR_FMT " has more than %d methods", STR_ARG(pattern), ROUTE_METHODS_MAX);
    node->routes[node->n_routes++] = route;
    t->n_routes++;
    return 0;
}

/* --- finding --- */

typedef struct Path {
    Str text;                              /* as sent */
    Str segments[ROUTE_SEGMENTS_MAX];      /* decoded */
    size_t starts[ROUTE_SEGMENTS_MAX + 1]; /* where each begins in text; behind the last: its end */
    size_t n;
    bool deeper; /* there are more segments: only a "*" can take them */
} Path;

static int split(Ctx *cx, Str path, Path *out) {
    *out = (Path){ .text = path };
    if (path.n == 0 || path.p[0] != '/')
        return ERR_NOT_FOUND;
    Str rest = str_from(path, 1), s;
    size_t end = path.n;
    while (str_next(&rest, '/', &s)) {
        if (s.n == 0 && !rest.p)
            break; /* a trailing slash */
        if (s.n == 0)
            return ERR_NOT_FOUND;
        if (out->n == ROUTE_SEGMENTS_MAX) {
            out->deeper = true;
            end = (size_t)(s.p - path.p);
            break;
        }
        Str *to = &out->segments[out->n];
        if (!percent_decode(cx->arena, s, false, to))
            return err_set(cx, ERR_BAD_REQUEST, "the path has a bad %% escape in " STR_FMT,
                           STR_ARG(words_quote(cx->arena, s)));
        if (dots(*to))
            return ERR_NOT_FOUND;
        out->starts[out->n++] = (size_t)(s.p - path.p);
    }
    out->starts[out->n] = end;
    return 0;
}

/* What lies behind the last segment taken apart is checked for dots too: a "*" would pass them on. */
static bool tail_is_plain(Ctx *cx, const Path *p) {
    Str rest = str_from(p->text, p->starts[p->n]), s, plain;
    while (str_next(&rest, '/', &s)) {
        if (s.n == 0 && !rest.p)
            break;
        if (s.n == 0 || !percent_decode(cx->arena, s, false, &plain) || dots(plain))
            return false;
    }
    return true;
}

/* The best node from segment `at` on. Depth is bounded by the segments and each level has two ways to go on: 2^16 steps
 * at the very worst, for a table built to provoke it; a table is its operator's own. */
static const Node *walk(const RouteTable *t, const Node *node, const Path *p, size_t at, RouteHit *hit) {
    if (at == p->n && !p->deeper && node->n_routes)
        return node;
    if (at < p->n) {
        const Node *literal = literal_of(t, node, p->segments[at]);
        const Node *best = literal ? walk(t, literal, p, at + 1, hit) : NULL;
        if (best)
            return best;
        if (node->param) {
            size_t before = hit->n_values;
            hit->values[hit->n_values++] = p->segments[at];
            best = walk(t, node->param, p, at + 1, hit);
            if (best)
                return best;
            hit->n_values = before;
        }
    }
    if (!node->rest)
        return NULL;
    hit->rest = str_from(p->text, p->starts[at]);
    return node->rest;
}

static const Route *route_of(const Node *node, Str method) {
    for (size_t i = 0; i < node->n_routes; i++)
        if (str_eq(node->routes[i]->method, method) || node->routes[i]->method.n == 0)
            return node->routes[i];
    return NULL;
}

static Str allowed(const Node *node, Arena *a) {
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

int route_table_find(const RouteTable *t, Ctx *cx, Str method, Str path, RouteHit *out) {
    Path p;
    out->target = NULL;
    out->n_values = 0;
    out->rest = out->allow = (Str){ 0 };
    int r = split(cx, path, &p);
    if (r == ERR_BAD_REQUEST)
        return r;
    const Node *node = r == 0 ? walk(t, t->root, &p, 0, out) : NULL;
    if (node && p.deeper && !tail_is_plain(cx, &p))
        node = NULL;
    if (!node)
        return err_set(cx, ERR_NOT_FOUND, "there is no path " STR_FMT "; /openapi.json lists those there are",
                       STR_ARG(words_quote(cx->arena, path)));
    const Route *route = route_of(node, method);
    if (!route && str_eq(method, S("HEAD")))
        route = route_of(node, S("GET"));
    if (!route) {
        out->allow = allowed(node, cx->arena);
        return err_set(cx, ERR_METHOD, STR_FMT " is not a method of this path; allowed: " STR_FMT,
                       STR_ARG(words_quote(cx->arena, method)), STR_ARG(out->allow));
    }
    for (size_t i = 0; i < route->n_names; i++)
        out->names[i] = route->names[i];
    out->target = route->target;
    return 0;
}
