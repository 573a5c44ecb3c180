/* app/simulate.c - `finsight exchange-sim`: an exchange of many tongues on loopback, from a generator or from files. */

#include "app/app.h"

#include "sim/exchange_server.h"
#include "sim/recorded.h"

typedef struct SimIn {
    int64_t seed, weight_limit;
    List symbols, faults, data, outages, lulls, skewed;
    Time listed;
} SimIn;

/* clang-format off */
static const Field sim_f[] = {
    FIELD(SimIn, seed, .def = "1", .has_min = true, .max = 9e18, .doc = "The same seed gives the same candles on every machine."),
    FIELD(SimIn, symbols, .flags = F_REPEAT, .max = 64, .doc = "Symbols to make candles of. Left out: the well-known ones.", .example = "BTCUSDT,ETHUSDT"),
    FIELD(SimIn, data, .flags = F_REPEAT, .max = 64, .doc = "Recorded candles instead: SYMBOL=FILE.csv.", .example = "BTCUSDT=btc.csv"),
    { .name = "outage", .offset = offsetof(SimIn, outages), .type = FT_LIST, .flags = F_REPEAT, .max = 64, .doc = "A window without candles of any symbol.", .example = "2024-03-01T06:00..2024-03-01T08:00" },
    { .name = "lull", .offset = offsetof(SimIn, lulls), .type = FT_LIST, .flags = F_REPEAT, .max = 64, .doc = "A window in which nobody trades: FROM..TO, @SYMBOL behind it for one symbol." },
    { .name = "skewed", .offset = offsetof(SimIn, skewed), .type = FT_LIST, .flags = F_REPEAT, .max = 64, .doc = "A window of open times off the grid: FROM..TO+18123ms." },
    { .name = "fault", .offset = offsetof(SimIn, faults), .type = FT_LIST, .flags = F_REPEAT, .max = 64, .doc = "A fault to show, e.g. 429:every=10 or truncated:prob=0.05. Names: see the examples.", .example = "429:every=10" },
    { .name = "weight-limit", .offset = offsetof(SimIn, weight_limit), .type = FT_I64, .def = "6000", .min = 1, .max = 1e9, .doc = "Request weight a minute and client." },
    FIELD(SimIn, listed, .doc = "Listing date of every symbol. Left out: each its own."),
};
static SHAPE(sim_shape, SimIn, sim_f);
/* clang-format on */

enum { SIM_PORT = 9090, DATA_MAX = 64, WINDOWS_MAX = 64 };

typedef struct Windows {
    SimWindow v[WINDOWS_MAX];
    size_t n;
} Windows;

typedef struct Market { /* what the options say the venue has */
    Symbol *symbols;
    Recorded *files[DATA_MAX];
    SimRecorded tables[DATA_MAX];
    size_t n_files;
    Windows outages, quiet, skewed;
} Market;

static int load_files(Ctx *cx, const List *data, Market *m) {
    const Str *specs = data->v;
    for (size_t i = 0; i < data->n && i < DATA_MAX; i++) {
        int r = recorded_load(cx, specs[i], &(CandleCsvOptions){ 0 }, &m->files[i]);
        if (r != 0)
            return r;
        m->tables[m->n_files++] = m->files[i]->rec;
    }
    return 0;
}

static void free_files(Market *m) {
    for (size_t i = 0; i < m->n_files; i++)
        recorded_free(m->files[i]);
}

static int parse_windows(Ctx *cx, Str flag, const List *texts, Windows *out) {
    const Str *v = texts->v;
    for (size_t i = 0; i < texts->n && i < WINDOWS_MAX; i++)
        if (!sim_window_parse(v[i], &out->v[out->n++]))
            return err_set_at(cx, ERR_INVALID, flag,
                              "'" STR_FMT "' is not FROM..TO, e.g. 2024-03-01T06:00..2024-03-01T08:00", STR_ARG(v[i]));
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

/* A word that is an option belongs to the rule before it. */
size_t sim_join_faults(Ctx *cx, const List *words, Str **out) {
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

static int read_market(Ctx *cx, const SimIn *in, Market *m) {
    int r = parse_symbols(cx, &in->symbols, &m->symbols);
    if (r == 0)
        r = parse_windows(cx, S("outage"), &in->outages, &m->outages);
    if (r == 0)
        r = parse_windows(cx, S("lull"), &in->lulls, &m->quiet);
    if (r == 0)
        r = parse_windows(cx, S("skewed"), &in->skewed, &m->skewed);
    return r == 0 ? load_files(cx, &in->data, m) : r;
}

/* --port is the program's own option: here it counts when it was given as a flag, not when it configures a server. */
static int sim_port(const App *app) {
    bool given = cfg_value(&app->cfg_table, S("server.port"))->rank == CFG_FLAG;
    return given && app->cfg.server_port >= 0 ? (int)app->cfg.server_port : SIM_PORT;
}

static int start_server(Cli *c, const SimIn *in, const Market *m, ExchangeServer **out) {
    Str *faults;
    size_t n_faults = sim_join_faults(c->cx, &in->faults, &faults);
    ExchangeServerOptions o = {
        .sim = { .seed = (uint64_t)in->seed,
                 .symbols = in->symbols.n ? m->symbols : NULL,
                 .n_symbols = in->symbols.n,
                 .recorded = m->tables,
                 .n_recorded = m->n_files,
                 .listed = in->listed,
                 .outages = m->outages.v,
                 .n_outages = m->outages.n,
                 .quiet = m->quiet.v,
                 .n_quiet = m->quiet.n,
                 .skewed = m->skewed.v,
                 .n_skewed = m->skewed.n,
                 .weight_limit = in->weight_limit },
        .port = sim_port((App *)c),
        .clock = ((App *)c)->clock,
        .faults = faults,
        .n_faults = n_faults,
    };
    return exchange_server_start(c->cx, &o, out);
}

static void say_where(Cli *c, int port, const SimIn *in) {
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
}

static int run_sim(Cli *c, const void *in) {
    Market *m = arena_new(c->cx->arena, Market);
    ExchangeServer *server;
    int r = read_market(c->cx, in, m);
    if (r == 0)
        r = start_server(c, in, m, &server);
    if (r != 0) {
        free_files(m);
        return cli_fail(c, r);
    }
    say_where(c, exchange_server_port(server), in);
    while (ctx_check(c->cx) == 0)
        clock_sleep_ms(c->cx->clock, 100);

    ExchangeSimStats stats;
    exchange_server_stats(server, &stats);
    exchange_server_stop(server);
    free_files(m);
    if (!c->quiet && !c->json)
        fprintf(c->err, "%lld requests, %lld candles served, %lld faults shown\n", (long long)stats.requests,
                (long long)stats.rows, (long long)stats.faults);
    return 0;
}

const Command cmd_exchange_sim = {
    .name = "exchange-sim",
    .group = "Platform",
    .summary = "Venues to test against: Binance, Coinbase, Kraken, Bybit, VCI",
    .run = run_sim,
    .help = "Listens on 127.0.0.1:9090; --port N takes another, 0 a free one. Candles come from a seeded generator, or "
            "from your files. Every answer says that it is simulated. One address speaks Binance's REST and streams, "
            "Coinbase's, Kraken's and Bybit's REST and Vietcap's charts. "
            "Faults: short-page empty-page duplicate-row micros misaligned unsorted 429 418 403 500 503 not-json "
            "truncated chunked trickle reset stall, busy (Kraken, Bybit), text-times wrapped (VCI), ws-close ws-day "
            "ws-twice ws-gap ws-shutdown ws-ping (streams); each with :every=N,prob=P,count=K,after=N,symbol=S,n=N.",
    .examples = "finsight exchange-sim --seed 7\n"
                "finsight exchange-sim --port 0 --fault 429:every=20,truncated:prob=0.01\n"
                "finsight exchange-sim --data BTCUSDT=btc.csv --lull 2024-03-01..2024-03-02",
    .flags = &sim_shape,
};
