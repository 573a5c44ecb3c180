/* core/gap: holes on the plain time grid, and what proves their cause. */

#include "core/gap.h"
#include "lib/test.h"

static const Timeframe M1 = { UNIT_MINUTE, 1 }, MONTH = { UNIT_MONTH, 1 };
static const int64_t MIN_MS = MS_PER_MINUTE;

static Candles table(Arena *a, const int64_t *minutes, size_t n) {
    Candles cs;
    candles_init(&cs, a, n + 1);
    for (size_t i = 0; i < n; i++) {
        Candle c = { .open_time = time_ms(minutes[i] * MIN_MS), .open = 1, .high = 1, .low = 1, .close = 1 };
        candles_push(&cs, &c);
    }
    return cs;
}
#define TABLE(a, ...)                                                                                                  \
    table((a), (const int64_t[]){ __VA_ARGS__ }, sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t))

static Time minute(int64_t m) {
    return time_ms(m * MIN_MS);
}

TEST(gaps_lie_between_candles) {
    TestCtx t;
    test_ctx_init(&t);
    Candles cs = TABLE(&t.arena, -5, -4, -1, 0, 1, 10, 11);
    GapList gaps = { 0 };
    CHECK_EQ(gaps_find(&cs, M1, false, &t.arena, &gaps), 10);
    CHECK_EQ(gaps.n, 2);
    CHECK_EQ(gaps.v[0].from.ms, minute(-3).ms);
    CHECK_EQ(gaps.v[0].to.ms, minute(-1).ms);
    CHECK_EQ(gaps.v[0].missing, 2);
    CHECK_EQ(gaps.v[1].missing, 8);
    CHECK_EQ(gaps.v[1].cls, GAP_UNKNOWN);
    CHECK(gaps.v[1].evidence[0] != '\0');
    Candles one = TABLE(&t.arena, 7), none = { 0 };
    CHECK_EQ(gaps_find(&one, M1, false, &t.arena, &gaps), 0);
    CHECK_EQ(gaps_find(&none, M1, false, &t.arena, &gaps), 0);
    CHECK_EQ(gaps.n, 2); /* appended to, never emptied */
    test_ctx_done(&t);
}

TEST(off_grid_times_count_by_their_cell) {
    TestCtx t;
    test_ctx_init(&t);
    Candles cs;
    candles_init(&cs, &t.arena, 8);
    /* 0:00.000, 0:59.999 of the next minute, then straight on, then one cell left out */
    static const int64_t ms[] = { 0, 119999, 120001, 299999 };
    for (size_t i = 0; i < ARRAY_LEN(ms); i++) {
        Candle c = { .open_time = time_ms(ms[i]) };
        candles_push(&cs, &c);
    }
    GapList gaps = { 0 };
    CHECK_EQ(gaps_find(&cs, M1, false, &t.arena, &gaps), 1);
    CHECK_EQ(gaps.n, 1);
    CHECK_EQ(gaps.v[0].from.ms, 180000);
    CHECK_EQ(gaps.v[0].to.ms, 240000);
    test_ctx_done(&t);
}

TEST(months_are_counted_by_the_calendar) {
    TestCtx t;
    test_ctx_init(&t);
    static const char *const opens[] = { "2023-12-01", "2024-01-01", "2024-02-01", "2024-03-01", "2024-06-01" };
    Candles cs;
    candles_init(&cs, &t.arena, 8);
    for (size_t i = 0; i < ARRAY_LEN(opens); i++) {
        Candle c = { 0 };
        CHECK(time_parse_iso(str_c(opens[i]), &c.open_time, NULL));
        candles_push(&cs, &c);
    }
    GapList gaps = { 0 };
    CHECK_EQ(gaps_find(&cs, MONTH, false, &t.arena, &gaps), 2);
    CHECK_EQ(gaps.n, 1);
    test_ctx_done(&t);
}

TEST(pieces_give_the_same_gaps_as_the_whole) {
    TestCtx t;
    test_ctx_init(&t);
    Candles cs = TABLE(&t.arena, 0, 1, 5, 6, 9, 10, 11, 20);
    GapList whole = { 0 };
    int64_t missing = gaps_find(&cs, M1, false, &t.arena, &whole);
    for (size_t cut = 0; cut <= cs.n; cut++) {
        GapList pieces = { 0 };
        Time last = TIME_MIN;
        Candles a = candles_view(&cs, 0, cut), b = candles_view(&cs, cut, cs.n - cut);
        int64_t got = gaps_find_next(&a, M1, false, &t.arena, &last, &pieces);
        got += gaps_find_next(&b, M1, false, &t.arena, &last, &pieces);
        CHECK_EQ(got, missing);
        CHECK_EQ(pieces.n, whole.n);
        for (size_t i = 0; i < whole.n; i++)
            CHECK_EQ(pieces.v[i].from.ms, whole.v[i].from.ms);
        CHECK_EQ(last.ms, minute(20).ms);
    }
    test_ctx_done(&t);
}

TEST(synthetic_candles_count_unless_skipped) {
    TestCtx t;
    test_ctx_init(&t);
    Candles cs = TABLE(&t.arena, 0, 1, 2, 3);
    cs.flags[1] = cs.flags[2] = CANDLE_SYNTHETIC;
    GapList gaps = { 0 };
    CHECK_EQ(gaps_find(&cs, M1, false, &t.arena, &gaps), 0);
    CHECK_EQ(gaps_find(&cs, M1, true, &t.arena, &gaps), 2);
    test_ctx_done(&t);
}

/* One gap, minutes 3 to 5 of 0..9, under different evidence. */
typedef struct Scene {
    TestCtx t;
    GapList gaps;
    Coverage cover[3];
    Candles peers[2];
    Symbol names[2];
    GapEvidence ev;
} Scene;

static void scene_init(Scene *s) {
    memset(s, 0, sizeof *s);
    test_ctx_init(&s->t);
    Candles cs = TABLE(&s->t.arena, 0, 1, 2, 6, 7, 8, 9);
    gaps_find(&cs, M1, false, &s->t.arena, &s->gaps);
    s->names[0] = (Symbol){ "ETHUSDT" };
    s->names[1] = (Symbol){ "XRPUSDT" };
    s->cover[0] = (Coverage){ minute(0), minute(10), minute(100), "binance rest" };
    s->ev = (GapEvidence){ .cover = s->cover, .cover_known = true, .peers = s->peers, .peer_symbols = s->names };
}

static GapClass classify(Scene *s) {
    gaps_classify(&s->gaps, M1, &s->ev);
    return s->gaps.v[0].cls;
}

static Str evidence(const Scene *s) {
    return str_c(s->gaps.v[0].evidence);
}

TEST(a_gap_nobody_asked_for_is_not_fetched) {
    Scene s;
    scene_init(&s);
    s.cover[0] = (Coverage){ minute(0), minute(3), minute(100), "a" }; /* ends where the gap begins */
    s.cover[1] = (Coverage){ minute(6), minute(10), minute(100), "b" };
    s.ev.n_cover = 2;
    CHECK_EQ(classify(&s), GAP_NOT_FETCHED);
    CHECK_STR(evidence(&s), S("no fetch ever asked for this time"));
    s.ev.cover_known = false;
    CHECK_EQ(classify(&s), GAP_UNKNOWN);
    CHECK_STR(evidence(&s), S("no record of what was fetched for this series"));
    test_ctx_done(&s.t);
}

TEST(a_gap_asked_for_in_part_stays_unknown) {
    Scene s;
    scene_init(&s);
    s.cover[0] = (Coverage){ minute(0), minute(4), minute(100), "a" };
    s.cover[1] = (Coverage){ minute(2), minute(5), minute(100), "b" }; /* overlaps the first */
    s.ev.n_cover = 2;
    s.ev.n_peers = 1;
    s.peers[0] = TABLE(&s.t.arena, 0, 3, 4, 5, 9);
    CHECK_EQ(classify(&s), GAP_UNKNOWN);
    CHECK_STR(evidence(&s), S("fetched in part: 2 of 3 missing candles were asked for"));
    s.cover[2] = (Coverage){ minute(5), minute(6), minute(100), "c" }; /* the rest, by a third window */
    s.ev.n_cover = 3;
    CHECK_EQ(classify(&s), GAP_NO_TRADE);
    test_ctx_done(&s.t);
}

TEST(a_peer_that_traded_proves_no_trade) {
    Scene s;
    scene_init(&s);
    s.ev.n_cover = 1;
    s.ev.n_peers = 2;
    s.peers[0] = TABLE(&s.t.arena, 0, 2, 6, 9);
    s.peers[1] = TABLE(&s.t.arena, 0, 3, 5, 9);
    CHECK_EQ(classify(&s), GAP_NO_TRADE);
    CHECK_STR(evidence(&s), S("binance rest answered without it; XRPUSDT has 2 of the 3 candles"));
    test_ctx_done(&s.t);
}

TEST(peers_that_all_miss_it_prove_the_venue_down) {
    Scene s;
    scene_init(&s);
    s.ev.n_cover = 1;
    s.ev.n_peers = 2;
    s.peers[0] = TABLE(&s.t.arena, 0, 2, 6, 9);
    s.peers[1] = TABLE(&s.t.arena, 0, 1, 4, 9);
    s.peers[1].flags[2] = CANDLE_SYNTHETIC; /* ours, not the venue's */
    CHECK_EQ(classify(&s), GAP_VENUE_DOWN);
    CHECK_STR(evidence(&s), S("binance rest answered without it; all 2 peers known miss it too, XRPUSDT among them"));
    s.ev.n_peers = 1;
    CHECK_EQ(classify(&s), GAP_VENUE_DOWN);
    test_ctx_done(&s.t);
}

TEST(a_peer_that_does_not_reach_over_the_gap_says_nothing) {
    Scene s;
    scene_init(&s);
    s.ev.n_cover = 1;
    CHECK_EQ(classify(&s), GAP_UNKNOWN);
    CHECK_STR(evidence(&s), S("binance rest answered without it; no other symbol of the venue to compare with"));
    s.ev.n_peers = 2;
    s.peers[0] = TABLE(&s.t.arena, 0, 1, 2); /* delisted before */
    s.peers[1] = TABLE(&s.t.arena, 6, 7, 8); /* listed after */
    CHECK_EQ(classify(&s), GAP_UNKNOWN);
    CHECK_STR(evidence(&s), S("binance rest answered without it; no peer has candles on both sides of it"));
    test_ctx_done(&s.t);
}

TEST(a_gap_outside_the_sessions_is_market_closed) {
    TestCtx t;
    test_ctx_init(&t);
    /* 1970-01-02 is a Friday: hours 21 of Friday and 22 of Sunday stand, the week end is missing. */
    const Timeframe h1 = { UNIT_HOUR, 1 };
    Candles cs = TABLE(&t.arena, (24 + 21) * 60, (72 + 22) * 60, (72 + 24) * 60);
    GapList gaps = { 0 };
    CHECK_EQ(gaps_find(&cs, h1, false, &t.arena, &gaps), 48 + 1);
    GapEvidence ev = { .calendar = calendar_find(S("24x5")) };
    gaps_classify(&gaps, h1, &ev);
    CHECK_EQ(gaps.v[0].cls, GAP_MARKET_CLOSED);
    CHECK_STR(str_c(gaps.v[0].evidence), S("outside the sessions of calendar 24x5"));
    CHECK_EQ(gaps.v[1].cls, GAP_UNKNOWN); /* Sunday 23:00 was open */
    test_ctx_done(&t);
}

TEST(classes_have_names) {
    for (int i = 0; i < GAP_CLASSES; i++)
        for (int j = 0; j < i; j++)
            CHECK(strcmp(gap_class_name(i), gap_class_name(j)) != 0);
    CHECK_STR(str_c(gap_class_name(GAP_VENUE_DOWN)), S("venue-down"));
}

TESTS(T(gaps_lie_between_candles), T(off_grid_times_count_by_their_cell), T(months_are_counted_by_the_calendar),
      T(pieces_give_the_same_gaps_as_the_whole), T(synthetic_candles_count_unless_skipped),
      T(a_gap_nobody_asked_for_is_not_fetched), T(a_gap_asked_for_in_part_stays_unknown),
      T(a_peer_that_traded_proves_no_trade), T(peers_that_all_miss_it_prove_the_venue_down),
      T(a_peer_that_does_not_reach_over_the_gap_says_nothing), T(a_gap_outside_the_sessions_is_market_closed),
      T(classes_have_names))
