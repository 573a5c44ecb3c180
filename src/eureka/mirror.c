/* eureka/mirror.c - see mirror.h. */

#include "eureka/mirror.h"

#include "base/map.h"

#include <stdlib.h>

typedef struct Copy {
    EurekaInstance x;
    Str key;
    Arena arena;
} Copy;

struct EurekaMirror {
    Map by_key;
    size_t count[EUREKA_STATUSES];
    uint64_t revision;
    bool filled;
};

EurekaMirror *eureka_mirror_new(void) {
    return mem_new(EurekaMirror);
}

static void drop(EurekaMirror *m, Str key) {
    Copy *c = map_del(&m->by_key, key);
    if (!c)
        return;
    m->count[c->x.status]--;
    arena_done(&c->arena);
    mem_free(c);
}

static bool same_pairs(EurekaPairs a, EurekaPairs b) {
    bool same = a.n == b.n;
    for (size_t i = 0; i < a.n && same; i++)
        same = str_eq(a.v[i].name, b.v[i].name) && str_eq(a.v[i].value, b.v[i].value);
    return same;
}

/* In all that a caller of it could notice. */
static bool same(const EurekaInstance *a, const EurekaInstance *b) {
    return a->status == b->status && a->port == b->port && a->port_on == b->port_on &&
           a->secure_port == b->secure_port && a->secure_on == b->secure_on && str_eq(a->ip, b->ip) &&
           str_eq(a->host, b->host) && str_eq(a->vip, b->vip) && same_pairs(a->metadata, b->metadata);
}

/* A change is told for minutes: hearing it again changes nothing. */
static void put(EurekaMirror *m, Arena *scratch, const EurekaInstance *x) {
    Str key = str_fmt(scratch, STR_FMT "\n" STR_FMT, STR_ARG(x->app), STR_ARG(x->id));
    const Copy *known = map_get(&m->by_key, key);
    bool deleted = x->action == EUREKA_DELETED;
    if (known ? !deleted && same(&known->x, x) : deleted)
        return;
    m->revision++;
    drop(m, key);
    if (x->action == EUREKA_DELETED || m->by_key.n == EUREKA_LIST_MAX)
        return;
    Copy *c = mem_new(Copy);
    eureka_instance_copy(&c->arena, x, &c->x);
    c->key = str_dup(&c->arena, key);
    map_put(&m->by_key, c->key, c);
    m->count[c->x.status]++;
}

static void clear(EurekaMirror *m) {
    MapEntry e;
    for (size_t at = 0; map_next(&m->by_key, &at, &e);) {
        Copy *c = e.value;
        arena_done(&c->arena);
        mem_free(c);
    }
    map_clear(&m->by_key);
    memset(m->count, 0, sizeof m->count);
}

EurekaMirror *eureka_mirror_free(EurekaMirror *m) {
    if (!m)
        return NULL;
    clear(m);
    map_done(&m->by_key);
    return mem_free(m);
}

int eureka_mirror_full(EurekaMirror *m, Str json) {
    Arena scratch = { 0 };
    EurekaList list;
    int e = eureka_read_list_json(json, &scratch, &list);
    if (e == 0) {
        clear(m);
        for (size_t i = 0; i < list.n; i++) {
            list.v[i].action = EUREKA_SAME; /* of a full list it says how an instance came in */
            put(m, &scratch, &list.v[i]);
        }
        m->filled = true;
        m->revision++;
    }
    arena_done(&scratch);
    return e;
}

int eureka_mirror_delta(EurekaMirror *m, Str json) {
    if (!m->filled)
        return MIRROR_NOT_YET;
    Arena scratch = { 0 };
    EurekaList list;
    int e = eureka_read_list_json(json, &scratch, &list);
    if (e == 0) {
        for (size_t i = 0; i < list.n; i++)
            put(m, &scratch, &list.v[i]);
        e = str_eq(eureka_hash(&scratch, m->count), list.hash) ? 0 : MIRROR_DIFFERS;
    }
    arena_done(&scratch);
    return e;
}

bool eureka_mirror_filled(const EurekaMirror *m) {
    return m->filled;
}

uint64_t eureka_mirror_revision(const EurekaMirror *m) {
    return m->revision;
}

static int by_app_and_id(const void *a, const void *b) {
    const EurekaInstance *x = a, *y = b;
    int c = str_cmp(x->app, y->app);
    return c ? c : str_cmp(x->id, y->id);
}

void eureka_mirror_list(const EurekaMirror *m, Arena *a, EurekaList *out) {
    EurekaList list = { .v = arena_new_n(a, EurekaInstance, m->by_key.n + 1), .hash = eureka_hash(a, m->count) };
    MapEntry e;
    for (size_t at = 0; map_next(&m->by_key, &at, &e);)
        list.v[list.n++] = ((const Copy *)e.value)->x;
    qsort(list.v, list.n, sizeof *list.v, by_app_and_id);
    *out = list;
}
