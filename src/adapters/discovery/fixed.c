/* adapters/discovery/fixed.c - see fixed.h. */

#include "adapters/discovery/fixed.h"

#include <stdlib.h>

typedef struct Fixed {
    Discovery base;
    Arena arena; /* owns v */
    DiscoveryInstance *v;
    size_t n;
} Fixed;

static int fixed_step(Discovery *d, Ctx *cx, MonoNs *next) {
    UNUSED(d);
    *next = mono_add_ms(clock_mono(cx->clock), MS_PER_HOUR); /* nothing is ever due */
    return 0;
}

static int fixed_list(Discovery *d, Ctx *cx, DiscoveryView *out) {
    const Fixed *f = (const Fixed *)d;
    DiscoveryInstance *v = arena_new_n(cx->arena, DiscoveryInstance, f->n + 1);
    memcpy(v, f->v, f->n * sizeof *v);
    *out = (DiscoveryView){ .v = v, .n = f->n, .known = true, .revision = 1 };
    return 0;
}

static void fixed_close(Discovery *d) {
    Fixed *f = (Fixed *)d;
    arena_done(&f->arena);
    mem_free(f);
}

static const DiscoveryOps fixed_ops = { .name = "fixed", .step = fixed_step, .list = fixed_list, .close = fixed_close };

static int by_service_and_id(const void *a, const void *b) {
    const DiscoveryInstance *x = a, *y = b;
    int c = str_cmp(x->service, y->service);
    return c ? c : str_cmp(x->id, y->id);
}

int discovery_fixed_open(Ctx *cx, const DiscoveryInstance *v, size_t n, Discovery **out) {
    for (size_t i = 0; i < n; i++)
        if (!v[i].service.n || !v[i].address.n)
            return err_set(cx, ERR_INVALID, "an instance has a service and an address; number %zu lacks one", i + 1);
    Fixed *f = mem_new(Fixed);
    f->base.ops = &fixed_ops;
    f->v = arena_new_n(&f->arena, DiscoveryInstance, n + 1);
    f->n = n;
    for (size_t i = 0; i < n; i++) {
        Str address = str_dup(&f->arena, v[i].address);
        f->v[i] = (DiscoveryInstance){ .service = str_lower(&f->arena, v[i].service),
                                       .id = v[i].id.n ? str_dup(&f->arena, v[i].id) : address,
                                       .address = address,
                                       .weight = MAX(v[i].weight, 1),
                                       .status = v[i].status == DISCOVERY_UNKNOWN ? DISCOVERY_UP : v[i].status };
    }
    qsort(f->v, n, sizeof *f->v, by_service_and_id);
    *out = &f->base;
    return 0;
}
