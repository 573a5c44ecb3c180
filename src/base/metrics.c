/* base/metrics.c - see metrics.h.
 *
 * One mutex guards the shape of the registry (families, children), never a value: those are atomics read and written
 * without it. Children are never freed before the registry, so a pointer handed out stays good. Sums of doubles are
 * added by compare-and-swap: sums of whole numbers below 2^53 are exact in any order. */

#include "base/metrics.h"

#include "base/map.h"
#include "base/num.h"
#include "base/vec.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { LABEL_VALUE_MAX = 128 };

typedef _Atomic uint64_t AtomicF64; /* the bits of a double; all-zero is 0.0 */

struct Counter {
    _Atomic uint64_t value;
};

struct Gauge {
    AtomicF64 value;
    double (*_Atomic read)(void *arg);
    void *_Atomic arg;
};

struct Histogram {
    size_t n_bounds;
    const double *bounds; /* of the family */
    AtomicF64 sum;
    _Atomic uint64_t counts[]; /* n_bounds + 1, the last is above all bounds; not cumulative */
};

typedef enum Kind { KIND_COUNTER, KIND_GAUGE, KIND_HISTOGRAM } Kind;

typedef struct Child {
    Str labels;         /* role="market",op="candles": the text of the exposition is the identity */
    const void **parts; /* of a sum: Counters or Histograms */
    size_t n_parts;
    bool is_read; /* a counter whose value is the gauge's */
    union {
        Counter counter;
        Gauge gauge;
        Histogram histogram; /* last: it goes on */
    };
} Child;

typedef struct Family {
    const char *name, *help;
    Kind kind;
    size_t n_labels;
    const char *label_names[METRIC_LABELS_MAX];
    size_t n_bounds;
    double bounds[METRIC_BUCKETS_MAX];
    Map by_labels; /* labels -> Child */
    VEC(Child *) children;
} Family;

struct Metrics {
    size_t series_max;
    pthread_mutex_t lock;
    Arena arena; /* families, children, names */
    Map by_name; /* name -> Family */
    VEC(Family *) families;
    Counter *dropped;
};

/* --- values --- */

static double f64_load(const AtomicF64 *a) {
    uint64_t bits = atomic_load_explicit(a, memory_order_relaxed);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static uint64_t f64_bits(double v) {
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static void f64_add(AtomicF64 *a, double add) {
    uint64_t before = atomic_load_explicit(a, memory_order_relaxed);
    for (;;) {
        double v;
        memcpy(&v, &before, sizeof v);
        if (atomic_compare_exchange_weak_explicit(a, &before, f64_bits(v + add), memory_order_relaxed,
                                                  memory_order_relaxed))
            return;
    }
}

void counter_add(Counter *c, uint64_t n) {
    if (c)
        atomic_fetch_add_explicit(&c->value, n, memory_order_relaxed);
}

uint64_t counter_value(const Counter *c) {
    return c ? atomic_load_explicit(&c->value, memory_order_relaxed) : 0;
}

void gauge_set(Gauge *g, double v) {
    if (g)
        atomic_store_explicit(&g->value, f64_bits(v), memory_order_relaxed);
}

void gauge_add(Gauge *g, double v) {
    if (g)
        f64_add(&g->value, v);
}

double gauge_value(const Gauge *g) {
    if (!g)
        return 0;
    double (*read)(void *arg) = atomic_load_explicit(&g->read, memory_order_acquire);
    return read ? read(atomic_load_explicit(&g->arg, memory_order_relaxed)) : f64_load(&g->value);
}

void metrics_gauge_read(Gauge *g, double (*read)(void *arg), void *arg) {
    atomic_store_explicit(&g->arg, arg, memory_order_relaxed);
    atomic_store_explicit(&g->read, read, memory_order_release);
}

void histogram_observe(Histogram *h, double v) {
    if (!h || isnan(v))
        return;
    size_t i = 0;
    while (i < h->n_bounds && v > h->bounds[i])
        i++;
    atomic_fetch_add_explicit(&h->counts[i], 1, memory_order_relaxed);
    f64_add(&h->sum, v);
}

static uint64_t count_at(const Histogram *h, size_t i) {
    return atomic_load_explicit(&h->counts[i], memory_order_relaxed);
}

uint64_t histogram_count(const Histogram *h) {
    uint64_t n = 0;
    for (size_t i = 0; h && i <= h->n_bounds; i++)
        n += count_at(h, i);
    return n;
}

double histogram_sum(const Histogram *h) {
    return h ? f64_load(&h->sum) : 0;
}

double histogram_quantile(const Histogram *h, double q) {
    assert(q >= 0 && q <= 1);
    double count = (double)histogram_count(h), rank = q * count, below = 0;
    if (count == 0)
        return 0;
    for (size_t i = 0; i < h->n_bounds; i++) {
        double here = (double)count_at(h, i), from = i ? h->bounds[i - 1] : MIN(0, h->bounds[0]);
        if (here > 0 && below + here >= rank)
            return from + (h->bounds[i] - from) * (rank - below) / here;
        below += here;
    }
    return h->bounds[h->n_bounds - 1]; /* above all bounds: the highest one that is known */
}

/* --- the registry --- */

static bool name_valid(const char *name, bool colon) {
    for (const char *p = name; *p; p++) {
        bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_' || (colon && *p == ':');
        if (!letter && !(p > name && *p >= '0' && *p <= '9'))
            return false;
    }
    return *name != '\0';
}

static const double standard_bounds[] = {
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10
};

Metrics *metrics_new(size_t series_max) {
    assert(series_max > 0);
    Metrics *m = mem_new(Metrics);
    m->series_max = series_max;
    pthread_mutex_init(&m->lock, NULL);
    m->dropped = metrics_counter(m, "finsight_metrics_dropped_series_total",
                                 "Look-ups of a new label set answered with \"other\" because its family was full.",
                                 METRIC_NO_LABELS);
    return m;
}

Metrics *metrics_free(Metrics *m) {
    if (!m)
        return NULL;
    VEC_FOR (f, &m->families) {
        map_done(&(*f)->by_labels);
        vec_done(&(*f)->children);
    }
    vec_done(&m->families);
    map_done(&m->by_name);
    arena_done(&m->arena);
    pthread_mutex_destroy(&m->lock);
    return mem_free(m);
}

static void check_labels(const Family *f, const MetricLabel *labels, size_t n) {
    assert(f->n_labels == n);
    for (size_t i = 0; i < n; i++)
        assert(str_eq(str_c(f->label_names[i]), str_c(labels[i].name)));
    UNUSED(f), UNUSED(labels), UNUSED(n); /* where asserts are off */
}

/* With the lock held. */
static Family *family(Metrics *m, Kind kind, const char *name, const char *help, const MetricLabel *labels, size_t n) {
    Family *f = map_get(&m->by_name, str_c(name));
    if (f) {
        assert(f->kind == kind);
        check_labels(f, labels, n);
        return f;
    }
    assert(name_valid(name, true) && help && *help && n <= METRIC_LABELS_MAX);
    f = arena_new(&m->arena, Family);
    f->name = str_cz(&m->arena, str_c(name));
    f->help = str_cz(&m->arena, str_c(help));
    f->kind = kind;
    f->n_labels = n;
    for (size_t i = 0; i < n; i++) {
        assert(name_valid(labels[i].name, false));
        f->label_names[i] = str_cz(&m->arena, str_c(labels[i].name));
    }
    map_put(&m->by_name, str_c(f->name), f);
    vec_push(&m->families, f);
    return f;
}

static void put_label(Buf *b, const char *name, Str value) {
    buf_printf(b, "%s%s=\"", b->n ? "," : "", name);
    value = str_first(value, LABEL_VALUE_MAX);
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if (c == '\n')
            BUF_LIT(b, "\\n");
        else if (c == '"' || c == '\\')
            buf_printf(b, "\\%c", c);
        else
            buf_put_c(b, c < 0x20 || c >= 0x7f ? '?' : (char)c); /* label values are for machines: ASCII */
    }
    buf_put_c(b, '"');
}

/* With the lock held. The child of these labels, made when it is new, or the family's "other". */
static Child *child(Metrics *m, Family *f, const MetricLabel *labels, size_t n) {
    Buf text;
    buf_init(&text, METRIC_LABELS_MAX * (LABEL_VALUE_MAX * 2 + 256));
    for (size_t i = 0; i < n; i++)
        put_label(&text, f->label_names[i], labels[i].value);
    Child *c = map_get(&f->by_labels, buf_str(&text));
    if (!c && f->children.n + 1 >= m->series_max && n > 0) { /* the last place is for "other" */
        buf_clear(&text);
        for (size_t i = 0; i < n; i++)
            put_label(&text, f->label_names[i], S("other"));
        counter_inc(m->dropped);
        c = map_get(&f->by_labels, buf_str(&text));
    }
    if (!c) {
        c = arena_zalloc(&m->arena, sizeof *c + (f->n_bounds + 1) * sizeof c->histogram.counts[0]);
        c->labels = str_dup(&m->arena, buf_str(&text));
        if (f->kind == KIND_HISTOGRAM) {
            c->histogram.n_bounds = f->n_bounds;
            c->histogram.bounds = f->bounds;
        }
        map_put(&f->by_labels, c->labels, c);
        vec_push(&f->children, c);
    }
    buf_done(&text);
    return c;
}

Counter *metrics_counter(Metrics *m, const char *name, const char *help, const MetricLabel *labels, size_t n) {
    pthread_mutex_lock(&m->lock);
    Child *c = child(m, family(m, KIND_COUNTER, name, help, labels, n), labels, n);
    pthread_mutex_unlock(&m->lock);
    return &c->counter;
}

Gauge *metrics_gauge(Metrics *m, const char *name, const char *help, const MetricLabel *labels, size_t n) {
    pthread_mutex_lock(&m->lock);
    Child *c = child(m, family(m, KIND_GAUGE, name, help, labels, n), labels, n);
    pthread_mutex_unlock(&m->lock);
    return &c->gauge;
}

Histogram *metrics_histogram(Metrics *m, const char *name, const char *help, const double *bounds, size_t n_bounds,
                             const MetricLabel *labels, size_t n) {
    if (!bounds) {
        bounds = standard_bounds;
        n_bounds = ARRAY_LEN(standard_bounds);
    }
    assert(n_bounds > 0 && n_bounds <= METRIC_BUCKETS_MAX);
    pthread_mutex_lock(&m->lock);
    Family *f = family(m, KIND_HISTOGRAM, name, help, labels, n);
    assert(f->n_bounds == 0 || f->n_bounds == n_bounds);
    for (size_t i = 0; i < n_bounds && f->n_bounds == 0; i++) {
        assert(i == 0 || bounds[i] > bounds[i - 1]);
        f->bounds[i] = bounds[i];
    }
    f->n_bounds = n_bounds;
    Child *c = child(m, f, labels, n);
    pthread_mutex_unlock(&m->lock);
    return &c->histogram;
}

/* With the lock held. One more number of a sum, unless it is in it. */
static void add_part(Metrics *m, Child *c, const void *part) {
    for (size_t i = 0; i < c->n_parts; i++)
        if (c->parts[i] == part)
            return;
    const void **v = arena_new_n(&m->arena, const void *, c->n_parts + 1); /* some dozens, once each */
    memcpy(v, c->n_parts ? c->parts : &part, MAX(c->n_parts, (size_t)1) * sizeof *v);
    v[c->n_parts++] = part;
    c->parts = v;
}

void metrics_counter_sum(Metrics *m, const char *name, const char *help, const MetricLabel *labels, size_t n,
                         const Counter *const *parts, size_t n_parts) {
    pthread_mutex_lock(&m->lock);
    Child *c = child(m, family(m, KIND_COUNTER, name, help, labels, n), labels, n);
    for (size_t i = 0; i < n_parts; i++)
        add_part(m, c, parts[i]);
    pthread_mutex_unlock(&m->lock);
}

void metrics_histogram_sum(Metrics *m, const char *name, const char *help, const MetricLabel *labels, size_t n,
                           const Histogram *part) {
    pthread_mutex_lock(&m->lock);
    Family *f = family(m, KIND_HISTOGRAM, name, help, labels, n);
    assert(f->n_bounds == 0 || f->n_bounds == part->n_bounds);
    memcpy(f->bounds, part->bounds, part->n_bounds * sizeof f->bounds[0]);
    f->n_bounds = part->n_bounds;
    add_part(m, child(m, f, labels, n), part);
    pthread_mutex_unlock(&m->lock);
}

void metrics_counter_read(Metrics *m, const char *name, const char *help, const MetricLabel *labels, size_t n,
                          double (*read)(void *arg), void *arg) {
    pthread_mutex_lock(&m->lock);
    Child *c = child(m, family(m, KIND_COUNTER, name, help, labels, n), labels, n);
    c->is_read = true;
    metrics_gauge_read(&c->gauge, read, arg);
    pthread_mutex_unlock(&m->lock);
}

uint64_t metrics_counter_total(Metrics *m, const char *name, Str part) {
    uint64_t sum = 0;
    pthread_mutex_lock(&m->lock);
    Family *f = map_get(&m->by_name, str_c(name));
    for (size_t i = 0; f && f->kind == KIND_COUNTER && i < f->children.n; i++)
        if (str_find(f->children.v[i]->labels, part) >= 0)
            sum += counter_value(&f->children.v[i]->counter);
    pthread_mutex_unlock(&m->lock);
    return sum;
}

size_t metrics_histogram_total(Metrics *m, const char *name, double *bounds, uint64_t *counts, size_t cap) {
    size_t n = 0;
    pthread_mutex_lock(&m->lock);
    Family *f = map_get(&m->by_name, str_c(name));
    if (f && f->kind == KIND_HISTOGRAM && f->n_bounds < cap) {
        n = f->n_bounds;
        memcpy(bounds, f->bounds, n * sizeof *bounds);
        memset(counts, 0, (n + 1) * sizeof *counts);
        for (size_t i = 0; i < f->children.n; i++)
            for (size_t k = 0; k <= n; k++)
                counts[k] += count_at(&f->children.v[i]->histogram, k);
    }
    pthread_mutex_unlock(&m->lock);
    return n;
}

/* --- the exposition --- */

static void put_number(Buf *b, double v) {
    char text[NUM_TEXT_MAX];
    if (isnan(v))
        BUF_LIT(b, "NaN");
    else if (isinf(v))
        buf_put_str(b, v > 0 ? S("+Inf") : S("-Inf"));
    else
        buf_put(b, text, num_format_f64(v, text));
}

/* name_suffix{labels,extra} */
static void put_series(Buf *b, const char *name, const char *suffix, Str labels) {
    buf_printf(b, "%s%s", name, suffix);
    if (labels.n)
        buf_printf(b, "{" STR_FMT "}", STR_ARG(labels));
    buf_put_c(b, ' ');
}

/* Into a bucket, and in all, of the histogram or of those it is the sum of. */
static uint64_t counted(const Child *c, size_t bucket) {
    uint64_t n = c->n_parts ? 0 : count_at(&c->histogram, bucket);
    for (size_t i = 0; i < c->n_parts; i++)
        n += count_at(c->parts[i], bucket);
    return n;
}

static double summed(const Child *c) {
    double sum = c->n_parts ? 0 : f64_load(&c->histogram.sum);
    for (size_t i = 0; i < c->n_parts; i++)
        sum += histogram_sum(c->parts[i]);
    return sum;
}

static void put_histogram(Buf *b, const Family *f, const Child *c) {
    uint64_t below = 0;
    for (size_t i = 0; i <= f->n_bounds; i++) {
        below += counted(c, i);
        buf_printf(b, "%s_bucket{" STR_FMT "%sle=\"", f->name, STR_ARG(c->labels), c->labels.n ? "," : "");
        put_number(b, i < f->n_bounds ? f->bounds[i] : INFINITY);
        buf_printf(b, "\"} %llu\n", (unsigned long long)below);
    }
    put_series(b, f->name, "_sum", c->labels);
    put_number(b, summed(c));
    buf_put_c(b, '\n');
    put_series(b, f->name, "_count", c->labels); /* what the buckets said, not a later count */
    buf_printf(b, "%llu\n", (unsigned long long)below);
}

static void put_help(Buf *b, const Family *f) {
    static const char *const kinds[] = { "counter", "gauge", "histogram" };
    buf_printf(b, "# HELP %s ", f->name);
    for (const char *p = f->help; *p; p++)
        if (*p == '\n' || *p == '\\')
            buf_put(b, *p == '\n' ? "\\n" : "\\\\", 2);
        else
            buf_put_c(b, *p);
    buf_printf(b, "\n# TYPE %s %s\n", f->name, kinds[f->kind]);
}

/* A copy of what to write, so that reading gauges and formatting happen without the lock. */
typedef struct Listed {
    Family *family;
    Child **children;
    size_t n;
} Listed;

static int by_name(const void *a, const void *b) {
    return strcmp(((const Listed *)a)->family->name, ((const Listed *)b)->family->name);
}

static int by_labels(const void *a, const void *b) {
    return str_cmp((*(Child *const *)a)->labels, (*(Child *const *)b)->labels);
}

static uint64_t count_of(const Child *c) {
    uint64_t sum = c->n_parts ? 0 : counter_value(&c->counter);
    for (size_t i = 0; i < c->n_parts; i++)
        sum += counter_value(c->parts[i]);
    return sum;
}

static void put_family(Buf *b, const Listed *l) {
    put_help(b, l->family);
    for (size_t i = 0; i < l->n; i++) {
        const Child *c = l->children[i];
        if (l->family->kind == KIND_HISTOGRAM) {
            put_histogram(b, l->family, c);
            continue;
        }
        put_series(b, l->family->name, "", c->labels);
        if (l->family->kind == KIND_COUNTER && !c->is_read)
            buf_printf(b, "%llu", (unsigned long long)count_of(c));
        else
            put_number(b, gauge_value(&c->gauge));
        buf_put_c(b, '\n');
    }
}

int metrics_write(Metrics *m, Buf *out) {
    Arena scratch = { 0 };
    pthread_mutex_lock(&m->lock);
    size_t n = m->families.n;
    Listed *listed = arena_new_n(&scratch, Listed, n);
    for (size_t i = 0; i < n; i++) {
        Family *f = m->families.v[i];
        listed[i] = (Listed){ f, arena_new_n(&scratch, Child *, f->children.n), f->children.n };
        if (f->children.n)
            memcpy(listed[i].children, f->children.v, f->children.n * sizeof(Child *));
    }
    pthread_mutex_unlock(&m->lock);
    qsort(listed, n, sizeof *listed, by_name);
    for (size_t i = 0; i < n; i++) {
        qsort(listed[i].children, listed[i].n, sizeof(Child *), by_labels);
        put_family(out, &listed[i]);
    }
    arena_done(&scratch);
    return buf_ok(out) ? 0 : ERR_LIMIT;
}
