/* core/dataset.c - see dataset.h: names, and the writers. The readers are dataset_read.c. */

#include "core/dataset.h"

#include "core/candle_csv.h"
#include "core/dataset_text.h"

/* --- names --- */

static const char *const formats[DATASET_FORMATS] = { "csv", "json", "parquet", "influx" };
static const char *const packs[DATASET_PACKS] = { "none", "gzip", "zstd" };

const char *dataset_format_name(DatasetFormat f) {
    return formats[f];
}

const char *dataset_pack_name(DatasetPack p) {
    return packs[p];
}

bool dataset_format_parse(Str text, DatasetFormat *out) {
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (str_eq_nocase(text, str_c(formats[i]))) {
            *out = (DatasetFormat)i;
            return true;
        }
    if (!str_eq_nocase(text, S("lp")) && !str_eq_nocase(text, S("line")))
        return false;
    *out = DATASET_INFLUX;
    return true;
}

bool dataset_pack_parse(Str text, DatasetPack *out) {
    if (str_eq(text, S("none")) || text.n == 0)
        *out = DATASET_PLAIN;
    else if (str_eq(text, S("gzip")) || str_eq(text, S("gz")))
        *out = DATASET_GZIP;
    else if (str_eq(text, S("zstd")) || str_eq(text, S("zst")))
        *out = DATASET_ZSTD;
    else
        return false;
    return true;
}

const char *dataset_content_type(DatasetFormat f) {
    static const char *const types[] = { "text/csv", "application/json", "application/vnd.apache.parquet",
                                         "text/plain" };
    return types[f];
}

static const struct {
    const char *suffix;
    DatasetFormat format;
} suffixes[] = { { ".csv", DATASET_CSV },    { ".json", DATASET_JSON },   { ".parquet", DATASET_PARQUET },
                 { ".lp", DATASET_INFLUX },  { ".line", DATASET_INFLUX }, { ".influx", DATASET_INFLUX },
                 { ".pq", DATASET_PARQUET }, { ".txt", DATASET_CSV } };
static const char *const pack_suffixes[] = { "", ".gz", ".zst" };

Str dataset_suffix(Arena *a, DatasetForm form) {
    return str_fmt(a, "%s%s", suffixes[form.format].suffix, pack_suffixes[form.pack]);
}

bool dataset_form_of_name(Str name, DatasetForm *out) {
    DatasetForm form = { 0 };
    for (size_t i = 1; i < ARRAY_LEN(pack_suffixes); i++)
        if (str_ends(name, str_c(pack_suffixes[i]))) {
            form.pack = (DatasetPack)i;
            name = str_first(name, name.n - strlen(pack_suffixes[i]));
        }
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        size_t n = strlen(suffixes[i].suffix);
        if (name.n > n && str_eq_nocase(str_from(name, name.n - n), str_c(suffixes[i].suffix))) {
            form.format = suffixes[i].format;
            *out = form;
            return true;
        }
    }
    return false;
}

/* --- writing --- */

enum { TEXT_ROWS = 2048, TEXT_MAX = 8 << 20 };

struct DatasetWriter {
    DatasetForm form;
    SeriesKey key;
    Arena arena;
    Str series; /* text of the key; empty where it is not whole */
    ParquetWriter *parquet;
    ZipStream *zip;
    Buf text; /* before packing */
    int64_t n, plain;
    bool started;
};

int dataset_writer_new(Ctx *cx, DatasetForm form, const SeriesKey *key, DatasetWriter **out) {
    if (form.format == DATASET_PARQUET && form.pack != DATASET_PLAIN)
        return err_set_at(cx, ERR_INVALID, S("compression"), "Parquet's pages are zstd already: ask for none");
    DatasetWriter *w = mem_new(DatasetWriter);
    w->form = form;
    w->key = *key;
    if (key->venue.s[0] && key->symbol.s[0] && timeframe_valid(key->timeframe))
        w->series = series_key_text(&w->arena, key);
    if (form.format == DATASET_PARQUET)
        w->parquet = parquet_writer_new(key);
    if (form.pack != DATASET_PLAIN)
        w->zip = zip_stream_new(form.pack == DATASET_GZIP ? ZIP_GZIP : ZIP_ZSTD, form.level);
    buf_init(&w->text, TEXT_MAX);
    *out = w;
    return 0;
}

void dataset_writer_free(DatasetWriter *w) {
    if (!w)
        return;
    parquet_writer_free(w->parquet);
    zip_stream_free(w->zip);
    buf_done(&w->text);
    arena_done(&w->arena);
    mem_free(w);
}

int64_t dataset_rows(const DatasetWriter *w) {
    return w->n;
}

int64_t dataset_plain_bytes(const DatasetWriter *w) {
    enum { CANDLE_BYTES = 57 };
    return w->parquet ? w->n * CANDLE_BYTES : w->plain;
}

/* What is in w->text goes out, packed or not. */
static int flush_text(DatasetWriter *w, Buf *out) {
    w->plain += (int64_t)w->text.n;
    int e = !buf_ok(&w->text) ? ERR_LIMIT
            : w->zip          ? zip_stream_put(w->zip, buf_str(&w->text), out)
                              : buf_put_str(out, buf_str(&w->text));
    buf_clear(&w->text);
    return e;
}

static CandleCsvFormat csv_format(const DatasetWriter *w) {
    return (CandleCsvFormat){ .with_known_at = true, .with_flags = true, .series_key = w->series };
}

static void start(DatasetWriter *w) {
    if (w->started)
        return;
    w->started = true;
    CandleCsvFormat csv = csv_format(w);
    if (w->form.format == DATASET_CSV)
        candle_csv_write_header(&csv, &w->text);
    else if (w->form.format == DATASET_JSON)
        dataset_json_begin(&w->key, &w->text);
}

static int put_text(DatasetWriter *w, Ctx *cx, const Candles *cs, size_t from, size_t n) {
    CandleCsvFormat csv = csv_format(w);
    switch (w->form.format) {
    case DATASET_CSV:
        return candle_csv_write(cs, from, n, &csv, &w->text);
    case DATASET_JSON:
        return dataset_json_rows(cs, from, n, w->n == 0, &w->text);
    case DATASET_INFLUX:
        return dataset_lines(cx, &w->key, cs, from, n, &w->text);
    case DATASET_PARQUET:
    default:
        return ERR_INTERNAL;
    }
}

int dataset_put(DatasetWriter *w, Ctx *cx, const Candles *cs, size_t from, size_t n, Buf *out) {
    int e = 0;
    if (w->parquet) {
        e = parquet_put(w->parquet, cs, from, n, out);
        w->n += e ? 0 : (int64_t)n;
        return e;
    }
    start(w);
    while (e == 0 && n > 0) {
        size_t some = MIN(n, (size_t)TEXT_ROWS);
        e = put_text(w, cx, cs, from, some);
        if (e == 0)
            e = flush_text(w, out);
        w->n += (int64_t)some;
        from += some;
        n -= some;
    }
    return e;
}

int dataset_end(DatasetWriter *w, Ctx *cx, Buf *out) {
    UNUSED(cx);
    if (w->parquet)
        return parquet_end(w->parquet, out);
    start(w);
    if (w->form.format == DATASET_JSON)
        dataset_json_end(&w->text);
    int e = flush_text(w, out);
    return e || !w->zip ? e : zip_stream_finish(w->zip, out);
}
