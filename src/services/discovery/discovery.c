/* services/discovery/discovery.c - see discovery.h. */

#include "services/discovery/discovery.h"

#include <pthread.h>

enum { STATUS_MAX = 4 << 20 };

struct DiscoveryService {
    DiscoveryServiceOptions o;
    bool told; /* of a list, ever */
    uint64_t revision;
    pthread_mutex_t lock; /* of what follows */
    unsigned wishes;
    DiscoveryStatus override;
    Buf status; /* members of the status object, as of the last run */
};

/* DIS-05, DIS-14: the documents' sentences. */
static void log_news(void *arg, const DiscoveryNews *news) {
    DiscoveryService *s = arg;
    Logger *log = s->o.log;
    switch (news->kind) {
    case DISCOVERY_REGISTERED:
        log_printf(log, NULL, LEVEL_INFO, "Successfully registered " STR_FMT, STR_ARG(news->service));
        break;
    case DISCOVERY_REFUSED:
        log_printf(log, NULL, LEVEL_ERROR, "Failed to register service: %d", news->status);
        break;
    case DISCOVERY_UNREACHED:
        log_printf(log, NULL, LEVEL_ERROR, "Service registration failed: " STR_FMT, STR_ARG(news->words));
        break;
    case DISCOVERY_LATE:
        log_printf(log, NULL, LEVEL_ERROR, "Heartbeat failed: " STR_FMT, STR_ARG(news->words));
        break;
    case DISCOVERY_FORGOTTEN:
        LOG_WARNING(log, NULL, S("the registry does not know us any more: registering again"),
                    F_STR("service", news->service), F_STR("registry", news->server));
        break;
    case DISCOVERY_BLIND:
        LOG_WARNING(log, NULL, S("the registry cannot be read: what was known stays"), F_STR("registry", news->server),
                    F_STR("reason", news->words));
        break;
    case DISCOVERY_SEES:
        LOG_INFO(log, NULL, S("the registry is read again"), F_STR("registry", news->server));
        break;
    case DISCOVERY_LEFT:
        LOG_INFO(log, NULL, S("deregistered"), F_STR("service", news->service), F_I64("status", news->status));
        break;
    }
}

DiscoveryService *discovery_service_new(const DiscoveryServiceOptions *o) {
    DiscoveryService *s = mem_new(DiscoveryService);
    s->o = *o;
    s->o.discovery->news = log_news;
    s->o.discovery->news_arg = s;
    pthread_mutex_init(&s->lock, NULL);
    buf_init(&s->status, STATUS_MAX);
    return s;
}

DiscoveryService *discovery_service_free(DiscoveryService *s) {
    if (!s)
        return NULL;
    discovery_close(s->o.discovery);
    buf_done(&s->status);
    pthread_mutex_destroy(&s->lock);
    return mem_free(s);
}

static unsigned take_wishes(DiscoveryService *s, DiscoveryStatus *override) {
    pthread_mutex_lock(&s->lock);
    unsigned wishes = s->wishes;
    s->wishes = 0;
    *override = s->override;
    pthread_mutex_unlock(&s->lock);
    return wishes;
}

static void do_wishes(DiscoveryService *s, Ctx *cx) {
    DiscoveryStatus override;
    unsigned wishes = take_wishes(s, &override);
    Discovery *d = s->o.discovery;
    int r = 0;
    if (wishes & DISCOVERY_WISH_LEAVE)
        r = discovery_leave(d, cx);
    else if (wishes & DISCOVERY_WISH_REGISTER)
        r = discovery_announce(d, cx, DISCOVERY_UP);
    if (r == 0 && (wishes & DISCOVERY_WISH_REFRESH))
        r = discovery_refresh(d, cx);
    if (r == 0 && (wishes & DISCOVERY_WISH_OVERRIDE))
        r = discovery_override(d, cx, override);
    if (r != 0)
        log_failure(s->o.log, cx, S("what was asked of the registry was not done"));
    err_clear(cx);
}

static void write_instance(JsonWriter *w, const DiscoveryInstance *x) {
    json_object(w);
    json_put_str(w, "service", x->service);
    json_put_str(w, "id", x->id);
    json_put_str(w, "address", x->address);
    json_put_str(w, "status", str_c(discovery_status_name(x->status)));
    json_object_end(w);
}

static void write_status(DiscoveryService *s, Ctx *cx, const DiscoveryView *view) {
    DiscoveryOwn *own;
    size_t n = discovery_own(s->o.discovery, cx, &own), registered = 0;
    for (size_t i = 0; i < n; i++)
        registered += own[i].registered;
    pthread_mutex_lock(&s->lock);
    buf_clear(&s->status);
    JsonWriter w;
    json_writer_init(&w, &s->status, false);
    json_object(&w);
    json_put_str(&w, "adapter", str_c(s->o.discovery->ops->name));
    json_put_bool(&w, "registered", n > 0 && registered == n);
    json_put_bool(&w, "known", view->known);
    json_key(&w, S("own"));
    json_array(&w);
    for (size_t i = 0; i < n; i++) {
        json_object(&w);
        json_put_str(&w, "service", own[i].service);
        json_put_str(&w, "instance_id", own[i].id);
        json_put_bool(&w, "registered", own[i].registered);
        json_put_str(&w, "status", str_c(discovery_status_name(own[i].status)));
        json_put_i64(&w, "heartbeats", own[i].renewals);
        json_put_i64(&w, "failures_in_a_row", own[i].failures);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_key(&w, S("instances"));
    json_array(&w);
    for (size_t i = 0; i < view->n; i++)
        write_instance(&w, &view->v[i]);
    json_array_end(&w);
    json_object_end(&w);
    pthread_mutex_unlock(&s->lock);
}

int discovery_run(DiscoveryService *s, Ctx *cx, MonoNs *next) {
    DiscoveryView view;
    do_wishes(s, cx);
    int r = discovery_step(s->o.discovery, cx, next);
    if (r == 0)
        r = discovery_list(s->o.discovery, cx, &view);
    if (r != 0)
        return r;
    write_status(s, cx, &view);
    if (view.known && (!s->told || view.revision != s->revision)) {
        s->told = true;
        s->revision = view.revision;
        if (s->o.changed)
            s->o.changed(s->o.arg, &view);
    }
    return 0;
}

void discovery_wish(DiscoveryService *s, DiscoveryWish wish, DiscoveryStatus override) {
    static const unsigned either = DISCOVERY_WISH_REGISTER | DISCOVERY_WISH_LEAVE;
    pthread_mutex_lock(&s->lock);
    if (wish & either) /* the later one is meant */
        s->wishes &= ~either;
    s->wishes |= wish;
    if (wish == DISCOVERY_WISH_OVERRIDE)
        s->override = override;
    pthread_mutex_unlock(&s->lock);
    if (s->o.wake)
        s->o.wake(s->o.arg);
}

void discovery_service_write(DiscoveryService *s, JsonWriter *w) {
    pthread_mutex_lock(&s->lock);
    if (s->status.n)
        json_raw(w, buf_str(&s->status));
    else
        json_null(w);
    pthread_mutex_unlock(&s->lock);
}
