/* core/parquet.h, core/thrift.h: what is written comes back, and nothing that is not ours does (MDS-28). */

#include "core/parquet.h"
#include "core/parquet_codec.h"
#include "core/thrift.h"
#include "lib/test.h"

typedef struct File {
    TestCtx t;
    Buf bytes;
    SeriesKey key;
} File;

static void begin(File *f) {
    test_ctx_init(&f->t);
    buf_init(&f->bytes, 256 << 20);
    if (!series_key_parse(S("kraken:BTC/USD:1m@sim/bid+splits"), &f->key))
        FAIL("no key");
}

static void end(File *f) {
    buf_done(&f->bytes);
    test_ctx_done(&f->t);
}

static int read_at(void *arg, Ctx *cx, int64_t at, size_t n, char *out) {
    Str *bytes = arg;
    if (at < 0 || (uint64_t)at + n > bytes->n)
        return err_set(cx, ERR_INTERNAL, "read outside of the file");
    memcpy(out, bytes->p + at, n);
    return 0;
}

static Candles rows_of(Arena *a, size_t n) {
    Candles cs;
    candles_init(&cs, a, n + 1);
    for (size_t i = 0; i < n; i++) {
        double p = 42000 + (double)((i * 7919) % 10007) / 100;
        Candle c = { .open_time = time_ms(INT64_C(-2208988800000) + (int64_t)i * 60000),
                     .open = p,
                     .high = p + 1.25,
                     .low = p - 0.1,
                     .close = p + 0.3,
                     .volume = (double)(i % 977) / 1e5,
                     .known_at = time_ms(i % 3 ? 1704067200123 + (int64_t)(i * 17) : 0),
                     .flags = (uint8_t)(i % 1000 == 5 ? CANDLE_SYNTHETIC | CANDLE_OPEN : 0) };
        candles_push(&cs, &c);
    }
    return cs;
}

static void write_file(File *f, const Candles *cs, size_t piece) {
    ParquetWriter *w = parquet_writer_new(&f->key);
    for (size_t at = 0; at < cs->n; at += piece)
        CHECK_OK_PLAIN(&f->t.cx, parquet_put(w, cs, at, MIN(piece, cs->n - at), &f->bytes));
    CHECK_OK_PLAIN(&f->t.cx, parquet_end(w, &f->bytes));
    parquet_writer_free(w);
}

static int open_bytes(File *f, Str *bytes, ParquetReader **out) {
    return parquet_open(&f->t.cx, read_at, bytes, (int64_t)bytes->n, out);
}

static void check_same(const Candles *a, const Candles *b) {
    if (a->n != b->n)
        FAIL("%zu rows, not %zu", a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        Candle x = candles_get(a, i), y = candles_get(b, i);
        if (!candle_same_data(&x, &y) || x.flags != y.flags || x.known_at.ms != y.known_at.ms)
            FAIL("row %zu differs", i);
    }
}

TEST(every_value_comes_back_bit_for_bit_MDS_28) {
    static const struct {
        const char *name;
        size_t n, piece, groups;
    } cases[] = { { "none", 0, 1, 0 },
                  { "one", 1, 1, 1 },
                  { "two", 2, 2, 1 },
                  { "a full block and its first value", 129, 129, 1 },
                  { "one more", 130, 7, 1 },
                  { "a full group", PARQUET_GROUP_ROWS, 50000, 1 },
                  { "three groups", 2 * PARQUET_GROUP_ROWS + 1, 100000, 3 } };
    EACH_ROW (c, cases) {
        File f;
        begin(&f);
        Candles rows = rows_of(&f.t.arena, c->n), got = { 0 };
        if (c->n > 100) { /* what a double can hold and a decimal cannot */
            rows.open[0] = 16.65999984741211;
            rows.low[2] = 5e-324;
            rows.high[3] = 1.7976931348623157e308;
            rows.volume[4] = -0.0;
            rows.known_ms[6] = INT64_MIN;
            rows.known_ms[7] = INT64_MAX;
        }
        write_file(&f, &rows, c->piece);
        Str bytes = buf_str(&f.bytes);
        ParquetReader *r;
        CHECK_OK(&f.t.cx, open_bytes(&f, &bytes, &r));
        CHECK_EQ(parquet_rows(r), c->n);
        CHECK_EQ(parquet_groups(r), c->groups);
        CHECK(series_key_eq(parquet_key(r), &f.key));
        candles_init_heap(&got, 1);
        for (size_t g = 0; g < parquet_groups(r); g++) {
            const ParquetGroup *group = parquet_group(r, g);
            CHECK_EQ(group->first.ms, rows.open_ms[got.n]);
            CHECK_EQ(group->last.ms, rows.open_ms[got.n + group->n - 1]);
            CHECK_OK(&f.t.cx, parquet_read(r, &f.t.cx, g, &got));
        }
        check_same(&got, &rows);
        candles_done_heap(&got);
        parquet_reader_free(r);
        end(&f);
    }
}

TEST(the_bytes_do_not_depend_on_how_the_rows_come) {
    File f, g;
    begin(&f);
    begin(&g);
    Candles rows = rows_of(&f.t.arena, 5000);
    write_file(&f, &rows, 5000);
    write_file(&g, &rows, 33);
    CHECK_STR(buf_str(&g.bytes), buf_str(&f.bytes));
    end(&f);
    end(&g);
}

TEST(a_changed_byte_is_an_error_or_nothing) {
    File f;
    begin(&f);
    Candles rows = rows_of(&f.t.arena, 300);
    write_file(&f, &rows, 300);
    size_t refused = 0;
    char *copy = arena_alloc(&f.t.arena, f.bytes.n);
    for (size_t i = 0; i < f.bytes.n; i++) {
        memcpy(copy, f.bytes.p, f.bytes.n);
        copy[i] ^= 0x15;
        Str bytes = str_n(copy, f.bytes.n);
        ParquetReader *r = NULL;
        Candles got;
        candles_init_heap(&got, 1);
        int e = open_bytes(&f, &bytes, &r);
        if (e == 0 && parquet_groups(r) == 1)
            e = parquet_read(r, &f.t.cx, 0, &got);
        CHECK(e == 0 || e == ERR_CORRUPT || e == PARQUET_FOREIGN);
        if (e == 0)
            check_same(&got, &rows); /* a byte that no value rests on: a label, a statistic */
        refused += e != 0;
        parquet_reader_free(r);
        candles_done_heap(&got);
    }
    CHECK(refused > f.bytes.n * 3 / 4);
    end(&f);
}

TEST(every_cut_is_refused) {
    File f;
    begin(&f);
    Candles rows = rows_of(&f.t.arena, 300);
    write_file(&f, &rows, 300);
    for (size_t n = 0; n < f.bytes.n; n++) {
        Str bytes = str_n(f.bytes.p, n);
        ParquetReader *r = NULL;
        CHECK_EQ(open_bytes(&f, &bytes, &r), ERR_CORRUPT);
    }
    end(&f);
}

TEST(a_full_buffer_is_told) {
    File f;
    begin(&f);
    Candles rows = rows_of(&f.t.arena, 3000);
    Buf small;
    buf_init(&small, 1000);
    ParquetWriter *w = parquet_writer_new(&f.key);
    CHECK_EQ(parquet_put(w, &rows, 0, rows.n, &small), 0);
    CHECK_EQ(parquet_end(w, &small), ERR_LIMIT);
    parquet_writer_free(w);
    buf_done(&small);
    end(&f);
}

TEST(differences_of_any_two_values_have_their_place) {
    static const struct {
        const char *name;
        int64_t v[4];
    } cases[] = { { "steady", { 1, 2, 3, 4 } },
                  { "ends of the range", { INT64_MIN, INT64_MAX, INT64_MIN, INT64_MAX } },
                  { "down", { 9, 5, -70000000000, INT64_MIN } },
                  { "zeros", { 0, 0, 0, 0 } } };
    EACH_ROW (c, cases) {
        Buf out;
        int64_t got[4];
        buf_init(&out, 4096);
        delta_encode(c->v, 4, &out);
        CHECK(delta_decode(buf_str(&out), 4, got));
        for (int i = 0; i < 4; i++)
            CHECK_EQ(got[i], c->v[i]);
        CHECK(!delta_decode(buf_str(&out), 5, got));
        CHECK(!delta_decode(str_first(buf_str(&out), out.n - 1), 4, got));
        buf_done(&out);
    }
}

TEST(thrift_reads_what_it_wrote_and_passes_over_the_rest) {
    Buf out;
    int last = 0, inner = 0;
    buf_init(&out, 4096);
    thrift_put_i32(&out, &last, 1, -7);
    thrift_put_binary(&out, &last, 4, S("word"));
    thrift_put_list(&out, &last, 5, THRIFT_I32, 20);
    for (int i = 0; i < 20; i++)
        thrift_put_zigzag(&out, i);
    thrift_put_field(&out, &last, 6, THRIFT_STRUCT);
    thrift_put_bool(&out, &inner, 1, true);
    thrift_put_stop(&out);
    thrift_put_i64(&out, &last, 9, INT64_MIN);
    thrift_put_stop(&out);
    ThriftReader r = thrift_reader(buf_str(&out));
    ThriftField f = { 0 };
    CHECK(thrift_next(&r, &f) && f.id == 1);
    CHECK_EQ(thrift_i64(&r, f), -7);
    CHECK(thrift_next(&r, &f) && f.id == 4);
    CHECK_STR(thrift_binary(&r, f), S("word"));
    CHECK(thrift_next(&r, &f) && f.id == 5);
    thrift_skip(&r, f);
    CHECK(thrift_next(&r, &f) && f.id == 6);
    thrift_skip(&r, f);
    CHECK(thrift_next(&r, &f) && f.id == 9);
    CHECK_EQ(thrift_i64(&r, f), INT64_MIN);
    CHECK(!thrift_next(&r, &f) && !r.bad && r.p == r.end);
    buf_done(&out);
}

TEST(thrift_believes_no_count_and_no_depth) {
    static const struct {
        const char *name;
        Str bytes;
    } cases[] = { { "empty", S("") },
                  { "a list of 2^35 items", S("\x19\xfc\xff\xff\xff\xff\x7f") },
                  { "a text longer than the bytes", S("\x18\x7f"
                                                      "ab") },
                  { "a varint without an end", S("\x15\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff") },
                  { "a struct in a struct in a …", S("\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c"
                                                     "\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c") },
                  { "no such type", S("\x1f") } };
    EACH_ROW (c, cases) {
        ThriftReader r = thrift_reader(c->bytes);
        for (ThriftField f = { 0 }; thrift_next(&r, &f);)
            thrift_skip(&r, f);
        CHECK(r.bad);
    }
}

TESTS(T(every_value_comes_back_bit_for_bit_MDS_28), T(the_bytes_do_not_depend_on_how_the_rows_come),
      T(a_changed_byte_is_an_error_or_nothing), T(every_cut_is_refused), T(a_full_buffer_is_told),
      T(differences_of_any_two_values_have_their_place), T(thrift_reads_what_it_wrote_and_passes_over_the_rest),
      T(thrift_believes_no_count_and_no_depth))
