/* gateway/freshness.c - see freshness.h. */

#include "gateway/freshness.h"

#include "base/num.h"
#include "policy/retry.h"

enum { SECONDS_MAX = 365 * 24 * 3600 };

static int64_t seconds(Str v) {
    v = str_trim(v);
    if (v.n >= 2 && v.p[0] == '"' && v.p[v.n - 1] == '"')
        v = str_n(v.p + 1, v.n - 2);
    int64_t n = 0;
    if (v.n == 0)
        return 0;
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] < '0' || v.p[i] > '9')
            return 0;
        n = MIN(n * 10 + (v.p[i] - '0'), (int64_t)SECONDS_MAX);
    }
    return n;
}

/* The next directive; commas within quotes are text. */
static bool next_directive(Str *rest, Str *out) {
    if (!rest->p)
        return false;
    bool quoted = false;
    size_t i = 0;
    for (; i < rest->n && (quoted || rest->p[i] != ','); i++)
        quoted ^= rest->p[i] == '"';
    *out = str_trim(str_first(*rest, i));
    *rest = i < rest->n ? str_from(*rest, i + 1) : (Str){ 0 };
    return true;
}

/* The first of two equal directives that both limit is the shorter one. */
static void lower(int64_t *to, int64_t s) {
    *to = *to < 0 ? s : MIN(*to, s);
}

void cache_control_add(CacheControl *c, Str value) {
    Str word;
    while (next_directive(&value, &word)) {
        ptrdiff_t equals = str_find_char(word, '=');
        Str name = str_trim(equals < 0 ? word : str_first(word, (size_t)equals));
        Str with = equals < 0 ? (Str){ 0 } : str_from(word, (size_t)equals + 1);
        const struct {
            Str name;
            bool *flag;
            int64_t *number;
        } rows[] = {
            { S("no-store"), &c->no_store, NULL },
            { S("no-cache"), &c->no_cache, NULL }, /* with names of fields too: then all of it is asked again */
            { S("private"), &c->is_private, NULL },
            { S("public"), &c->is_public, NULL },
            { S("must-revalidate"), &c->must_revalidate, NULL },
            { S("proxy-revalidate"), &c->must_revalidate, NULL },
            { S("only-if-cached"), &c->only_if_cached, NULL },
            { S("max-age"), NULL, &c->max_age_s },
            { S("s-maxage"), NULL, &c->s_maxage_s },
            { S("stale-while-revalidate"), NULL, &c->while_s },
            { S("stale-if-error"), NULL, &c->error_s },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            if (!str_eq_nocase(name, rows[i].name))
                continue;
            if (rows[i].flag)
                *rows[i].flag = true;
            else
                lower(rows[i].number, seconds(with));
        }
    }
}

static Str field_of(const HttpField *fields, size_t n, Str name) {
    for (size_t i = 0; i < n; i++)
        if (str_eq(fields[i].name, name))
            return fields[i].value;
    return (Str){ 0 };
}

CacheControl cache_control_of(const HttpField *fields, size_t n) {
    CacheControl c = CACHE_CONTROL_NONE;
    bool any = false;
    for (size_t i = 0; i < n; i++)
        if (str_eq(fields[i].name, S("cache-control"))) {
            cache_control_add(&c, fields[i].value);
            any = true;
        }
    if (!any && str_eq_nocase(field_of(fields, n, S("pragma")), S("no-cache")))
        c.no_cache = true;
    return c;
}

/* A date only: "Expires: 0" and other numbers mean that it is over already. */
static int64_t expires_ms(Str expires, Str date, Time now) {
    int64_t at = 0, from = 0;
    bool is_date = expires.n && (expires.p[0] < '0' || expires.p[0] > '9');
    if (!is_date || !retry_after_parse(expires, now, &at))
        return 0;
    if (date.n && retry_after_parse(date, now, &from))
        at -= from;
    return MAX(at, (int64_t)0);
}

static int64_t lifetime_ms(const KeepQuestion *q, const CacheControl *c) {
    if (c->no_cache)
        return 0;
    if (c->s_maxage_s >= 0)
        return c->s_maxage_s * MS_PER_SECOND;
    if (c->max_age_s >= 0)
        return c->max_age_s * MS_PER_SECOND;
    Str expires = field_of(q->fields, q->n_fields, S("expires"));
    if (expires.p)
        return expires_ms(expires, field_of(q->fields, q->n_fields, S("date")), q->now);
    return q->standard_ms;
}

static bool keepable_status(int status) {
    static const int known[] = { 200, 203, 204, 301, 308, 404, 410 };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (status == known[i])
            return true;
    return false;
}

KeepPlan keep_plan(const KeepQuestion *q) {
    KeepPlan p = { 0 };
    CacheControl c = cache_control_of(q->fields, q->n_fields);
    if (!keepable_status(q->status) || c.no_store || c.is_private ||
        field_of(q->fields, q->n_fields, S("set-cookie")).p)
        return p;
    bool validator =
        field_of(q->fields, q->n_fields, S("etag")).n || field_of(q->fields, q->n_fields, S("last-modified")).n;
    int64_t life = lifetime_ms(q, &c);
    if (life < 0 && !(validator && c.no_cache))
        return p; /* it says nothing of being kept */
    p.fresh_ms = MAX(life, (int64_t)0);
    p.age_ms = seconds(field_of(q->fields, q->n_fields, S("age"))) * MS_PER_SECOND;
    p.fresh_ms = MAX(p.fresh_ms - p.age_ms, (int64_t)0);
    p.for_all = !q->keyed || c.is_public || c.s_maxage_s >= 0;
    if (!c.must_revalidate && !c.no_cache) {
        p.while_ms = MAX(c.while_s, (int64_t)0) * MS_PER_SECOND;
        p.error_ms = MAX(c.error_s, (int64_t)0) * MS_PER_SECOND;
    }
    p.keep = p.fresh_ms > 0 || p.while_ms > 0 || validator;
    return p;
}

/* --- validators --- */

static Str strong_part(Str etag) {
    return str_starts(etag, S("W/")) ? str_from(etag, 2) : etag;
}

bool etag_matches(Str list, Str etag) {
    if (!etag.n)
        return false;
    if (str_eq(str_trim(list), S("*")))
        return true;
    Str one;
    while (next_directive(&list, &one))
        if (one.n && str_eq(strong_part(one), strong_part(etag)))
            return true;
    return false;
}

bool not_modified(const HttpHead *head, Str etag, Str last_modified) {
    Str none = http_field(head, S("if-none-match"));
    if (none.p)
        return etag_matches(none, etag);
    Str since = http_field(head, S("if-modified-since"));
    return since.n && str_eq(since, last_modified); /* the date it was told itself; any other asks for the answer */
}

/* --- Vary --- */

static char lower_c(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool names_have(const Str *v, size_t n, Str name) {
    for (size_t i = 0; i < n; i++)
        if (str_eq_nocase(v[i], name))
            return true;
    return false;
}

bool vary_names(Arena *a, const HttpField *fields, size_t n_fields, Str *out) {
    Str v[VARY_NAMES_MAX], rest, name;
    size_t n = 0, bytes = 0;
    for (size_t i = 0; i < n_fields; i++) {
        if (!str_eq(fields[i].name, S("vary")))
            continue;
        for (rest = fields[i].value; str_next(&rest, ',', &name);) {
            name = str_trim(name);
            if (str_eq(name, S("*")) || (n == VARY_NAMES_MAX && !names_have(v, n, name)))
                return false;
            if (name.n && !names_have(v, n, name)) {
                v[n++] = name;
                bytes += name.n + 1;
            }
        }
    }
    char *to = arena_alloc(a, bytes + 1), *start = to;
    for (size_t i = 0; i < n; i++) {
        if (i)
            *to++ = ',';
        for (size_t k = 0; k < v[i].n; k++)
            *to++ = lower_c(v[i].p[k]);
    }
    *out = str_n(start, (size_t)(to - start));
    return true;
}

Str vary_values(Arena *a, Str names, const HttpHead *head) {
    size_t bytes = 1;
    Str rest = names, name;
    while (str_next(&rest, ',', &name))
        for (size_t i = 0; i < head->n_fields; i++)
            if (str_eq(head->fields[i].name, name))
                bytes += head->fields[i].value.n + 1;
    char *to = arena_alloc(a, bytes + names.n + 1), *start = to;
    for (rest = names; str_next(&rest, ',', &name);) {
        for (size_t i = 0; i < head->n_fields; i++) {
            if (!str_eq(head->fields[i].name, name))
                continue;
            Str v = head->fields[i].value;
            memcpy(to, v.n ? v.p : "", v.n);
            to += v.n;
            *to++ = ','; /* two fields are one list */
        }
        *to++ = '\n'; /* no value has one */
    }
    return str_n(start, (size_t)(to - start));
}
