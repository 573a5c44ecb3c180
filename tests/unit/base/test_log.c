/* base/log: the line of OBS-17, the levels of U17 and OBS-30, escaping, masking, the guard, the sinks. */

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "lib/test.h"

#include <pthread.h>
#include <unistd.h>

typedef struct Setup {
    TestCtx t;
    LogSink *sink;
    Logger *log;
} Setup;

static void setup(Setup *s, LogFormat format) {
    test_ctx_init(&s->t);
    s->sink = log_sink_memory(1 << 20);
    LogCfg cfg = { .level = LEVEL_INFO, .format = format, .service = S("market") };
    s->log = log_new(&cfg, &s->t.clock.clock, s->sink);
}

static Str text(Setup *s) {
    return log_sink_memory_text(s->sink, &s->t.arena);
}

static void done(Setup *s) {
    s->log = log_free(s->log);
    test_ctx_done(&s->t);
}

static size_t count_lines(Str s) {
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '\n';
    return n;
}

/* OBS-17: the keys and their order; OBS-18: the ids. */
TEST(a_json_line_has_the_documented_keys) {
    Setup s;
    setup(&s, LOG_JSON);
    Ctx *cx = &s.t.cx;
    cx->trace.request_id = S("r-1");
    cx->trace.correlation_id = S("c-1");
    cx->principal.id = S("key-7");
    LOG_WARNING(s.log, cx, S("slow"), F_STR("symbol", S("BTC")), F_I64("rows", -3), F_MS(12.5), F_BOOL("cached", true),
                F_F64("ratio", NAN));
    CHECK_STR(text(&s), S("{\"timestamp\":\"2024-01-01T00:00:00.000Z\",\"service\":\"market\",\"level\":\"WARNING\","
                          "\"message\":\"slow\",\"duration_ms\":12.5,\"request_id\":\"r-1\",\"correlation_id\":\"c-1\","
                          "\"user_id\":\"key-7\",\"metadata\":{\"symbol\":\"BTC\",\"rows\":-3,\"cached\":true,"
                          "\"ratio\":null}}\n"));
    done(&s);
}

TEST(keys_without_a_value_are_left_out) {
    Setup s;
    setup(&s, LOG_JSON);
    LOG_INFO(s.log, NULL, S("ready"));
    CHECK_STR(text(&s), S("{\"timestamp\":\"2024-01-01T00:00:00.000Z\",\"service\":\"market\",\"level\":\"INFO\","
                          "\"message\":\"ready\"}\n"));
    done(&s);
}

TEST(a_text_line_is_for_people) {
    Setup s;
    setup(&s, LOG_TEXT);
    clock_manual_advance_ms(&s.t.clock, 7);
    s.t.cx.trace.request_id = S("r-1");
    LOG_INFO(s.log, &s.t.cx, S("candles saved"), F_STR("symbol", S("BTC")), F_STR("note", S("two \"words\"")),
             F_STR("none", S("")), F_MS(3));
    CHECK_STR(text(&s), S("2024-01-01T00:00:00.007Z INFO     candles saved duration_ms=3 request_id=r-1 symbol=BTC "
                          "note=\"two \\\"words\\\"\" none=\"\"\n"));
    done(&s);
}

TEST(colours_appear_only_when_told) {
    Setup s;
    test_ctx_init(&s.t);
    for (int colours = 0; colours < 2; colours++) {
        s.sink = log_sink_memory(1 << 16);
        LogCfg cfg = { .format = LOG_TEXT, .colours = colours, .service = S("x") };
        s.log = log_new(&cfg, &s.t.clock.clock, s.sink);
        LOG_ERROR(s.log, NULL, S("bad"));
        CHECK_EQ(str_find_char(text(&s), '\033') >= 0, colours);
        log_free(s.log);
    }
    test_ctx_done(&s.t);
}

/* U17, OBS-18 */
TEST(levels_have_one_scale_and_aliases) {
    static const struct {
        const char *name;
        bool ok;
        LogLevel want;
    } rows[] = {
        { "DEBUG", true, LEVEL_DEBUG },    { "trace", true, LEVEL_DEBUG },       { "Info", true, LEVEL_INFO },
        { "WARN", true, LEVEL_WARNING },   { "warning", true, LEVEL_WARNING },   { "ERROR", true, LEVEL_ERROR },
        { "fatal", true, LEVEL_CRITICAL }, { "CRITICAL", true, LEVEL_CRITICAL }, { "off", true, LEVEL_OFF },
        { "", false, LEVEL_DEBUG },        { "WARNINGS", false, LEVEL_DEBUG },   { "loud", false, LEVEL_DEBUG },
    };
    EACH_ROW (r, rows) {
        LogLevel got = LEVEL_DEBUG;
        CHECK_EQ(log_level_parse(str_c(r->name), &got), r->ok);
        CHECK_EQ(got, r->want);
    }
    for (LogLevel l = LEVEL_DEBUG; l <= LEVEL_OFF; l++) { /* every name reads back */
        LogLevel got;
        CHECK(log_level_parse(str_c(log_level_name(l)), &got));
        CHECK_EQ(got, l);
    }
}

/* OBS-30: what is below the level costs nothing and says nothing; production runs at INFO. */
TEST(a_level_below_the_gate_is_silent) {
    Setup s;
    setup(&s, LOG_JSON);
    int evaluated = 0;
    LOG_DEBUG(s.log, NULL, S("dev"), F_I64("n", ++evaluated));
    log_printf(s.log, NULL, LEVEL_DEBUG, "dev %d", 1);
    log_record(s.log, NULL, LEVEL_DEBUG, S("dev"), NULL, 0);
    CHECK_EQ(text(&s).n, 0);
    CHECK_EQ(evaluated, 0);
    log_set_level(s.log, LEVEL_DEBUG);
    LOG_DEBUG(s.log, NULL, S("dev"), F_I64("n", ++evaluated));
    CHECK_EQ(count_lines(text(&s)), 1);
    log_set_level(s.log, LEVEL_OFF);
    LOG_CRITICAL(s.log, NULL, S("end"));
    CHECK_EQ(count_lines(text(&s)), 1);
    LOG_CRITICAL(NULL, NULL, S("no logger"), F_I64("n", 1)); /* NULL is off */
    done(&s);
}

TEST(nothing_from_outside_forges_a_line) {
    static const struct {
        const char *name, *given, *want;
    } rows[] = {
        { "newline", "a\n2024 ERROR b", "a\\n2024 ERROR b" },
        { "carriage return", "a\rb", "a\\rb" },
        { "escape code", "\033[2Jgone", "\\u001b[2Jgone" },
        { "C1 CSI",
          "\xc2\x9b"
          "2J",
          "\\u009b2J" },
        { "DEL", "a\x7f", "a\\u007f" },
        { "line separator",
          "a\xe2\x80\xa8"
          "b",
          "a\\u2028b" },
        { "bidi override",
          "a\xe2\x80\xae"
          "b",
          "a\\u202eb" },
        { "bad UTF-8",
          "a\xff"
          "b",
          "a\\ufffdb" },
        { "backslash", "a\\nb", "a\\\\nb" },
        { "good UTF-8", "caf\xc3\xa9 \xe2\x82\xac", "caf\xc3\xa9 \xe2\x82\xac" },
    };
    EACH_ROW (r, rows) {
        for (int format = LOG_JSON; format <= LOG_TEXT; format++) {
            Setup s;
            setup(&s, format);
            test_row_name = r->name;
            LOG_INFO(s.log, NULL, str_c(r->given), F_STR("k", str_c(r->given)), F_STR(r->given, S("v")));
            Str line = text(&s);
            CHECK_EQ(count_lines(line), 1);
            Str rest = str_from(line, (size_t)MAX(str_find(line, str_c(r->want)), 0));
            CHECK(str_starts(rest, str_c(r->want)));
            CHECK(str_find(str_from(rest, 1), str_c(r->want)) > 0); /* and in the field */
            done(&s);
        }
    }
}

TEST(secrets_are_masked) {
    Setup s;
    setup(&s, LOG_JSON);
    LOG_INFO(s.log, NULL, S("x"), F_STR("api_key", S("hunter2")), F_STR("Authorization", S("Bearer hunter2")),
             F_STR("db_PASSWORD", S("hunter2")), F_STR("cache_key", S("k1")));
    CHECK(str_find(text(&s), S("hunter2")) < 0);
    CHECK(str_find(text(&s), S("\"cache_key\":\"k1\"")) > 0);
    CHECK_STR(log_secret(&s.t.arena, S("short")), S("***"));
    CHECK_STR(log_secret(&s.t.arena, S("")), S("***"));
    CHECK_STR(log_secret(&s.t.arena, S("0123456789abcdefWXYZ")), S("***WXYZ"));
    done(&s);
}

TEST(a_line_has_a_ceiling) {
    Setup s;
    setup(&s, LOG_JSON);
    char *big = memset(arena_alloc(&s.t.arena, 100000), '\x01', 100000); /* six bytes each when escaped */
    Str huge = str_n(big, 100000);
    LogField fields[40];
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        fields[i] = F_STR("field", huge);
    s.t.cx.trace.request_id = huge;
    s.t.cx.trace.correlation_id = huge;
    s.t.cx.principal.id = huge;
    log_write(s.log, &s.t.cx, LEVEL_INFO, huge, fields, ARRAY_LEN(fields));
    Str line = text(&s);
    CHECK(line.n > 4096 && line.n < 1 << 16);
    CHECK_EQ(count_lines(line), 1);
    CHECK(str_find(line, S("\"truncated\":1}}")) > 0);
    JsonReader r;
    json_reader_init(&r, line, &s.t.arena, 8);
    CHECK_EQ(json_skip(&r), 0);
    CHECK_EQ(json_finish(&r), 0);
    done(&s);
}

TEST(a_flood_of_one_message_is_cut_and_counted) {
    TestCtx t;
    test_ctx_init(&t);
    Setup s = { .sink = log_sink_memory(1 << 20) };
    LogCfg cfg = { .format = LOG_JSON, .service = S("x"), .guard_per_s = 3 };
    Logger *log = log_new(&cfg, &t.clock.clock, s.sink);
    for (int i = 0; i < 10; i++)
        log_printf(log, NULL, LEVEL_ERROR, "venue %d is away", i); /* one message, whatever the number */
    LOG_ERROR(log, NULL, S("another"));
    CHECK_EQ(count_lines(log_sink_memory_text(s.sink, &t.arena)), 4);
    for (int i = 0; i < 5; i++)
        log_record(log, NULL, LEVEL_INFO, S("access"), NULL, 0); /* records are never cut */
    CHECK_EQ(count_lines(log_sink_memory_text(s.sink, &t.arena)), 9);
    clock_manual_advance_ms(&t.clock, 1000);
    log_printf(log, NULL, LEVEL_ERROR, "venue %d is away", 11);
    Str all = log_sink_memory_text(s.sink, &t.arena);
    CHECK_EQ(count_lines(all), 10);
    CHECK(str_ends(all, S("\"message\":\"venue 11 is away\",\"metadata\":{\"suppressed\":7}}\n")));
    log_free(log);
    test_ctx_done(&t);
}

typedef struct Kept { /* a sink that outlives its logger */
    LogSink sink;
    Buf text;
} Kept;

static void kept_write(LogSink *s, const char *line, size_t n) {
    buf_put(&((Kept *)s)->text, line, n);
}

static void kept_close(LogSink *s) {
    UNUSED(s);
}

TEST(what_was_suppressed_is_told_at_the_end) {
    TestCtx t;
    test_ctx_init(&t);
    Kept kept = { .sink = { kept_write, kept_close } };
    buf_init(&kept.text, 1 << 16);
    LogCfg cfg = { .format = LOG_JSON, .service = S("x"), .guard_per_s = 1 };
    Logger *log = log_new(&cfg, &t.clock.clock, &kept.sink);
    for (int i = 0; i < 4; i++)
        LOG_ERROR(log, NULL, S("again"));
    log_free(log);
    CHECK_EQ(count_lines(buf_str(&kept.text)), 2);
    CHECK(str_find(buf_str(&kept.text), S("\"metadata\":{\"of\":\"again\",\"suppressed\":3}")) > 0);
    buf_done(&kept.text);
    test_ctx_done(&t);
}

TEST(a_failure_is_logged_with_its_code_place_and_words) {
    Setup s;
    setup(&s, LOG_JSON);
    err_set_at(&s.t.cx, ERR_INVALID, S("limit"), "%d is below 1", -4);
    log_failure(s.log, &s.t.cx, S("query refused"));
    CHECK(str_find(text(&s), S("\"level\":\"INFO\",\"message\":\"query refused\",\"metadata\":{\"code\":"
                               "\"validation_error\",\"error\":\"-4 is below 1\",\"field\":\"limit\"}")) > 0);
    err_set(&s.t.cx, ERR_IO, "disk gone");
    log_failure(s.log, &s.t.cx, S("save failed"));
    CHECK(str_find(text(&s), S("\"level\":\"ERROR\",\"message\":\"save failed\",\"metadata\":{\"code\":\"io_error\","
                               "\"error\":\"disk gone\"}")) > 0);
    done(&s);
}

/* OBS-18: retention by size and number. */
TEST(a_file_rotates_and_keeps_so_many) {
    TestCtx t;
    test_ctx_init(&t);
    const char *dir = test_dir();
    char *path = path_join(&t.arena, dir, "a.log");
    LogSink *sink;
    CHECK_OK(&t.cx, log_sink_file(&t.cx, path, 10, 2, &sink));
    static const char *const lines[] = { "111111\n", "222222\n", "333333\n", "444444\n" };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        sink->write(sink, lines[i], strlen(lines[i]));
    sink->close(sink);
    Str got;
    CHECK_OK(&t.cx, file_read(&t.cx, path, 100, &got));
    CHECK_STR(got, S("444444\n"));
    CHECK_OK(&t.cx, file_read(&t.cx, path_join(&t.arena, dir, "a.log.1"), 100, &got));
    CHECK_STR(got, S("333333\n"));
    CHECK_OK(&t.cx, file_read(&t.cx, path_join(&t.arena, dir, "a.log.2"), 100, &got));
    CHECK_STR(got, S("222222\n"));
    CHECK(!file_exists(path_join(&t.arena, dir, "a.log.3")));
    CHECK_OK(&t.cx, log_sink_file(&t.cx, path, 10, 2, &sink)); /* an old file is gone on with */
    sink->write(sink, "55\n", 3);
    sink->close(sink);
    CHECK_OK(&t.cx, file_read(&t.cx, path, 100, &got));
    CHECK_STR(got, S("444444\n55\n"));
    CHECK_EQ(log_sink_file(&t.cx, path_join(&t.arena, dir, "no/a.log"), 10, 2, &sink), ERR_NOT_FOUND);
    test_dir_done(dir);
    test_ctx_done(&t);
}

enum { WRITERS = 4, LINES = 300 };

static void *write_lines(void *arg) {
    Logger *log = arg;
    char filler[600];
    memset(filler, 'x', sizeof filler);
    for (int i = 0; i < LINES; i++)
        LOG_INFO(log, NULL, S("line"), F_STR("filler", str_n(filler, sizeof filler)), F_I64("i", i));
    return NULL;
}

TEST(lines_of_many_threads_stay_whole) {
    TestCtx t;
    test_ctx_init(&t);
    const char *dir = test_dir();
    char *path = path_join(&t.arena, dir, "a.log");
    LogSink *sink;
    CHECK_OK(&t.cx, log_sink_file(&t.cx, path, 0, 0, &sink));
    LogCfg cfg = { .format = LOG_JSON, .service = S("x") };
    Logger *log = log_new(&cfg, &t.clock.clock, sink);
    pthread_t threads[WRITERS];
    for (int i = 0; i < WRITERS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, write_lines, log), 0);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    log_free(log);
    Str all, line;
    CHECK_OK(&t.cx, file_read(&t.cx, path, 8 << 20, &all));
    CHECK_EQ(count_lines(all), WRITERS * LINES);
    while (str_next(&all, '\n', &line) && line.n)
        CHECK(str_starts(line, S("{\"timestamp\"")) && str_ends(line, S("}}")));
    test_dir_done(dir);
    test_ctx_done(&t);
}

/* PRI-14: the factory makes either logger from configuration's words. */
TEST(the_factory_makes_json_and_text_loggers_by_name) {
    static const struct {
        const char *name;
        char first;
    } rows[] = { { "json", '{' }, { "text", '2' } };
    EACH_ROW (r, rows) {
        TestCtx t;
        test_ctx_init(&t);
        LogCfg cfg = { .service = S("x") };
        CHECK(log_format_parse(str_c(r->name), &cfg.format));
        LogSink *sink = log_sink_memory(4096);
        Logger *log = log_new(&cfg, &t.clock.clock, sink);
        LOG_INFO(log, NULL, S("hello"));
        CHECK_EQ(log_sink_memory_text(sink, &t.arena).p[0], r->first);
        log_free(log);
        test_ctx_done(&t);
    }
    LogFormat f;
    CHECK(!log_format_parse(S("xml"), &f));
}

static int sink_calls;

typedef struct CountSink {
    LogSink sink;
    LogSink *to;
} CountSink;

static void count_write(LogSink *s, const char *lines, size_t n) {
    sink_calls++;
    CountSink *c = (CountSink *)s;
    c->to->write(c->to, lines, n);
}

static void count_close(LogSink *s) {
    CountSink *c = (CountSink *)s;
    c->to->close(c->to);
}

TEST(records_of_a_batch_go_out_in_one_call) {
    TestCtx t;
    test_ctx_init(&t);
    CountSink sink = { { count_write, count_close }, log_sink_memory(1 << 20) };
    Logger *log =
        log_new(&(LogCfg){ .level = LEVEL_INFO, .format = LOG_JSON, .service = S("x") }, &t.clock.clock, &sink.sink);
    LogBatch b = { 0 };
    sink_calls = 0;
    log_batch_end(&b, log);
    CHECK_EQ(sink_calls, 0);
    for (int i = 0; i < 3; i++)
        log_batch_record(&b, log, NULL, LEVEL_INFO, S("request"), &F_I64("i", i), 1);
    log_batch_record(&b, log, NULL, LEVEL_DEBUG, S("not told"), NULL, 0);
    CHECK_EQ(sink_calls, 0);
    log_batch_end(&b, log);
    CHECK_EQ(sink_calls, 1);
    CHECK_EQ(count_lines(log_sink_memory_text(sink.to, &t.arena)), 3);
    int before = sink_calls; /* one that is full does not wait for its end */
    for (int i = 0; i < 2000; i++)
        log_batch_record(&b, log, NULL, LEVEL_INFO, S("request"), &F_I64("i", i), 1);
    CHECK(sink_calls > before && sink_calls < before + 20);
    log_batch_done(&b, log);
    CHECK_EQ(count_lines(log_sink_memory_text(sink.to, &t.arena)), 2003);
    log_free(log);
    test_ctx_done(&t);
}

/* Every byte, at every place of a word of eight: what stands for itself does, the rest is escaped. */
TEST(each_byte_is_escaped_or_not_wherever_it_stands) {
    for (int byte = 0; byte < 0x80; byte++)
        for (size_t at = 1; at < 16; at++) {
            Setup s;
            setup(&s, LOG_JSON);
            char value[17];
            memset(value, 'x', sizeof value);
            value[at] = (char)byte;
            LOG_INFO(s.log, NULL, S("m"), F_STR("v", str_n(value, sizeof value)));
            Str line = text(&s);
            bool plain = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
            ptrdiff_t found = str_find(line, str_n(value, sizeof value));
            CHECK_EQ(found >= 0, plain);
            CHECK_EQ(str_find_char(str_first(line, line.n - 1), '\n'), -1);
            CHECK_EQ(str_find_char(line, 0x7f), -1);
            done(&s);
        }
}

TESTS(T(records_of_a_batch_go_out_in_one_call), T(each_byte_is_escaped_or_not_wherever_it_stands),
      T(a_json_line_has_the_documented_keys), T(keys_without_a_value_are_left_out), T(a_text_line_is_for_people),
      T(colours_appear_only_when_told), T(levels_have_one_scale_and_aliases), T(a_level_below_the_gate_is_silent),
      T(nothing_from_outside_forges_a_line), T(secrets_are_masked), T(a_line_has_a_ceiling),
      T(a_flood_of_one_message_is_cut_and_counted), T(what_was_suppressed_is_told_at_the_end),
      T(a_failure_is_logged_with_its_code_place_and_words), T(a_file_rotates_and_keeps_so_many),
      T(lines_of_many_threads_stay_whole), T(the_factory_makes_json_and_text_loggers_by_name))
