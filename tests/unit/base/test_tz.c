/* base/tz: zones made here byte by byte, and rules of real places. The system's own files: property/test_tz. */

#include "base/buf.h"
#include "base/tz.h"

#include "lib/test.h"

/* --- TZif writer --- */

typedef struct Type {
    int offset_s;
    int dst;
    int name; /* index into the names */
} Type;

typedef struct Zone {
    const char *version; /* "", "2", "3" */
    size_t n_at;
    int64_t at[8];
    uint8_t type_of[8];
    size_t n_types;
    Type types[4];
    Str names;
    const char *footer; /* NULL: none at all */
    size_t n_leap;
} Zone;

static void put_be(Buf *b, uint64_t v, int size) {
    while (size--)
        buf_put_c(b, (char)(v >> 8 * size));
}

static void put_block(Buf *b, const Zone *z, int time_size, bool empty) {
    size_t n_at = empty ? 0 : z->n_at, n_types = empty ? 1 : z->n_types, n_leap = empty ? 0 : z->n_leap;
    Str names = empty ? S("\0") : z->names;
    BUF_LIT(b, "TZif");
    buf_put_c(b, *z->version);
    buf_put(b, (char[15]){ 0 }, 15);
    put_be(b, 0, 4);
    put_be(b, 0, 4);
    put_be(b, n_leap, 4);
    put_be(b, n_at, 4);
    put_be(b, n_types, 4);
    put_be(b, names.n, 4);
    for (size_t i = 0; i < n_at; i++)
        put_be(b, (uint64_t)z->at[i], time_size);
    buf_put(b, z->type_of, n_at);
    for (size_t i = 0; i < n_types; i++) {
        put_be(b, empty ? 0 : (uint32_t)z->types[i].offset_s, 4);
        put_be(b, empty ? 0 : (uint64_t)z->types[i].dst, 1);
        put_be(b, empty ? 0 : (uint64_t)z->types[i].name, 1);
    }
    buf_put_str(b, names);
    for (size_t i = 0; i < n_leap; i++)
        put_be(b, 0, time_size), put_be(b, 1, 4);
}

static void put_zone(Buf *b, const Zone *z) {
    buf_init(b, 1 << 16);
    if (!*z->version) {
        put_block(b, z, 4, false);
        return;
    }
    put_block(b, z, 4, true);
    put_block(b, z, 8, false);
    if (z->footer)
        buf_printf(b, "\n%s\n", z->footer);
}

static const Tz *zone_of(TestCtx *t, const Zone *z) {
    Buf b;
    const Tz *tz = NULL;
    put_zone(&b, z);
    if (tz_read(&t->cx, S("Test/Zone"), buf_str(&b), &tz))
        FAIL("%s", t->cx.err.text);
    buf_done(&b);
    return tz;
}

/* A zone that is a rule and nothing else. */
static const Tz *rule_zone(TestCtx *t, const char *rule) {
    Zone z = { .version = "3", .n_types = 1, .types = { { 0, 0, 0 } }, .names = S("LMT\0"), .footer = rule };
    return zone_of(t, &z);
}

static Time at(const char *iso) {
    Time t;
    if (!time_parse_iso(str_c(iso), &t, NULL))
        FAIL("%s", iso);
    return t;
}

static Str shown(TestCtx *t, const Tz *tz, Time when) {
    char *p = arena_alloc(&t->arena, TIME_TEXT_MAX);
    return str_n(p, tz_format_iso(tz, when, p));
}

/* --- --- */

TEST(rules_of_real_places) {
    static const struct {
        const char *name; /* the rule */
        const char *utc, *local, *abbreviation;
    } rows[] = {
        { "EST5EDT,M3.2.0,M11.1.0", "2024-03-10T06:59:59Z", "2024-03-10T01:59:59-05:00", "EST" },
        { "EST5EDT,M3.2.0,M11.1.0", "2024-03-10T07:00:00Z", "2024-03-10T03:00:00-04:00", "EDT" },
        { "EST5EDT,M3.2.0,M11.1.0", "2024-11-03T05:59:59Z", "2024-11-03T01:59:59-04:00", "EDT" },
        { "EST5EDT,M3.2.0,M11.1.0", "2024-11-03T06:00:00Z", "2024-11-03T01:00:00-05:00", "EST" },
        { "CET-1CEST,M3.5.0,M10.5.0/3", "2031-03-30T01:00:00Z", "2031-03-30T03:00:00+02:00", "CEST" },
        { "CET-1CEST,M3.5.0,M10.5.0/3", "2031-10-26T01:00:00Z", "2031-10-26T02:00:00+01:00", "CET" },
        { "CET-1CEST,M3.5.0,M10.5.0/3", "2024-12-31T23:30:00Z", "2025-01-01T00:30:00+01:00", "CET" },
        { "AEST-10AEDT,M10.1.0,M4.1.0/3", "2024-01-01T00:00:00Z", "2024-01-01T11:00:00+11:00", "AEDT" },
        { "AEST-10AEDT,M10.1.0,M4.1.0/3", "2024-04-06T16:00:00Z", "2024-04-07T02:00:00+10:00", "AEST" },
        { "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2024-01-01T00:00:00Z", "2024-01-01T11:00:00+11:00", "+11" },
        { "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2024-07-01T00:00:00Z", "2024-07-01T10:30:00+10:30", "+1030" },
        { "IST-1GMT0,M10.5.0,M3.5.0/1", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00+00:00", "GMT" },
        { "IST-1GMT0,M10.5.0,M3.5.0/1", "2024-07-01T00:00:00Z", "2024-07-01T01:00:00+01:00", "IST" },
        { "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2024-03-31T01:00:00Z", "2024-03-31T00:00:00-01:00", "-01" },
        { "IST-2IDT,M3.4.4/26,M10.5.0", "2024-03-29T00:00:00Z", "2024-03-29T03:00:00+03:00", "IDT" },
        { "IST-2IDT,M3.4.4/26,M10.5.0", "2024-03-28T23:59:59Z", "2024-03-29T01:59:59+02:00", "IST" },
        { "XXX3EDT4,0/0,J365/23", "2024-01-01T03:59:59Z", "2023-12-31T23:59:59-04:00", "EDT" }, /* always daylight */
        { "XXX3EDT4,0/0,J365/23", "2024-07-01T00:00:00Z", "2024-06-30T20:00:00-04:00", "EDT" },
        { "AAA0BBB,J1/0,J365/167", "2024-01-03T00:00:00Z", "2024-01-03T01:00:00+01:00", "BBB" },
        { "AAA0BBB,J364/167,J365/167", "2024-01-03T00:00:00Z", "2024-01-03T00:00:00+00:00", "AAA" }, /* ends last 7th */
        { "AAA0BBB,J60/0,J61/0", "2024-03-01T00:00:00Z", "2024-03-01T01:00:00+01:00", "BBB" },       /* J60: 1 March */
        { "AAA0BBB,J60/0,J61/0", "2024-02-29T12:00:00Z", "2024-02-29T12:00:00+00:00", "AAA" },
        { "AAA0BBB,59/0,60/0", "2024-02-29T12:00:00Z", "2024-02-29T13:00:00+01:00", "BBB" }, /* 59: 29 February */
        { "<+07>-7", "2024-03-01T12:34:56.789Z", "2024-03-01T19:34:56.789+07:00", "+07" },
        { "NST3:30", "2024-03-01T00:00:00Z", "2024-02-29T20:30:00-03:30", "NST" },
        { "EST5EDT,M3.2.0,M11.1.0", "9999-07-01T00:00:00Z", "9999-06-30T20:00:00-04:00", "EDT" },
        { "EST5EDT,M3.2.0,M11.1.0", "0001-07-01T00:00:00Z", "0001-06-30T20:00:00-04:00", "EDT" },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        const Tz *tz = rule_zone(&t, r->name);
        CHECK_STR(shown(&t, tz, at(r->utc)), str_c(r->local));
        CHECK_STR(tz_offset_at(tz, at(r->utc)).abbreviation, str_c(r->abbreviation));
    }
    test_ctx_done(&t);
}

TEST(transitions_then_the_rule) {
    Zone z = { .version = "2",
               .n_at = 3,
               .at = { -5000000000, 0, 1000000000 },
               .type_of = { 1, 2, 1 },
               .n_types = 3,
               .types = { { 6394, 0, 0 }, { 3600, 0, 4 }, { 7200, 1, 8 } },
               .names = S("LMT\0CET\0CEST\0"),
               .footer = "CET-1CEST,M3.5.0,M10.5.0/3" };
    TestCtx t;
    test_ctx_init(&t);
    const Tz *tz = zone_of(&t, &z);
    CHECK_STR(tz_name(tz), S("Test/Zone"));
    CHECK_EQ(tz_offset_at(tz, TIME_MIN).offset_s, 6394);
    CHECK_STR(tz_offset_at(tz, TIME_MIN).abbreviation, S("LMT"));
    CHECK_EQ(tz_offset_at(tz, time_ms(-5000000000001)).offset_s, 6394);
    CHECK_EQ(tz_offset_at(tz, time_ms(-5000000000000)).offset_s, 3600);
    CHECK_EQ(tz_offset_at(tz, time_ms(-1)).offset_s, 3600);
    CHECK(tz_offset_at(tz, time_ms(0)).dst);
    CHECK_STR(tz_offset_at(tz, time_ms(0)).abbreviation, S("CEST"));
    CHECK_EQ(tz_offset_at(tz, time_ms(1000000000000)).offset_s, 7200); /* September 2001: the rule has it in summer */
    CHECK_EQ(tz_offset_at(tz, at("2001-10-28T01:00Z")).offset_s, 3600);
    CHECK_EQ(tz_next_change(tz, TIME_MIN).ms, -5000000000000);
    CHECK_EQ(tz_next_change(tz, time_ms(-5000000000000)).ms, 0);
    CHECK_EQ(tz_next_change(tz, at("2024-01-01T00:00Z")).ms, at("2024-03-31T01:00Z").ms);
    CHECK_EQ(tz_next_change(tz, at("2024-03-31T01:00Z")).ms, at("2024-10-27T01:00Z").ms);
    CHECK_EQ(tz_next_change(tz_utc(), time_ms(0)).ms, INT64_MAX);
    char text[TIME_TEXT_MAX];
    CHECK_STR(str_n(text, tz_format_iso(tz, at("1800-01-01T00:00:00Z"), text)), S("1800-01-01T01:46:00+01:46"));
    CHECK_STR(str_n(text, tz_format_iso(tz, TIME_ISO_MAX, text)), S("9999-12-31T23:59:59.999Z"));

    z.footer = ""; /* the last transition's type holds for ever */
    tz = zone_of(&t, &z);
    CHECK_EQ(tz_offset_at(tz, TIME_MAX).offset_s, 3600);
    CHECK_EQ(tz_next_change(tz, time_ms(1000000000000)).ms, INT64_MAX);
    z.version = ""; /* version 1: 32 bits, no footer */
    z.at[0] = -2000000000;
    tz = zone_of(&t, &z);
    CHECK_EQ(tz_offset_at(tz, time_ms(-2000000000000)).offset_s, 3600);
    CHECK_EQ(tz_offset_at(tz, TIME_MAX).offset_s, 3600);
    test_ctx_done(&t);
}

TEST(local_times_that_are_skipped_or_shown_twice) {
    static const struct {
        const char *name; /* the rule */
        const char *local, *utc;
        TzFit fit;
    } rows[] = {
        { "EST5EDT,M3.2.0,M11.1.0", "2024-03-10T01:59:59", "2024-03-10T06:59:59Z", TZ_ONCE },
        { "EST5EDT,M3.2.0,M11.1.0", "2024-03-10T02:00:00", "2024-03-10T07:00:00Z", TZ_SKIPPED },
        { "EST5EDT,M3.2.0,M11.1.0", "2024-03-10T02:30:00", "2024-03-10T07:30:00Z", TZ_SKIPPED },
        { "EST5EDT,M3.2.0,M11.1.0", "2024-03-10T03:00:00", "2024-03-10T07:00:00Z", TZ_ONCE },
        { "EST5EDT,M3.2.0,M11.1.0", "2024-11-03T00:59:59", "2024-11-03T04:59:59Z", TZ_ONCE },
        { "EST5EDT,M3.2.0,M11.1.0", "2024-11-03T01:00:00", "2024-11-03T05:00:00Z", TZ_TWICE },
        { "EST5EDT,M3.2.0,M11.1.0", "2024-11-03T01:59:59", "2024-11-03T05:59:59Z", TZ_TWICE },
        { "EST5EDT,M3.2.0,M11.1.0", "2024-11-03T02:00:00", "2024-11-03T07:00:00Z", TZ_ONCE },
        { "AEST-10AEDT,M10.1.0,M4.1.0/3", "2024-10-06T02:15:00.5", "2024-10-05T16:15:00.5Z", TZ_SKIPPED },
        { "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2024-04-07T01:45:00", "2024-04-06T14:45:00Z", TZ_TWICE },
        { "CET-1CEST,M3.5.0,M10.5.0/3", "2024-07-01T12:00:00", "2024-07-01T10:00:00Z", TZ_ONCE },
        { "XXX3EDT4,0/0,J365/23", "2024-01-01T00:00:00", "2024-01-01T04:00:00Z", TZ_ONCE },
        { "<+07>-7", "2024-01-01T00:00:00", "2023-12-31T17:00:00Z", TZ_ONCE },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        Civil local = time_to_civil(at(r->local));
        TzFit fit = TZ_ONCE;
        CHECK_EQ(tz_from_civil(rule_zone(&t, r->name), &local, &fit).ms, at(r->utc).ms);
        CHECK_EQ(fit, r->fit);
        CHECK_EQ(tz_from_civil(rule_zone(&t, r->name), &local, NULL).ms, at(r->utc).ms);
    }
    /* A whole day skipped: Samoa went from -10 to +14 at the end of 29 December 2011. */
    Zone apia = { .version = "2",
                  .n_at = 1,
                  .at = { 1325239200 },
                  .type_of = { 1 },
                  .n_types = 2,
                  .types = { { -36000, 1, 0 }, { 50400, 1, 4 } },
                  .names = S("-10\0+14\0"),
                  .footer = "<+14>-14" };
    Civil gone = { 2011, 12, 30, 12, 0, 0, 0 };
    TzFit fit;
    CHECK_EQ(tz_from_civil(zone_of(&t, &apia), &gone, &fit).ms, at("2011-12-30T22:00Z").ms);
    CHECK_EQ(fit, TZ_SKIPPED);
    test_ctx_done(&t);
}

TEST(names_and_fixed_offsets) {
    static const struct {
        const char *name;
        int want, offset_s;
    } rows[] = {
        { "UTC", 0, 0 },
        { "Z", 0, 0 },
        { "+07:00", 0, 25200 },
        { "-0330", 0, -12600 },
        { "+14", 0, 50400 },
        { "-00:00", 0, 0 },
        { "+18:00", 0, 64800 },
        { "+18:01", ERR_INVALID, 0 },
        { "+7", ERR_INVALID, 0 },
        { "+07:60", ERR_INVALID, 0 },
        { "Europe/Nowhere", ERR_NOT_FOUND, 0 },
        { "07:00", ERR_INVALID, 0 },
        { "", ERR_INVALID, 0 },
        { "/etc/passwd", ERR_INVALID, 0 },
        { "../passwd", ERR_INVALID, 0 },
        { "Europe/../../x", ERR_INVALID, 0 },
        { "Europe//Berlin", ERR_INVALID, 0 },
        { "Europe/", ERR_INVALID, 0 },
        { "Europe/Berl in", ERR_INVALID, 0 },
        { "Europe/B\xC3\xA9", ERR_INVALID, 0 },
        { "tzdata.zi", ERR_INVALID, 0 },
        { "A23456789012345678901234567890123456789012345678901234567890123456789", ERR_INVALID, 0 },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        const Tz *tz = NULL;
        err_clear(&t.cx);
        CHECK_EQ(tz_load(&t.cx, "/nonexistent", str_c(r->name), &tz), r->want);
        CHECK(r->want ? tz == NULL && t.cx.err.text[0] : tz != NULL);
        if (tz)
            CHECK_EQ(tz_offset_at(tz, time_ms(0)).offset_s, r->offset_s);
    }
    CHECK(!tz_name_valid(str_n("a\0b", 3)));
    test_ctx_done(&t);
}

TEST(damaged_files_are_refused) {
    Zone good = { .version = "2",
                  .n_at = 2,
                  .at = { 0, 10 },
                  .type_of = { 1, 0 },
                  .n_types = 2,
                  .types = { { 0, 0, 0 }, { 3600, 1, 4 } },
                  .names = S("AAA\0BBB\0"),
                  .footer = "AAA0" };
    TestCtx t;
    const Tz *tz;
    Buf b;
    test_ctx_init(&t);
    put_zone(&b, &good);
    for (size_t n = 0; n < b.n; n++) { /* every cut */
        char *p = mem_alloc(n);
        memcpy(p, b.p, n);
        CHECK_EQ(tz_read(&t.cx, S("x"), str_n(p, n), &tz), ERR_CORRUPT);
        mem_free(p);
    }
    buf_done(&b);
    Zone bad[] = { good, good, good, good, good, good, good, good };
    bad[0].at[1] = 0;
    bad[1].type_of[0] = 2;
    bad[2].types[1].name = 8;
    bad[3].names = S("AAA\0BBB");
    bad[4].types[1].offset_s = 100000;
    bad[5].types[0].dst = 2;
    bad[6].n_types = 0;
    bad[7].footer = NULL;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        put_zone(&b, &bad[i]);
        CHECK_EQ(tz_read(&t.cx, S("x"), buf_str(&b), &tz), ERR_CORRUPT);
        buf_done(&b);
    }
    Zone right = good;
    right.n_leap = 1;
    put_zone(&b, &right);
    CHECK_EQ(tz_read(&t.cx, S("x"), buf_str(&b), &tz), ERR_UNSUPPORTED);
    buf_done(&b);
    test_ctx_done(&t);
}

TEST(bad_rules_are_refused) {
    static const struct {
        const char *name;
    } rows[] = {
        { "E5" },
        { "EST" },
        { "EST25" },
        { "EST5:60" },
        { "<EST5" },
        { "<E>5" },
        { "EST5EDT" },
        { "EST5EDT,M3.2.0" },
        { "EST5EDT,M13.2.0,M11.1.0" },
        { "EST5EDT,M3.6.0,M11.1.0" },
        { "EST5EDT,M3.2.7,M11.1.0" },
        { "EST5EDT,M3.2.0,M11.1.0x" },
        { "EST5EDT,J0,J1" },
        { "EST5EDT,J366,J1" },
        { "EST5EDT,366,1" },
        { "EST5EDT,M3.2.0/168,M11.1.0" },
        { "EST99999999999999" },
        { "EST5,M3.2.0,M11.1.0" },
        { ":Europe/Berlin" },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        Zone z = { .version = "3", .n_types = 1, .types = { { 0, 0, 0 } }, .names = S("LMT\0"), .footer = r->name };
        const Tz *tz;
        Buf b;
        put_zone(&b, &z);
        CHECK_EQ(tz_read(&t.cx, S("x"), buf_str(&b), &tz), ERR_CORRUPT);
        buf_done(&b);
    }
    test_ctx_done(&t);
}

TESTS(T(rules_of_real_places), T(transitions_then_the_rule), T(local_times_that_are_skipped_or_shown_twice),
      T(names_and_fixed_offsets), T(damaged_files_are_refused), T(bad_rules_are_refused))
