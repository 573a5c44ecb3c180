/* cli/export.c - candles out as CSV, JSON or JSON lines; and the commands that take candles away or check them. */

#include "cli/internal.h"

#include "base/file.h"
#include "core/candle_csv.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct ExportIn {
    Str symbol, timeframe, exchange, provider;
    Time start, end;
    Str out, format, times;
    bool flags;
} ExportIn;

static const char *const formats[] = { "csv", "json", "jsonl", NULL };
static const char *const time_forms[] = { "iso", "ms", NULL };

/* clang-format off */
static const Field export_f[] = {
    FIELD(ExportIn, symbol, .flags = F_REQUIRED, .pattern = "symbol", .doc = "Symbol."),
    FIELD(ExportIn, timeframe, .flags = F_REQUIRED, .pattern = "timeframe", .doc = "Length of a candle."),
    FIELD(ExportIn, exchange, .pattern = "venue", .doc = "Venue. Left out: the only one it is stored of."),
    FIELD(ExportIn, provider, .pattern = "venue", .doc = "Who supplied the data."),
    FIELD(ExportIn, start, .doc = "First open time wanted."),
    FIELD(ExportIn, end, .doc = "Open time to stop before."),
    FIELD(ExportIn, out, .doc = "File to write. Left out: standard output.", .example = "btc.csv"),
    FIELD(ExportIn, format, .def = "csv", .choices = formats, .doc = "Form of the rows."),
    FIELD(ExportIn, times, .def = "iso", .choices = time_forms, .doc = "Times of CSV rows: ISO-8601, or ms since 1970."),
    FIELD(ExportIn, flags, .doc = "CSV: a column that says open, synthetic, simulated."),
};
static SHAPE(export_shape, ExportIn, export_f);
/* clang-format on */

enum { PAGE_ROWS = 20000 };

typedef struct Export {
    Cli *c;
    const ExportIn *in;
    FILE *f;
    const char *name; /* of f, for words */
    Buf piece;
    int64_t n_rows;
    bool simulated;
} Export;

/* The API's rows, one a line: an array's own brackets and commas, or none. */
static void write_json_rows(Export *e, const Candles *rows) {
    bool lines = str_eq(e->in->format, S("jsonl"));
    for (size_t i = 0; i < rows->n; i++) {
        if (!lines)
            buf_put_str(&e->piece, e->n_rows == 0 && i == 0 ? S("[\n") : S(",\n"));
        candle_write_json(&e->piece, rows, i);
        if (lines)
            buf_put_c(&e->piece, '\n');
    }
}

static int write_rows(Export *e, const Candles *rows) {
    buf_clear(&e->piece);
    if (str_eq(e->in->format, S("csv"))) {
        CandleCsvFormat format = { .epoch_ms = str_eq(e->in->times, S("ms")), .with_flags = e->in->flags };
        if (e->n_rows == 0)
            candle_csv_write_header(&format, &e->piece);
        candle_csv_write(rows, 0, rows->n, &format, &e->piece);
    } else {
        write_json_rows(e, rows);
    }
    e->n_rows += (int64_t)rows->n;
    assert(buf_ok(&e->piece));
    if (fwrite(e->piece.p, 1, e->piece.n, e->f) == e->piece.n)
        return 0;
    return e->f == e->c->out ? cli_out_fail(e->c, errno) : file_fail(e->c->cx, errno, "write", e->name);
}

static int write_pages(Export *e, ApiCaller *api) {
    Cli *c = e->c;
    OHLCVQuery q = { .exchange = e->in->exchange,
                     .symbol = e->in->symbol,
                     .timeframe = e->in->timeframe,
                     .provider = e->in->provider,
                     .start = e->in->start,
                     .end = e->in->end,
                     .limit = PAGE_ROWS,
                     .order = S("asc") };
    Progress bar;
    progress_init(&bar, c, "exporting", "candles");
    Arena scratch = { 0 };
    Ctx inner = *c->cx;
    inner.arena = &scratch;
    bool more = true;
    int r = 0;
    while (r == 0 && more) {
        CandlePage page = { 0 };
        arena_reset(&scratch);
        r = api_call(api, &inner, &op_market_candles, &q, &page);
        if (r == 0)
            r = write_rows(e, &page.candles);
        if (r == 0)
            r = ctx_check(&inner);
        more = page.more;
        q.start = page.next_start;
        e->simulated |= page.simulated;
        progress_update(&bar, 0, 0, e->n_rows);
    }
    if (r == 0 && str_eq(e->in->format, S("json")))
        fputs(e->n_rows ? "\n]\n" : "[]\n", e->f);
    if (inner.err.code)
        c->cx->err = inner.err;
    arena_done(&scratch);
    progress_end(&bar);
    return r;
}

/* The file appears whole or not at all: written beside its place, synced, renamed. */
static int export_beside(Export *e, ApiCaller *api, const char *path) {
    Ctx *cx = e->c->cx;
    const char *temp = str_fmt(cx->arena, "%s.part", path).p;
    e->name = temp;
    e->f = fopen(temp, "wb");
    if (!e->f)
        return file_fail(cx, errno, "create", temp);
    int r = write_pages(e, api);
    if (r == 0 && (fflush(e->f) != 0 || fsync(fileno(e->f)) != 0))
        r = file_fail(cx, errno, "write", temp);
    if (fclose(e->f) != 0 && r == 0)
        r = file_fail(cx, errno, "write", temp);
    if (r == 0 && rename(temp, path) != 0)
        r = file_fail(cx, errno, "rename", temp);
    if (r != 0)
        unlink(temp);
    return r;
}

/* A device or a pipe is written to, never replaced. */
static int export_into(Export *e, ApiCaller *api, const char *path) {
    Ctx *cx = e->c->cx;
    e->name = path;
    e->f = fopen(path, "wb");
    if (!e->f)
        return file_fail(cx, errno, "open", path);
    int r = write_pages(e, api);
    if (fclose(e->f) != 0 && r == 0)
        r = file_fail(cx, errno, "write", path);
    return r;
}

static int export_file(Export *e, ApiCaller *api) {
    const char *path = str_cz(e->c->cx->arena, e->in->out);
    struct stat st;
    bool special = stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
    return special ? export_into(e, api, path) : export_beside(e, api, path);
}

static int run_export(Cli *c, const void *in_) {
    Export e = { .c = c, .in = in_, .f = c->out };
    ApiCaller *api;
    buf_init(&e.piece, 64u << 20);
    int r = cli_api(c, &api);
    if (r == 0)
        r = e.in->out.n ? export_file(&e, api) : write_pages(&e, api);
    buf_done(&e.piece);
    if (r != 0)
        return cli_fail(c, r);
    if (e.in->out.n && !c->quiet)
        fprintf(c->err, "%s candles written to " STR_FMT "%s\n", term_count(c->cx->arena, e.n_rows).p,
                STR_ARG(e.in->out), cli_simulated(c, e.simulated));
    return 0;
}

const Command cmd_export = {
    .name = "export",
    .group = "Data",
    .summary = "Candles to CSV, JSON or JSON lines",
    .run = run_export,
    .help = "Reads page by page: memory stays small however long the series is. A file appears whole or not at all.",
    .examples =
        "finsight export BTCUSDT 1h --out btc.csv\nfinsight export BTCUSDT 1m --start 2024-01-01 --format jsonl | head",
    .flags = &export_shape,
    .positional = (const char *const[]){ "symbol", "timeframe", NULL },
};

/* --- remove, verify --- */

typedef struct RemoveIn {
    Str symbol, timeframe, exchange, provider;
    Time start, end;
    bool yes;
} RemoveIn;

/* clang-format off */
static const Field remove_f[] = {
    FIELD(RemoveIn, symbol, .flags = F_REQUIRED, .pattern = "symbol", .doc = "Symbol."),
    FIELD(RemoveIn, timeframe, .flags = F_REQUIRED, .pattern = "timeframe", .doc = "Length of a candle."),
    FIELD(RemoveIn, exchange, .pattern = "venue", .doc = "Venue. Left out: the only one it is stored of."),
    FIELD(RemoveIn, provider, .pattern = "venue", .doc = "Who supplied the data."),
    FIELD(RemoveIn, start, .doc = "First open time to remove."),
    FIELD(RemoveIn, end, .doc = "Open time to stop before."),
    FIELD(RemoveIn, yes, .doc = "Do it. Without this the command only says what it would remove."),
};
static SHAPE(remove_shape, RemoveIn, remove_f);
/* clang-format on */

static int run_remove(Cli *c, const void *in_) {
    const RemoveIn *in = in_;
    ApiCaller *api;
    SeriesQuery q = { .exchange = in->exchange,
                      .symbol = in->symbol,
                      .timeframe = in->timeframe,
                      .provider = in->provider,
                      .start = in->start,
                      .end = in->end };
    int r = cli_api(c, &api);
    if (r == 0 && !in->yes) {
        OHLCVStats s = { 0 };
        r = api_call(api, c->cx, &op_market_statistics, &q, &s);
        if (r == 0)
            r = err_set(c->cx, ERR_USAGE, "this would remove " STR_FMT " candles of " STR_FMT "; add --yes to do it",
                        STR_ARG(term_count(c->cx->arena, s.count)),
                        STR_ARG(cli_series_name(c->cx->arena, s.exchange, s.symbol, s.timeframe, s.provider)));
    }
    RemoveResponse got = { 0 };
    if (r == 0)
        r = api_call(api, c->cx, &op_market_remove, &q, &got);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &remove_response_shape, &got);
    fprintf(c->out, STR_FMT " candles removed\n", STR_ARG(term_count(c->cx->arena, got.removed)));
    return 0;
}

const Command cmd_remove = {
    .name = "remove",
    .group = "Data",
    .summary = "Remove candles, or a whole series",
    .run = run_remove,
    .examples = "finsight remove BTCUSDT 1h --yes\nfinsight remove BTCUSDT 1h --end 2020-01-01 --yes",
    .flags = &remove_shape,
    .positional = (const char *const[]){ "symbol", "timeframe", NULL },
};

static int run_verify(Cli *c, const void *in) {
    ApiCaller *api;
    VerifyResponse got = { 0 };
    int r = cli_api(c, &api);
    if (r == 0)
        r = api_call(api, c->cx, &op_market_verify, in, &got);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &verify_response_shape, &got);
    fprintf(c->out, "%sall sums right%s: " STR_FMT " candles in " STR_FMT " series\n", term_tone(c, TONE_GOOD),
            term_end(c), STR_ARG(term_count(c->cx->arena, got.candles)), STR_ARG(term_count(c->cx->arena, got.series)));
    return 0;
}

const Command cmd_verify = {
    .name = "verify",
    .group = "Data",
    .summary = "Read every stored block and check its sum",
    .run = run_verify,
    .examples = "finsight verify",
};
