#pragma once

/* services/alerts/route.h - who is told of which alerts, and when. Pure: time is passed in.
 *
 * Alertmanager's model: the first route whose matchers fit takes an alert (and, with `more`, those after it too). Alerts
 * of a route with the same values of its group labels are one group and told together: first after wait_ms, of changes
 * after interval_ms, of what goes on firing after repeat_ms. A silence keeps what fits it untold for its time; a firing
 * critical alert keeps the warnings untold that have its name and label (inhibition). What fires for longer than
 * escalate_ms is told to escalate_to as well, once.
 *
 * A notice is handed out once and counts as told then: whoever delivers it repeats what fails (deliver.h). */

#include "services/alerts/alert.h"

enum { MATCHERS_MAX = 4, MATCHER_TEXT_MAX = 64, ALERT_ROUTES_MAX = 16, ALERT_GROUPS_MAX = 64, SILENCES_MAX = 128 };
enum { GROUP_LABELS_MAX = 3, RECEIVER_NAME_MAX = 32, SILENCE_TEXT_MAX = 160, GROUP_ALERTS_MAX = 64 };

typedef struct Matcher { /* label = value, or with `negated` != */
    char label[MATCHER_TEXT_MAX], value[MATCHER_TEXT_MAX];
    bool negated;
} Matcher;

typedef struct Matchers { /* all of them; none fits every alert */
    Matcher v[MATCHERS_MAX];
    size_t n;
} Matchers;

/* "severity=critical+service!=quotes". 0 or ERR_USAGE with words. */
int matchers_parse(Ctx *cx, Str text, Matchers *out);
bool matchers_fit(const Matchers *m, const Alert *a);
Str matchers_text(const Matchers *m, Arena *a);

typedef struct AlertRoute {
    Matchers match;
    char receiver[RECEIVER_NAME_MAX];
    char group_by[GROUP_LABELS_MAX][MATCHER_TEXT_MAX];
    size_t n_group_by;
    int64_t wait_ms, interval_ms, repeat_ms;
    int64_t escalate_ms; /* 0: never */
    char escalate_to[RECEIVER_NAME_MAX];
    bool more; /* routes behind it are looked at too */
} AlertRoute;
void alert_route_default(AlertRoute *r); /* group by alertname; 30 s, 5 min, 4 h */
/* "MATCHERS>RECEIVER;group=alertname+service;wait=30s;interval=5m;repeat=4h;escalate=15m:RECEIVER;more". 0 or ERR_USAGE. */
int alert_route_parse(Ctx *cx, Str text, AlertRoute *out);

typedef struct Silence {
    uint64_t id;
    Matchers match;
    Time from, to;
    char by[MATCHER_TEXT_MAX], comment[SILENCE_TEXT_MAX];
} Silence;

typedef struct Told { /* of one alert in one group */
    uint64_t fingerprint;
    Time fired;
    bool resolved;
} Told;

typedef struct AlertGroup {
    const AlertRoute *route;
    uint64_t key;
    MonoNs due, last; /* due ns 0: nothing to tell */
    MonoNs began;     /* its oldest firing alert was first seen here */
    bool ever, escalated;
    Told told[GROUP_ALERTS_MAX];
    size_t n_told;
} AlertGroup;

typedef struct Router {
    AlertRoute routes[ALERT_ROUTES_MAX];
    size_t n_routes;
    Silence silences[SILENCES_MAX];
    size_t n_silences;
    AlertGroup groups[ALERT_GROUPS_MAX];
    size_t n_groups;
    int64_t dropped; /* groups that found no room */
} Router;

/* One message to one receiver. */
typedef struct Notice {
    const char *receiver;
    const AlertRoute *route;
    uint64_t group;
    bool escalated;
    Alert alerts[GROUP_ALERTS_MAX]; /* those that fire, and those resolved since the last notice */
    size_t n;
    bool firing; /* at least one of them fires */
} Notice;

/* Marks what is silenced and inhibited in the book, forgets silences that are over, and hands every notice that is due to
 * fn. */
void router_run(Router *r, AlertBook *book, Time wall, MonoNs now, void (*fn)(void *arg, const Notice *n), void *arg);

/* 0 and its id, or ERR_LIMIT, ERR_INVALID with words. */
int silence_add(Router *r, Ctx *cx, const Silence *s, uint64_t id);
int silence_remove(Router *r, Ctx *cx, uint64_t id); /* ERR_NOT_FOUND */
