/* app/callbacks.c - see callbacks.h. */

#include "app/callbacks.h"

#include "app/pulse.h"
#include "base/file.h"

struct Callbacks {
    Platform *p;
    Lane *lane; /* its own: a receiver that hangs keeps nobody else waiting */
    Pulse *pulse;
};

static int run(void *arg, Ctx *cx, MonoNs *next) {
    return webhooks_run(((Callbacks *)arg)->p->webhooks.webhooks, cx, next);
}

static void woken(void *arg) {
    Callbacks *c = arg;
    if (c->pulse)
        pulse_wake(c->pulse);
}

/* Configured, else kept beside the databases. */
static int secret_of(const Platform *p, Ctx *cx, Str *out) {
    enum { KEY_FILE_MAX = 4096 };
    Str made = str_fmt(cx->arena, "whsec_" STR_FMT, STR_ARG(ids_uuid4(p->ids, cx->arena))), text;
    *out = p->cfg->webhooks_secret;
    if (out->n)
        return 0;
    if (p->cfg->data_store == STORE_MEMORY) {
        *out = made;
        return 0;
    }
    const char *path = path_join(cx->arena, p->cfg->data_dir, "webhooks.key");
    if (!file_exists(path)) {
        *out = made;
        return file_write(cx, path, str_fmt(cx->arena, STR_FMT "\n", STR_ARG(made)), 0600);
    }
    int r = file_read(cx, path, KEY_FILE_MAX, &text);
    *out = r == 0 ? str_trim(text) : (Str){ 0 };
    return r == 0 && !out->n ? err_set(cx, ERR_INVALID, "%s is empty; remove it and a new secret is made", path) : r;
}

int callbacks_start(Platform *p, Ctx *cx, Loop *loop, Callbacks **out) {
    enum { WAITING = 4 };
    *out = NULL;
    if (!p->jobs)
        return 0;
    Str secret;
    int r = secret_of(p, cx, &secret);
    if (r != 0)
        return r;
    Callbacks *c = mem_new(Callbacks);
    c->p = p;
    c->lane = lane_threads_new("webhooks", 1, WAITING, p->clock);
    p->webhooks.webhooks = webhooks_new(&(WebhooksOptions){ .store = p->control,
                                                            .http = p->http,
                                                            .clock = p->clock,
                                                            .ids = p->ids,
                                                            .log = p->log,
                                                            .secret = secret,
                                                            .retry = &retry_callback,
                                                            .timeout_ms = p->cfg->webhooks_timeout_ms,
                                                            .allow_private = p->cfg->webhooks_allow_private,
                                                            .wake = woken,
                                                            .wake_arg = c });
    c->pulse = pulse_new(loop, c->lane, p->clock, run, c);
    *out = c;
    return 0;
}

void callbacks_stop(Callbacks *c) {
    if (!c)
        return;
    pulse_stop(c->pulse);
    c->lane = c->lane ? lane_close(c->lane) : NULL;
}

Callbacks *callbacks_free(Callbacks *c) {
    if (!c)
        return NULL;
    callbacks_stop(c);
    pulse_free(c->pulse);
    c->p->webhooks.webhooks = webhooks_free(c->p->webhooks.webhooks);
    return mem_free(c);
}
