/* base/num: numbers as text. strtod of the C library is the reference. */

#include "base/num.h"

#include "lib/test.h"

static uint64_t next_random(uint64_t *x) { /* xorshift64 */
    *x ^= *x << 13;
    *x ^= *x >> 7;
    return *x ^= *x << 17;
}

static double of_bits(uint64_t bits) {
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static bool same_bits(double a, double b) {
    return memcmp(&a, &b, sizeof a) == 0;
}

TEST(grammar) {
    static const struct {
        const char *name;
        size_t prefix; /* bytes num_scan_f64 takes */
        double want;
    } rows[] = {
        { "0", 1, 0 },
        { "-1", 2, -1 },
        { "+1.5", 4, 1.5 },
        { ".5", 2, 0.5 },
        { "5.", 2, 5 },
        { "46216.93", 8, 46216.93 },
        { "0.00000812", 10, 8.12e-6 },
        { "1e3", 3, 1000 },
        { "1E+3", 4, 1000 },
        { "1e-3", 4, 0.001 },
        { "007", 3, 7 },
        { "1e0000000000000000000002", 24, 100 },
        { "1e-99999999999999999999", 23, 0 },
        { "0e99999999999999999999", 22, 0 },
        { "123456789012345678901234567890", 30, 123456789012345678901234567890.0 },
        { "0.1234567890123456789012345678", 30, 0.1234567890123456789012345678 },
        { "9007199254740993", 16, 9007199254740992.0 },
        { "1.7976931348623157e308", 22, 1.7976931348623157e308 },
        { "4.9e-324", 8, 4.9e-324 },
        { "2.4703282292062327e-324", 23, 0 },
        { "2.4703282292062328e-324", 23, 4.9e-324 },
        { "2.2250738585072011e-308", 23, 2.2250738585072011e-308 },
        { "1e", 1, 1 },
        { "1e+", 1, 1 },
        { "1.5.2", 3, 1.5 },
        { "1,5", 1, 1 },
        { "12 ", 2, 12 },
        { "0x10", 1, 0 },
        { "", 0, 0 },
        { ".", 0, 0 },
        { "-", 0, 0 },
        { "e5", 0, 0 },
        { "-.e1", 0, 0 },
        { " 1", 0, 0 },
        { "nan", 0, 0 },
        { "inf", 0, 0 },
        { "--1", 0, 0 },
        { "1e309", 0, 0 },
        { "-1.7976931348623159e308", 0, 0 },
        { "1e99999999999999999999", 0, 0 },
    };
    EACH_ROW (r, rows) {
        double v = 7;
        Str s = str_c(r->name);
        CHECK_EQ(num_scan_f64(s, &v), r->prefix);
        CHECK(same_bits(v, r->prefix ? r->want : 7));
        v = 7;
        CHECK_EQ(num_parse_f64(s, &v), s.n > 0 && r->prefix == s.n);
        CHECK(same_bits(v, s.n && r->prefix == s.n ? r->want : 7));
    }
    double v;
    CHECK(num_parse_f64(S("-0"), &v) && same_bits(v, -0.0));
    CHECK(!num_parse_f64((Str){ 0 }, &v));
}

TEST(shortest_text_as_javascript_prints) {
    static const struct {
        const char *name;
        double v;
    } rows[] = {
        { "0", 0 },
        { "0", -0.0 },
        { "42", 42 },
        { "-1", -1 },
        { "0.1", 0.1 },
        { "0.30000000000000004", 0.1 + 0.2 },
        { "46216.93", 46216.93 },
        { "100000", 1e5 },
        { "0.000001", 1e-6 },
        { "0.00000812", 8.12e-6 },
        { "1e-7", 1e-7 },
        { "1.2e-7", 1.2e-7 },
        { "123456789012345680000", 123456789012345678901.0 },
        { "100000000000000000000", 1e20 },
        { "1e+21", 1e21 },
        { "1.5e+300", 1.5e300 },
        { "5e-324", 4.9e-324 },
        { "1.7976931348623157e+308", 1.7976931348623157e308 },
        { "2.2250738585072014e-308", 2.2250738585072014e-308 },
        { "9007199254740992", 9007199254740992.0 },
        { "9007199254740993000", 9007199254740993e3 },
        { "4503599627370495.5", 4503599627370495.5 },
        { "-2.220446049250313e-16", -0x1p-52 },
    };
    EACH_ROW (r, rows) {
        char out[NUM_TEXT_MAX];
        CHECK_STR(str_n(out, num_format_f64(r->v, out)), str_c(r->name));
    }
}

TEST(whole_numbers) {
    char out[NUM_TEXT_MAX];
    CHECK_STR(str_n(out, num_format_i64(INT64_MIN, out)), S("-9223372036854775808"));
    CHECK_STR(str_n(out, num_format_i64(INT64_MAX, out)), S("9223372036854775807"));
    CHECK_STR(str_n(out, num_format_i64(-7, out)), S("-7"));
    CHECK_STR(str_n(out, num_format_u64(UINT64_MAX, out)), S("18446744073709551615"));
    CHECK_STR(str_n(out, num_format_u64(0, out)), S("0"));
    CHECK_STR(str_n(out, num_format_u64(100, out)), S("100"));
}

TEST(any_bits_survive_text) {
    uint64_t x = prop_seed(88172645463325252), bad = 0;
    CHECK(x != 0);
    for (int i = 0; i < 1000000; i++) {
        double v = of_bits(next_random(&x)), back;
        char out[NUM_TEXT_MAX];
        if (!isfinite(v) || v == 0)
            continue;
        size_t n = num_format_f64(v, out);
        bad += n > NUM_TEXT_MAX || !num_parse_f64(str_n(out, n), &back) || !same_bits(v, back);
    }
    CHECK_EQ(bad, 0);
}

/* Number of significant digits in text. */
static int significant(Str s) {
    int n = 0, zeros = 0;
    for (size_t i = 0; i < s.n && s.p[i] != 'e'; i++)
        if (s.p[i] >= '0' && s.p[i] <= '9' && (n || s.p[i] != '0')) {
            n++;
            zeros = s.p[i] == '0' ? zeros + 1 : 0;
        }
    return n - zeros;
}

TEST(no_shorter_text_reads_back) {
    uint64_t x = prop_seed(12345);
    for (int i = 0; i < 20000; i++) {
        double v = of_bits(next_random(&x) & INT64_MAX);
        char out[NUM_TEXT_MAX], shorter[64];
        if (!isfinite(v) || v == 0)
            continue;
        int digits = significant(str_n(out, num_format_f64(v, out)));
        snprintf(shorter, sizeof shorter, "%.*e", MAX(digits - 2, 0), v);
        if (digits > 1 && same_bits(strtod(shorter, NULL), v))
            FAIL("%s is shorter than %d digits", shorter, digits);
        CHECK(digits <= 17);
    }
}

/* Decimals of every length and scale: ours and strtod's must agree on the bits, and on what overflows. */
TEST(reads_what_strtod_reads) {
    uint64_t x = prop_seed(777);
    for (int i = 0; i < 200000; i++) {
        char text[160];
        uint64_t a = next_random(&x), b = next_random(&x), c = next_random(&x);
        int e = (int)(next_random(&x) % 720) - 380, n;
        switch (i % 4) {
        case 0: /* 17 digits of a double */
            n = snprintf(text, sizeof text, "%.16e", isfinite(of_bits(a)) ? of_bits(a) : 1.0);
            break;
        case 1: /* up to 19 digits */
            n = snprintf(text, sizeof text, "%llue%d", (unsigned long long)(a >> (1 + b % 63)), e);
            break;
        case 2: /* up to 60 digits and a point */
            n = snprintf(text, sizeof text, "%llu%llu.%llue%d", (unsigned long long)a,
                         (unsigned long long)(b >> c % 64), (unsigned long long)c, e);
            break;
        default: /* a price */
            n = snprintf(text, sizeof text, "%llu.%0*llu", (unsigned long long)(a % 1000000), (int)(b % 8 + 1),
                         (unsigned long long)(c % 10));
        }
        double want = strtod(text, NULL), got = 0;
        bool ok = num_parse_f64(str_n(text, (size_t)n), &got);
        if (ok != (bool)isfinite(want) || (ok && !same_bits(got, want)))
            FAIL("%s is %.17g, not %.17g", text, got, want);
    }
    CHECK(x != 0);
}

/* The hardest input: the exact point between two doubles (printed from the 64-bit mantissa of x87), that
 * point and a bit more, and a bit less. Up to 1,100 digits, so that cutting at 800 is tried too. */
TEST(halfway_points_go_to_even) {
    if (sizeof(long double) < 16 || (long double)1 + 0x1p-60L == 1)
        SKIP("long double is no wider than double here");
    uint64_t x = prop_seed(4242);
    for (int i = 0; i < 3000; i++) {
        uint64_t bits = next_random(&x) & INT64_MAX;
        if (i % 3 == 0)
            bits &= (UINT64_C(1) << 53) - 1; /* subnormal, or nearly: the longest */
        double v = of_bits(bits);
        char text[1300];
        if (!isfinite(v) || !isfinite(of_bits(bits + 1)))
            continue;
        long double middle = ((long double)v + (long double)of_bits(bits + 1)) / 2;
        int n = snprintf(text, sizeof text, "%.1100Le", middle);
        char *digit = text + 1000 + i % 90; /* past the last digit that is not 0, mostly */
        for (int step = 0; step < 2; step++, *digit = *digit == '0' ? '3' : *digit) {
            double got = -1, want = strtod(text, NULL);
            if (!num_parse_f64(str_n(text, (size_t)n), &got) || !same_bits(got, want))
                FAIL("%.60s...: %.17g, not %.17g", text, got, want);
        }
    }
    CHECK(x != 0);
}

TEST(long_texts_are_read_whole) {
    Arena a = { 0 };
    enum { N = 100000 };
    char *p = arena_alloc(&a, N + 16);
    double v;
    memset(p, '0', N);
    memcpy(p, "0.", 2);
    memcpy(p + N, "1e100000", 8); /* 10^-(N-1) * 10^100000 */
    CHECK(num_parse_f64(str_n(p, N + 8), &v));
    CHECK_NEAR(v, 10.0, 0);
    memset(p, '9', N);
    CHECK(!num_parse_f64(str_n(p, N), &v));
    memcpy(p + N, "e-99999", 7);
    CHECK(num_parse_f64(str_n(p, N + 7), &v));
    CHECK_NEAR(v, 10.0, 0);
    arena_done(&a);
}

TEST(a_column_remembers_its_decimals) {
    static const struct {
        const char *name;
        double v;
        int hint;
    } rows[] = {
        { "46216.93", 46216.93, 2 },   { "46217", 46217, 2 },
        { "46216.9", 46216.9, 2 },     { "0.00012", 0.00012, 5 },
        { "-46216.93", -46216.93, 5 }, { "0", 0, 5 },
        { "1e+22", 1e22, 5 },          { "0.1234567890123456", 0.1234567890123456, 5 },
        { "1e-15", 1e-15, 15 },        { "3.3", 3.3, 1 },
    };
    int hint = 0;
    EACH_ROW (r, rows) {
        char out[NUM_TEXT_MAX];
        CHECK_STR(str_n(out, num_format_f64_hint(r->v, &hint, out)), str_c(r->name));
        CHECK_EQ(hint, r->hint);
    }
}

TEST(a_hint_never_changes_the_text) {
    uint64_t x = prop_seed(99);
    for (int i = 0; i < 100000; i++) {
        static const double scale[] = { 1, 10, 100, 1e3, 1e5, 1e8, 1e12, 7, 3e-9 };
        double v = (double)(next_random(&x) >> (next_random(&x) % 60)) / scale[i % ARRAY_LEN(scale)];
        char plain[NUM_TEXT_MAX], hinted[NUM_TEXT_MAX];
        int hint = (int)(next_random(&x) % 16);
        size_t n = num_format_f64(v, plain);
        CHECK_STR(str_n(hinted, num_format_f64_hint(v, &hint, hinted)), str_n(plain, n));
    }
}

/* The text of a price is copied in pieces of a fixed size: none may reach past what a caller has to give. */
TEST(no_text_touches_more_than_its_room) {
    int64_t digits = 0;
    for (int n = 1; n <= 17; n++) {
        digits = digits * 10 + n % 9 + 1;
        double scale = 1;
        for (int k = 0; k <= 17; k++) {
            struct {
                char out[NUM_TEXT_MAX], canary[8];
            } room;
            memset(&room, '#', sizeof room);
            int hint = MIN(k, 15);
            double v = -(double)digits / scale;
            size_t size = num_format_f64_hint(v, &hint, room.out);
            double back;
            CHECK(num_parse_f64(str_n(room.out, size), &back) && back == v);
            CHECK_STR(str_n(room.canary, sizeof room.canary), S("########"));
            scale *= 10;
        }
    }
}

TESTS(T(grammar), T(shortest_text_as_javascript_prints), T(whole_numbers), T(any_bits_survive_text),
      T(no_shorter_text_reads_back), T(reads_what_strtod_reads), T(halfway_points_go_to_even),
      T(long_texts_are_read_whole), T(a_column_remembers_its_decimals), T(a_hint_never_changes_the_text),
      T(no_text_touches_more_than_its_room))
