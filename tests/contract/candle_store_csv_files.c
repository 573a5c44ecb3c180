/* adapters/store/csv: its files as a person finds, edits and breaks them (MDS-25). */

#include "adapters/store/csv.h"
#include "base/file.h"
#include "lib/test.h"

typedef struct Fixture {
    TestCtx t;
    const char *dir;
    CandleStore *store;
} Fixture;

static void begin(Fixture *f) {
    void **state_ = NULL;
    test_ctx_init(&f->t);
    f->dir = test_dir();
    CHECK_OK(&f->t.cx, store_csv_open(&f->t.cx, f->dir, &f->store));
}

static void end(Fixture *f) {
    candle_store_close(f->store);
    test_dir_done(f->dir);
    test_ctx_done(&f->t);
}

static void save(Fixture *f, const char *series) {
    void **state_ = NULL;
    SeriesKey key;
    Candles rows;
    SaveResult r;
    CHECK(series_key_parse(str_c(series), &key));
    candles_init(&rows, &f->t.arena, 2);
    candles_push(&rows, &(Candle){ time_ms(1704067200000), 46216.93, 46731.39, 46208.37, 46656.13, 1503.33095,
                                   time_ms(1704070800001), 0 });
    candles_push(&rows, &(Candle){ time_ms(1704070800000), 46656.14, 46949.99, 46574.06, 46778.14, 943.81539,
                                   time_ms(0), CANDLE_OPEN | CANDLE_SIMULATED });
    SaveRequest req = { .key = &key, .rows = &rows, .flags = SAVE_DURABLE };
    CHECK_OK(&f->t.cx, candle_store_save(f->store, &f->t.cx, &req, &r));
}

static const char *path_of(Fixture *f, const char *name) {
    return path_join(&f->t.arena, f->dir, name);
}

TEST(a_series_is_a_file_anyone_can_read) {
    Fixture f;
    begin(&f);
    save(&f, "binance:BTCUSDT:1h");
    CHECK_STR(test_read_file(&f.t.arena, path_of(&f, "binance/BTCUSDT/1h.csv")),
              S("time,open,high,low,close,volume,known_at,flags\r\n"
                "2024-01-01T00:00:00Z,46216.93,46731.39,46208.37,46656.13,1503.33095,2024-01-01T01:00:00.001Z,\r\n"
                "2024-01-01T01:00:00Z,46656.14,46949.99,46574.06,46778.14,943.81539,,open+simulated\r\n"));
    save(&f, "fx:EUR/USD:1m@csv/bid+splits");
    CHECK(file_exists(path_of(&f, "fx/EUR%2FUSD/1m@csv~bid+splits.csv")));
    end(&f);
}

TEST(an_edited_file_is_read_and_a_broken_one_named_with_its_line) {
    static const struct {
        const char *name, *text;
        int want;
        const char *words;
    } rows[] = {
        { "quotes and LF", "time,open,high,low,close,volume,known_at,flags\n2024-01-01,\"1\",2,0.5,1,-0,,\n", 0, "" },
        { "no number", "h\n2024-01-01,1,x,0.5,1,0,,\n", ERR_CORRUPT, "line 2: column high" },
        { "no time", "h\nyesterday,1,2,0.5,1,0,,\n", ERR_CORRUPT, "line 2: column time" },
        { "too few fields", "h\n2024-01-01,1,2\n", ERR_CORRUPT, "line 2: wrong number of fields" },
        { "out of order", "h\n2024-01-02,1,2,1,1,0,,\n2024-01-01,1,2,1,1,0,,\n", ERR_CORRUPT, "line 3" },
        { "unknown flag", "h\n2024-01-02,1,2,1,1,0,,shiny\n", ERR_CORRUPT, "column flags" },
        { "open quote", "h\n2024-01-02,\"1,2,1,1,0,,\n", ERR_CORRUPT, "line 2" },
    };
    EACH_ROW (r, rows) {
        Fixture f;
        const char *name = r->name;
        begin(&f);
        test_row_name = name;
        save(&f, "binance:BTCUSDT:1d");
        f.store = candle_store_close(f.store);
        CHECK_OK(&f.t.cx, file_write(&f.t.cx, path_of(&f, "binance/BTCUSDT/1d.csv"), str_c(r->text), 0644));
        CHECK_EQ(store_csv_open(&f.t.cx, f.dir, &f.store), r->want);
        if (r->want && !strstr(f.t.cx.err.text, r->words))
            FAIL("'%s' does not say '%s'", f.t.cx.err.text, r->words);
        end(&f);
    }
}

TEST(a_directory_has_one_owner_and_must_exist) {
    Fixture f;
    begin(&f);
    CandleStore *second = NULL;
    CHECK_EQ(store_csv_open(&f.t.cx, f.dir, &second), ERR_CONFLICT);
    CHECK_EQ(store_csv_open(&f.t.cx, path_of(&f, "missing"), &second), ERR_NOT_FOUND);
    end(&f);
}

TEST(a_change_line_cut_short_by_a_crash_is_dropped) {
    Fixture f;
    begin(&f);
    save(&f, "binance:BTCUSDT:1h");
    f.store = candle_store_close(f.store);
    Str log = test_read_file(&f.t.arena, path_of(&f, "changes.csv"));
    Str torn = str_fmt(&f.t.arena, STR_FMT "2,1,2,170", STR_ARG(log));
    CHECK_OK(&f.t.cx, file_write(&f.t.cx, path_of(&f, "changes.csv"), torn, 0644));
    CHECK_OK(&f.t.cx, store_csv_open(&f.t.cx, f.dir, &f.store));
    SeriesChange *v;
    size_t n;
    CHECK_OK(&f.t.cx, candle_store_changes(f.store, &f.t.cx, 0, 10, &v, &n));
    CHECK_EQ(n, 1);
    end(&f);
}

TESTS(T(a_series_is_a_file_anyone_can_read), T(an_edited_file_is_read_and_a_broken_one_named_with_its_line),
      T(a_directory_has_one_owner_and_must_exist), T(a_change_line_cut_short_by_a_crash_is_dropped))
