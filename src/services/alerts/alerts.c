/* services/alerts/alerts.c - see alerts.h. */

#include "services/alerts/alerts.h"

#include <pthread.h>
#include <stdlib.h>

struct AlertService {
    pthread_mutex_t lock; /* of book and router; never held over a delivery */
    AlertBook book;
    Router router;
    Deliveries *deliveries; /* the round's alone */
    Ids *ids;
    Logger *log;
    Gauge *firing[2]; /* by Severity */
};

static int check_receiver(Ctx *cx, const AlertService *s, const char *name) {
    if (!name[0] || deliveries_know(s->deliveries, name))
        return 0;
    return err_set_at(cx, ERR_USAGE, S("alerts.routes"), "a route leads to the receiver '%s', which is none of %s",
                      name, "alerts.receivers");
}

static void every_receiver(Router *r, const DeliveriesOptions *o) {
    for (size_t i = 0; i < o->n_receivers && r->n_routes < ALERT_ROUTES_MAX; i++) {
        AlertRoute *route = &r->routes[r->n_routes++];
        alert_route_default(route);
        memcpy(route->receiver, o->receivers[i].name, sizeof route->receiver);
        route->more = true;
    }
}

int alerts_new(Ctx *cx, const AlertServiceOptions *o, AlertService **out) {
    AlertService *s = mem_new(AlertService);
    int r = 0;
    pthread_mutex_init(&s->lock, NULL);
    s->ids = o->deliver.ids;
    s->log = o->deliver.log;
    s->deliveries = deliveries_new(&o->deliver);
    for (size_t i = 0; r == 0 && i < MIN(o->n_routes, (size_t)ALERT_ROUTES_MAX); i++) {
        s->router.routes[s->router.n_routes++] = o->routes[i];
        r = check_receiver(cx, s, o->routes[i].receiver);
        if (r == 0)
            r = check_receiver(cx, s, o->routes[i].escalate_to);
    }
    if (o->n_routes == 0)
        every_receiver(&s->router, &o->deliver);
    for (int k = 0; k < 2; k++)
        s->firing[k] = metrics_gauge(o->deliver.metrics, "finsight_alerts_firing", "Alerts that fire, by severity.",
                                     METRIC_L({ "severity", str_c(severity_name((Severity)k)) }));
    if (r != 0) {
        alerts_free(s);
        return r;
    }
    *out = s;
    return 0;
}

AlertService *alerts_free(AlertService *s) {
    if (!s)
        return NULL;
    deliveries_free(s->deliveries);
    pthread_mutex_destroy(&s->lock);
    return mem_free(s);
}

typedef struct Collecting {
    AlertService *s;
    Ctx *cx;
} Collecting;

static void on_notice(void *arg, const Notice *n) {
    const Collecting *c = arg;
    deliveries_add(c->s->deliveries, c->cx, n);
}

/* A change of state is a line of the log, whoever else is told. */
static void log_changes(const AlertService *s, const AlertBook *before) {
    for (size_t i = 0; i < s->book.n; i++) {
        const Alert *a = &s->book.v[i];
        AlertState was = ALERT_PENDING;
        for (size_t k = 0; k < before->n; k++)
            if (before->v[k].fingerprint == a->fingerprint && before->v[k].since.ms == a->since.ms)
                was = before->v[k].state;
        if (a->state == was)
            continue;
        LOG_WARNING(s->log, NULL, a->state == ALERT_FIRING ? S("an alert fires") : S("an alert is over"),
                    F_STR("alert", str_c(a->rule->name)), F_STR("severity", str_c(severity_name(a->rule->severity))),
                    F_STR("of", str_c(a->label)), F_F64("value", a->value));
    }
}

void alerts_round(AlertService *s, Ctx *cx, const AlertSample *v, size_t n) {
    Time wall = clock_wall(cx->clock);
    MonoNs now = clock_mono(cx->clock);
    AlertBook *before = mem_new(AlertBook);
    pthread_mutex_lock(&s->lock);
    *before = s->book;
    alert_book_eval(&s->book, alert_rules, n_alert_rules, v, n, wall, now);
    router_run(&s->router, &s->book, wall, now, on_notice, &(Collecting){ s, cx });
    int64_t firing[2] = { 0 };
    for (size_t i = 0; i < s->book.n; i++)
        firing[s->book.v[i].rule->severity] += s->book.v[i].state == ALERT_FIRING;
    log_changes(s, before);
    pthread_mutex_unlock(&s->lock);
    for (int k = 0; k < 2; k++)
        gauge_set(s->firing[k], (double)firing[k]);
    mem_free(before);
    deliveries_run(s->deliveries, cx);
}

static int by_state(const void *a, const void *b) {
    static const int order[] = { [ALERT_FIRING] = 0, [ALERT_PENDING] = 1, [ALERT_RESOLVED] = 2 };
    const Alert *x = a, *y = b;
    int d = order[x->state] - order[y->state];
    return d ? d : (x->since.ms < y->since.ms) - (x->since.ms > y->since.ms);
}

size_t alerts_list(AlertService *s, Arena *a, Alert **out) {
    pthread_mutex_lock(&s->lock);
    size_t n = s->book.n;
    *out = arena_new_n(a, Alert, n);
    if (n)
        memcpy(*out, s->book.v, n * sizeof **out);
    pthread_mutex_unlock(&s->lock);
    if (n)
        qsort(*out, n, sizeof **out, by_state);
    return n;
}

size_t alerts_silences(AlertService *s, Arena *a, Silence **out) {
    pthread_mutex_lock(&s->lock);
    size_t n = s->router.n_silences;
    *out = arena_new_n(a, Silence, n);
    if (n)
        memcpy(*out, s->router.silences, n * sizeof **out);
    pthread_mutex_unlock(&s->lock);
    return n;
}

int alerts_silence(AlertService *s, Ctx *cx, Silence *silence) {
    silence->id = ids_u64(s->ids);
    pthread_mutex_lock(&s->lock);
    int r = silence_add(&s->router, cx, silence, silence->id);
    pthread_mutex_unlock(&s->lock);
    return r;
}

int alerts_unsilence(AlertService *s, Ctx *cx, uint64_t id) {
    pthread_mutex_lock(&s->lock);
    int r = silence_remove(&s->router, cx, id);
    pthread_mutex_unlock(&s->lock);
    return r;
}
