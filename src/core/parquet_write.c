/* core/parquet_write.c - see parquet.h: the writer. One data page a column and row group. */

#include "base/vec.h"
#include "base/zip.h"
#include "core/parquet.h"
#include "core/parquet_codec.h"
#include "core/thrift.h"

enum {
    ZSTD_LEVEL = 1, /* 3 makes files 1 % smaller and takes a quarter more time */
    PAGE_MAX = PARQUET_GROUP_ROWS * 12 + 4096,
    FOOTER_MAX = 64 << 20,
};

typedef struct Chunk {
    int64_t at, plain, packed; /* place in the file; sizes with the page's header */
    int64_t least, most;       /* statistics, as bits of the column's type */
    int64_t n_null;
} Chunk;

typedef struct Group {
    size_t n;
    Chunk chunks[PARQUET_COLUMNS];
} Group;

struct ParquetWriter {
    SeriesKey key;
    Candles rows; /* of the group being filled */
    Buf plain, packed, footer;
    Zip *zip;
    int64_t at, n_rows; /* bytes and rows so far */
    uint8_t flags;      /* of all rows */
    bool started;
    VEC(Group) groups;
    int64_t *scratch; /* PARQUET_GROUP_ROWS: known_at without nulls, flags widened */
    uint8_t *present;
};

ParquetWriter *parquet_writer_new(const SeriesKey *key) {
    ParquetWriter *w = mem_new(ParquetWriter);
    w->key = *key;
    candles_init_heap(&w->rows, PARQUET_GROUP_ROWS);
    buf_init(&w->plain, PAGE_MAX);
    buf_init(&w->packed, PAGE_MAX + PAGE_MAX / 8);
    buf_init(&w->footer, FOOTER_MAX);
    w->zip = zip_new();
    w->scratch = mem_new_n(int64_t, PARQUET_GROUP_ROWS);
    w->present = mem_new_n(uint8_t, PARQUET_GROUP_ROWS);
    return w;
}

void parquet_writer_free(ParquetWriter *w) {
    if (!w)
        return;
    candles_done_heap(&w->rows);
    buf_done(&w->plain);
    buf_done(&w->packed);
    buf_done(&w->footer);
    zip_free(w->zip);
    vec_done(&w->groups);
    mem_free(w->scratch);
    mem_free(w->present);
    mem_free(w);
}

/* --- a page --- */

static void put_times(ParquetWriter *w, const int64_t *v, size_t n, Chunk *c) {
    c->least = INT64_MAX;
    c->most = INT64_MIN;
    for (size_t i = 0; i < n; i++) {
        c->least = MIN(c->least, v[i]);
        c->most = MAX(c->most, v[i]);
    }
    delta_encode(v, n, &w->plain);
}

static int64_t bits_of_double(double v) {
    int64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

/* A zero among the extremes is written with the sign that covers both zeros, as the format asks. */
static void put_doubles(ParquetWriter *w, const double *v, size_t n, Chunk *c) {
    double least = v[0], most = v[0];
    for (size_t i = 1; i < n; i++) {
        least = MIN(least, v[i]);
        most = MAX(most, v[i]);
    }
    c->least = bits_of_double(least == 0 ? -0.0 : least);
    c->most = bits_of_double(most == 0 ? 0.0 : most);
    uint8_t *out = (uint8_t *)buf_reserve(&w->plain, n * 8);
    assert(out);
    split_encode(v, n, out);
    w->plain.n += n * 8;
}

static void put_known(ParquetWriter *w, const int64_t *known_ms, size_t n, Chunk *c) {
    size_t n_present = 0;
    for (size_t i = 0; i < n; i++) {
        w->present[i] = known_ms[i] != 0;
        w->scratch[n_present] = known_ms[i];
        n_present += w->present[i];
    }
    levels_encode(w->present, n, &w->plain);
    put_times(w, w->scratch, n_present, c);
    c->n_null = (int64_t)(n - n_present);
}

static void encode(ParquetWriter *w, int column, Chunk *c) {
    const Candles *cs = &w->rows;
    const double *const doubles[PARQUET_DOUBLES] = { cs->open, cs->high, cs->low, cs->close, cs->volume };
    buf_clear(&w->plain);
    if (column == 0) {
        put_times(w, cs->open_ms, cs->n, c);
    } else if (column <= PARQUET_DOUBLES) {
        put_doubles(w, doubles[column - 1], cs->n, c);
    } else if (PARQUET_SCHEMA[column].optional) {
        put_known(w, cs->known_ms, cs->n, c);
    } else {
        for (size_t i = 0; i < cs->n; i++) {
            w->scratch[i] = cs->flags[i];
            w->flags |= cs->flags[i];
        }
        put_times(w, w->scratch, cs->n, c);
    }
    assert(buf_ok(&w->plain));
}

static int put_group(ParquetWriter *w, Buf *out) {
    Group g = { .n = w->rows.n };
    if (w->groups.n == PARQUET_GROUPS_MAX)
        return ERR_LIMIT;
    for (int i = 0; i < PARQUET_COLUMNS; i++) {
        Chunk *c = &g.chunks[i];
        encode(w, i, c);
        buf_clear(&w->packed);
        int e = zip_compress(w->zip, ZIP_ZSTD, ZSTD_LEVEL, buf_str(&w->plain), &w->packed);
        assert(e == 0);
        size_t head = parquet_put_page_head(out, g.n, PARQUET_SCHEMA[i].encoding, w->plain.n, buf_str(&w->packed));
        e = buf_put_str(out, buf_str(&w->packed));
        if (e || !buf_ok(out))
            return ERR_LIMIT;
        c->at = w->at;
        c->plain = (int64_t)(head + w->plain.n);
        c->packed = (int64_t)(head + w->packed.n);
        w->at += c->packed;
    }
    w->n_rows += (int64_t)g.n;
    w->rows.n = 0;
    vec_push(&w->groups, g);
    return 0;
}

static int put_start(ParquetWriter *w, Buf *out) {
    if (w->started)
        return 0;
    w->started = true;
    w->at = 4;
    return BUF_LIT(out, "PAR1");
}

int parquet_put(ParquetWriter *w, const Candles *cs, size_t from, size_t n, Buf *out) {
    int e = put_start(w, out);
    while (e == 0 && n > 0) {
        size_t fit = MIN(n, PARQUET_GROUP_ROWS - w->rows.n);
        candles_append(&w->rows, cs, from, fit);
        from += fit;
        n -= fit;
        if (w->rows.n == PARQUET_GROUP_ROWS)
            e = put_group(w, out);
    }
    return e;
}

/* --- the footer --- */

static void put_schema_column(Buf *f, const ParquetColumn *c) {
    int last = 0, logical = 0, time = 0, unit = 0, integer = 0;
    thrift_put_i32(f, &last, 1, c->type);
    thrift_put_i32(f, &last, 3, c->optional ? PARQUET_OPTIONAL : PARQUET_REQUIRED);
    thrift_put_binary(f, &last, 4, str_c(c->name));
    if (c->type == PARQUET_DOUBLE)
        return thrift_put_stop(f);
    thrift_put_i32(f, &last, 6, c->type == PARQUET_INT64 ? 9 : 11); /* TIMESTAMP_MILLIS, UINT_8 */
    thrift_put_field(f, &last, 10, THRIFT_STRUCT);
    if (c->type == PARQUET_INT64) {
        thrift_put_field(f, &logical, 8, THRIFT_STRUCT); /* TIMESTAMP */
        thrift_put_bool(f, &time, 1, true);              /* adjusted to UTC */
        thrift_put_field(f, &time, 2, THRIFT_STRUCT);
        thrift_put_field(f, &unit, 1, THRIFT_STRUCT); /* MILLIS */
        thrift_put_stop(f);
        thrift_put_stop(f);
    } else {
        thrift_put_field(f, &logical, 10, THRIFT_STRUCT); /* INTEGER */
        thrift_put_field(f, &integer, 1, THRIFT_I8);
        buf_put_c(f, 8);
        thrift_put_bool(f, &integer, 2, false);
    }
    thrift_put_stop(f);
    thrift_put_stop(f);
    thrift_put_stop(f);
}

static void put_schema(Buf *f, int *last) {
    int root = 0;
    thrift_put_list(f, last, 2, THRIFT_STRUCT, PARQUET_COLUMNS + 1);
    thrift_put_binary(f, &root, 4, S("candle"));
    thrift_put_i32(f, &root, 5, PARQUET_COLUMNS);
    thrift_put_stop(f);
    for (int i = 0; i < PARQUET_COLUMNS; i++)
        put_schema_column(f, &PARQUET_SCHEMA[i]);
}

static void put_statistics(Buf *f, int *last, const ParquetColumn *column, const Chunk *c, size_t n) {
    int s = 0;
    size_t size = column->type == PARQUET_INT32 ? 4 : 8;
    thrift_put_field(f, last, 12, THRIFT_STRUCT);
    thrift_put_i64(f, &s, 3, c->n_null);
    if ((size_t)c->n_null < n) {
        thrift_put_binary(f, &s, 5, str_n((const char *)&c->most, size)); /* little-endian, as this machine is */
        thrift_put_binary(f, &s, 6, str_n((const char *)&c->least, size));
    }
    thrift_put_stop(f);
}

static void put_chunk(Buf *f, const ParquetColumn *column, const Chunk *c, size_t n) {
    int last = 0, meta = 0;
    thrift_put_i64(f, &last, 2, c->at);
    thrift_put_field(f, &last, 3, THRIFT_STRUCT);
    thrift_put_i32(f, &meta, 1, column->type);
    thrift_put_list(f, &meta, 2, THRIFT_I32, column->optional ? 2 : 1);
    thrift_put_zigzag(f, column->encoding);
    if (column->optional)
        thrift_put_zigzag(f, PARQUET_RLE);
    thrift_put_list(f, &meta, 3, THRIFT_BINARY, 1);
    thrift_put_text(f, str_c(column->name));
    thrift_put_i32(f, &meta, 4, PARQUET_ZSTD);
    thrift_put_i64(f, &meta, 5, (int64_t)n);
    thrift_put_i64(f, &meta, 6, c->plain);
    thrift_put_i64(f, &meta, 7, c->packed);
    thrift_put_i64(f, &meta, 9, c->at);
    put_statistics(f, &meta, column, c, n);
    thrift_put_stop(f);
    thrift_put_stop(f);
}

static void put_groups(const ParquetWriter *w, Buf *f, int *last) {
    thrift_put_list(f, last, 4, THRIFT_STRUCT, w->groups.n);
    for (const Group *g = w->groups.v; g < w->groups.v + w->groups.n; g++) {
        int of = 0;
        int64_t plain = 0, packed = 0;
        thrift_put_list(f, &of, 1, THRIFT_STRUCT, PARQUET_COLUMNS);
        for (int i = 0; i < PARQUET_COLUMNS; i++) {
            put_chunk(f, &PARQUET_SCHEMA[i], &g->chunks[i], g->n);
            plain += g->chunks[i].plain;
            packed += g->chunks[i].packed;
        }
        thrift_put_i64(f, &of, 2, plain);
        thrift_put_i64(f, &of, 3, (int64_t)g->n);
        thrift_put_i64(f, &of, 5, g->chunks[0].at);
        thrift_put_i64(f, &of, 6, packed);
        thrift_put_stop(f);
    }
}

static void put_labels(const ParquetWriter *w, Buf *f, int *last) {
    char tf[TIMEFRAME_TEXT_MAX];
    const SeriesKey *k = &w->key;
    bool simulated = (w->flags & CANDLE_SIMULATED) || str_eq(venue_str(&k->provider), S("sim"));
    thrift_put_list(f, last, 5, THRIFT_STRUCT, 7);
    parquet_put_pair(f, S("venue"), venue_str(&k->venue));
    parquet_put_pair(f, S("symbol"), symbol_str(&k->symbol));
    parquet_put_pair(f, S("timeframe"), timeframe_valid(k->timeframe) ? timeframe_text(k->timeframe, tf) : (Str){ 0 });
    parquet_put_pair(f, S("provider"), venue_str(&k->provider));
    parquet_put_pair(f, S("price"), str_c(price_type_name(k->price)));
    parquet_put_pair(f, S("adjustment"), str_c(adjustment_name(k->adjustment)));
    parquet_put_pair(f, S("simulated"), simulated ? S("true") : S("false"));
}

int parquet_end(ParquetWriter *w, Buf *out) {
    Buf *f = &w->footer;
    int last = 0, e = put_start(w, out);
    if (e == 0 && w->rows.n > 0)
        e = put_group(w, out);
    if (e)
        return e;
    buf_clear(f);
    thrift_put_i32(f, &last, 1, 2);
    put_schema(f, &last);
    thrift_put_i64(f, &last, 3, w->n_rows);
    put_groups(w, f, &last);
    put_labels(w, f, &last);
    return parquet_put_tail(f, &last, PARQUET_COLUMNS, out);
}
