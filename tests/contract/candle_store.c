/* The contract of ports/candle_store.h, run against every adapter (PRI-05). Long, because a reader of the contract
 * wants it in one piece. */

#include "contract/candle_store.h"

#include <pthread.h>

typedef struct Fixture {
    TestCtx t;
    const char *dir;
    CandleStore *store;
    SeriesKey key; /* test:BTCUSDT:1m */
} Fixture;

static SeriesKey key_of(const char *text) {
    SeriesKey key;
    if (!series_key_parse(str_c(text), &key))
        FAIL("no series key: %s", text);
    return key;
}

static void begin(Fixture *f) {
    test_ctx_init(&f->t);
    f->dir = test_dir();
    f->store = store_maker.open(&f->t, f->dir);
    f->key = key_of("test:BTCUSDT:1m");
}

static void end(Fixture *f) {
    candle_store_close(f->store);
    test_dir_done(f->dir);
    test_ctx_done(&f->t);
}

static Candle candle_at(int64_t ms, double price) {
    return (Candle){ .open_time = time_ms(ms),
                     .open = price,
                     .high = price + 2.5,
                     .low = price - 0.25,
                     .close = price + 1,
                     .volume = 10 + price / 8,
                     .known_at = time_ms(1704067200123) };
}

/* n candles from `from`, one a minute, prices counting up. */
static Candles minutes(Fixture *f, int64_t from_ms, size_t n, double price) {
    Candles cs;
    candles_init(&cs, &f->t.arena, n + 1);
    for (size_t i = 0; i < n; i++) {
        Candle c = candle_at(from_ms + (int64_t)i * MS_PER_MINUTE, price + (double)i);
        candles_push(&cs, &c);
    }
    return cs;
}

static SaveResult save_key(Fixture *f, const SeriesKey *key, const Candles *rows) {
    SaveRequest req = { .key = key, .rows = rows, .flags = SAVE_DURABLE };
    SaveResult result = { 0 };
    void **state_ = NULL;
    CHECK_OK(&f->t.cx, candle_store_save(f->store, &f->t.cx, &req, &result));
    return result;
}

static SaveResult save(Fixture *f, const Candles *rows) {
    return save_key(f, &f->key, rows);
}

static Candles read_query(Fixture *f, CandleQuery q, bool *more) {
    Candles out = { 0 };
    void **state_ = NULL;
    CHECK_OK(&f->t.cx, candle_store_read(f->store, &f->t.cx, &f->key, &q, &out, more));
    return out;
}

static Candles read_all(Fixture *f) {
    bool more;
    return read_query(f, (CandleQuery){ .from = TIME_MIN, .to = TIME_MAX }, &more);
}

static void check_same_rows(const Candles *got, const Candles *want) {
    void **state_ = NULL;
    CHECK_EQ(got->n, want->n);
    for (size_t i = 0; i < want->n; i++) {
        Candle a = candles_get(got, i), b = candles_get(want, i);
        if (!candle_same_data(&a, &b) || a.flags != b.flags || a.known_at.ms != b.known_at.ms)
            FAIL("row %zu at %lld differs from %lld", i, (long long)a.open_time.ms, (long long)b.open_time.ms);
    }
}

TEST(an_unknown_series_is_an_outcome_and_not_an_error) {
    Fixture f;
    begin(&f);
    CandleQuery q = { .from = TIME_MIN, .to = TIME_MAX };
    Candles rows = { 0 };
    SeriesInfo info;
    Coverage *windows;
    size_t n;
    int64_t removed;
    bool more;
    CHECK_EQ(candle_store_read(f.store, &f.t.cx, &f.key, &q, &rows, &more), STORE_NO_SERIES);
    CHECK_EQ(candle_store_info(f.store, &f.t.cx, &f.key, &info), STORE_NO_SERIES);
    CHECK_EQ(candle_store_coverage(f.store, &f.t.cx, &f.key, TIME_MIN, TIME_MAX, &windows, &n), STORE_NO_SERIES);
    CHECK_EQ(candle_store_remove(f.store, &f.t.cx, &f.key, TIME_MIN, TIME_MAX, &removed), STORE_NO_SERIES);
    end(&f);
}

/* PRI-08: the repository */
TEST(saved_rows_come_back_bit_for_bit) {
    Fixture f;
    begin(&f);
    Candles rows = minutes(&f, 1700000000000 / 60000 * 60000, 3000, 0.00076392);
    /* what a double can hold and a decimal cannot, the smallest, the largest, the other zero */
    rows.open[0] = 16.65999984741211;
    rows.volume[1] = 22799999.999999996;
    rows.low[2] = 5e-324;
    rows.high[3] = 1.7976931348623157e308;
    rows.volume[4] = -0.0;
    rows.volume[5] = 0.1 + 0.2;
    rows.close[2999] = 1e-300;
    rows.known_ms[7] = 0;
    rows.flags[8] = CANDLE_SIMULATED;
    SaveResult r = save(&f, &rows);
    CHECK_EQ(r.inserted, 3000);
    CHECK_EQ(r.revision, 1);
    Candles got = read_all(&f);
    check_same_rows(&got, &rows);
    end(&f);
}

TEST(saving_twice_keeps_one_copy_MDS_09) {
    Fixture f;
    begin(&f);
    Candles rows = minutes(&f, 0, 2000, 100);
    save(&f, &rows);
    for (size_t i = 0; i < rows.n; i++)
        rows.known_ms[i] += 5; /* learning the same thing later changes nothing */
    SaveResult r = save(&f, &rows);
    CHECK_EQ(r.inserted, 0);
    CHECK_EQ(r.updated, 0);
    CHECK_EQ(r.unchanged, 2000);
    CHECK_EQ(r.revision, 1);
    rows.close[1500] = 7;
    rows.flags[3] = CANDLE_OPEN;
    r = save(&f, &rows);
    CHECK_EQ(r.updated, 2);
    CHECK_EQ(r.unchanged, 1998);
    CHECK_EQ(r.revision, 2);
    Candles got = read_all(&f);
    CHECK_EQ(got.n, 2000);
    CHECK_NEAR(got.close[1500], 7, 0);
    CHECK_EQ(got.known_ms[0], 1704067200123);
    CHECK_EQ(got.known_ms[1500], 1704067200128);
    SeriesInfo info;
    CHECK_OK(&f.t.cx, candle_store_info(f.store, &f.t.cx, &f.key, &info));
    CHECK_EQ(info.n, 2000);
    CHECK_EQ(info.first.ms, 0);
    CHECK_EQ(info.last.ms, 1999 * 60000);
    CHECK_EQ(info.revision, 2);
    end(&f);
}

TEST(rows_saved_in_any_order_come_back_sorted_and_unique) {
    Fixture f;
    begin(&f);
    static const int order[] = { 5, 1, 3, 0, 4, 2 };
    for (size_t k = 0; k < ARRAY_LEN(order); k++) { /* pieces of 1000 minutes that overlap by 200 */
        Candles piece = minutes(&f, order[k] * 800 * 60000, 1000, order[k] * 800);
        save(&f, &piece);
    }
    Candles want = minutes(&f, 0, 5 * 800 + 1000, 0), got = read_all(&f);
    CHECK_EQ(got.n, 5000);
    check_same_rows(&got, &want);
    end(&f);
}

TEST(live_candles_one_by_one_equal_one_save) {
    Fixture f;
    begin(&f);
    Candles want = minutes(&f, INT64_C(1440) * 60000 * 100 - 20 * 60000, 60, 5); /* over the end of a block */
    for (size_t i = 0; i < want.n; i++) {
        Candles open = candles_view(&want, i, 1);
        uint8_t flags = CANDLE_OPEN;
        double close = 3;
        open.flags = &flags;
        open.close = &close;
        SaveResult r = save(&f, &open);
        CHECK_EQ(r.inserted, 1);
        Candles closed = candles_view(&want, i, 1);
        r = save(&f, &closed);
        CHECK_EQ(r.updated, 1);
        CHECK_EQ(r.revision, 2 * (int64_t)i + 2);
    }
    Candles got = read_all(&f);
    check_same_rows(&got, &want);
    SeriesInfo info;
    CHECK_OK(&f.t.cx, candle_store_info(f.store, &f.t.cx, &f.key, &info));
    CHECK_EQ(info.n, 60);
    CHECK_OK(&f.t.cx, candle_store_verify(f.store, &f.t.cx));
    end(&f);
}

typedef struct Told {
    int n, changed;
    int64_t last_revision;
} Told;

static void count_commit(void *arg, const StoreCommit *c) {
    Told *told = arg;
    told->n++;
    told->changed += c->changed;
    told->last_revision = c->revision;
}

/* PRI-08: the observer */
TEST(each_listener_hears_each_commit_as_long_as_it_listens) {
    Fixture f;
    Told told[3] = { 0 };
    CandleStoreWatch watches[3];
    int64_t removed;
    begin(&f);
    for (size_t i = 0; i < ARRAY_LEN(watches); i++) {
        watches[i] = (CandleStoreWatch){ .heard = count_commit, .arg = &told[i] };
        candle_store_watch(f.store, &watches[i]);
    }
    Candles rows = minutes(&f, 0, 3, 100);
    SaveResult r = save(&f, &rows);
    save(&f, &rows);                            /* changes nothing, and is told so */
    candle_store_unwatch(f.store, &watches[1]); /* from the middle */
    candle_store_unwatch(f.store, &watches[1]);
    CHECK_OK(&f.t.cx, candle_store_remove(f.store, &f.t.cx, &f.key, TIME_MIN, TIME_MAX, &removed));
    candle_store_unwatch(f.store, &watches[0]);
    candle_store_unwatch(f.store, &watches[2]);
    save(&f, &rows);
    for (size_t i = 0; i < ARRAY_LEN(told); i++) {
        CHECK_EQ(told[i].n, i == 1 ? 2 : 3);
        CHECK_EQ(told[i].changed, i == 1 ? 1 : 2);
        CHECK_EQ(told[i].last_revision, i == 1 ? r.revision : 0); /* a removal tells none */
    }
    candle_store_watch(f.store, &watches[1]); /* again */
    rows = minutes(&f, MS_PER_HOUR, 1, 7);
    save(&f, &rows);
    CHECK_EQ(told[1].n, 3);
    candle_store_unwatch(f.store, &watches[1]);
    end(&f);
}

TEST(series_saved_together_are_saved_like_each_alone) {
    enum { MANY = 40, ROUNDS = 3 };
    Fixture f;
    Told told = { 0 };
    begin(&f);
    CandleStoreWatch watch = { .heard = count_commit, .arg = &told };
    candle_store_watch(f.store, &watch);
    for (int round = 0; round < ROUNDS; round++) {
        SaveRequest reqs[MANY];
        SaveResult results[MANY];
        SeriesKey keys[MANY];
        Candles rows[MANY];
        for (int i = 0; i < MANY; i++) {
            keys[i] = key_of(str_fmt(&f.t.arena, "test:S%d:1m", i).p);
            rows[i] = minutes(&f, round * (int64_t)MS_PER_MINUTE, 1, 100 + i);
            Time at = time_ms(rows[i].open_ms[0]);
            reqs[i] = (SaveRequest){ .key = &keys[i],
                                     .rows = &rows[i],
                                     .flags = SAVE_DURABLE | SAVE_COVERAGE,
                                     .coverage = { at, time_add_ms(at, MS_PER_MINUTE), at, "stream" } };
        }
        CHECK_OK(&f.t.cx, candle_store_save_many(f.store, &f.t.cx, reqs, MANY, results));
        for (int i = 0; i < MANY; i++) {
            CHECK_EQ(results[i].inserted, 1);
            CHECK(results[i].revision > 0);
        }
    }
    CHECK_EQ(told.n, MANY * ROUNDS);
    CHECK_EQ(told.changed, MANY * ROUNDS);
    candle_store_unwatch(f.store, &watch);
    for (int i = 0; i < MANY; i++) {
        Coverage *cover;
        size_t n;
        f.key = key_of(str_fmt(&f.t.arena, "test:S%d:1m", i).p);
        Candles got = read_all(&f);
        CHECK_EQ(got.n, ROUNDS);
        CHECK(got.open[2] == 100 + i);
        CHECK_OK(&f.t.cx, candle_store_coverage(f.store, &f.t.cx, &f.key, TIME_MIN, TIME_MAX, &cover, &n));
        CHECK_EQ(n, 1);
        CHECK_EQ(cover[0].to.ms, ROUNDS * MS_PER_MINUTE);
    }
    end(&f);
}

TEST(ranges_are_half_open_on_open_time_MDS_08) {
    Fixture f;
    begin(&f);
    Candles rows = minutes(&f, 600000, 10, 1);
    save(&f, &rows);
    static const struct {
        const char *name;
        int64_t from, to;
        size_t first, n;
    } cases[] = {
        { "exact", 600000, 1200000, 0, 10 },
        { "without the last", 600000, 1140000, 0, 9 },
        { "one", 660000, 660001, 1, 1 },
        { "empty", 660000, 660000, 0, 0 },
        { "reversed", 900000, 660000, 0, 0 },
        { "between candles", 600001, 660000, 0, 0 },
        { "before all", -1000000, 600000, 0, 0 },
        { "behind all", 1200000, INT64_MAX, 0, 0 },
        { "everything", INT64_MIN, INT64_MAX, 0, 10 },
        { "from the third", 700000, INT64_MAX, 2, 8 },
        { "at the ends of time", INT64_MAX - 1, INT64_MAX, 0, 0 },
    };
    EACH_ROW (c, cases) {
        bool more = true;
        Candles got = read_query(&f, (CandleQuery){ .from = time_ms(c->from), .to = time_ms(c->to) }, &more);
        CHECK_EQ(got.n, c->n);
        CHECK(!more);
        if (got.n)
            CHECK_EQ(got.open_ms[0], rows.open_ms[c->first]);
    }
    end(&f);
}

TEST(pages_join_without_a_seam) {
    Fixture f;
    begin(&f);
    Candles rows = minutes(&f, -3000 * 60000, 5000, 1), tail = minutes(&f, 2000 * 60000, 3, 900);
    save(&f, &rows);
    save(&f, &tail);
    static const size_t limits[] = { 1, 7, 1440, 1441, 5002, 5003, 6000 };
    for (size_t k = 0; k < ARRAY_LEN(limits); k++) {
        size_t seen = 0;
        bool more = true;
        for (Time from = TIME_MIN; more && (limits[k] > 7 || seen < 30);) {
            Candles page = read_query(&f, (CandleQuery){ .from = from, .to = TIME_MAX, .limit = limits[k] }, &more);
            CHECK_EQ(page.n, MIN(limits[k], 5003 - seen));
            CHECK_EQ(more, seen + page.n < 5003);
            CHECK_EQ(page.open_ms[0], (int64_t)seen * 60000 - 3000 * 60000);
            seen += page.n;
            from = time_ms(page.open_ms[page.n - 1] + 1);
        }
    }
    end(&f);
}

TEST(newest_gives_the_last_rows_ascending) {
    Fixture f;
    begin(&f);
    Candles rows = minutes(&f, 0, 4000, 1), tail = minutes(&f, 4000 * 60000, 5, 900);
    save(&f, &rows);
    save(&f, &tail);
    static const struct {
        const char *name;
        int64_t to;
        size_t limit, n;
        int64_t first;
        bool more;
    } cases[] = {
        { "of all", INT64_MAX, 3, 3, 4002, true },           { "over the tail", INT64_MAX, 1000, 1000, 3005, true },
        { "exactly all", INT64_MAX, 4005, 4005, 0, false },  { "more than all", INT64_MAX, 9000, 4005, 0, false },
        { "before a time", 3000 * 60000, 2, 2, 2998, true }, { "none", 0, 2, 0, 0, false },
    };
    EACH_ROW (c, cases) {
        bool more;
        CandleQuery q = { .from = TIME_MIN, .to = time_ms(c->to), .limit = c->limit, .newest = true };
        Candles got = read_query(&f, q, &more);
        CHECK_EQ(got.n, c->n);
        CHECK_EQ(more, c->more);
        if (got.n)
            CHECK_EQ(got.open_ms[0], c->first * 60000);
    }
    end(&f);
}

TEST(reads_append_behind_what_is_there) {
    Fixture f;
    begin(&f);
    Candles rows = minutes(&f, 0, 10, 1), out = minutes(&f, 0, 1, 77);
    save(&f, &rows);
    CandleQuery q = { .from = time_ms(120000), .to = time_ms(300000) };
    bool more;
    CHECK_OK(&f.t.cx, candle_store_read(f.store, &f.t.cx, &f.key, &q, &out, &more));
    CHECK_EQ(out.n, 4);
    CHECK_NEAR(out.open[0], 77, 0);
    CHECK_EQ(out.open_ms[1], 120000);
    end(&f);
}

TEST(a_synthetic_candle_never_replaces_a_real_one_MDS_14) {
    Fixture f;
    begin(&f);
    Candles rows = minutes(&f, 0, 3, 10);
    save(&f, &rows);
    Candles filled = minutes(&f, 60000, 4, 50);
    memset(filled.flags, CANDLE_SYNTHETIC, filled.n);
    SaveResult r = save(&f, &filled);
    CHECK_EQ(r.kept_real, 2);
    CHECK_EQ(r.inserted, 2);
    SeriesInfo info;
    CHECK_OK(&f.t.cx, candle_store_info(f.store, &f.t.cx, &f.key, &info));
    CHECK_EQ(info.n, 5);
    CHECK_EQ(info.n_synthetic, 2);
    bool more;
    CandleQuery real = { .from = TIME_MIN, .to = TIME_MAX, .skip_synthetic = true };
    Candles got = read_query(&f, real, &more);
    check_same_rows(&got, &rows);
    Candles late = minutes(&f, 180000, 1, 99); /* the real candle comes after all */
    r = save(&f, &late);
    CHECK_EQ(r.updated, 1);
    CHECK_OK(&f.t.cx, candle_store_info(f.store, &f.t.cx, &f.key, &info));
    CHECK_EQ(info.n_synthetic, 1);
    real.limit = 2;
    real.newest = true;
    got = read_query(&f, real, &more);
    CHECK_EQ(got.n, 2);
    CHECK_EQ(got.open_ms[1], 180000);
    CHECK(more);
    end(&f);
}

TEST(times_before_1970_and_calendar_timeframes) {
    Fixture f;
    begin(&f);
    static const char *const texts[] = { "test:^GSPC:1w", "test:^GSPC:1M", "test:^GSPC:1s", "test:^GSPC:3d" };
    for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
        f.key = key_of(texts[k]);
        Time t = timeframe_floor(f.key.timeframe, time_ms(k == 2 ? -2000000 : -631152000000)); /* 1950 */
        Candles rows;
        candles_init(&rows, &f.t.arena, 3000);
        for (int i = 0; i < 3000; i++) {
            Candle c = candle_at(t.ms, i);
            candles_push(&rows, &c);
            t = timeframe_next(f.key.timeframe, t);
        }
        save(&f, &rows);
        Candles got = read_all(&f);
        check_same_rows(&got, &rows);
        bool more;
        CandleQuery before = { .from = TIME_MIN, .to = time_ms(0), .limit = 1, .newest = true };
        got = read_query(&f, before, &more);
        CHECK_EQ(got.n, 1);
        CHECK(got.open_ms[0] < 0 && timeframe_next(f.key.timeframe, time_ms(got.open_ms[0])).ms >= 0);
    }
    end(&f);
}

TEST(times_off_the_grid_are_kept) {
    Fixture f;
    begin(&f);
    Candles rows = minutes(&f, 0, 3000, 5);
    for (size_t i = 0; i < rows.n; i++) /* four rows in every minute */
        rows.open_ms[i] = (int64_t)i * 15000 + 59 - (int64_t)(i % 7);
    CHECK_EQ(save(&f, &rows).inserted, 3000);
    Candles got = read_all(&f);
    check_same_rows(&got, &rows);
    end(&f);
}

TEST(what_cannot_be_stored_is_refused_whole) {
    Fixture f;
    begin(&f);
    static const struct {
        const char *name;
        double close;
        int64_t first_ms;
        uint8_t flags;
    } cases[] = { { "nan", NAN, 0, 0 },
                  { "infinity", INFINITY, 0, 0 },
                  { "the year 10000", 1, 253402300800000, 0 },
                  { "the year 0", 1, -62135596800001, 0 },
                  { "unknown flag", 1, 0, 0x80 } };
    EACH_ROW (c, cases) {
        Candles rows = minutes(&f, c->first_ms, 5, 1);
        rows.close[c->first_ms > 0 ? 0 : 4] = c->close;
        rows.flags[1] = c->flags;
        SaveRequest req = { .key = &f.key, .rows = &rows };
        SaveResult r;
        CHECK_EQ(candle_store_save(f.store, &f.t.cx, &req, &r), ERR_INVALID);
        CHECK(strstr(f.t.cx.err.field, "candles["));
        SeriesInfo info;
        CHECK_EQ(candle_store_info(f.store, &f.t.cx, &f.key, &info), STORE_NO_SERIES);
    }
    end(&f);
}

TEST(coverage_windows_merge_and_are_cut_by_remove) {
    Fixture f;
    begin(&f);
    static const struct {
        const char *name;
        int64_t from, to;
        size_t windows;
    } steps[] = { { "first", 100, 200, 1 },  { "apart", 400, 500, 2 },    { "touching", 200, 300, 2 },
                  { "inside", 120, 180, 2 }, { "bridging", 250, 450, 1 }, { "negative", -50, -10, 2 } };
    Candles none = { 0 };
    int64_t revision = 0;
    EACH_ROW (s, steps) {
        SaveRequest req = { .key = &f.key, .rows = &none, .flags = SAVE_COVERAGE };
        req.coverage = (Coverage){ time_ms(s->from), time_ms(s->to), time_ms(1000 + s->from), "unit test" };
        SaveResult r;
        CHECK_OK(&f.t.cx, candle_store_save(f.store, &f.t.cx, &req, &r));
        CHECK_EQ(r.revision, revision + (strcmp(s->name, "inside") != 0));
        revision = r.revision;
        Coverage *v;
        size_t n;
        CHECK_OK(&f.t.cx, candle_store_coverage(f.store, &f.t.cx, &f.key, TIME_MIN, TIME_MAX, &v, &n));
        CHECK_EQ(n, s->windows);
        CHECK_STR(str_c(v[0].source), S("unit test"));
    }
    int64_t removed;
    CHECK_OK(&f.t.cx, candle_store_remove(f.store, &f.t.cx, &f.key, time_ms(150), time_ms(160), &removed));
    Coverage *v;
    size_t n;
    CHECK_OK(&f.t.cx, candle_store_coverage(f.store, &f.t.cx, &f.key, time_ms(0), time_ms(1000), &v, &n));
    CHECK_EQ(n, 2);
    CHECK_EQ(v[0].from.ms, 100);
    CHECK_EQ(v[0].to.ms, 150);
    CHECK_EQ(v[1].from.ms, 160);
    CHECK_EQ(v[1].to.ms, 500);
    CHECK_OK(&f.t.cx, candle_store_coverage(f.store, &f.t.cx, &f.key, time_ms(150), time_ms(160), &v, &n));
    CHECK_EQ(n, 0);
    end(&f);
}

TEST(the_change_log_tells_every_commit_in_order) {
    Fixture f;
    begin(&f);
    Candles rows = minutes(&f, 0, 100, 1);
    SeriesKey other = key_of("test:ETHUSDT:1m@sim/bid");
    save(&f, &rows);
    save(&f, &rows); /* nothing changes */
    save_key(&f, &other, &rows);
    rows.open[50] = -1;
    save(&f, &rows);
    int64_t removed;
    CHECK_OK(&f.t.cx, candle_store_remove(f.store, &f.t.cx, &f.key, time_ms(60000), time_ms(180000), &removed));
    CHECK_EQ(removed, 2);
    SeriesChange *v;
    size_t n;
    CHECK_OK(&f.t.cx, candle_store_changes(f.store, &f.t.cx, 0, 100, &v, &n));
    CHECK_EQ(n, 4);
    CHECK_EQ(v[0].revision, 1);
    CHECK_EQ(v[0].from.ms, 0);
    CHECK_EQ(v[0].to.ms, 99 * 60000 + 1);
    CHECK_EQ(v[0].at.ms, clock_wall(f.t.cx.clock).ms);
    CHECK(v[1].series_id != v[0].series_id);
    CHECK_EQ(v[1].revision, 1);
    CHECK_EQ(v[2].revision, 2);
    CHECK_EQ(v[2].from.ms, 50 * 60000);
    CHECK_EQ(v[2].to.ms, 50 * 60000 + 1);
    CHECK_EQ(v[3].revision, 3);
    int64_t after = v[1].sequence;
    CHECK_OK(&f.t.cx, candle_store_changes(f.store, &f.t.cx, after, 1, &v, &n));
    CHECK_EQ(n, 1);
    CHECK_EQ(v[0].revision, 2);
    end(&f);
}

TEST(removing_a_range_and_the_whole) {
    Fixture f;
    begin(&f);
    Candles rows = minutes(&f, 0, 5000, 1);
    rows.flags[1000] = rows.flags[4999] = CANDLE_SYNTHETIC;
    save(&f, &rows);
    int64_t removed;
    CHECK_OK(&f.t.cx,
             candle_store_remove(f.store, &f.t.cx, &f.key, time_ms(100 * 60000), time_ms(4500 * 60000), &removed));
    CHECK_EQ(removed, 4400);
    SeriesInfo info;
    CHECK_OK(&f.t.cx, candle_store_info(f.store, &f.t.cx, &f.key, &info));
    CHECK_EQ(info.n, 600);
    CHECK_EQ(info.n_synthetic, 1);
    CHECK_EQ(info.last.ms, 4999 * 60000);
    CHECK_OK(&f.t.cx, candle_store_remove(f.store, &f.t.cx, &f.key, time_ms(4500 * 60000), TIME_MAX, &removed));
    CHECK_OK(&f.t.cx, candle_store_info(f.store, &f.t.cx, &f.key, &info));
    CHECK_EQ(info.n, 100);
    CHECK_EQ(info.last.ms, 99 * 60000);
    CHECK_OK(&f.t.cx, candle_store_verify(f.store, &f.t.cx));
    CHECK_OK(&f.t.cx, candle_store_remove(f.store, &f.t.cx, &f.key, TIME_MIN, TIME_MAX, &removed));
    CHECK_EQ(removed, 100);
    int64_t id = info.id;
    CHECK_EQ(candle_store_info(f.store, &f.t.cx, &f.key, &info), STORE_NO_SERIES);
    save(&f, &rows);
    CHECK_OK(&f.t.cx, candle_store_info(f.store, &f.t.cx, &f.key, &info));
    CHECK(info.id > id); /* an id never means two series */
    end(&f);
}

TEST(series_are_listed_in_their_order) {
    Fixture f;
    begin(&f);
    static const char *const texts[] = { "b:X:1d",   "a:Z:1m",       "a:A/B:1M",     "a:A/B:1m",
                                         "a:A/B:1h", "a:A/B:1h/bid", "a:A/B:1h@csv", "a:A/B:1h+splits" };
    static const int order[] = { 3, 4, 7, 5, 6, 2, 1, 0 };
    Candles rows = minutes(&f, 0, 2, 1);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        SeriesKey key = key_of(texts[i]);
        save_key(&f, &key, &rows);
    }
    SeriesInfo *v;
    size_t n;
    CHECK_OK(&f.t.cx, candle_store_list(f.store, &f.t.cx, &v, &n));
    CHECK_EQ(n, ARRAY_LEN(texts));
    for (size_t i = 0; i < n; i++) {
        CHECK_STR(series_key_text(&f.t.arena, &v[i].key), str_c(texts[order[i]]));
        CHECK_EQ(v[i].n, 2);
    }
    StoreInfo d;
    CHECK_OK(&f.t.cx, candle_store_describe(f.store, &f.t.cx, &d));
    CHECK_STR(str_c(d.adapter), str_c(store_maker.name));
    CHECK_EQ(d.n_series, 8);
    CHECK_EQ(d.n_candles, 16);
    CHECK(d.bytes > 0);
    end(&f);
}

static Listing listing_of(const char *symbol, int64_t from, ListingStatus status) {
    Listing l = {
        .asset = ASSET_CRYPTO, .status = status, .tick = { 1, 2 }, .lot = { 1, 5 }, .min_notional = { 5, 0 }
    };
    snprintf(l.venue.s, sizeof l.venue.s, "test");
    snprintf(l.symbol.s, sizeof l.symbol.s, "%s", symbol);
    snprintf(l.instrument.s, sizeof l.instrument.s, "%s/USDT", symbol);
    snprintf(l.base.s, sizeof l.base.s, "%s", symbol);
    snprintf(l.quote.s, sizeof l.quote.s, "USDT");
    snprintf(l.calendar, sizeof l.calendar, "24x7");
    snprintf(l.time_zone, sizeof l.time_zone, "Asia/Ho_Chi_Minh");
    l.valid_from = time_ms(from);
    l.valid_to = TIME_MAX;
    return l;
}

TEST(listings_keep_their_history) {
    Fixture f;
    begin(&f);
    Listing v[] = { listing_of("MATIC", 100, LISTING_TRADING), listing_of("POL", 900, LISTING_TRADING),
                    listing_of("MATIC", 500, LISTING_HALTED) };
    CHECK_OK(&f.t.cx, candle_store_put_listings(f.store, &f.t.cx, v, 3));
    v[0].valid_to = time_ms(500);
    CHECK_OK(&f.t.cx, candle_store_put_listings(f.store, &f.t.cx, v, 1));
    Listing *got;
    size_t n;
    CHECK_OK(&f.t.cx, candle_store_listings(f.store, &f.t.cx, NULL, &got, &n));
    CHECK_EQ(n, 3);
    CHECK_EQ(got[0].valid_to.ms, 500);
    CHECK_EQ(got[1].status, LISTING_HALTED);
    CHECK_EQ(got[1].valid_to.ms, INT64_MAX);
    CHECK_STR(symbol_str(&got[2].symbol), S("POL"));
    CHECK_EQ(got[2].lot.mantissa, 1);
    CHECK_EQ(got[2].lot.scale, 5);
    CHECK_STR(str_c(got[2].time_zone), S("Asia/Ho_Chi_Minh"));
    Venue nobody = { "nobody" };
    CHECK_OK(&f.t.cx, candle_store_listings(f.store, &f.t.cx, &nobody, &got, &n));
    CHECK_EQ(n, 0);
    end(&f);
}

TEST(corporate_actions_are_kept_or_refused) {
    Fixture f;
    begin(&f);
    CorporateAction v[3] = {
        { .instrument = { "AAPL" }, .ex = time_ms(200), .value = { 4, 0 } },
        { .instrument = { "AAPL" }, .ex = time_ms(100), .value = { 25, 2 } },
        { .instrument = { "MSFT" }, .ex = time_ms(50), .kind = ACTION_DIVIDEND, .value = { 1, 0 } }
    };
    CorporateAction *got = NULL;
    size_t n = 9;
    int r = candle_store_put_actions(f.store, &f.t.cx, v, 3, false);
    if (r == ERR_UNSUPPORTED) { /* says so, and has none */
        CHECK_OK(&f.t.cx, candle_store_actions(f.store, &f.t.cx, NULL, &got, &n));
        CHECK_EQ(n, 0);
        end(&f);
        return;
    }
    CHECK_OK(&f.t.cx, r);
    v[1].value.mantissa = 50;
    CHECK_OK(&f.t.cx, candle_store_put_actions(f.store, &f.t.cx, &v[1], 1, false));
    CHECK_OK(&f.t.cx, candle_store_actions(f.store, &f.t.cx, NULL, &got, &n));
    CHECK_EQ(n, 3);
    CHECK(got[0].ex.ms == 100 && got[0].value.mantissa == 50 && got[0].value.scale == 2);
    CHECK(got[1].ex.ms == 200 && got[2].kind == ACTION_DIVIDEND);
    CHECK_OK(&f.t.cx, candle_store_actions(f.store, &f.t.cx, &v[2].instrument, &got, &n));
    CHECK_EQ(n, 1);
    CHECK_OK(&f.t.cx, candle_store_put_actions(f.store, &f.t.cx, v, 2, true));
    CHECK_OK(&f.t.cx, candle_store_actions(f.store, &f.t.cx, NULL, &got, &n));
    CHECK_EQ(n, 1);
    v[0].value.mantissa = 0;
    CHECK_EQ(candle_store_put_actions(f.store, &f.t.cx, v, 1, false), ERR_INVALID);
    end(&f);
}

TEST(a_reopened_store_has_everything_it_says_it_keeps) {
    Fixture f;
    begin(&f);
    Candles rows = minutes(&f, -100 * 60000, 3000, 1), live = minutes(&f, 2900 * 60000, 2, 9), want;
    rows.volume[7] = -0.0;
    save(&f, &rows);
    SaveRequest req = { .key = &f.key, .rows = &live, .flags = SAVE_COVERAGE };
    req.coverage = (Coverage){ time_ms(-6000000), time_ms(2902 * 60000), time_ms(5), "file \"a,b\".csv" };
    SaveResult r;
    CHECK_OK(&f.t.cx, candle_store_save(f.store, &f.t.cx, &req, &r));
    Listing l = listing_of("BTC", INT64_MIN, LISTING_TRADING);
    CHECK_OK(&f.t.cx, candle_store_put_listings(f.store, &f.t.cx, &l, 1));
    SeriesInfo before, after;
    CHECK_OK(&f.t.cx, candle_store_info(f.store, &f.t.cx, &f.key, &before));
    candle_store_close(f.store);
    f.store = store_maker.open(&f.t, f.dir);
    if (!store_maker.persistent) {
        CHECK_EQ(candle_store_info(f.store, &f.t.cx, &f.key, &after), STORE_NO_SERIES);
        end(&f);
        return;
    }
    CHECK_OK(&f.t.cx, candle_store_info(f.store, &f.t.cx, &f.key, &after));
    CHECK_EQ(after.n, before.n);
    CHECK_EQ(after.id, before.id);
    CHECK_EQ(after.revision, before.revision);
    CHECK_EQ(after.last.ms, before.last.ms);
    candles_init(&want, &f.t.arena, 3002);
    candles_append(&want, &rows, 0, 3000);
    candles_append(&want, &live, 0, 2);
    Candles got = read_all(&f);
    check_same_rows(&got, &want);
    Coverage *v;
    Listing *listings;
    SeriesChange *changes;
    size_t n;
    CHECK_OK(&f.t.cx, candle_store_coverage(f.store, &f.t.cx, &f.key, TIME_MIN, TIME_MAX, &v, &n));
    CHECK_EQ(n, 1);
    CHECK_STR(str_c(v[0].source), S("file \"a,b\".csv"));
    CHECK_OK(&f.t.cx, candle_store_listings(f.store, &f.t.cx, &l.venue, &listings, &n));
    CHECK_EQ(n, 1);
    CHECK_EQ(listings[0].valid_from.ms, INT64_MIN);
    CHECK_OK(&f.t.cx, candle_store_changes(f.store, &f.t.cx, 0, 10, &changes, &n));
    CHECK_EQ(n, 2);
    live.close[1] += 1;
    CHECK_EQ(save(&f, &live).revision, before.revision + 1);
    CHECK_OK(&f.t.cx, candle_store_changes(f.store, &f.t.cx, changes[1].sequence, 10, &changes, &n));
    CHECK_EQ(n, 1);
    CHECK_OK(&f.t.cx, candle_store_verify(f.store, &f.t.cx));
    end(&f);
}

TEST(deadline_and_cancel_are_kept) {
    Fixture f;
    begin(&f);
    Candles rows = minutes(&f, 0, 3, 1);
    SaveRequest req = { .key = &f.key, .rows = &rows };
    SaveResult r;
    atomic_bool cancel = true;
    f.t.cx.cancel = &cancel;
    CHECK_EQ(candle_store_save(f.store, &f.t.cx, &req, &r), ERR_CANCELLED);
    f.t.cx.cancel = NULL;
    f.t.cx.deadline = mono_add_ms(clock_mono(f.t.cx.clock), 5);
    clock_manual_advance_ms(&f.t.clock, 10);
    CHECK_EQ(candle_store_save(f.store, &f.t.cx, &req, &r), ERR_TIMEOUT);
    f.t.cx.deadline = (MonoNs){ 0 };
    SeriesInfo info;
    CHECK_EQ(candle_store_info(f.store, &f.t.cx, &f.key, &info), STORE_NO_SERIES);
    end(&f);
}

static int fail_at(void *arg, Ctx *cx, const char *point) {
    return strcmp(arg, point) == 0 ? err_set(cx, ERR_REPOSITORY, "planned failure of %s", point) : 0;
}

TEST(tests_can_make_any_call_fail) {
    Fixture f;
    begin(&f);
    Candles rows = minutes(&f, 0, 3, 1);
    SaveRequest req = { .key = &f.key, .rows = &rows };
    SaveResult r = { .revision = -1 };
    char saved[] = "saved", verify[] = "verify";
    candle_store_set_fault(f.store, fail_at, saved);
    CHECK_EQ(candle_store_save(f.store, &f.t.cx, &req, &r), ERR_REPOSITORY);
    CHECK_EQ(r.revision, -1);
    candle_store_set_fault(f.store, fail_at, verify);
    CHECK_EQ(candle_store_verify(f.store, &f.t.cx), ERR_REPOSITORY);
    candle_store_set_fault(f.store, NULL, NULL);
    CHECK_EQ(read_all(&f).n, 3); /* the answer was lost, the rows were not */
    end(&f);
}

/* --- readers beside a writer --- */

typedef struct Reader {
    CandleStore *store;
    SeriesKey key;
    ClockManual clock;
    atomic_bool *stop;
    int failures, reads;
} Reader;

/* Every save writes all rows with one price: a read that sees two prices saw half of a save. */
static void *read_until_stopped(void *arg) {
    Reader *r = arg;
    do { /* at least once, however late this thread begins */
        Arena arena = { 0 };
        Ctx cx;
        ctx_init(&cx, &arena, &r->clock.clock);
        Candles out = { 0 };
        bool more;
        CandleQuery q = { .from = TIME_MIN, .to = TIME_MAX };
        int e = candle_store_read(r->store, &cx, &r->key, &q, &out, &more);
        bool whole = e == 0 && out.n % 2000 == 0 && out.n > 0;
        for (size_t i = 1; i < out.n; i++)
            whole &= out.open[i] == out.open[0];
        r->failures += !whole;
        r->reads++;
        arena_done(&arena);
    } while (!atomic_load(r->stop));
    return NULL;
}

TEST(concurrent_readers_see_all_or_nothing_of_each_save) {
    Fixture f;
    begin(&f);
    atomic_bool stop = false;
    Candles rows = minutes(&f, 0, 4000, 0);
    for (size_t i = 0; i < rows.n; i++)
        rows.open[i] = 0;
    save(&f, &rows);
    Reader readers[3];
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        readers[i] = (Reader){ .store = f.store, .key = f.key, .stop = &stop };
        clock_manual_init(&readers[i].clock, time_ms(0));
        pthread_create(&threads[i], NULL, read_until_stopped, &readers[i]);
    }
    for (int k = 1; k <= 40; k++) {
        for (size_t i = 0; i < rows.n; i++)
            rows.open[i] = k;
        save(&f, &rows);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQ(readers[i].failures, 0);
        CHECK(readers[i].reads > 0);
    }
    end(&f);
}

/* --- writers beside each other --- */

enum { WRITERS = 6, WRITER_SAVES = 25, SHARED_SERIES = 3 };

typedef struct Saver {
    CandleStore *store;
    ClockManual clock;
    int number, failures;
} Saver;

static SeriesKey shared_series(int i) {
    static const char *const texts[SHARED_SERIES] = { "test:A:1m", "test:B:1m", "test:C:1m" };
    return key_of(texts[i]);
}

/* Its own minutes of every series, one a save, each second save durable. */
static void *save_own_minutes(void *arg) {
    Saver *w = arg;
    for (int i = 0; i < WRITER_SAVES; i++) {
        Arena arena = { 0 };
        Ctx cx;
        Candles row;
        SaveResult result = { 0 };
        SeriesKey key = shared_series(i % SHARED_SERIES);
        Candle c = candle_at((int64_t)(i * WRITERS + w->number) * MS_PER_MINUTE, w->number + 1);
        ctx_init(&cx, &arena, &w->clock.clock);
        candles_init(&row, &arena, 1);
        candles_push(&row, &c);
        SaveRequest req = { .key = &key, .rows = &row, .flags = i % 2 ? SAVE_DURABLE : 0 };
        w->failures += candle_store_save(w->store, &cx, &req, &result) != 0 || result.inserted != 1;
        arena_done(&arena);
    }
    return NULL;
}

TEST(writers_beside_each_other_lose_nothing) {
    Fixture f;
    begin(&f);
    Saver writers[WRITERS];
    pthread_t threads[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (Saver){ .store = f.store, .number = i };
        clock_manual_init(&writers[i].clock, time_ms(0));
        pthread_create(&threads[i], NULL, save_own_minutes, &writers[i]);
    }
    int failures = 0;
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
        failures += writers[i].failures;
    }
    CHECK_EQ(failures, 0);
    int64_t rows = 0;
    for (int i = 0; i < SHARED_SERIES; i++) {
        f.key = shared_series(i);
        Candles got = read_all(&f);
        rows += (int64_t)got.n;
        for (size_t k = 0; k < got.n; k++)
            CHECK_NEAR(got.open[k], (double)(got.open_ms[k] / MS_PER_MINUTE % WRITERS + 1), 0);
    }
    CHECK_EQ(rows, WRITERS * WRITER_SAVES);
    SeriesChange *v;
    size_t n;
    CHECK_OK(&f.t.cx, candle_store_changes(f.store, &f.t.cx, 0, 1000, &v, &n));
    CHECK_EQ(n, WRITERS * WRITER_SAVES); /* one commit, one change, in one order for all */
    CHECK_OK(&f.t.cx, candle_store_verify(f.store, &f.t.cx));
    end(&f);
}

TESTS(T(an_unknown_series_is_an_outcome_and_not_an_error), T(saved_rows_come_back_bit_for_bit),
      T(saving_twice_keeps_one_copy_MDS_09), T(rows_saved_in_any_order_come_back_sorted_and_unique),
      T(live_candles_one_by_one_equal_one_save), T(each_listener_hears_each_commit_as_long_as_it_listens),
      T(each_listener_hears_each_commit_as_long_as_it_listens), T(series_saved_together_are_saved_like_each_alone),
      T(ranges_are_half_open_on_open_time_MDS_08), T(pages_join_without_a_seam),
      T(newest_gives_the_last_rows_ascending), T(reads_append_behind_what_is_there),
      T(a_synthetic_candle_never_replaces_a_real_one_MDS_14), T(times_before_1970_and_calendar_timeframes),
      T(times_off_the_grid_are_kept), T(what_cannot_be_stored_is_refused_whole),
      T(coverage_windows_merge_and_are_cut_by_remove), T(the_change_log_tells_every_commit_in_order),
      T(removing_a_range_and_the_whole), T(series_are_listed_in_their_order), T(listings_keep_their_history),
      T(corporate_actions_are_kept_or_refused), T(a_reopened_store_has_everything_it_says_it_keeps),
      T(deadline_and_cancel_are_kept), T(tests_can_make_any_call_fail),
      T(concurrent_readers_see_all_or_nothing_of_each_save), T(writers_beside_each_other_lose_nothing),
      T(store_model_test))
