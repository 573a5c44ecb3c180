/* ports/discovery.c - the checking wrapper; see discovery.h. */

#include "ports/discovery.h"

static const char *const names[] = { "UNKNOWN", "UP", "DOWN", "STARTING", "OUT_OF_SERVICE" };

const char *discovery_status_name(DiscoveryStatus s) {
    return names[s];
}

bool discovery_status_parse(Str name, DiscoveryStatus *out) {
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq_nocase(name, str_c(names[i]))) {
            *out = (DiscoveryStatus)i;
            return true;
        }
    return false;
}

int discovery_step(Discovery *d, Ctx *cx, MonoNs *next) {
    MonoNs at = { 0 };
    int r = d->ops->step(d, cx, &at);
    assert(r != 0 || at.ns > 0);
    *next = r == 0 ? at : *next;
    return r;
}

static bool in_order(const DiscoveryInstance *a, const DiscoveryInstance *b) {
    int c = str_cmp(a->service, b->service);
    return c < 0 || (c == 0 && str_cmp(a->id, b->id) <= 0);
}

int discovery_list(Discovery *d, Ctx *cx, DiscoveryView *out) {
    DiscoveryView v = { 0 };
    int r = d->ops->list(d, cx, &v);
    for (size_t i = 0; r == 0 && i < v.n; i++) {
        assert(v.v[i].service.n > 0 && v.v[i].address.n > 0 && v.v[i].weight >= 1);
        assert(i == 0 || in_order(&v.v[i - 1], &v.v[i]));
    }
    if (r == 0)
        *out = v;
    return r;
}

size_t discovery_own(Discovery *d, Ctx *cx, DiscoveryOwn **out) {
    *out = NULL;
    return d->ops->own ? d->ops->own(d, cx, out) : 0;
}

int discovery_announce(Discovery *d, Ctx *cx, DiscoveryStatus status) {
    return d->ops->announce ? d->ops->announce(d, cx, status) : 0;
}

int discovery_override(Discovery *d, Ctx *cx, DiscoveryStatus status) {
    return d->ops->override ? d->ops->override(d, cx, status)
                            : err_set(cx, ERR_UNSUPPORTED, "%s has no registry that could keep a status", d->ops->name);
}

int discovery_refresh(Discovery *d, Ctx *cx) {
    return d->ops->refresh ? d->ops->refresh(d, cx) : 0;
}

int discovery_leave(Discovery *d, Ctx *cx) {
    return d->ops->leave ? d->ops->leave(d, cx) : 0;
}

Discovery *discovery_close(Discovery *d) {
    if (d)
        d->ops->close(d);
    return NULL;
}
