/* bench/bench_backup.c - a large store backed up, checked, backed up again after a day, and restored.
 *
 *     bench_backup [GB of store [directory]]
 * Without arguments: 0.25, /tmp. Prices are full-precision doubles, which hardly pack: the store is as large a thing to
 * move as its candles allow. Each figure is GB of the store's file a second, of wall time and of the CPU time of the
 * process, both: cores and disks are shared. What was restored is compared with the backup's own sum, block by block. */

#include "adapters/object/dir.h"
#include "adapters/store/sqlite.h"
#include "base/file.h"
#include "base/rng.h"
#include "services/storage/backup.h"

#include "bench.h"

#include <fcntl.h>
#include <ftw.h>
#include <unistd.h>

enum { N_SERIES = 64, SAVE_ROWS = 200000, DAY_ROWS = 1440 };

typedef struct Bench {
    Arena arena;
    Clock clock;
    Ctx cx;
    char *dir, *path;
    CandleStore *store;
    ObjectStore *objects;
    Rng rng;
    int64_t rows; /* of each series */
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

static void must(Bench *b, int r, const char *what) {
    if (r == 0)
        return;
    fprintf(stderr, "bench_backup: %s: %s\n", what, b->cx.err.text);
    exit(1);
}

static void begin(Bench *b) {
    b->wall = bench_now_s();
    b->cpu = bench_cpu_s();
}

static void end(Bench *b, const char *what, double bytes) {
    double wall = bench_now_s() - b->wall, cpu = bench_cpu_s() - b->cpu;
    printf("{\"bench\":\"%s\",\"gb\":%.2f,\"wall_s\":%.2f,\"cpu_s\":%.2f,\"gb_per_s\":%.2f,\"gb_per_cpu_s\":%.2f}\n",
           what, bytes / 1e9, wall, cpu, bytes / 1e9 / wall, bytes / 1e9 / cpu);
    fflush(stdout);
    arena_reset(&b->arena);
}

static SeriesKey key_of(int i) {
    SeriesKey key = { .timeframe = { UNIT_MINUTE, 1 } };
    venue_parse(S("test"), &key.venue);
    snprintf(key.symbol.s, sizeof key.symbol.s, "S%d", i);
    return key;
}

static void save(Bench *b, size_t n) {
    Candles rows;
    candles_init_heap(&rows, n);
    for (int s = 0; s < N_SERIES; s++) {
        SeriesKey key = key_of(s);
        SaveResult saved;
        rows.n = 0;
        for (size_t i = 0; i < n; i++) {
            double p = 100 + rng_f64(&b->rng);
            candles_push(&rows, &(Candle){ .open_time = time_ms((b->rows + (int64_t)i) * 60000),
                                           .open = p,
                                           .high = p + rng_f64(&b->rng),
                                           .low = p - rng_f64(&b->rng),
                                           .close = p,
                                           .volume = rng_f64(&b->rng) });
        }
        must(b, candle_store_save(b->store, &b->cx, &(SaveRequest){ .key = &key, .rows = &rows }, &saved), "save");
        arena_reset(&b->arena);
    }
    b->rows += (int64_t)n;
    candles_done_heap(&rows);
}

/* --- restoring: as the command does it --- */

static int open_part(void *arg, Ctx *cx, const BackupPart *part) {
    UNUSED(cx);
    UNUSED(part);
    *(FILE **)arg = fopen("restored.db", "wb");
    return *(FILE **)arg ? 0 : ERR_IO;
}

static int write_part(void *arg, Ctx *cx, Str bytes) {
    UNUSED(cx);
    return fwrite(bytes.p, 1, bytes.n, *(FILE **)arg) == bytes.n ? 0 : ERR_IO;
}

static int close_part(void *arg, Ctx *cx, const BackupPart *part) {
    UNUSED(cx);
    UNUSED(part);
    FILE *f = *(FILE **)arg;
    return fflush(f) != 0 || fsync(fileno(f)) != 0 || fclose(f) != 0 ? ERR_IO : 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where) {
    UNUSED(st);
    UNUSED(kind);
    UNUSED(where);
    return remove(path);
}

static void measure(Bench *b) {
    Backup made;
    FILE *f = NULL;
    BackupOptions o = { .store = b->store, .objects = b->objects, .skip_verify = true };
    BackupSink sink = { open_part, write_part, close_part, &f };
    begin(b);
    must(b, backup_make(&b->cx, &o, &made), "backup");
    double bytes = (double)made.bytes;
    end(b, "backup_whole", bytes);
    begin(b);
    must(b, backup_restore(&b->cx, b->objects, (Str){ 0 }, NULL, &made), "verify");
    end(b, "backup_verify", bytes);
    begin(b);
    must(b, backup_restore(&b->cx, b->objects, (Str){ 0 }, &sink, &made), "restore");
    end(b, "backup_restore", bytes);
    save(b, DAY_ROWS);
    begin(b);
    must(b, backup_make(&b->cx, &o, &made), "incremental backup");
    printf("{\"bench\":\"backup_day\",\"new_blocks\":%lld,\"blocks\":%lld,\"added_mb\":%.1f}\n",
           (long long)made.new_blocks, (long long)made.blocks, (double)made.packed / 1e6);
    end(b, "backup_incremental", bytes);
}

int main(int argc, char **argv) {
    double gb = argc > 1 ? strtod(argv[1], NULL) : 0.25;
    char dir[300];
    Bench b = { .clock = { .wall = wall_now, .mono = mono_now } };
    snprintf(dir, sizeof dir, "%s/bench-backup-XXXXXX", argc > 2 ? argv[2] : "/tmp");
    if (!mkdtemp(dir) || chdir(dir) != 0) {
        fprintf(stderr, "bench_backup: no folder %s\n", dir);
        return 1;
    }
    ctx_init(&b.cx, &b.arena, &b.clock);
    rng_seed(&b.rng, 1);
    must(&b, store_sqlite_open(&b.cx, &(StoreSqliteOptions){ .path = "market.db" }, &b.store), "open");
    must(&b, object_dir_open(&b.cx, "backups", &b.objects), "open");
    begin(&b);
    int64_t bytes = 0;
    while ((double)bytes < gb * 1e9) {
        StoreInfo info;
        save(&b, SAVE_ROWS);
        must(&b, candle_store_describe(b.store, &b.cx, &info), "describe");
        bytes = info.bytes;
    }
    printf("{\"bench\":\"backup_store\",\"candles\":%lld,\"series\":%d}\n", (long long)b.rows * N_SERIES, N_SERIES);
    end(&b, "backup_fill", (double)bytes);
    measure(&b);
    object_store_close(b.objects);
    candle_store_close(b.store);
    arena_done(&b.arena);
    return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : 1;
}
