/* cli/import.c - a CSV file into the store: read and checked whole, then sent in batches, one summary. */

#include "cli/internal.h"

#include "base/file.h"
#include "base/tz.h"
#include "cli/spool.h"
#include "core/candle_csv.h"

#include <errno.h>

typedef struct ImportIn {
    Str file, symbol, timeframe, exchange, provider, stamp, zone, dates, source;
    int64_t price_scale;
    bool skip_bad, dry_run;
} ImportIn;

static const char *const stamps[] = { "start", "end", NULL };
static const char *const date_orders[] = { "year-first", "day-first", "month-first", NULL };

/* clang-format off */
static const Field import_f[] = {
    FIELD(ImportIn, file, .flags = F_REQUIRED, .doc = "CSV file, or - for standard input."),
    FIELD(ImportIn, symbol, .flags = F_REQUIRED, .pattern = "symbol", .doc = "Symbol to store the candles under.", .example = "AAPL"),
    FIELD(ImportIn, timeframe, .pattern = "timeframe", .doc = "Length of a candle. Left out: found from the times.", .example = "1h"),
    FIELD(ImportIn, exchange, .pattern = "venue", .def = "file", .doc = "Venue to store them under.", .example = "nasdaq"),
    FIELD(ImportIn, provider, .pattern = "venue", .doc = "Who supplied the data, where that is not the venue."),
    FIELD(ImportIn, stamp, .def = "start", .choices = stamps, .doc = "Does a row's time mark the start or the end of its candle?"),
    { .name = "tz", .offset = offsetof(ImportIn, zone), .type = FT_STR, .doc = "Time zone of times that name none. Left out: UTC.", .example = "Europe/Berlin" },
    FIELD(ImportIn, dates, .def = "year-first", .choices = date_orders, .doc = "Order of the parts of a date."),
    { .name = "price-scale", .offset = offsetof(ImportIn, price_scale), .type = FT_I64, .min = -18, .max = 18, .has_min = true, .doc = "Prices times ten to this power: -2 for cents." },
    { .name = "skip-bad", .offset = offsetof(ImportIn, skip_bad), .type = FT_BOOL, .doc = "Leave faulty rows out instead of refusing the file." },
    { .name = "dry-run", .offset = offsetof(ImportIn, dry_run), .type = FT_BOOL, .doc = "Read and check, store nothing." },
    FIELD(ImportIn, source, .max = 23, .doc = "Name of the source, recorded with the range. Left out: the file's name."),
};
static SHAPE(import_shape, ImportIn, import_f);
/* clang-format on */

enum { PIECE_BYTES = 1 << 20, BATCH_ROWS = 50000 };

typedef struct Import {
    Cli *c;
    const ImportIn *in;
    const char *name; /* of the source, for words */
    ApiCaller *api;
    CandleCsv *csv;
    Candles rows; /* heap; the batch at hand */
    Spool spool;  /* the batches before it, where one was not enough */
    SaveResponse sum;
    Str timeframe; /* as stored */
    Time first, last;
    int64_t n_rows;
} Import;

/* --- reading: every row is well before the first one is stored --- */

static void count_rows(Import *im, size_t from) {
    for (size_t i = from; i < im->rows.n; i++) {
        Time t = time_ms(im->rows.open_ms[i]);
        if (im->n_rows++ == 0)
            im->first = im->last = t;
        im->first = time_before(t, im->first) ? t : im->first;
        im->last = time_before(im->last, t) ? t : im->last;
    }
}

static int put_batch(Import *im) {
    int r = im->in->dry_run ? 0 : spool_put(&im->spool, im->c->cx, &im->rows);
    if (r == 0)
        im->rows.n = 0;
    return r;
}

/* One piece of the source; an empty one is its end. */
static int read_piece(Import *im, Str piece) {
    Ctx *cx = im->c->cx;
    size_t had = im->rows.n;
    int r = piece.n ? candle_csv_feed(im->csv, cx, piece, &im->rows) : candle_csv_finish(im->csv, cx, &im->rows);
    if (r != 0)
        return err_prefix(cx, "%s", im->name);
    count_rows(im, had);
    if (im->rows.n >= BATCH_ROWS || (!piece.n && im->spool.n_batches))
        r = put_batch(im);
    return r == 0 ? ctx_check(cx) : r;
}

static int read_rows(Import *im, FILE *f, int64_t size) {
    Cli *c = im->c;
    char *piece = mem_alloc(PIECE_BYTES);
    Progress bar;
    progress_init(&bar, c, "reading", "candles");
    int64_t done = 0;
    size_t n = 1;
    int r = 0;
    while (r == 0 && n) {
        n = fread(piece, 1, PIECE_BYTES, f);
        done += (int64_t)n;
        r = n < PIECE_BYTES && ferror(f) ? file_fail(c->cx, errno, "read", im->name) : read_piece(im, str_n(piece, n));
        progress_update(&bar, (double)done, (double)size, im->n_rows);
    }
    progress_end(&bar);
    mem_free(piece);
    if (r == 0)
        im->timeframe =
            timeframe_text(candle_csv_report(im->csv)->timeframe, arena_alloc(c->cx->arena, TIMEFRAME_TEXT_MAX));
    return r;
}

/* --- storing --- */

static OHLCVSave save_of(const Import *im) {
    return (OHLCVSave){
        .exchange = im->in->exchange, .symbol = im->in->symbol, .timeframe = im->timeframe, .provider = im->in->provider
    };
}

static int send_batch(Import *im) {
    Ctx *cx = im->c->cx;
    ArenaMark mark = arena_mark(cx->arena);
    OHLCVSave save = save_of(im);
    save.candles = im->rows;
    SaveResponse got = { 0 };
    int r = api_call(im->api, cx, &op_market_save, &save, &got);
    if (r == 0) {
        im->sum.inserted += got.inserted;
        im->sum.updated += got.updated;
        im->sum.unchanged += got.unchanged;
        im->sum.warnings += got.warnings;
        arena_rewind(cx->arena, mark);
    }
    return r;
}

/* Records, once all rows are in, that the source was read from its first to its last candle. Durable: when the
 * command ends well, everything is on disk. */
static int send_coverage(Import *im) {
    enum { SOURCE_MAX = 23 };
    Ctx *cx = im->c->cx;
    OHLCVSave save = save_of(im);
    Str base = path_base(str_cz(cx->arena, im->in->file));
    save.source =
        im->in->source.n ? im->in->source : str_first(str_fmt(cx->arena, "file " STR_FMT, STR_ARG(base)), SOURCE_MAX);
    save.durable = true;
    save.covered_start = im->first;
    save.covered_end = timeframe_next(candle_csv_report(im->csv)->timeframe, im->last);
    SaveResponse got = { 0 };
    return api_call(im->api, cx, &op_market_save, &save, &got);
}

static int store_rows(Import *im) {
    Cli *c = im->c;
    bool spooled = im->spool.n_batches > 0;
    Progress bar;
    progress_init(&bar, c, "storing", "candles");
    int64_t done = 0;
    int r = cli_api(c, &im->api);
    if (r == 0)
        r = spool_rewind(&im->spool, c->cx);
    while (r == 0) {
        if (spooled && (r = spool_next(&im->spool, c->cx, &im->rows)) != 0)
            break;
        progress_update(&bar, (double)done, (double)im->n_rows, done);
        r = send_batch(im);
        done += (int64_t)im->rows.n;
        if (r == 0)
            r = ctx_check(c->cx);
        if (!spooled)
            break;
    }
    progress_end(&bar);
    if (r == 0 || r == SPOOL_END)
        r = send_coverage(im);
    return r;
}

/* --- what came of it --- */

static void show_faults(const Import *im, const CandleCsvReport *report) {
    Cli *c = im->c;
    if (report->n_skipped == 0 || c->json)
        return;
    fprintf(c->err, STR_FMT " faulty row%s left out\n", STR_ARG(term_count(c->cx->arena, report->n_skipped)),
            report->n_skipped == 1 ? "" : "s");
    for (size_t i = 0; i < report->n_faults && i < 5; i++)
        fprintf(c->err, "  %s\n", report->faults[i].text);
}

static void show_summary(Import *im, double ms) {
    Cli *c = im->c;
    Arena *a = c->cx->arena;
    const CandleCsvReport *report = candle_csv_report(im->csv);
    show_faults(im, report);
    if (c->json) {
        Buf b;
        buf_init(&b, 64 << 10);
        JsonWriter w;
        json_writer_init(&w, &b, true);
        json_object(&w);
        json_put_str(&w, "file", im->in->file);
        json_put_str(&w, "symbol", im->in->symbol);
        json_put_str(&w, "timeframe", im->timeframe);
        json_put_bool(&w, "dry_run", im->in->dry_run);
        json_put_i64(&w, "rows", im->n_rows);
        json_put_i64(&w, "skipped", report->n_skipped);
        json_put_i64(&w, "inserted", im->sum.inserted);
        json_put_i64(&w, "updated", im->sum.updated);
        json_put_i64(&w, "unchanged", im->sum.unchanged);
        json_put_i64(&w, "warnings", im->sum.warnings);
        json_put_time(&w, "first", im->first);
        json_put_time(&w, "last", im->last);
        json_put_f64(&w, "milliseconds", ms);
        json_object_end(&w);
        fprintf(c->out, STR_FMT "\n", STR_ARG(buf_str(&b)));
        buf_done(&b);
        return;
    }
    fprintf(c->out, "%s" STR_FMT "%s  " STR_FMT " candles  " STR_FMT " .. " STR_FMT "\n", term_tone(c, TONE_BOLD),
            STR_ARG(cli_series_name(a, im->in->exchange, im->in->symbol, im->timeframe, im->in->provider)), term_end(c),
            STR_ARG(term_count(a, im->n_rows)), STR_ARG(term_minute(a, im->first)), STR_ARG(term_minute(a, im->last)));
    if (im->in->dry_run)
        fprintf(c->out, "nothing was stored (--dry-run)\n");
    else
        fprintf(c->out, STR_FMT " new, " STR_FMT " changed, " STR_FMT " already there",
                STR_ARG(term_count(a, im->sum.inserted)), STR_ARG(term_count(a, im->sum.updated)),
                STR_ARG(term_count(a, im->sum.unchanged)));
    if (!im->in->dry_run && im->sum.warnings)
        fprintf(c->out, ", " STR_FMT " odd (see quality)", STR_ARG(term_count(a, im->sum.warnings)));
    if (!im->in->dry_run)
        fputc('\n', c->out);
    if (!c->quiet)
        fprintf(c->err, "in " STR_FMT ", " STR_FMT " candles a second\n", STR_ARG(term_ms(a, ms)),
                STR_ARG(term_count(a, (int64_t)((double)im->n_rows * 1000 / MAX(ms, 0.001)))));
}

static int csv_options(Cli *c, const ImportIn *in, CandleCsvOptions *out) {
    CandleCsvOptions o = { .stamp = str_eq(in->stamp, S("end")) ? CSV_STAMP_END : CSV_STAMP_START,
                           .price_scale = (int)in->price_scale,
                           .skip_bad = in->skip_bad,
                           .known_at = clock_wall(c->cx->clock) };
    if (str_eq(in->dates, S("day-first")))
        o.date_order = CSV_DAY_FIRST;
    else if (str_eq(in->dates, S("month-first")))
        o.date_order = CSV_MONTH_FIRST;
    timeframe_parse(in->timeframe, &o.timeframe);
    const Tz *zone = NULL;
    if (in->zone.n) {
        int r = tz_load(c->cx, TZ_DIR, in->zone, &zone);
        if (r != 0)
            return r;
    }
    o.zone = zone;
    *out = o;
    return 0;
}

static int import_stream(Import *im, FILE *f, int64_t size, const CandleCsvOptions *options) {
    int r = candle_csv_open(im->c->cx, options, &im->csv);
    if (r == 0)
        r = read_rows(im, f, size);
    return r == 0 && !im->in->dry_run ? store_rows(im) : r;
}

static int run_import(Cli *c, const void *in_) {
    const ImportIn *in = in_;
    bool is_stdin = str_eq(in->file, S("-"));
    Import im = { .c = c, .in = in, .name = is_stdin ? "standard input" : str_cz(c->cx->arena, in->file) };
    CandleCsvOptions options;
    MonoNs started = clock_mono(c->cx->clock);
    int64_t size = 0;
    int r = csv_options(c, in, &options);
    FILE *f = is_stdin ? stdin : r == 0 ? fopen(im.name, "rb") : NULL;
    if (r == 0 && !f)
        r = file_fail(c->cx, errno, "open", im.name);
    if (r == 0 && !is_stdin)
        r = file_size(c->cx, im.name, &size);
    candles_init_heap(&im.rows, BATCH_ROWS);
    spool_init(&im.spool, c->temp_dir);
    if (r == 0)
        r = import_stream(&im, f, size, &options);
    if (r == 0)
        show_summary(&im, (double)(clock_mono(c->cx->clock).ns - started.ns) * 1e-6);
    if (f && !is_stdin)
        fclose(f);
    candle_csv_close(im.csv);
    spool_done(&im.spool);
    candles_done_heap(&im.rows);
    return r == 0 ? 0 : cli_fail(c, r);
}

const Command cmd_import = {
    .name = "import",
    .group = "Data",
    .summary = "Candles from a CSV file",
    .run = run_import,
    .help = "Header, separator, columns, date format and timeframe are found out. A file with a bad row is refused "
            "as a whole, naming line and column; --skip-bad leaves such rows out. Importing twice changes nothing. "
            "A long source waits in a temporary file ($TMPDIR, else /var/tmp) until its last row has been read.",
    .examples = "finsight import btc.csv --symbol BTCUSDT --exchange binance\n"
                "finsight import fesx.csv --symbol FESX --stamp end --tz Europe/Berlin\n"
                "zcat aapl.csv.gz | finsight import - --symbol AAPL",
    .flags = &import_shape,
    .positional = (const char *const[]){ "file", NULL },
};
