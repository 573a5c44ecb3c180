/* services/alerts/route.c - see route.h. */

#include "services/alerts/route.h"

#include "base/buf.h"
#include "base/hash.h"

/* --- matchers and routes from text --- */

static bool take_text(char *to, size_t cap, Str s) {
    if (s.n == 0 || s.n >= cap)
        return false;
    memcpy(to, s.p, s.n);
    to[s.n] = '\0';
    return true;
}

int matchers_parse(Ctx *cx, Str text, Matchers *out) {
    Str rest = text, one;
    *out = (Matchers){ .n = 0 };
    while (rest.n && str_next(&rest, '+', &one)) {
        Matcher *m = &out->v[out->n];
        ptrdiff_t at = str_find_char(one, '=');
        bool negated = at > 0 && one.p[at - 1] == '!';
        if (out->n == MATCHERS_MAX || at < 1 ||
            !take_text(m->label, sizeof m->label, str_trim(str_first(one, (size_t)at - negated))) ||
            !take_text(m->value, sizeof m->value, str_trim(str_from(one, (size_t)at + 1))))
            return err_set(cx, ERR_USAGE,
                           "'" STR_FMT "': write LABEL=VALUE or LABEL!=VALUE, at most %d of them with + between",
                           STR_ARG(text), MATCHERS_MAX);
        m->negated = negated;
        out->n++;
    }
    return 0;
}

bool matchers_fit(const Matchers *m, const Alert *a) {
    for (size_t i = 0; i < m->n; i++) {
        Str have = { 0 };
        bool same = alert_label(a, str_c(m->v[i].label), &have) && str_eq(have, str_c(m->v[i].value));
        if (same == m->v[i].negated)
            return false;
    }
    return true;
}

Str matchers_text(const Matchers *m, Arena *a) {
    Str out = S("");
    for (size_t i = 0; i < m->n; i++)
        out = str_fmt(a, STR_FMT "%s%s%s%s", STR_ARG(out), i ? "+" : "", m->v[i].label, m->v[i].negated ? "!=" : "=",
                      m->v[i].value);
    return out;
}

void alert_route_default(AlertRoute *r) {
    *r = (AlertRoute){
        .wait_ms = 30 * 1000, .interval_ms = 5 * 60 * 1000, .repeat_ms = 4 * 3600 * 1000, .n_group_by = 1
    };
    memcpy(r->group_by[0], "alertname", 10);
}

static int route_fault(Ctx *cx, Str text, const char *why) {
    return err_set_at(cx, ERR_USAGE, S("alerts.routes"), "'" STR_FMT "': %s", STR_ARG(text), why);
}

static bool take_setting(AlertRoute *r, Str name, Str value) {
    if (str_eq(name, S("wait")))
        return duration_parse_ms(value, &r->wait_ms);
    if (str_eq(name, S("interval")))
        return duration_parse_ms(value, &r->interval_ms);
    if (str_eq(name, S("repeat")))
        return duration_parse_ms(value, &r->repeat_ms) && r->repeat_ms > 0;
    if (str_eq(name, S("more"))) {
        r->more = true;
        return value.n == 0;
    }
    if (str_eq(name, S("escalate"))) {
        Str after;
        return str_next(&value, ':', &after) && duration_parse_ms(after, &r->escalate_ms) && r->escalate_ms > 0 &&
               take_text(r->escalate_to, sizeof r->escalate_to, value);
    }
    if (!str_eq(name, S("group")))
        return false;
    Str label;
    for (r->n_group_by = 0; value.n && str_next(&value, '+', &label); r->n_group_by++)
        if (r->n_group_by == GROUP_LABELS_MAX || !take_text(r->group_by[r->n_group_by], MATCHER_TEXT_MAX, label))
            return false;
    return true;
}

int alert_route_parse(Ctx *cx, Str text, AlertRoute *out) {
    AlertRoute r;
    Str rest = text, head, setting;
    alert_route_default(&r);
    str_next(&rest, ';', &head);
    ptrdiff_t arrow = str_find_char(head, '>');
    if (arrow < 0 || !take_text(r.receiver, sizeof r.receiver, str_trim(str_from(head, (size_t)arrow + 1))))
        return route_fault(cx, text, "write MATCHERS>RECEIVER, such as severity=critical>ops");
    int e = matchers_parse(cx, str_trim(str_first(head, (size_t)arrow)), &r.match);
    if (e != 0)
        return e;
    while (rest.n && str_next(&rest, ';', &setting)) {
        Str value = setting, name;
        str_next(&value, '=', &name);
        if (!take_setting(&r, str_trim(name), str_trim(value)))
            return route_fault(cx, text,
                               "settings are group=, wait=, interval=, repeat=, escalate=TIME:RECEIVER and more");
    }
    *out = r;
    return 0;
}

/* --- silences and inhibition --- */

int silence_add(Router *r, Ctx *cx, const Silence *s, uint64_t id) {
    if (s->match.n == 0)
        return err_set_at(cx, ERR_INVALID, S("matchers"), "a silence of everything is refused: name what it is for");
    if (s->to.ms <= s->from.ms)
        return err_set_at(cx, ERR_INVALID, S("minutes"), "a silence ends after it begins");
    if (r->n_silences == SILENCES_MAX)
        return err_set(cx, ERR_LIMIT, "there are %d silences; remove one", SILENCES_MAX);
    r->silences[r->n_silences] = *s;
    r->silences[r->n_silences++].id = id;
    return 0;
}

int silence_remove(Router *r, Ctx *cx, uint64_t id) {
    for (size_t i = 0; i < r->n_silences; i++)
        if (r->silences[i].id == id) {
            r->silences[i] = r->silences[--r->n_silences];
            return 0;
        }
    return err_set(cx, ERR_NOT_FOUND, "there is no such silence, or it is over");
}

static void forget_silences(Router *r, Time wall) {
    for (size_t i = r->n_silences; i-- > 0;)
        if (r->silences[i].to.ms <= wall.ms)
            r->silences[i] = r->silences[--r->n_silences];
}

static uint64_t silence_of(const Router *r, const Alert *a, Time wall) {
    for (size_t i = 0; i < r->n_silences; i++)
        if (r->silences[i].from.ms <= wall.ms && matchers_fit(&r->silences[i].match, a))
            return r->silences[i].id;
    return 0;
}

/* A critical alert says what the warning of the same thing says. */
static bool inhibited(const AlertBook *b, const Alert *a) {
    if (a->rule->severity != SEVERITY_WARNING)
        return false;
    for (size_t i = 0; i < b->n; i++) {
        const Alert *other = &b->v[i];
        if (other->state == ALERT_FIRING && other->rule->severity == SEVERITY_CRITICAL &&
            strcmp(other->rule->name, a->rule->name) == 0 && strcmp(other->label, a->label) == 0)
            return true;
    }
    return false;
}

/* --- groups --- */

static uint64_t group_key(const AlertRoute *route, size_t nr, const Alert *a) {
    uint64_t h = hash64(&nr, sizeof nr, 1);
    for (size_t i = 0; i < route->n_group_by; i++) {
        Str v = { 0 };
        alert_label(a, str_c(route->group_by[i]), &v);
        h = hash64(v.n ? v.p : "", v.n, h + v.n);
    }
    return h;
}

static AlertGroup *group_of(Router *r, size_t nr, const Alert *a, MonoNs now) {
    uint64_t key = group_key(&r->routes[nr], nr, a);
    for (size_t i = 0; i < r->n_groups; i++)
        if (r->groups[i].key == key)
            return &r->groups[i];
    if (r->n_groups == ALERT_GROUPS_MAX) {
        r->dropped++;
        return NULL;
    }
    AlertGroup *g = &r->groups[r->n_groups++];
    *g = (AlertGroup){ .route = &r->routes[nr], .key = key, .began = now };
    return g;
}

static Told *told_of(AlertGroup *g, const Alert *a) {
    for (size_t i = 0; i < g->n_told; i++)
        if (g->told[i].fingerprint == a->fingerprint && g->told[i].fired.ms == a->fired.ms)
            return &g->told[i];
    return NULL;
}

/* When the group has something to tell of this alert. */
static void want(AlertGroup *g, MonoNs at) {
    if (!g->due.ns || at.ns < g->due.ns)
        g->due = at;
}

static void look_at(AlertGroup *g, const Alert *a, MonoNs now) {
    Told *t = told_of(g, a);
    const AlertRoute *route = g->route;
    MonoNs next = g->ever ? mono_add_ms(g->last, route->interval_ms) : mono_add_ms(g->began, route->wait_ms);
    if (next.ns < now.ns)
        next = now;
    if (a->state == ALERT_FIRING && !t)
        want(g, next);
    else if (a->state == ALERT_FIRING)
        want(g, mono_add_ms(g->last, route->repeat_ms));
    else if (t && !t->resolved)
        want(g, next);
}

static bool belongs(Router *r, const AlertGroup *g, const Alert *a) {
    size_t nr = (size_t)(g->route - r->routes);
    for (size_t i = 0; i < nr; i++) /* an earlier route took it */
        if (matchers_fit(&r->routes[i].match, a) && !r->routes[i].more)
            return false;
    return matchers_fit(&g->route->match, a) && group_key(g->route, nr, a) == g->key;
}

static bool hidden(const Alert *a) {
    return a->silenced || a->inhibited;
}

static void remember(AlertGroup *g, const Notice *n) {
    g->n_told = 0;
    for (size_t i = 0; i < n->n; i++)
        g->told[g->n_told++] =
            (Told){ n->alerts[i].fingerprint, n->alerts[i].fired, n->alerts[i].state == ALERT_RESOLVED };
}

static void gather(Router *r, AlertGroup *g, const AlertBook *b, Notice *n) {
    *n = (Notice){ .receiver = g->route->receiver, .route = g->route, .group = g->key };
    for (size_t i = 0; i < b->n && n->n < GROUP_ALERTS_MAX; i++) {
        const Alert *a = &b->v[i];
        const Told *t = told_of(g, a);
        bool ended = a->state == ALERT_RESOLVED && t && !t->resolved;
        if ((ended || (a->state == ALERT_FIRING && !hidden(a))) && belongs(r, g, a)) {
            n->alerts[n->n++] = *a;
            n->firing |= a->state == ALERT_FIRING;
        }
    }
}

typedef struct Hand {
    void (*fn)(void *arg, const Notice *n);
    void *arg;
} Hand;

static void tell(Router *r, AlertGroup *g, const AlertBook *b, MonoNs now, const Hand *hand, Notice *n) {
    gather(r, g, b, n);
    bool due = g->due.ns && g->due.ns <= now.ns && n->n > 0;
    bool up = n->firing && g->ever && !g->escalated && g->route->escalate_ms > 0 &&
              mono_ms_between(g->began, now) >= g->route->escalate_ms;
    if (due) {
        hand->fn(hand->arg, n);
        g->ever = true;
        g->last = now;
    }
    if (up) {
        n->receiver = g->route->escalate_to;
        n->escalated = true;
        hand->fn(hand->arg, n);
        g->escalated = true;
    }
    if (due && g->escalated && !n->firing) { /* whoever was called is told of the end */
        n->receiver = g->route->escalate_to;
        hand->fn(hand->arg, n);
    }
    if (due)
        remember(g, n);
}

/* A group that has nothing more to say is forgotten. */
static bool is_over(Router *r, const AlertGroup *g, const AlertBook *b) {
    for (size_t i = 0; i < b->n; i++)
        if (b->v[i].state == ALERT_FIRING && belongs(r, g, &b->v[i]))
            return false;
    for (size_t i = 0; i < g->n_told; i++)
        if (!g->told[i].resolved)
            return false;
    return true;
}

void router_run(Router *r, AlertBook *book, Time wall, MonoNs now, void (*fn)(void *arg, const Notice *n), void *arg) {
    forget_silences(r, wall);
    for (size_t i = 0; i < book->n; i++) {
        book->v[i].silenced = silence_of(r, &book->v[i], wall);
        book->v[i].inhibited = inhibited(book, &book->v[i]);
    }
    for (size_t i = 0; i < r->n_groups; i++)
        r->groups[i].due = (MonoNs){ 0 };
    for (size_t i = 0; i < book->n; i++) {
        const Alert *a = &book->v[i];
        bool goes_on = a->state != ALERT_PENDING;
        for (size_t k = 0; goes_on && k < r->n_routes; k++) {
            if (!matchers_fit(&r->routes[k].match, a))
                continue;
            bool silent = a->state == ALERT_FIRING && hidden(a);
            AlertGroup *g = silent ? NULL : group_of(r, k, a, now);
            if (g)
                look_at(g, a, now);
            goes_on = r->routes[k].more;
        }
    }
    Notice *n = mem_new(Notice);
    Hand hand = { fn, arg };
    for (size_t i = r->n_groups; i-- > 0;) {
        tell(r, &r->groups[i], book, now, &hand, n);
        if (is_over(r, &r->groups[i], book))
            r->groups[i] = r->groups[--r->n_groups];
    }
    mem_free(n);
}
