/* services/alerts/deliver.c - see deliver.h. */

#include "services/alerts/deliver.h"

#include "services/alerts/payload.h"

enum {
    BODY_MAX = 256 << 10,
    ATTEMPTS = 8,
    BASE_MS = 1000,
    MOST_MS = 5 * 60 * 1000,
    CALL_MS = 10 * 1000,
    ANSWER_MAX = 64 << 10
};

typedef struct Delivery {
    const Receiver *to;
    Buf body;
    int attempts;
    MonoNs not_before;
} Delivery;

struct Deliveries {
    DeliveriesOptions o;
    Receiver receivers[RECEIVERS_MAX];
    size_t n_receivers;
    Delivery v[DELIVERIES_MAX]; /* in the order they came */
    size_t n;
    Counter *sent, *failed, *retried;
};

/* --- receivers --- */

static int receiver_fault(Ctx *cx, const char *why) {
    return err_set_at(cx, ERR_USAGE, S("alerts.receivers"), "%s", why);
}

static bool mail_parts(Receiver *r, Str url) {
    ptrdiff_t scheme = str_find(url, S("://"));
    if (scheme < 0)
        return false;
    Str rest = str_from(url, (size_t)scheme + 3);
    ptrdiff_t slash = str_find_char(rest, '/');
    if (slash < 1)
        return false;
    r->url = str_n(url.p, (size_t)scheme + 3 + (size_t)slash);
    Str path = str_from(rest, (size_t)slash + 1);
    return str_next(&path, '/', &r->from) && r->from.n && (r->to = path).n;
}

int receiver_parse(Ctx *cx, Str text, Receiver *out) {
    static const char *const kinds[] = { "webhook", "alertmanager", "slack", "mail" };
    Receiver r = { .kind = RECEIVER_MAIL };
    ptrdiff_t equals = str_find_char(text, '='), colon = str_find_char(text, ':');
    if (equals < 1 || equals >= RECEIVER_NAME_MAX || colon < equals)
        return receiver_fault(cx, "write NAME=KIND:URL, such as ops=webhook:http://127.0.0.1:9000/hook");
    memcpy(r.name, text.p, (size_t)equals);
    Str kind = str_n(text.p + equals + 1, (size_t)(colon - equals - 1)), url = str_from(text, (size_t)colon + 1);
    bool known = false;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_eq(kind, str_c(kinds[i]))) {
            r.kind = (ReceiverKind)i;
            known = true;
        }
    if (!known)
        return receiver_fault(cx, "kinds of receivers are webhook, alertmanager, slack and mail");
    if (r.kind == RECEIVER_MAIL) {
        if (!mail_parts(&r, url))
            return receiver_fault(cx, "a receiver of mail is NAME=mail:smtp://HOST[:PORT]/FROM/TO");
    } else {
        HttpUrl parts;
        r.url = url;
        if (http_url_parse(cx, url, &parts) != 0)
            return receiver_fault(cx, "the URL of a receiver is none of http or https");
    }
    *out = r;
    return 0;
}

/* --- the queue --- */

Deliveries *deliveries_new(const DeliveriesOptions *o) {
    assert(o->n_receivers <= RECEIVERS_MAX);
    Deliveries *d = mem_new(Deliveries);
    d->o = *o;
    d->n_receivers = o->n_receivers;
    memcpy(d->receivers, o->n_receivers ? o->receivers : d->receivers, o->n_receivers * sizeof d->receivers[0]);
    const char *name = "finsight_alert_notices_total", *help = "Notices to receivers, by what became of them.";
    d->sent = metrics_counter(o->metrics, name, help, METRIC_L({ "outcome", S("sent") }));
    d->failed = metrics_counter(o->metrics, name, help, METRIC_L({ "outcome", S("failed") }));
    d->retried = metrics_counter(o->metrics, name, help, METRIC_L({ "outcome", S("retried") }));
    return d;
}

static void drop(Deliveries *d, size_t i) {
    buf_done(&d->v[i].body);
    memmove(&d->v[i], &d->v[i + 1], (d->n - i - 1) * sizeof d->v[0]);
    d->n--;
}

Deliveries *deliveries_free(Deliveries *d) {
    if (!d)
        return NULL;
    while (d->n)
        drop(d, d->n - 1);
    return mem_free(d);
}

static const Receiver *receiver_of(const Deliveries *d, const char *name) {
    for (size_t i = 0; i < d->n_receivers; i++)
        if (strcmp(d->receivers[i].name, name) == 0)
            return &d->receivers[i];
    return NULL;
}

bool deliveries_know(const Deliveries *d, const char *receiver) {
    return receiver_of(d, receiver) != NULL;
}

static void render(Deliveries *d, Ctx *cx, const Notice *n, const Receiver *to, Buf *out) {
    JsonWriter w;
    Time now = clock_wall(cx->clock);
    buf_init(out, BODY_MAX);
    json_writer_init(&w, out, false);
    switch (to->kind) {
    case RECEIVER_WEBHOOK:
        payload_webhook(&w, n, d->o.external_url);
        break;
    case RECEIVER_ALERTMANAGER: /* it is told again in repeat_ms; until then, and a little more, it is to believe us */
        payload_alertmanager(&w, n, d->o.external_url, time_add_ms(now, n->route->repeat_ms + n->route->repeat_ms / 4));
        break;
    case RECEIVER_SLACK:
        payload_slack(&w, n);
        break;
    case RECEIVER_MAIL:
        payload_mail(out, n, to->from, to->to, now, ids_u64(d->o.ids));
        break;
    }
    assert(buf_ok(out)); /* GROUP_ALERTS_MAX alerts fit */
}

void deliveries_add(Deliveries *d, Ctx *cx, const Notice *n) {
    const Receiver *to = receiver_of(d, n->receiver);
    if (!to)
        return;
    if (d->n == DELIVERIES_MAX) {
        counter_inc(d->failed);
        drop(d, 0);
    }
    d->v[d->n] = (Delivery){ .to = to };
    render(d, cx, n, to, &d->v[d->n++].body);
}

/* 0: taken; 1: later; < 0: never. */
static int exchange(Deliveries *d, Ctx *cx, const Delivery *v) {
    static const RetryPolicy once = { .attempts = 1 };
    static const HttpHeader json = { STR_INIT("Content-Type"), STR_INIT("application/json") };
    bool manager = v->to->kind == RECEIVER_ALERTMANAGER;
    Str base = v->to->url;
    while (manager && str_ends(base, S("/")))
        base.n--;
    HttpRequest rq = { .method = "POST",
                       .url = manager ? str_fmt(cx->arena, STR_FMT "/api/v2/alerts", STR_ARG(base)) : base,
                       .headers = &json,
                       .n_headers = 1,
                       .body = buf_str(&v->body),
                       .total_ms = CALL_MS,
                       .max_body = ANSWER_MAX,
                       .allow_private = true };
    HttpResponse answer;
    int r = http_fetch(d->o.http, cx, &rq, &once, &answer, NULL);
    if (answer.status >= 200 && answer.status <= 299)
        return 0;
    bool later = answer.status ? answer.status == 429 || answer.status >= 500 : r != ERR_INVALID && r != ERR_DENIED;
    return later ? 1 : ERR_INVALID;
}

static int mail(Deliveries *d, Ctx *cx, const Delivery *v) {
    const Mail m = { v->to->url, v->to->from, v->to->to, buf_str(&v->body) };
    int r = mailer_send(d->o.mailer, cx, &m);
    return r == ERR_UNAVAILABLE || r == ERR_TIMEOUT ? 1 : r;
}

/* Whether the delivery is over, well or not. */
static bool attempt(Deliveries *d, Ctx *cx, Delivery *v) {
    err_clear(cx);
    int r = v->to->kind == RECEIVER_MAIL ? mail(d, cx, v) : exchange(d, cx, v);
    if (r == 0) {
        counter_inc(d->sent);
        return true;
    }
    if (r > 0 && ++v->attempts < ATTEMPTS) {
        int64_t wait = MIN((int64_t)BASE_MS << v->attempts, (int64_t)MOST_MS);
        v->not_before = mono_add_ms(clock_mono(cx->clock), wait);
        counter_inc(d->retried);
        return false;
    }
    counter_inc(d->failed);
    LOG_ERROR(d->o.log, NULL, S("an alert could not be told"), F_STR("receiver", str_c(v->to->name)),
              F_STR("reason", str_c(cx->err.text)));
    return true;
}

void deliveries_run(Deliveries *d, Ctx *cx) {
    for (size_t i = 0; i < d->n && ctx_check(cx) == 0;) {
        Delivery *v = &d->v[i];
        bool due = v->not_before.ns <= clock_mono(cx->clock).ns;
        if (due && attempt(d, cx, v))
            drop(d, i);
        else
            i++;
    }
    err_clear(cx);
}

size_t deliveries_waiting(const Deliveries *d) {
    return d->n;
}
