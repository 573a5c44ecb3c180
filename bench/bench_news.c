/* bench/bench_news.c - a large store of news: filled, and searched.
 *
 *     bench_news [articles [directory]]
 * Without arguments: 200,000, /tmp; the figures of docs/performance.md are of 1,000,000. Articles are made: words w0, w1, …
 * by Zipf's law (exponent 1) over 200,000, 8 in a title and 30 to 90 in a summary, one article a few minutes of three
 * years, some twenty sources. Queries of the first kind have two or three words that each stand in at most 0.3 % of the
 * articles and have at least one article in common; those of the second have one or two that each stand in more than 2 %.
 * Latencies are wall time of one thread as a caller sees them, and its CPU time. */

#include "adapters/article/sqlite.h"
#include "base/file.h"
#include "base/rng.h"

#include "bench.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BATCH = 1000, VOCABULARY = 200000, QUERIES = 400, WORDS_MAX = 100 };

typedef struct Bench {
    Arena arena;
    Clock clock;
    Ctx cx;
    const char *dir;
    char *path;
    ArticleStore *store;
    Rng rng;
    int64_t n;
    int *df; /* by word */
    double *cdf;
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
    fprintf(stderr, "bench_news: %s: %s\n", what, b->cx.err.text);
    exit(1);
}

static int zipf(Bench *b, Rng *r) {
    double u = rng_f64(r);
    int lo = 0, hi = VOCABULARY - 1;
    while (lo < hi) {
        int mid = (lo + hi) / 2;
        if (b->cdf[mid] < u)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static Str words(Bench *b, Rng *r, int n, int *into, int *at) {
    char *p = arena_alloc(&b->arena, (size_t)n * 9);
    size_t size = 0;
    for (int i = 0; i < n; i++) {
        int w = zipf(b, r);
        into[(*at)++] = w;
        size += (size_t)snprintf(p + size, 9, "%sw%d", i ? " " : "", w);
    }
    return str_n(p, size);
}

static int by_number(const void *a, const void *b) {
    return *(const int *)a - *(const int *)b;
}

/* The i-th article, always the same. */
static Article make(Bench *b, int64_t i, int *v, int *n) {
    Rng r;
    rng_seed(&r, (uint64_t)i + 1);
    Article a = { .source = str_fmt(&b->arena, "source-%lld", (long long)(i % 20)),
                  .url = str_fmt(&b->arena, "https://news.example/%lld", (long long)i),
                  .published = time_ms(INT64_C(1600000000000) + i * 95 * MS_PER_SECOND),
                  .language = S("en") };
    a.collected = a.known_at = a.published;
    *n = 0;
    a.title = words(b, &r, 8, v, n);
    a.summary = words(b, &r, (int)rng_between(&r, 30, 90), v, n);
    Str *ticker = arena_new(&b->arena, Str);
    *ticker = str_fmt(&b->arena, "T%lld", (long long)(i % 200));
    a.tickers = (StrList){ ticker, 1 };
    article_clip(&a, &b->arena);
    return a;
}

static void count_words(Bench *b, int *v, int n) {
    qsort(v, (size_t)n, sizeof *v, by_number);
    for (int i = 0; i < n; i++)
        b->df[v[i]] += i == 0 || v[i] != v[i - 1];
}

static void fill(Bench *b) {
    double wall = 0, cpu = 0;
    int v[WORDS_MAX + 8], n;
    Article *batch = mem_new_n(Article, BATCH);
    ArticlePut *out = mem_new_n(ArticlePut, BATCH);
    for (int64_t i = 0; i < b->n; i += BATCH) {
        size_t m = (size_t)MIN((int64_t)BATCH, b->n - i);
        for (size_t k = 0; k < m; k++) {
            batch[k] = make(b, i + (int64_t)k, v, &n);
            count_words(b, v, n);
        }
        double wall_from = bench_now_s(), cpu_from = bench_cpu_s();
        must(b, article_store_put(b->store, &b->cx, &(ArticlePutRequest){ .v = batch, .n = m }, out), "put");
        wall += bench_now_s() - wall_from;
        cpu += bench_cpu_s() - cpu_from;
        arena_reset(&b->arena);
    }
    ArticleStoreInfo info;
    must(b, article_store_describe(b->store, &b->cx, &info), "describe");
    printf(
        "{\"bench\":\"news_ingest\",\"articles\":%lld,\"batch\":%d,\"near_same\":%lld,\"wall_s\":%.1f,\"cpu_s\":%.1f,"
        "\"articles_per_s\":%.0f,\"articles_per_cpu_s\":%.0f,\"bytes_per_article\":%.0f}\n",
        (long long)info.n_articles, BATCH, (long long)info.n_copies, wall, cpu, (double)b->n / wall, (double)b->n / cpu,
        (double)info.bytes / (double)b->n);
    fflush(stdout);
    mem_free(batch);
    mem_free(out);
}

/* Words of one article whose share of all articles lies in the bounds. */
static Str query(Bench *b, double least, double most, int n_words) {
    int v[WORDS_MAX + 8], n;
    for (;;) {
        make(b, (int64_t)rng_below(&b->rng, (uint64_t)b->n), v, &n);
        int good[WORDS_MAX + 8], m = 0;
        qsort(v, (size_t)n, sizeof *v, by_number);
        for (int i = 0; i < n; i++) {
            double share = (double)b->df[v[i]] / (double)b->n;
            if ((i == 0 || v[i] != v[i - 1]) && share > least && share <= most && b->df[v[i]] > 1)
                good[m++] = v[i];
        }
        if (m < n_words)
            continue;
        Str out = { 0 };
        for (int i = 0; i < n_words; i++) {
            int at = (int)rng_below(&b->rng, (uint64_t)m);
            out = str_fmt(&b->arena, STR_FMT " w%d", STR_ARG(out), good[at]);
            good[at] = good[--m];
        }
        return out;
    }
}

static void report(const char *name, double *wall, double *cpu, int n, double hits, double newest) {
    qsort(wall, (size_t)n, sizeof *wall, bench_cmp);
    qsort(cpu, (size_t)n, sizeof *cpu, bench_cmp);
    printf("{\"bench\":\"%s\",\"queries\":%d,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f,\"cpu_p50_ms\":%.2f,"
           "\"cpu_p99_ms\":%.2f,\"mean_matches\":%.0f,\"newest_only\":%.2f}\n",
           name, n, wall[n / 2] * 1e3, wall[n * 99 / 100] * 1e3, wall[n - 1] * 1e3, cpu[n / 2] * 1e3,
           cpu[n * 99 / 100] * 1e3, hits / n, newest / n);
    fflush(stdout);
}

static void search(Bench *b, const char *name, double least, double most, int more, bool exact, int n) {
    double wall[QUERIES], cpu[QUERIES], hits = 0, newest = 0;
    rng_seed(&b->rng, 99);
    for (int i = -10; i < n; i++) {
        ParsedQuery q;
        ArticlePage p;
        Str text = query(b, least, most, 2 + (i & 1) - more); /* 2 or 3, or 1 or 2 */
        must(b, article_query_parse(&b->cx, text, &q), "parse");
        ArticleSearch s = { .query = &q,
                            .filter = { .from = TIME_MIN, .to = TIME_MAX, .known_by = TIME_MAX },
                            .marks = true,
                            .exact = exact,
                            .now = time_ms(INT64_C(1700000000000)),
                            .limit = 20 };
        double wall_from = bench_now_s(), cpu_from = bench_cpu_s();
        must(b, article_store_search(b->store, &b->cx, &s, &p), "search");
        if (i >= 0) {
            wall[i] = bench_now_s() - wall_from;
            cpu[i] = bench_cpu_s() - cpu_from;
            hits += (double)p.total;
            newest += p.newest_only;
        }
        if (p.n == 0)
            must(b, err_set(&b->cx, ERR_INTERNAL, "'" STR_FMT "' is found nowhere", STR_ARG(text)), "search");
        arena_reset(&b->arena);
    }
    report(name, wall, cpu, n, hits, newest);
}

int main(int argc, char **argv) {
    Bench b = { .n = 200000, .dir = argc > 2 ? argv[2] : "/tmp", .clock = { wall_now, mono_now, NULL } };
    if (argc > 1)
        str_to_i64(str_c(argv[1]), &b.n);
    ctx_init(&b.cx, &b.arena, &b.clock);
    b.df = mem_new_n(int, VOCABULARY);
    b.cdf = mem_new_n(double, VOCABULARY);
    for (int i = 0; i < VOCABULARY; i++)
        b.cdf[i] = (i ? b.cdf[i - 1] : 0) + 1.0 / (i + 1.0);
    for (int i = 0; i < VOCABULARY; i++)
        b.cdf[i] /= b.cdf[VOCABULARY - 1];
    char path[512];
    snprintf(path, sizeof path, "%s/bench-news-%d.db", b.dir, (int)getpid());
    must(&b, article_sqlite_open(&b.cx, &(ArticleSqliteOptions){ .path = path }, &b.store), "open");
    fill(&b);
    search(&b, "news_search_seldom", 0, 0.003, 0, false, QUERIES);
    search(&b, "news_search_frequent", 0.02, 1, 1, false, QUERIES / 2);
    search(&b, "news_search_frequent_exact", 0.02, 1, 1, true, QUERIES / 20);
    article_store_close(b.store);
    static const char *const tails[] = { "", "-wal", "-shm", ".lock" };
    for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
        char file[560];
        snprintf(file, sizeof file, "%s%s", path, tails[i]);
        unlink(file);
    }
    arena_done(&b.arena);
    mem_free(b.df);
    mem_free(b.cdf);
    return 0;
}
