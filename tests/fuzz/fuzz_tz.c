/* base/tz: any bytes as a TZif file; what is taken must answer for every time, and local times come back.
 * An input that does not begin with 'T' is tried as the footer of a file too. */

#include "base/tz.h"

#include "base/buf.h"

#include "fuzz.h"

static void probe(const Tz *tz, Time t) {
    char out[TIME_TEXT_MAX];
    TzFit fit;
    TzOffset offset = tz_offset_at(tz, t);
    MUST(offset.offset_s > -200000 && offset.offset_s < 200000);
    MUST(tz_next_change(tz, t).ms > t.ms || t.ms == INT64_MAX);
    MUST(tz_format_iso(tz, t, out) <= TIME_TEXT_MAX);
    if (t.ms < INT64_MIN + 4 * (int64_t)MS_PER_DAY || t.ms > INT64_MAX - 4 * (int64_t)MS_PER_DAY)
        return; /* additions saturate there */
    Civil c = tz_to_civil(tz, t);
    MUST(civil_valid(&c));
    Time back = tz_from_civil(tz, &c, &fit);
    Civil again = tz_to_civil(tz, back);
    MUST(fit != TZ_SKIPPED && back.ms <= t.ms && (fit == TZ_TWICE || back.ms == t.ms));
    MUST(memcmp(&c, &again, sizeof c) == 0);
}

static void probe_all(const Tz *tz) {
    static const int64_t times[] = { INT64_MIN, INT64_MAX, -62135596800000, 0, 1709296496000, 253402300799999 };
    for (size_t i = 0; i < ARRAY_LEN(times); i++)
        probe(tz, time_ms(times[i]));
    Time t = time_ms(-2208988800000);
    for (int i = 0; i < 20 && t.ms < INT64_MAX; i++) {
        probe(tz, time_add_ms(t, -1));
        probe(tz, t);
        t = tz_next_change(tz, t);
    }
}

static void put_empty_block(Buf *b) {
    static const char header[44] =
        "TZif3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4";
    buf_put(b, header, sizeof header);
    buf_put(b, "\0\0\0\0\0\0LMT", 10);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Str bytes = str_n((const char *)data, size);
    Arena a = { 0 };
    ClockManual clock;
    Ctx cx;
    const Tz *tz;
    clock_manual_init(&clock, time_ms(0));
    ctx_init(&cx, &a, &clock.clock);
    int e = tz_read(&cx, S("Fuzz/Zone"), bytes, &tz);
    MUST(e == 0 || e == ERR_CORRUPT || e == ERR_UNSUPPORTED);
    if (e == 0)
        probe_all(tz);
    if (size < 300 && size > 0 && data[0] != 'T') {
        Buf b;
        buf_init(&b, 1024);
        put_empty_block(&b);
        put_empty_block(&b);
        buf_put_c(&b, '\n');
        buf_put_str(&b, bytes);
        buf_put_c(&b, '\n');
        if (tz_read(&cx, S("Fuzz/Rule"), buf_str(&b), &tz) == 0)
            probe_all(tz);
        buf_done(&b);
    }
    if (tz_name_valid(bytes))
        MUST(size <= 64 && bytes.p[0] != '/' && str_find(bytes, S(".")) < 0 && str_find(bytes, S("//")) < 0);
    arena_done(&a);
    return 0;
}
