/* api: what a request's path, query and body become, and every way in which they can be wrong (MDS-17). */

#include "api/op.h"
#include "demo.h"
#include "lib/test.h"

/* Decodes "query" or a body against an operation as the gateway does. */
static int decode_request(TestCtx *t, const Op *op, const char *id, const char *query, const char *body, void *in) {
    QueryPair *pairs, param = { S("id"), str_c(id) };
    size_t n;
    err_clear(&t->cx);
    int e = query_split(&t->cx, str_c(query), &pairs, &n);
    return e ? e : op_decode(op, &t->cx, &param, id ? 1 : 0, pairs, n, str_c(body), in);
}

TEST(a_query_fills_every_type_of_field) {
    TestCtx t;
    test_ctx_init(&t);
    DemoQuery q;
    CHECK_OK(&t.cx,
             decode_request(&t, &op_demo_candles, NULL,
                            "symbol=BTC%2FUSDT&exchange=kraken&timeframe=15m&start=2024-01-01&end=1704153600&limit=7&"
                            "order=desc&columns=open,close&columns=volume&min_volume=0&adjusted=false&",
                            NULL, &q));
    CHECK_STR(q.symbol, S("BTC/USDT"));
    CHECK_STR(q.exchange, S("kraken"));
    CHECK_STR(q.timeframe, S("15m"));
    CHECK_EQ(q.start.ms, INT64_C(1704067200000));
    CHECK_EQ(q.end.ms, INT64_C(1704153600000));
    CHECK_EQ(q.limit, 7);
    CHECK_STR(q.order, S("desc"));
    CHECK_EQ(q.columns.n, 3);
    CHECK_STR(((Str *)q.columns.v)[2], S("volume"));
    CHECK_EQ(q.min_volume, 0);
    CHECK(!q.adjusted);
    test_ctx_done(&t);
}

TEST(what_is_not_given_takes_its_default) {
    TestCtx t;
    test_ctx_init(&t);
    DemoQuery q;
    memset(&q, 0xff, sizeof q);
    CHECK_OK(&t.cx, decode_request(&t, &op_demo_candles, NULL, "interval=1M&symbol=VNM", NULL, &q));
    CHECK_STR(q.timeframe, S("1M")); /* by its older name */
    CHECK_STR(q.exchange, S("binance"));
    CHECK_EQ(q.start.ms, 0);
    CHECK_EQ(q.limit, 1000);
    CHECK_STR(q.order, S("asc"));
    CHECK_EQ(q.columns.n, 0);
    CHECK(isnan(q.min_volume));
    CHECK(q.adjusted);
    CHECK_OK(&t.cx, decode_request(&t, &op_demo_candles, NULL, "timeframe=1M&symbol=VNM&order=&exchange", NULL, &q));
    CHECK_STR(q.order, S("asc")); /* empty is "not given" */
    CHECK_STR(q.exchange, S("binance"));
    test_ctx_done(&t);
}

/* MDS-17: all invalid combinations of exchange, symbol, timeframe, start, end, limit -> 422 with the field's name. */
TEST(a_bad_parameter_is_refused_by_name_and_told_what_would_be_right) {
    static const struct {
        const char *name, *query, *field, *words;
    } rows[] = {
        { "no symbol", "timeframe=1h", "symbol", "symbol is required" },
        { "no timeframe", "symbol=A", "timeframe", "timeframe is required" },
        { "nothing at all", "", "symbol", "symbol is required" },
        { "empty symbol", "symbol=&timeframe=1h", "symbol", "symbol must not be empty" },
        { "bare symbol", "symbol&timeframe=1h", "symbol", "symbol must not be empty" },
        { "symbol with a space", "symbol=A+B&timeframe=1h", "symbol", "symbol must be a venue symbol such as BTCUSDT" },
        { "symbol too long", "symbol=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&timeframe=1h", "symbol", "at most 31" },
        { "symbol not UTF-8", "symbol=%ff&timeframe=1h", "symbol", "symbol must be valid UTF-8" },
        { "symbol with a line end", "symbol=A%0aB&timeframe=1h", "symbol", "control characters (byte 1 is 0x0a)" },
        { "symbol twice", "symbol=A&symbol=B&timeframe=1h", "symbol", "symbol is given twice" },
        { "both names of a field", "symbol=A&timeframe=1h&interval=1h", "timeframe", "timeframe is given twice" },
        { "bad exchange", "symbol=A&timeframe=1h&exchange=bin/ance", "exchange",
          "exchange must be the name of a venue" },
        { "zero timeframe", "symbol=A&timeframe=0m", "timeframe", "timeframe must be a timeframe such as" },
        { "timeframe of no unit", "symbol=A&timeframe=5x", "timeframe", "not \"5x\"" },
        { "words for a time", "symbol=A&timeframe=1h&start=yesterday", "start", "start must be a time" },
        { "30 February", "symbol=A&timeframe=1h&start=2024-02-30", "start", "start must be a time" },
        { "no end", "symbol=A&timeframe=1h&end=", "end", "end must be a time (2024-01-31" },
        { "limit zero", "symbol=A&timeframe=1h&limit=0", "limit", "limit must be between 1 and 100000, not 0" },
        { "limit negative", "symbol=A&timeframe=1h&limit=-5", "limit", "limit must be between 1 and 100000, not -5" },
        { "limit too big", "symbol=A&timeframe=1h&limit=100001", "limit", "must be between 1 and 100000, not 100001" },
        { "limit a fraction", "symbol=A&timeframe=1h&limit=1.5", "limit", "limit must be a whole number, not \"1.5\"" },
        { "limit past 64 bits", "symbol=A&timeframe=1h&limit=99999999999999999999", "limit", "a whole number" },
        { "limit NaN", "symbol=A&timeframe=1h&limit=NaN", "limit", "a whole number" },
        { "limit empty", "symbol=A&timeframe=1h&limit=", "limit", "limit must be a whole number, not nothing" },
        { "volume NaN", "symbol=A&timeframe=1h&min_volume=nan", "min_volume", "min_volume must be a number" },
        { "volume infinite", "symbol=A&timeframe=1h&min_volume=1e999", "min_volume", "min_volume must be a number" },
        { "volume negative", "symbol=A&timeframe=1h&min_volume=-1", "min_volume", "must be at least 0, not -1" },
        { "bad order", "symbol=A&timeframe=1h&order=dsc", "order",
          "must be one of asc, desc; it is \"dsc\"; did you mean \"desc\"?" },
        { "bad column", "symbol=A&timeframe=1h&columns=open,clsoe", "columns[1]", "did you mean \"close\"?" },
        { "empty column", "symbol=A&timeframe=1h&columns=open,,close", "columns[1]", "must not be empty" },
        { "six columns", "symbol=A&timeframe=1h&columns=open,open,open&columns=open,open,open", "columns",
          "columns must have" },
        { "bad boolean", "symbol=A&timeframe=1h&adjusted=maybe", "adjusted",
          "adjusted must be true or false, not \"maybe\"" },
        { "unknown", "symbol=A&timeframe=1h&limt=5", "limt",
          "\"limt\" is not a known parameter of demo.candles; did you mean \"limit\"?" },
        { "no name", "symbol=A&timeframe=1h&=5", "query", "\"\" is not a known parameter" },
        { "unknown and far", "symbol=A&timeframe=1h&zzz=5", "zzz", "\"zzz\" is not a known parameter of demo.candles" },
        { "short secret", "symbol=A&timeframe=1h&api_token=abc", "api_token",
          "api_token must have a length between 8 and 64, not what was given" },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        DemoQuery q;
        CHECK_EQ(decode_request(&t, &op_demo_candles, NULL, r->query, NULL, &q), ERR_INVALID);
        CHECK_EQ(t.cx.err.code, ERR_INVALID);
        CHECK_EQ(err_info(t.cx.err.code)->http_status, 422);
        CHECK_STR(str_c(t.cx.err.field), str_c(r->field));
        if (!strstr(t.cx.err.text, r->words))
            FAIL("\"%s\" lacks \"%s\"", t.cx.err.text, r->words);
    }
    test_ctx_done(&t);
}

static const char plan_ok[] =
    "{\"name\":\"Winter\",\"risk\":{\"max_loss\":0.02},\"legs\":[{\"symbol\":\"A\",\"weight\":1}]}";

TEST(a_body_fills_nested_shapes_and_lists) {
    TestCtx t;
    test_ctx_init(&t);
    DemoPlan p;
    CHECK_OK(&t.cx, decode_request(&t, &op_demo_plan, "job-1", "", plan_ok, &p));
    CHECK_STR(p.id, S("job-1"));
    CHECK_NEAR(p.risk.leverage, 1, 0);
    CHECK_STR(p.risk.mode, S("soft"));
    CHECK_EQ(p.priority, 5);
    CHECK(p.enabled);
    CHECK_EQ(p.legs.n, 1);
    CHECK_STR(p.hedge.mode, (Str){ 0 }); /* nullable and absent: nothing in it, no defaults */
    CHECK_OK(&t.cx,
             decode_request(
                 &t, &op_demo_plan, "job-1", "",
                 " {\"name\":\"W\\u00e4nter\",\"risk\":{\"max_loss\":\"-0.5\",\"leverage\":2e1,\"mode\":\"hard\"},"
                 "\"hedge\":{\"max_loss\":0},\"legs\":[{\"symbol\":\"A\",\"weight\":0,\"delay_ms\":1e3,\"tags\":[\"x\","
                 "\"y\"]},"
                 "{\"symbol\":\"B\",\"weight\":\"0.25\"}],\"notes\":[\"a,b\",\"\"],\"settings\":{\"deep\":[1,{}]},"
                 "\"at\":1704067200123,\"priority\":9,\"enabled\":false}\n",
                 &p));
    CHECK_STR(p.name, S("W\xc3\xa4nter"));
    CHECK_NEAR(p.risk.max_loss, -0.5, 0);
    CHECK_STR(p.hedge.mode, S("soft"));
    DemoLeg *legs = p.legs.v;
    CHECK_EQ(p.legs.n, 2);
    CHECK_EQ(legs[0].delay_ms, 1000);
    CHECK_EQ(legs[0].tags.n, 2);
    CHECK_NEAR(legs[1].weight, 0.25, 0);
    CHECK_STR(((Str *)p.notes.v)[0], S("a,b"));
    CHECK_STR(p.settings.json, S("{\"deep\":[1,{}]}"));
    CHECK_EQ(p.at.ms, INT64_C(1704067200123));
    CHECK(!p.enabled);
    test_ctx_done(&t);
}

TEST(a_bad_body_is_refused_at_its_place) {
    static const struct {
        const char *name, *body, *field, *words;
        int code;
    } rows[] = {
        { "empty", "", "name", "name is required", ERR_INVALID },
        { "empty object", "{}", "name", "name is required", ERR_INVALID },
        { "an array", "[]", "body", "body must be an object, not an array", ERR_INVALID },
        { "not JSON", "{\"name\":\n nope}", "", "not JSON, line 2, column", ERR_BAD_REQUEST },
        { "cut off", "{\"name\":\"W", "", "not JSON, line 1", ERR_BAD_REQUEST },
        { "behind the end", "{\"name\":\"Wi\",\"risk\":{\"max_loss\":0},\"legs\":[{\"symbol\":\"A\",\"weight\":1}]} x",
          "", "not JSON", ERR_BAD_REQUEST },
        { "a number for a string", "{\"name\":5}", "name", "name must be a string, not a number", ERR_INVALID },
        { "null for a string", "{\"name\":null}", "name", "name must be a string, not null", ERR_INVALID },
        { "a boolean for a number", "{\"risk\":{\"max_loss\":true}}", "risk.max_loss",
          "risk.max_loss must be a number, not a boolean", ERR_INVALID },
        { "a string for a boolean", "{\"enabled\":\"yes\"}", "enabled", "enabled must be true or false, not a string",
          ERR_INVALID },
        { "an object for a number", "{\"priority\":{}}", "priority", "priority must be a whole number, not an object",
          ERR_INVALID },
        { "words for a number", "{\"risk\":{\"max_loss\":\"low\"}}", "risk.max_loss", "must be a number, not \"low\"",
          ERR_INVALID },
        { "too short", "{\"name\":\"W\"}", "name", "name must have a length between 2 and 20, not 1", ERR_INVALID },
        { "20 characters are not 20 bytes",
          "{\"name\":"
          "\"\\u00e4\\u00e4\\u00e4\\u00e4\\u00e4\\u00e4\\u00e4\\u00e4\\u00e4\\u00e4\\u00e4\\u00e4\\u00e4\\u00e4\\u00e4"
          "\\u00e4\\u00e4\\u00e4\\u00e4\\u00e4\"}",
          "risk", "risk is required", ERR_INVALID },
        { "a control character", "{\"name\":\"a\\u0007b\"}", "name", "control characters (byte 1 is 0x07)",
          ERR_INVALID },
        { "nested out of range", "{\"risk\":{\"max_loss\":0.6}}", "risk.max_loss",
          "must be between -1 and 0.5, not 0.6", ERR_INVALID },
        { "nested missing", "{\"risk\":{}}", "risk.max_loss", "risk.max_loss is required", ERR_INVALID },
        { "nested unknown", "{\"risk\":{\"max_los\":0.1}}", "risk.max_los",
          "is not a known field of DemoRisk; did you mean \"max_loss\"?", ERR_INVALID },
        { "nested twice", "{\"risk\":{\"max_loss\":0.1,\"max_loss\":0.1}}", "risk.max_loss", "is given twice",
          ERR_INVALID },
        { "null where a shape must be", "{\"risk\":null}", "risk", "risk must be an object, not null", ERR_INVALID },
        { "no legs", "{\"legs\":[]}", "legs", "legs must have between 1 and 4 items, not 0", ERR_INVALID },
        { "five legs",
          "{\"legs\":[{\"symbol\":\"A\",\"weight\":1},{\"symbol\":\"A\",\"weight\":1},{\"symbol\":\"A\",\"weight\":1},{"
          "\"symbol\":\"A\",\"weight\":1},{\"symbol\":\"A\",\"weight\":1}]}",
          "legs", "legs must have at most 4 items", ERR_INVALID },
        { "a leg that is no object", "{\"legs\":[3]}", "legs[0]", "legs[0] must be an object, not a number",
          ERR_INVALID },
        { "in the second leg", "{\"legs\":[{\"symbol\":\"A\",\"weight\":1},{\"symbol\":\"A\",\"weight\":1.5}]}",
          "legs[1].weight", "legs[1].weight must be between 0 and 1, not 1.5", ERR_INVALID },
        { "deep in a leg", "{\"legs\":[{\"symbol\":\"A\",\"weight\":1,\"tags\":[\"ok\",\"-no\"]}]}", "legs[0].tags[1]",
          "must be an id", ERR_INVALID },
        { "a tag that is no string", "{\"legs\":[{\"symbol\":\"A\",\"weight\":1,\"tags\":[7]}]}", "legs[0].tags[0]",
          "must be a string, not a number", ERR_INVALID },
        { "unknown key", "{\"nam\":\"Winter\"}", "nam", "nam is not a known field of DemoPlan; did you mean \"name\"?",
          ERR_INVALID },
        { "a key of the path", "{\"id\":\"x\"}", "id", "id belongs in the path or the query, not in the body",
          ERR_INVALID },
        { "key twice", "{\"name\":\"Winter\",\"name\":\"Winter\"}", "name", "name is given twice", ERR_INVALID },
        { "number too large", "{\"priority\":1e300}", "priority", "priority must be a whole number", ERR_INVALID },
        { "infinite number", "{\"risk\":{\"max_loss\":1e999}}", "risk.max_loss", "must be a number", ERR_INVALID },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        DemoPlan p;
        CHECK_EQ(decode_request(&t, &op_demo_plan, "job-1", "", r->body, &p), r->code);
        CHECK_STR(str_c(t.cx.err.field), str_c(r->field));
        if (!strstr(t.cx.err.text, r->words))
            FAIL("\"%s\" lacks \"%s\"", t.cx.err.text, r->words);
    }
    test_ctx_done(&t);
}

TEST(depth_and_size_of_a_body_are_bounded) {
    TestCtx t;
    test_ctx_init(&t);
    DemoPlan p;
    char deep[200] = "{\"settings\":";
    memset(deep + strlen(deep), '[', 100);
    CHECK_EQ(decode_request(&t, &op_demo_plan, "job-1", "", deep, &p), ERR_TOO_LARGE);
    CHECK(strstr(t.cx.err.text, "nested too deeply") != NULL);

    Buf b; /* more notes than the request's memory holds, under a field that allows many */
    buf_init(&b, 1 << 20);
    BUF_LIT(&b, "{\"tags\":[\"\"");
    for (int i = 0; i < 9000; i++)
        BUF_LIT(&b, ",\"\"");
    BUF_LIT(&b, "]}");
    static const Field many_fields[] = { FIELD(DemoLeg, tags, .doc = "many") };
    SHAPE(many, DemoLeg, many_fields);
    DemoLeg leg;
    CHECK_OK(&t.cx, shape_decode(&many, &t.cx, buf_str(&b), &leg));
    CHECK_EQ(leg.tags.n, 9001);
    Arena small;
    arena_init(&small, 64 * 1024);
    t.cx.arena = &small;
    CHECK_EQ(shape_decode(&many, &t.cx, buf_str(&b), &leg), ERR_TOO_LARGE);
    CHECK_STR(str_c(t.cx.err.field), S("tags"));
    t.cx.arena = &t.arena;
    arena_done(&small);
    buf_done(&b);
    test_ctx_done(&t);
}

TEST(an_operation_without_a_body_takes_none) {
    TestCtx t;
    test_ctx_init(&t);
    DemoQuery q;
    CHECK_EQ(decode_request(&t, &op_demo_candles, NULL, "symbol=A&timeframe=1h", "{}", &q), ERR_INVALID);
    CHECK_STR(str_c(t.cx.err.field), S("body"));
    CHECK_OK(&t.cx, decode_request(&t, &op_demo_active, NULL, "", " \n", NULL));
    CHECK_EQ(decode_request(&t, &op_demo_active, NULL, "x=1", "", NULL), ERR_INVALID);
    CHECK_STR(str_c(t.cx.err.text), S("\"x\" is not a known parameter of demo.active"));
    test_ctx_done(&t);
}

/* MDS-16: rows of the documents' schema carry symbol, exchange and timeframe each; said once is enough, and what is
 * said twice must agree. */
TEST(rows_may_name_their_series_and_must_agree) {
#define ROW(names)                                                                                                     \
    "{" names "\"timestamp\":\"2024-01-01T00:00:00Z\",\"open\":\"1.10\",\"high\":2,\"low\":1,\"close\":1,\"volume\":"  \
    "0}"
    static const struct {
        const char *name, *body, *words; /* NULL: fine */
    } rows[] = {
        { "by the page", "{\"symbol\":\"A\",\"timeframe\":\"1h\",\"exchange\":\"kraken\",\"candles\":[" ROW("") "]}",
          NULL },
        { "by the rows", "{\"candles\":[" ROW("\"symbol\":\"A\",\"exchange\":\"kraken\",\"timeframe\":\"1h\",") "]}",
          NULL },
        { "by both",
          "{\"candles\":[" ROW("\"symbol\":\"A\",\"venue\":\"kraken\",\"timeframe\":\"1h\",") "],\"symbol\":\"A\"}",
          NULL },
        { "against the page", "{\"symbol\":\"B\",\"timeframe\":\"1h\",\"candles\":[" ROW("\"symbol\":\"A\",") "]}",
          "symbol is \"B\" here and \"A\" in the candles" },
        { "among themselves",
          "{\"timeframe\":\"1h\",\"candles\":[" ROW("\"symbol\":\"A\",") "," ROW("\"symbol\":\"B\",") "]}",
          "candles[1].symbol is \"B\", and \"A\" in the candles before it" },
        { "a bad name", "{\"timeframe\":\"1h\",\"candles\":[" ROW("\"symbol\":\"A B\",") "]}",
          "symbol must be a venue symbol" },
        { "nobody says", "{\"timeframe\":\"1h\",\"candles\":[" ROW("") "]}", "symbol is required" },
    };
#undef ROW
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        DemoSave save;
        int e = decode_request(&t, &op_demo_save, NULL, "", r->body, &save);
        CHECK_EQ(e, r->words ? ERR_INVALID : 0);
        if (r->words) {
            if (!strstr(t.cx.err.text, r->words))
                FAIL("\"%s\" lacks \"%s\"", t.cx.err.text, r->words);
            continue;
        }
        CHECK_STR(save.symbol, S("A"));
        CHECK_STR(save.exchange, S("kraken"));
        CHECK_STR(save.timeframe, S("1h"));
        CHECK_NEAR(save.candles.open[0], 1.1, 0);
    }
    test_ctx_done(&t);
}

TEST(a_field_in_the_wrong_part_of_a_request_is_told_its_place) {
    TestCtx t;
    test_ctx_init(&t);
    DemoPlan p;
    CHECK_EQ(decode_request(&t, &op_demo_plan, "j", "name=Winter", "{}", &p), ERR_INVALID);
    CHECK_STR(str_c(t.cx.err.text), S("name belongs in the body, not in the query"));
    CHECK_EQ(decode_request(&t, &op_demo_plan, "j", "id=j", "{}", &p), ERR_INVALID);
    CHECK_STR(str_c(t.cx.err.text), S("id belongs in the path, not in the query"));
    test_ctx_done(&t);
}

TEST(an_alias_may_carry_a_query_field_in_its_path) {
    TestCtx t;
    test_ctx_init(&t);
    DemoQuery q;
    QueryPair params[] = { { S("exchange"), S("kraken") }, { S("symbol"), S("XBTUSD") } };
    QueryPair query[] = { { S("timeframe"), S("1d") }, { S("symbol"), S("OTHER") } };
    CHECK_OK(&t.cx, op_decode(&op_demo_candles, &t.cx, params, 2, query, 1, (Str){ 0 }, &q));
    CHECK_STR(q.symbol, S("XBTUSD"));
    CHECK_EQ(op_decode(&op_demo_candles, &t.cx, params, 2, query, 2, (Str){ 0 }, &q), ERR_INVALID);
    CHECK_STR(str_c(t.cx.err.text), S("symbol is given twice"));
    test_ctx_done(&t);
}

TEST(a_query_is_split_and_decoded) {
    static const struct {
        const char *name, *query, *want; /* "name=value;" */
        int code;
    } rows[] = {
        { "empty", "", "", 0 },
        { "plain", "a=1&b=2", "a=1;b=2;", 0 },
        { "no value", "a&b=", "a=;b=;", 0 },
        { "empty pieces", "&&a=1&", "a=1;", 0 },
        { "escapes", "a%3d=%20%2B+x", "a== + x;", 0 },
        { "second equals sign", "a=b=c", "a=b=c;", 0 },
        { "escape cut off", "a=%2", NULL, ERR_BAD_REQUEST },
        { "escape cut off more", "a=%", NULL, ERR_BAD_REQUEST },
        { "escape not hex", "a=%zz", NULL, ERR_BAD_REQUEST },
        { "escape in a name", "%q=1", NULL, ERR_BAD_REQUEST },
        { "NUL", "a=%00", NULL, ERR_BAD_REQUEST },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        QueryPair *pairs;
        size_t n;
        CHECK_EQ(query_split(&t.cx, str_c(r->query), &pairs, &n), r->code);
        Buf b;
        buf_init(&b, 1000);
        for (size_t i = 0; r->code == 0 && i < n; i++)
            buf_printf(&b, STR_FMT "=" STR_FMT ";", STR_ARG(pairs[i].name), STR_ARG(pairs[i].value));
        if (r->want)
            CHECK_STR(buf_str(&b), str_c(r->want));
        buf_done(&b);
    }
    char many[300] = "";
    for (int i = 0; i < QUERY_PAIRS_MAX + 1; i++)
        memcpy(many + 4 * i, "a=1&", 4);
    QueryPair *pairs;
    size_t n;
    CHECK_EQ(query_split(&t.cx, str_c(many), &pairs, &n), ERR_BAD_REQUEST);
    CHECK_OK(&t.cx, query_split(&t.cx, str_first(str_c(many), 4 * QUERY_PAIRS_MAX), &pairs, &n));
    CHECK_EQ(n, QUERY_PAIRS_MAX);
    test_ctx_done(&t);
}

TEST(a_struct_filled_by_hand_meets_the_same_checks) {
    TestCtx t;
    test_ctx_init(&t);
    DemoQuery q = { .symbol = S("BTCUSDT"), .timeframe = S("1h") };
    CHECK_OK(&t.cx, shape_validate(&demo_query, &t.cx, &q)); /* limit 0: not given */
    shape_fill(&demo_query, &t.cx, &q);
    CHECK_EQ(q.limit, 1000);
    CHECK(!q.adjusted); /* false is a value */
    CHECK_STR(q.order, S("asc"));
    q.limit = -1;
    CHECK_EQ(shape_validate(&demo_query, &t.cx, &q), ERR_INVALID);
    CHECK_STR(str_c(t.cx.err.field), S("limit"));
    shape_init(&demo_query, &t.cx, &q);
    CHECK(q.adjusted && isnan(q.min_volume) && q.limit == 1000);
    CHECK_EQ(shape_validate(&demo_query, &t.cx, &q), ERR_INVALID);
    CHECK_STR(str_c(t.cx.err.text), S("symbol must not be empty"));
    q.symbol = S("A"), q.timeframe = S("1h"), q.min_volume = INFINITY;
    CHECK_EQ(shape_validate(&demo_query, &t.cx, &q), ERR_INVALID);
    CHECK_STR(str_c(t.cx.err.text), S("min_volume must be a finite number"));
    DemoLeg leg = { .symbol = S("A"), .weight = (double)NAN };
    CHECK_EQ(shape_validate(&demo_leg, &t.cx, &leg), ERR_INVALID);
    CHECK_STR(str_c(t.cx.err.field), S("weight"));
    test_ctx_done(&t);
}

TEST(an_answer_of_a_newer_server_is_read) {
    TestCtx t;
    test_ctx_init(&t);
    DemoPage page;
    CHECK_OK(&t.cx,
             shape_decode_reply(&demo_page, &t.cx,
                                S("{\"symbol\":\"A\",\"new_thing\":{\"a\":[1]},\"mean\":null,\"revision\":null,"
                                  "\"candles\":[{\"t\":0,\"o\":1,\"h\":2,\"l\":1,\"c\":1,\"v\":0,\"trades\":5}]}"),
                                &page));
    CHECK_STR(page.symbol, S("A"));
    CHECK_EQ(page.candles.n, 1);
    CHECK(isnan(page.mean));
    CHECK_EQ(page.revision, 0);
    CHECK_EQ(shape_decode(&demo_page, &t.cx, S("{\"new_thing\":1}"), &page), ERR_INVALID);
    test_ctx_done(&t);
}

TESTS(T(a_query_fills_every_type_of_field), T(what_is_not_given_takes_its_default),
      T(a_bad_parameter_is_refused_by_name_and_told_what_would_be_right), T(a_body_fills_nested_shapes_and_lists),
      T(a_bad_body_is_refused_at_its_place), T(depth_and_size_of_a_body_are_bounded),
      T(an_operation_without_a_body_takes_none), T(rows_may_name_their_series_and_must_agree),
      T(a_field_in_the_wrong_part_of_a_request_is_told_its_place), T(an_alias_may_carry_a_query_field_in_its_path),
      T(a_query_is_split_and_decoded), T(a_struct_filled_by_hand_meets_the_same_checks),
      T(an_answer_of_a_newer_server_is_read))
