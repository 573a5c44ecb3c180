/* bench/bench_store.c - the candle store against plain SQLite rows, in the same run, on the same candles.
 *
 *     bench_store [rows in millions [directory for the stores [test data [source]]]]
 * Without arguments: 5, /tmp, ../shared, the present directory (its .cache/duckdb).
 * Both sides are read back and compared with what was made before a figure is printed. Each figure has CPU time of
 * the process beside wall time, because cores are shared; JSON lines first, then a table, with the physical limits
 * measured here: memory bandwidth for reads, the time of an fsync for acknowledged writes. Data sets of ../shared
 * are used when they are there. DuckDB is an optional rival, on one thread like the others. */

#include "adapters/store/block.h"
#include "adapters/store/sqlite.h"
#include "base/file.h"
#include "base/num.h"
#include "base/rng.h"

#include "bench.h"
#include "duck.h"

#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <sqlite3.h>
#include <unistd.h>

enum { N_SERIES = 10, SAVE_ROWS = 100000, LIVE_SERIES = 1000, LIVE_ROUNDS = 12, LIVE_RUNS = 3, LINES = 32 };

typedef struct Line {
    char what[48], who[16];
    double per_s, cpu_per_s;
} Line;

typedef struct Bench {
    Arena arena;
    Clock clock;
    Ctx cx;
    char dir[256], path[300], rival_path[300];
    CandleStore *store;
    sqlite3 *rival;
    Duck *duck;  /* NULL: not installed */
    size_t rows; /* of each series */
    Line lines[LINES];
    int n_lines;
    double wall, cpu;
} Bench;

static Time wall_now(Clock *c) {
    UNUSED(c);
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return time_ms(t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000);
}

static MonoNs mono_now(Clock *c) {
    UNUSED(c);
    return (MonoNs){ (int64_t)(bench_now_s() * 1e9) };
}

static double cpu_now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static NORETURN void die(Bench *b, const char *what) {
    fprintf(stderr, "bench_store: %s: %s %s\n", what, b->cx.err.text, b->rival ? sqlite3_errmsg(b->rival) : "");
    exit(1);
}

static void start(Bench *b) {
    b->cpu = cpu_now_s();
    b->wall = bench_now_s();
}

static void stop(Bench *b, const char *what, const char *who, double items) {
    double wall = bench_now_s() - b->wall, cpu = cpu_now_s() - b->cpu;
    printf("{\"bench\":\"store_%s\",\"store\":\"%s\",\"items\":%.0f,\"wall_s\":%.6f,\"cpu_s\":%.6f,\"per_s\":%.0f,"
           "\"per_cpu_s\":%.0f}\n",
           what, who, items, wall, cpu, items / wall, items / cpu);
    assert(b->n_lines < LINES);
    Line *l = &b->lines[b->n_lines++];
    snprintf(l->what, sizeof l->what, "%s", what);
    snprintf(l->who, sizeof l->who, "%s", who);
    l->per_s = items / wall;
    l->cpu_per_s = items / cpu;
}

static SeriesKey series_of(int i) {
    SeriesKey key = { .venue = { "bench" }, .timeframe = { UNIT_MINUTE, 1 } };
    snprintf(key.symbol.s, sizeof key.symbol.s, "S%d", i);
    return key;
}

/* A walk in hundredths with wicks and volumes of five decimals. Rows [from, from + n) of the series, always the
 * same ones; prices depend on the seed of their stretch only. */
static void make_rows(int series, size_t from, size_t n, Candles *out) {
    Rng rng;
    double price = 40000 + 100.0 * series;
    rng_seed(&rng, (uint64_t)series * 1000003 + from);
    out->n = 0;
    for (size_t i = 0; i < n; i++) {
        double next = price + round(rng_normal(&rng) * 900) / 100;
        Candle c = { .open_time = time_ms(INT64_C(1500000000000) + (int64_t)(from + i) * 60000),
                     .open = round(price * 100) / 100,
                     .close = round(next * 100) / 100,
                     .volume = round(rng_f64(&rng) * 1e7) / 1e5,
                     .known_at = time_ms(1700000000000) };
        c.high = round((MAX(c.open, c.close) + fabs(rng_normal(&rng)) * 5) * 100) / 100;
        c.low = round((MIN(c.open, c.close) - fabs(rng_normal(&rng)) * 5) * 100) / 100;
        price = next;
        candles_push(out, &c);
    }
}

/* --- ours --- */

static void save(Bench *b, const SeriesKey *key, const Candles *rows, unsigned flags) {
    SaveRequest req = { .key = key, .rows = rows, .flags = flags };
    SaveResult r;
    ArenaMark mark = arena_mark(&b->arena);
    if (candle_store_save(b->store, &b->cx, &req, &r))
        die(b, "save");
    arena_rewind(&b->arena, mark);
}

static Candles read_rows(Bench *b, const SeriesKey *key, Time from, size_t limit) {
    Candles out = { 0 };
    bool more;
    CandleQuery q = { .from = from, .to = TIME_MAX, .limit = limit };
    if (candle_store_read(b->store, &b->cx, key, &q, &out, &more))
        die(b, "read");
    return out;
}

static void ingest(Bench *b, const Candles *chunks, size_t n_chunks) {
    start(b);
    for (int s = 0; s < N_SERIES; s++)
        for (size_t k = 0; k < n_chunks; k++) {
            SeriesKey key = series_of(s);
            save(b, &key, &chunks[(size_t)s * n_chunks + k], 0);
        }
    stop(b, "ingest", "finsight", (double)b->rows * N_SERIES);
}

/* --- plain rows --- */

static void rival_sql(Bench *b, const char *sql) {
    if (sqlite3_exec(b->rival, sql, NULL, NULL, NULL) != SQLITE_OK)
        die(b, sql);
}

static sqlite3_stmt *rival_prepare(Bench *b, const char *sql) {
    sqlite3_stmt *st;
    if (sqlite3_prepare_v2(b->rival, sql, -1, &st, NULL) != SQLITE_OK)
        die(b, sql);
    return st;
}

static void rival_open(Bench *b) {
    if (sqlite3_open(b->rival_path, &b->rival) != SQLITE_OK)
        die(b, "open the rival");
    rival_sql(b,
              "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16384;"
              "CREATE TABLE candle(series INTEGER, t INTEGER, open REAL, high REAL, low REAL, close REAL, volume REAL,"
              "known INTEGER, flags INTEGER, PRIMARY KEY(series, t)) WITHOUT ROWID");
}

static void rival_put(Bench *b, sqlite3_stmt *st, int series, const Candles *rows, size_t i) {
    sqlite3_bind_int(st, 1, series);
    sqlite3_bind_int64(st, 2, rows->open_ms[i]);
    sqlite3_bind_double(st, 3, rows->open[i]);
    sqlite3_bind_double(st, 4, rows->high[i]);
    sqlite3_bind_double(st, 5, rows->low[i]);
    sqlite3_bind_double(st, 6, rows->close[i]);
    sqlite3_bind_double(st, 7, rows->volume[i]);
    sqlite3_bind_int64(st, 8, rows->known_ms[i]);
    sqlite3_bind_int(st, 9, rows->flags[i]);
    if (sqlite3_step(st) != SQLITE_DONE)
        die(b, "insert a row");
    sqlite3_reset(st);
}

static const char PUT[] = "INSERT OR REPLACE INTO candle VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

static void rival_ingest(Bench *b, const Candles *chunks, size_t n_chunks) {
    sqlite3_stmt *st = rival_prepare(b, PUT);
    start(b);
    for (int s = 0; s < N_SERIES; s++)
        for (size_t k = 0; k < n_chunks; k++) {
            const Candles *rows = &chunks[(size_t)s * n_chunks + k];
            rival_sql(b, "BEGIN");
            for (size_t i = 0; i < rows->n; i++)
                rival_put(b, st, s, rows, i);
            rival_sql(b, "COMMIT");
        }
    stop(b, "ingest", "sqlite rows", (double)b->rows * N_SERIES);
    sqlite3_finalize(st);
}

static Candles rival_read(Bench *b, int series, Time from, size_t limit) {
    sqlite3_stmt *st =
        rival_prepare(b, "SELECT t, open, high, low, close, volume, known, flags FROM candle WHERE series=?1 "
                         "AND t>=?2 ORDER BY t LIMIT ?3");
    Candles out;
    candles_init(&out, &b->arena, limit);
    sqlite3_bind_int(st, 1, series);
    sqlite3_bind_int64(st, 2, from.ms);
    sqlite3_bind_int64(st, 3, (int64_t)limit);
    while (sqlite3_step(st) == SQLITE_ROW) {
        Candle c = { time_ms(sqlite3_column_int64(st, 0)), sqlite3_column_double(st, 1),
                     sqlite3_column_double(st, 2),         sqlite3_column_double(st, 3),
                     sqlite3_column_double(st, 4),         sqlite3_column_double(st, 5),
                     time_ms(sqlite3_column_int64(st, 6)), (uint8_t)sqlite3_column_int(st, 7) };
        candles_push(&out, &c);
    }
    sqlite3_finalize(st);
    return out;
}

/* --- DuckDB --- */

static void duck_ingest(Bench *b, const Candles *chunks, size_t n_chunks) {
    start(b);
    for (int s = 0; s < N_SERIES; s++)
        for (size_t k = 0; k < n_chunks; k++)
            if (!duck_append(b->duck, s, &chunks[(size_t)s * n_chunks + k]))
                die(b, "DuckDB's append");
    stop(b, "ingest", "duckdb", (double)b->rows * N_SERIES);
}

/* --- comparisons --- */

enum { FINSIGHT, ROWS, DUCKDB, N_STORES };
static const char *const NAMES[N_STORES] = { "finsight", "sqlite rows", "duckdb" };

static Candles read_of(Bench *b, int store, int series, Time from, size_t limit) {
    SeriesKey key = series_of(series);
    if (store == FINSIGHT)
        return read_rows(b, &key, from, limit);
    if (store == ROWS)
        return rival_read(b, series, from, limit);
    Candles out;
    candles_init(&out, &b->arena, limit);
    if (!duck_read(b->duck, series, from, limit, &out))
        die(b, "DuckDB's read");
    return out;
}

static void check_equal(Bench *b, const Candles *chunks, size_t n_chunks) {
    for (int store = 0; store < (b->duck ? N_STORES : DUCKDB); store++)
        for (size_t k = 0; k < n_chunks * N_SERIES; k++) {
            ArenaMark mark = arena_mark(&b->arena);
            const Candles *want = &chunks[k];
            Candles got = read_of(b, store, (int)(k / n_chunks), time_ms(want->open_ms[0]), want->n);
            if (got.n != want->n)
                die(b, "a store does not hold the same number of candles");
            for (size_t i = 0; i < want->n; i++) {
                Candle w = candles_get(want, i), g = candles_get(&got, i);
                if (!candle_same_data(&w, &g) || w.known_at.ms != g.known_at.ms || w.flags != g.flags)
                    die(b, "the stores do not hold the same candles");
            }
            arena_rewind(&b->arena, mark);
        }
    printf("{\"bench\":\"store_equal\",\"candles\":%zu,\"stores\":%d,\"equal\":true}\n", b->rows * N_SERIES,
           b->duck ? N_STORES : DUCKDB);
}

static void range_reads(Bench *b) {
    for (int store = 0; store < (b->duck ? N_STORES : DUCKDB); store++) {
        size_t n = 0, limit = MIN(b->rows, (size_t)CANDLE_PAGE_MAX);
        start(b);
        for (int s = 0; s < (store == FINSIGHT ? N_SERIES : 3); s++) {
            arena_reset(&b->arena);
            n += read_of(b, store, s, TIME_MIN, limit).n;
        }
        stop(b, "range_read", NAMES[store], (double)n);
    }
}

static void windows(Bench *b, bool hot) {
    enum { WINDOWS = 1000, WIDTH = 1000 };
    for (int store = 0; store < (b->duck ? N_STORES : DUCKDB); store++) {
        Rng rng;
        int count = store == DUCKDB ? WINDOWS / 10 : WINDOWS;
        rng_seed(&rng, 3);
        start(b);
        for (int i = 0; i < count; i++) {
            int s = hot ? 0 : (int)rng_below(&rng, N_SERIES);
            size_t row = rng_below(&rng, hot ? 5000 : b->rows - WIDTH);
            arena_reset(&b->arena);
            if (read_of(b, store, s, time_ms(INT64_C(1500000000000) + (int64_t)row * 60000), WIDTH).n != WIDTH)
                die(b, "a window is not whole");
        }
        stop(b, hot ? "window_1000_hot" : "window_1000_cold", NAMES[store], count);
    }
}

/* How long an acknowledged write of 4 KiB takes this disk now. */
static double sync_ms(Bench *b) {
    enum { SYNCS = 50 };
    char path[320], page[4096] = { 1 };
    snprintf(path, sizeof path, "%s/sync", b->dir);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    double from = bench_now_s();
    for (int i = 0; i < SYNCS; i++)
        if (fd < 0 || write(fd, page, sizeof page) != (ssize_t)sizeof page || fdatasync(fd) != 0)
            die(b, "fsync");
    close(fd);
    return (bench_now_s() - from) * 1e3 / SYNCS;
}

/* --- live candles --- */

/* As services/market/follow.c saves: what closed together of all series, with coverage, in one commit. */
static void live(Bench *b, int run) {
    SaveRequest *reqs = mem_new_n(SaveRequest, LIVE_SERIES);
    SaveResult *results = mem_new_n(SaveResult, LIVE_SERIES);
    SeriesKey *keys = mem_new_n(SeriesKey, LIVE_SERIES);
    Candles *rows = mem_new_n(Candles, LIVE_SERIES), *one = mem_new_n(Candles, LIVE_SERIES);
    Arena arena = { 0 };
    Ctx cx;
    ctx_init(&cx, &arena, &b->clock);
    for (int s = 0; s < LIVE_SERIES; s++) {
        keys[s] = series_of(10000 * (1 + run) + s);
        candles_init_heap(&rows[s], LIVE_ROUNDS);
        make_rows(s, 0, LIVE_ROUNDS, &rows[s]);
    }
    start(b);
    for (int round = 0; round < LIVE_ROUNDS; round++) {
        for (int s = 0; s < LIVE_SERIES; s++) {
            one[s] = candles_view(&rows[s], (size_t)round, 1);
            Time at = time_ms(one[s].open_ms[0]);
            Coverage cover = { at, timeframe_next(keys[s].timeframe, at), clock_wall(&b->clock), "bench stream" };
            reqs[s] = (SaveRequest){ &keys[s], &one[s], SAVE_DURABLE | SAVE_COVERAGE, cover };
        }
        if (candle_store_save_many(b->store, &cx, reqs, LIVE_SERIES, results) || results[0].inserted != 1)
            die(b, "live save");
        arena_reset(&arena);
    }
    stop(b, "live_acknowledged", "finsight", (double)LIVE_SERIES * LIVE_ROUNDS);
    for (int s = 0; s < LIVE_SERIES; s++)
        candles_done_heap(&rows[s]);
    arena_done(&arena);
    mem_free(reqs);
    mem_free(results);
    mem_free(keys);
    mem_free(rows);
    mem_free(one);
}

static void rival_live(Bench *b) {
    enum { LIVE_ROWS = 300 };
    Candles rows;
    sqlite3_stmt *st = rival_prepare(b, PUT);
    rival_sql(b, "PRAGMA synchronous=FULL");
    candles_init_heap(&rows, 1);
    start(b);
    for (int s = 0; s < LIVE_ROWS; s++) { /* autocommit: a commit and its fsync a row */
        make_rows(s, 0, 1, &rows);
        rival_put(b, st, 10000 + s, &rows, 0);
    }
    stop(b, "live_acknowledged", "sqlite rows", LIVE_ROWS);
    candles_done_heap(&rows);
    sqlite3_finalize(st);
}

/* --- physical limits --- */

static void limits(Bench *b) {
    enum { SIZE = 64 << 20 };
    char *x = mem_alloc(SIZE), *y = mem_alloc(SIZE);
    memset(x, 1, SIZE);
    memset(y, 2, SIZE);
    double from = bench_now_s();
    for (int i = 0; i < 8; i++)
        memcpy(i % 2 ? x : y, i % 2 ? y : x, SIZE);
    double gb_s = 8.0 * SIZE / (bench_now_s() - from) / 1e9;
    printf("{\"bench\":\"store_limits\",\"fdatasync_ms\":%.3f,\"copy_gb_per_s\":%.1f,\"candles_per_s_at_copy_speed\":%."
           "0f}\n",
           sync_ms(b), gb_s, gb_s * 1e9 / 57);
    mem_free(x);
    mem_free(y);
}

/* --- sizes on real data --- */

/* Rows of the plain layout "ts,open,high,low,close,volume"; epoch or ISO times. */
static bool load_csv(Bench *b, const char *path, Candles *out) {
    Str text, line;
    if (file_read(&b->cx, path, 64 << 20, &text))
        return false;
    candles_init(out, &b->arena, text.n / 16 + 1);
    while (str_next(&text, '\n', &line)) {
        Candle c = { .known_at = time_ms(1700000000000) };
        double *numbers[] = { &c.open, &c.high, &c.low, &c.close, &c.volume };
        Str rest = str_trim(line), field;
        bool ok = str_next(&rest, ',', &field) && time_parse_any(field, &c.open_time);
        for (int k = 0; k < 5 && ok; k++)
            ok = str_next(&rest, ',', &field) && num_parse_f64(field, numbers[k]);
        if (ok)
            candles_push(out, &c);
    }
    candles_sort_unique(out, &b->arena);
    return out->n > 0;
}

static void sizes(Bench *b, const char *shared, BlockCodec *codec, const char *name, double scale, double budget) {
    char path[700];
    Candles rows;
    Buf blob;
    snprintf(path, sizeof path, "%s/data/%s", shared, name);
    arena_reset(&b->arena);
    if (!file_exists(path) || !load_csv(b, path, &rows)) {
        printf("{\"bench\":\"store_bytes\",\"data\":\"%s\",\"skipped\":\"not there\"}\n", name);
        return;
    }
    for (size_t i = 0; i < rows.n && scale != 1; i++) {
        rows.open[i] *= scale;
        rows.high[i] *= scale;
        rows.low[i] *= scale;
        rows.close[i] *= scale;
    }
    buf_init(&blob, 1 << 28);
    for (size_t at = 0; at < rows.n; at += BLOCK_ROWS)
        if (block_encode(codec, &rows, at, MIN((size_t)BLOCK_ROWS, rows.n - at), &blob))
            die(b, "encode");
    double bytes = (double)blob.n / (double)rows.n;
    printf("{\"bench\":\"store_bytes\",\"data\":\"%s%s\",\"candles\":%zu,\"bytes_per_candle\":%.2f,\"budget\":%.1f,"
           "\"met\":%s}\n",
           name, scale != 1 ? " (full precision)" : "", rows.n, bytes, budget, bytes <= budget ? "true" : "false");
    buf_done(&blob);
}

static void all_sizes(Bench *b, const char *shared) {
    static const char *const two_to_eight[] = {
        "ohlcv/ethusdt_h1.csv",
        "ohlcv/eurusd_h1.csv",
        "ohlcv/fesx_m1.csv",
        "ohlcv/gbpusd_m1_bid.csv",
        "ohlcv/unittest_btc_m1.csv",
        "ohlcv/goog_d1.csv",
        "ohlcv/ethusd_cb_h4.csv",
        "ohlcv/btcusd_cb_h4.csv",
        "xexch/binanceus_btcusdt_m1_202303.csv",
        "xexch/binanceus_btcusdc_m1_202303.csv",
    };
    BlockCodec *codec = block_codec_new();
    sizes(b, shared, codec, "ohlcv/btcusdt_h1.csv", 1, 11.5);
    sizes(b, shared, codec, "ohlcv/btcperp_m1.csv", 1, 13);
    for (size_t i = 0; i < ARRAY_LEN(two_to_eight); i++)
        sizes(b, shared, codec, two_to_eight[i], 1, 10);
    sizes(b, shared, codec, "ohlcv/btcusdt_h1.csv", 1.0001234567, 22);
    block_codec_free(codec);
}

static void open_duck(Bench *b, const char *source) {
    const char *why;
    char library[700], path[320];
    snprintf(library, sizeof library, "%s/.cache/duckdb/libduckdb.so", source);
    snprintf(path, sizeof path, "%s/rows.duckdb", b->dir);
    b->duck = duck_open(library, path, &why);
    if (!b->duck)
        printf("{\"bench\":\"store_duckdb\",\"skipped\":\"%s\"}\n", why);
}

static void table(const Bench *b) {
    printf("\n%-20s %-12s %14s %14s\n", "", "store", "a second", "a CPU second");
    for (int i = 0; i < b->n_lines; i++)
        printf("%-20s %-12s %14.0f %14.0f\n", b->lines[i].what, b->lines[i].who, b->lines[i].per_s,
               b->lines[i].cpu_per_s);
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
    UNUSED(st);
    UNUSED(kind);
    UNUSED(ftw);
    return remove(path);
}

int main(int argc, char **argv) {
    Bench *b = mem_new(Bench);
    double millions = argc > 1 ? strtod(argv[1], NULL) : 5;
    b->clock = (Clock){ .wall = wall_now, .mono = mono_now };
    ctx_init(&b->cx, &b->arena, &b->clock);
    snprintf(b->dir, sizeof b->dir, "%s/finsight-bench-XXXXXX", argc > 2 ? argv[2] : "/tmp");
    if (!mkdtemp(b->dir))
        die(b, "no directory");
    snprintf(b->path, sizeof b->path, "%s/market.db", b->dir);
    snprintf(b->rival_path, sizeof b->rival_path, "%s/rows.db", b->dir);
    size_t n_chunks = (size_t)MAX(1, millions * 1e6 / N_SERIES / SAVE_ROWS);
    b->rows = n_chunks * SAVE_ROWS;
    Candles *chunks = mem_new_n(Candles, n_chunks * N_SERIES);
    for (size_t i = 0; i < n_chunks * N_SERIES; i++) {
        candles_init_heap(&chunks[i], SAVE_ROWS);
        make_rows((int)(i / n_chunks), i % n_chunks * SAVE_ROWS, SAVE_ROWS, &chunks[i]);
    }
    if (store_sqlite_open(&b->cx, &(StoreSqliteOptions){ .path = b->path }, &b->store))
        die(b, "open");
    rival_open(b);
    open_duck(b, argc > 4 ? argv[4] : ".");
    limits(b);
    ingest(b, chunks, n_chunks);
    rival_ingest(b, chunks, n_chunks);
    if (b->duck)
        duck_ingest(b, chunks, n_chunks);
    check_equal(b, chunks, n_chunks);
    range_reads(b);
    windows(b, false);
    windows(b, true);
    for (int run = 0; run < LIVE_RUNS; run++) { /* each on series of its own, each beside the disk's speed then */
        printf("{\"bench\":\"store_sync\",\"fdatasync_ms\":%.3f,\"writers\":1}\n", sync_ms(b));
        live(b, run);
    }
    rival_live(b);
    all_sizes(b, argc > 3 ? argv[3] : "../shared");
    table(b);
    candle_store_close(b->store);
    sqlite3_close(b->rival);
    duck_close(b->duck);
    for (size_t i = 0; i < n_chunks * N_SERIES; i++)
        candles_done_heap(&chunks[i]);
    mem_free(chunks);
    arena_done(&b->arena);
    nftw(b->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    mem_free(b);
    return 0;
}
