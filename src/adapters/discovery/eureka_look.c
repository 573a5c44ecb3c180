/* adapters/discovery/eureka_look.c - who else is there: the whole list, then changes. */

#include "adapters/discovery/eureka_internal.h"

enum { WEIGHT_MAX = 1000, ADDRESS_MAX = 64 };

/* 1: the whole list is needed; < 0: words in cx. */
static int look_once(EurekaClient *c, Ctx *cx, bool whole, const EurekaAddress **who) {
    HttpResponse out;
    int r = eureka_call(c, cx, &(EurekaCall){ "GET", whole ? S("/apps") : S("/apps/delta"), { 0 } }, &out, who);
    if (r != 0)
        return r;
    if (!whole && (out.status == 403 || out.status == 404))
        return 1;
    if (out.status != 200)
        return err_set(cx, ERR_GATEWAY, "the registry answered %d", out.status);
    r = whole ? eureka_mirror_full(c->mirror, out.body) : eureka_mirror_delta(c->mirror, out.body);
    return r < 0 ? err_set(cx, r, "the registry's list cannot be read") : r > 0;
}

void eureka_look(EurekaClient *c, Ctx *cx) {
    MonoNs now = clock_mono(cx->clock);
    if (!c->o.look_ms || c->look_due.ns > now.ns)
        return;
    const EurekaAddress *who = c->servers;
    int r = look_once(c, cx, c->full || !eureka_mirror_filled(c->mirror), &who);
    if (r == 1)
        r = look_once(c, cx, true, &who);
    now = clock_mono(cx->clock);
    if (r == 0) {
        c->full = false;
        c->look_failures = 0;
        c->look_due = mono_add_ms(now, c->o.look_ms);
    } else {
        c->full = true; /* what was missed meanwhile, changes may not tell any more */
        MonoNs later = eureka_later(c, now, ++c->look_failures), usual = mono_add_ms(now, c->o.look_ms);
        c->look_due = later.ns < usual.ns ? later : usual;
    }
    if (c->blind != (r != 0)) {
        c->blind = r != 0;
        eureka_tell(c, &(DiscoveryNews){ .kind = r ? DISCOVERY_BLIND : DISCOVERY_SEES,
                                         .server = who->base,
                                         .words = str_c(r ? cx->err.text : "") });
    }
}

/* --- the list --- */

static bool is_v4(Str ip) {
    Str part;
    int parts = 0;
    while (str_next(&ip, '.', &part)) {
        int64_t n;
        if (part.n > 3 || !str_to_i64(part, &n) || n < 0 || n > 255 || ++parts > 4)
            return false;
    }
    return parts == 4;
}

/* Good enough to tell a number from a name; whoever connects reads it strictly. */
static bool is_v6(Str ip) {
    bool colons = str_find_char(ip, ':') >= 0 && ip.n <= 45;
    for (size_t i = 0; i < ip.n && colons; i++) {
        char c = (char)(ip.p[i] | 0x20);
        colons = (ip.p[i] >= '0' && ip.p[i] <= '9') || (c >= 'a' && c <= 'f') || ip.p[i] == ':' || ip.p[i] == '.';
    }
    return colons;
}

static bool address_of(Arena *a, const EurekaInstance *x, Str *out) {
    Str ip = is_v4(x->ip) || is_v6(x->ip) ? x->ip : x->host;
    if (!x->port_on || x->port == 0)
        return false;
    if (is_v4(ip))
        *out = str_fmt(a, STR_FMT ":%lld", STR_ARG(ip), (long long)x->port);
    else if (is_v6(ip))
        *out = str_fmt(a, "[" STR_FMT "]:%lld", STR_ARG(ip), (long long)x->port);
    else
        return false;
    return out->n <= ADDRESS_MAX;
}

static int weight_of(const EurekaInstance *x) {
    int64_t n;
    for (size_t i = 0; i < x->metadata.n; i++)
        if (str_eq(x->metadata.v[i].name, S("weight")) && str_to_i64(x->metadata.v[i].value, &n))
            return (int)CLAMP(n, (int64_t)1, (int64_t)WEIGHT_MAX);
    return 1;
}

int eureka_list(Discovery *d, Ctx *cx, DiscoveryView *out) {
    const EurekaClient *c = (const EurekaClient *)d;
    EurekaList list;
    eureka_mirror_list(c->mirror, cx->arena, &list);
    DiscoveryView v = { .v = arena_new_n(cx->arena, DiscoveryInstance, list.n + 1),
                        .known = eureka_mirror_filled(c->mirror),
                        .revision = eureka_mirror_revision(c->mirror) };
    for (size_t i = 0; i < list.n; i++) {
        const EurekaInstance *x = &list.v[i];
        DiscoveryInstance *to = &v.v[v.n];
        if (!x->app.n || !address_of(cx->arena, x, &to->address))
            continue;
        to->service = str_lower(cx->arena, x->app);
        to->id = str_dup(cx->arena, x->id);
        to->weight = weight_of(x);
        if (!discovery_status_parse(eureka_status_name(x->status), &to->status))
            to->status = DISCOVERY_UNKNOWN;
        v.n++;
    }
    *out = v;
    return 0;
}
