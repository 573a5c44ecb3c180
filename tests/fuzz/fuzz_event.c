/* core/event, core/event_schema, and the headers and deaths of the log: whatever the bytes, an answer within the bounds. The
 * first line of the input is a topic pattern, the second a routing key, the rest a body. */

#include "adapters/bus/log_internal.h"
#include "core/event_schema.h"

#include "fuzz.h"

static Str line(Str *rest) {
    ptrdiff_t end = str_find_char(*rest, '\n');
    Str one = end < 0 ? *rest : str_first(*rest, (size_t)end);
    *rest = end < 0 ? (Str){ 0 } : str_from(*rest, (size_t)end + 1);
    return one;
}

static void check_topic(Str pattern, Str key) {
    if (!event_topic_valid(pattern) || !event_topic_valid(key))
        return;
    bool matches = event_topic_match(pattern, key);
    MUST(event_topic_match(S("#"), key));
    if (str_find_char(key, '*') < 0 && str_find_char(key, '#') < 0)
        MUST(event_topic_match(key, key));
    if (str_find_char(pattern, '*') < 0 && str_find_char(pattern, '#') < 0)
        MUST(matches == str_eq(pattern, key));
}

static void check_body(Arena *a, Str body) {
    static const char *const names[] = { "symbol", "priority", "message_type", "a" };
    for (size_t i = 0; i < event_schemas.n; i++) {
        SchemaFault why;
        int r = event_schema_check(a, &event_schemas.v[i], body, &why);
        MUST(r == 0 || r == ERR_INVALID || r == ERR_BAD_REQUEST);
        MUST((r == 0) == (why.words.n == 0));
        MUST(event_schema_publish(a, &event_schemas, str_c(event_schemas.v[i].type), 1, body, &why) == r);
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        Str text;
        if (event_body_text(a, body, str_c(names[i]), &text))
            MUST(text.n <= body.n);
    }
}

/* What is read is written back as the same. */
static void check_rows(Ctx *cx, Str text) {
    const EventHeader *v, *again;
    size_t n, n_again;
    Str json;
    Death d, same;
    if (event_log_headers_read(cx, text, &v, &n) == 0) {
        MUST(n <= EVENT_HEADERS_MAX);
        MUST(event_log_headers_write(cx, v, n, &json) == 0 && event_log_headers_read(cx, json, &again, &n_again) == 0);
        MUST(n == n_again);
        for (size_t i = 0; i < n; i++)
            MUST(str_eq(v[i].name, again[i].name) && str_eq(v[i].value, again[i].value));
    }
    if (event_log_death_read(cx, text, &d) == 0) {
        MUST(event_log_death_read(cx, event_log_death_write(cx, &d), &same) == 0);
        MUST(str_eq(d.reason, same.reason) && str_eq(d.detail, same.detail) && d.count == same.count);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena a = { 0 };
    ClockManual clock;
    Ctx cx;
    if (size > 8192)
        return 0;
    clock_manual_init(&clock, time_ms(0));
    ctx_init(&cx, &a, &clock.clock);
    Str rest = str_n((const char *)data, size), pattern = line(&rest), key = line(&rest);
    check_topic(pattern, key);
    check_body(&a, rest);
    check_rows(&cx, rest);
    arena_done(&a);
    return 0;
}
