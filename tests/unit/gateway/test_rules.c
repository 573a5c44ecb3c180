/* GWY-17: what a route changes of requests and answers, as a table of rules. */

#include "lib/test.h"

#include "gateway/rules.h"

/* Rules of one route, lines parted by ";". */
static int rules_of(Ctx *cx, const char *text, Str pattern, Rules *out) {
    *out = (Rules){ 0 };
    Str rest = str_c(text), line;
    int r = 0;
    while (r == 0 && str_next(&rest, ';', &line)) {
        Str of;
        Rule rule;
        r = rule_read(cx, str_trim(line), &of, &rule);
        if (r == 0)
            r = rules_add(cx, out, pattern, &rule);
    }
    return r;
}

TEST(rules_are_checked_when_they_are_read) {
    static const struct {
        const char *name, *line, *words;
    } rows[] = {
        { "no verb", "/a", "write PATTERN WHAT" },
        { "an unknown verb", "/a reply.replace x y", "write PATTERN WHAT" },
        { "no value", "/a request.set X-A", "a name and a value" },
        { "a value too many", "/a request.remove X-A b", "nothing more" },
        { "no name", "/a request.remove", "nothing more" },
        { "no field", "/a request.set X:A b", "no header field" },
        { "a line of its own", "/a reply.set X-A b\nX-B: c", "no header field" },
        { "framing", "/a request.set Content-Length 5", "the gateway's own" },
        { "one hop", "/a reply.set Transfer-Encoding chunked", "the gateway's own" },
        { "host", "/a request.set Host x", "the gateway's own" },
        { "our word", "/a request.set X-FinSight-Principal 3", "the gateway's own" },
        { "a security header", "/a reply.remove X-Frame-Options", "the gateway's own" },
        { "a path with a query", "/a path /b?x", "has no query" },
        { "no path", "/a path b", "begins with /" },
        { "a name that is not there", "/a path /{id}", "names and the *" },
        { "a star that is not there", "/a path /b/*", "names and the *" },
        { "a query's name", "/a query.default a=b c", "as in a URL" },
        { "too deep", "/a reply.body.remove a.b.c.d.e.f.g.h.i", "8 deep" },
        { "an empty member", "/a reply.body.remove a..b", "8 deep" },
        { "wrapped twice", "/a reply.body.wrap a.b", "one member" },
    };
    TestCtx t;
    test_ctx_init(&t);
    Rules r;
    EACH_ROW (row, rows) {
        CHECK_EQ(rules_of(&t.cx, row->line, S("/a"), &r), ERR_USAGE);
        if (!strstr(t.cx.err.text, row->words))
            FAIL("%s", t.cx.err.text);
    }
    Buf many;
    buf_init(&many, 4096);
    for (int i = 0; i <= RULES_A_ROUTE_MAX; i++)
        buf_printf(&many, "%s/a reply.add X-A b", i ? ";" : "");
    buf_put_c(&many, '\0');
    CHECK_EQ(rules_of(&t.cx, many.p, S("/a"), &r), ERR_LIMIT);
    buf_done(&many);
    test_ctx_done(&t);
}

static Str joined(Arena *a, const HttpField *v, size_t n) {
    Str all = { 0 };
    for (size_t i = 0; i < n; i++)
        all = str_fmt(a, STR_FMT "%s" STR_FMT "=" STR_FMT, STR_ARG(all), i ? "|" : "", STR_ARG(v[i].name),
                      STR_ARG(v[i].value));
    return all;
}

TEST(fields_are_set_added_and_removed) {
    static const struct {
        const char *name, *rules, *want;
    } rows[] = {
        { "none of this side", "/a reply.set X-A 9", "x-a=1|x-b=2|x-a=3" },
        { "set replaces all", "/a request.set X-A nine and more", "x-b=2|x-a=nine and more" },
        { "set what is not there", "/a request.set X-C 9", "x-a=1|x-b=2|x-a=3|x-c=9" },
        { "add", "/a request.add X-A 9", "x-a=1|x-b=2|x-a=3|x-a=9" },
        { "remove", "/a request.remove x-A", "x-b=2" },
        { "in their order", "/a request.set X-A 9; /a request.remove X-A; /a request.add X-D 4", "x-b=2|x-d=4" },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (row, rows) {
        Rules r;
        CHECK_EQ(rules_of(&t.cx, row->rules, S("/a"), &r), 0);
        HttpField own[] = { { S("x-a"), S("1") }, { S("x-b"), S("2") }, { S("x-a"), S("3") } }, *v = own;
        size_t n = ARRAY_LEN(own);
        rules_fields(&r, RULE_REQUEST, &t.arena, &v, &n, 0);
        CHECK_STR(joined(&t.arena, v, n), str_c(row->want));
    }
    test_ctx_done(&t);
}

TEST(paths_and_queries_are_rewritten) {
    static const struct {
        const char *name, *pattern, *rules, *path, *query, *want_path, *want_query;
    } rows[] = {
        { "names", "/q/{id}/{x}", "/q path /v2/{x}/of/{id}", "/q/7/a", NULL, "/v2/a/of/7", NULL },
        { "a value is escaped anew", "/q/{id}", "/q path /v2/{id}", "/q/a%2Fb%20c", NULL, "/v2/a%2Fb%20c", NULL },
        { "the rest", "/q/*", "/q path /v2/all/*", "/q/a/b%20c", NULL, "/v2/all/a/b%20c", NULL },
        { "twice", "/q/{id}", "/q path /{id}/{id}", "/q/x", NULL, "/x/x", NULL },
        { "a default", "/q/*", "/q query.default limit 100", "/q/a", NULL, NULL, "limit=100" },
        { "a default beside others", "/q/*", "/q query.default limit 100", "/q/a", "x=1", NULL, "x=1&limit=100" },
        { "what was asked stays", "/q/*", "/q query.default limit 100", "/q/a", "limit=5", NULL, "limit=5" },
        { "an empty one too", "/q/*", "/q query.default limit 100", "/q/a", "limit", NULL, "limit" },
        { "two", "/q/*", "/q query.default a 1; /q query.default b 2", "/q/a", "b=3", NULL, "b=3&a=1" },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (row, rows) {
        Rules r;
        CHECK_EQ(rules_of(&t.cx, row->rules, str_c(row->pattern), &r), 0);
        RouteTable *table = route_table_new();
        RouteHit hit;
        int target = 0;
        CHECK_EQ(route_table_add(table, &t.cx, S("GET"), str_c(row->pattern), &target), 0);
        CHECK_EQ(route_table_find(table, &t.cx, S("GET"), str_c(row->path), &hit), 0);
        CHECK_EQ(r.path.p != NULL, row->want_path != NULL);
        if (row->want_path)
            CHECK_STR(rules_path(&r, &t.arena, &hit), str_c(row->want_path));
        CHECK_EQ(r.query, row->want_query != NULL);
        if (row->want_query)
            CHECK_STR(rules_query(&r, &t.arena, row->query ? str_c(row->query) : (Str){ 0 }), str_c(row->want_query));
        route_table_free(table);
    }
    test_ctx_done(&t);
}

TEST(bodies_are_changed_by_their_members) {
    static const struct {
        const char *name, *rules, *body, *want; /* want NULL: refused */
    } rows[] = {
        { "rename", "/a reply.body.rename px price", "{\"a\":1,\"px\":{\"px\":2}}", "{\"a\":1,\"price\":{\"px\":2}}" },
        { "rename what is not there", "/a reply.body.rename px price", "{\"a\":1}", "{\"a\":1}" },
        { "rename onto another", "/a reply.body.rename a b", "{\"b\":0,\"a\":1,\"c\":2}", "{\"b\":1,\"c\":2}" },
        { "remove", "/a reply.body.remove b", "{\"a\":1,\"b\":[1,2],\"c\":2}", "{\"a\":1,\"c\":2}" },
        { "remove within", "/a reply.body.remove a.b", "{\"a\":{\"b\":1,\"c\":2},\"b\":3}",
          "{\"a\":{\"c\":2},\"b\":3}" },
        { "lists are looked through", "/a reply.body.remove rows.id", "{\"rows\":[{\"id\":1,\"x\":2},[{\"id\":3}],4]}",
          "{\"rows\":[{\"x\":2},[{}],4]}" },
        { "a list itself", "/a reply.body.rename a b", "[{\"a\":1},{\"c\":1}]", "[{\"b\":1},{\"c\":1}]" },
        { "wrap", "/a reply.body.wrap data", "[1]", "{\"data\":[1]}" },
        { "wrap last", "/a reply.body.wrap data; /a reply.body.remove a", "{\"a\":1,\"b\":2}", "{\"data\":{\"b\":2}}" },
        { "both at once", "/a reply.body.remove x.a; /a reply.body.rename x.b c", "{\"x\":{\"a\":1,\"b\":2}}",
          "{\"x\":{\"c\":2}}" },
        { "rename the outer, remove the inner", "/a reply.body.rename x y; /a reply.body.remove x.a",
          "{\"x\":{\"a\":1,\"b\":2}}", "{\"y\":{\"b\":2}}" },
        { "what is not touched stays as it is written", "/a reply.body.remove z", "{\"a\": 1.50 ,\"b\":\"\\u00e4\"}",
          "{\"a\":1.50,\"b\":\"\\u00e4\"}" },
        { "a scalar", "/a reply.body.remove a", "5", "5" },
        { "of the other side", "/a request.body.remove a", "{\"a\":1}", "{\"a\":1}" },
        { "cut short", "/a reply.body.remove z", "{\"a\":1", NULL },
        { "two values", "/a reply.body.remove z", "{} {}", NULL },
        { "nothing", "/a reply.body.wrap z", "", NULL },
        { "bad within", "/a reply.body.remove a.b", "{\"a\":{\"b\":nul}}", NULL },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (row, rows) {
        Rules r;
        Buf out;
        CHECK_EQ(rules_of(&t.cx, row->rules, S("/a"), &r), 0);
        int e = rules_body(&r, RULE_REPLY, &t.cx, str_c(row->body), &out);
        CHECK_EQ(e, row->want ? 0 : ERR_BAD_REQUEST);
        if (e != 0)
            continue;
        CHECK_STR(buf_str(&out), str_c(row->want));
        buf_done(&out);
    }
    test_ctx_done(&t);
}

TEST(a_body_over_the_bound_is_refused) {
    TestCtx t;
    test_ctx_init(&t);
    Rules r;
    Buf out;
    CHECK_EQ(rules_of(&t.cx, "/a reply.body.wrap x", S("/a"), &r), 0);
    char *big = mem_alloc(RULES_BODY_MAX + 1);
    memset(big, ' ', RULES_BODY_MAX + 1);
    big[0] = '1';
    CHECK_EQ(rules_body(&r, RULE_REPLY, &t.cx, str_n(big, RULES_BODY_MAX + 1), &out), ERR_TOO_LARGE);
    CHECK_EQ(rules_body(&r, RULE_REPLY, &t.cx, str_n(big, RULES_BODY_MAX), &out), 0);
    CHECK_STR(buf_str(&out), S("{\"x\":1}"));
    buf_done(&out);
    mem_free(big);
    test_ctx_done(&t);
}

TESTS(T(rules_are_checked_when_they_are_read), T(fields_are_set_added_and_removed), T(paths_and_queries_are_rewritten),
      T(bodies_are_changed_by_their_members), T(a_body_over_the_bound_is_refused))
