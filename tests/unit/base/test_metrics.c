/* base/metrics: values, the exposition, the cap on cardinality, and the documents' MetricsService. */

#include "base/metrics.h"
#include "lib/test.h"

#include <pthread.h>

static Str exposition(Metrics *m, Buf *b) {
    buf_clear(b);
    return metrics_write(m, b) == 0 ? buf_str(b) : S("");
}

TEST(the_exposition_is_sorted_escaped_and_whole) {
    Metrics *m = metrics_new(METRICS_SERIES_STANDARD);
    Buf b;
    buf_init(&b, 1 << 16);
    metrics_gauge(m, "zeta_bytes", "Last.", METRIC_NO_LABELS);
    Counter *c = metrics_counter(m, "alpha_requests_total", "Requests\nby \\ kind.",
                                 METRIC_L({ "op", S("a\"b\\c\nd") }, { "code", S("200") }));
    counter_inc(c);
    counter_add(c, 2);
    static const double bounds[] = { 0.1, 1 };
    Histogram *h = metrics_histogram(m, "beta_seconds", "Time.", bounds, 2, METRIC_L({ "op", S("x") }));
    histogram_observe(h, 0.1); /* a bound belongs to its bucket */
    histogram_observe(h, 0.5);
    histogram_observe(h, 7);
    histogram_observe(h, NAN);
    Str text = exposition(m, &b);
    CHECK_STR(text,
              S("# HELP alpha_requests_total Requests\\nby \\\\ kind.\n"
                "# TYPE alpha_requests_total counter\n"
                "alpha_requests_total{op=\"a\\\"b\\\\c\\nd\",code=\"200\"} 3\n"
                "# HELP beta_seconds Time.\n"
                "# TYPE beta_seconds histogram\n"
                "beta_seconds_bucket{op=\"x\",le=\"0.1\"} 1\n"
                "beta_seconds_bucket{op=\"x\",le=\"1\"} 2\n"
                "beta_seconds_bucket{op=\"x\",le=\"+Inf\"} 3\n"
                "beta_seconds_sum{op=\"x\"} 7.6\n"
                "beta_seconds_count{op=\"x\"} 3\n"
                "# HELP finsight_metrics_dropped_series_total Look-ups of a new label set answered with \"other\" "
                "because its family was full.\n"
                "# TYPE finsight_metrics_dropped_series_total counter\n"
                "finsight_metrics_dropped_series_total 0\n"
                "# HELP zeta_bytes Last.\n"
                "# TYPE zeta_bytes gauge\n"
                "zeta_bytes 0\n"));
    Buf small;
    buf_init(&small, 100);
    CHECK_EQ(metrics_write(m, &small), ERR_LIMIT);
    buf_done(&small);
    buf_done(&b);
    metrics_free(m);
}

TEST(the_same_name_and_labels_give_the_same_object) {
    Metrics *m = metrics_new(10);
    Counter *a = metrics_counter(m, "x_total", "X.", METRIC_L({ "l", S("1") }));
    CHECK(a == metrics_counter(m, "x_total", "X.", METRIC_L({ "l", S("1") })));
    CHECK(a != metrics_counter(m, "x_total", "X.", METRIC_L({ "l", S("2") })));
    counter_inc(NULL); /* a part without metrics */
    gauge_set(NULL, 1);
    histogram_observe(NULL, 1);
    metrics_free(m);
}

/* OBS-29 */
TEST(a_family_has_a_cap_and_its_loss_is_counted) {
    enum { CAP = 10, TRIED = 50 };
    Metrics *m = metrics_new(CAP);
    for (int i = 0; i < TRIED; i++) {
        char value[16];
        snprintf(value, sizeof value, "ip%d", i);
        counter_inc(metrics_counter(m, "hits_total", "Hits.", METRIC_L({ "ip", str_c(value) })));
    }
    Counter *other = metrics_counter(m, "hits_total", "Hits.", METRIC_L({ "ip", S("other") }));
    CHECK_EQ(counter_value(other), TRIED - (CAP - 1));
    Buf b;
    buf_init(&b, 1 << 16);
    Str text = exposition(m, &b);
    size_t series = 0;
    for (Str rest = text; (rest = str_from(rest, 1)).n; series += str_starts(rest, S("\nhits_total{")))
        ;
    CHECK_EQ(series, CAP);
    CHECK(str_find(text, S("finsight_metrics_dropped_series_total 41\n")) > 0);
    buf_done(&b);
    metrics_free(m);
}

static double read_seven(void *arg) {
    return *(double *)arg + 3;
}

TEST(a_gauge_may_be_read_at_the_scrape) {
    Metrics *m = metrics_new(10);
    Gauge *g = metrics_gauge(m, "depth", "Depth.", METRIC_NO_LABELS);
    gauge_set(g, 2);
    gauge_add(g, -0.5);
    CHECK_NEAR(gauge_value(g), 1.5, 0);
    double four = 4;
    metrics_gauge_read(g, read_seven, &four);
    CHECK_NEAR(gauge_value(g), 7, 0);
    metrics_free(m);
}

TEST(a_quantile_is_interpolated_in_its_bucket) {
    Metrics *m = metrics_new(10);
    static const double bounds[] = { 1, 2, 4 };
    Histogram *h = metrics_histogram(m, "t_seconds", "T.", bounds, 3, METRIC_NO_LABELS);
    CHECK_NEAR(histogram_quantile(h, 0.5), 0, 0);
    for (int i = 0; i < 10; i++)
        histogram_observe(h, 1.5);
    CHECK_NEAR(histogram_quantile(h, 0.5), 1.5, 1e-12);
    CHECK_NEAR(histogram_quantile(h, 1), 2, 1e-12);
    histogram_observe(h, 100);
    CHECK_NEAR(histogram_quantile(h, 1), 4, 0); /* nothing finer is known above the bounds */
    CHECK_EQ(histogram_count(h), 11);
    CHECK_NEAR(histogram_sum(h), 115, 1e-9);
    metrics_free(m);
}

/* --- MetricsService --- */

/* OBS-07 */
TEST(without_requests_every_derived_value_is_zero) {
    RequestStats *s = request_stats_new();
    RequestSnapshot r;
    request_stats_snapshot(s, &r);
    CHECK_EQ(r.request_count, 0);
    CHECK_NEAR(r.error_rate, 0, 0);
    CHECK_NEAR(r.avg_response_time, 0, 0);
    CHECK_NEAR(r.min_response_time, 0, 0);
    CHECK_NEAR(r.max_response_time, 0, 0);
    request_stats_free(s);
}

/* OBS-06: the ring holds the last 1000. */
TEST(the_ring_holds_the_last_thousand_times) {
    RequestStats *s = request_stats_new();
    RequestSnapshot r;
    for (int i = 1; i <= 1500; i++)
        request_stats_done(s, i, i % 4 == 0);
    request_stats_connections(s, 3);
    request_stats_connections(s, -1);
    request_stats_snapshot(s, &r);
    CHECK_EQ(r.request_count, 1500);
    CHECK_EQ(r.error_count, 375);
    CHECK_NEAR(r.error_rate, 0.25, 1e-15);
    CHECK_EQ(r.sampled, 1000);
    CHECK_NEAR(r.min_response_time, 501, 0);
    CHECK_NEAR(r.max_response_time, 1500, 0);
    CHECK_NEAR(r.avg_response_time, 1000.5, 1e-9);
    CHECK_EQ(r.active_connections, 2);
    request_stats_free(s);
}

enum { THREADS = 4, ROUNDS = 20000 };

typedef struct Shared {
    Metrics *metrics;
    RequestStats *stats;
} Shared;

static void *count_many(void *arg) {
    Shared *x = arg;
    for (int i = 0; i < ROUNDS; i++) {
        Counter *c = metrics_counter(x->metrics, "n_total", "N.", METRIC_L({ "k", i % 2 ? S("odd") : S("even") }));
        counter_inc(c);
        gauge_add(metrics_gauge(x->metrics, "g", "G.", METRIC_NO_LABELS), 1);
        histogram_observe(metrics_histogram(x->metrics, "h_seconds", "H.", NULL, 0, METRIC_NO_LABELS), i % 3);
        request_stats_connections(x->stats, 1);
        request_stats_done(x->stats, 1, i % 10 == 0);
        request_stats_connections(x->stats, -1);
    }
    return NULL;
}

/* OBS-06: exact under threads, registration included; a scrape meanwhile disturbs nothing. */
TEST(counts_are_exact_whatever_threads_do) {
    Shared x = { metrics_new(10), request_stats_new() };
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, count_many, &x), 0);
    Buf b;
    buf_init(&b, 1 << 16);
    for (int i = 0; i < 50; i++) {
        CHECK(exposition(x.metrics, &b).n > 0);
        RequestSnapshot r;
        request_stats_snapshot(x.stats, &r);
        CHECK(r.error_count <= r.request_count);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(counter_value(metrics_counter(x.metrics, "n_total", "N.", METRIC_L({ "k", S("odd") }))),
             THREADS * ROUNDS / 2);
    CHECK_NEAR(gauge_value(metrics_gauge(x.metrics, "g", "G.", METRIC_NO_LABELS)), THREADS * ROUNDS, 0);
    Histogram *h = metrics_histogram(x.metrics, "h_seconds", "H.", NULL, 0, METRIC_NO_LABELS);
    CHECK_EQ(histogram_count(h), THREADS * ROUNDS);
    int64_t sum = 0;
    for (int i = 0; i < ROUNDS; i++)
        sum += i % 3;
    CHECK_NEAR(histogram_sum(h), (double)(sum * THREADS), 0);
    RequestSnapshot r;
    request_stats_snapshot(x.stats, &r);
    CHECK_EQ(r.request_count, THREADS * ROUNDS);
    CHECK_EQ(r.error_count, THREADS * ROUNDS / 10);
    CHECK_EQ(r.active_connections, 0);
    buf_done(&b);
    request_stats_free(x.stats);
    metrics_free(x.metrics);
}

static double half(void *arg) {
    return *(double *)arg / 2;
}

/* OBS-09, OBS-10, OBS-11, U19: the documents' names tell what ours tell, without counting twice. */
TEST(the_same_numbers_are_told_under_other_names) {
    Metrics *m = metrics_new(METRICS_SERIES_STANDARD);
    Buf b;
    buf_init(&b, 1 << 16);
    Counter *good = metrics_counter(m, "ours_total", "Ours.", METRIC_L({ "status", S("2xx") }));
    Counter *bad = metrics_counter(m, "ours_total", "Ours.", METRIC_L({ "status", S("5xx") }));
    static const double bounds[] = { 1 };
    Histogram *h = metrics_histogram(m, "ours_seconds", "Ours.", bounds, 1, METRIC_NO_LABELS);
    const Counter *all[] = { good, bad };
    for (int twice = 0; twice < 2; twice++) { /* a reload asks again */
        metrics_counter_sum(m, "a_total", "All.", METRIC_L({ "service", S("market") }), all, 2);
        metrics_histogram_sum(m, "b_seconds", "Same.", METRIC_L({ "service", S("market") }), h);
    }
    double kept = 3;
    metrics_counter_read(m, "c_total", "Read.", METRIC_NO_LABELS, half, &kept);
    counter_add(good, 5);
    counter_inc(bad);
    histogram_observe(h, 0.5);
    Str text = exposition(m, &b);
    CHECK(str_starts(text, S("# HELP a_total All.\n# TYPE a_total counter\na_total{service=\"market\"} 6\n"
                             "# HELP b_seconds Same.\n# TYPE b_seconds histogram\n"
                             "b_seconds_bucket{service=\"market\",le=\"1\"} 1\n"
                             "b_seconds_bucket{service=\"market\",le=\"+Inf\"} 1\n"
                             "b_seconds_sum{service=\"market\"} 0.5\nb_seconds_count{service=\"market\"} 1\n"
                             "# HELP c_total Read.\n# TYPE c_total counter\nc_total 1.5\n")));
    buf_done(&b);
    metrics_free(m);
}

TESTS(T(the_same_numbers_are_told_under_other_names), T(the_exposition_is_sorted_escaped_and_whole),
      T(the_same_name_and_labels_give_the_same_object), T(a_family_has_a_cap_and_its_loss_is_counted),
      T(a_gauge_may_be_read_at_the_scrape), T(a_quantile_is_interpolated_in_its_bucket),
      T(without_requests_every_derived_value_is_zero), T(the_ring_holds_the_last_thousand_times),
      T(counts_are_exact_whatever_threads_do))
