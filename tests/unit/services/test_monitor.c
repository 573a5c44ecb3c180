/* The slow-query log. */

#include "lib/test.h"

#include "lib/fake_http.h"
#include "services/monitor/http_log.h"
#include "services/monitor/slow.h"

/* STO-13: what takes longer than the threshold is kept, newest first, and is one line of the log. */
TEST(calls_over_the_threshold_are_kept_and_logged) {
    TestCtx t;
    test_ctx_init(&t);
    LogSink *sink = log_sink_memory(1 << 16);
    Logger *log =
        log_new(&(LogCfg){ .level = LEVEL_INFO, .format = LOG_JSON, .service = S("x") }, &t.clock.clock, sink);
    SlowLog *l = slow_log_new(3, 100 * NS_PER_MS, log);
    t.cx.trace = (Trace){ .request_id = S("r-1"), .trace_hi = 1, .trace_lo = 2 };
    CHECK(!slow_log_wants(l, 100 * NS_PER_MS));
    SlowCall call = {
        .what = S("store.read"), .detail = S("binance:BTCUSDT:1h"), .rows = 7, .took_ns = 100 * NS_PER_MS
    };
    slow_log_add(l, &t.cx, &call);
    CHECK_EQ(slow_log_total(l), 0);
    t.cx.operation = "market.candles";
    for (int i = 1; i <= 5; i++) {
        call.rows = i;
        call.took_ns = (100 + i) * NS_PER_MS;
        slow_log_add(l, &t.cx, &call);
    }
    SlowEntry *v;
    CHECK_EQ(slow_log_list(l, &t.arena, 10, &v), 3);
    CHECK_EQ(slow_log_total(l), 5);
    CHECK_EQ(v[0].rows, 5);
    CHECK_EQ(v[2].rows, 3);
    CHECK_STR(str_c(v[0].what), S("store.read"));
    CHECK_STR(str_c(v[0].detail), S("binance:BTCUSDT:1h"));
    CHECK_STR(str_c(v[0].operation), S("market.candles"));
    CHECK_STR(str_c(v[0].request_id), S("r-1"));
    CHECK_STR(str_c(v[0].trace_id), S("00000000000000010000000000000002"));
    CHECK_EQ(slow_log_list(l, &t.arena, 2, &v), 2);
    Str text = log_sink_memory_text(sink, &t.arena);
    CHECK(str_find(text, S("\"level\":\"WARNING\",\"message\":\"slow query\"")) > 0);
    slow_log_free(l);
    l = slow_log_new(3, 0, NULL); /* switched off */
    CHECK(!slow_log_wants(l, INT64_MAX));
    CHECK(!slow_log_wants(NULL, INT64_MAX));
    CHECK(!slow_log_watch(l));
    slow_log_free(l);
    log_free(log);
    test_ctx_done(&t);
}

/* RES-24, U25: the documents' log lines; the caller has an answer or an error with words, never nothing. */
TEST(http_calls_that_fail_are_logged_in_the_documents_words_RES_24) {
    static const struct {
        const char *name;
        int status, failure;
        const char *method, *line; /* NULL: none */
    } rows[] = {
        { "an answer", 200, 0, "GET", NULL },
        { "nothing new", 304, 0, "GET", NULL },
        { "not there", 404, 0, "GET", "\"level\":\"WARNING\",\"message\":\"HTTP GET failed\"" },
        { "not now", 503, 0, "POST", "\"level\":\"WARNING\",\"message\":\"HTTP POST failed\"" },
        { "nobody", 0, ERR_UNAVAILABLE, "GET", "\"level\":\"ERROR\",\"message\":\"HTTP GET error\"" },
        { "late", 0, ERR_TIMEOUT, "POST", "\"level\":\"ERROR\",\"message\":\"HTTP POST error\"" },
        { "not wanted", 0, ERR_CANCELLED, "GET", NULL },
    };
    EACH_ROW (row, rows) {
        TestCtx t;
        test_ctx_init(&t);
        LogSink *sink = log_sink_memory(1 << 16);
        Logger *log =
            log_new(&(LogCfg){ .level = LEVEL_INFO, .format = LOG_JSON, .service = S("x") }, &t.clock.clock, sink);
        FakeHttp *fake = fake_http_new();
        if (row->failure)
            fake_http_fail(fake, row->failure, "the reason");
        else
            fake_http_reply(fake, row->status, "", S("body"));
        HttpClient *client = http_client_logged(fake_http_client(fake), log);
        HttpRequest rq = { .method = row->method, .url = S("https://example.org/klines?apikey=secret") };
        HttpResponse answer = { 0 };
        int r = http_fetch(client, &t.cx, &rq, &(RetryPolicy){ .attempts = 1 }, &answer, NULL);
        Str text = log_sink_memory_text(sink, &t.arena);
        if (row->failure) {
            CHECK_EQ(r, row->failure);
            CHECK(t.cx.err.text[0]);
        } else {
            CHECK_EQ(answer.status, row->status);
        }
        CHECK_EQ(row->line ? str_find(text, str_c(row->line)) >= 0 : text.n == 0, true);
        CHECK(str_find(text, S("secret")) < 0);
        CHECK(!row->line || str_find(text, S("https://example.org/klines\"")) > 0);
        http_client_close(client);
        fake_http_free(fake);
        log_free(log);
        test_ctx_done(&t);
    }
}

TESTS(T(http_calls_that_fail_are_logged_in_the_documents_words_RES_24), T(calls_over_the_threshold_are_kept_and_logged))
