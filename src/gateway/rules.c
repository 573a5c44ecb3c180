/* gateway/rules.c - see rules.h. */

#include "gateway/rules.h"

#include "base/json.h"
#include "gateway/forward.h"

enum { SEGMENTS_MAX = 8, DEPTH_MAX = 64 };

/* --- reading --- */

static int bad(Ctx *cx, Str line, const char *why) {
    return err_set_at(cx, ERR_USAGE, S("gateway.rules"), "'" STR_FMT "': %s", STR_ARG(line), why);
}

/* The next word of the line; blanks between words do not count. */
static Str word(Str *rest) {
    Str s = str_trim(*rest);
    ptrdiff_t blank = str_find_char(s, ' ');
    *rest = blank < 0 ? (Str){ 0 } : str_trim(str_from(s, (size_t)blank));
    return blank < 0 ? s : str_first(s, (size_t)blank);
}

static const struct {
    Str word;
    int what;
    RuleSide side;
    int args; /* 1: a name, 2: a name and a value */
} verbs[] = {
    /* clang-format off */
    { STR_INIT("request.set"), RULE_SET, RULE_REQUEST, 2 },
    { STR_INIT("request.add"), RULE_ADD, RULE_REQUEST, 2 },
    { STR_INIT("request.remove"), RULE_REMOVE, RULE_REQUEST, 1 },
    { STR_INIT("path"), RULE_PATH, RULE_REQUEST, 1 },
    { STR_INIT("query.default"), RULE_QUERY, RULE_REQUEST, 2 },
    { STR_INIT("request.body.rename"), RULE_BODY_RENAME, RULE_REQUEST, 2 },
    { STR_INIT("request.body.remove"), RULE_BODY_REMOVE, RULE_REQUEST, 1 },
    { STR_INIT("request.body.wrap"), RULE_BODY_WRAP, RULE_REQUEST, 1 },
    { STR_INIT("reply.set"), RULE_SET, RULE_REPLY, 2 },
    { STR_INIT("reply.add"), RULE_ADD, RULE_REPLY, 2 },
    { STR_INIT("reply.remove"), RULE_REMOVE, RULE_REPLY, 1 },
    { STR_INIT("reply.body.rename"), RULE_BODY_RENAME, RULE_REPLY, 2 },
    { STR_INIT("reply.body.remove"), RULE_BODY_REMOVE, RULE_REPLY, 1 },
    { STR_INIT("reply.body.wrap"), RULE_BODY_WRAP, RULE_REPLY, 1 },
    /* clang-format on */
};

static bool token(Str s) {
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '-' && c != '_' && c != '.')
            return false;
    }
    return s.n > 0;
}

static bool printable(Str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return true;
}

/* What stands in a URL as it is. */
static bool url_text(Str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= 0x20 || (unsigned char)s.p[i] >= 0x7f || s.p[i] == '#' || s.p[i] == '"')
            return false;
    return s.n > 0;
}

static Str lower(Arena *a, Str s) {
    char *p = arena_alloc(a, s.n + 1);
    for (size_t i = 0; i < s.n; i++)
        p[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32) : s.p[i];
    return str_n(p, s.n);
}

static int check_rule(Ctx *cx, Str line, Rule *r) {
    switch (r->what) {
    case RULE_SET:
    case RULE_ADD:
    case RULE_REMOVE:
        r->name = lower(cx->arena, r->name);
        if (!token(r->name) || !printable(r->value))
            return bad(cx, line, "this is no header field");
        if (forward_owns(r->name, r->side == RULE_REQUEST))
            return bad(cx, line, "this field is the gateway's own");
        return 0;
    case RULE_PATH:
        if (!str_starts(r->name, S("/")) || !url_text(r->name) || str_find_char(r->name, '?') >= 0)
            return bad(cx, line, "a path begins with / and has no query");
        return 0;
    case RULE_QUERY:
        if (!url_text(r->name) || !url_text(r->value) || str_find_char(r->name, '=') >= 0)
            return bad(cx, line, "name and value of a query are written as in a URL, without blanks");
        return 0;
    default:
        break;
    }
    size_t segments = 1;
    for (size_t i = 0; i < r->name.n; i++)
        segments += r->name.p[i] == '.';
    if (segments > SEGMENTS_MAX || str_starts(r->name, S(".")) || str_ends(r->name, S(".")) ||
        str_find(r->name, S("..")) >= 0)
        return bad(cx, line, "members are written a.b, at most 8 deep");
    if (r->what == RULE_BODY_WRAP && segments > 1)
        return bad(cx, line, "a body is wrapped in one member");
    return 0;
}

int rule_read(Ctx *cx, Str line, Str *pattern, Rule *out) {
    Str rest = line;
    *pattern = word(&rest);
    Str verb = word(&rest);
    *out = (Rule){ 0 };
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (!str_eq(verb, verbs[i].word))
            continue;
        out->what = verbs[i].what;
        out->side = verbs[i].side;
        out->name = word(&rest);
        out->value = rest;
        if (!out->name.n || (verbs[i].args == 2) != (out->value.n > 0))
            return bad(cx, line,
                       verbs[i].args == 2 ? "it needs a name and a value" : "it needs a name and nothing more");
        return check_rule(cx, line, out);
    }
    return bad(cx, line,
               "write PATTERN WHAT NAME [VALUE]; what: path, query.default,or request. or reply. with set, "
               "add, remove, body.rename, body.remove, body.wrap");
}

/* Every {name} of the path is one of the pattern. */
static bool names_known(Str path, Str pattern) {
    Str rest = path, segment;
    while (str_next(&rest, '/', &segment)) {
        bool star = str_eq(segment, S("*"));
        bool name = segment.n > 2 && segment.p[0] == '{';
        if (star && (rest.p || !str_ends(pattern, S("/*"))))
            return false;
        if (name && str_find(pattern, segment) < 0)
            return false;
    }
    return true;
}

int rules_add(Ctx *cx, Rules *r, Str pattern, const Rule *rule) {
    if (rule->what == RULE_PATH) {
        if (!names_known(rule->name, pattern))
            return bad(cx, rule->name, "a path has only the names and the * of its pattern");
        r->path = rule->name;
        return 0;
    }
    if (r->n == RULES_A_ROUTE_MAX)
        return err_set_at(cx, ERR_LIMIT, S("gateway.rules"), "the route " STR_FMT " has more than %d rules",
                          STR_ARG(pattern), RULES_A_ROUTE_MAX);
    r->v[r->n++] = *rule;
    if (rule->what == RULE_QUERY)
        r->query = true;
    else if (rule->what >= RULE_BODY_RENAME)
        r->body[rule->side] = true;
    else
        r->fields[rule->side] = true;
    return 0;
}

/* --- fields --- */

static size_t without(HttpField *v, size_t n, Str name) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!str_eq(v[i].name, name))
            v[kept++] = v[i];
    return kept;
}

void rules_fields(const Rules *r, RuleSide side, Arena *a, HttpField **v, size_t *n, size_t room) {
    HttpField *to = arena_alloc(a, (*n + r->n + room) * sizeof *to);
    memcpy(to, *v, *n * sizeof *to);
    for (size_t i = 0; i < r->n; i++) {
        const Rule *rule = &r->v[i];
        if (rule->side != side || rule->what > RULE_REMOVE)
            continue;
        if (rule->what != RULE_ADD)
            *n = without(to, *n, rule->name);
        if (rule->what != RULE_REMOVE)
            to[(*n)++] = (HttpField){ rule->name, rule->value };
    }
    *v = to;
}

/* --- path and query --- */

static char *put(char *to, Str s) {
    memcpy(to, s.n ? s.p : "", s.n);
    return to + s.n;
}

/* A value of a pattern's parameter, in the form that fits one segment. */
static char *put_segment(char *to, Str s) {
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                     c == '_' || c == '.' || c == '~' || c == ':' || c == '@' || c == ',';
        if (plain) {
            *to++ = (char)c;
            continue;
        }
        *to++ = '%';
        *to++ = digits[c >> 4];
        *to++ = digits[c & 15];
    }
    return to;
}

static Str value_of(const RouteHit *hit, Str segment) {
    Str name = str_n(segment.p + 1, segment.n - 2);
    for (size_t i = 0; i < hit->n_values; i++)
        if (str_eq(hit->names[i], name))
            return hit->values[i];
    return (Str){ 0 };
}

Str rules_path(const Rules *r, Arena *a, const RouteHit *hit) {
    size_t most = r->path.n + hit->rest.n + 1;
    for (size_t i = 0; i < hit->n_values; i++)
        most += 3 * hit->values[i].n * ROUTE_SEGMENTS_MAX; /* as often as it may be named */
    char *start = arena_alloc(a, most), *to = start;
    Str rest = str_from(r->path, 1), segment;
    while (str_next(&rest, '/', &segment)) {
        *to++ = '/';
        if (str_eq(segment, S("*")))
            to = put(to, hit->rest);
        else if (segment.n > 2 && segment.p[0] == '{')
            to = put_segment(to, value_of(hit, segment));
        else
            to = put(to, segment);
    }
    return str_n(start, (size_t)(to - start));
}

static bool query_has(Str query, Str name) {
    Str member;
    while (str_next(&query, '&', &member)) {
        ptrdiff_t equals = str_find_char(member, '=');
        if (str_eq(equals < 0 ? member : str_first(member, (size_t)equals), name))
            return true;
    }
    return false;
}

Str rules_query(const Rules *r, Arena *a, Str query) {
    size_t most = query.n + 1;
    for (size_t i = 0; i < r->n; i++)
        most += r->v[i].what == RULE_QUERY ? r->v[i].name.n + r->v[i].value.n + 2 : 0;
    char *start = arena_alloc(a, most), *to = put(start, query);
    for (size_t i = 0; i < r->n; i++) {
        if (r->v[i].what != RULE_QUERY || query_has(query, r->v[i].name))
            continue;
        to = put(to, to > start ? S("&") : S(""));
        to = put(put(put(to, r->v[i].name), S("=")), r->v[i].value);
    }
    return query.p || to > start ? str_n(start, (size_t)(to - start)) : (Str){ 0 };
}

/* --- bodies --- */

typedef struct Change { /* of one member */
    Str segments[SEGMENTS_MAX];
    size_t n;
    bool remove;
    Str to;
} Change;

typedef struct Editor {
    JsonReader in;
    JsonWriter out;
    Change changes[RULES_A_ROUTE_MAX];
    size_t n;
} Editor;

static void edit(Editor *e, size_t depth, uint32_t live);

/* A bit for each change that is about `key` at this depth. */
static uint32_t about(const Editor *e, size_t depth, uint32_t live, Str key) {
    uint32_t out = 0;
    for (size_t i = 0; i < e->n; i++)
        if ((live >> i & 1) && depth < e->changes[i].n && str_eq(e->changes[i].segments[depth], key))
            out |= UINT32_C(1) << i;
    return out;
}

/* What becomes of a member: its new name, or p NULL when it goes. */
static Str renamed(const Editor *e, size_t depth, uint32_t live, uint32_t mine, Str key) {
    Str name = key;
    for (size_t i = 0; i < e->n; i++) {
        const Change *c = &e->changes[i];
        if (!(live >> i & 1) || c->n != depth + 1)
            continue;
        if (mine >> i & 1) {
            if (c->remove)
                return (Str){ 0 };
            name = c->to;
        } else if (!c->remove && str_eq(c->to, key)) {
            return (Str){ 0 }; /* another gets this name */
        }
    }
    return name;
}

static void edit_object(Editor *e, size_t depth, uint32_t live) {
    Str key;
    json_open_object(&e->in);
    json_object(&e->out);
    while (json_object_next(&e->in, &key) > 0) {
        uint32_t mine = about(e, depth, live, key);
        Str name = renamed(e, depth, live, mine, key);
        if (!name.p)
            continue; /* the next step skips the value */
        json_key(&e->out, name);
        edit(e, depth + 1, mine);
    }
    json_object_end(&e->out);
}

/* The next value, as it is or with what changes within it. */
static void edit(Editor *e, size_t depth, uint32_t live) {
    JsonKind kind = live ? json_peek(&e->in) : JSON_NONE;
    if (kind == JSON_OBJECT) {
        edit_object(e, depth, live);
        return;
    }
    if (kind == JSON_ARRAY) {
        json_open_array(&e->in);
        json_array(&e->out);
        while (json_array_next(&e->in) > 0)
            edit(e, depth, live);
        json_array_end(&e->out);
        return;
    }
    Str raw;
    if (json_skip_raw(&e->in, &raw) == 0)
        json_raw(&e->out, raw);
    else
        json_null(&e->out);
}

static size_t changes_of(const Rules *r, RuleSide side, Change *to, Str *wrap) {
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) {
        const Rule *rule = &r->v[i];
        if (rule->side != side || rule->what < RULE_BODY_RENAME)
            continue;
        if (rule->what == RULE_BODY_WRAP) {
            *wrap = rule->name;
            continue;
        }
        Change *c = &to[n++];
        *c = (Change){ .remove = rule->what == RULE_BODY_REMOVE, .to = rule->value };
        Str rest = rule->name, segment;
        while (str_next(&rest, '.', &segment))
            c->segments[c->n++] = segment;
    }
    return n;
}

int rules_body(const Rules *r, RuleSide side, Ctx *cx, Str body, Buf *out) {
    if (body.n > RULES_BODY_MAX)
        return err_set(cx, ERR_TOO_LARGE, "the body is larger than the %d bytes that rules change", RULES_BODY_MAX);
    Editor e;
    Str wrap = { 0 };
    e.n = changes_of(r, side, e.changes, &wrap);
    json_reader_init(&e.in, body, cx->arena, DEPTH_MAX);
    buf_init(out, 2 * RULES_BODY_MAX);
    json_writer_init(&e.out, out, false);
    if (wrap.p) {
        json_object(&e.out);
        json_key(&e.out, wrap);
    }
    edit(&e, 0, e.n == 32 ? UINT32_MAX : (UINT32_C(1) << e.n) - 1);
    if (wrap.p)
        json_object_end(&e.out);
    if (json_finish(&e.in) != 0 || e.in.err) {
        buf_done(out);
        return err_set(cx, ERR_BAD_REQUEST, "the body is not JSON: %s", e.in.why ? e.in.why : "it ends too early");
    }
    if (!buf_ok(out)) {
        buf_done(out);
        return err_set(cx, ERR_TOO_LARGE, "the changed body is too large");
    }
    return 0;
}
