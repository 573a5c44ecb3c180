/* Properties of the simulated exchange: however its history is paged, the same rows come out, bad days included. */

#include "lib/test.h"

#include "base/json.h"
#include "base/vec.h"
#include "sim/exchange_sim.h"

typedef struct Row {
    int64_t open, close;
    double v[5]; /* open, high, low, close, volume */
    int64_t trades;
} Row;

typedef VEC(Row) Rows;

typedef struct Setting {
    Arena arena;
    Ctx cx;
    ClockManual clock;
    ExchangeSim *x;
    Time now;
    SimWindow outages[3], quiet[3], skewed[2];
} Setting;

static const char *const intervals[] = { "1m", "3m", "5m",  "15m", "30m", "1h", "2h", "4h",
                                         "6h", "8h", "12h", "1d",  "3d",  "1w", "1M" };

/* A window of minutes somewhere before now. */
static SimWindow random_window(Rng *r, Time now, const char *symbol) {
    SimWindow w = { .skew_ms = rng_between(r, 1, 59999) };
    w.from = time_ms(now.ms - rng_between(r, 1, 20000) * MS_PER_MINUTE);
    w.to = time_add_ms(w.from, rng_between(r, 1, 900) * MS_PER_MINUTE);
    if (symbol && !symbol_parse(str_c(symbol), &w.symbol))
        FAIL("symbol");
    return w;
}

static void setting_init(Setting *s, Rng *r) {
    *s = (Setting){ 0 };
    s->now = time_ms(rng_between(r, INT64_C(1577836800000), INT64_C(1893456000000)));
    int64_t minute = floor_div(s->now.ms, MS_PER_MINUTE) * MS_PER_MINUTE;
    clock_manual_init(&s->clock, s->now);
    ctx_init(&s->cx, &s->arena, &s->clock.clock);
    ExchangeSimOptions o = {
        .seed = rng_u64(r), .outages = s->outages, .quiet = s->quiet, .skewed = s->skewed, .weight_limit = INT64_MAX / 2
    };
    o.n_outages = rng_below(r, ARRAY_LEN(s->outages) + 1);
    o.n_quiet = rng_below(r, ARRAY_LEN(s->quiet) + 1);
    o.n_skewed = rng_below(r, ARRAY_LEN(s->skewed) + 1);
    for (size_t i = 0; i < o.n_outages; i++)
        s->outages[i] = random_window(r, time_ms(minute), NULL);
    for (size_t i = 0; i < o.n_quiet; i++)
        s->quiet[i] = random_window(r, time_ms(minute), rng_chance(r, 0.5) ? "BTCUSDT" : NULL);
    for (size_t i = 0; i < o.n_skewed; i++)
        s->skewed[i] = random_window(r, time_ms(minute), NULL);
    if (exchange_sim_new(&s->cx, &o, &s->x) != 0)
        FAIL("%s", s->cx.err.text);
}

static void setting_done(Setting *s) {
    exchange_sim_free(s->x);
    arena_done(&s->arena);
}

static int64_t read_number(JsonReader *r, double *out) {
    JsonToken t;
    int64_t whole = 0;
    if (json_next(r, &t) != 0)
        FAIL("klines: %s", r->why);
    *out = strtod(str_fmt(r->scratch, STR_FMT, STR_ARG(t.text)).p, NULL);
    str_to_i64(t.text, &whole);
    return whole;
}

/* One page; start or end < 0: not sent. */
static size_t page(Setting *s, const char *symbol, const char *interval, int64_t start, int64_t end, int64_t limit,
                   Rows *out) {
    Buf target;
    buf_init(&target, 512);
    buf_printf(&target, "/api/v3/klines?symbol=%s&interval=%s&limit=%lld", symbol, interval, (long long)limit);
    if (start >= 0)
        buf_printf(&target, "&startTime=%lld", (long long)start);
    if (end >= 0)
        buf_printf(&target, "&endTime=%lld", (long long)end);
    SimRequest req = { .method = S("GET"), .target = buf_str(&target), .peer = S("peer") };
    SimReply reply;
    exchange_sim_handle(s->x, &s->arena, &req, s->now, &reply);
    if (reply.status != 200)
        FAIL("%.*s", (int)reply.body.n, reply.body.p);
    buf_done(&target);
    JsonReader r;
    size_t n = 0;
    double ignored;
    json_reader_init(&r, reply.body, &s->arena, 4);
    json_open_array(&r);
    for (; json_array_next(&r) > 0; n++) {
        Row row = { 0 };
        json_open_array(&r);
        for (int k = 0; json_array_next(&r) > 0; k++) {
            if (k == 0)
                row.open = read_number(&r, &ignored);
            else if (k <= 5)
                read_number(&r, &row.v[k - 1]);
            else if (k == 6)
                row.close = read_number(&r, &ignored);
            else if (k == 8)
                row.trades = read_number(&r, &ignored);
            else
                read_number(&r, &ignored);
        }
        vec_push(out, row);
    }
    if (json_finish(&r) != 0)
        FAIL("klines: %s", r.why);
    arena_reset(&s->arena);
    return n;
}

/* [from, to] forward, page by page of random sizes. */
static void collect_forward(Setting *s, Rng *r, const char *symbol, const char *tf, int64_t from, int64_t to,
                            Rows *out) {
    size_t n;
    do {
        n = page(s, symbol, tf, from, to, rng_between(r, 1, 200), out);
        from = n ? out->v[out->n - 1].open + 1 : from;
    } while (n > 0);
}

static void collect_backward(Setting *s, Rng *r, const char *symbol, const char *tf, int64_t from, int64_t to,
                             Rows *out) {
    for (;;) {
        Rows one = { 0 };
        size_t n = page(s, symbol, tf, -1, to, rng_between(r, 1, 200), &one);
        for (size_t i = n; i-- > 0 && one.v[i].open >= from;)
            vec_push(out, one.v[i]);
        bool over = n == 0 || one.v[0].open <= from;
        to = n ? one.v[0].open - 1 : to;
        vec_done(&one);
        if (over)
            break;
    }
    for (size_t i = 0; i < out->n / 2; i++) {
        Row swap = out->v[i];
        out->v[i] = out->v[out->n - 1 - i];
        out->v[out->n - 1 - i] = swap;
    }
}

static void check_equal(void **state_, const Rows *a, const Rows *b) {
    CHECK_EQ(a->n, b->n);
    for (size_t i = 0; i < a->n; i++)
        CHECK(memcmp(&a->v[i], &b->v[i], sizeof(Row)) == 0);
}

TEST(every_way_of_paging_gives_the_same_rows) {
    Rng r;
    rng_seed(&r, prop_seed(20240401));
    for (int round = 0; round < 100; round++) {
        Setting s;
        setting_init(&s, &r);
        const char *tf = intervals[rng_below(&r, ARRAY_LEN(intervals))];
        Timeframe t;
        CHECK(timeframe_parse(str_c(tf), &t));
        int64_t to = s.now.ms - rng_between(&r, -1000, 100000), from = to - rng_between(&r, 1, 700) * timeframe_ms(t);
        Rows forward = { 0 }, again = { 0 }, backward = { 0 };
        from = MAX(from, 0);
        collect_forward(&s, &r, "BTCUSDT", tf, from, to, &forward);
        collect_forward(&s, &r, "BTCUSDT", tf, from, to, &again);
        collect_backward(&s, &r, "BTCUSDT", tf, from, to, &backward);
        check_equal(state_, &forward, &again);
        check_equal(state_, &forward, &backward);
        for (size_t i = 0; i < forward.n; i++) {
            const Row *row = &forward.v[i];
            CHECK(row->open >= from && row->open <= to && row->open <= s.now.ms);
            CHECK(i == 0 || row->open > forward.v[i - 1].open);
            CHECK(row->v[1] >= row->v[0] && row->v[1] >= row->v[3] && row->v[2] <= row->v[0] && row->v[2] <= row->v[3]);
            CHECK(row->v[2] > 0 && row->v[4] >= 0);
        }
        vec_done(&forward);
        vec_done(&again);
        vec_done(&backward);
        setting_done(&s);
    }
}

/* Outages, quiet windows and the running candle included; skews move minutes and hours alike or not at all, so they
 * are left out here. */
TEST(an_hour_is_what_its_minutes_are) {
    Rng r;
    rng_seed(&r, prop_seed(20240402));
    for (int round = 0; round < 60; round++) {
        Setting s;
        do {
            setting_init(&s, &r);
            if (s.skewed[0].skew_ms)
                setting_done(&s);
        } while (s.skewed[0].skew_ms);
        int64_t from = floor_div(s.now.ms, MS_PER_HOUR) * MS_PER_HOUR - rng_between(&r, 0, 60) * MS_PER_HOUR;
        Rows hours = { 0 }, minutes = { 0 };
        collect_forward(&s, &r, "BTCUSDT", "1h", from, s.now.ms, &hours);
        collect_forward(&s, &r, "BTCUSDT", "1m", from, s.now.ms, &minutes);
        size_t m = 0;
        for (size_t i = 0; i < hours.n; i++) {
            const Row *h = &hours.v[i];
            CHECK(m < minutes.n && minutes.v[m].open >= h->open);
            Row sum = minutes.v[m];
            int64_t lots = 0;
            for (; m < minutes.n && minutes.v[m].open <= h->close; m++) {
                const Row *one = &minutes.v[m];
                sum.v[1] = fmax(sum.v[1], one->v[1]);
                sum.v[2] = fmin(sum.v[2], one->v[2]);
                sum.v[3] = one->v[3];
                lots += llround(one->v[4] * 1e5);
                sum.trades += one->open != sum.open ? one->trades : 0;
            }
            CHECK(memcmp(sum.v, h->v, 4 * sizeof(double)) == 0);
            CHECK_EQ(lots, llround(h->v[4] * 1e5));
            CHECK_EQ(sum.trades, h->trades);
        }
        CHECK_EQ(m, minutes.n);
        vec_done(&hours);
        vec_done(&minutes);
        setting_done(&s);
    }
}

TESTS(T(every_way_of_paging_gives_the_same_rows), T(an_hour_is_what_its_minutes_are))
