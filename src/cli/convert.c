/* cli/convert.c - files of candles from one format to another, without the store. */

#include "cli/internal.h"

#include "base/file.h"
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

static int copy_rows(Cli *c, DatasetReader *reader, DatasetForm form, int level, FILE *f, const char *path,
                     Converted *out) {
    enum { PIECE_MAX = 64 << 20 };
    Ctx *cx = c->cx;
    CLEANUP(dataset_writer_freep) DatasetWriter *w = NULL;
    Candles rows;
    Buf piece;
    Progress bar;
    progress_init(&bar, c, "converting", "candles");
    candles_init_heap(&rows, 1);
    buf_init(&piece, PIECE_MAX);
    form.level = level;
    int r = dataset_next(reader, cx, &rows); /* the first rows tell what they are of */
    int e = r < 0 ? 0 : dataset_writer_new(cx, form, dataset_key(reader), &w);
    for (; r == 0 && e == 0; r = e ? 0 : dataset_next(reader, cx, &rows)) {
        e = put_rows(cx, w, &rows, &piece, f, path, out);
        progress_update(&bar, 0, 0, dataset_rows(w));
    }
    r = r < 0 ? r : e;
    if (r == 0)
        r = dataset_end(w, cx, &piece);
    if (r == 0)
        r = write_piece(cx, &piece, f, path, &out->size);
    if (r == 0) {
        out->rows = dataset_rows(w);
        out->plain = dataset_plain_bytes(w);
    }
    candles_done_heap(&rows);
    buf_done(&piece);
    progress_end(&bar);
    return r;
}

/* The file appears whole or not at all. */
static int write_beside(Cli *c, DatasetReader *reader, DatasetForm form, int level, const char *path, Converted *out) {
    Ctx *cx = c->cx;
    char *temp = str_cz(cx->arena, str_fmt(cx->arena, "%s.part", path));
    FILE *f = fopen(temp, "wb");
    if (!f)
        return file_fail(cx, errno, "create", temp);
    int r = copy_rows(c, reader, form, level, f, temp, out);
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

static int open_source(Cli *c, const ConvertIn *in, Source *s, DatasetReader **out) {
    Ctx *cx = c->cx;
    DatasetForm form;
    SeriesKey given = { 0 };
    int64_t size;
    int r = form_of(c, in->from_format, in->from, "from-format", &form);
    if (r == 0 && in->series.n && !series_key_parse(in->series, &given))
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
    r = dataset_reader_new(cx, form, &source, &given, out);
    if (r == DATASET_FOREIGN)
        return err_set(cx, ERR_UNSUPPORTED,
                       "%s was not written here: read it with  finsight sql \"SELECT … FROM '%s'\" --allow %s", s->path,
                       s->path, s->path);
    return r < 0 ? err_prefix(cx, "%s", s->path) : r;
}

static int run_convert(Cli *c, const void *in_) {
    const ConvertIn *in = in_;
    Ctx *cx = c->cx;
    Source s = { .fd = -1, .path = str_cz(cx->arena, in->from) };
    CLEANUP(dataset_reader_freep) DatasetReader *reader = NULL;
    Converted done = { 0 };
    DatasetForm to;
    const char *path = str_cz(cx->arena, in->to);
    int r = form_of(c, in->to_format, in->to, "to-format", &to);
    if (r == 0 && str_eq(in->from, in->to))
        r = err_set(cx, ERR_USAGE, "a file cannot be converted into itself");
    if (r == 0)
        r = open_source(c, in, &s, &reader);
    if (r == 0)
        r = write_beside(c, reader, to, (int)in->level, path, &done);
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
        "label changes. Memory stays small however long the file is, and the file appears whole or not at all.",
    .examples =
        "finsight convert btc.csv btc.parquet --series binance:BTCUSDT:1h\nfinsight convert btc.parquet btc.json.zst\n"
        "finsight convert btc.parquet btc.lp",
    .flags = &convert_shape,
    .positional = (const char *const[]){ "from", "to", NULL },
};
