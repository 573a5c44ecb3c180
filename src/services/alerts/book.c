/* services/alerts/book.c - the documents' rules and our own of drift, and how alerts come and go; see alert.h. */

#include "services/alerts/alert.h"

#include "base/hash.h"

#define MINUTE (60 * 1000)

/* clang-format off */
const AlertRule alert_rules[] = {
    { "HighErrorRate", "more than 5 % of requests fail", SIGNAL_ERROR_RATE, SEVERITY_WARNING, 0.05, false, 0, MINUTE, NULL },
    { "HighErrorRate", "more than 10 % of requests fail", SIGNAL_ERROR_RATE, SEVERITY_CRITICAL, 0.10, false, 0, MINUTE, NULL },
    { "HighLatency", "5 % of requests take longer than 200 ms", SIGNAL_LATENCY_P95, SEVERITY_WARNING, 0.2, false, MINUTE, MINUTE, NULL },
    { "ServiceDown", "no instance of a service can be called", SIGNAL_SERVICE_DOWN, SEVERITY_CRITICAL, 0, false, 0, 0, "service" },
    { "HighCapacity", "more than 90 % of a resource is in use", SIGNAL_CAPACITY, SEVERITY_WARNING, 0.90, false, MINUTE, MINUTE, "resource" },
    { "HighCapacity", "more than 95 % of a resource is in use", SIGNAL_CAPACITY, SEVERITY_CRITICAL, 0.95, false, MINUTE, MINUTE, "resource" },
    { "FailedLogins", "ten failed logins a minute from one source", SIGNAL_FAILED_LOGINS, SEVERITY_WARNING, 10, true, 0, 10 * MINUTE, "source" },
    { "ModelDrift", "a series is no longer what its model was taught with", SIGNAL_DRIFT, SEVERITY_WARNING, 0, false, MINUTE, 5 * MINUTE, "series" },
};
/* clang-format on */
const size_t n_alert_rules = ARRAY_LEN(alert_rules);

const char *alert_state_name(AlertState s) {
    static const char *const names[] = { "pending", "firing", "resolved" };
    return names[s];
}

const char *severity_name(Severity s) {
    return s == SEVERITY_CRITICAL ? "critical" : "warning";
}

bool alert_label(const Alert *a, Str name, Str *value) {
    if (str_eq(name, S("alertname")))
        *value = str_c(a->rule->name);
    else if (str_eq(name, S("severity")))
        *value = str_c(severity_name(a->rule->severity));
    else if (a->rule->label && str_eq(name, str_c(a->rule->label)))
        *value = str_c(a->label);
    else
        return false;
    return true;
}

static uint64_t fingerprint_of(const AlertRule *r, const char *label) {
    enum { SEED = 0 };
    uint64_t h = hash64(r->name, strlen(r->name), SEED);
    h = hash64(severity_name(r->severity), strlen(severity_name(r->severity)), h);
    return hash64(label, strlen(label), h);
}

static void copy_label(char to[static ALERT_LABEL_MAX], Str s) {
    size_t n = MIN(s.n, (size_t)ALERT_LABEL_MAX - 1);
    memcpy(to, n ? s.p : "", n);
    to[n] = '\0';
}

static Alert *find(AlertBook *b, const AlertRule *rule, const char *label) {
    for (size_t i = 0; i < b->n; i++)
        if (b->v[i].rule == rule && b->v[i].state != ALERT_RESOLVED && strcmp(b->v[i].label, label) == 0)
            return &b->v[i];
    return NULL;
}

static Alert *open_one(AlertBook *b, const AlertRule *rule, const char *label, Time wall, MonoNs now) {
    if (b->n == ALERTS_MAX) {
        b->dropped++;
        return NULL;
    }
    Alert *a = &b->v[b->n++];
    *a = (Alert){ .rule = rule, .since = wall, .began = now, .fingerprint = fingerprint_of(rule, label) };
    memcpy(a->label, label, sizeof a->label);
    return a;
}

static void see(AlertBook *b, const AlertRule *rule, const AlertSample *s, Time wall, MonoNs now) {
    char label[ALERT_LABEL_MAX] = "";
    if (rule->label)
        copy_label(label, s->label);
    Alert *a = find(b, rule, label);
    if (!a)
        a = open_one(b, rule, label, wall, now);
    if (!a)
        return;
    a->value = s->value;
    a->last_seen = now;
    if (a->state == ALERT_PENDING && mono_ms_between(a->began, now) >= rule->for_ms) {
        a->state = ALERT_FIRING;
        a->fired = wall;
    }
}

/* What was not seen this time: a pending one was nothing; a firing one ends when it has not been seen for keep_ms. */
static void end_unseen(AlertBook *b, Time wall, MonoNs now) {
    size_t kept = 0;
    for (size_t i = 0; i < b->n; i++) {
        Alert *a = &b->v[i];
        bool unseen = a->last_seen.ns != now.ns && a->state != ALERT_RESOLVED;
        if (unseen && a->state == ALERT_PENDING)
            continue;
        if (unseen && mono_ms_between(a->last_seen, now) >= a->rule->keep_ms) {
            a->state = ALERT_RESOLVED;
            a->resolved = wall;
            a->last_seen = now;
        }
        if (a->state == ALERT_RESOLVED && mono_ms_between(a->last_seen, now) >= ALERT_REMEMBER_MS)
            continue;
        b->v[kept++] = *a;
    }
    b->n = kept;
}

void alert_book_eval(AlertBook *b, const AlertRule *rules, size_t n_rules, const AlertSample *v, size_t n, Time wall,
                     MonoNs now) {
    for (size_t i = 0; i < n_rules; i++)
        for (size_t k = 0; k < n; k++) {
            const AlertRule *r = &rules[i];
            bool above = v[k].value > r->above || (r->at_least && v[k].value >= r->above);
            if (v[k].signal == r->signal && above)
                see(b, r, &v[k], wall, now);
        }
    end_unseen(b, wall, now);
}
