/* The route table: what beats what, what fits nothing, and ten thousand routes against a matcher that tries them all. */

#include "lib/test.h"

#include "api/op.h"
#include "base/rng.h"
#include "gateway/route_table.h"

typedef struct Row {
    const char *method, *pattern;
} Row;

static int add(RouteTable *t, Ctx *cx, const Row *row) {
    return route_table_add(t, cx, str_c(row->method), str_c(row->pattern), (void *)(uintptr_t)row);
}

/* --- GWY-02, GWY-34 --- */

TEST(longest_literal_beginning_wins_and_parameters_are_named) {
    static const Row routes[] = {
        { "GET", "/jobs/{id}" },      { "POST", "/jobs/active" }, { "GET", "/jobs/active/now" }, { "", "/legacy/*" },
        { "GET", "/legacy/a/{b}/c" }, { "GET", "/v1/candles" },   { "GET", "/v2/candles" },      { "", "/*" },
        { "DELETE", "/jobs/{id}" },   { "GET", "/x/{a}/y/{b}" },  { "GET", "/legacy/a" }
    };
    static const struct {
        const char *name, *method, *path;
        int route; /* -1: an error */
        int r;
        const char *values, *rest;
    } rows[] = {
        { "a parameter", "GET", "/jobs/42", 0, 0, "42", NULL },
        { "decoded, and %2F stays inside", "GET", "/jobs/a%2Fb%20c", 0, 0, "a/b c", NULL },
        { "a literal beats it", "POST", "/jobs/active", 1, 0, "", NULL },
        { "the path decides, then the method", "GET", "/jobs/active", -1, ERR_METHOD, "", NULL },
        { "methods of one path", "DELETE", "/jobs/1", 8, 0, "1", NULL },
        { "HEAD is GET", "HEAD", "/jobs/1", 0, 0, "1", NULL },
        { "deeper", "GET", "/jobs/active/now/", 2, 0, "", NULL },
        { "a literal that leads nowhere", "GET", "/jobs/active/then", 7, 0, "", "jobs/active/then" },
        { "the rest", "PUT", "/legacy/x/y%20z", 3, 0, "", "x/y%20z" },
        { "the rest may be nothing", "PUT", "/legacy", 3, 0, "", "" },
        { "a literal inside the rest", "GET", "/legacy/a/1/c", 4, 0, "1", NULL },
        { "back to the rest", "GET", "/legacy/a/1/d", 3, 0, "", "a/1/d" },
        { "two parameters", "GET", "/x/1/y/2", 9, 0, "1,2", NULL },
        { "versions side by side", "GET", "/v2/candles", 6, 0, "", NULL },
        { "the root", "GET", "/", 7, 0, "", "" },
        { "deeper than the table goes", "GET", "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", 7, 0, "",
          "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a" },
        { "dots", "GET", "/legacy/../jobs/1", -1, ERR_NOT_FOUND, "", NULL },
        { "encoded dots", "GET", "/legacy/%2e%2E/jobs/1", -1, ERR_NOT_FOUND, "", NULL },
        { "dots behind an encoded slash", "GET", "/legacy/a%2f..%2Fb", -1, ERR_NOT_FOUND, "", NULL },
        { "dots behind a backslash", "GET", "/legacy/a%5c..", -1, ERR_NOT_FOUND, "", NULL },
        { "dots far behind", "GET", "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/../b", -1, ERR_NOT_FOUND, "", NULL },
        { "an empty segment", "GET", "/jobs//1", -1, ERR_NOT_FOUND, "", NULL },
        { "two trailing slashes", "GET", "/jobs/1//", -1, ERR_NOT_FOUND, "", NULL },
        { "a bad escape", "GET", "/jobs/%4", -1, ERR_BAD_REQUEST, "", NULL },
        { "not a path", "OPTIONS", "*", -1, ERR_NOT_FOUND, "", NULL },
    };
    TestCtx t;
    test_ctx_init(&t);
    RouteTable *table = route_table_new();
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        CHECK_OK(&t.cx, add(table, &t.cx, &routes[i]));
    EACH_ROW (r, rows) {
        RouteHit hit;
        CHECK_EQ(route_table_find(table, &t.cx, str_c(r->method), str_c(r->path), &hit), r->r);
        CHECK(hit.target == (r->route < 0 ? NULL : (const void *)&routes[r->route]));
        if (r->r)
            continue;
        char values[64] = "";
        for (size_t i = 0; i < hit.n_values; i++)
            snprintf(values + strlen(values), sizeof values - strlen(values), "%s" STR_FMT, i ? "," : "",
                     STR_ARG(hit.values[i]));
        CHECK_STR(str_c(values), str_c(r->values));
        CHECK((r->rest != NULL) == (hit.rest.p != NULL));
        CHECK_STR(hit.rest, str_c(r->rest));
    }
    RouteHit hit;
    CHECK_EQ(route_table_find(table, &t.cx, S("PUT"), S("/jobs/1"), &hit), ERR_METHOD);
    CHECK_STR(hit.allow, S("GET, DELETE, HEAD, OPTIONS"));
    route_table_free(table);
    test_ctx_done(&t);
}

TEST(what_is_no_route_is_refused_and_leaves_nothing_behind) {
    static const struct {
        const char *name, *pattern;
        int r;
    } rows[] = { { "relative", "jobs", ERR_USAGE },
                 { "empty", "", ERR_USAGE },
                 { "an empty segment", "/a//b", ERR_USAGE },
                 { "dots", "/a/../b", ERR_USAGE },
                 { "a star inside", "/a*", ERR_USAGE },
                 { "a star in the middle", "/*/a", ERR_USAGE },
                 { "half a brace", "/{a", ERR_USAGE },
                 { "no name", "/{}", ERR_USAGE },
                 { "too deep", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", ERR_USAGE },
                 { "there already", "/there/{b}", ERR_CONFLICT } };
    TestCtx t;
    test_ctx_init(&t);
    RouteTable *table = route_table_new();
    CHECK_OK(&t.cx, route_table_add(table, &t.cx, S("GET"), S("/there/{a}"), table));
    EACH_ROW (r, rows) {
        CHECK_EQ(route_table_add(table, &t.cx, S("GET"), str_c(r->pattern), table), r->r);
        CHECK_EQ(route_table_count(table), 1);
    }
    route_table_free(table);
    test_ctx_done(&t);
}

/* --- against every pattern, one by one --- */

enum { SEGMENTS = 5, WORDS = 4, MANY = 10000 };

typedef struct Naive {
    char pattern[64];
    Str segment[SEGMENTS + 1];
    size_t n;
} Naive;

static size_t cut(char *text, Str out[SEGMENTS + 1]) {
    Str rest = str_c(text + 1), s;
    size_t n = 0;
    while (text[1] && str_next(&rest, '/', &s))
        out[n++] = s;
    return n;
}

static int kind(Str s) { /* the less the better */
    return s.p[0] == '{' ? 1 : s.p[0] == '*' ? 2 : 0;
}

static bool fits(const Naive *p, const Str *path, size_t n) {
    for (size_t i = 0; i < p->n; i++) {
        if (p->segment[i].p[0] == '*')
            return true;
        if (i >= n || (p->segment[i].p[0] != '{' && !str_eq(p->segment[i], path[i])))
            return false;
    }
    return p->n == n;
}

/* Segment by segment; a pattern that ends where another has "*" is the more exact one. */
static bool better(const Naive *a, const Naive *b) {
    for (size_t i = 0; i < MAX(a->n, b->n); i++) {
        int ka = i < a->n ? kind(a->segment[i]) : -1, kb = i < b->n ? kind(b->segment[i]) : -1;
        if (ka != kb)
            return ka < kb;
    }
    return false;
}

static void random_path(Rng *rng, char *out, size_t size, bool pattern) {
    size_t n = (size_t)rng_below(rng, SEGMENTS + 1), at = 0;
    out[at++] = '/';
    for (size_t i = 0; i < n; i++) {
        uint64_t w = rng_below(rng, pattern ? WORDS + 2 : WORDS);
        bool star = w == WORDS + 1;
        at += (size_t)snprintf(out + at, size - at, "%s%s", i ? "/" : "",
                               star         ? "*"
                               : w == WORDS ? "{p}"
                                            : (const char *const[]){ "a", "b", "cc", "d.e" }[w]);
        if (star)
            break;
    }
    out[at] = '\0';
}

TEST(random_tables_answer_like_a_matcher_that_tries_every_route) {
    TestCtx t;
    test_ctx_init(&t);
    Rng rng;
    rng_seed(&rng, prop_seed(11));
    for (int round = 0; round < 200; round++) {
        Naive *all = mem_new_n(Naive, 64);
        RouteTable *table = route_table_new();
        size_t n = 0;
        for (int i = 0; i < 64; i++) {
            random_path(&rng, all[n].pattern, sizeof all[n].pattern, true);
            all[n].n = cut(all[n].pattern, all[n].segment);
            if (route_table_add(table, &t.cx, S("GET"), str_c(all[n].pattern), &all[n]) == 0)
                n++;
        }
        for (int i = 0; i < 200; i++) {
            char path[64];
            Str segment[SEGMENTS + 1];
            random_path(&rng, path, sizeof path, false);
            size_t n_path = cut(path, segment);
            const Naive *want = NULL;
            for (size_t k = 0; k < n; k++)
                if (fits(&all[k], segment, n_path) && (!want || better(&all[k], want)))
                    want = &all[k];
            RouteHit hit;
            int r = route_table_find(table, &t.cx, S("GET"), str_c(path), &hit);
            if (hit.target != want)
                FAIL("%s went to %s, not %s", path, hit.target ? ((Naive *)hit.target)->pattern : "nothing",
                     want ? want->pattern : "nothing");
            CHECK_EQ(r, want ? 0 : ERR_NOT_FOUND);
        }
        route_table_free(table);
        mem_free(all);
        arena_reset(&t.arena);
    }
    test_ctx_done(&t);
}

TEST(ten_thousand_routes_are_found_each) {
    TestCtx t;
    test_ctx_init(&t);
    RouteTable *table = route_table_new();
    static int targets[MANY];
    char text[64];
    for (int i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "/api/v%d/service%d/{id}/part%d", i % 3, i % 97, i);
        CHECK_OK(&t.cx, route_table_add(table, &t.cx, S("GET"), str_c(text), &targets[i]));
    }
    CHECK_EQ(route_table_count(table), MANY);
    for (int i = 0; i < MANY; i++) {
        RouteHit hit;
        snprintf(text, sizeof text, "/api/v%d/service%d/x%d/part%d", i % 3, i % 97, i, i);
        CHECK_OK(&t.cx, route_table_find(table, &t.cx, S("GET"), str_c(text), &hit));
        CHECK(hit.target == &targets[i]);
    }
    route_table_free(table);
    test_ctx_done(&t);
}

TESTS(T(longest_literal_beginning_wins_and_parameters_are_named),
      T(what_is_no_route_is_refused_and_leaves_nothing_behind),
      T(random_tables_answer_like_a_matcher_that_tries_every_route), T(ten_thousand_routes_are_found_each))
