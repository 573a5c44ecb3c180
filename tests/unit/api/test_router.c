/* api/router: paths to operations. */

#include "api/op.h"
#include "demo.h"
#include "lib/test.h"

static const OpTable *const tables[] = { &demo_table };

TEST(a_path_leads_to_its_operation) {
    static const struct {
        const char *name, *method, *path, *op, *param; /* first parameter */
        int code;
        bool alias;
    } rows[] = {
        { "plain", "GET", "/api/v1/demo/candles", "demo.candles", NULL, 0, false },
        { "trailing slash", "GET", "/api/v1/demo/candles/", "demo.candles", NULL, 0, false },
        { "other method", "POST", "/api/v1/demo/candles", "demo.save", NULL, 0, false },
        { "HEAD finds the GET", "HEAD", "/api/v1/demo/candles", "demo.candles", NULL, 0, false },
        { "literal before parameter", "GET", "/api/v1/demo/jobs/active", "demo.active", NULL, 0, false },
        { "parameter", "GET", "/api/v1/demo/jobs/job-1", "demo.job", "job-1", 0, false },
        { "parameter that starts like the literal", "GET", "/api/v1/demo/jobs/activex", "demo.job", "activex", 0,
          false },
        { "back from the literal", "PUT", "/api/v1/demo/jobs/active/plan", "demo.plan", "active", 0, false },
        { "escaped parameter", "GET", "/api/v1/demo/jobs/a%2Fb%20c", "demo.job", "a/b c", 0, false },
        { "escaped literal", "GET", "/api/v1/d%65mo/candles", "demo.candles", NULL, 0, false },
        { "plus stays in a path", "GET", "/api/v1/demo/jobs/a+b", "demo.job", "a+b", 0, false },
        { "alias", "GET", "/market-data/ohlcv", "demo.candles", NULL, 0, true },
        { "alias with parameters", "GET", "/market-data/kraken/XBT/ohlcv", "demo.candles", "kraken", 0, true },
        { "literal without this method", "DELETE", "/api/v1/demo/jobs/active", NULL, NULL, ERR_METHOD, false },
        { "unknown", "GET", "/api/v1/demo/nothing", NULL, NULL, ERR_NOT_FOUND, false },
        { "root", "GET", "/", NULL, NULL, ERR_NOT_FOUND, false },
        { "empty", "GET", "", NULL, NULL, ERR_NOT_FOUND, false },
        { "no slash", "GET", "api/v1/demo/candles", NULL, NULL, ERR_NOT_FOUND, false },
        { "star", "OPTIONS", "*", NULL, NULL, ERR_NOT_FOUND, false },
        { "prefix only", "GET", "/api/v1/demo/jobs", NULL, NULL, ERR_NOT_FOUND, false },
        { "empty segment", "GET", "/api/v1//demo/candles", NULL, NULL, ERR_NOT_FOUND, false },
        { "two trailing slashes", "GET", "/api/v1/demo/candles//", NULL, NULL, ERR_NOT_FOUND, false },
        { "empty parameter", "GET", "/api/v1/demo/jobs//", NULL, NULL, ERR_NOT_FOUND, false },
        { "dots", "GET", "/api/v1/demo/jobs/../candles", NULL, NULL, ERR_NOT_FOUND, false },
        { "case matters", "GET", "/API/v1/demo/candles", NULL, NULL, ERR_NOT_FOUND, false },
        { "bad escape", "GET", "/api/v1/demo/jobs/%zz", NULL, NULL, ERR_BAD_REQUEST, false },
        { "NUL", "GET", "/api/v1/demo/jobs/%00", NULL, NULL, ERR_BAD_REQUEST, false },
        { "too deep", "GET", "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", NULL, NULL, ERR_NOT_FOUND, false },
        { "PATCH", "PATCH", "/api/v1/demo/candles", NULL, NULL, ERR_METHOD, false },
    };
    TestCtx t;
    test_ctx_init(&t);
    OpRouter *router = op_router_new(tables, 1);
    EACH_ROW (r, rows) {
        OpMatch m = { 0 };
        CHECK_EQ(op_route(router, &t.cx, str_c(r->method), str_c(r->path), &m), r->code);
        if (r->code)
            continue;
        CHECK_STR(str_c(m.op->name), str_c(r->op));
        CHECK_EQ(m.alias, r->alias);
        if (r->param)
            CHECK_STR(m.params[0].value, str_c(r->param));
        else
            CHECK_EQ(m.n_params, 0);
    }
    op_router_free(router);
    test_ctx_done(&t);
}

TEST(a_wrong_method_is_told_the_right_ones) {
    TestCtx t;
    test_ctx_init(&t);
    OpRouter *router = op_router_new(tables, 1);
    OpMatch m;
    CHECK_EQ(op_route(router, &t.cx, S("OPTIONS"), S("/api/v1/demo/candles"), &m), ERR_METHOD);
    CHECK_STR(m.allow, S("GET, POST, HEAD, OPTIONS"));
    CHECK_EQ(op_route(router, &t.cx, S("POST"), S("/api/v1/demo/jobs/x/plan"), &m), ERR_METHOD);
    CHECK_STR(m.allow, S("PUT, OPTIONS"));
    CHECK_STR(str_c(t.cx.err.text), S("\"POST\" is not a method of this path; allowed: PUT, OPTIONS"));
    op_router_free(router);
    test_ctx_done(&t);
}

/* GOV-06: what will go away says so in the answer; an alias names its successor and stays. */
TEST(deprecation_is_told_in_headers) {
    TestCtx t;
    test_ctx_init(&t);
    OpRouter *router = op_router_new(tables, 1);
    QueryPair h[OP_DEPRECATION_HEADERS];
    OpMatch m;
    CHECK_OK(&t.cx, op_route(router, &t.cx, S("DELETE"), S("/api/v1/demo/jobs/x"), &m));
    CHECK_EQ(op_deprecation_headers(&m, &t.arena, h), 2);
    CHECK_STR(h[0].name, S("deprecation"));
    CHECK_STR(h[0].value, S("@1793491200"));
    CHECK_STR(h[1].name, S("sunset"));
    CHECK_STR(h[1].value, S("Mon, 01 Nov 2027 00:00:00 GMT"));
    CHECK_OK(&t.cx, op_route(router, &t.cx, S("GET"), S("/market-data/ohlcv"), &m));
    CHECK_EQ(op_deprecation_headers(&m, &t.arena, h), 1);
    CHECK_STR(h[0].value, S("</api/v1/demo/candles>; rel=\"successor-version\""));
    CHECK_OK(&t.cx, op_route(router, &t.cx, S("GET"), S("/api/v1/demo/candles"), &m));
    CHECK_EQ(op_deprecation_headers(&m, &t.arena, h), 0);
    op_router_free(router);
    test_ctx_done(&t);
}

TESTS(T(a_path_leads_to_its_operation), T(a_wrong_method_is_told_the_right_ones), T(deprecation_is_told_in_headers))
