/* The exchange simulator as a process of its own, for tests that come from outside.
 *
 *     sim_server [--seed N] [--now MS] [--limit WEIGHT] [--symbol S]... [--fault RULE]... [--file SYMBOL=CSV]...
 * prints {"port":N} and serves on loopback until its standard input ends, so that it never outlives its test.
 * With --now the venue's clock stands still there.
 *
 *     sim_server [--seed N] --dump SYMBOL TIMEFRAME FROM_MS COUNT
 * prints [[open time, open, high, low, close, volume], ...] straight from the generator, with no venue in between. */

#include "adapters/clock/system.h"
#include "base/json.h"
#include "sim/exchange_server.h"
#include "sim/recorded.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LIST_MAX = 32 };

typedef struct Arguments {
    ExchangeServerOptions server;
    Symbol symbols[LIST_MAX];
    Str faults[LIST_MAX];
    Str files[LIST_MAX];
    size_t n_files;
    Recorded *loaded[LIST_MAX];
    SimRecorded recorded[LIST_MAX];
    int64_t now_ms;
    char **dump; /* SYMBOL TIMEFRAME FROM COUNT */
} Arguments;

static void usage(const char *what) {
    fprintf(stderr, "sim_server: bad or missing value of %s\n", what);
    exit(2);
}

static int64_t number(const char *name, const char *text) {
    int64_t v;
    if (!str_to_i64(str_c(text), &v))
        usage(name);
    return v;
}

static void read_arguments(Arguments *a, char **argv) {
    ExchangeSimOptions *sim = &a->server.sim;
    sim->symbols = a->symbols;
    a->server.faults = a->faults;
    for (char **arg = argv + 1; *arg; arg++) {
        const char *name = *arg, *value = arg[1];
        if (str_eq(str_c(name), S("--dump"))) {
            for (int i = 1; i <= 4; i++)
                if (!arg[i])
                    usage(name);
            a->dump = arg + 1;
            return;
        }
        if (!value)
            usage(name);
        arg++;
        if (str_eq(str_c(name), S("--seed")))
            sim->seed = (uint64_t)number(name, value);
        else if (str_eq(str_c(name), S("--now")))
            a->now_ms = number(name, value);
        else if (str_eq(str_c(name), S("--limit")))
            sim->weight_limit = number(name, value);
        else if (str_eq(str_c(name), S("--symbol")) && sim->n_symbols < LIST_MAX &&
                 symbol_parse(str_c(value), &a->symbols[sim->n_symbols]))
            sim->n_symbols++;
        else if (str_eq(str_c(name), S("--fault")) && a->server.n_faults < LIST_MAX)
            a->faults[a->server.n_faults++] = str_c(value);
        else if (str_eq(str_c(name), S("--file")) && a->n_files < LIST_MAX)
            a->files[a->n_files++] = str_c(value);
        else
            usage(name);
    }
}

static void load_files(Arguments *a, Ctx *cx) {
    CandleCsvOptions csv = { 0 };
    for (size_t i = 0; i < a->n_files; i++) {
        if (recorded_load(cx, a->files[i], &csv, &a->loaded[i]) != 0) {
            fprintf(stderr, "sim_server: %s\n", cx->err.text);
            exit(1);
        }
        a->recorded[i] = a->loaded[i]->rec;
    }
    a->server.sim.recorded = a->recorded;
    a->server.sim.n_recorded = a->n_files;
}

static void fill(const Arguments *a, Candles *cs) {
    Symbol symbol;
    GenSymbol s;
    Timeframe tf;
    Time from = time_ms(number("--dump FROM_MS", a->dump[2]));
    size_t count = (size_t)number("--dump COUNT", a->dump[3]);
    candles_init_heap(cs, count);
    if (!symbol_parse(str_c(a->dump[0]), &symbol) || !gen_symbol_from_name(symbol, &s))
        usage("--dump SYMBOL");
    if (!timeframe_parse(str_c(a->dump[1]), &tf))
        usage("--dump TIMEFRAME");
    CandleGen *g = candle_gen_new(a->server.sim.seed);
    candle_gen_fill(g, &s, tf, from, TIME_ISO_MAX, cs);
    candle_gen_free(g);
}

static int dump(const Arguments *a) {
    Candles cs;
    Buf b;
    JsonWriter w;
    fill(a, &cs);
    buf_init(&b, 64 << 20);
    json_writer_init(&w, &b, false);
    json_array(&w);
    for (size_t i = 0; i < cs.n; i++) {
        json_array(&w);
        json_i64(&w, cs.open_ms[i]);
        json_f64(&w, cs.open[i]);
        json_f64(&w, cs.high[i]);
        json_f64(&w, cs.low[i]);
        json_f64(&w, cs.close[i]);
        json_f64(&w, cs.volume[i]);
        json_array_end(&w);
    }
    json_array_end(&w);
    bool ok = buf_ok(&b) && fwrite(b.p, 1, b.n, stdout) == b.n && putchar('\n') != EOF;
    buf_done(&b);
    candles_done_heap(&cs);
    return ok ? 0 : 1;
}

static int serve(Arguments *a, Ctx *cx, Clock *system) {
    ClockManual standing;
    clock_manual_init(&standing, time_ms(a->now_ms));
    a->server.clock = a->now_ms ? &standing.clock : system;
    a->server.loop_clock = system;
    ExchangeServer *server = NULL;
    if (exchange_server_start(cx, &a->server, &server) != 0) {
        fprintf(stderr, "sim_server: %s\n", cx->err.text);
        return 1;
    }
    printf("{\"port\":%d}\n", exchange_server_port(server));
    fflush(stdout);
    char ignored[64];
    while (read(STDIN_FILENO, ignored, sizeof ignored) > 0)
        ;
    exchange_server_stop(server);
    return 0;
}

int main(int argc, char **argv) {
    UNUSED(argc);
    Arguments a = { 0 };
    Clock system;
    Arena arena = { 0 };
    Ctx cx;
    read_arguments(&a, argv);
    clock_system_init(&system);
    ctx_init(&cx, &arena, &system);
    load_files(&a, &cx);
    int r = a.dump ? dump(&a) : serve(&a, &cx, &system);
    for (size_t i = 0; i < a.n_files; i++)
        recorded_free(a.loaded[i]);
    arena_done(&arena);
    return r;
}
