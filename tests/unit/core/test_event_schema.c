/* core/event_schema: what bodies must hold, and what a new version may change (MSG-37, GOV-04). */

#include "core/event_schema.h"

#include "lib/test.h"

static const char *const colours[] = { "red", "blue", NULL }, *const more_colours[] = { "red", "blue", "green", NULL },
                         *const fewer_colours[] = { "red", NULL };
static const EventField one_f[] = { { "id", EVENT_STR, true, .max = 8 },
                                    { "n", EVENT_INT, true, .min = 1, .max = 10 },
                                    { "at", EVENT_TIME, false },
                                    { "colour", EVENT_STR, false, .choices = colours } };
static const EventField two_f[] = { { "id", EVENT_STR, true, .max = 8 },
                                    { "n", EVENT_INT, true, .min = 1, .max = 5 },
                                    { "at", EVENT_TIME, false },
                                    { "colour", EVENT_STR, false, .choices = fewer_colours },
                                    { "note", EVENT_STR, true } };
static const EventSchema both[] = { { "thing", "", 1, one_f, ARRAY_LEN(one_f) },
                                    { "thing", "", 2, two_f, ARRAY_LEN(two_f) } };
static const EventSchemas things = { both, 2 };

TEST(the_documents_events_are_checked) {
    static const struct {
        const char *name, *type, *body, *field;
        int want;
    } rows[] = {
        { "news_collected (MSG-23)", "news_collected",
          "{\"articles_count\":3,\"source\":\"coindesk\",\"collection_time\":\"2024-01-01T00:00:00\"}", "", 0 },
        { "sentiment_analysis_completed (MSG-23)", "sentiment_analysis_completed", "{\"articles_count\":3}", "", 0 },
        { "news_collection_completed (MSG-23)", "news_collection_completed", "{\"articles_count\":0}", "", 0 },
        { "data_collection_request (MSG-24)", "data_collection_request",
          "{\"message_type\":\"data_collection_request\",\"exchange\":\"binance\",\"symbol\":\"BTCUSDT\",\"timeframe\":"
          "\"1h\","
          "\"start_date\":\"2024-01-01T00:00:00Z\",\"end_date\":\"2024-01-02T00:00:00Z\",\"priority\":\"high\","
          "\"correlation_id\":\"req_123456789\"}",
          "", 0 },
        { "backtest_request (MSG-25)", "backtest_request",
          "{\"message_type\":\"backtest_request\",\"backtest_id\":\"bt_123456789\",\"symbol\":\"BTCUSDT\","
          "\"timeframe\":\"1h\","
          "\"strategy_type\":\"moving_average_crossover\",\"strategy_params\":{\"short_window\":10,\"long_window\":30},"
          "\"start_date\":\"2024-01-01T00:00:00Z\",\"end_date\":\"2024-01-31T00:00:00Z\",\"initial_capital\":10000.0,"
          "\"correlation_id\":\"bt_123456789\"}",
          "", 0 },
        { "no symbol", "data_collection_request",
          "{\"exchange\":\"binance\",\"timeframe\":\"1h\",\"start_date\":\"2024-01-01\",\"end_date\":\"2024-01-02\"}",
          "symbol", ERR_INVALID },
        { "a bad date", "data_collection_request",
          "{\"exchange\":\"b\",\"symbol\":\"B\",\"timeframe\":\"1h\",\"start_date\":\"soon\",\"end_date\":\"2024-01-"
          "02\"}",
          "start_date", ERR_INVALID },
        { "a bad priority", "data_collection_request",
          "{\"exchange\":\"b\",\"symbol\":\"B\",\"timeframe\":\"1h\",\"start_date\":\"2024-01-01\",\"end_date\":\"2024-"
          "01-02\","
          "\"priority\":\"urgent\"}",
          "priority", ERR_INVALID },
        { "capital as a text", "backtest_request",
          "{\"backtest_id\":\"b\",\"symbol\":\"B\",\"timeframe\":\"1h\",\"strategy_type\":\"s\",\"start_date\":\"2024-"
          "01-01\","
          "\"end_date\":\"2024-01-02\",\"initial_capital\":\"1\"}",
          "initial_capital", ERR_INVALID },
        { "a fraction of an article", "news_collected",
          "{\"articles_count\":1.5,\"source\":\"x\",\"collection_time\":\"2024-01-01\"}", "articles_count",
          ERR_INVALID },
        { "a field twice", "news_collection_completed", "{\"articles_count\":1,\"articles_count\":2}", "articles_count",
          ERR_INVALID },
        { "not JSON", "news_collected", "{\"articles_count\":", "", ERR_BAD_REQUEST },
        { "no object", "news_collected", "[1]", "", ERR_BAD_REQUEST },
        { "empty", "news_collected", "", "", ERR_BAD_REQUEST },
        { "more behind it", "news_collection_completed", "{\"articles_count\":1} x", "", ERR_BAD_REQUEST },
        { "unknown type", "nothing", "{}", "event_type", ERR_INVALID },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        SchemaFault why;
        CHECK_EQ(event_schema_publish(&t.arena, &event_schemas, str_c(r->type), 1, str_c(r->body), &why), r->want);
        CHECK_STR(why.field, str_c(r->field));
        CHECK_EQ(why.words.n > 0, r->want != 0);
    }
    test_ctx_done(&t);
}

/* MSG-37: a reader of version 1 reads a record of version 2; what it could not read is refused at publish. */
/* Who publishes by hand learns what would do. */
TEST(what_does_not_fit_is_told_with_what_would) {
    static const struct {
        const char *name, *type, *body, *words;
    } rows[] = {
        { "a choice", "data_collection_request",
          "{\"exchange\":\"b\",\"symbol\":\"B\",\"timeframe\":\"1h\",\"start_date\":\"2024-01-01\",\"end_date\":\"2024-"
          "01-02\",\"priority\":\"urgent\"}",
          "priority: one of low, normal, high is needed" },
        { "a number", "news_collection_completed", "{\"articles_count\":-1}",
          "articles_count: a whole number from 0 to 1e+09 is needed" },
        { "an empty text", "news_collected",
          "{\"articles_count\":1,\"source\":\"\",\"collection_time\":\"2024-01-01\"}",
          "source: a text of 1 to 4096 bytes is needed" },
        { "a date", "news_collected", "{\"articles_count\":1,\"source\":\"x\",\"collection_time\":\"soon\"}",
          "collection_time: an ISO-8601 time is needed" },
        { "a type", "nothing", "{}", "no event type is called nothing; those there are: data_update, " },
        { "nearly nothing", "news_collected", "{}", "articles_count: is missing" },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        SchemaFault why;
        CHECK(event_schema_publish(&t.arena, &event_schemas, str_c(r->type), 1, str_c(r->body), &why) < 0);
        CHECK_STR(str_first(why.words, strlen(r->words)), str_c(r->words));
    }
    test_ctx_done(&t);
}

TEST(old_readers_read_new_writers) {
    static const struct {
        const char *name, *body;
        int64_t version;
        int want;
    } rows[] = {
        { "1 by its own schema", "{\"id\":\"a\",\"n\":7}", 1, 0 },
        { "2 has more", "{\"id\":\"a\",\"n\":5,\"note\":\"x\"}", 2, 0 },
        { "2 without what 2 needs", "{\"id\":\"a\",\"n\":5}", 2, ERR_INVALID },
        { "2 without what 1 needs", "{\"n\":5,\"note\":\"x\"}", 2, ERR_INVALID },
        { "3 is not known", "{\"id\":\"a\",\"n\":5,\"note\":\"x\"}", 3, ERR_INVALID },
        { "0 is none", "{\"id\":\"a\",\"n\":5}", 0, ERR_INVALID },
    };
    TestCtx t;
    test_ctx_init(&t);
    SchemaFault why;
    EACH_ROW (r, rows)
        CHECK_EQ(event_schema_publish(&t.arena, &things, S("thing"), r->version, str_c(r->body), &why), r->want);
    CHECK_EQ(event_schema_check(&t.arena, event_schema_find(&things, S("thing"), 1),
                                S("{\"id\":\"a\",\"n\":5,\"note\":\"x\"}"), &why),
             0);
    CHECK_EQ(event_schema_find(&things, S("thing"), 9)->version, 2); /* a reader meets a newer one with what it knows */
    CHECK(event_schema_find(&things, S("none"), 1) == NULL);
    CHECK_EQ(event_schema_newest(&things, S("thing")), 2);
    test_ctx_done(&t);
}

TEST(an_incompatible_version_is_found) {
    static const EventField gone[] = { { "id", EVENT_STR, true, .max = 8 } };
    static const EventField other_kind[] = { { "id", EVENT_INT, true }, { "n", EVENT_INT, true, .min = 1, .max = 10 } };
    static const EventField optional[] = { { "id", EVENT_STR, false, .max = 8 },
                                           { "n", EVENT_INT, true, .min = 1, .max = 10 } };
    static const EventField wider[] = { { "id", EVENT_STR, true, .max = 8 },
                                        { "n", EVENT_INT, true, .min = 1, .max = 99 } };
    static const EventField choices[] = { { "id", EVENT_STR, true, .max = 8 },
                                          { "n", EVENT_INT, true, .min = 1, .max = 10 },
                                          { "colour", EVENT_STR, false, .choices = more_colours } };
    static const struct {
        const char *name;
        const EventField *fields;
        size_t n;
        const char *field;
    } rows[] = { { "a field is gone", gone, 1, "n" },
                 { "another kind", other_kind, 2, "id" },
                 { "no longer required", optional, 2, "id" },
                 { "wider bounds", wider, 2, "n" },
                 { "a new choice", choices, 3, "colour" } };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        const EventSchema v[] = { both[0], { "thing", "", 2, r->fields, r->n } };
        SchemaFault why;
        CHECK_EQ(event_schemas_check(&t.arena, &(EventSchemas){ v, 2 }, &why), ERR_INTERNAL);
        CHECK_STR(why.field, str_c(r->field));
    }
    const EventSchema hole[] = { both[0], { "thing", "", 3, two_f, ARRAY_LEN(two_f) } };
    SchemaFault why;
    CHECK_EQ(event_schemas_check(&t.arena, &(EventSchemas){ hole, 2 }, &why), ERR_INTERNAL);
    CHECK_EQ(event_schemas_check(&t.arena, &things, &why), 0);
    CHECK_EQ(event_schemas_check(&t.arena, &event_schemas, &why), 0);
    test_ctx_done(&t);
}

TEST(fields_are_read_by_name) {
    TestCtx t;
    test_ctx_init(&t);
    Str out;
    Str body = S("{\"a\":\"x\\n\",\"b\":{\"a\":1},\"c\":12.50}");
    CHECK(event_body_text(&t.arena, body, S("a"), &out) && str_eq(out, S("x\n")));
    CHECK(event_body_text(&t.arena, body, S("b"), &out) && str_eq(out, S("{\"a\":1}")));
    CHECK(event_body_text(&t.arena, body, S("c"), &out) && str_eq(out, S("12.50")));
    CHECK(!event_body_text(&t.arena, body, S("d"), &out));
    CHECK(!event_body_text(&t.arena, S("[]"), S("a"), &out));
    test_ctx_done(&t);
}

TESTS(T(the_documents_events_are_checked), T(what_does_not_fit_is_told_with_what_would),
      T(old_readers_read_new_writers), T(an_incompatible_version_is_found), T(fields_are_read_by_name))
