/* Alerts on a virtual clock: the documents' thresholds, routes, silences, inhibition, escalation, deliveries. */

#include "lib/fake_http.h"
#include "lib/test.h"

#include "services/alerts/abuse.h"
#include "services/alerts/alerts.h"
#include "services/alerts/payload.h"
#include "services/alerts/window.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)

/* --- rules --- */

static AlertSample sample(AlertSignal signal, const char *label, double value) {
    return (AlertSample){ signal, str_c(label), value };
}

static void eval(AlertBook *b, TestCtx *t, const AlertSample *v, size_t n) {
    alert_book_eval(b, alert_rules, n_alert_rules, v, n, clock_wall(t->cx.clock), clock_mono(t->cx.clock));
}

static const Alert *firing(const AlertBook *b, const char *name, Severity severity) {
    for (size_t i = 0; i < b->n; i++)
        if (b->v[i].state == ALERT_FIRING && strcmp(b->v[i].rule->name, name) == 0 &&
            b->v[i].rule->severity == severity)
            return &b->v[i];
    return NULL;
}

/* OBS-20, OBS-21, OBS-22, OBS-23, OBS-24, SEC-28: each threshold from both sides. */
TEST(each_threshold_is_where_the_documents_put_it) {
    static const struct {
        const char *name, *alert;
        AlertSignal signal;
        double below, above;
        Severity severity;
    } rows[] = {
        { "errors 5 %", "HighErrorRate", SIGNAL_ERROR_RATE, 0.05, 0.0501, SEVERITY_WARNING },
        { "errors 10 %", "HighErrorRate", SIGNAL_ERROR_RATE, 0.10, 0.1001, SEVERITY_CRITICAL },
        { "p95 200 ms", "HighLatency", SIGNAL_LATENCY_P95, 0.2, 0.201, SEVERITY_WARNING },
        { "service down", "ServiceDown", SIGNAL_SERVICE_DOWN, 0, 1, SEVERITY_CRITICAL },
        { "capacity 90 %", "HighCapacity", SIGNAL_CAPACITY, 0.9, 0.901, SEVERITY_WARNING },
        { "capacity 95 %", "HighCapacity", SIGNAL_CAPACITY, 0.95, 0.951, SEVERITY_CRITICAL },
        { "ten failed logins", "FailedLogins", SIGNAL_FAILED_LOGINS, 9, 10, SEVERITY_WARNING },
        { "a series drifted", "ModelDrift", SIGNAL_DRIFT, 0, 1, SEVERITY_WARNING },
    };
    EACH_ROW (r, rows) {
        TestCtx t;
        test_ctx_init(&t);
        AlertBook *b = mem_new(AlertBook);
        for (int i = 0; i < 10; i++, clock_manual_advance_ms(&t.clock, 15 * SECOND)) {
            AlertSample s = sample(r->signal, "x", r->below);
            eval(b, &t, &s, 1);
        }
        CHECK(!firing(b, r->alert, r->severity));
        for (int i = 0; i < 10; i++, clock_manual_advance_ms(&t.clock, 15 * SECOND)) {
            AlertSample s = sample(r->signal, "x", r->above);
            eval(b, &t, &s, 1);
        }
        CHECK(firing(b, r->alert, r->severity));
        mem_free(b);
        test_ctx_done(&t);
    }
}

TEST(an_alert_is_pending_then_firing_then_over) {
    TestCtx t;
    test_ctx_init(&t);
    AlertBook *b = mem_new(AlertBook);
    AlertSample slow = sample(SIGNAL_LATENCY_P95, "", 0.5);
    Time began = clock_wall(t.cx.clock);
    eval(b, &t, &slow, 1);
    CHECK_EQ(b->n, 1);
    CHECK_EQ(b->v[0].state, ALERT_PENDING);
    clock_manual_advance_ms(&t.clock, MINUTE - 1);
    eval(b, &t, &slow, 1);
    CHECK_EQ(b->v[0].state, ALERT_PENDING);
    clock_manual_advance_ms(&t.clock, 1);
    eval(b, &t, &slow, 1);
    CHECK_EQ(b->v[0].state, ALERT_FIRING);
    CHECK_EQ(b->v[0].since.ms, began.ms);
    CHECK_EQ(b->v[0].fired.ms, began.ms + MINUTE);
    clock_manual_advance_ms(&t.clock, 30 * SECOND);
    eval(b, &t, NULL, 0); /* one good look is no end */
    CHECK_EQ(b->v[0].state, ALERT_FIRING);
    clock_manual_advance_ms(&t.clock, 30 * SECOND);
    eval(b, &t, NULL, 0);
    CHECK_EQ(b->v[0].state, ALERT_RESOLVED);
    eval(b, &t, &slow, 1); /* again: a new one */
    CHECK_EQ(b->n, 2);
    clock_manual_advance_ms(&t.clock, ALERT_REMEMBER_MS);
    eval(b, &t, NULL, 0);
    CHECK_EQ(b->n, 0); /* the pending one was nothing, the other is history */
    mem_free(b);
    test_ctx_done(&t);
}

/* A wall clock that is set changes no duration. */
TEST(a_clock_step_neither_fires_nor_resolves) {
    TestCtx t;
    test_ctx_init(&t);
    AlertBook *b = mem_new(AlertBook);
    AlertSample slow = sample(SIGNAL_LATENCY_P95, "", 0.5);
    eval(b, &t, &slow, 1);
    clock_manual_set_wall(&t.clock, time_add_ms(clock_wall(t.cx.clock), 24 * 60 * MINUTE));
    eval(b, &t, &slow, 1);
    CHECK_EQ(b->v[0].state, ALERT_PENDING);
    mem_free(b);
    test_ctx_done(&t);
}

TEST(a_flood_of_labels_is_bounded_and_counted) {
    TestCtx t;
    test_ctx_init(&t);
    AlertBook *b = mem_new(AlertBook);
    for (int i = 0; i < ALERTS_MAX + 10; i++) {
        Str label = str_fmt(&t.arena, "10.0.%d.%d", i / 256, i % 256);
        AlertSample s = { SIGNAL_FAILED_LOGINS, label, 10 };
        eval(b, &t, &s, 1);
    }
    CHECK_EQ(b->n, ALERTS_MAX);
    CHECK_EQ(b->dropped, 10);
    mem_free(b);
    test_ctx_done(&t);
}

/* --- what is measured --- */

TEST(a_window_forgets_what_is_older) {
    UNUSED(state_);
    static const double bounds[] = { 0.1, 0.2, 1 };
    Window w;
    AlertSample out[2];
    window_init(&w, 5 * MINUTE, bounds, 3);
    WindowLook look = { .at = { NS_PER_SECOND } };
    window_look(&w, &look);
    CHECK_EQ(window_samples(&w, out), 0);
    look.requests = 100; /* a bad minute */
    look.failed = 50;
    look.buckets[2] = 100;
    look.at.ns += 60 * NS_PER_SECOND;
    window_look(&w, &look);
    CHECK_EQ(window_samples(&w, out), 2);
    CHECK_NEAR(out[0].value, 0.5, 1e-12);
    CHECK_NEAR(out[1].value, 0.2 + 0.8 * 0.95, 1e-12);
    for (int i = 0; i < 60; i++) { /* then ten good ones */
        look.requests += 10;
        look.buckets[0] += 10;
        look.at.ns += 10 * NS_PER_SECOND;
        window_look(&w, &look);
    }
    CHECK_EQ(window_samples(&w, out), 2);
    CHECK_NEAR(out[0].value, 0, 0);
    CHECK(out[1].value <= 0.1);
    look.at.ns += 600 * NS_PER_SECOND; /* nobody asks */
    window_look(&w, &look);
    look.at.ns += 600 * NS_PER_SECOND;
    window_look(&w, &look);
    CHECK_EQ(window_samples(&w, out), 0); /* of nothing nothing is said */
}

/* SEC-28 */
TEST(ten_failures_within_a_minute_are_noticed_and_nine_are_not) {
    TestCtx t;
    test_ctx_init(&t);
    AbuseWatch *w = abuse_watch_new(5);
    AlertSample out[8];
    for (int i = 0; i < 9; i++, clock_manual_advance_ms(&t.clock, 6 * SECOND))
        abuse_failed(w, S("192.0.2.1"), clock_mono(t.cx.clock));
    CHECK_EQ(abuse_samples(w, &t.arena, clock_mono(t.cx.clock), out, 8), 0);
    abuse_failed(w, S("192.0.2.1"), clock_mono(t.cx.clock));
    CHECK_EQ(abuse_samples(w, &t.arena, clock_mono(t.cx.clock), out, 8), 1);
    CHECK_STR(out[0].label, S("192.0.2.1"));
    clock_manual_advance_ms(&t.clock, 6 * SECOND);
    CHECK_EQ(abuse_samples(w, &t.arena, clock_mono(t.cx.clock), out, 8), 0); /* the first is a minute old */
    for (int i = 0; i < 100000; i++)                                         /* a flood of addresses takes no memory */
        abuse_failed(w, str_fmt(&t.arena, "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255), clock_mono(t.cx.clock));
    CHECK_EQ(abuse_samples(w, &t.arena, clock_mono(t.cx.clock), out, 8), 0);
    abuse_watch_free(w);
    test_ctx_done(&t);
}

/* --- routes --- */

typedef struct Heard {
    char receiver[32];
    size_t n;
    bool firing, escalated;
} Heard;

typedef struct Rig {
    TestCtx t;
    AlertBook *book;
    Router *router;
    Heard heard[64];
    size_t n;
} Rig;

static void rig_init(Rig *g, const char *const *routes) {
    test_ctx_init(&g->t);
    g->book = mem_new(AlertBook);
    g->router = mem_new(Router);
    g->n = 0;
    for (; *routes; routes++)
        CHECK_OK_PLAIN(&g->t.cx,
                       alert_route_parse(&g->t.cx, str_c(*routes), &g->router->routes[g->router->n_routes++]));
}

static void rig_done(Rig *g) {
    mem_free(g->book);
    mem_free(g->router);
    test_ctx_done(&g->t);
}

static void hear(void *arg, const Notice *n) {
    Rig *g = arg;
    Heard *h = &g->heard[g->n++];
    *h = (Heard){ .n = n->n, .firing = n->firing, .escalated = n->escalated };
    memcpy(h->receiver, n->receiver, strlen(n->receiver) + 1);
}

static void step(Rig *g, int64_t ms, const AlertSample *v, size_t n) {
    clock_manual_advance_ms(&g->t.clock, ms);
    eval(g->book, &g->t, v, n);
    router_run(g->router, g->book, clock_wall(g->t.cx.clock), clock_mono(g->t.cx.clock), hear, g);
}

static void steps(Rig *g, int64_t ms, const AlertSample *v, size_t n) {
    for (int64_t at = 0; at < ms; at += 15 * SECOND)
        step(g, 15 * SECOND, v, n);
}

/* OBS-25: the route tree. */
TEST(the_first_route_that_fits_takes_an_alert) {
    Rig g;
    rig_init(&g, (const char *const[]){ "alertname=ServiceDown+service!=quotes>night;wait=0s",
                                        "severity=critical>ops;wait=0s;more", ">all;wait=0s", NULL });
    AlertSample v[] = { sample(SIGNAL_SERVICE_DOWN, "market", 1), sample(SIGNAL_SERVICE_DOWN, "quotes", 1) };
    step(&g, 0, v, 2);
    size_t night = 0, ops = 0, all = 0;
    for (size_t i = 0; i < g.n; i++) {
        night += strcmp(g.heard[i].receiver, "night") == 0;
        ops += strcmp(g.heard[i].receiver, "ops") == 0;
        all += strcmp(g.heard[i].receiver, "all") == 0;
        CHECK_EQ(g.heard[i].n, 1);
    }
    CHECK(night == 1 && ops == 1 && all == 1); /* market goes to night alone, quotes to the other two */
    rig_done(&g);
}

/* OBS-25: grouping, and when a group is told. */
TEST(a_group_is_told_once_then_of_changes_then_now_and_again) {
    Rig g;
    rig_init(&g, (const char *const[]){ ">ops;wait=30s;interval=5m;repeat=1h", NULL });
    AlertSample v[] = { sample(SIGNAL_SERVICE_DOWN, "a", 1), sample(SIGNAL_SERVICE_DOWN, "b", 1) };
    step(&g, 0, v, 1);
    CHECK_EQ(g.n, 0); /* others may follow at once */
    step(&g, 15 * SECOND, v, 2);
    CHECK_EQ(g.n, 0);
    step(&g, 15 * SECOND, v, 2);
    CHECK_EQ(g.n, 1);
    CHECK_EQ(g.heard[0].n, 2); /* both in one */
    steps(&g, 10 * MINUTE, v, 2);
    CHECK_EQ(g.n, 1); /* nothing has changed */
    step(&g, 15 * SECOND, v, 1);
    CHECK_EQ(g.n, 2); /* one is over: told at once, the interval has passed */
    CHECK(g.heard[1].firing && g.heard[1].n == 2);
    step(&g, 15 * SECOND, v, 2);
    CHECK_EQ(g.n, 2); /* the next change waits for the interval */
    steps(&g, 5 * MINUTE, v, 2);
    CHECK_EQ(g.n, 3);
    steps(&g, 61 * MINUTE, v, 2);
    CHECK_EQ(g.n, 4); /* it still fires */
    steps(&g, 10 * MINUTE, NULL, 0);
    CHECK_EQ(g.n, 5);
    CHECK(!g.heard[4].firing && g.heard[4].n == 2);
    CHECK_EQ(g.router->n_groups, 0);
    rig_done(&g);
}

TEST(groups_are_made_by_labels) {
    Rig g;
    rig_init(&g, (const char *const[]){ ">ops;wait=0s;group=alertname+service", NULL });
    AlertSample v[] = { sample(SIGNAL_SERVICE_DOWN, "a", 1), sample(SIGNAL_SERVICE_DOWN, "b", 1) };
    step(&g, 0, v, 2);
    CHECK_EQ(g.n, 2);
    rig_done(&g);
}

/* OBS-25: inhibition. */
TEST(a_critical_alert_keeps_the_warning_of_the_same_thing_quiet) {
    Rig g;
    rig_init(&g, (const char *const[]){ ">ops;wait=0s;interval=0s", NULL });
    AlertSample v[] = { sample(SIGNAL_ERROR_RATE, "", 0.2) };
    step(&g, 0, v, 1);
    CHECK_EQ(g.n, 1);
    CHECK_EQ(g.heard[0].n, 1);
    CHECK_EQ(g.book->n, 2);
    v[0].value = 0.07; /* the critical one ends after a while, the warning is heard then */
    steps(&g, 2 * MINUTE, v, 1);
    CHECK_EQ(g.n, 2);
    CHECK(g.heard[1].firing && g.heard[1].n == 2);
    AlertSample full[] = { sample(SIGNAL_CAPACITY, "disk", 0.99), sample(SIGNAL_CAPACITY, "memory", 0.92) };
    g.n = 0;
    steps(&g, 2 * MINUTE, full, 2);
    size_t told = 0;
    for (size_t i = 0; i < g.book->n; i++)
        told += g.book->v[i].state == ALERT_FIRING && !g.book->v[i].inhibited;
    CHECK_EQ(told, 2 + 0); /* disk: critical alone; memory: its warning is of another thing */
    rig_done(&g);
}

/* OBS-25: silences. */
TEST(a_silence_keeps_quiet_for_its_time) {
    Rig g;
    rig_init(&g, (const char *const[]){ ">ops;wait=0s", NULL });
    Silence s = { .from = clock_wall(g.t.cx.clock), .to = time_add_ms(clock_wall(g.t.cx.clock), 10 * MINUTE) };
    CHECK_OK(&g.t.cx, matchers_parse(&g.t.cx, S("alertname=ServiceDown+service=a"), &s.match));
    CHECK_OK(&g.t.cx, silence_add(g.router, &g.t.cx, &s, 77));
    AlertSample v[] = { sample(SIGNAL_SERVICE_DOWN, "a", 1), sample(SIGNAL_SERVICE_DOWN, "b", 1) };
    step(&g, 0, v, 1);
    CHECK_EQ(g.n, 0);
    CHECK_EQ(g.book->v[0].silenced, 77);
    step(&g, 15 * SECOND, v, 2);
    CHECK_EQ(g.n, 1); /* b is not meant */
    CHECK_EQ(g.heard[0].n, 1);
    steps(&g, 11 * MINUTE, v, 2);
    CHECK_EQ(g.router->n_silences, 0);
    CHECK_EQ(g.n, 2);
    CHECK_EQ(g.heard[1].n, 2);
    CHECK_EQ(silence_remove(g.router, &g.t.cx, 77), ERR_NOT_FOUND);
    s.match.n = 0;
    CHECK_EQ(silence_add(g.router, &g.t.cx, &s, 78), ERR_INVALID);
    rig_done(&g);
}

/* OBS-25: escalation on a virtual clock. */
TEST(what_goes_on_is_told_to_somebody_else_as_well_once) {
    Rig g;
    rig_init(&g, (const char *const[]){ "severity=critical>ops;wait=0s;escalate=15m:boss", NULL });
    AlertSample v[] = { sample(SIGNAL_SERVICE_DOWN, "a", 1) };
    step(&g, 0, v, 1);
    steps(&g, 15 * MINUTE - 15 * SECOND, v, 1);
    CHECK_EQ(g.n, 1);
    step(&g, 15 * SECOND, v, 1);
    CHECK_EQ(g.n, 2);
    CHECK_STR(str_c(g.heard[1].receiver), S("boss"));
    CHECK(g.heard[1].escalated);
    steps(&g, 60 * MINUTE, v, 1);
    CHECK_EQ(g.n, 2);
    step(&g, 15 * SECOND, NULL, 0);
    CHECK_EQ(g.n, 4); /* both hear of the end */
    CHECK(!g.heard[2].firing && !g.heard[3].firing);
    rig_done(&g);
}

TEST(routes_and_matchers_are_read_or_refused) {
    TestCtx t;
    test_ctx_init(&t);
    static const struct {
        const char *name, *text;
        bool ok;
    } rows[] = {
        { "all", ">ops", true },
        { "some", "severity=critical+alertname!=X>ops;group=service;wait=1s;interval=1m;repeat=2h;escalate=5m:b;more",
          true },
        { "no receiver", "severity=critical", false },
        { "empty receiver", "severity=critical>", false },
        { "no value", "severity>ops", false },
        { "no label", "=x>ops", false },
        { "five matchers", "a=1+b=1+c=1+d=1+e=1>ops", false },
        { "four labels", ">ops;group=a+b+c+d", false },
        { "unknown setting", ">ops;colour=red", false },
        { "no duration", ">ops;wait=soon", false },
        { "never again", ">ops;repeat=0s", false },
        { "escalation to nobody", ">ops;escalate=5m", false },
    };
    EACH_ROW (r, rows) {
        AlertRoute route;
        CHECK_EQ(alert_route_parse(&t.cx, str_c(r->text), &route) == 0, r->ok);
    }
    Matchers m;
    CHECK_OK(&t.cx, matchers_parse(&t.cx, S("a=b+c!=d"), &m));
    CHECK_STR(matchers_text(&m, &t.arena), S("a=b+c!=d"));
    test_ctx_done(&t);
}

/* --- payloads --- */

static Notice *two_alerts(Rig *g) {
    static AlertRoute route;
    alert_route_default(&route);
    Notice *n = arena_new(&g->t.arena, Notice);
    AlertSample v[] = { sample(SIGNAL_SERVICE_DOWN, "market", 1) };
    eval(g->book, &g->t, v, 1);
    *n = (Notice){ .receiver = "ops", .route = &route, .n = 2, .firing = true };
    n->alerts[0] = g->book->v[0];
    n->alerts[1] = g->book->v[0];
    memcpy(n->alerts[1].label, "a\"\r\nBcc: x", 11);
    n->alerts[1].state = ALERT_RESOLVED;
    n->alerts[1].resolved = time_add_ms(n->alerts[1].fired, MINUTE);
    n->alerts[0].fingerprint = n->alerts[1].fingerprint = 0xabc;
    return n;
}

#define LABELS "{\"alertname\":\"ServiceDown\",\"service\":\"market\",\"severity\":\"critical\"}"
#define NOTES  "{\"summary\":\"no instance of a service can be called\",\"value\":\"1\"}"

/* OBS-25, wire-platform §9.5. */
TEST(the_forms_are_those_of_the_receivers) {
    Rig g;
    rig_init(&g, (const char *const[]){ NULL });
    const Notice *n = two_alerts(&g);
    Buf b;
    JsonWriter w;
    buf_init(&b, 1 << 16);
    json_writer_init(&w, &b, false);
    payload_webhook(&w, n, S("http://h"));
    CHECK_STR(
        buf_str(&b),
        S("{\"version\":\"4\",\"groupKey\":\"{}:{alertname=\\\"ServiceDown\\\"}\",\"status\":\"firing\",\"receiver\":"
          "\"ops\",\"groupLabels\":{\"alertname\":\"ServiceDown\"},\"commonLabels\":{\"alertname\":\"ServiceDown\","
          "\"severity\":\"critical\"},\"commonAnnotations\":{\"summary\":\"no instance of a service can be called\"},"
          "\"externalURL\":\"http://h\",\"truncatedAlerts\":0,\"alerts\":[{\"status\":\"firing\",\"labels\":" LABELS
          ",\"annotations\":" NOTES ",\"startsAt\":\"2024-01-01T00:00:00Z\",\"endsAt\":\"0001-01-01T00:00:00Z\","
          "\"generatorURL\":\"http://h\",\"fingerprint\":\"0000000000000abc\"},{\"status\":\"resolved\",\"labels\":"
          "{\"alertname\":\"ServiceDown\",\"service\":\"a\\\"\\r\\nBcc: "
          "x\",\"severity\":\"critical\"},\"annotations\":" NOTES
          ",\"startsAt\":\"2024-01-01T00:00:00Z\",\"endsAt\":\"2024-01-01T00:01:00Z\",\"generatorURL\":\"http://h\","
          "\"fingerprint\":\"0000000000000abc\"}]}"));
    buf_clear(&b);
    json_writer_init(&w, &b, false);
    payload_alertmanager(&w, n, S("http://h"), time_add_ms(n->alerts[0].fired, 2 * MINUTE));
    CHECK(str_starts(buf_str(&b),
                     S("[{\"labels\":" LABELS ",\"annotations\":" NOTES ",\"startsAt\":\"2024-01-01T00:00:00Z\","
                       "\"endsAt\":\"2024-01-01T00:02:00Z\",\"generatorURL\":\"http://h\"},{")));
    buf_clear(&b);
    json_writer_init(&w, &b, false);
    payload_slack(&w, n);
    CHECK(str_starts(buf_str(&b),
                     S("{\"text\":\"[FIRING] ServiceDown critical (2)\",\"attachments\":[{\"color\":\"danger\"")));
    buf_clear(&b);
    payload_mail(&b, n, S("a@x"), S("b@y"), n->alerts[0].fired, 7);
    Str mail = buf_str(&b);
    CHECK(str_starts(mail, S("From: a@x\r\nTo: b@y\r\nSubject: [FIRING] ServiceDown critical (2)\r\n"
                             "Date: Mon, 01 Jan 2024 00:00:00 +0000\r\nMessage-ID: <0000000000000007@finsight>\r\n")));
    CHECK(str_find(mail, S("\nBcc")) < 0); /* what comes from outside forges no header */
    CHECK(str_find(mail, S("\r\n\r\nfiring critical: no instance")) > 0);
    buf_done(&b);
    rig_done(&g);
}

/* --- deliveries --- */

typedef struct FakeMailer {
    Mailer mailer; /* first */
    int answers[8];
    size_t n;
} FakeMailer;

static int fake_send(Mailer *m, Ctx *cx, const Mail *mail) {
    FakeMailer *f = (FakeMailer *)m;
    CHECK_OK_PLAIN(cx, !str_eq(mail->url, S("smtp://mail.example:25")));
    int r = f->answers[f->n++];
    return r ? err_set(cx, r, "scripted") : 0;
}

static const MailerOps fake_mailer_ops = { "fake", fake_send, NULL };

static int64_t outcome(Metrics *m, const char *word) {
    return (int64_t)counter_value(metrics_counter(m, "finsight_alert_notices_total",
                                                  "Notices to receivers, by what became of them.",
                                                  METRIC_L({ "outcome", str_c(word) })));
}

TEST(deliveries_are_repeated_where_that_can_help_and_bounded) {
    Rig g;
    rig_init(&g, (const char *const[]){ NULL });
    Receiver to[4];
    CHECK_OK(&g.t.cx, receiver_parse(&g.t.cx, S("ops=webhook:http://127.0.0.1:9/hook"), &to[0]));
    CHECK_OK(&g.t.cx, receiver_parse(&g.t.cx, S("am=alertmanager:http://127.0.0.1:9093/"), &to[1]));
    CHECK_OK(&g.t.cx, receiver_parse(&g.t.cx, S("chat=slack:https://hooks.example/x"), &to[2]));
    CHECK_OK(&g.t.cx, receiver_parse(&g.t.cx, S("post=mail:smtp://mail.example:25/a@x.org/b@y.org,c@y.org"), &to[3]));
    CHECK_STR(to[3].to, S("b@y.org,c@y.org"));
    FakeHttp *http = fake_http_new();
    FakeMailer mailer = { .mailer = { &fake_mailer_ops }, .answers = { ERR_UNAVAILABLE, 0, ERR_INVALID } };
    Metrics *m = metrics_new(100);
    IdsSeeded ids;
    ids_seeded_init(&ids, 3);
    Deliveries *d = deliveries_new(&(DeliveriesOptions){ .receivers = to,
                                                         .n_receivers = 4,
                                                         .http = fake_http_client(http),
                                                         .mailer = &mailer.mailer,
                                                         .metrics = m,
                                                         .ids = &ids.ids });
    Notice *n = two_alerts(&g);
    fake_http_reply(http, 200, "", S("")); /* ops */
    fake_http_reply(http, 503, "", S("")); /* am, again later */
    fake_http_reply(http, 404, "", S("")); /* chat: never */
    static const char *const names[] = { "ops", "am", "chat", "post", "nobody" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        n->receiver = names[i];
        deliveries_add(d, &g.t.cx, n);
    }
    CHECK_EQ(deliveries_waiting(d), 4);
    deliveries_run(d, &g.t.cx);
    CHECK_EQ(deliveries_waiting(d), 2); /* am and post */
    CHECK_STR(fake_http_url(http, 1), S("http://127.0.0.1:9093/api/v2/alerts"));
    deliveries_run(d, &g.t.cx);
    CHECK_EQ(fake_http_n(http), 3); /* not before its time */
    clock_manual_advance_ms(&g.t.clock, 2000);
    fake_http_reply(http, 200, "", S(""));
    deliveries_run(d, &g.t.cx);
    CHECK_EQ(deliveries_waiting(d), 0);
    CHECK_EQ(outcome(m, "sent"), 3);
    CHECK_EQ(outcome(m, "failed"), 1);
    CHECK_EQ(outcome(m, "retried"), 2);
    for (int i = 0; i < DELIVERIES_MAX + 5; i++) {
        n->receiver = "ops";
        deliveries_add(d, &g.t.cx, n);
    }
    CHECK_EQ(deliveries_waiting(d), DELIVERIES_MAX);
    CHECK_EQ(outcome(m, "failed"), 6);
    deliveries_free(d);
    metrics_free(m);
    fake_http_free(http);
    rig_done(&g);
}

TEST(receivers_are_read_or_refused_without_telling_their_secrets) {
    TestCtx t;
    test_ctx_init(&t);
    static const struct {
        const char *name, *text;
    } rows[] = {
        { "no name", "=webhook:http://h" },
        { "no kind", "ops=http://h/secret" },
        { "unknown kind", "ops=pager:http://secret" },
        { "not http", "ops=webhook:ftp://secret" },
        { "mail without sender", "m=mail:smtp://secret" },
        { "mail without receiver", "m=mail:smtp://secret/a@x" },
    };
    EACH_ROW (r, rows) {
        Receiver out;
        CHECK_EQ(receiver_parse(&t.cx, str_c(r->text), &out), ERR_USAGE);
        CHECK(str_find(str_c(t.cx.err.text), S("secret")) < 0);
    }
    FakeMailer mailer = { .mailer = { &fake_mailer_ops } };
    static const char *const addresses[] = { "a", "@x", "a@", "a@x\r\nDATA", "<a@x>", "a b@x" };
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        Mail mail = { S("smtp://mail.example:25"), S("ok@x"), str_c(addresses[i]), S("x") };
        CHECK_EQ(mailer_send(&mailer.mailer, &t.cx, &mail), ERR_INVALID);
    }
    test_ctx_done(&t);
}

/* --- the service --- */

TEST(the_service_raises_tells_lists_and_silences) {
    Rig g;
    rig_init(&g, (const char *const[]){ NULL });
    FakeHttp *http = fake_http_new();
    Metrics *m = metrics_new(100);
    IdsSeeded ids;
    ids_seeded_init(&ids, 3);
    Receiver to;
    CHECK_OK(&g.t.cx, receiver_parse(&g.t.cx, S("ops=webhook:http://127.0.0.1:9/hook"), &to));
    AlertServiceOptions o = {
        .deliver = { .receivers = &to, .n_receivers = 1, .http = fake_http_client(http), .metrics = m, .ids = &ids.ids }
    };
    AlertService *s;
    AlertRoute nowhere;
    CHECK_OK(&g.t.cx, alert_route_parse(&g.t.cx, S(">nobody"), &nowhere));
    o.routes = &nowhere;
    o.n_routes = 1;
    CHECK_EQ(alerts_new(&g.t.cx, &o, &s), ERR_USAGE);
    o.n_routes = 0;
    CHECK_OK(&g.t.cx, alerts_new(&g.t.cx, &o, &s));
    AlertSample v[] = { sample(SIGNAL_SERVICE_DOWN, "market", 1) };
    alerts_round(s, &g.t.cx, v, 1);
    Alert *list;
    CHECK_EQ(alerts_list(s, &g.t.arena, &list), 1);
    CHECK_EQ(list[0].state, ALERT_FIRING); /* within one evaluation */
    fake_http_reply(http, 200, "", S(""));
    clock_manual_advance_ms(&g.t.clock, 30 * SECOND);
    alerts_round(s, &g.t.cx, v, 1);
    CHECK_EQ(fake_http_n(http), 1);
    Silence silence = { .from = clock_wall(g.t.cx.clock), .to = time_add_ms(clock_wall(g.t.cx.clock), MINUTE) };
    CHECK_OK(&g.t.cx, matchers_parse(&g.t.cx, S("service=market"), &silence.match));
    CHECK_OK(&g.t.cx, alerts_silence(s, &g.t.cx, &silence));
    alerts_round(s, &g.t.cx, v, 1);
    alerts_list(s, &g.t.arena, &list);
    CHECK(list[0].silenced == silence.id && silence.id);
    Silence *silences;
    CHECK_EQ(alerts_silences(s, &g.t.arena, &silences), 1);
    CHECK_OK(&g.t.cx, alerts_unsilence(s, &g.t.cx, silence.id));
    CHECK_EQ(alerts_silences(s, &g.t.arena, &silences), 0);
    alerts_free(s);
    metrics_free(m);
    fake_http_free(http);
    rig_done(&g);
}

TESTS(T(each_threshold_is_where_the_documents_put_it), T(an_alert_is_pending_then_firing_then_over),
      T(a_clock_step_neither_fires_nor_resolves), T(a_flood_of_labels_is_bounded_and_counted),
      T(a_window_forgets_what_is_older), T(ten_failures_within_a_minute_are_noticed_and_nine_are_not),
      T(the_first_route_that_fits_takes_an_alert), T(a_group_is_told_once_then_of_changes_then_now_and_again),
      T(groups_are_made_by_labels), T(a_critical_alert_keeps_the_warning_of_the_same_thing_quiet),
      T(a_silence_keeps_quiet_for_its_time), T(what_goes_on_is_told_to_somebody_else_as_well_once),
      T(routes_and_matchers_are_read_or_refused), T(the_forms_are_those_of_the_receivers),
      T(deliveries_are_repeated_where_that_can_help_and_bounded),
      T(receivers_are_read_or_refused_without_telling_their_secrets), T(the_service_raises_tells_lists_and_silences))
