/* core/dataset_read.c - see dataset.h: the readers. */

#include "core/candle_csv.h"
#include "core/dataset.h"
#include "core/dataset_text.h"
#include "core/validate.h"

enum { PIECE = 64 << 10, PACKED_PIECE = 8 << 10, UNPACKED_MAX = 64 << 20, ENOUGH_ROWS = 4096 };

struct DatasetReader {
    DatasetForm form;
    DatasetSource source;
    SeriesKey key;
    int64_t at; /* bytes of the source taken */
    char *piece;
    UnzipStream *zip;
    Buf plain;
    ParquetReader *parquet;
    size_t group;
    CandleCsv *csv;
    JsonRows *json;
    LineRows *lines;
    int64_t n;
    bool ended;
};

int dataset_take(Ctx *cx, const char *unit, int64_t row, const Candle *c, Candles *out) {
    unsigned issues = candle_issues(c, (Timeframe){ 0 }) & ISSUE_ERRORS;
    if (UNLIKELY(issues))
        return err_set_at(cx, ERR_INVALID, str_fmt(cx->arena, "%s %lld", unit, (long long)row), "%s %lld: " STR_FMT,
                          unit, (long long)row, STR_ARG(issues_text(cx->arena, issues)));
    candles_reserve_heap(out, out->n + 1);
    candles_push(out, c);
    return 0;
}

void dataset_reader_free(DatasetReader *r) {
    if (!r)
        return;
    parquet_reader_free(r->parquet);
    candle_csv_close(r->csv);
    json_rows_free(r->json);
    line_rows_free(r->lines);
    unzip_stream_free(r->zip);
    buf_done(&r->plain);
    mem_free(r->piece);
    mem_free(r);
}

const SeriesKey *dataset_key(const DatasetReader *r) {
    return r->json ? json_rows_key(r->json) : r->lines ? line_rows_key(r->lines) : &r->key;
}

/* --- bytes --- */

/* The next bytes of the file, unpacked; empty at its end. */
static int next_bytes(DatasetReader *r, Ctx *cx, Str *out) {
    *out = (Str){ 0 };
    while (out->n == 0 && r->at < r->source.size) {
        size_t n = (size_t)MIN((int64_t)(r->zip ? PACKED_PIECE : PIECE), r->source.size - r->at);
        int e = r->source.read_at(r->source.arg, cx, r->at, n, r->piece);
        if (e)
            return e;
        r->at += (int64_t)n;
        *out = str_n(r->piece, n);
        if (!r->zip)
            return 0;
        buf_clear(&r->plain);
        e = unzip_stream_put(r->zip, *out, &r->plain);
        if (e)
            return err_set(cx, e == ERR_LIMIT ? ERR_LIMIT : ERR_CORRUPT,
                           e == ERR_LIMIT ? "it unpacks to more than a file of candles can be"
                                          : "its %s bytes are damaged or cut short",
                           dataset_pack_name(r->form.pack));
        *out = buf_str(&r->plain);
    }
    if (out->n == 0 && r->zip && unzip_stream_finish(r->zip))
        return err_set(cx, ERR_CORRUPT, "its %s bytes are damaged or cut short", dataset_pack_name(r->form.pack));
    return 0;
}

/* --- CSV: its labels are in the first row, and needed before it is read --- */

static int open_csv(DatasetReader *r, Ctx *cx) {
    Str head, line, row, field = { 0 }, name = { 0 };
    int e = next_bytes(r, cx, &head);
    if (e)
        return e;
    Str rest = head;
    if (str_next(&rest, '\n', &line) && str_next(&rest, '\n', &row) && str_ends(str_trim(line), S(",series_key"))) {
        while (str_next(&line, ',', &name) && str_next(&row, ',', &field)) {
        }
        series_key_parse(str_trim(field), &r->key);
    }
    e = candle_csv_open(cx, &(CandleCsvOptions){ .timeframe = r->key.timeframe }, &r->csv);
    if (e)
        return e;
    if (!r->zip) { /* read again from the start */
        r->at = 0;
        return 0;
    }
    r->at = 0;
    unzip_stream_free(r->zip);
    r->zip = unzip_stream_new(r->form.pack == DATASET_GZIP ? ZIP_GZIP : ZIP_ZSTD);
    return 0;
}

static int next_csv(DatasetReader *r, Ctx *cx, Str bytes, Candles *out) {
    int e = bytes.n ? candle_csv_feed(r->csv, cx, bytes, out) : candle_csv_finish(r->csv, cx, out);
    if (timeframe_valid(candle_csv_report(r->csv)->timeframe))
        r->key.timeframe = candle_csv_report(r->csv)->timeframe;
    return e;
}

/* --- all --- */

int dataset_reader_new(Ctx *cx, DatasetForm form, const DatasetSource *source, const SeriesKey *given,
                       DatasetReader **out) {
    CLEANUP(dataset_reader_freep) DatasetReader *r = mem_new(DatasetReader);
    r->form = form;
    r->source = *source;
    r->key = given ? *given : (SeriesKey){ 0 };
    r->piece = mem_alloc(PIECE);
    buf_init(&r->plain, UNPACKED_MAX);
    int e = 0;
    if (form.format == DATASET_PARQUET) {
        if (form.pack != DATASET_PLAIN)
            return err_set_at(cx, ERR_INVALID, S("compression"), "a packed Parquet file is not read: unpack it first");
        e = parquet_open(cx, source->read_at, source->arg, source->size, &r->parquet);
        if (e == PARQUET_FOREIGN)
            e = DATASET_FOREIGN;
        if (e == 0 && parquet_key(r->parquet)->symbol.s[0])
            r->key = *parquet_key(r->parquet);
    } else if (form.pack != DATASET_PLAIN) {
        r->zip = unzip_stream_new(form.pack == DATASET_GZIP ? ZIP_GZIP : ZIP_ZSTD);
    }
    if (e == 0 && form.format == DATASET_CSV)
        e = open_csv(r, cx);
    if (form.format == DATASET_JSON)
        r->json = json_rows_new(&r->key);
    if (form.format == DATASET_INFLUX)
        r->lines = line_rows_new(&r->key);
    if (e == 0)
        *out = TAKE(r);
    return e;
}

static int next_text(DatasetReader *r, Ctx *cx, Candles *out) {
    Str bytes;
    int e = ctx_check(cx);
    if (e == 0)
        e = next_bytes(r, cx, &bytes);
    if (e)
        return e;
    r->ended = bytes.n == 0;
    switch (r->form.format) {
    case DATASET_CSV:
        return next_csv(r, cx, bytes, out);
    case DATASET_JSON:
        return bytes.n ? json_rows_feed(r->json, cx, bytes, out) : json_rows_end(r->json, cx);
    case DATASET_INFLUX:
        return bytes.n ? line_rows_feed(r->lines, cx, bytes, out) : line_rows_end(r->lines, cx, out);
    case DATASET_PARQUET:
    default:
        return ERR_INTERNAL;
    }
}

int dataset_next(DatasetReader *r, Ctx *cx, Candles *out) {
    int e = 0;
    out->n = 0;
    if (r->parquet) {
        e = ctx_check(cx);
        if (e || r->group == parquet_groups(r->parquet))
            return e ? e : DATASET_ENDED;
        return parquet_read(r->parquet, cx, r->group++, out);
    }
    while (e == 0 && !r->ended && out->n < ENOUGH_ROWS)
        e = next_text(r, cx, out);
    return e ? e : out->n ? 0 : DATASET_ENDED;
}
