/* api/docs.c - the docs page, from the same tables: plain HTML that needs nothing but its own style sheet. */

#include "api/call.h"
#include "api/pattern.h"
#include "api/schema.h"
#include "base/num.h"
#include "base/vec.h"

typedef struct Page {
    Buf *out;
    Ctx *cx; /* for examples; its arena is ours */
    const OpTable *const *tables;
    size_t n;
    struct {
        const Shape **v;
        size_t n, cap;
    } types; /* nested shapes, each explained once */
} Page;

#define LIT(p, literal) BUF_LIT((p)->out, literal)

static void text(Page *p, Str s) { /* escaped for content and attributes */
    for (size_t i = 0; i < s.n; i++)
        switch (s.p[i]) {
        case '&':
            LIT(p, "&amp;");
            break;
        case '<':
            LIT(p, "&lt;");
            break;
        case '>':
            LIT(p, "&gt;");
            break;
        case '"':
            LIT(p, "&quot;");
            break;
        case '\'':
            LIT(p, "&#39;");
            break;
        default:
            buf_put_c(p->out, s.p[i]);
        }
}

static void ctext(Page *p, const char *s) {
    text(p, str_c(s));
}

static void code(Page *p, Str s) {
    LIT(p, "<code>");
    text(p, s);
    LIT(p, "</code>");
}

/* --- fields --- */

static void note_type(Page *p, const Shape *s) {
    for (size_t i = 0; i < p->types.n; i++)
        if (p->types.v[i] == s)
            return;
    vec_push_in(p->cx->arena, &p->types, s);
    for (size_t i = 0; i < s->n_fields; i++)
        if (s->fields[i].of)
            note_type(p, s->fields[i].of);
}

static void type_link(Page *p, const Shape *s) {
    note_type(p, s);
    LIT(p, "<a href=\"#type-");
    ctext(p, s->name);
    LIT(p, "\">");
    ctext(p, s->name);
    LIT(p, "</a>");
}

static void type_cell(Page *p, const Field *f) {
    switch (f->type) {
    case FT_STR:
        LIT(p, "string");
        break;
    case FT_I64:
        LIT(p, "integer");
        break;
    case FT_F64:
        LIT(p, "number");
        break;
    case FT_BOOL:
        LIT(p, "boolean");
        break;
    case FT_TIME:
        LIT(p, "time");
        break;
    case FT_SHAPE:
        type_link(p, f->of);
        break;
    case FT_LIST:
        LIT(p, "list of ");
        if (f->of)
            type_link(p, f->of);
        else
            LIT(p, "string");
        break;
    case FT_CANDLES:
        LIT(p, "<a href=\"#type-Candle\">candles</a>");
        break;
    case FT_JSON:
    case FT_NONE:
        LIT(p, "any JSON");
        break;
    }
    if (f->flags & F_NULLABLE)
        LIT(p, " or null");
}

static void number(Page *p, double v) {
    char s[NUM_TEXT_MAX];
    text(p, str_n(s, num_format_f64(v, s)));
}

static void range(Page *p, const Field *f) {
    bool low = field_bounded_below(f), high = f->max != 0;
    if (!low && !high)
        return;
    if (low != high)
        ctext(p, low ? "at least " : "at most ");
    if (low)
        number(p, f->min);
    if (low && high)
        LIT(p, " to ");
    if (high)
        number(p, f->max);
    ctext(p, f->type == FT_STR ? " characters. " : f->type >= FT_LIST ? " items. " : ". ");
}

static void rules_cell(Page *p, const Field *f) {
    range(p, f);
    if (f->choices) {
        for (const char *const *c = f->choices; *c; c++) {
            ctext(p, c == f->choices ? "one of " : ", ");
            code(p, str_c(*c));
        }
        LIT(p, ". ");
    } else if (f->pattern) {
        ctext(p, pattern_find(f->pattern)->words);
        LIT(p, ". ");
    }
    if (f->def) {
        LIT(p, "default ");
        code(p, str_c(f->def));
        LIT(p, ". ");
    }
    if (f->rename) {
        LIT(p, "also as ");
        code(p, str_c(f->rename));
        LIT(p, ". ");
    }
}

static const char *source_word(unsigned source) {
    return source & F_PATH                                       ? "path"
           : (source & (F_QUERY | F_BODY)) == (F_QUERY | F_BODY) ? "query or body"
           : source & F_QUERY                                    ? "query"
                                                                 : "body";
}

/* op: the input of that operation, where each field has a place in the request; NULL: an answer or a type. */
static void field_table(Page *p, const Shape *s, const Op *op, const char *what) {
    LIT(p, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
    ctext(p, what);
    LIT(p, "\"><table><thead><tr><th scope=\"col\">Field</th>");
    if (op)
        LIT(p, "<th scope=\"col\">In</th>");
    LIT(p,
        "<th scope=\"col\">Type</th><th scope=\"col\">Rules</th><th scope=\"col\">Meaning</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < s->n_fields; i++) {
        const Field *f = &s->fields[i];
        LIT(p, "<tr><td>");
        code(p, field_name(f));
        if (f->flags & F_REQUIRED)
            LIT(p, " <span class=\"must\">required</span>");
        LIT(p, "</td><td>");
        if (op) {
            ctext(p, source_word(op_field_source(op, f)));
            LIT(p, "</td><td>");
        }
        type_cell(p, f);
        LIT(p, "</td><td>");
        rules_cell(p, f);
        LIT(p, "</td><td>");
        ctext(p, f->doc);
        LIT(p, "</td></tr>\n");
    }
    LIT(p, "</tbody></table></div>\n");
}

/* --- one operation --- */

static void facts(Page *p, const Op *op) {
    static const char *const roles[] = { "no key needed", "role read", "role write", "role admin" };
    LIT(p, "<p class=\"facts\">");
    ctext(p, op->name);
    LIT(p, " · ");
    ctext(p, roles[op->role]);
    if (op->idempotent)
        LIT(p, " · safe to repeat");
    if (op->csv)
        LIT(p, " · JSON or CSV");
    if (op->raw) {
        LIT(p, " · ");
        ctext(p, op->raw);
    }
    if (op->deadline_ms)
        buf_printf(p->out, " · within %lld ms", (long long)op->deadline_ms);
    LIT(p, "</p>\n");
    Time since, sunset;
    if (op_deprecation(op, &since, &sunset)) {
        LIT(p, "<p class=\"old\">Deprecated; it goes on ");
        text(p, str_first(time_iso(p->cx->arena, sunset), 10));
        LIT(p, ".</p>\n");
    }
    if (op->aliases && op->aliases[0]) {
        LIT(p, "<p class=\"facts\">Older names: ");
        for (const char *const *a = op->aliases; *a; a++) {
            if (a != op->aliases)
                LIT(p, ", ");
            code(p, str_c(*a));
        }
        LIT(p, "</p>\n");
    }
}

/* Inside a shell's single quotes. */
static Str shell_quoted(Arena *a, Str s) {
    Buf b;
    buf_init(&b, SIZE_MAX / 2);
    buf_put_c(&b, '\'');
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\'')
            BUF_LIT(&b, "'\\''");
        else
            buf_put_c(&b, s.p[i]);
    buf_put_c(&b, '\'');
    Str out = str_dup(a, buf_str(&b));
    buf_done(&b);
    return out;
}

static void curl_example(Page *p, const Op *op) {
    Arena *a = p->cx->arena;
    void *in = op->in ? arena_alloc(a, op->in->size) : NULL;
    ApiRequest rq;
    if (in)
        shape_example(op->in, p->cx, in);
    if (op_encode(op, p->cx, in, &rq))
        return;
    LIT(p, "<h4>Example</h4>\n<pre tabindex=\"0\"><code>curl");
    if (strcmp(op->method, "GET") != 0)
        buf_printf(p->out, " -X %s", op->method);
    if (op->role > ROLE_READ)
        LIT(p, " -H &#39;X-API-Key: …&#39;");
    if (rq.body.n) {
        LIT(p, " -H &#39;Content-Type: application/json&#39; \\\n  -d ");
        text(p, shell_quoted(a, rq.body));
    }
    LIT(p, " \\\n  ");
    text(p, shell_quoted(a, str_fmt(a, "http://127.0.0.1:8080" STR_FMT, STR_ARG(rq.target))));
    LIT(p, "</code></pre>\n");
}

static void answer_example(Page *p, const Op *op) {
    Buf b;
    JsonWriter w;
    void *out = arena_alloc(p->cx->arena, op->out->size);
    shape_example(op->out, p->cx, out);
    buf_init(&b, 1 << 20);
    json_writer_init(&w, &b, true);
    shape_write(op->out, &w, out);
    LIT(p, "<pre tabindex=\"0\"><code>");
    text(p, buf_str(&b));
    LIT(p, "</code></pre>\n");
    buf_done(&b);
}

static void method_badge(Page *p, const char *method) {
    LIT(p, "<span class=\"method ");
    text(p, str_lower(p->cx->arena, str_c(method)));
    LIT(p, "\">");
    ctext(p, method);
    LIT(p, "</span>");
}

static void operation(Page *p, const Op *op) {
    LIT(p, "<article id=\"");
    ctext(p, op->name);
    LIT(p, "\">\n<h3>");
    method_badge(p, op->method);
    LIT(p, " ");
    code(p, str_c(op->path));
    LIT(p, "</h3>\n<p>");
    ctext(p, op->summary);
    LIT(p, ".");
    if (op->doc) {
        LIT(p, " ");
        ctext(p, op->doc);
    }
    LIT(p, "</p>\n");
    facts(p, op);
    if (op->in) {
        LIT(p, "<h4>Input</h4>\n");
        field_table(p, op->in, op, "Input");
    }
    curl_example(p, op);
    if (op->out) {
        LIT(p, "<h4>Answer</h4>\n");
        field_table(p, op->out, NULL, "Answer");
        answer_example(p, op);
    }
    LIT(p, "</article>\n");
}

/* --- the page --- */

typedef void OpFn(Page *p, const Op *op);

static bool tag_is_new(const Page *p, size_t t, size_t i) {
    for (size_t u = 0; u <= t; u++)
        for (size_t k = 0; k < (u == t ? i : p->tables[u]->n_ops); k++)
            if (strcmp(p->tables[u]->ops[k]->tag, p->tables[t]->ops[i]->tag) == 0)
                return false;
    return true;
}

static void each_of_tag(Page *p, const char *tag, OpFn *fn) {
    for (size_t t = 0; t < p->n; t++)
        for (size_t i = 0; i < p->tables[t]->n_ops; i++)
            if (strcmp(p->tables[t]->ops[i]->tag, tag) == 0)
                fn(p, p->tables[t]->ops[i]);
}

static void nav_item(Page *p, const Op *op) {
    LIT(p, "<li><a href=\"#");
    ctext(p, op->name);
    LIT(p, "\">");
    method_badge(p, op->method);
    LIT(p, " ");
    ctext(p, op->summary);
    LIT(p, "</a></li>\n");
}

static void each_tag(Page *p, bool nav) {
    for (size_t t = 0; t < p->n; t++)
        for (size_t i = 0; i < p->tables[t]->n_ops; i++) {
            const char *tag = p->tables[t]->ops[i]->tag;
            if (!tag_is_new(p, t, i))
                continue;
            if (nav)
                LIT(p, "<h2>");
            else
                LIT(p, "<section>\n<h2>");
            ctext(p, tag);
            LIT(p, "</h2>\n");
            if (nav)
                LIT(p, "<ul>\n");
            each_of_tag(p, tag, nav ? nav_item : operation);
            if (nav)
                LIT(p, "</ul>\n");
            else
                LIT(p, "</section>\n");
        }
}

static void types(Page *p) {
    LIT(p,
        "<section>\n<h2 id=\"types\">Types</h2>\n"
        "<article id=\"type-Candle\"><h3>Candle</h3>\n<p>An object with <code>timestamp</code> (open time, ISO-8601 "
        "UTC), <code>open</code>, <code>high</code>, <code>low</code>, <code>close</code>, <code>volume</code>, and "
        "<code>flags</code> where one is set: <code>open</code> (not closed yet), <code>synthetic</code> (filled, not "
        "traded), <code>simulated</code>. Requests may also send the short names <code>t o h l c v</code>, arrays "
        "<code>[t,o,h,l,c,v]</code>, epoch times, and decimals in quotes.</p></article>\n");
    for (size_t i = 0; i < p->types.n; i++) { /* grows while types lead to types */
        LIT(p, "<article id=\"type-");
        ctext(p, p->types.v[i]->name);
        LIT(p, "\"><h3>");
        ctext(p, p->types.v[i]->name);
        LIT(p, "</h3>\n<p>");
        ctext(p, p->types.v[i]->doc);
        LIT(p, "</p>\n");
        field_table(p, p->types.v[i], NULL, p->types.v[i]->name);
        LIT(p, "</article>\n");
    }
    LIT(p, "</section>\n");
}

static void errors(Page *p) {
    LIT(p, "<section>\n<h2 id=\"errors\">Errors</h2>\n<p>Every failure is "
           "<code>{\"error\":{\"code\",\"message\",\"field\",\"request_id\",\"correlation_id\",\"retryable\"}}</code>; "
           "programs decide by <code>code</code>, people read <code>message</code>, and <code>field</code> names the "
           "place of the fault.</p>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Errors\"><table>"
           "<thead><tr><th scope=\"col\">Code</th><th scope=\"col\">HTTP</th><th scope=\"col\">Retry</th>"
           "<th scope=\"col\">Exit code</th><th scope=\"col\">Meaning</th></tr></thead><tbody>\n");
#define ERR_ROW(code_, nr, name, http, retry, exit, words)                                                             \
    buf_printf(p->out, "<tr><td><code>%s</code></td><td>%d</td><td>%s</td><td>%d</td><td>%s</td></tr>\n", name, http,  \
               retry ? "later" : "no", exit, words);
    ERR_TABLE(ERR_ROW)
#undef ERR_ROW
    LIT(p, "</tbody></table></div>\n</section>\n");
}

void docs_write_html(Buf *out, const OpTable *const *tables, size_t n) {
    Arena arena;
    Ctx cx;
    arena_init(&arena, 0);
    ctx_init(&cx, &arena, NULL); /* examples are decoded, which reads no clock */
    Page p = { .out = out, .cx = &cx, .tables = tables, .n = n };
    LIT(&p, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>FinSight API</title>\n"
            "<link rel=\"stylesheet\" href=\"" DOCS_CSS_PATH "\">\n</head>\n<body>\n"
            "<a class=\"skip\" href=\"#main\">Skip to the operations</a>\n"
            "<header><h1>FinSight API</h1><p>Version " FINSIGHT_VERSION
            " · <a href=\"/openapi.json\">OpenAPI 3.1</a> · times are UTC, ranges half open</p></header>\n"
            "<div class=\"page\">\n<nav aria-label=\"Operations\">\n");
    each_tag(&p, true);
    LIT(&p, "<h2>More</h2>\n<ul>\n<li><a href=\"#types\">Types</a></li>\n<li><a href=\"#errors\">Errors</a></li>\n"
            "</ul>\n</nav>\n<main id=\"main\">\n");
    each_tag(&p, false);
    types(&p);
    errors(&p);
    LIT(&p, "</main>\n</div>\n</body>\n</html>\n");
    arena_done(&arena);
}
