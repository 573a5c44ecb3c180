/* gateway/cluster: the health of instances, on virtual time and a socket that nobody reads. */

#include "base/rng.h"
#include "gateway/cluster.h"
#include "lib/test.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct Hung { /* takes connections and never answers */
    TestCtx t;
    IdsSeeded ids;
    Loop *loop;
    Metrics *metrics;
    Cluster *cluster;
    int listener;
    char path[64], address[80];
} Hung;

static void stop(void *arg) {
    loop_stop(arg);
}

static void turn(Hung *h) {
    for (int i = 0; i < 4; i++) { /* a connection, a write, a timer */
        loop_post(h->loop, stop, h->loop);
        loop_run(h->loop);
    }
}

static void hung_init(Hung *h, bool fast) {
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    *h = (Hung){ 0 };
    test_ctx_init(&h->t);
    ids_seeded_init(&h->ids, 1);
    snprintf(h->path, sizeof h->path, "/tmp/finsight-test-hung-%d", (int)getpid());
    snprintf(h->address, sizeof h->address, "unix:%s", h->path);
    memcpy(at.sun_path, h->path, strlen(h->path) + 1);
    unlink(h->path);
    h->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert(bind(h->listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(h->listener, 64) == 0);
    h->loop = loop_new(&h->t.clock.clock);
    h->metrics = metrics_new(64);
    ClusterOptions o;
    ClusterEnv env = { .loop = h->loop, .clock = &h->t.clock.clock, .metrics = h->metrics, .ids = &h->ids.ids };
    cluster_options_default(&o, fast);
    o.name = S("market");
    o.health_path = S("/health");
    h->cluster = cluster_new(&env, &o);
    ClusterInstance one = { .address = str_c(h->address) };
    int r = cluster_set(h->cluster, &h->t.cx, &one, 1);
    assert(r == 0);
    UNUSED(r);
}

static void hung_done(Hung *h) {
    cluster_set(h->cluster, &h->t.cx, NULL, 0);
    turn(h);
    cluster_free(h->cluster);
    loop_free(h->loop);
    metrics_free(h->metrics);
    close(h->listener);
    unlink(h->path);
    test_ctx_done(&h->t);
}

/* ms from the first check until it is out. */
static int64_t out_after(Hung *h, int64_t step_ms, int64_t most_ms) {
    ClusterView v;
    int64_t ms = 0;
    for (; ms <= most_ms; ms += step_ms) {
        turn(h);
        cluster_view(h->cluster, &v);
        if (v.healthy == 0)
            break;
        clock_manual_advance_ms(&h->t.clock, step_ms);
    }
    return ms;
}

/* RES-11: checks begin every 30 s and last 5 s at most, the third failure is the verdict. One that hangs right behind a
 * good check has a whole interval before the first bad one: 30 + 65 s; in the fast mode 0.5 + 1.5 s. */
TEST(res_11_a_hung_instance_is_out_after_95_s_at_worst_and_in_the_fast_mode_after_3) {
    static const struct {
        const char *name;
        bool fast;
        int64_t every_ms, step_ms, worst_ms;
    } rows[] = {
        { "standard", false, 30000, 100, 95000 },
        { "fast", true, 500, 10, 3000 },
    };
    EACH_ROW (r, rows) {
        Hung h;
        test_row_name = r->name;
        hung_init(&h, r->fast);
        int64_t ms = out_after(&h, r->step_ms, 200000);
        CHECK(ms >= 2 * r->every_ms); /* not before the third check */
        CHECK(r->every_ms + ms <= r->worst_ms + r->step_ms);
        hung_done(&h);
    }
}

TESTS(T(res_11_a_hung_instance_is_out_after_95_s_at_worst_and_in_the_fast_mode_after_3))
