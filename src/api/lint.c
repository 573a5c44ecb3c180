/* api/lint.c - are the tables of operations themselves right? Run by tests, over every table there is. */

#include "api/decode.h"
#include "api/pattern.h"

typedef struct Lint {
    Ctx *cx;
    const Op *op;
} Lint;

static int fault(const Lint *l, const Field *f, const char *what) {
    const char *name = l->op ? l->op->name : "?";
    if (f)
        return err_set(l->cx, ERR_INTERNAL, "%s: field %s: %s", name, f->name, what);
    return err_set(l->cx, ERR_INTERNAL, "%s: %s", name, what);
}

/* A default or an example must be what the field itself would accept. */
static int lint_text(const Lint *l, const Shape *s, const Field *f, const char *text, const char *what) {
    if (!text)
        return 0;
    void *record = arena_zalloc(l->cx->arena, s->size);
    if (field_from_text(f, l->cx, str_c(text), record) == 0)
        return 0;
    Str why = str_dup(l->cx->arena, str_c(l->cx->err.text));
    return err_set(l->cx, ERR_INTERNAL, "%s: field %s: its %s is refused: " STR_FMT, l->op->name, f->name, what,
                   STR_ARG(why));
}

static int lint_shape(const Lint *l, const Shape *s, bool input, int depth);

static int lint_field(const Lint *l, const Shape *s, const Field *f, bool input, int depth) {
    if (!f->doc || !*f->doc)
        return fault(l, f, "has no doc");
    if (f->pattern && !pattern_find(f->pattern))
        return fault(l, f, "names a pattern that does not exist");
    if (f->max != 0 && f->min > f->max)
        return fault(l, f, "min is above max");
    if (f->def && f->flags & (F_OMIT_EMPTY | F_REQUIRED))
        return fault(l, f, "has a default, and is required or left out when empty");
    if (f->def && f->type == FT_F64 && f->flags & F_NULLABLE)
        return fault(l, f, "has a default and is nullable");
    if (f->type == FT_SHAPE && !f->of)
        return fault(l, f, "is a struct without .of, or of a type that FIELD does not know");
    if (f->offset >= s->size)
        return fault(l, f, "lies outside its struct: the table is of another type");
    if (f->flags & F_REPEAT && (f->type != FT_LIST || f->of))
        return fault(l, f, "repeats, but is no list of strings");
    if (input && f->type == FT_STR && f->flags & F_SECRET && f->example)
        return fault(l, f, "is a secret with an example");
    int e = lint_text(l, s, f, f->def, "default");
    if (!e)
        e = lint_text(l, s, f, f->example, "example");
    return e || !f->of ? e : lint_shape(l, f->of, input, depth + 1);
}

static int lint_shape(const Lint *l, const Shape *s, bool input, int depth) {
    if (depth > 8)
        return fault(l, NULL, "shapes nest without an end");
    if (s->n_fields == 0 || s->n_fields > SHAPE_FIELDS_MAX)
        return err_set(l->cx, ERR_INTERNAL, "%s: shape %s has %zu fields", l->op->name, s->name, s->n_fields);
    for (size_t i = 0; i < s->n_fields; i++) {
        const Field *f = &s->fields[i];
        int e = lint_field(l, s, f, input, depth);
        if (e)
            return e;
        for (size_t k = 0; k < i; k++) {
            const Field *g = &s->fields[k];
            if (strcmp(f->name, g->name) == 0 || (f->tag && f->tag == g->tag) || f->offset == g->offset)
                return fault(l, f, "has the name, the tag or the place of another");
        }
    }
    return 0;
}

/* Every {name} of a path is a required field; without its own path's parameters an operation is unreachable. */
static int lint_path(const Lint *l, Str path, bool alias) {
    Str segment;
    if (path.n == 0 || path.p[0] != '/' || (path.n > 1 && path.p[path.n - 1] == '/'))
        return fault(l, NULL, "a path begins with / and does not end with it");
    str_next(&path, '/', &segment);
    while (str_next(&path, '/', &segment)) {
        if (segment.n < 3 || segment.p[0] != '{')
            continue;
        Str name = str_n(segment.p + 1, segment.n - 2);
        const Field *f = l->op->in ? shape_field(l->op->in, name) : NULL;
        if (!f)
            return fault(l, NULL, "a {name} of a path has no field");
        if (!alias && (!(f->flags & F_REQUIRED) || op_field_source(l->op, f) != F_PATH))
            return fault(l, f, "is in the path, and must be required and come from there alone");
    }
    return 0;
}

static int lint_sources(const Lint *l) {
    const Op *op = l->op;
    bool get = strcmp(op->method, "GET") == 0;
    for (size_t i = 0; op->in && i < op->in->n_fields; i++) {
        const Field *f = &op->in->fields[i];
        unsigned source = op_field_source(op, f);
        if (source & F_PATH && !path_names(str_c(op->path), field_name(f)))
            return fault(l, f, "is said to be in the path, and is not");
        if (source & F_BODY && (get || !op->max_body))
            return fault(l, f, "comes from the body of an operation that takes none (GET, or max_body 0)");
        if (source & F_QUERY && f->type == FT_LIST && !f->of && !(f->flags & F_REPEAT))
            return fault(l, f, "is a list in the query without F_REPEAT");
    }
    return 0;
}

static int lint_op(Ctx *cx, const Op *op) {
    static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE" };
    Lint l = { cx, op };
    if (!op->name || !op->method || !op->path || !op->summary || !op->tag || !op->run)
        return fault(&l, NULL, "lacks a name, method, path, summary, tag or run");
    bool known = false;
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        known |= strcmp(op->method, methods[i]) == 0;
    if (!known)
        return fault(&l, NULL, "has an unknown method");
    Time since, sunset;
    if (op->deprecated && !op_deprecation(op, &since, &sunset))
        return fault(&l, NULL, "deprecated must be \"since/sunset\", two dates in that order");
    int e = op->in ? lint_shape(&l, op->in, true, 0) : 0;
    if (!e && op->out)
        e = lint_shape(&l, op->out, false, 0);
    if (!e)
        e = lint_path(&l, str_c(op->path), false);
    for (const char *const *a = op->aliases; !e && a && *a; a++)
        e = lint_path(&l, op_alias(op, *a).path, true);
    if (!e && op->csv && !op_candles_field(op->in) && !op_candles_field(op->out))
        e = fault(&l, NULL, "speaks CSV without a field of candles");
    if (!e && op->raw && op->out != &raw_body_shape)
        e = fault(&l, NULL, "gives a document, so its `out` must be raw_body_shape");
    return e ? e : lint_sources(&l);
}

const Field *op_candles_field(const Shape *s) {
    for (size_t i = 0; s && i < s->n_fields; i++)
        if (s->fields[i].type == FT_CANDLES)
            return &s->fields[i];
    return NULL;
}

/* The names of parameters do not make two routes different. */
static bool same_route(OpAlias a, OpAlias b) {
    Str x, y;
    if (!str_eq(a.method, b.method))
        return false;
    while (str_next(&a.path, '/', &x)) {
        if (!str_next(&b.path, '/', &y))
            return false;
        bool px = x.n && x.p[0] == '{', py = y.n && y.p[0] == '{';
        if (px != py || (!px && !str_eq(x, y)))
            return false;
    }
    return !b.path.p;
}

static bool routes_clash(const Op *a, const Op *b) {
    enum { MANY = 32 };
    OpAlias as[MANY] = { { str_c(a->method), str_c(a->path) } }, bs[MANY] = { { str_c(b->method), str_c(b->path) } };
    size_t na = 1, nb = 1;
    for (const char *const *p = a->aliases; p && *p && na < MANY; p++)
        as[na++] = op_alias(a, *p);
    for (const char *const *p = b->aliases; p && *p && nb < MANY; p++)
        bs[nb++] = op_alias(b, *p);
    for (size_t i = 0; i < na; i++)
        for (size_t k = a == b ? i + 1 : 0; k < nb; k++)
            if (same_route(as[i], bs[k]))
                return true;
    return false;
}

/* Two shapes of one name would be one schema in OpenAPI. */
static bool shapes_clash(const Shape *a, const Shape *b) {
    return a && b && a != b && strcmp(a->name, b->name) == 0;
}

static int lint_pair(Ctx *cx, const Op *a, const Op *b) {
    if (a != b && strcmp(a->name, b->name) == 0)
        return err_set(cx, ERR_INTERNAL, "two operations are named %s", a->name);
    if (routes_clash(a, b))
        return err_set(cx, ERR_INTERNAL, "%s and %s share a route", a->name, b->name);
    if (shapes_clash(a->in, b->in) || shapes_clash(a->out, b->out) || shapes_clash(a->in, b->out) ||
        shapes_clash(a->out, b->in))
        return err_set(cx, ERR_INTERNAL, "%s and %s have different shapes of one name", a->name, b->name);
    return 0;
}

int op_lint(Ctx *cx, const OpTable *const *tables, size_t n) {
    int e = 0;
    for (size_t t = 0; !e && t < n; t++)
        for (size_t i = 0; !e && i < tables[t]->n_ops; i++) {
            const Op *op = tables[t]->ops[i];
            ArenaMark mark = arena_mark(cx->arena);
            e = lint_op(cx, op);
            arena_rewind(cx->arena, mark);
            for (size_t u = 0; !e && u <= t; u++)
                for (size_t k = 0; !e && k < (u == t ? i + 1 : tables[u]->n_ops); k++)
                    e = lint_pair(cx, tables[u]->ops[k], op);
        }
    return e;
}
