/* base/time: what parses also formats to something that parses the same; any ms goes to a civil time and back. */

#include "base/time.h"

#include "fuzz.h"

static void there_and_back(Time t) {
    char out[TIME_TEXT_MAX];
    Time back;
    Civil c = time_to_civil(t);
    MUST(civil_valid(&c) && time_from_civil(&c).ms == t.ms);
    size_t n = time_format_iso(t, out);
    MUST(n > 0 && n <= TIME_TEXT_MAX);
    if (t.ms >= TIME_ISO_MIN.ms && t.ms <= TIME_ISO_MAX.ms)
        MUST(time_parse_iso(str_n(out, n), &back, NULL) && back.ms == t.ms);
    MUST(time_format_http(t, out) == 29);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Str text = str_n((const char *)data, size);
    Time t = { 7 }, any = { 7 };
    bool zone;
    int64_t ms = 7;
    if (time_parse_iso(text, &t, &zone)) {
        MUST(t.ms >= TIME_ISO_MIN.ms && t.ms <= TIME_ISO_MAX.ms);
        MUST(time_parse_any(text, &any) && any.ms == t.ms);
        there_and_back(t);
    } else {
        MUST(t.ms == 7);
    }
    if (time_parse_any(text, &any))
        there_and_back(any);
    if (duration_parse_ms(text, &ms))
        MUST(ms >= 0);
    else
        MUST(ms == 7);
    for (size_t i = 0; i + 8 <= size; i += 8) {
        memcpy(&t.ms, data + i, sizeof t.ms);
        there_and_back(t);
    }
    return 0;
}
