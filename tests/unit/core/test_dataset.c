/* core/dataset.h: forms of a file of candles, what they refuse, and what they take from others. */

#include "core/dataset.h"
#include "lib/test.h"

static int read_at(void *arg, Ctx *cx, int64_t at, size_t n, char *out) {
    UNUSED(cx);
    const Str *file = arg;
    memcpy(out, file->p + at, n);
    return 0;
}

static int read_all(TestCtx *t, DatasetForm form, Str file, const SeriesKey *given, SeriesKey *key, Candles *out) {
    DatasetReader *r;
    Candles some;
    DatasetSource source = { .read_at = read_at, .arg = &file, .size = (int64_t)file.n };
    candles_init_heap(&some, 1);
    int e = dataset_reader_new(&t->cx, form, &source, given, &r);
    if (e == 0) {
        while ((e = dataset_next(r, &t->cx, &some)) == 0) {
            candles_reserve(out, &t->arena, out->n + some.n);
            candles_append(out, &some, 0, some.n);
        }
        *key = *dataset_key(r);
        dataset_reader_free(r);
    }
    candles_done_heap(&some);
    return e == DATASET_ENDED ? 0 : e;
}

static SeriesKey key_of(const char *text) {
    SeriesKey key;
    if (!series_key_parse(str_c(text), &key))
        FAIL("no key: %s", text);
    return key;
}

TEST(names_tell_the_form) {
    static const struct {
        const char *name;
        bool ok;
        DatasetFormat format;
        DatasetPack pack;
    } rows[] = { { "a.csv", true, DATASET_CSV, DATASET_PLAIN },
                 { "x/y/BTC.CSV.gz", true, DATASET_CSV, DATASET_GZIP },
                 { "a.json.zst", true, DATASET_JSON, DATASET_ZSTD },
                 { "a.parquet", true, DATASET_PARQUET, DATASET_PLAIN },
                 { "a.lp", true, DATASET_INFLUX, DATASET_PLAIN },
                 { ".csv", false, 0, 0 },
                 { "a.xlsx", false, 0, 0 },
                 { "a.gz", false, 0, 0 },
                 { "", false, 0, 0 } };
    Arena a = { 0 };
    EACH_ROW (r, rows) {
        DatasetForm form = { 0 };
        CHECK_EQ(dataset_form_of_name(str_c(r->name), &form), r->ok);
        CHECK_EQ(form.format, r->format);
        CHECK_EQ(form.pack, r->pack);
    }
    for (int f = 0; f < DATASET_FORMATS; f++) {
        DatasetFormat back;
        DatasetForm form;
        CHECK(dataset_format_parse(str_c(dataset_format_name(f)), &back) && (int)back == f);
        CHECK(
            dataset_form_of_name(str_fmt(&a, "x%s", dataset_suffix(&a, (DatasetForm){ f, DATASET_GZIP, 0 }).p), &form));
        CHECK_EQ(form.format, f);
    }
    arena_done(&a);
}

TEST(texts_look_as_promised) {
    static const struct {
        const char *name;
        DatasetFormat format;
        const char *text;
    } rows[] = {
        { "csv", DATASET_CSV,
          "ts,open,high,low,close,volume,known_at,flags,series_key\n"
          "2024-01-01T00:00:00Z,1.5,2,1,1.75,100,2024-01-01T01:00:00.001Z,synthetic,kraken:BTC/USD:1h@sim\n" },
        { "json", DATASET_JSON,
          "{\"format\":\"finsight-candles\",\"series\":\"kraken:BTC/USD:1h@sim\",\"simulated\":true,\"candles\":[\n"
          "{\"timestamp\":\"2024-01-01T00:00:00Z\",\"open\":1.5,\"high\":2,\"low\":1,\"close\":1.75,\"volume\":100,"
          "\"known_at\":\"2024-01-01T01:00:00.001Z\",\"flags\":\"synthetic\"}\n]}\n" },
        { "influx", DATASET_INFLUX,
          "ohlcv,provider=sim,symbol=BTC/USD,timeframe=1h,venue=kraken open=1.5,high=2,low=1,close=1.75,volume=100,"
          "known_at=1704070800001i,flags=\"synthetic\" 1704067200000000000\n" },
    };
    SeriesKey key = key_of("kraken:BTC/USD:1h@sim");
    EACH_ROW (r, rows) {
        TestCtx t;
        test_ctx_init(&t);
        DatasetWriter *w;
        Candles one, back = { 0 };
        Buf out;
        SeriesKey got;
        Candle c = { .open_time = time_ms(1704067200000),
                     .open = 1.5,
                     .high = 2,
                     .low = 1,
                     .close = 1.75,
                     .volume = 100,
                     .known_at = time_ms(1704070800001),
                     .flags = CANDLE_SYNTHETIC };
        candles_init(&one, &t.arena, 1);
        candles_push(&one, &c);
        buf_init(&out, 1 << 20);
        CHECK_OK(&t.cx, dataset_writer_new(&t.cx, (DatasetForm){ .format = r->format }, &key, &w));
        CHECK_OK(&t.cx, dataset_put(w, &t.cx, &one, 0, 1, &out));
        CHECK_OK(&t.cx, dataset_end(w, &t.cx, &out));
        CHECK_STR(buf_str(&out), str_c(r->text));
        CHECK_EQ(dataset_plain_bytes(w), (int64_t)out.n);
        CHECK_OK(&t.cx, read_all(&t, (DatasetForm){ .format = r->format }, buf_str(&out), NULL, &got, &back));
        CHECK(series_key_eq(&got, &key));
        CHECK_EQ(back.n, 1);
        dataset_writer_free(w);
        buf_done(&out);
        test_ctx_done(&t);
    }
}

TEST(files_of_others_are_read) {
    static const struct {
        const char *name;
        DatasetFormat format;
        const char *text;
        size_t n;
    } rows[] = {
        { "an array of objects", DATASET_JSON,
          " [ {\"time\":1704067200,\"open\":1,\"high\":\"2\",\"low\":1,\"close\":2,\"x\":[{},\"]\"]} ,\n"
          "{\"ts\":\"2024-01-01T01:00:00Z\",\"open\":1,\"high\":2,\"low\":1,\"close\":2,\"volume\":3e2} ] ",
          2 },
        { "an object with other members around", DATASET_JSON,
          "{\"meta\":{\"a\":[1,2]},\"candles\":[{\"timestamp\":1704067200000,\"open\":1,\"high\":2,\"low\":1,\"close\":"
          "2}],"
          "\"more\":[{\"x\":1}]}",
          1 },
        { "no rows", DATASET_JSON, "{\"candles\":[]}", 0 },
        { "lines", DATASET_INFLUX,
          "# comment\n\nquotes,exchange=hose,symbol=VNM,note=a\\ b\\,c\\=d "
          "close=65500,open=65200i,high=65600,low=65000,"
          "text=\"a b, c=\\\"d\\\"\" 1760000000000000000\r\n"
          "quotes,exchange=hose,symbol=VNM,note=other open=1,high=1,low=1,close=1,volume=12u 1760000060000000000",
          2 },
        { "csv", DATASET_CSV, "Date;Open;High;Low;Close\n2024-01-01;1;2;1;2\n2024-01-02;1;2;1;2\n", 2 },
    };
    EACH_ROW (r, rows) {
        TestCtx t;
        test_ctx_init(&t);
        Candles back = { 0 };
        SeriesKey got, given = key_of("csv:GIVEN:1d");
        CHECK_OK(&t.cx, read_all(&t, (DatasetForm){ .format = r->format }, str_c(r->text), &given, &got, &back));
        CHECK_EQ(back.n, r->n);
        if (r->format == DATASET_INFLUX)
            CHECK_STR(symbol_str(&got.symbol), S("VNM"));
        else
            CHECK_STR(symbol_str(&got.symbol), S("GIVEN"));
        test_ctx_done(&t);
    }
}

#define ROW    "{\"timestamp\":1704067200000,\"open\":1,\"high\":2,\"low\":1,\"close\":2}"
#define FIELDS "open=1,high=2,low=1,close=2"

TEST(what_is_no_file_of_candles_is_refused_with_its_place) {
    static const struct {
        const char *name;
        DatasetFormat format;
        const char *text, *words;
    } rows[] = {
        { "nothing", DATASET_JSON, "", "JSON" },
        { "no array", DATASET_JSON, "{}", "no array" },
        { "cut in a row", DATASET_JSON, "[" ROW ",{\"open\":1", "row 2" },
        { "cut behind a row", DATASET_JSON, "[" ROW, "JSON" },
        { "no comma", DATASET_JSON, "[" ROW ROW "]", "row 2" },
        { "two commas", DATASET_JSON, "[" ROW ",," ROW "]", "row 2" },
        { "a comma at the end", DATASET_JSON, "[" ROW ",]", "row 2" },
        { "a number among the rows", DATASET_JSON, "[" ROW ",7]", "row 2" },
        { "bytes behind the end", DATASET_JSON, "[" ROW "]x", "JSON" },
        { "no close", DATASET_JSON, "[{\"timestamp\":1,\"open\":1,\"high\":2,\"low\":1}]", "row 1" },
        { "high below low", DATASET_JSON, "[{\"timestamp\":1,\"open\":1,\"high\":0,\"low\":1,\"close\":1}]", "high" },
        { "a row that is not JSON", DATASET_JSON, "[{timestamp:1}]", "row 1" },
        { "no series", DATASET_JSON, "{\"series\":\"x\",\"candles\":[" ROW "]}", "series" },
        { "no fields", DATASET_INFLUX, "ohlcv 1760000000000000000", "line 1" },
        { "no time", DATASET_INFLUX, "ohlcv " FIELDS "\n", "nanoseconds" },
        { "a finer time", DATASET_INFLUX, "ohlcv " FIELDS " 1760000000000000001", "millisecond" },
        { "a field without a value", DATASET_INFLUX, "ohlcv open=,high=1 1760000000000000000", "line 1" },
        { "no low", DATASET_INFLUX, "ohlcv open=1,high=1,close=1 1760000000000000000", "needed" },
        { "an empty tag", DATASET_INFLUX, "ohlcv,a= " FIELDS " 1760000000000000000", "tag" },
        { "two series", DATASET_INFLUX,
          "q,symbol=A " FIELDS " 1760000000000000000\nq,symbol=B " FIELDS " 1760000060000000000", "line 2" },
        { "high below low", DATASET_INFLUX, "q open=1,high=0,low=1,close=1 1760000000000000000", "high" },
        { "two series", DATASET_CSV,
          "ts,open,high,low,close,series_key\n2024-01-01T00:00:00Z,1,1,1,1,a:B:1h\n2024-01-01T01:00:00Z,1,1,1,1,a:C:"
          "1h\n",
          "series" },
        { "text", DATASET_PARQUET, "this is no Parquet file at all", "Parquet" },
    };
    EACH_ROW (r, rows) {
        TestCtx t;
        test_ctx_init(&t);
        Candles back = { 0 };
        SeriesKey got;
        int e = read_all(&t, (DatasetForm){ .format = r->format }, str_c(r->text), NULL, &got, &back);
        CHECK(e == ERR_INVALID || e == ERR_CORRUPT);
        if (!strstr(t.cx.err.text, r->words))
            FAIL("'%s' says nothing of '%s'", t.cx.err.text, r->words);
        test_ctx_done(&t);
    }
}

TEST(packed_bytes_that_changed_are_refused_MDS_39) {
    TestCtx t;
    test_ctx_init(&t);
    SeriesKey key = key_of("a:B:1m"), got;
    Candles rows, back = { 0 };
    candles_init(&rows, &t.arena, 20000);
    for (int i = 0; i < 20000; i++)
        candles_push(&rows,
                     &(Candle){ .open_time = time_ms(i * 60000), .open = 5 + i % 7, .high = 20, .low = 1, .close = 3 });
    for (int pack = DATASET_GZIP; pack <= DATASET_ZSTD; pack++) {
        DatasetForm form = { DATASET_CSV, (DatasetPack)pack, 0 };
        DatasetWriter *w;
        Buf out;
        buf_init(&out, 16 << 20);
        CHECK_OK(&t.cx, dataset_writer_new(&t.cx, form, &key, &w));
        CHECK_OK(&t.cx, dataset_put(w, &t.cx, &rows, 0, rows.n, &out));
        CHECK_OK(&t.cx, dataset_end(w, &t.cx, &out));
        CHECK(dataset_plain_bytes(w) > 5 * (int64_t)out.n); /* the ratio that is reported */
        back.n = 0;
        CHECK_OK(&t.cx, read_all(&t, form, buf_str(&out), NULL, &got, &back));
        CHECK_EQ(back.n, rows.n);
        CHECK_EQ(read_all(&t, form, str_first(buf_str(&out), out.n - 1), NULL, &got, &back), ERR_CORRUPT);
        out.p[out.n / 2] ^= 1;
        int e = read_all(&t, form, buf_str(&out), NULL, &got, &back);
        CHECK(e == ERR_CORRUPT || e == ERR_INVALID);
        dataset_writer_free(w);
        buf_done(&out);
    }
    test_ctx_done(&t);
}

TEST(what_a_format_cannot_say_is_refused) {
    TestCtx t;
    test_ctx_init(&t);
    SeriesKey key = key_of("a:B:1d");
    DatasetWriter *w;
    Buf out;
    Candles rows;
    buf_init(&out, 1 << 20);
    candles_init(&rows, &t.arena, 1);
    candles_push(&rows,
                 &(Candle){ .open_time = time_ms(INT64_C(9300000000000)), .open = 1, .high = 1, .low = 1, .close = 1 });
    CHECK_OK(&t.cx, dataset_writer_new(&t.cx, (DatasetForm){ .format = DATASET_INFLUX }, &key, &w));
    CHECK_EQ(dataset_put(w, &t.cx, &rows, 0, 1, &out), ERR_INVALID);
    CHECK(strstr(t.cx.err.text, "2264"));
    dataset_writer_free(w);
    CHECK_EQ(dataset_writer_new(&t.cx, (DatasetForm){ DATASET_PARQUET, DATASET_GZIP, 0 }, &key, &w), ERR_INVALID);
    buf_done(&out);
    test_ctx_done(&t);
}

TESTS(T(names_tell_the_form), T(texts_look_as_promised), T(files_of_others_are_read),
      T(what_is_no_file_of_candles_is_refused_with_its_place), T(packed_bytes_that_changed_are_refused_MDS_39),
      T(what_a_format_cannot_say_is_refused))
