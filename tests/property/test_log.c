/* Whatever bytes go into a log line: one line comes out, it is printable, and as JSON it parses (OBS-17). */

#include "base/json.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/utf8.h"
#include "lib/test.h"

static Str random_bytes(Rng *rng, Arena *a, size_t most) {
    static const char *const nasty[] = { "\n",           "\r\n",     "\033[31m", "\xc2\x9b", "\xe2\x80\xa8",
                                         "\xe2\x80\xae", "\"}\n{\"", "\\",       "\\n",      "\xed\xa0\x80",
                                         "\xf4\x90",     "%s%n",     "\x7f",     "=",        "\xef\xbb\xbf" };
    char *p = arena_alloc(a, most + 8);
    size_t n = 0, want = rng_below(rng, most + 1);
    while (n < want) {
        if (rng_chance(rng, 0.5)) {
            Str piece = str_c(nasty[rng_below(rng, ARRAY_LEN(nasty))]);
            memcpy(p + n, piece.p, piece.n);
            n += piece.n;
        } else {
            p[n++] = (char)rng_u64(rng);
        }
    }
    return str_n(p, n);
}

static bool printable(Str line) {
    while (line.n > 0) {
        uint32_t cp = 0;
        size_t size = utf8_decode(line.p, line.n, &cp);
        bool separator = cp >= 0x2028 && cp <= 0x202e;
        if (size == 0 || cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || separator)
            return false;
        line = str_from(line, size);
    }
    return true;
}

TEST(any_bytes_make_one_printable_line) {
    Rng rng;
    rng_seed(&rng, prop_seed(17));
    for (int round = 0; round < 3000; round++) {
        TestCtx t;
        test_ctx_init(&t);
        LogSink *sink = log_sink_memory(1 << 20);
        LogCfg cfg = { .format = round % 2 ? LOG_JSON : LOG_TEXT, .service = random_bytes(&rng, &t.arena, 20) };
        Logger *log = log_new(&cfg, &t.clock.clock, sink);
        t.cx.trace.request_id = random_bytes(&rng, &t.arena, 60);
        t.cx.trace.correlation_id = random_bytes(&rng, &t.arena, 60);
        t.cx.principal.id = random_bytes(&rng, &t.arena, 60);
        const char *key = str_cz(&t.arena, random_bytes(&rng, &t.arena, 30));
        LOG_ERROR(log, &t.cx, random_bytes(&rng, &t.arena, 300), F_STR(key, random_bytes(&rng, &t.arena, 300)),
                  F_STR("b", random_bytes(&rng, &t.arena, 3000)), F_F64("f", rng_normal(&rng)));
        Str line = log_sink_memory_text(sink, &t.arena);
        CHECK(str_ends(line, S("\n")));
        line = str_first(line, line.n - 1);
        CHECK(printable(line));
        if (cfg.format == LOG_JSON) {
            JsonReader r;
            json_reader_init(&r, line, &t.arena, 8);
            CHECK_EQ(json_skip(&r), 0);
            CHECK_EQ(json_finish(&r), 0);
        }
        log_free(log);
        test_ctx_done(&t);
    }
}

TESTS(T(any_bytes_make_one_printable_line))
