#pragma once

/* services/alerts/alert.h - rules and the alerts they raise. Pure: time is passed in.
 *
 * A rule looks at one signal. Each sample of the signal above the threshold is an alert of its own, known by the rule and
 * the sample's label ({service="market"}); it is pending until it has held for `for_ms`, then firing, and resolved when
 * the sample is no longer above, or no longer there, for keep_ms. Fingerprints are those of the labels, as Alertmanager
 * has them: the same labels are the same alert. */

#include "base/ctx.h"

typedef enum AlertSignal {
    SIGNAL_ERROR_RATE,    /* of the window's requests, 0 .. 1 */
    SIGNAL_LATENCY_P95,   /* seconds, of the window */
    SIGNAL_SERVICE_DOWN,  /* 1: no instance of a service can be called */
    SIGNAL_CAPACITY,      /* share in use of disk, memory, descriptors, connections, a queue */
    SIGNAL_FAILED_LOGINS, /* of one source, in the last minute */
    SIGNAL_DRIFT,         /* 1: a series is no longer what its model was taught with */
    SIGNALS
} AlertSignal;

typedef enum Severity { SEVERITY_WARNING, SEVERITY_CRITICAL } Severity;

typedef struct AlertRule {
    const char *name, *summary;
    AlertSignal signal;
    Severity severity;
    double above;
    bool at_least; /* the threshold itself is enough */
    int64_t for_ms, keep_ms;
    const char *label; /* what the sample's label is called; NULL: it has none */
} AlertRule;

/* The documents' own (OBS-20 .. OBS-24, SEC-28), and drift (FUT-10). */
extern const AlertRule alert_rules[];
extern const size_t n_alert_rules;

typedef struct AlertSample {
    AlertSignal signal;
    Str label; /* "market", "disk", an address; empty: none */
    double value;
} AlertSample;

typedef enum AlertState { ALERT_PENDING, ALERT_FIRING, ALERT_RESOLVED } AlertState;

enum { ALERTS_MAX = 256, ALERT_LABEL_MAX = 64 };

typedef struct Alert {
    const AlertRule *rule;
    char label[ALERT_LABEL_MAX]; /* of the sample; cut */
    AlertState state;
    double value;
    Time since, fired, resolved; /* wall, for people; 0: not yet */
    MonoNs began, last_seen;     /* by which it is decided */
    uint64_t fingerprint;
    /* of route.h */
    uint64_t silenced; /* id of the silence; 0: none */
    bool inhibited;
} Alert;

typedef struct AlertBook {
    Alert v[ALERTS_MAX]; /* pending, firing, and the last that were resolved */
    size_t n;
    int64_t dropped; /* found no room */
} AlertBook;

/* One evaluation. Resolved alerts stay for ALERT_REMEMBER_MS, so that whoever tells of them has the time. */
enum { ALERT_REMEMBER_MS = 15 * 60 * 1000 };
void alert_book_eval(AlertBook *b, const AlertRule *rules, size_t n_rules, const AlertSample *v, size_t n, Time wall,
                     MonoNs now);

const char *alert_state_name(AlertState s);
const char *severity_name(Severity s);
/* The value of a label of an alert: alertname, severity, and the rule's own; false: it has none of that name. */
bool alert_label(const Alert *a, Str name, Str *value);
