/* base/num: agrees with strtod on every prefix it takes, and text of any double reads back. */

#include "base/num.h"

#include <math.h>

#include "fuzz.h"

static bool same_bits(double a, double b) {
    return memcmp(&a, &b, sizeof a) == 0;
}

static void round_trip(double v) {
    char out[NUM_TEXT_MAX], hinted[NUM_TEXT_MAX];
    double back;
    int hint = 3;
    size_t n = num_format_f64(v, out);
    MUST(n > 0 && n <= NUM_TEXT_MAX && num_parse_f64(str_n(out, n), &back));
    MUST(same_bits(back, v == 0 ? 0 : v));
    MUST(num_format_f64_hint(v, &hint, hinted) == n && memcmp(out, hinted, n) == 0 && hint >= 0 && hint <= 15);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Str text = str_n((const char *)data, size);
    double v = 7, v2 = 7;
    size_t n = num_scan_f64(text, &v);
    MUST(n <= size);
    MUST(num_parse_f64(text, &v2) == (size > 0 && n == size));
    if (n) {
        Arena a = { 0 };
        MUST(isfinite(v) && same_bits(v, strtod(str_cz(&a, str_first(text, n)), NULL)));
        arena_done(&a);
        round_trip(v);
    }
    for (size_t i = 0; i + 8 <= size; i += 8) {
        memcpy(&v, data + i, sizeof v);
        if (isfinite(v))
            round_trip(v);
    }
    int64_t i64;
    if (str_to_i64(text, &i64)) {
        char out[NUM_TEXT_MAX];
        int64_t back;
        MUST(str_to_i64(str_n(out, num_format_i64(i64, out)), &back) && back == i64);
    }
    return 0;
}
