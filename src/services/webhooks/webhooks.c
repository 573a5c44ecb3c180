/* services/webhooks/webhooks.c - see webhooks.h. */

#include "services/webhooks/webhooks.h"

#include "base/hmac.h"
#include "base/json.h"

#include <stdio.h>

enum {
    BATCH = 16,
    TIMEOUT_MS = 10 * 1000,
    LOOK_MS = 5000,
    BODY_MAX = 128 << 10,
    ANSWER_MAX = 64 << 10,
    ERROR_MAX = 300
};

struct Webhooks {
    WebhooksOptions o;
    Arena arena; /* of the secret */
    Rng rng;     /* of the thread that runs */
};

Webhooks *webhooks_new(const WebhooksOptions *o) {
    Webhooks *w = mem_new(Webhooks);
    w->o = *o;
    assert(o->secret.n > 0);
    w->o.secret = str_dup(&w->arena, o->secret);
    rng_seed(&w->rng, ids_u64(o->ids));
    return w;
}

Webhooks *webhooks_free(Webhooks *w) {
    if (!w)
        return NULL;
    arena_done(&w->arena);
    return mem_free(w);
}

void webhooks_wake(void *webhooks) {
    const Webhooks *w = webhooks;
    if (w->o.wake)
        w->o.wake(w->o.wake_arg);
}

Str webhook_sign(Str secret, Time now, Str body, char out[static WEBHOOK_SIGNATURE_MAX]) {
    uint8_t mac[SHA256_BYTES];
    char stamp[24];
    Hmac h;
    int n = snprintf(stamp, sizeof stamp, "%lld", (long long)floor_div(now.ms, MS_PER_SECOND));
    hmac_init(&h, secret);
    hmac_put(&h, str_n(stamp, (size_t)n));
    hmac_put(&h, S("."));
    hmac_put(&h, body);
    hmac_end(&h, mac);
    int at = snprintf(out, WEBHOOK_SIGNATURE_MAX, "t=%s,v1=", stamp);
    for (size_t i = 0; i < sizeof mac; i++)
        at += snprintf(out + at, WEBHOOK_SIGNATURE_MAX - (size_t)at, "%02x", mac[i]);
    return str_n(out, (size_t)at);
}

/* --- asking for one --- */

int webhooks_check(Webhooks *w, Ctx *cx, Str url) {
    HttpUrl u;
    const Str field = S("callback");
    if (url.n > WEBHOOK_URL_MAX)
        return err_set_at(cx, ERR_INVALID, field, "a callback's URL has at most %d bytes", WEBHOOK_URL_MAX);
    if (http_url_parse(cx, url, &u) != 0) {
        Str why = str_dup(cx->arena, str_c(cx->err.text));
        return err_set_at(cx, ERR_INVALID, field, STR_FMT, STR_ARG(why));
    }
    if (!w->o.allow_private && http_host_check(cx, u.host) != 0)
        return err_set_at(cx, ERR_INVALID, field,
                          "a callback goes to a public address; webhooks.allow_private lets it go to others");
    return 0;
}

int webhooks_arm(Webhooks *w, Ctx *cx, Str url, Str run, Callback *out) {
    int r = webhooks_check(w, cx, url);
    if (r != 0)
        return r;
    Callback c = { .id = ids_uuid4(w->o.ids, cx->arena),
                   .run = run,
                   .url = url,
                   .state = CALLBACK_ARMED,
                   .created = clock_wall(cx->clock) };
    r = job_store_callback_add(w->o.store, cx, &c, WEBHOOKS_ARMED_MAX);
    if (r == CALLBACK_FULL)
        return err_set(cx, ERR_LIMIT, "%d callbacks wait already", WEBHOOKS_ARMED_MAX);
    if (r == 0)
        *out = c;
    return r;
}

/* --- runs that are over --- */

static Str body_of(Ctx *cx, const Callback *c, const JobRun *run) {
    Buf b;
    JsonWriter w;
    buf_init(&b, BODY_MAX);
    json_writer_init(&w, &b, false);
    json_object(&w);
    json_put_str(&w, "event", S("job.finished"));
    json_put_str(&w, "delivery", c->id);
    json_put_str(&w, "run", run->id);
    json_put_str(&w, "job", run->job);
    json_put_str(&w, "kind", run->kind);
    json_put_str(&w, "state", str_c(run_state_name(run->state)));
    json_put_time(&w, "started", run->started_at);
    json_put_time(&w, "ended", run->ended_at);
    json_put_i64(&w, "attempt", run->attempt);
    json_put_i64(&w, "done", run->done);
    json_put_i64(&w, "total", run->total);
    json_put_i64(&w, "success", run->n_success);
    json_put_i64(&w, "failed", run->n_failed);
    json_put_str(&w, "message", run->message);
    json_put_str(&w, "error", run->error);
    json_object_end(&w);
    Str body = str_dup(cx->arena, buf_str(&b));
    buf_done(&b);
    return body;
}

/* Armed ones whose run is over become due. A run that is gone (its job was removed) has nothing more to tell. */
static int look(Webhooks *w, Ctx *cx, size_t *n_armed) {
    Callback *v;
    size_t n;
    int r = job_store_callbacks(w->o.store, cx,
                                &(CallbackQuery){ .state = CALLBACK_ARMED, .limit = WEBHOOKS_ARMED_MAX }, &v, &n);
    *n_armed = r == 0 ? n : 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        JobRun run;
        Callback c = v[i];
        int found = job_store_run(w->o.store, cx, c.run, &run);
        if (found < 0)
            return found;
        if (found == 0 && !run_state_over(run.state))
            continue;
        c.state = CALLBACK_DUE;
        c.next_try = clock_wall(cx->clock);
        if (found == 0) {
            c.body = body_of(cx, &c, &run);
        } else {
            c.state = CALLBACK_DEAD;
            c.ended = c.next_try;
            c.last_error = S("the run was removed before it was over");
        }
        r = job_store_callback_put(w->o.store, cx, &c);
        *n_armed -= r == 0;
    }
    return r;
}

/* --- calling --- */

static int call(Webhooks *w, Ctx *cx, const Callback *c, HttpResponse *out) {
    char signature[WEBHOOK_SIGNATURE_MAX];
    const HttpHeader headers[] = {
        { S("Content-Type"), S("application/json") },
        { S("X-FinSight-Event"), S("job.finished") },
        { S("X-FinSight-Delivery"), c->id },
        { S("X-FinSight-Attempt"), str_fmt(cx->arena, "%lld", (long long)c->tries + 1) },
        { S("X-FinSight-Signature"), webhook_sign(w->o.secret, clock_wall(cx->clock), c->body, signature) },
    };
    int64_t timeout_ms = w->o.timeout_ms ? w->o.timeout_ms : TIMEOUT_MS;
    HttpRequest rq = { .method = "POST",
                       .url = c->url,
                       .headers = headers,
                       .n_headers = ARRAY_LEN(headers),
                       .body = c->body,
                       .connect_ms = MIN(timeout_ms, (int64_t)5000),
                       .total_ms = timeout_ms,
                       .max_body = ANSWER_MAX,
                       .allow_private = w->o.allow_private };
    *out = (HttpResponse){ 0 };
    err_clear(cx);
    int r = http_fetch(w->o.http, cx, &rq, &(RetryPolicy){ .attempts = 1 }, out, NULL);
    return out->status ? 0 : r;
}

/* What one try came to. */
static void judge(Webhooks *w, Ctx *cx, Callback *c, int r, const HttpResponse *answer) {
    Time now = clock_wall(cx->clock);
    c->tries++;
    c->last_status = answer->status;
    c->last_error = r == 0 ? (Str){ 0 } : str_first(str_dup(cx->arena, str_c(cx->err.text)), ERROR_MAX);
    if (r == 0 && answer->status / 100 == 2) {
        c->state = CALLBACK_DELIVERED;
        c->ended = now;
        return;
    }
    int64_t after_ms = r == 0 ? http_retry_after_ms(answer, now) : 0;
    int64_t wait_ms = retry_wait_ms(w->o.retry, (int)c->tries, MAX(after_ms, INT64_C(0)), INT64_MAX, &w->rng);
    bool gone =
        answer->status == 410 || r == ERR_DENIED || r == ERR_INVALID; /* 410: never again, by the receiver's word */
    if (gone || wait_ms == RETRY_NO_MORE) {
        c->state = CALLBACK_DEAD;
        c->ended = now;
    } else {
        c->next_try = time_add_ms(now, wait_ms);
    }
}

static void tell(const Webhooks *w, Ctx *cx, const Callback *c) {
    HttpUrl u = { .host = S("?") };
    http_url_parse(cx, c->url, &u);
    err_clear(cx);
    const LogField fields[] = { F_STR("delivery", c->id),        F_STR("run", c->run),
                                F_STR("host", u.host),           F_I64("attempt", c->tries),
                                F_I64("status", c->last_status), F_STR("reason", c->last_error) };
    bool well = c->state == CALLBACK_DELIVERED, dead = c->state == CALLBACK_DEAD;
    log_write(w->o.log, NULL,
              well   ? LEVEL_INFO
              : dead ? LEVEL_ERROR
                     : LEVEL_WARNING,
              well   ? S("callback delivered")
              : dead ? S("callback is dead")
                     : S("callback will be tried again"),
              fields, ARRAY_LEN(fields));
}

static int call_due(Webhooks *w, Ctx *cx) {
    for (bool more = true; more;) {
        Callback *v;
        size_t n;
        CallbackQuery q = { .state = CALLBACK_DUE, .due = clock_wall(cx->clock), .limit = BATCH };
        int r = job_store_callbacks(w->o.store, cx, &q, &v, &n);
        for (size_t i = 0; r == 0 && i < n; i++) {
            HttpResponse answer;
            int e = call(w, cx, &v[i], &answer);
            if (e == ERR_CANCELLED)
                return e;
            judge(w, cx, &v[i], e, &answer);
            err_clear(cx);
            r = job_store_callback_put(w->o.store, cx, &v[i]);
            if (r == 0)
                tell(w, cx, &v[i]);
        }
        if (r != 0)
            return r;
        more = n == BATCH;
    }
    return 0;
}

int webhooks_run(Webhooks *w, Ctx *cx, MonoNs *next) {
    size_t n_armed = 0, n = 0;
    Callback *first;
    int r = look(w, cx, &n_armed);
    if (r == 0)
        r = call_due(w, cx);
    if (r == 0)
        r = job_store_callback_prune(w->o.store, cx, WEBHOOKS_KEPT);
    if (r == 0)
        r = job_store_callbacks(w->o.store, cx, &(CallbackQuery){ .state = CALLBACK_DUE, .due = TIME_MAX, .limit = 1 },
                                &first, &n);
    if (r != 0) {
        if (r != ERR_CANCELLED)
            log_failure(w->o.log, cx, S("callbacks were not looked at"));
        return r;
    }
    int64_t wait_ms = n_armed ? LOOK_MS : MS_PER_HOUR; /* a wake comes sooner; this is for one that was lost */
    if (n)
        wait_ms = CLAMP(first->next_try.ms - clock_wall(cx->clock).ms, INT64_C(1), wait_ms);
    *next = mono_add_ms(clock_mono(cx->clock), wait_ms);
    return 0;
}

/* --- looking at them --- */

int webhooks_list(Webhooks *w, Ctx *cx, int state, size_t limit, Callback **out, size_t *n) {
    return job_store_callbacks(w->o.store, cx, &(CallbackQuery){ .state = state, .newest = true, .limit = limit }, out,
                               n);
}

int webhooks_get(Webhooks *w, Ctx *cx, Str id, Callback *out) {
    Callback *v;
    size_t n = 0;
    int r = job_store_callbacks(w->o.store, cx, &(CallbackQuery){ .state = -1, .id = id, .limit = 1 }, &v, &n);
    if (r == 0 && n == 0)
        r = err_set_at(cx, ERR_NOT_FOUND, S("id"), "there is no callback '" STR_FMT "'", STR_ARG(str_first(id, 64)));
    if (r == 0)
        *out = v[0];
    return r;
}

int webhooks_again(Webhooks *w, Ctx *cx, Str id, Callback *out) {
    int r = webhooks_get(w, cx, id, out);
    if (r == 0 && (out->state == CALLBACK_ARMED || out->state == CALLBACK_DUE || !out->body.n))
        r = err_set_at(cx, ERR_CONFLICT, S("id"), "callback '" STR_FMT "' is %s", STR_ARG(id),
                       out->body.n ? "on its way already" : "without anything to tell");
    if (r != 0)
        return r;
    out->state = CALLBACK_DUE;
    out->tries = 0;
    out->ended = time_ms(0);
    out->next_try = clock_wall(cx->clock);
    r = job_store_callback_put(w->o.store, cx, out);
    if (r == 0)
        webhooks_wake(w);
    return r;
}
