/* cli/convert.c - files of candles from one format to another, without the store. */

#include "cli/internal.h"

#include "base/csv.h"
#include "base/file.h"
#include "core/candle_csv.h"
#include "core/dataset.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

typedef struct ConvertIn {
    Str from, to, from_format, to_format, series;
    int64_t level;
} ConvertIn;

/* clang-format off */
static const Field convert_f[] = {
    FIELD(ConvertIn, from, .flags = F_REQUIRED, .doc = "File to read.", .example = "btc.csv"),
    FIELD(ConvertIn, to, .flags = F_REQUIRED, .doc = "File to write.", .example = "btc.parquet"),
    FIELD(ConvertIn, from_format, .doc = "csv, json, parquet or influx, and .gz or .zst behind it. Left out: by the file's name.", .example = "csv.gz"),
    FIELD(ConvertIn, to_format, .doc = "The same for the file to write."),
    FIELD(ConvertIn, series, .doc = "Whose candles they are, where the file does not say.", .example = "binance:BTCUSDT:1h"),
    FIELD(ConvertIn, level, .min = 0, .max = 19, .has_min = true, .doc = "Of the compression; 0 is the usual one."),
};
static SHAPE(convert_shape, ConvertIn, convert_f);
/* clang-format on */

typedef struct Source {
    int fd;
    const char *path;
} Source;

static int read_at(void *arg, Ctx *cx, int64_t at, size_t n, char *out) {
    const Source *s = arg;
    for (size_t done = 0; done < n;) {
        ssize_t got = pread(s->fd, out + done, n - done, (off_t)(at + (int64_t)done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return file_fail(cx, errno, "read", s->path);
        if (got == 0)
            return err_set(cx, ERR_CORRUPT, "%s became shorter while it was read", s->path);
        done += (size_t)got;
    }
    return 0;
}

static int form_of(Cli *c, Str format, Str path, const char *flag, DatasetForm *out) {
    Str name = format.n ? str_fmt(c->cx->arena, "x." STR_FMT, STR_ARG(format)) : path;
    if (dataset_form_of_name(name, out))
        return 0;
    return err_set(c->cx, ERR_USAGE,
                   "the format of " STR_FMT " cannot be told from its name; give --%s csv, json, parquet or influx",
                   STR_ARG(path), flag);
}

typedef struct Converted {
    int64_t rows, plain, size;
    bool simulated;
} Converted;

static int write_piece(Ctx *cx, Buf *piece, FILE *f, const char *path, int64_t *size) {
    *size += (int64_t)piece->n;
    if (piece->n && fwrite(piece->p, 1, piece->n, f) != piece->n)
        return file_fail(cx, errno, "write", path);
    buf_clear(piece);
    return 0;
}

static int put_rows(Ctx *cx, DatasetWriter *w, const Candles *rows, Buf *piece, FILE *f, const char *path,
                    Converted *out) {
    enum { SOME = 20000 };
    int r = 0;
    for (size_t at = 0; r == 0 && at < rows->n; at += SOME) {
        r = dataset_put(w, cx, rows, at, MIN(rows->n - at, (size_t)SOME), piece);
        if (r == 0)
            r = write_piece(cx, piece, f, path, &out->size);
    }
    for (size_t i = 0; i < rows->n; i++)
        out->simulated |= (rows->flags[i] & CANDLE_SIMULATED) != 0;
    return r;
}

/* Rows going into the new file. */
typedef struct Target {
    Cli *c;
    DatasetForm form;
    FILE *f;
    const char *path;
    DatasetWriter *w;
    Buf piece;
    Converted *out;
    Progress bar;
} Target;

static int put_some(Target *t, const SeriesKey *key, const Candles *rows) {
    int r = t->w ? 0 : dataset_writer_new(t->c->cx, t->form, key, &t->w);
    if (r == 0)
        r = put_rows(t->c->cx, t->w, rows, &t->piece, t->f, t->path, t->out);
    if (r == 0)
        progress_update(&t->bar, 0, 0, dataset_rows(t->w));
    return r;
}

static int end_rows(Target *t) {
    Ctx *cx = t->c->cx;
    int r = dataset_end(t->w, cx, &t->piece);
    if (r == 0)
        r = write_piece(cx, &t->piece, t->f, t->path, &t->out->size);
    t->out->rows = dataset_rows(t->w);
    t->out->plain = dataset_plain_bytes(t->w);
    return r;
}

/* A file in a form of ours. */
static int copy_dataset(Target *t, const char *from, DatasetReader *reader) {
    Candles rows;
    candles_init_heap(&rows, 1);
    int r = 0;
    while (r == 0 && (r = dataset_next(reader, t->c->cx, &rows)) == 0) /* the first rows tell what they are of */
        r = put_some(t, dataset_key(reader), &rows);
    candles_done_heap(&rows);
    return r < 0 ? err_prefix(t->c->cx, "%s", from) : t->w ? 0 : r;
}

/* --- a Parquet file of others: as CSV to the importer's parser, which finds out what is what --- */

typedef struct Foreign {
    Target *t;
    const SeriesKey *given;
    CandleCsv *csv;
    Candles rows;
    Buf text;
} Foreign;

static int feed_csv(Foreign *f, Ctx *cx) {
    int r = candle_csv_feed(f->csv, cx, buf_str(&f->text), &f->rows);
    buf_clear(&f->text);
    return r;
}

/* The series of the file's own column wins over what was told. */
static SeriesKey series_of(const Foreign *f) {
    SeriesKey key = *f->given, own;
    const CandleCsvReport *report = candle_csv_report(f->csv);
    if (report->series[0] && series_key_parse(str_c(report->series), &own))
        key = own;
    if (!timeframe_valid(key.timeframe))
        key.timeframe = report->timeframe;
    return key;
}

static int pass_on(Foreign *f) {
    SeriesKey key = series_of(f);
    int r = f->rows.n ? put_some(f->t, &key, &f->rows) : 0;
    f->rows.n = 0;
    return r;
}

static int on_foreign_row(void *arg, Ctx *cx, const Str *cells, size_t n) {
    enum { FEED = 1 << 20 };
    Foreign *f = arg;
    int r = csv_write_row(&f->text, ',', cells, n);
    if (r != 0)
        return err_set(cx, ERR_INVALID, "a row of the file is longer than a row of candles can be");
    if (f->text.n < FEED)
        return 0;
    r = feed_csv(f, cx);
    return r ? r : pass_on(f);
}

static int copy_foreign(Target *t, const char *path, const SeriesKey *given) {
    Cli *c = t->c;
    Ctx *cx = c->cx;
    Foreign f = { .t = t, .given = given };
    CandleCsvOptions options = { .separator = ',', .timeframe = given->timeframe };
    int r = candle_csv_open(cx, &options, &f.csv);
    candles_init_heap(&f.rows, 1);
    buf_init(&f.text, 4 << 20);
    if (r == 0)
        r = c->foreign(c, path, on_foreign_row, &f);
    if (r == 0)
        r = feed_csv(&f, cx);
    if (r == 0)
        r = candle_csv_finish(f.csv, cx, &f.rows);
    if (r == 0)
        r = pass_on(&f);
    candle_csv_close(f.csv);
    candles_done_heap(&f.rows);
    buf_done(&f.text);
    return r < 0 ? err_prefix(cx, "%s", path) : r;
}

/* --- into a file --- */

typedef struct From {      /* one or the other */
    DatasetReader *reader; /* NULL: a Parquet file of others */
    const char *path;
    SeriesKey given;
} From;

static int copy_rows(Cli *c, const From *from, DatasetForm form, int level, FILE *f, const char *path, Converted *out) {
    enum { PIECE_MAX = 64 << 20 };
    Target t = { .c = c, .form = form, .f = f, .path = path, .out = out };
    t.form.level = level;
    buf_init(&t.piece, PIECE_MAX);
    progress_init(&t.bar, c, "converting", "candles");
    int r = from->reader ? copy_dataset(&t, from->path, from->reader) : copy_foreign(&t, from->path, &from->given);
    if (r == 0)
        r = end_rows(&t);
    dataset_writer_free(t.w);
    buf_done(&t.piece);
    progress_end(&t.bar);
    return r;
}

/* The file appears whole or not at all. */
static int write_beside(Cli *c, const From *from, DatasetForm form, int level, const char *path, Converted *out) {
    Ctx *cx = c->cx;
    char *temp = str_cz(cx->arena, str_fmt(cx->arena, "%s.part", path));
    FILE *f = fopen(temp, "wb");
    if (!f)
        return file_fail(cx, errno, "create", temp);
    int r = copy_rows(c, from, form, level, f, temp, out);
    if (r == 0 && (fflush(f) != 0 || fsync(fileno(f)) != 0))
        r = file_fail(cx, errno, "write", temp);
    if (fclose(f) != 0 && r == 0)
        r = file_fail(cx, errno, "write", temp);
    if (r == 0 && rename(temp, path) != 0)
        r = file_fail(cx, errno, "rename", temp);
    if (r != 0)
        unlink(temp);
    return r;
}

static int open_source(Cli *c, const ConvertIn *in, Source *s, From *out) {
    Ctx *cx = c->cx;
    DatasetForm form;
    int64_t size;
    int r = form_of(c, in->from_format, in->from, "from-format", &form);
    if (r == 0 && in->series.n && !series_key_parse(in->series, &out->given))
        r = err_set(cx, ERR_USAGE, "'" STR_FMT "' is not a series: venue:symbol:timeframe, as binance:BTCUSDT:1h",
                    STR_ARG(in->series));
    if (r == 0)
        r = file_size(cx, s->path, &size);
    if (r)
        return r;
    s->fd = open(s->path, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0)
        return file_fail(cx, errno, "read", s->path);
    DatasetSource source = { .read_at = read_at, .arg = s, .size = size };
    r = dataset_reader_new(cx, form, &source, &out->given, &out->reader);
    if (r == DATASET_FOREIGN && !c->foreign)
        return err_set(cx, ERR_UNSUPPORTED, "%s was not written here, and nothing here reads it", s->path);
    return r < 0 ? err_prefix(cx, "%s", s->path) : 0;
}

static int run_convert(Cli *c, const void *in_) {
    const ConvertIn *in = in_;
    Ctx *cx = c->cx;
    Source s = { .fd = -1, .path = str_cz(cx->arena, in->from) };
    From from = { .path = s.path };
    Converted done = { 0 };
    DatasetForm to;
    const char *path = str_cz(cx->arena, in->to);
    int r = form_of(c, in->to_format, in->to, "to-format", &to);
    if (r == 0 && str_eq(in->from, in->to))
        r = err_set(cx, ERR_USAGE, "a file cannot be converted into itself");
    if (r == 0)
        r = open_source(c, in, &s, &from);
    if (r == 0)
        r = write_beside(c, &from, to, (int)in->level, path, &done);
    dataset_reader_free(from.reader);
    if (s.fd >= 0)
        close(s.fd);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json) {
        fprintf(c->out, "{\"candles\":%lld,\"size\":%lld,\"plain_size\":%lld,\"simulated\":%s}\n", (long long)done.rows,
                (long long)done.size, (long long)done.plain, done.simulated ? "true" : "false");
        return 0;
    }
    if (!c->quiet)
        fprintf(c->err, STR_FMT " candles in %s, " STR_FMT "%s\n", STR_ARG(term_count(cx->arena, done.rows)), path,
                STR_ARG(term_bytes(cx->arena, done.size)), cli_simulated(c, done.simulated));
    return 0;
}

const Command cmd_convert = {
    .name = "convert",
    .group = "Data",
    .summary = "A file of candles in another format",
    .run = run_convert,
    .help =
        "CSV, JSON, Parquet and InfluxDB line protocol, plain or packed by gzip or zstd, any to any. No value, flag or "
        "label changes. Memory stays small however long the file is, and the file appears whole or not at all. A "
        "Parquet "
        "file of others is read by DuckDB in a process of its own; columns are found by their names, as import does.",
    .examples =
        "finsight convert btc.csv btc.parquet --series binance:BTCUSDT:1h\nfinsight convert btc.parquet btc.json.zst\n"
        "finsight convert btc.parquet btc.lp",
    .flags = &convert_shape,
    .positional = (const char *const[]){ "from", "to", NULL },
};
