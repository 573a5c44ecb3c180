/* Prints an exposition with every kind of metric, for promtool to judge (test_promtool.py). */

#include "base/metrics.h"

#include <stdio.h>

int main(void) {
    Metrics *m = metrics_new(4);
    for (int i = 0; i < 8; i++) { /* past the cap */
        char ip[16];
        snprintf(ip, sizeof ip, "10.0.0.%d", i);
        counter_inc(metrics_counter(m, "finsight_requests_total", "Requests \\ by\naddress.",
                                    METRIC_L({ "ip", str_c(ip) }, { "path", S("/a\"b\\c\nd") })));
    }
    gauge_set(metrics_gauge(m, "finsight_queue_depth", "Jobs that wait.", METRIC_NO_LABELS), 1e21);
    gauge_set(metrics_gauge(m, "finsight_ratio", "Not a number.", METRIC_NO_LABELS), 0.0 / 0.0);
    Histogram *h = metrics_histogram(m, "finsight_request_seconds", "Time of requests.", NULL, 0,
                                     METRIC_L({ "role", S("market") }));
    for (int i = 0; i < 100; i++)
        histogram_observe(h, i / 7.0);
    Buf b;
    buf_init(&b, 1 << 20);
    int r = metrics_write(m, &b);
    fwrite(b.p, 1, b.n, stdout);
    buf_done(&b);
    metrics_free(m);
    return r == 0 ? 0 : 1;
}
