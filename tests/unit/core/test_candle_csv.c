/* core/candle_csv: candles from other people's files and back. */

#include "core/candle_csv.h"
#include "lib/test.h"

/* Reads `text` in pieces of `piece` bytes; the report of the reader is copied out. */
static int read_pieces(TestCtx *t, const CandleCsvOptions *options, Str text, size_t piece, Candles *out,
                       CandleCsvReport *report) {
    CandleCsv *r = NULL;
    candles_init_heap(out, 0);
    int e = candle_csv_open(&t->cx, options, &r);
    for (size_t at = 0; e == 0 && at < text.n; at += piece)
        e = candle_csv_feed(r, &t->cx, str_first(str_from(text, at), piece), out);
    if (e == 0)
        e = candle_csv_finish(r, &t->cx, out);
    if (r && report)
        *report = *candle_csv_report(r);
    candle_csv_close(r);
    return e;
}

static int read_all(TestCtx *t, const CandleCsvOptions *options, const char *text, Candles *out,
                    CandleCsvReport *report) {
    return read_pieces(t, options, str_c(text), 1 << 20, out, report);
}

static Time at(const char *iso) {
    Time t = { 0 };
    if (!time_parse_iso(str_c(iso), &t, NULL))
        FAIL("%s is not a time", iso);
    return t;
}

/* Every layout says the same two candles of 2023-03-01 00:00 and 00:01, unless the row says otherwise. */
TEST(layouts_separators_and_names_are_found_out) {
    static const struct {
        const char *name, *text;
        bool header;
        char separator;
    } rows[] = {
        { "ours",
          "ts,open,high,low,close,volume\n2023-03-01T00:00:00Z,10,12,9,11,5\n2023-03-01T00:01:00Z,10,12,9,11,5\n", true,
          ',' },
        { "pandas with a zone, CRLF, no last line end",
          "open_time,open,high,low,close,volume\r\n2023-03-01 00:00:00+00:00,10.0,12.0,9.0,11.0,5.0\r\n"
          "2023-03-01 00:01:00+00:00,10.0,12.0,9.0,11.0,5.0",
          true, ',' },
        { "kraken: no header, seconds, a count behind", "1677628800,10,12,9,11,5,3\n1677628860,10,12,9,11,5,1\n", false,
          ',' },
        { "binance without header, 12 columns, ms",
          "1677628800000,10.0,12.0,9.0,11.0,5.0,1677628859999,50.0,3,1.0,10.0,0\n"
          "1677628860000,10.0,12.0,9.0,11.0,5.0,1677628919999,50.0,3,1.0,10.0,0\n",
          false, ',' },
        { "binance with header, us",
          "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
          "taker_buy_quote_volume,ignore\n"
          "1677628800000000,10,12,9,11,5,1677628859999999,50,3,1,10,0\n"
          "1677628860000000,10,12,9,11,5,1677628919999999,50,3,1,10,0\n",
          true, ',' },
        { "semicolons, other order, upper case, quotes",
          "\"Timestamp\";\"Close\";\"Low\";\"High\";\"Open\";\"Vol\"\n\"2023-03-01 00:00\";11;9;12;10;5\n"
          "\"2023-03-01 00:01\";\"11\";9;12;10;5\n",
          true, ';' },
        { "metatrader: tabs, brackets, date and time apart",
          "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
          "2023.03.01\t00:00:00\t10\t12\t9\t11\t99\t5\t1\n2023.03.01\t00:01:00\t10\t12\t9\t11\t99\t5\t1\n",
          true, '\t' },
        { "metatrader without header", "2023.03.01,00:00,10,12,9,11,5\n2023.03.01,00:01,10,12,9,11,5\n", false, ',' },
        { "pandas index without a name",
          ",Open,High,Low,Close,Adj Close,Volume\n2023-03-01,10,12,9,11,7,5\n2023-03-01 00:01,10,12,9,11,7,5\n", true,
          ',' },
        { "cryptodatadownload",
          "Unix,Date,Symbol,Open,High,Low,Close,Volume BTC,Volume USD\n"
          "1677628800,2023-03-01 00:00:00,BTC/USD,10,12,9,11,5,55\n"
          "1677628860,2023-03-01 00:01:00,BTC/USD,10,12,9,11,5,55\n",
          true, ',' },
        { "byte order mark and empty lines",
          "\xEF\xBB\xBFts,open,high,low,close,volume\n\n2023-03-01T00:00,1e1,12,9,1.1E+1,5\n\n"
          "2023-03-01T00:01,10,12,9,11,5\n",
          true, ',' },
        { "spaces",
          "ts|open|high|low|close|volume\n 2023-03-01 00:00 | 10 | 12 | 9 | 11 | 5 \n"
          " 2023-03-01 00:01 |10|12|9|11|5\n",
          true, '|' },
    };
    TestCtx t;
    test_ctx_init(&t);
    const Candle want[] = {
        { .open_time = at("2023-03-01T00:00"), .open = 10, .high = 12, .low = 9, .close = 11, .volume = 5 },
        { .open_time = at("2023-03-01T00:01"), .open = 10, .high = 12, .low = 9, .close = 11, .volume = 5 },
    };
    EACH_ROW (r, rows) {
        size_t n = strlen(r->text);
        for (size_t piece = 1; piece <= n; piece += piece < 12 ? 1 : n) { /* cuts change nothing */
            Candles cs;
            CandleCsvReport report = { 0 };
            CHECK_OK(&t.cx, read_pieces(&t, &(CandleCsvOptions){ 0 }, str_c(r->text), piece, &cs, &report));
            CHECK_EQ(cs.n, 2);
            for (size_t i = 0; i < 2; i++) {
                Candle got = candles_get(&cs, i);
                CHECK(candle_same_data(&got, &want[i]));
            }
            CHECK_EQ(report.has_header, r->header);
            CHECK_EQ(report.separator, r->separator);
            CHECK(timeframe_eq(report.timeframe, (Timeframe){ UNIT_MINUTE, 1 }));
            CHECK(report.inferred);
            CHECK_EQ(report.n_rows, 2);
            candles_done_heap(&cs);
        }
    }
    test_ctx_done(&t);
}

TEST(dialects_of_dates) {
    static const struct {
        const char *name; /* the text */
        const char *want; /* NULL = refused */
        CsvDateOrder order;
        CsvTimeUnit unit;
    } rows[] = {
        { "2024-01-31T23:59:00", "2024-01-31T23:59:00Z", 0, 0 },
        { "2024-01-31 23:59:00.5", "2024-01-31T23:59:00.500Z", 0, 0 },
        { "2024-01-31T23:59:00Z", "2024-01-31T23:59:00Z", 0, 0 },
        { "2024-01-31 23:59:00+05:30", "2024-01-31T18:29:00Z", 0, 0 },
        { "2024-01-31T23:59:00.123456-0400", "2024-02-01T03:59:00.123Z", 0, 0 },
        { "2024-01-31 23:59:00 UTC", "2024-01-31T23:59:00Z", 0, 0 },
        { "2024-01-31 23:59", "2024-01-31T23:59:00Z", 0, 0 },
        { "2024-01-31", "2024-01-31T00:00:00Z", 0, 0 },
        { "1950-01-02T05:00:00", "1950-01-02T05:00:00Z", 0, 0 },
        { "1990/1/1 0:00", "1990-01-01T00:00:00Z", 0, 0 },
        { "1990/12/31 9:05:07", "1990-12-31T09:05:07Z", 0, 0 },
        { "2024.01.31 23:59", "2024-01-31T23:59:00Z", 0, 0 },
        { "20240131", "2024-01-31T00:00:00Z", 0, 0 },
        { "20240131 235900", "2024-01-31T23:59:00Z", 0, 0 },
        { "20240131 23:59", "2024-01-31T23:59:00Z", 0, 0 },
        { "20240131235900", "2024-01-31T23:59:00Z", 0, 0 },
        { "31.01.2024", "2024-01-31T00:00:00Z", CSV_DAY_FIRST, 0 },
        { "31.01.2024 23:59:00.000 GMT+0100", "2024-01-31T22:59:00Z", CSV_DAY_FIRST, 0 },
        { "31/1/2024 7:00", "2024-01-31T07:00:00Z", CSV_DAY_FIRST, 0 },
        { "1/31/2024 7:00", "2024-01-31T07:00:00Z", CSV_MONTH_FIRST, 0 },
        { "2024-01-31", "2024-01-31T00:00:00Z", CSV_DAY_FIRST, 0 },
        { "1706745540", "2024-01-31T23:59:00Z", 0, 0 },
        { "1706745540.25", "2024-01-31T23:59:00.250Z", 0, 0 },
        { "1.70674554e9", "2024-01-31T23:59:00Z", 0, 0 },
        { "1706745540000", "2024-01-31T23:59:00Z", 0, 0 },
        { "1706745540000000", "2024-01-31T23:59:00Z", 0, 0 },
        { "1706745540000000000", "2024-01-31T23:59:00Z", 0, 0 },
        { "-86400", "1969-12-31T00:00:00Z", 0, 0 },
        { "86400000", "1970-01-02T00:00:00Z", 0, CSV_UNIT_MS },
        { "20240131", "1970-08-23T06:15:31Z", 0, CSV_UNIT_S },
        { "31.01.2024", NULL, 0, 0 },
        { "01/31/2024", NULL, 0, 0 },
        { "31.01.2024", NULL, CSV_MONTH_FIRST, 0 },
        { "31.01.24", NULL, CSV_DAY_FIRST, 0 },
        { "2024-02-30", NULL, 0, 0 },
        { "2024-13-01T00:00:00", NULL, 0, 0 },
        { "2024-01-31T24:00:00", NULL, 0, 0 },
        { "2024-01-31T23:60:00", NULL, 0, 0 },
        { "2024-01-31T23:59:00X", NULL, 0, 0 },
        { "2024-01-31T23:59:00+1", NULL, 0, 0 },
        { "2024-01-31T", NULL, 0, 0 },
        { "2024-01", NULL, 0, 0 },
        { "soon", NULL, 0, 0 },
        { "", NULL, 0, 0 },
        { "nan", NULL, 0, 0 },
        { "99999999999999999999", NULL, 0, 0 },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        CandleCsvOptions options = { .timeframe = { UNIT_SECOND, 1 }, .date_order = r->order, .time_unit = r->unit };
        Str text = str_fmt(&t.arena, "ts,open,high,low,close\n\"%s\",1,1,1,1\n", r->name);
        Candles cs;
        int e = read_pieces(&t, &options, text, 1 << 20, &cs, NULL);
        CHECK_EQ(e, r->want ? 0 : ERR_INVALID);
        if (r->want)
            CHECK_STR(time_iso(&t.arena, time_ms(cs.open_ms[0])), str_c(r->want));
        else
            CHECK_STR(str_c(t.cx.err.field), S("line 2"));
        candles_done_heap(&cs);
    }
    test_ctx_done(&t);
}

TEST(the_end_of_a_candle_gives_its_open_time) {
    static const struct {
        const char *name, *tf, *ts, *open;
    } rows[] = {
        { "a minute's end", "1m", "2006-01-02T09:01:00", "2006-01-02T09:00:00Z" },
        { "the last second of 5 minutes", "5m", "2023-03-13T18:04:59", "2023-03-13T18:00:00Z" },
        { "the last ms", "5m", "2023-03-13T18:04:59.999", "2023-03-13T18:00:00Z" },
        { "midnight of the next day", "1d", "2016-05-19T00:00:00", "2016-05-18T00:00:00Z" },
        { "the last day of a month", "1M", "2012-01-31T00:00:00", "2012-01-01T00:00:00Z" },
        { "a week of 1950", "1w", "1950-01-02T05:00:00", "1950-01-02T00:00:00Z" },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        CandleCsvOptions options = { .stamp = CSV_STAMP_END };
        CHECK(timeframe_parse(str_c(r->tf), &options.timeframe));
        Candles cs;
        CHECK_OK(&t.cx, read_pieces(&t, &options, str_fmt(&t.arena, "ts,o,h,l,c\n%s,1,1,1,1", r->ts), 1000, &cs, NULL));
        CHECK_STR(time_iso(&t.arena, time_ms(cs.open_ms[0])), str_c(r->open));
        candles_done_heap(&cs);
    }
    test_ctx_done(&t);
}

TEST(a_zone_is_applied_before_the_grid) {
    TestCtx t;
    test_ctx_init(&t);
    const Tz *hanoi;
    CHECK_OK(&t.cx, tz_load(&t.cx, TZ_DIR, S("+07:00"), &hanoi));
    CandleCsvOptions options = { .timeframe = { UNIT_DAY, 1 }, .zone = hanoi };
    Candles cs;
    CHECK_OK(&t.cx, read_all(&t, &options,
                             "ts,o,h,l,c\n2024-01-02 00:00:00,1,1,1,1\n2024-01-03T00:00:00Z,1,1,1,1\n"
                             "1704326400,1,1,1,1\n",
                             &cs, NULL));
    CHECK_STR(time_iso(&t.arena, time_ms(cs.open_ms[0])), S("2024-01-01T17:00:00Z"));
    CHECK_STR(time_iso(&t.arena, time_ms(cs.open_ms[1])), S("2024-01-03T00:00:00Z")); /* says its zone itself */
    CHECK_STR(time_iso(&t.arena, time_ms(cs.open_ms[2])), S("2024-01-04T00:00:00Z")); /* an epoch is UTC */
    candles_done_heap(&cs);
    options.stamp = CSV_STAMP_END;
    CHECK_OK(&t.cx, read_all(&t, &options, "ts,o,h,l,c\n2024-01-02 07:00:00,1,1,1,1\n", &cs, NULL));
    CHECK_STR(time_iso(&t.arena, time_ms(cs.open_ms[0])), S("2024-01-01T00:00:00Z"));
    candles_done_heap(&cs);
    test_ctx_done(&t);
}

/* New York by its rule alone: a TZif file of version 2 without transitions. */
static const Tz *new_york(TestCtx *t) {
    static const char rule[] = "\nEST5EDT,M3.2.0,M11.1.0\n";
    static const char body[] = "\xff\xff\xb9\xb0\0\0EST"; /* -18000 s, no DST, name at 0, terminated */
    char head[44] = "TZif2";
    head[39] = 1; /* one type */
    head[43] = 4; /* four bytes of names */
    Buf file;
    buf_init(&file, 1000);
    for (int version = 1; version <= 2; version++) {
        buf_put(&file, head, sizeof head);
        buf_put(&file, body, sizeof body);
    }
    buf_put(&file, rule, sizeof rule - 1);
    const Tz *tz = NULL;
    int e = tz_read(&t->cx, S("New York"), buf_str(&file), &tz);
    buf_done(&file);
    if (e < 0)
        FAIL("%s", t->cx.err.text);
    return tz;
}

TEST(clock_changes_are_where_the_zone_has_them) {
    TestCtx t;
    test_ctx_init(&t);
    const Tz *tz = new_york(&t);
    Buf text;
    buf_init(&text, 1 << 20);
    enum { HOURS = 2 * 366 * 24 };
    int64_t from = at("2023-01-01").ms;
    for (int i = 0; i < HOURS; i++) { /* every hour the clock could show, the skipped ones too */
        char iso[TIME_TEXT_MAX];
        size_t n = time_format_iso(time_ms(from + i * (int64_t)MS_PER_HOUR), iso);
        buf_put(&text, iso, n - 1); /* without the Z */
        BUF_LIT(&text, ",1,1,1,1\n");
    }
    Candles cs;
    CandleCsvOptions options = { .timeframe = { UNIT_HOUR, 1 }, .zone = tz };
    CHECK_OK(&t.cx, read_pieces(&t, &options, buf_str(&text), 4096, &cs, NULL));
    CHECK_EQ(cs.n, HOURS);
    int n_changes = 0;
    for (int i = 0; i < HOURS; i++) {
        Civil local = time_to_civil(time_ms(from + i * (int64_t)MS_PER_HOUR));
        CHECK_EQ(cs.open_ms[i], tz_from_civil(tz, &local, NULL).ms);
        n_changes += i > 0 && cs.open_ms[i] - cs.open_ms[i - 1] != MS_PER_HOUR;
    }
    CHECK_EQ(n_changes, 4); /* two springs, two autumns */
    candles_done_heap(&cs);
    buf_done(&text);
    test_ctx_done(&t);
}

TEST(faults_name_line_and_column) {
    static const struct {
        const char *name, *row, *words;
    } rows[] = {
        { "text", "2024-01-02,1,abc,1,1,1", "line 3, column high: 'abc' is not a number" },
        { "empty", "2024-01-02,1,1,1,1,", "line 3, column volume: is empty" },
        { "nan", "2024-01-02,1,nan,1,1,1", "line 3, column high: 'nan' is not a number" },
        { "time", "2024-01-32,1,1,1,1,1", "line 3, column time: '2024-01-32' is not a time" },
        { "order", "02.01.2024,1,1,1,1,1",
          "line 3, column time: '02.01.2024' has day or month first: say which with the date order" },
        { "few", "2024-01-02,1,1", "line 3: 3 fields where at least 6 are needed" },
        { "candle", "2024-01-02,1,1,2,1,-1", "line 3: high is below low, volume is negative" },
        { "long and strange",
          "2024-01-02,\x01\xff"
          "0123456789012345678901234567890123456789,1,1,1,1",
          "line 3, column open: '??01234567890123456789012345678901234567...' is not a number" },
        { "quote", "2024-01-02,\"1,1,1,1,1", "line 3: a quoted field is not closed" },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        Str text = str_fmt(&t.arena, "ts,open,high,low,close,volume\n2024-01-01,1,1,1,1,1\n%s\n", r->row);
        CandleCsvOptions options = { .timeframe = { UNIT_DAY, 1 } };
        Candles cs;
        CHECK_EQ(read_pieces(&t, &options, text, 7, &cs, NULL), ERR_INVALID);
        CHECK_EQ(cs.n, 1);
        CHECK_STR(str_c(t.cx.err.field), S("line 3"));
        if (strcmp(r->name, "quote") != 0) /* those words are base/csv's */
            CHECK_STR(str_c(t.cx.err.text), str_c(r->words));
        candles_done_heap(&cs);
    }
    test_ctx_done(&t);
}

TEST(bad_rows_are_skipped_and_counted_when_told) {
    TestCtx t;
    test_ctx_init(&t);
    Buf text;
    buf_init(&text, 1 << 20);
    BUF_LIT(&text, "ts,open,high,low,close,volume\n");
    for (int i = 0; i < 100; i++)
        buf_printf(&text, "%d,1,%s,1,1,1\n", 1700000000 + i * 60, i % 3 == 1 ? "x" : "2");
    CandleCsvOptions options = { .skip_bad = true };
    Candles cs;
    CandleCsvReport report;
    CHECK_OK(&t.cx, read_pieces(&t, &options, buf_str(&text), 100, &cs, &report));
    CHECK_EQ(cs.n, 67);
    CHECK_EQ(report.n_rows, 67);
    CHECK_EQ(report.n_skipped, 33);
    CHECK_EQ(report.n_faults, CSV_FAULTS);
    CHECK_EQ(report.faults[0].line, 3);
    CHECK_EQ(report.faults[0].column, CSV_HIGH);
    CHECK_STR(str_c(report.faults[19].text), S("line 60, column high: 'x' is not a number"));
    CHECK_EQ(report.n_lines, 101);
    candles_done_heap(&cs);
    CHECK_EQ(read_all(&t, &options, "ts,o,h,l,c\nx,1,1,1,1\n", &cs, &report), ERR_INVALID);
    CHECK_STR(str_c(t.cx.err.text),
              S("none of its 1 rows is a candle; the first: line 2, column time: 'x' is not a time"));
    candles_done_heap(&cs);
    buf_done(&text);
    test_ctx_done(&t);
}

TEST(files_without_candles_say_so) {
    static const struct {
        const char *name, *text, *words;
    } rows[] = {
        { "nothing", "", "it is empty" },
        { "empty lines", "\n\n", "it is empty" },
        { "header alone", "ts,open,high,low,close\n", "it has a header and no row" },
        { "one row", "2024-01-01,1,1,1,1\n", "the timeframe cannot be told from the times of 1 row: give it" },
        { "one time twice", "2024-01-01,1,1,1,1\n2024-01-01,1,1,1,1\n",
          "the timeframe cannot be told from the times of 2 rows: give it" },
        { "names of something else", "date,name,age\n2024-01-01,Ann,x\n",
          "line 1: no column for open among: date, name, age; name it with the column option" },
        { "too narrow", "1,2,3\n", "line 1: 3 fields are too few for time, open, high, low and close" },
        { "another encoding", "\xff\xfet", "line 1: the file is UTF-16; save it as UTF-8" },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        Candles cs;
        CHECK_EQ(read_all(&t, &(CandleCsvOptions){ 0 }, r->text, &cs, NULL), ERR_INVALID);
        CHECK_STR(str_c(t.cx.err.text), str_c(r->words));
        candles_done_heap(&cs);
    }
    test_ctx_done(&t);
}

TEST(columns_can_be_named_or_numbered) {
    TestCtx t;
    test_ctx_init(&t);
    const char *text = "when,a,b,c,d,e,open\n2024-01-01,1,4,0.5,3,9,7\n2024-01-02,1,4,0.5,3,9,7\n";
    CandleCsvOptions options = { 0 };
    options.columns[CSV_TIME] = S("When");
    options.columns[CSV_OPEN] = S("a");
    options.columns[CSV_HIGH] = S("3");
    options.columns[CSV_LOW] = S("c");
    options.columns[CSV_CLOSE] = S("d");
    options.columns[CSV_VOLUME] = S("6");
    Candles cs;
    CandleCsvReport report;
    CHECK_OK(&t.cx, read_all(&t, &options, text, &cs, &report));
    Candle c = candles_get(&cs, 0);
    CHECK(c.open == 1 && c.high == 4 && c.low == 0.5 && c.close == 3 && c.volume == 9);
    CHECK_EQ(report.columns[CSV_VOLUME], 5);
    CHECK_EQ(report.columns[CSV_CLOCK], -1);
    candles_done_heap(&cs);

    options.columns[CSV_LOW] = S("b");
    CHECK_EQ(read_all(&t, &options, text, &cs, NULL), ERR_INVALID);
    CHECK_STR(str_c(t.cx.err.text), S("column 3 is both high and low"));
    candles_done_heap(&cs);
    options.columns[CSV_LOW] = S("lowest");
    CHECK_EQ(read_all(&t, &options, text, &cs, NULL), ERR_INVALID);
    CHECK_STR(str_c(t.cx.err.text), S("column low: the header has no 'lowest'"));
    candles_done_heap(&cs);
    CHECK_EQ(read_all(&t, &options, "1,2,3,4,5,6\n", &cs, NULL), ERR_INVALID);
    CHECK_STR(str_c(t.cx.err.text), S("column time: the file has no header; give the column's number"));
    candles_done_heap(&cs);
    test_ctx_done(&t);
}

TEST(scales_shift_the_decimal_point_exactly) {
    TestCtx t;
    test_ctx_init(&t);
    CandleCsvOptions options = { .timeframe = { UNIT_DAY, 1 }, .price_scale = -2, .volume_scale = 3 };
    Candles cs;
    CHECK_OK(&t.cx, read_all(&t, &options, "2024-01-01,2901,3e3, 4.5 ,2903,1.1\n", &cs, NULL));
    CHECK(cs.open[0] == 29.01 && cs.high[0] == 30 && cs.low[0] == 0.045 && cs.close[0] == 29.03);
    CHECK(cs.volume[0] == 1100);
    candles_done_heap(&cs);
    options.price_scale = 19;
    CHECK_EQ(read_all(&t, &options, "2024-01-01,1,1,1,1,1\n", &cs, NULL), ERR_INVALID);
    candles_done_heap(&cs);
    test_ctx_done(&t);
}

TEST(rows_are_held_back_until_the_timeframe_shows) {
    TestCtx t;
    test_ctx_init(&t);
    CandleCsv *r;
    Candles cs;
    candles_init_heap(&cs, 0);
    CHECK_OK(&t.cx, candle_csv_open(&t.cx, &(CandleCsvOptions){ .stamp = CSV_STAMP_END }, &r));
    for (int i = 0; i < CSV_INFER_ROWS; i++) {
        CHECK_EQ(cs.n, 0);
        Str row = str_fmt(&t.arena, "%d,1,1,1,1,1\n", 1700000100 + i * 300);
        CHECK_OK(&t.cx, candle_csv_feed(r, &t.cx, row, &cs));
    }
    CHECK_EQ(cs.n, CSV_INFER_ROWS);
    CHECK(timeframe_eq(candle_csv_report(r)->timeframe, (Timeframe){ UNIT_MINUTE, 5 }));
    CHECK_EQ(cs.open_ms[0], INT64_C(1699999800000)); /* 1700000100 is on the grid: the end of that candle */
    cs.n = 0;                                        /* the caller empties the table between calls */
    CHECK_OK(&t.cx, candle_csv_feed(r, &t.cx, S("1800000000,1,1,1,1,1\n"), &cs));
    CHECK_EQ(cs.n, 1);
    CHECK_OK(&t.cx, candle_csv_finish(r, &t.cx, &cs));
    candle_csv_close(r);
    candles_done_heap(&cs);
    test_ctx_done(&t);
}

TEST(steps_show_the_timeframe) {
    static const struct {
        const char *name;
        int64_t days[8];
        const char *want;
    } rows[] = {
        { "months by their last day", { 30, 59, 90, 120, 151, 181, 212, 243 }, "1M" },
        { "quarters", { 0, 90, 181, 273, 365, 455, 546, 638 }, "3M" },
        { "years", { 0, 365, 730, 1096, 1461, 1826, 2191, 2557 }, "12M" },
        { "working days", { 0, 1, 2, 3, 4, 7, 8, 9 }, "1d" },
        { "weeks", { 0, 7, 14, 21, 28, 42, 49, 56 }, "1w" },
        { "two weeks", { 0, 14, 28, 42, 56, 70, 84, 98 }, "2w" },
        { "newest first", { 9, 8, 7, 6, 5, 4, 3, 1 }, "1d" },
        { "nothing we know", { 0, 8, 16, 24, 32, 40, 48, 56 }, NULL },
    };
    EACH_ROW (r, rows) {
        int64_t ms[8];
        Timeframe tf = { 0 };
        for (size_t i = 0; i < 8; i++)
            ms[i] = r->days[i] * MS_PER_DAY;
        CHECK_EQ(timeframe_infer(ms, 8, &tf), r->want != NULL);
        char text[TIMEFRAME_TEXT_MAX];
        CHECK_STR(timeframe_text(tf, text), str_c(r->want ? r->want : "none"));
    }
    Timeframe tf;
    CHECK(!timeframe_infer(NULL, 0, &tf));
    CHECK(!timeframe_infer((int64_t[]){ 5 }, 1, &tf));
    CHECK(!timeframe_infer((int64_t[]){ INT64_MIN, INT64_MAX }, 2, &tf));
}

TEST(what_is_written_reads_back) {
    TestCtx t;
    test_ctx_init(&t);
    Candles cs, back;
    candles_init(&cs, &t.arena, 3);
    const Candle in[] = {
        { .open_time = at("1950-01-02"), .open = 0.1, .high = 1e22, .low = -5e-324, .close = 1.0 / 3, .volume = 0 },
        { .open_time = at("2024-01-01T00:00:00.001"),
          .open = 1,
          .high = 1,
          .low = 1,
          .close = 1,
          .volume = 1.265436E+10,
          .known_at = at("2024-01-02"),
          .flags = CANDLE_FLAGS_ALL },
        { .open_time = at("2024-01-02"),
          .open = 2,
          .high = 2,
          .low = 2,
          .close = 2,
          .volume = 123456.789,
          .flags = CANDLE_SYNTHETIC },
    };
    for (size_t i = 0; i < 3; i++)
        candles_push(&cs, &in[i]);
    static const struct {
        const char *name;
        CandleCsvFormat format;
        bool state;
    } rows[] = {
        { "standard", { 0 }, false },
        { "no header, ms, tabs", { .no_header = true, .epoch_ms = true, .separator = '\t' }, false },
        { "state", { .with_known_at = true, .with_flags = true }, true },
        { "state in ms", { .with_known_at = true, .with_flags = true, .epoch_ms = true, .separator = ';' }, true },
    };
    EACH_ROW (r, rows) {
        Buf text;
        buf_init(&text, 1 << 16);
        CHECK_EQ(candle_csv_write_header(&r->format, &text), 0);
        CHECK_EQ(candle_csv_write(&cs, 0, cs.n, &r->format, &text), 0);
        CandleCsvOptions options = { .timeframe = { UNIT_DAY, 1 },
                                     .time_unit = r->format.epoch_ms ? CSV_UNIT_MS : CSV_UNIT_AUTO };
        CHECK_OK(&t.cx, read_pieces(&t, &options, buf_str(&text), 11, &back, NULL));
        CHECK_EQ(back.n, 3);
        for (size_t i = 0; i < 3; i++) {
            Candle got = candles_get(&back, i);
            CHECK(candle_same_data(&got, &in[i]));
            CHECK_EQ(got.flags, r->state ? in[i].flags : 0);
            CHECK_EQ(got.known_at.ms, r->state ? in[i].known_at.ms : 0);
        }
        candles_done_heap(&back);
        buf_done(&text);
    }
    Buf text;
    buf_init(&text, 500);
    CHECK_EQ(candle_csv_write_header(&(CandleCsvFormat){ .with_known_at = true, .with_flags = true }, &text), 0);
    CHECK_EQ(candle_csv_write(&cs, 1, 1, &(CandleCsvFormat){ .with_known_at = true, .with_flags = true }, &text), 0);
    CHECK_STR(buf_str(&text), S("ts,open,high,low,close,volume,known_at,flags\n"
                                "2024-01-01T00:00:00.001Z,1,1,1,1,12654360000,2024-01-02T00:00:00Z,"
                                "open+synthetic+simulated+partial\n"));
    CHECK_EQ(candle_csv_write(&cs, 0, 3, &(CandleCsvFormat){ 0 }, &text), ERR_LIMIT); /* 500 bytes are too few */
    buf_done(&text);
    test_ctx_done(&t);
}

TEST(flags_that_nobody_knows_are_a_fault) {
    TestCtx t;
    test_ctx_init(&t);
    Candles cs;
    CandleCsvOptions options = { .timeframe = { UNIT_DAY, 1 } };
    CHECK_EQ(read_all(&t, &options, "ts,o,h,l,c,v,flags\n2024-01-01,1,1,1,1,1,open+odd\n", &cs, NULL), ERR_INVALID);
    CHECK_STR(str_c(t.cx.err.text), S("line 2, column flags: 'open+odd' is not a list of flags"));
    candles_done_heap(&cs);
    test_ctx_done(&t);
}

TESTS(T(layouts_separators_and_names_are_found_out), T(dialects_of_dates), T(the_end_of_a_candle_gives_its_open_time),
      T(a_zone_is_applied_before_the_grid), T(clock_changes_are_where_the_zone_has_them),
      T(faults_name_line_and_column), T(bad_rows_are_skipped_and_counted_when_told), T(files_without_candles_say_so),
      T(columns_can_be_named_or_numbered), T(scales_shift_the_decimal_point_exactly),
      T(rows_are_held_back_until_the_timeframe_shows), T(steps_show_the_timeframe), T(what_is_written_reads_back),
      T(flags_that_nobody_knows_are_a_fault))
