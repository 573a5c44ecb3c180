/* adapters/discovery/eureka_own.c - what we tell the registry of ourselves (DIS-01 .. DIS-07, DIS-14, DIS-15). */

#include "adapters/discovery/eureka_internal.h"

#include "base/json.h"

static EurekaStatus status_of(DiscoveryStatus s) {
    return eureka_status_of(str_c(discovery_status_name(s)));
}

static void put_port(JsonWriter *w, Str key, int port, const char *enabled) {
    json_key(w, key);
    json_object(w);
    json_put_i64(w, "$", port);
    json_put_str(w, "@enabled", str_c(enabled));
    json_object_end(w);
}

static void put_url(JsonWriter *w, Str key, const EurekaOwn *own, Str path) {
    Arena scratch = { 0 };
    json_key(w, key);
    json_str(w, str_fmt(&scratch, "http://" STR_FMT ":%d" STR_FMT, STR_ARG(own->ip), own->port, STR_ARG(path)));
    arena_done(&scratch);
}

/* The documents' members in the documents' order, and behind them what clients of others ask for. */
void eureka_registration_write(const EurekaOwn *own, const EurekaOptions *o, DiscoveryStatus status, int64_t dirty_ms,
                               Buf *out) {
    JsonWriter w;
    Arena scratch = { 0 };
    json_writer_init(&w, out, false);
    json_object(&w);
    json_key(&w, S("instance"));
    json_object(&w);
    json_put_str(&w, "instanceId", own->id);
    json_put_str(&w, "hostName", own->host);
    json_put_str(&w, "app", str_upper(&scratch, own->service));
    json_put_str(&w, "ipAddr", own->ip);
    json_put_str(&w, "status", str_c(discovery_status_name(status)));
    json_put_str(&w, "overriddenstatus", S("UNKNOWN"));
    put_port(&w, S("port"), own->port, "true");
    put_port(&w, S("securePort"), own->secure_port, "false");
    json_put_i64(&w, "countryId", 1);
    json_key(&w, S("dataCenterInfo"));
    json_object(&w);
    json_put_str(&w, "@class", S("com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo"));
    json_put_str(&w, "name", S("MyOwn"));
    json_object_end(&w);
    json_key(&w, S("leaseInfo"));
    json_object(&w);
    json_put_i64(&w, "renewalIntervalInSecs", o->renewal_s);
    json_put_i64(&w, "durationInSecs", o->duration_s);
    json_put_i64(&w, "registrationTimestamp", 0);
    json_put_i64(&w, "lastRenewalTimestamp", 0);
    json_put_i64(&w, "evictionTimestamp", 0);
    json_put_i64(&w, "serviceUpTimestamp", 0);
    json_object_end(&w);
    json_key(&w, S("metadata"));
    json_object(&w);
    if (own->weight > 1)
        json_put_str(&w, "weight", str_fmt(&scratch, "%d", own->weight));
    else
        json_put_str(&w, "@class", S("java.util.Collections$EmptyMap"));
    json_object_end(&w);
    json_put_str(&w, "vipAddress", own->service);
    put_url(&w, S("homePageUrl"), own, S("/"));
    put_url(&w, S("statusPageUrl"), own, S("/eureka/status"));
    put_url(&w, S("healthCheckUrl"), own, own->health_path);
    json_put_str(&w, "lastDirtyTimestamp", str_fmt(&scratch, "%lld", (long long)dirty_ms));
    json_object_end(&w);
    json_object_end(&w);
    arena_done(&scratch);
}

static Str own_path(const Ctx *cx, const Mine *m) {
    return str_fmt(cx->arena, "/apps/" STR_FMT "/" STR_FMT, STR_ARG(m->app), STR_ARG(m->own.id));
}

static void failed(EurekaClient *c, Ctx *cx, Mine *m, const DiscoveryNews *news) {
    m->due = eureka_later(c, clock_mono(cx->clock), ++m->failures);
    eureka_tell(c, news);
}

static void register_one(EurekaClient *c, Ctx *cx, Mine *m) {
    Buf body;
    HttpResponse out;
    const EurekaAddress *who = c->servers;
    buf_init(&body, EUREKA_BODY_MAX);
    if (!m->dirty_ms)
        m->dirty_ms = clock_wall(cx->clock).ms;
    eureka_registration_write(&m->own, &c->o, c->says, m->dirty_ms, &body);
    EurekaCall call = { "POST", str_fmt(cx->arena, "/apps/" STR_FMT, STR_ARG(m->app)), buf_str(&body) };
    int r = eureka_call(c, cx, &call, &out, &who);
    buf_done(&body);
    DiscoveryNews news = { .service = m->own.service, .server = who->base, .status = out.status };
    if (r == 0 && out.status == 204) { /* and nothing else: DIS-14 */
        m->registered = true;
        m->failures = 0;
        m->due = mono_add_ms(clock_mono(cx->clock), c->o.renewal_s * MS_PER_SECOND);
        news.kind = DISCOVERY_REGISTERED;
        eureka_tell(c, &news);
        return;
    }
    news.kind = r == 0 ? DISCOVERY_REFUSED : DISCOVERY_UNREACHED;
    news.words = str_c(r == 0 ? "" : cx->err.text);
    failed(c, cx, m, &news);
}

static void renew_one(EurekaClient *c, Ctx *cx, Mine *m) {
    HttpResponse out;
    const EurekaAddress *who = c->servers;
    EurekaCall call = { "PUT",
                        str_fmt(cx->arena, STR_FMT "?status=" STR_FMT "&lastDirtyTimestamp=%lld",
                                STR_ARG(own_path(cx, m)), STR_ARG(eureka_status_name(status_of(c->says))),
                                (long long)m->dirty_ms),
                        { 0 } };
    int r = eureka_call(c, cx, &call, &out, &who);
    DiscoveryNews news = { .service = m->own.service, .server = who->base, .status = out.status };
    if (r == 0 && out.status == 200) {
        int64_t every_ms = c->o.renewal_s * MS_PER_SECOND;
        MonoNs now = clock_mono(cx->clock);
        m->failures = 0;
        m->renewals++;
        m->due = mono_add_ms(m->due, every_ms); /* by the plan, not by when it was done: 30, 60, 90 s */
        if (m->due.ns <= now.ns || mono_ms_between(now, m->due) > every_ms)
            m->due = mono_add_ms(now, every_ms);
        return;
    }
    if (r == 0 && out.status == 404) {
        m->registered = false;
        m->dirty_ms = clock_wall(cx->clock).ms;
        m->due = clock_mono(cx->clock);
        news.kind = DISCOVERY_FORGOTTEN;
        eureka_tell(c, &news);
        register_one(c, cx, m);
        return;
    }
    news.kind = DISCOVERY_LATE;
    news.words = r == 0 ? str_fmt(cx->arena, "status %d", out.status) : str_c(cx->err.text);
    failed(c, cx, m, &news);
}

void eureka_own_step(EurekaClient *c, Ctx *cx, Mine *m) {
    if (m->gone || m->due.ns > clock_mono(cx->clock).ns)
        return;
    if (m->registered)
        renew_one(c, cx, m);
    else
        register_one(c, cx, m);
}

/* Best effort: a registry that does not hear of it lets the lease run out. */
void eureka_own_leave(EurekaClient *c, Ctx *cx, Mine *m) {
    HttpResponse out;
    const EurekaAddress *who = c->servers;
    bool was = m->registered;
    m->registered = false;
    m->gone = true;
    if (!was)
        return;
    EurekaCall call = { "DELETE", own_path(cx, m), { 0 } };
    int r = eureka_call(c, cx, &call, &out, &who);
    eureka_tell(c, &(DiscoveryNews){ .kind = DISCOVERY_LEFT,
                                     .service = m->own.service,
                                     .server = who->base,
                                     .status = r == 0 ? out.status : 0,
                                     .words = str_c(r == 0 ? "" : cx->err.text) });
}

int eureka_own_override(EurekaClient *c, Ctx *cx, const Mine *m, DiscoveryStatus status) {
    HttpResponse out;
    const EurekaAddress *who = c->servers;
    bool off = status == DISCOVERY_UNKNOWN;
    Str value = off ? S("UP") : eureka_status_name(status_of(status));
    EurekaCall call = { off ? "DELETE" : "PUT",
                        str_fmt(cx->arena, STR_FMT "/status?value=" STR_FMT, STR_ARG(own_path(cx, m)), STR_ARG(value)),
                        { 0 } };
    int r = eureka_call(c, cx, &call, &out, &who);
    if (r == 0 && out.status != 200)
        r = err_set(cx, out.status == 404 ? ERR_NOT_FOUND : ERR_GATEWAY,
                    "the registry answered %d to the status of " STR_FMT, out.status, STR_ARG(m->own.id));
    return r;
}
