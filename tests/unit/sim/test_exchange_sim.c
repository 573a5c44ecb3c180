/* sim/exchange_sim: Binance's spot REST as a function of request and time. */

#include "lib/test.h"

#include "base/json.h"
#include "sim/exchange_sim.h"

static const Time noon = { INT64_C(1709294400000) }; /* Friday 2024-03-01T12:00:00Z */

typedef struct Fixture {
    TestCtx t;
    ExchangeSim *x;
    SimReply r;
    HttpHeader headers[2];
    size_t n_headers;
    Time now;
} Fixture;

static void fixture_init(Fixture *f, const ExchangeSimOptions *o) {
    static const ExchangeSimOptions standard = { .seed = 7 };
    *f = (Fixture){ .now = noon };
    test_ctx_init(&f->t);
    if (exchange_sim_new(&f->t.cx, o ? o : &standard, &f->x) != 0)
        FAIL("%s", f->t.cx.err.text);
}

static void fixture_done(Fixture *f) {
    exchange_sim_free(f->x);
    test_ctx_done(&f->t);
}

static Str call(Fixture *f, const char *method, const char *target) {
    SimRequest req = { .method = str_c(method),
                       .target = str_c(target),
                       .headers = f->headers,
                       .n_headers = f->n_headers,
                       .peer = S("10.0.0.1") };
    exchange_sim_handle(f->x, &f->t.arena, &req, f->now, &f->r);
    return f->r.body;
}

static Str get(Fixture *f, const char *target) {
    return call(f, "GET", target);
}

static Str header(const Fixture *f, const char *name) {
    for (size_t i = 0; i < f->r.n_headers; i++)
        if (str_eq_nocase(f->r.headers[i].name, str_c(name)))
            return f->r.headers[i].value;
    return (Str){ NULL, 0 };
}

typedef struct Row {
    int64_t open, close, trades;
    Str text[12];
} Row;

/* Rows of a klines answer. */
static size_t rows_of(Fixture *f, Str body, Row **out) {
    JsonReader r;
    size_t n = 0;
    Row *rows = arena_new_n(&f->t.arena, Row, KLINES_MAX + 2);
    json_reader_init(&r, body, &f->t.arena, 4);
    int e = json_open_array(&r);
    for (int more; e == 0 && (more = json_array_next(&r)) != 0;) {
        if (more < 0 || n > KLINES_MAX || json_open_array(&r) != 0)
            FAIL("klines: %s", r.why ? r.why : "too many rows");
        int k = 0;
        for (JsonToken token; json_array_next(&r) > 0 && k < 12 && json_next(&r, &token) == 0; k++)
            rows[n].text[k] = token.text;
        if (k != 12 || !str_to_i64(rows[n].text[0], &rows[n].open) || !str_to_i64(rows[n].text[6], &rows[n].close) ||
            !str_to_i64(rows[n].text[8], &rows[n].trades))
            FAIL("row %zu of klines has another shape", n);
        n++;
    }
    if (e != 0 || json_finish(&r) != 0)
        FAIL("not an answer of klines: %.200s", body.p);
    *out = rows;
    return n;
}

static size_t klines(Fixture *f, const char *query, Row **out) {
    Str body = get(f, str_fmt(&f->t.arena, "/api/v3/klines?%s", query).p);
    if (f->r.status != 200)
        FAIL("%s: %d " STR_FMT, query, f->r.status, STR_ARG(body));
    return rows_of(f, body, out);
}

#define QUERY(f, fmt, a, b) str_fmt(&(f)->t.arena, fmt, (long long)(a), (long long)(b)).p

TEST(ping_and_time_answer) {
    Fixture f;
    fixture_init(&f, NULL);
    CHECK_STR(get(&f, "/api/v3/ping"), S("{}"));
    CHECK_EQ(f.r.status, 200);
    CHECK_STR(header(&f, "X-FinSight-Simulated"), S("1"));
    CHECK_STR(get(&f, "/api/v3/time"), S("{\"serverTime\":1709294400000}"));
    CHECK_STR(header(&f, "content-type"), S("application/json;charset=UTF-8"));
    fixture_done(&f);
}

TEST(errors_have_the_venues_codes) {
    static const struct {
        const char *name, *want;
    } rows[] = {
        { "klines",
          "{\"code\":-1102,\"msg\":\"Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.\"}" },
        { "klines?symbol=BTCUSDT",
          "{\"code\":-1102,\"msg\":\"Mandatory parameter 'interval' was not sent, was empty/null, or malformed.\"}" },
        { "klines?symbol=&interval=1h", "{\"code\":-1105,\"msg\":\"Parameter 'symbol' was empty.\"}" },
        { "klines?symbol=BTCUSDT&interval=", "{\"code\":-1105,\"msg\":\"Parameter 'interval' was empty.\"}" },
        { "klines?symbol=NOPEUSDT&interval=1h", "{\"code\":-1121,\"msg\":\"Invalid symbol.\"}" },
        { "klines?symbol=btcusdt&interval=1h",
          "{\"code\":-1100,\"msg\":\"Illegal characters found in parameter 'symbol'; legal range is "
          "'^[A-Z0-9-_.]{1,20}$'.\"}" },
        { "klines?symbol=BTCUSDT&interval=7m", "{\"code\":-1120,\"msg\":\"Invalid interval.\"}" },
        { "klines?symbol=BTCUSDT&interval=1H", "{\"code\":-1120,\"msg\":\"Invalid interval.\"}" },
        { "klines?symbol=BTCUSDT&interval=60m", "{\"code\":-1120,\"msg\":\"Invalid interval.\"}" },
        { "klines?symbol=BTCUSDT&interval=1h&limit=x", "{\"code\":-1100,\"msg\":\"Illegal characters found in "
                                                       "parameter 'limit'; legal range is '^[0-9]{1,20}$'.\"}" },
        { "klines?symbol=BTCUSDT&interval=1h&limit=0",
          "{\"code\":-1130,\"msg\":\"Data sent for parameter 'limit' is not valid.\"}" },
        { "klines?symbol=BTCUSDT&interval=1h&startTime=-1",
          "{\"code\":-1100,\"msg\":\"Illegal characters found in parameter 'startTime'; legal range is "
          "'^[0-9]{1,20}$'.\"}" },
        { "klines?symbol=BTCUSDT&interval=1h&startTime=99999999999999999999",
          "{\"code\":-1108,\"msg\":\"Parameter 'startTime' overflowed.\"}" },
        { "klines?symbol=BTCUSDT&interval=1d&timeZone=15",
          "{\"code\":-1130,\"msg\":\"Data sent for parameter 'timeZone' is not valid.\"}" },
        { "klines?symbol=BTCUSDT&interval=1h&symbol=ETHUSDT",
          "{\"code\":-1101,\"msg\":\"Duplicate values for a parameter detected.\"}" },
        { "klines?symbol=BTCUSDT&interval=1h&foo=1",
          "{\"code\":-1104,\"msg\":\"Not all sent parameters were read; read '2' parameter(s) but was sent '3'.\"}" },
        { "ping?a=1", "{\"code\":-1101,\"msg\":\"Too many parameters; expected '0' and received '1'.\"}" },
        { "exchangeInfo?symbols=%5B%22BTCUSDT%22,%22NOPEUSDT%22%5D", "{\"code\":-1121,\"msg\":\"Invalid symbol.\"}" },
        { "exchangeInfo?symbols=%5B%22BTCUSDT%22,%22BTCUSDT%22%5D",
          "{\"code\":-1151,\"msg\":\"Symbol is present multiple times in the list.\"}" },
        { "exchangeInfo?symbol=BTCUSDT&symbols=%5B%22BTCUSDT%22%5D",
          "{\"code\":-1128,\"msg\":\"Combination of optional parameters invalid.\"}" },
        { "exchangeInfo?symbol=BTCUSDT&permissions=SPOT",
          "{\"code\":-1128,\"msg\":\"Combination of optional parameters invalid.\"}" },
        { "exchangeInfo?symbolStatus=OPEN", "{\"code\":-1122,\"msg\":\"Invalid symbolStatus.\"}" },
        { "ticker/24hr?type=BIG", "{\"code\":-1139,\"msg\":\"Invalid ticker type.\"}" },
    };
    Fixture f;
    fixture_init(&f, NULL);
    EACH_ROW (r, rows) {
        CHECK_STR(get(&f, str_fmt(&f.t.arena, "/api/v3/%s", r->name).p), str_c(r->want));
        CHECK_EQ(f.r.status, 400);
    }
    test_row_name = NULL;
    Str bad = get(&f, "/api/v3/ticker/price?symbols=%5BBTCUSDT%5D");
    CHECK(str_starts(bad, S("{\"code\":-1100,\"msg\":\"Illegal characters found in parameter 'symbols';")));
    get(&f, "/api/v4/klines");
    CHECK_EQ(f.r.status, 404);
    call(&f, "POST", "/api/v3/ping");
    CHECK_EQ(f.r.status, 405);
    fixture_done(&f);
}

/* wire-market 1.1: which rows an answer has */
TEST(klines_select_as_the_venue_does) {
    Fixture f;
    Row *v;
    fixture_init(&f, NULL);
    CHECK_EQ(klines(&f, "symbol=BTCUSDT&interval=1h", &v), 500);
    CHECK_EQ(v[499].open, noon.ms); /* the running one, opened this very second */
    CHECK_EQ(v[499].close, noon.ms + MS_PER_HOUR - 1);
    CHECK_EQ(v[0].open, noon.ms - INT64_C(499) * MS_PER_HOUR);
    CHECK_EQ(klines(&f, "symbol=BTCUSDT&interval=1h&limit=1000", &v), 1000);
    CHECK_EQ(klines(&f, "symbol=BTCUSDT&interval=1h&limit=5000", &v), 1000);

    long long day = noon.ms - 12 * MS_PER_HOUR;
    CHECK_EQ(klines(&f, QUERY(&f, "symbol=BTCUSDT&interval=1h&startTime=%lld&endTime=%lld", day, day + 7200000), &v),
             3);
    CHECK_EQ(v[0].open, day);
    CHECK_EQ(v[2].open, day + 7200000); /* both ends are in it */
    CHECK_EQ(
        klines(&f, QUERY(&f, "symbol=BTCUSDT&interval=1h&startTime=%lld&endTime=%lld", day + 1, day + 7199999), &v), 1);
    CHECK_EQ(klines(&f, QUERY(&f, "symbol=BTCUSDT&interval=1h&startTime=%lld&limit=%lld", day, 2), &v), 2);
    CHECK_EQ(v[0].open, day);
    CHECK_EQ(klines(&f, QUERY(&f, "symbol=BTCUSDT&interval=1h&endTime=%lld&limit=%lld", day, 2), &v), 2);
    CHECK_EQ(v[1].open, day);
    CHECK_EQ(v[0].open, day - MS_PER_HOUR);
    CHECK_EQ(klines(&f, QUERY(&f, "symbol=BTCUSDT&interval=1h&startTime=%lld&endTime=%lld", day, day - 1), &v), 0);
    CHECK_EQ(klines(&f, QUERY(&f, "symbol=BTCUSDT&interval=1h&startTime=%lld000&endTime=%lld000", day, day), &v), 1);
    CHECK_EQ(klines(&f, QUERY(&f, "symbol=BTCUSDT&interval=1h&startTime=%lld&limit=%lld", noon.ms + 1, 5), &v), 0);
    fixture_done(&f);
}

TEST(the_first_candle_is_the_listing) {
    Fixture f;
    Row *v;
    fixture_init(&f, NULL);
    CHECK_EQ(klines(&f, "symbol=BTCUSDT&interval=1m&startTime=0&limit=1", &v), 1);
    CHECK_EQ(v[0].open, INT64_C(1502942400000)); /* 2017-08-17T04:00Z, as at the venue */
    CHECK_EQ(klines(&f, "symbol=BTCUSDT&interval=1d&startTime=0&limit=1", &v), 1);
    CHECK_EQ(v[0].open, INT64_C(1502928000000)); /* the day it fell in */
    CHECK_EQ(klines(&f, "symbol=BTCUSDT&interval=1M&startTime=0&limit=3", &v), 3);
    CHECK_EQ(v[0].open, INT64_C(1501545600000));
    CHECK_EQ(v[1].open, INT64_C(1504224000000));
    CHECK_EQ(klines(&f, "symbol=BTCUSDT&interval=1w&startTime=0&limit=1", &v), 1);
    CHECK_EQ(v[0].open, INT64_C(1502668800000)); /* Monday */
    f.now = time_ms(INT64_C(1502942399999));
    get(&f, "/api/v3/klines?symbol=BTCUSDT&interval=1m");
    CHECK_EQ(f.r.status, 400); /* not listed yet */
    fixture_done(&f);
}

TEST(the_last_row_moves_until_it_is_closed) {
    Fixture f;
    Row *v;
    fixture_init(&f, NULL);
    f.now = time_add_ms(noon, 30500);
    CHECK_EQ(klines(&f, "symbol=BTCUSDT&interval=1m&limit=1", &v), 1);
    CHECK_EQ(v[0].open, noon.ms);
    Str open = v[0].text[1], volume_then = v[0].text[5], close_then = v[0].text[4];
    f.now = time_add_ms(noon, 59999);
    CHECK_EQ(klines(&f, "symbol=BTCUSDT&interval=1m&limit=1", &v), 1);
    CHECK_STR(v[0].text[1], open);
    CHECK(strtod(v[0].text[5].p, NULL) > strtod(volume_then.p, NULL));
    CHECK(!str_eq(v[0].text[4], close_then));
    Row whole = v[0];
    f.now = time_add_ms(noon, 600000);
    CHECK_EQ(klines(&f, QUERY(&f, "symbol=BTCUSDT&interval=1m&startTime=%lld&limit=%lld", noon.ms, 1), &v), 1);
    for (int i = 0; i < 12; i++)
        CHECK_STR(v[0].text[i], whole.text[i]); /* closed: nothing moves any more */
    fixture_done(&f);
}

TEST(rows_have_the_venues_text) {
    Fixture f;
    Row *v;
    fixture_init(&f, NULL);
    CHECK_EQ(klines(&f, "symbol=SHIBUSDT&interval=1m&limit=50", &v), 50);
    for (int i = 0; i < 50; i++) {
        for (int k = 1; k <= 10; k++) {
            if (k == 6 || k == 8)
                continue;
            ptrdiff_t point = str_find_char(v[i].text[k], '.');
            CHECK(point > 0 && v[i].text[k].n - (size_t)point - 1 >= 8);
            CHECK(str_find_char(v[i].text[k], 'e') < 0);
        }
        CHECK_EQ(v[i].close - v[i].open, 59999);
        CHECK_STR(v[i].text[11], S("0"));
        CHECK(v[i].trades >= 0);
    }
    fixture_done(&f);
}

TEST(a_time_zone_moves_days_and_not_hours) {
    static const struct {
        const char *name;
        int64_t shift_ms;
    } rows[] = {
        { "0", 0 },
        { "8", 8 * MS_PER_HOUR },
        { "%2B08:00", 8 * MS_PER_HOUR },
        { "+8", 8 * MS_PER_HOUR },
        { "-12:00", -12 * MS_PER_HOUR },
        { "5:45", 5 * MS_PER_HOUR + 45 * MS_PER_MINUTE },
        { "14", 14 * MS_PER_HOUR },
    };
    Fixture f;
    Row *v;
    fixture_init(&f, NULL);
    EACH_ROW (r, rows) {
        char query[96];
        snprintf(query, sizeof query, "symbol=BTCUSDT&interval=1d&limit=3&timeZone=%s", r->name);
        CHECK_EQ(klines(&f, query, &v), 3);
        for (int i = 0; i < 3; i++)
            CHECK_EQ(floor_mod(v[i].open + r->shift_ms, MS_PER_DAY), 0);
        snprintf(query, sizeof query, "symbol=BTCUSDT&interval=1h&limit=3&timeZone=%s", r->name);
        CHECK_EQ(klines(&f, query, &v), 3);
        CHECK_EQ(v[2].open, noon.ms);
    }
    fixture_done(&f);
}

TEST(microseconds_come_on_request) {
    Fixture f;
    Row *v;
    fixture_init(&f, NULL);
    f.headers[0] = (HttpHeader){ S("x-mbx-time-unit"), S("MICROSECOND") };
    f.n_headers = 1;
    CHECK_STR(get(&f, "/api/v3/time"), S("{\"serverTime\":1709294400000000}"));
    CHECK_EQ(klines(&f, "symbol=BTCUSDT&interval=1m&limit=1", &v), 1);
    CHECK_EQ(v[0].open, noon.ms * 1000);
    CHECK_EQ(v[0].close, (noon.ms + 60000) * 1000 - 1);
    f.headers[0].value = S("FORTNIGHT");
    get(&f, "/api/v3/time");
    CHECK_EQ(f.r.status, 400);
    fixture_done(&f);
}

/* --- bad days of a venue --- */

TEST(an_outage_leaves_no_candle_of_any_symbol) {
    SimWindow outage = { time_add_ms(noon, -90 * MS_PER_MINUTE), time_add_ms(noon, -30 * MS_PER_MINUTE), { "" }, 0 };
    ExchangeSimOptions o = { .seed = 7, .outages = &outage, .n_outages = 1 };
    Fixture f;
    Row *v;
    fixture_init(&f, &o);
    static const char *const symbols[] = { "BTCUSDT", "ETHUSDT" };
    for (int s = 0; s < 2; s++) {
        char query[128];
        snprintf(query, sizeof query, "symbol=%s&interval=1m&startTime=%lld&endTime=%lld", symbols[s],
                 (long long)noon.ms - 2 * MS_PER_HOUR, (long long)noon.ms - 1);
        CHECK_EQ(klines(&f, query, &v), 60);
        CHECK_EQ(v[29].open, noon.ms - 91 * MS_PER_MINUTE);
        CHECK_EQ(v[30].open, noon.ms - 30 * MS_PER_MINUTE);
        /* an empty window in mid-history */
        snprintf(query, sizeof query, "symbol=%s&interval=1m&startTime=%lld&endTime=%lld", symbols[s],
                 (long long)outage.from.ms, (long long)outage.to.ms - 1);
        CHECK_EQ(klines(&f, query, &v), 0);
    }
    /* the two hours it touches are what was left of them */
    CHECK_EQ(klines(&f,
                    QUERY(&f, "symbol=BTCUSDT&interval=1h&startTime=%lld&endTime=%lld", noon.ms - 2 * MS_PER_HOUR,
                          noon.ms - 1),
                    &v),
             2);
    Row half = v[0];
    CHECK_EQ(klines(&f,
                    QUERY(&f, "symbol=BTCUSDT&interval=30m&startTime=%lld&limit=%lld", noon.ms - 2 * MS_PER_HOUR, 1),
                    &v),
             1);
    for (int i = 1; i <= 5; i++)
        CHECK_STR(v[0].text[i], half.text[i]);
    fixture_done(&f);
}

TEST(a_quiet_window_has_flat_candles_without_volume) {
    SimWindow quiet = {
        time_add_ms(noon, -60 * MS_PER_MINUTE), time_add_ms(noon, -50 * MS_PER_MINUTE), { "ETHUSDT" }, 0
    };
    ExchangeSimOptions o = { .seed = 7, .quiet = &quiet, .n_quiet = 1 };
    Fixture f;
    Row *v;
    fixture_init(&f, &o);
    CHECK_EQ(
        klines(&f, QUERY(&f, "symbol=ETHUSDT&interval=1m&startTime=%lld&limit=%lld", quiet.from.ms - 60000, 11), &v),
        11);
    for (int i = 1; i < 11; i++) {
        for (int k = 1; k <= 4; k++)
            CHECK_STR(v[i].text[k], v[0].text[4]);
        CHECK_STR(v[i].text[5], S("0.00000000"));
        CHECK_EQ(v[i].trades, 0);
    }
    CHECK_EQ(klines(&f, QUERY(&f, "symbol=BTCUSDT&interval=1m&startTime=%lld&limit=%lld", quiet.from.ms, 1), &v), 1);
    CHECK(v[0].trades > 0); /* the others trade */
    fixture_done(&f);
}

TEST(a_skewed_window_stands_off_the_grid) {
    SimWindow skew = { time_add_ms(noon, -10 * MS_PER_MINUTE), noon, { "" }, 18123 };
    ExchangeSimOptions o = { .seed = 7, .skewed = &skew, .n_skewed = 1 };
    Fixture f;
    Row *v;
    fixture_init(&f, &o);
    CHECK_EQ(klines(&f,
                    QUERY(&f, "symbol=BTCUSDT&interval=1m&startTime=%lld&limit=%lld", noon.ms - 11 * MS_PER_MINUTE, 12),
                    &v),
             12);
    CHECK_EQ(v[0].open, noon.ms - 11 * MS_PER_MINUTE);
    for (int i = 1; i <= 10; i++) {
        CHECK_EQ(v[i].open, noon.ms - (11 - i) * MS_PER_MINUTE + 18123);
        CHECK_EQ(v[i].close - v[i].open, 59999);
    }
    CHECK_EQ(v[11].open, noon.ms);
    /* paging by last open + 1 neither repeats nor loses a row */
    long long at = noon.ms - 11 * MS_PER_MINUTE;
    for (int i = 0; i < 12; i++, at = v[0].open + 1)
        CHECK_EQ(klines(&f, QUERY(&f, "symbol=BTCUSDT&interval=1m&startTime=%lld&limit=%lld", at, 1), &v), 1);
    CHECK_EQ(v[0].open, noon.ms);
    fixture_done(&f);
}

TEST(recorded_candles_come_back_unchanged) {
    Fixture f;
    Candles cs;
    Row *v;
    candles_init_heap(&cs, 48);
    for (int i = 0; i < 48; i++) {
        if (i == 20)
            continue; /* a hole */
        double p = 42000.5 + i * 0.25;
        Candle c = { .open_time = time_add_ms(noon, (int64_t)(i - 47) * MS_PER_HOUR),
                     .open = p,
                     .high = p + 10.125,
                     .low = p - 3,
                     .close = p + 1,
                     .volume = 1.23456789 + i };
        candles_push(&cs, &c);
    }
    SimRecorded rec = { .candles = &cs };
    CHECK(symbol_parse(S("AAPL"), &rec.symbol) && timeframe_parse(S("1h"), &rec.timeframe));
    ExchangeSimOptions o = { .recorded = &rec, .n_recorded = 1 };
    fixture_init(&f, &o);
    f.now = time_add_ms(noon, MS_PER_HOUR);
    CHECK_EQ(klines(&f, "symbol=AAPL&interval=1h", &v), 47);
    for (size_t i = 0; i < 47; i++) {
        CHECK_EQ(v[i].open, cs.open_ms[i]);
        CHECK(strtod(v[i].text[1].p, NULL) == cs.open[i] && strtod(v[i].text[2].p, NULL) == cs.high[i]);
        CHECK(strtod(v[i].text[3].p, NULL) == cs.low[i] && strtod(v[i].text[4].p, NULL) == cs.close[i]);
        CHECK(strtod(v[i].text[5].p, NULL) == cs.volume[i]);
    }
    CHECK_EQ(
        klines(&f, QUERY(&f, "symbol=AAPL&interval=2h&startTime=%lld&limit=%lld", noon.ms - 4 * MS_PER_HOUR, 1), &v),
        1);
    CHECK_STR(v[0].text[5], S("89.46913578"));              /* 43 + 44 + twice 1.23456789, without binary dust */
    CHECK_EQ(klines(&f, "symbol=AAPL&interval=1m", &v), 0); /* finer than the record */
    Str info = get(&f, "/api/v3/exchangeInfo?symbol=AAPL");
    CHECK(str_find(info, S("\"quoteAsset\":\"USD\"")) > 0);
    fixture_done(&f);
    candles_done_heap(&cs);
}

/* --- tickers, exchangeInfo --- */

TEST(exchange_info_lists_what_is_asked) {
    Fixture f;
    fixture_init(&f, NULL);
    Str all = get(&f, "/api/v3/exchangeInfo");
    CHECK(
        str_find(all,
                 S("{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\",\"intervalNum\":1,\"limit\":6000}")) >
        0);
    CHECK(str_find(all,
                   S("{\"filterType\":\"PRICE_FILTER\",\"minPrice\":\"0.01000000\",\"maxPrice\":\"1000000.00000000\","
                     "\"tickSize\":\"0.01000000\"}")) > 0);
    CHECK(str_find(all, S("\"permissions\":[]")) > 0);
    JsonReader r;
    json_reader_init(&r, all, &f.t.arena, 16);
    CHECK(json_skip(&r) == 0 && json_finish(&r) == 0);
    Str two = get(&f, "/api/v3/exchangeInfo?symbols=%5B%22ETHUSDT%22,%22BTCUSDT%22%5D");
    CHECK(str_find(two, S("ETHUSDT")) < str_find(two, S("BTCUSDT")) && str_find(two, S("ETHUSDT")) > 0);
    CHECK(str_find(two, S("SOLUSDT")) < 0);
    CHECK(str_find(get(&f, "/api/v3/exchangeInfo?symbolStatus=HALT"), S("\"symbols\":[]")) > 0);
    CHECK(str_find(get(&f, "/api/v3/exchangeInfo?permissions=SPOT"), S("BTCUSDT")) > 0);
    CHECK(str_find(get(&f, "/api/v3/exchangeInfo?permissions=%5B%22LEVERAGED%22%5D"), S("\"symbols\":[]")) > 0);
    CHECK(str_find(get(&f, "/api/v3/exchangeInfo?symbol=BTCUSDT&showPermissionSets=false"), S("permissionSets")) < 0);
    f.now = time_ms(INT64_C(1577836800000)); /* 2020: SOLUSDT was not there yet */
    CHECK(str_find(get(&f, "/api/v3/exchangeInfo"), S("SOLUSDT")) < 0);
    fixture_done(&f);
}

TEST(tickers_agree_with_the_candles) {
    Fixture f;
    Row *v;
    fixture_init(&f, NULL);
    f.now = time_add_ms(noon, MS_PER_DAY - 1);
    CHECK_EQ(klines(&f, "symbol=BTCUSDT&interval=1m&limit=1", &v), 1);
    Str price = get(&f, "/api/v3/ticker/price?symbol=BTCUSDT");
    CHECK_STR(price, str_fmt(&f.t.arena, "{\"symbol\":\"BTCUSDT\",\"price\":\"" STR_FMT "\"}", STR_ARG(v[0].text[4])));
    Str day = get(&f, "/api/v3/ticker/24hr?symbol=BTCUSDT&type=MINI");
    CHECK_EQ(klines(&f, QUERY(&f, "symbol=BTCUSDT&interval=12h&startTime=%lld&limit=%lld", noon.ms, 2), &v), 2);
    CHECK(str_find(day, str_fmt(&f.t.arena, "\"openPrice\":\"" STR_FMT "\"", STR_ARG(v[0].text[1]))) > 0);
    CHECK(str_find(day, str_fmt(&f.t.arena, "\"lastPrice\":\"" STR_FMT "\"", STR_ARG(v[1].text[4]))) > 0);
    CHECK(str_find(day, str_fmt(&f.t.arena, "\"count\":%lld", (long long)(v[0].trades + v[1].trades))) > 0);
    CHECK_EQ(get(&f, "/api/v3/ticker/price").p[0], '[');
    CHECK(str_find(get(&f, "/api/v3/ticker/24hr?symbols=%5B%22ETHBTC%22%5D"), S("\"weightedAvgPrice\"")) > 0);
    fixture_done(&f);
}

/* --- weights and bans --- */

TEST(weights_are_charged_and_told) {
    static const struct {
        const char *name;
        int64_t weight;
    } rows[] = {
        { "ping", 1 },
        { "time", 1 },
        { "exchangeInfo", 20 },
        { "klines?symbol=BTCUSDT&interval=1m&limit=1", 2 },
        { "klines?symbol=NOPE&interval=1m", 2 },
        { "ticker/price?symbol=BTCUSDT", 2 },
        { "ticker/price", 4 },
        { "ticker/price?symbols=%5B%22BTCUSDT%22%5D", 4 },
        { "ticker/24hr?symbol=BTCUSDT", 2 },
        { "ticker/24hr?symbols=%5B%22BTCUSDT%22,%22ETHUSDT%22%5D", 2 },
        { "ticker/24hr", 80 },
    };
    Fixture f;
    fixture_init(&f, NULL);
    int64_t used = 0, told;
    EACH_ROW (r, rows) {
        get(&f, str_fmt(&f.t.arena, "/api/v3/%s", r->name).p);
        used += r->weight;
        CHECK(str_to_i64(header(&f, "X-MBX-USED-WEIGHT-1M"), &told));
        CHECK_EQ(told, used);
    }
    f.now = time_add_ms(f.now, MS_PER_MINUTE);
    get(&f, "/api/v3/ping");
    CHECK_STR(header(&f, "x-mbx-used-weight-1m"), S("1"));
    fixture_done(&f);
}

TEST(over_the_limit_is_429_and_insisting_is_418) {
    ExchangeSimOptions o = { .seed = 7, .weight_limit = 20, .ban_after = 3 };
    Fixture f;
    fixture_init(&f, &o);
    f.now = time_add_ms(noon, 20000);
    get(&f, "/api/v3/exchangeInfo");
    CHECK_EQ(f.r.status, 200);
    for (int i = 0; i < 3; i++) {
        Str body = get(&f, "/api/v3/ping");
        CHECK_EQ(f.r.status, 429);
        CHECK_STR(header(&f, "Retry-After"), S("40"));
        CHECK(str_starts(body, S("{\"code\":-1003,\"msg\":\"Too much request weight used; current limit is 20 ")));
        CHECK_STR(header(&f, "X-FinSight-Simulated"), S("1"));
    }
    CHECK(str_starts(get(&f, "/api/v3/ping"),
                     S("{\"code\":-1003,\"msg\":\"Way too much request weight used; IP banned until 1709294540000. ")));
    CHECK_EQ(f.r.status, 418);
    CHECK_STR(header(&f, "Retry-After"), S("120"));
    f.now = time_add_ms(noon, 60000); /* a new minute does not end a ban */
    get(&f, "/api/v3/ping");
    CHECK_EQ(f.r.status, 418);
    CHECK_STR(header(&f, "Retry-After"), S("80"));
    f.now = time_add_ms(noon, 140000);
    get(&f, "/api/v3/ping");
    CHECK_EQ(f.r.status, 200);
    for (int i = 0; i < 23; i++)
        get(&f, "/api/v3/ping");
    CHECK_EQ(f.r.status, 418);
    CHECK_STR(header(&f, "Retry-After"), S("240")); /* twice as long the second time */

    SimRequest other = { .method = S("GET"), .target = S("/api/v3/ping"), .peer = S("10.0.0.2") };
    exchange_sim_handle(f.x, &f.t.arena, &other, f.now, &f.r);
    CHECK_EQ(f.r.status, 200); /* limits are per address */
    fixture_done(&f);
}

TESTS(T(ping_and_time_answer), T(errors_have_the_venues_codes), T(klines_select_as_the_venue_does),
      T(the_first_candle_is_the_listing), T(the_last_row_moves_until_it_is_closed), T(rows_have_the_venues_text),
      T(a_time_zone_moves_days_and_not_hours), T(microseconds_come_on_request),
      T(an_outage_leaves_no_candle_of_any_symbol), T(a_quiet_window_has_flat_candles_without_volume),
      T(a_skewed_window_stands_off_the_grid), T(recorded_candles_come_back_unchanged),
      T(exchange_info_lists_what_is_asked), T(tickers_agree_with_the_candles), T(weights_are_charged_and_told),
      T(over_the_limit_is_429_and_insisting_is_418))
