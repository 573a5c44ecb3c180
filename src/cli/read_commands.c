/* cli/read_commands.c - query, stats, gaps, quality, list, symbols, exchanges, storage: ask and show. */

#include "cli/internal.h"

/* --- query --- */

static void print_candles(Cli *c, const CandlePage *page) {
    static const char *const heads[] = { "open time (UTC)", ">open", ">high", ">low", ">close", ">volume", "", NULL };
    Arena *a = c->cx->arena;
    Table t;
    table_init(&t, a, heads);
    for (size_t i = 0; i < page->candles.n; i++) {
        Candle k = candles_get(&page->candles, i);
        Tone tone = k.close > k.open ? TONE_GOOD : k.close < k.open ? TONE_BAD : TONE_PLAIN;
        table_cell(&t, term_minute(a, k.open_time), TONE_PLAIN);
        table_cell(&t, term_price(a, k.open), TONE_PLAIN);
        table_cell(&t, term_price(a, k.high), TONE_PLAIN);
        table_cell(&t, term_price(a, k.low), TONE_PLAIN);
        table_cell(&t, term_price(a, k.close), tone);
        table_cell(&t, term_price(a, k.volume), TONE_PLAIN);
        table_cell(&t,
                   k.flags & CANDLE_OPEN        ? S("still open")
                   : k.flags & CANDLE_SYNTHETIC ? S("filled")
                                                : S(""),
                   TONE_DIM);
    }
    table_print(&t, c);
}

static int run_query(Cli *c, const void *in_) {
    OHLCVQuery in = *(const OHLCVQuery *)in_;
    CandlePage page = { 0 };
    ApiCaller *api;
    MonoNs before = clock_mono(c->cx->clock);
    int r = cli_api(c, &api);
    MonoNs connected = clock_mono(c->cx->clock);
    if (r == 0)
        r = api_call(api, c->cx, &op_market_candles, &in, &page);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &candle_page_shape, &page);
    if (!c->out_tty) { /* a pipe gets rows another program can read */
        Buf csv;
        buf_init(&csv, (size_t)1 << 30);
        r = op_write_csv(&op_market_candles, &page, &csv);
        fwrite(csv.p, 1, csv.n, c->out);
        buf_done(&csv);
        return r == 0 ? 0 : cli_fail(c, r);
    }
    print_candles(c, &page);
    UNUSED(before);
    double ms = (double)(clock_mono(c->cx->clock).ns - connected.ns) * 1e-6;
    Str name = cli_series_name(c->cx->arena, page.exchange, page.symbol, page.timeframe, page.provider);
    fprintf(c->err, "%s" STR_FMT "  " STR_FMT " candles in " STR_FMT "%s%s%s\n", term_tone(c, TONE_DIM), STR_ARG(name),
            STR_ARG(term_count(c->cx->arena, page.count)), STR_ARG(term_ms(c->cx->arena, ms)),
            page.more ? "; there are more: --limit, --start" : "", cli_simulated(c, page.simulated), term_end(c));
    return 0;
}

const Command cmd_query = {
    .name = "query",
    .group = "Data",
    .summary = "Show candles",
    .run = run_query,
    .help = "A terminal gets a table, a pipe gets CSV, --json gets the API's answer.",
    .examples = "finsight query BTCUSDT 1h --order latest --limit 24  # the last day\n"
                "finsight query BTCUSDT 1d --start 2024-01-01 --end 2024-02-01 --json\n"
                "finsight query AAPL 1d > aapl.csv",
    .flags = &ohlcv_query_shape,
    .positional = (const char *const[]){ "symbol", "timeframe", NULL },
};

/* --- stats --- */

static Str closes_sparkline(Cli *c, ApiCaller *api, const SeriesQuery *q) {
    OHLCVQuery in = { .exchange = q->exchange,
                      .symbol = q->symbol,
                      .timeframe = q->timeframe,
                      .provider = q->provider,
                      .start = q->start,
                      .end = q->end,
                      .limit = 20000,
                      .order = S("latest") };
    CandlePage page = { 0 };
    if (api_call(api, c->cx, &op_market_candles, &in, &page) != 0)
        return (Str){ 0 };
    return term_sparkline(c->cx->arena, page.candles.close, page.candles.n, (size_t)MIN(c->columns - 20, 60));
}

static int run_stats(Cli *c, const void *in) {
    OHLCVStats s = { 0 };
    ApiCaller *api;
    int r = cli_api(c, &api);
    if (r == 0)
        r = api_call(api, c->cx, &op_market_statistics, in, &s);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &ohlcv_stats_shape, &s);

    Arena *a = c->cx->arena;
    Str name = cli_series_name(a, s.exchange, s.symbol, s.timeframe, s.provider);
    fprintf(c->out, "%s" STR_FMT "%s%s\n", term_tone(c, TONE_BOLD), STR_ARG(name), term_end(c),
            cli_simulated(c, s.simulated));
    cli_line(c, "candles", STR_FMT " of " STR_FMT " (" STR_FMT ")", STR_ARG(term_count(a, s.count)),
             STR_ARG(term_count(a, s.expected)), STR_ARG(term_percent(a, s.completeness_percent / 100)));
    cli_line(c, "range", STR_FMT " .. " STR_FMT, STR_ARG(term_minute(a, s.first)), STR_ARG(term_minute(a, s.last)));
    cli_line(c, "price", STR_FMT " -> " STR_FMT "  (%+.2f %%)", STR_ARG(term_price(a, s.first_open)),
             STR_ARG(term_price(a, s.last_close)), s.change_percent);
    cli_line(c, "close", "min " STR_FMT "  mean " STR_FMT "  max " STR_FMT "  sd " STR_FMT,
             STR_ARG(term_price(a, s.close.min)), STR_ARG(term_price(a, s.close.mean)),
             STR_ARG(term_price(a, s.close.max)), STR_ARG(term_price(a, s.close.std)));
    cli_line(c, "volume", STR_FMT " in all, " STR_FMT " a candle", STR_ARG(term_price(a, s.volume.sum)),
             STR_ARG(term_price(a, s.volume.mean)));
    cli_line(c, "vwap", STR_FMT, STR_ARG(term_price(a, s.vwap)));
    cli_line(c, "return", "mean %.3g  sd %.3g  worst %.2f %%  best %.2f %%", s.returns.mean, s.returns.std,
             s.returns.min * 100, s.returns.max * 100);
    Str spark = closes_sparkline(c, api, in);
    if (spark.n)
        cli_line(c, "", STR_FMT, STR_ARG(spark));
    return 0;
}

const Command cmd_stats = {
    .name = "stats",
    .group = "Data",
    .summary = "Statistics of a series",
    .run = run_stats,
    .examples = "finsight stats BTCUSDT 1h\nfinsight stats BTCUSDT 1h --start 2024-01-01 --json",
    .flags = &series_query_shape,
    .positional = (const char *const[]){ "symbol", "timeframe", NULL },
};

/* --- gaps and quality --- */

static Tone gap_tone(Str name) {
    return str_eq(name, S("not-fetched")) ? TONE_BAD : str_eq(name, S("unknown")) ? TONE_WARN : TONE_PLAIN;
}

static int run_gaps(Cli *c, const void *in) {
    GapReport g = { 0 };
    ApiCaller *api;
    int r = cli_api(c, &api);
    if (r == 0)
        r = api_call(api, c->cx, &op_market_gaps, in, &g);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &gap_report_shape, &g);

    static const char *const heads[] = { "from (UTC)", "to", ">missing", "class", "evidence", NULL };
    Arena *a = c->cx->arena;
    Table t;
    table_init(&t, a, heads);
    const GapRow *rows = g.items.v;
    for (size_t i = 0; i < g.items.n; i++) {
        table_cell(&t, term_minute(a, rows[i].from), TONE_PLAIN);
        table_cell(&t, term_minute(a, rows[i].to), TONE_PLAIN);
        table_cell(&t, term_count(a, rows[i].missing), TONE_PLAIN);
        table_cell(&t, rows[i].class_name, gap_tone(rows[i].class_name));
        table_cell(&t, rows[i].evidence, TONE_DIM);
    }
    if (g.items.n)
        table_print(&t, c);
    Str name = cli_series_name(a, g.exchange, g.symbol, g.timeframe, g.provider);
    fprintf(c->out, STR_FMT ": " STR_FMT " gap%s, " STR_FMT " candles missing, " STR_FMT " complete%s\n", STR_ARG(name),
            STR_ARG(term_count(a, g.gaps)), g.gaps == 1 ? "" : "s", STR_ARG(term_count(a, g.missing)),
            STR_ARG(term_percent(a, g.completeness_percent / 100)), g.truncated ? "; not all are listed: --limit" : "");
    return 0;
}

const Command cmd_gaps = {
    .name = "gaps",
    .group = "Data",
    .summary = "Holes in a series, and why they are there",
    .run = run_gaps,
    .help = "Counts holes on the plain time grid. A class is given where evidence proves one, else it is unknown.",
    .examples = "finsight gaps BTCUSDT 1h\nfinsight gaps FESX 1m --limit 20",
    .flags = &gaps_query_shape,
    .positional = (const char *const[]){ "symbol", "timeframe", NULL },
};

static int run_quality(Cli *c, const void *in) {
    QualityResponse q = { 0 };
    ApiCaller *api;
    int r = cli_api(c, &api);
    if (r == 0)
        r = api_call(api, c->cx, &op_market_quality, in, &q);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &quality_response_shape, &q);

    static const char *const heads[] = { "check", "from (UTC)", "to", ">candles", "finding", NULL };
    Arena *a = c->cx->arena;
    Table t;
    table_init(&t, a, heads);
    const QualityItem *rows = q.items.v;
    for (size_t i = 0; i < q.items.n; i++) {
        table_cell(&t, rows[i].check, TONE_WARN);
        table_cell(&t, term_minute(a, rows[i].from), TONE_PLAIN);
        table_cell(&t, term_minute(a, rows[i].to), TONE_PLAIN);
        table_cell(&t, term_count(a, rows[i].count), TONE_PLAIN);
        table_cell(&t, rows[i].words, TONE_DIM);
    }
    if (q.items.n)
        table_print(&t, c);
    Str name = cli_series_name(a, q.exchange, q.symbol, q.timeframe, q.provider);
    fprintf(c->out, STR_FMT ": " STR_FMT " findings in " STR_FMT " candles%s\n", STR_ARG(name),
            STR_ARG(term_count(a, q.findings)), STR_ARG(term_count(a, q.candles)),
            q.truncated ? "; not all are listed: --limit" : "");
    return 0;
}

const Command cmd_quality = {
    .name = "quality",
    .group = "Data",
    .summary = "Stale runs, outliers, zero volume and the like",
    .run = run_quality,
    .examples = "finsight quality BTCUSDT 1h",
    .flags = &gaps_query_shape,
    .positional = (const char *const[]){ "symbol", "timeframe", NULL },
};

/* --- what there is --- */

static int run_list(Cli *c, const void *in) {
    SeriesList list = { 0 };
    ApiCaller *api;
    int r = cli_api(c, &api);
    if (r == 0)
        r = api_call(api, c->cx, &op_market_series, in, &list);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &series_list_shape, &list);

    static const char *const heads[] = { "series", ">candles", "first (UTC)", "last", ">bytes", ">B/candle", NULL };
    Arena *a = c->cx->arena;
    Table t;
    table_init(&t, a, heads);
    const SeriesRow *rows = list.series.v;
    for (size_t i = 0; i < list.series.n; i++) {
        table_cell(&t, rows[i].series, TONE_BOLD);
        table_cell(&t, term_count(a, rows[i].candles), TONE_PLAIN);
        table_cell(&t, rows[i].candles ? term_minute(a, rows[i].first) : S("-"), TONE_PLAIN);
        table_cell(&t, rows[i].candles ? term_minute(a, rows[i].last) : S("-"), TONE_PLAIN);
        table_cell(&t, term_bytes(a, rows[i].bytes), TONE_PLAIN);
        double each = rows[i].candles ? (double)rows[i].bytes / (double)rows[i].candles : 0;
        table_cell(&t, str_fmt(a, "%.1f", each), TONE_DIM);
    }
    if (list.series.n)
        table_print(&t, c);
    else
        fprintf(c->err, "nothing is stored yet; try: finsight ensure BTCUSDT 1h --start 2024-01-01\n");
    return 0;
}

const Command cmd_list = {
    .name = "list",
    .group = "Data",
    .summary = "Every stored series",
    .run = run_list,
    .examples = "finsight list\nfinsight list --json",
};

static int run_symbols(Cli *c, const void *in) {
    SymbolList list = { 0 };
    ApiCaller *api;
    int r = cli_api(c, &api);
    if (r == 0)
        r = api_call(api, c->cx, &op_market_symbols, in, &list);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &symbol_list_shape, &list);

    static const char *const heads[] = { "symbol", "instrument", "status", ">tick", ">lot", ">min notional", NULL };
    Table t;
    table_init(&t, c->cx->arena, heads);
    const SymbolRow *rows = list.symbols.v;
    for (size_t i = 0; i < list.symbols.n; i++) {
        table_cell(&t, rows[i].symbol, TONE_BOLD);
        table_cell(&t, rows[i].instrument, TONE_PLAIN);
        table_cell(&t, rows[i].status, str_eq(rows[i].status, S("trading")) ? TONE_GOOD : TONE_WARN);
        table_cell(&t, rows[i].tick_size, TONE_PLAIN);
        table_cell(&t, rows[i].lot_size, TONE_PLAIN);
        table_cell(&t, rows[i].min_notional, TONE_PLAIN);
    }
    table_print(&t, c);
    return 0;
}

const Command cmd_symbols = {
    .name = "symbols",
    .group = "Data",
    .summary = "Symbols of a venue, with their trading rules",
    .run = run_symbols,
    .examples = "finsight symbols binance --refresh",
    .flags = &venue_query_shape,
    .positional = (const char *const[]){ "exchange", NULL },
};

static int run_exchanges(Cli *c, const void *in) {
    ExchangeList list = { 0 };
    ApiCaller *api;
    int r = cli_api(c, &api);
    if (r == 0)
        r = api_call(api, c->cx, &op_market_exchanges, in, &list);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &exchange_list_shape, &list);

    static const char *const heads[] = { "exchange", "collector", ">series", ">requests", ">weight", NULL };
    Arena *a = c->cx->arena;
    Table t;
    table_init(&t, a, heads);
    const ExchangeRow *rows = list.exchanges.v;
    for (size_t i = 0; i < list.exchanges.n; i++) {
        table_cell(&t, rows[i].exchange, TONE_BOLD);
        table_cell(&t,
                   !rows[i].collects   ? S("none")
                   : rows[i].simulated ? S("SIMULATED")
                                       : S("yes"),
                   rows[i].simulated ? TONE_WARN : TONE_PLAIN);
        table_cell(&t, term_count(a, rows[i].series), TONE_PLAIN);
        table_cell(&t, term_count(a, rows[i].requests), TONE_PLAIN);
        table_cell(&t,
                   rows[i].weight_limit
                       ? str_fmt(a, "%lld/%lld", (long long)rows[i].weight_used, (long long)rows[i].weight_limit)
                       : S("-"),
                   TONE_PLAIN);
    }
    table_print(&t, c);
    return 0;
}

const Command cmd_exchanges = {
    .name = "exchanges",
    .group = "Data",
    .summary = "Venues: collectors and what is stored",
    .run = run_exchanges,
    .examples = "finsight exchanges --json",
};

static int run_storage(Cli *c, const void *in) {
    StorageInfo s = { 0 };
    ApiCaller *api;
    int r = cli_api(c, &api);
    if (r == 0)
        r = api_call(api, c->cx, &op_market_storage, in, &s);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &storage_info_shape, &s);
    Arena *a = c->cx->arena;
    cli_line(c, "adapter", STR_FMT ", schema %lld", STR_ARG(s.adapter), (long long)s.schema_version);
    cli_line(c, "where", STR_FMT, STR_ARG(s.location));
    cli_line(c, "holds", STR_FMT " candles in " STR_FMT " series", STR_ARG(term_count(a, s.candles)),
             STR_ARG(term_count(a, s.series)));
    cli_line(c, "size", STR_FMT ", %.1f bytes a candle", STR_ARG(term_bytes(a, s.bytes)), s.bytes_per_candle);
    return 0;
}

const Command cmd_storage = {
    .name = "storage",
    .group = "Data",
    .summary = "The store: where, how much",
    .run = run_storage,
    .examples = "finsight storage --json",
};
