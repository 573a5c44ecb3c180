/* app/simulate.c - `finsight exchange-sim`: a Binance-speaking exchange on loopback, from a generator or from files. */

#include "app/app.h"

#include "base/file.h"
#include "core/candle_csv.h"
#include "sim/exchange_server.h"

#include <errno.h>

typedef struct SimIn {
    int64_t port, seed, weight_limit;
    List symbols, faults, data;
    Time listed;
} SimIn;

/* clang-format off */
static const Field sim_f[] = {
    FIELD(SimIn, port, .def = "9090", .has_min = true, .max = 65535, .doc = "Port on 127.0.0.1; 0 takes a free one."),
    FIELD(SimIn, seed, .def = "1", .has_min = true, .max = 9e18, .doc = "The same seed gives the same candles on every machine."),
    FIELD(SimIn, symbols, .flags = F_REPEAT, .max = 64, .doc = "Symbols to make candles of. Left out: the well-known ones.", .example = "BTCUSDT,ETHUSDT"),
    FIELD(SimIn, data, .flags = F_REPEAT, .max = 64, .doc = "Recorded candles instead: SYMBOL:TIMEFRAME:FILE.csv.", .example = "BTCUSDT:1h:btc.csv"),
    { .name = "fault", .offset = offsetof(SimIn, faults), .type = FT_LIST, .flags = F_REPEAT, .max = 64, .doc = "A fault to show, e.g. 429:every=10 or truncated:prob=0.05. Names: see the examples.", .example = "429:every=10" },
    { .name = "weight-limit", .offset = offsetof(SimIn, weight_limit), .type = FT_I64, .def = "6000", .min = 1, .max = 1e9, .doc = "Request weight a minute and client." },
    FIELD(SimIn, listed, .doc = "Listing date of every symbol. Left out: each its own."),
};
static SHAPE(sim_shape, SimIn, sim_f);
/* clang-format on */

typedef struct Recorded {
    SimRecorded *v;
    size_t n;
} Recorded;

static int load_recorded(Ctx *cx, Str spec, SimRecorded *out) {
    enum { FILE_MAX = 1 << 30 };
    Str rest = spec, symbol, tf;
    Timeframe timeframe;
    if (!str_next(&rest, ':', &symbol) || !str_next(&rest, ':', &tf) || !rest.n ||
        !symbol_parse(symbol, &out->symbol) || !timeframe_parse(tf, &timeframe))
        return err_set_at(cx, ERR_INVALID, S("data"), "'" STR_FMT "' is not SYMBOL:TIMEFRAME:FILE", STR_ARG(spec));
    Str text;
    const char *path = str_cz(cx->arena, rest);
    int r = file_read(cx, path, FILE_MAX, &text);
    CandleCsv *csv = NULL;
    Candles *rows = arena_new(cx->arena, Candles);
    candles_init_heap(rows, 4096); /* lives as long as the process */
    if (r == 0)
        r = candle_csv_open(cx, &(CandleCsvOptions){ .timeframe = timeframe }, &csv);
    if (r == 0)
        r = candle_csv_feed(csv, cx, text, rows);
    if (r == 0)
        r = candle_csv_finish(csv, cx, rows);
    candle_csv_close(csv);
    if (r != 0) {
        candles_done_heap(rows);
        return r == ERR_INVALID ? err_prefix(cx, "%s", path) : r;
    }
    candles_sort_unique(rows, cx->arena);
    out->timeframe = timeframe;
    out->candles = rows;
    return 0;
}

static int load_all(Ctx *cx, const List *data, Recorded *out) {
    const Str *specs = data->v;
    out->v = arena_new_n(cx->arena, SimRecorded, data->n);
    for (out->n = 0; out->n < data->n; out->n++) {
        int r = load_recorded(cx, specs[out->n], &out->v[out->n]);
        if (r != 0)
            return r;
    }
    return 0;
}

static int parse_symbols(Ctx *cx, const List *names, Symbol **out) {
    const Str *v = names->v;
    *out = arena_new_n(cx->arena, Symbol, names->n);
    for (size_t i = 0; i < names->n; i++)
        if (!symbol_parse(v[i], &(*out)[i]))
            return err_set_at(cx, ERR_INVALID, S("symbols"), "'" STR_FMT "' is not a symbol", STR_ARG(v[i]));
    return 0;
}

/* Lists split at commas, and so do the options of a rule: "429:every=3,count=2" arrives as two words. A word that is
 * an option belongs to the rule before it. */
static size_t join_faults(Ctx *cx, const List *words, Str **out) {
    const Str *v = words->v;
    Str *rules = arena_new_n(cx->arena, Str, words->n);
    size_t n = 0;
    for (size_t i = 0; i < words->n; i++) {
        bool option = n && str_find_char(v[i], '=') > 0 && str_find_char(v[i], ':') < 0;
        if (option)
            rules[n - 1] = str_fmt(cx->arena, STR_FMT "," STR_FMT, STR_ARG(rules[n - 1]), STR_ARG(v[i]));
        else
            rules[n++] = v[i];
    }
    *out = rules;
    return n;
}

static int run_sim(Cli *c, const void *in_) {
    const SimIn *in = in_;
    Ctx *cx = c->cx;
    Recorded recorded = { 0 };
    Symbol *symbols = NULL;
    ExchangeServer *server;
    int r = load_all(cx, &in->data, &recorded);
    if (r == 0)
        r = parse_symbols(cx, &in->symbols, &symbols);
    Str *faults;
    size_t n_faults = join_faults(cx, &in->faults, &faults);
    ExchangeServerOptions o = {
        .sim = { .seed = (uint64_t)in->seed,
                 .symbols = in->symbols.n ? symbols : NULL,
                 .n_symbols = in->symbols.n,
                 .recorded = recorded.v,
                 .n_recorded = recorded.n,
                 .listed = in->listed,
                 .weight_limit = in->weight_limit },
        .port = (int)in->port,
        .clock = ((App *)c)->clock,
        .faults = faults,
        .n_faults = n_faults,
    };
    if (r == 0)
        r = exchange_server_start(cx, &o, &server);
    for (size_t i = 0; r != 0 && i < recorded.n; i++)
        candles_done_heap((Candles *)(uintptr_t)recorded.v[i].candles);
    if (r != 0)
        return cli_fail(c, r);

    int port = exchange_server_port(server);
    if (c->json)
        fprintf(c->out, "{\"url\":\"http://127.0.0.1:%d\",\"simulated\":true}\n", port);
    else
        fprintf(c->out,
                "exchange simulator on http://127.0.0.1:%d   SIMULATED data, seed %lld\n"
                "try: curl 'http://127.0.0.1:%d/api/v3/klines?symbol=BTCUSDT&interval=1h&limit=3'\n"
                "     finsight collect BTCUSDT 1h --binance-url http://127.0.0.1:%d --binance-simulated "
                "--binance-private\n",
                port, (long long)in->seed, port, port);
    fflush(c->out);
    app_on_interrupt((App *)c);
    while (ctx_check(cx) == 0)
        clock_sleep_ms(cx->clock, 100);
    ExchangeSimStats stats;
    exchange_server_stats(server, &stats);
    exchange_server_stop(server);
    for (size_t i = 0; i < recorded.n; i++)
        candles_done_heap((Candles *)(uintptr_t)recorded.v[i].candles);
    if (!c->quiet && !c->json)
        fprintf(c->err, "%lld requests, %lld candles served, %lld faults shown\n", (long long)stats.requests,
                (long long)stats.rows, (long long)stats.faults);
    return 0;
}

const Command cmd_exchange_sim = {
    .name = "exchange-sim",
    .group = "Platform",
    .summary = "An exchange that speaks Binance's REST, for tests and demos",
    .run = run_sim,
    .help = "Candles come from a seeded generator, or from your files. Every answer says that it is simulated. "
            "Faults: short-page empty-page duplicate-row micros misaligned unsorted 429 418 403 500 503 not-json "
            "truncated chunked trickle reset stall; each with :every=N,prob=P,count=K,after=N,symbol=S,n=N.",
    .examples = "finsight exchange-sim --seed 7\n"
                "finsight exchange-sim --port 0 --fault 429:every=20 --fault truncated:prob=0.01\n"
                "finsight exchange-sim --data BTCUSDT:1h:btc.csv",
    .flags = &sim_shape,
};
