/* core/parquet_table.c - see parquet_table.h. One data page a column and row group. */

#include "core/parquet_table.h"

#include "base/csv.h"
#include "base/num.h"
#include "base/time.h"
#include "base/vec.h"
#include "base/zip.h"
#include "core/parquet.h"
#include "core/parquet_codec.h"
#include "core/thrift.h"

#include <math.h>

enum { PAGE_MAX = 256 << 20, FOOTER_MAX = 16 << 20, LEVEL = 1 };
enum { CONVERTED_UTF8 = 0, CONVERTED_MILLIS = 9 };

typedef struct TableChunk {
    int64_t at, plain, packed, n_null;
} TableChunk;

typedef struct TableWriter {
    const ColumnTable *t;
    Buf plain, packed, footer, *out;
    size_t start; /* of the file in out */
    Zip *zip;
    VEC(TableChunk) chunks; /* group by group, column by column */
    uint8_t *present;
    void *scratch; /* values that are there, 8 bytes each */
} TableWriter;

static ParquetType type_of(const TableColumn *c) {
    static const ParquetType types[] = { [TABLE_F64] = PARQUET_DOUBLE,
                                         [TABLE_I64] = PARQUET_INT64,
                                         [TABLE_TIME] = PARQUET_INT64,
                                         [TABLE_TEXT] = PARQUET_BYTES };
    return types[c->type];
}

static ParquetEncoding encoding_of(const TableColumn *c) {
    return c->type == TABLE_F64 ? PARQUET_SPLIT : c->type == TABLE_TEXT ? PARQUET_PLAIN : PARQUET_DELTA;
}

static bool is_null(const TableColumn *c, size_t i) {
    switch (c->type) {
    case TABLE_F64:
        return isnan(((const double *)c->v)[i]);
    case TABLE_I64:
    case TABLE_TIME:
        return ((const int64_t *)c->v)[i] == TABLE_NULL;
    case TABLE_TEXT:
    default:
        return ((const Str *)c->v)[i].p == NULL;
    }
}

/* --- a page --- */

static void put_texts(TableWriter *w, const TableColumn *c, size_t from, size_t n) {
    const Str *v = c->v;
    for (size_t i = from; i < from + n; i++) {
        uint32_t size = (uint32_t)v[i].n;
        if (c->optional && !v[i].p)
            continue;
        buf_put(&w->plain, &size, sizeof size);
        buf_put_str(&w->plain, v[i]);
    }
}

/* The values that are there, side by side; their number. */
static size_t gather(TableWriter *w, const TableColumn *c, size_t from, size_t n) {
    const uint64_t *v = c->v; /* doubles and integers are both eight bytes */
    uint64_t *out = w->scratch;
    size_t k = 0;
    for (size_t i = from; i < from + n; i++)
        if (!c->optional || !is_null(c, i))
            memcpy(&out[k++], &v[i], sizeof *out);
    return k;
}

static void encode(TableWriter *w, const TableColumn *c, size_t from, size_t n, TableChunk *chunk) {
    buf_clear(&w->plain);
    if (c->optional) {
        for (size_t i = 0; i < n; i++) {
            w->present[i] = !is_null(c, from + i);
            chunk->n_null += !w->present[i];
        }
        levels_encode(w->present, n, &w->plain);
    }
    if (c->type == TABLE_TEXT) {
        put_texts(w, c, from, n);
        return;
    }
    size_t there = gather(w, c, from, n);
    if (c->type != TABLE_F64) {
        delta_encode(w->scratch, there, &w->plain);
        return;
    }
    uint8_t *bytes = (uint8_t *)buf_reserve(&w->plain, there * 8);
    assert(bytes);
    split_encode(w->scratch, there, bytes);
    w->plain.n += there * 8;
}

static int put_page(TableWriter *w, const TableColumn *c, size_t from, size_t n) {
    TableChunk chunk = { .at = (int64_t)(w->out->n - w->start) };
    encode(w, c, from, n, &chunk);
    buf_clear(&w->packed);
    if (!buf_ok(&w->plain) || zip_compress(w->zip, ZIP_ZSTD, LEVEL, buf_str(&w->plain), &w->packed))
        return ERR_LIMIT;
    size_t head = parquet_put_page_head(w->out, n, encoding_of(c), w->plain.n, buf_str(&w->packed));
    buf_put_str(w->out, buf_str(&w->packed));
    chunk.plain = (int64_t)(head + w->plain.n);
    chunk.packed = (int64_t)(head + w->packed.n);
    vec_push(&w->chunks, chunk);
    return buf_ok(w->out) ? 0 : ERR_LIMIT;
}

/* --- the footer --- */

static void put_logical(Buf *f, int *last, const TableColumn *c) {
    int logical = 0, time = 0, unit = 0;
    thrift_put_i32(f, last, 6, c->type == TABLE_TEXT ? CONVERTED_UTF8 : CONVERTED_MILLIS);
    thrift_put_field(f, last, 10, THRIFT_STRUCT);
    if (c->type == TABLE_TEXT) {
        thrift_put_field(f, &logical, 1, THRIFT_STRUCT); /* STRING */
    } else {
        thrift_put_field(f, &logical, 8, THRIFT_STRUCT); /* TIMESTAMP */
        thrift_put_bool(f, &time, 1, true);              /* adjusted to UTC */
        thrift_put_field(f, &time, 2, THRIFT_STRUCT);
        thrift_put_field(f, &unit, 1, THRIFT_STRUCT); /* MILLIS */
        thrift_put_stop(f);
        thrift_put_stop(f);
    }
    thrift_put_stop(f);
    thrift_put_stop(f);
}

static void put_schema(const ColumnTable *t, Buf *f, int *last) {
    int root = 0;
    thrift_put_list(f, last, 2, THRIFT_STRUCT, t->n_columns + 1);
    thrift_put_binary(f, &root, 4, S("table"));
    thrift_put_i32(f, &root, 5, (int32_t)t->n_columns);
    thrift_put_stop(f);
    for (size_t i = 0; i < t->n_columns; i++) {
        const TableColumn *c = &t->columns[i];
        int of = 0;
        thrift_put_i32(f, &of, 1, type_of(c));
        thrift_put_i32(f, &of, 3, c->optional ? PARQUET_OPTIONAL : PARQUET_REQUIRED);
        thrift_put_binary(f, &of, 4, str_c(c->name));
        if (c->type == TABLE_TIME || c->type == TABLE_TEXT)
            put_logical(f, &of, c);
        thrift_put_stop(f);
    }
}

static void put_chunk(Buf *f, const TableColumn *c, const TableChunk *chunk, size_t n) {
    int last = 0, meta = 0, statistics = 0;
    thrift_put_i64(f, &last, 2, chunk->at);
    thrift_put_field(f, &last, 3, THRIFT_STRUCT);
    thrift_put_i32(f, &meta, 1, type_of(c));
    thrift_put_list(f, &meta, 2, THRIFT_I32, c->optional ? 2 : 1);
    thrift_put_zigzag(f, encoding_of(c));
    if (c->optional)
        thrift_put_zigzag(f, PARQUET_RLE);
    thrift_put_list(f, &meta, 3, THRIFT_BINARY, 1);
    thrift_put_text(f, str_c(c->name));
    thrift_put_i32(f, &meta, 4, PARQUET_ZSTD);
    thrift_put_i64(f, &meta, 5, (int64_t)n);
    thrift_put_i64(f, &meta, 6, chunk->plain);
    thrift_put_i64(f, &meta, 7, chunk->packed);
    thrift_put_i64(f, &meta, 9, chunk->at);
    thrift_put_field(f, &meta, 12, THRIFT_STRUCT);
    thrift_put_i64(f, &statistics, 3, chunk->n_null);
    thrift_put_stop(f);
    thrift_put_stop(f);
    thrift_put_stop(f);
}

static void put_groups(const TableWriter *w, Buf *f, int *last) {
    const ColumnTable *t = w->t;
    size_t n_groups = w->chunks.n / MAX(t->n_columns, 1);
    thrift_put_list(f, last, 4, THRIFT_STRUCT, n_groups);
    for (size_t g = 0; g < n_groups; g++) {
        const TableChunk *chunks = &w->chunks.v[g * t->n_columns];
        size_t n = MIN(t->n_rows - g * PARQUET_GROUP_ROWS, (size_t)PARQUET_GROUP_ROWS);
        int of = 0;
        int64_t plain = 0, packed = 0;
        thrift_put_list(f, &of, 1, THRIFT_STRUCT, t->n_columns);
        for (size_t i = 0; i < t->n_columns; i++) {
            put_chunk(f, &t->columns[i], &chunks[i], n);
            plain += chunks[i].plain;
            packed += chunks[i].packed;
        }
        thrift_put_i64(f, &of, 2, plain);
        thrift_put_i64(f, &of, 3, (int64_t)n);
        thrift_put_i64(f, &of, 5, chunks[0].at);
        thrift_put_i64(f, &of, 6, packed);
        thrift_put_stop(f);
    }
}

static int put_footer(TableWriter *w) {
    Buf *f = &w->footer;
    int last = 0;
    thrift_put_i32(f, &last, 1, 2);
    put_schema(w->t, f, &last);
    thrift_put_i64(f, &last, 3, (int64_t)w->t->n_rows);
    put_groups(w, f, &last);
    if (w->t->n_labels)
        thrift_put_list(f, &last, 5, THRIFT_STRUCT, w->t->n_labels);
    for (size_t i = 0; i < w->t->n_labels; i++)
        parquet_put_pair(f, w->t->labels[i].key, w->t->labels[i].value);
    return parquet_put_tail(f, &last, w->t->n_columns, w->out);
}

int parquet_table_write(const ColumnTable *t, Buf *out) {
    TableWriter w = { .t = t, .out = out, .start = out->n, .zip = zip_new() };
    size_t group = MIN(t->n_rows, (size_t)PARQUET_GROUP_ROWS);
    assert(t->n_columns > 0 && t->n_columns <= TABLE_FILE_COLUMNS);
    buf_init(&w.plain, PAGE_MAX);
    buf_init(&w.packed, PAGE_MAX + PAGE_MAX / 8);
    buf_init(&w.footer, FOOTER_MAX);
    w.present = mem_new_n(uint8_t, group + 1);
    w.scratch = mem_new_n(uint64_t, group + 1);
    BUF_LIT(out, "PAR1");
    int r = buf_ok(out) ? 0 : ERR_LIMIT;
    for (size_t from = 0; r == 0 && from < t->n_rows; from += PARQUET_GROUP_ROWS)
        for (size_t i = 0; r == 0 && i < t->n_columns; i++)
            r = put_page(&w, &t->columns[i], from, MIN(t->n_rows - from, (size_t)PARQUET_GROUP_ROWS));
    if (r == 0)
        r = put_footer(&w);
    buf_done(&w.plain);
    buf_done(&w.packed);
    buf_done(&w.footer);
    vec_done(&w.chunks);
    zip_free(w.zip);
    mem_free(w.present);
    mem_free(w.scratch);
    return r;
}

/* --- CSV --- */

static Str cell_of(const TableColumn *c, size_t i, char text[TIME_TEXT_MAX + NUM_TEXT_MAX]) {
    if (c->optional && is_null(c, i))
        return (Str){ 0 };
    switch (c->type) {
    case TABLE_F64:
        return str_n(text, num_format_f64(((const double *)c->v)[i], text));
    case TABLE_I64:
        return str_n(text, num_format_i64(((const int64_t *)c->v)[i], text));
    case TABLE_TIME:
        return str_n(text, time_format_iso(time_ms(((const int64_t *)c->v)[i]), text));
    case TABLE_TEXT:
    default:
        return ((const Str *)c->v)[i];
    }
}

int table_write_csv(const ColumnTable *t, Buf *out) {
    char texts[TABLE_FILE_COLUMNS][TIME_TEXT_MAX + NUM_TEXT_MAX];
    Str cells[TABLE_FILE_COLUMNS];
    assert(t->n_columns <= TABLE_FILE_COLUMNS);
    for (size_t i = 0; i < t->n_columns; i++)
        cells[i] = str_c(t->columns[i].name);
    csv_write_row(out, ',', cells, t->n_columns);
    for (size_t row = 0; row < t->n_rows && buf_ok(out); row++) {
        for (size_t i = 0; i < t->n_columns; i++)
            cells[i] = cell_of(&t->columns[i], row, texts[i]);
        csv_write_row(out, ',', cells, t->n_columns);
    }
    return buf_ok(out) ? 0 : ERR_LIMIT;
}
