/* policy/balance.c - see balance.h.
 *
 * Targets stand in slots that stay where they are; `order` lists those of the present list. A pick names slot and
 * generation, so that the report of a call to a target that has left, or to another in its slot, is known as such. */

#include "policy/balance.h"

#include "base/err.h"

#include <math.h>

/* A failed call is as bad as a slow one: an upstream that fails quickly must not look quick. */
#define FAILURE_NS (1000 * NS_PER_MS)
/* Cost of a target of which nothing is known yet but that a call is under way. */
#define UNKNOWN_NS (1000 * NS_PER_MS)

typedef struct Target {
    char *id; /* owned; NULL = the slot is free */
    size_t id_n;
    void *owner;
    int weight;
    bool healthy;
    bool listed; /* scratch of balancer_set */
    uint32_t generation;
    int64_t in_flight, picks, failures;
    int failures_in_row;
    int ejections; /* in a row without a success between */
    MonoNs ejected_until;
    int64_t current; /* of smooth weighted round robin */
    double latency_ns;
    MonoNs latency_at;
} Target;

struct Balancer {
    BalanceOptions o;
    Target *slots;
    size_t n_slots;
    uint16_t order[BALANCE_TARGETS_MAX]; /* slots, in the order of the list */
    size_t n;
    size_t next; /* of round robin, in order */
};

void balance_options_default(BalanceOptions *o) {
    *o = (BalanceOptions){ .kind = BALANCE_ROUND_ROBIN,
                           .eject_failures = 5,
                           .eject_ms = 1000,
                           .eject_max_ms = 30000,
                           .eject_percent = 50,
                           .decay_ms = 10000 };
}

static const char *const kind_names[] = { "round_robin", "weighted", "least_requests", "ewma" };

bool balance_kind(Str name, BalanceKind *out) {
    for (size_t i = 0; i < ARRAY_LEN(kind_names); i++)
        if (str_eq(name, str_c(kind_names[i]))) {
            *out = (BalanceKind)i;
            return true;
        }
    return false;
}

const char *balance_kind_name(BalanceKind k) {
    return kind_names[k];
}

Balancer *balancer_new(const BalanceOptions *o) {
    assert(o->eject_percent >= 0 && o->eject_percent <= 100 && o->decay_ms >= 1);
    Balancer *b = mem_new(Balancer);
    b->o = *o;
    return b;
}

Balancer *balancer_free(Balancer *b) {
    if (!b)
        return NULL;
    for (size_t i = 0; i < b->n_slots; i++)
        mem_free(b->slots[i].id);
    mem_free(b->slots);
    return mem_free(b);
}

/* --- the list --- */

static Str target_id(const Target *t) {
    return (Str){ t->id, t->id_n };
}

static Target *target_find(const Balancer *b, Str id) {
    for (size_t i = 0; i < b->n; i++)
        if (str_eq(target_id(&b->slots[b->order[i]]), id))
            return &b->slots[b->order[i]];
    return NULL;
}

static Target *free_slot(Balancer *b) {
    for (size_t i = 0; i < b->n_slots; i++)
        if (!b->slots[i].id)
            return &b->slots[i];
    b->slots = mem_realloc(b->slots, mem_mul(b->n_slots + 1, sizeof *b->slots));
    b->slots[b->n_slots] = (Target){ 0 };
    return &b->slots[b->n_slots++];
}

static void target_make(Target *t, const BalanceTarget *from) {
    uint32_t generation = t->generation + 1;
    *t = (Target){ .id = mem_alloc(from->id.n), .id_n = from->id.n, .healthy = true, .generation = generation };
    if (from->id.n)
        memcpy(t->id, from->id.p, from->id.n);
}

static void target_remove(Target *t) {
    t->id = mem_free(t->id);
    t->generation++;
}

int balancer_set(Balancer *b, const BalanceTarget *targets, size_t n) {
    if (n > BALANCE_TARGETS_MAX)
        return ERR_LIMIT;
    uint16_t order[BALANCE_TARGETS_MAX];
    for (size_t i = 0; i < b->n_slots; i++)
        b->slots[i].listed = false;
    for (size_t i = 0; i < n; i++) {
        Target *t = target_find(b, targets[i].id);
        if (!t) {
            t = free_slot(b);
            target_make(t, &targets[i]);
        }
        assert(!t->listed); /* an id twice */
        t->listed = true;
        t->weight = CLAMP(targets[i].weight, 1, BALANCE_WEIGHT_MAX);
        t->owner = targets[i].owner;
        order[i] = (uint16_t)(t - b->slots);
    }
    for (size_t i = 0; i < b->n_slots; i++)
        if (b->slots[i].id && !b->slots[i].listed)
            target_remove(&b->slots[i]);
    memcpy(b->order, order, n * sizeof *order);
    b->n = n;
    b->next = n ? b->next % n : 0;
    return 0;
}

void balancer_set_health(Balancer *b, Str id, bool healthy) {
    Target *t = target_find(b, id);
    if (!t)
        return;
    if (healthy && !t->healthy)
        t->current = 0; /* no turns saved up from before */
    t->healthy = healthy;
}

/* --- who may be called --- */

static bool is_ejected(const Target *t, MonoNs now) {
    return t->ejected_until.ns > now.ns;
}

static bool was_tried(const Balancer *b, const Target *t, const BalancePick *tried, size_t n_tried) {
    uint32_t slot = (uint32_t)(t - b->slots);
    for (size_t i = 0; i < n_tried; i++)
        if (tried[i].slot == slot && tried[i].generation == t->generation)
            return true;
    return false;
}

typedef struct Candidates {
    uint16_t at[BALANCE_TARGETS_MAX]; /* places in order */
    size_t n;
} Candidates;

/* May t be called in this pass? A doubtful instance is better than one that has just failed, and that is better than a
 * certain refusal: first those that are well; of a call that has failed somewhere then the ejected it did not ask, then
 * the unhealthy ones; then whom it asked already; then the ejected. */
static bool fits(const Target *t, int pass, bool tried, bool again, MonoNs now) {
    bool out = is_ejected(t, now);
    switch (pass) {
    case 0:
        return t->healthy && !out && !tried;
    case 1:
        return again && t->healthy && !tried;
    case 2:
        return again && !t->healthy && !tried;
    case 3:
        return t->healthy && !out;
    default:
        return t->healthy;
    }
}

static void candidates(const Balancer *b, const BalancePick *tried, size_t n_tried, MonoNs now, Candidates *out) {
    for (int pass = 0; pass < 5; pass++) {
        out->n = 0;
        for (size_t i = 0; i < b->n; i++) {
            const Target *t = &b->slots[b->order[i]];
            if (fits(t, pass, was_tried(b, t, tried, n_tried), n_tried > 0, now))
                out->at[out->n++] = (uint16_t)i;
        }
        if (out->n)
            return;
    }
}

/* --- the four ways of choosing; each gives a place in order --- */

static size_t choose_in_turn(Balancer *b, const Candidates *c) {
    size_t chosen = c->at[0]; /* the first at or behind next, else around the corner */
    for (size_t i = 0; i < c->n; i++)
        if (c->at[i] >= b->next) {
            chosen = c->at[i];
            break;
        }
    b->next = (chosen + 1) % b->n;
    return chosen;
}

/* Each gains its weight; the richest is chosen and pays what all have gained. */
static size_t choose_by_weight(Balancer *b, const Candidates *c) {
    size_t chosen = c->at[0];
    int64_t total = 0;
    for (size_t i = 0; i < c->n; i++) {
        Target *t = &b->slots[b->order[c->at[i]]];
        t->current += t->weight;
        total += t->weight;
        if (t->current > b->slots[b->order[chosen]].current)
            chosen = c->at[i];
    }
    b->slots[b->order[chosen]].current -= total;
    return chosen;
}

/* The average fades while nobody calls, so that what was slow is asked again. */
static double latency_now(const Balancer *b, const Target *t, MonoNs now) {
    if (t->latency_ns <= 0)
        return 0;
    double gone_ms = (double)MAX(0, now.ns - t->latency_at.ns) / (double)NS_PER_MS;
    return t->latency_ns * exp(-gone_ms / (double)b->o.decay_ms);
}

static double cost(const Balancer *b, const Target *t, MonoNs now) {
    double calls = (double)(t->in_flight + 1) / t->weight;
    if (b->o.kind == BALANCE_LEAST)
        return calls;
    double latency = latency_now(b, t, now);
    if (latency <= 0)
        latency = t->in_flight ? (double)UNKNOWN_NS : 1;
    return latency * calls;
}

static size_t choose_of_two(const Balancer *b, const Candidates *c, MonoNs now, Rng *rng) {
    if (c->n == 1)
        return c->at[0];
    size_t i = rng_below(rng, c->n), j = rng_below(rng, c->n - 1);
    j += j >= i;
    double a = cost(b, &b->slots[b->order[c->at[i]]], now), other = cost(b, &b->slots[b->order[c->at[j]]], now);
    return c->at[a <= other ? i : j];
}

int balancer_pick(Balancer *b, const BalancePick *tried, size_t n_tried, MonoNs now, Rng *rng, BalancePick *out) {
    Candidates c;
    candidates(b, tried, n_tried, now, &c);
    if (c.n == 0)
        return BALANCE_NONE;
    size_t chosen;
    if (b->o.kind == BALANCE_ROUND_ROBIN)
        chosen = choose_in_turn(b, &c);
    else if (b->o.kind == BALANCE_WEIGHTED)
        chosen = choose_by_weight(b, &c);
    else
        chosen = choose_of_two(b, &c, now, rng);
    Target *t = &b->slots[b->order[chosen]];
    t->in_flight++;
    t->picks++;
    *out = (BalancePick){ .slot = b->order[chosen], .generation = t->generation, .owner = t->owner };
    return 0;
}

/* --- reports --- */

/* The target of a pick, one call fewer under way; NULL if it has left. */
static Target *end_call(Balancer *b, BalancePick p) {
    assert(p.slot < b->n_slots);
    Target *t = &b->slots[p.slot];
    if (t->generation != p.generation)
        return NULL;
    assert(t->in_flight > 0);
    t->in_flight--;
    return t;
}

static bool may_eject_one_more(const Balancer *b, MonoNs now) {
    size_t healthy = 0, ejected = 0;
    for (size_t i = 0; i < b->n; i++) {
        const Target *t = &b->slots[b->order[i]];
        healthy += t->healthy;
        ejected += t->healthy && is_ejected(t, now);
    }
    return ejected + 1 < healthy && (ejected + 1) * 100 <= healthy * (size_t)b->o.eject_percent;
}

static void eject(const Balancer *b, Target *t, MonoNs now) {
    int64_t ms = b->o.eject_ms;
    for (int i = 0; i < t->ejections && ms < b->o.eject_max_ms; i++)
        ms *= 2;
    t->ejected_until = mono_add_ms(now, MIN(ms, b->o.eject_max_ms));
    t->ejections++;
    t->failures_in_row = 0;
}

static void latency_add(const Balancer *b, Target *t, double ns, MonoNs now) {
    double before = latency_now(b, t, now);
    if (ns >= before) { /* worse counts at once, better little by little */
        t->latency_ns = ns;
    } else {
        double gone_ms = (double)MAX(0, now.ns - t->latency_at.ns) / (double)NS_PER_MS;
        double keep = exp(-gone_ms / (double)b->o.decay_ms);
        t->latency_ns = t->latency_ns * keep + ns * (1 - keep);
    }
    t->latency_at = now;
}

void balancer_done(Balancer *b, BalancePick p, bool success, int64_t took_ns, MonoNs now) {
    Target *t = end_call(b, p);
    if (!t)
        return;
    double ns = (double)MAX(took_ns, 1);
    latency_add(b, t, success ? ns : MAX(ns, (double)FAILURE_NS), now);
    if (success) {
        t->failures_in_row = 0;
        if (!is_ejected(t, now))
            t->ejections = 0;
        return;
    }
    t->failures++;
    t->failures_in_row++;
    if (b->o.eject_failures > 0 && t->failures_in_row >= b->o.eject_failures && !is_ejected(t, now) &&
        may_eject_one_more(b, now))
        eject(b, t, now);
}

void balancer_cancel(Balancer *b, BalancePick p) {
    end_call(b, p);
}

/* --- to be looked at --- */

size_t balancer_count(const Balancer *b) {
    return b->n;
}

void balancer_view(const Balancer *b, size_t i, MonoNs now, BalanceView *out) {
    assert(i < b->n);
    const Target *t = &b->slots[b->order[i]];
    *out = (BalanceView){ .id = target_id(t),
                          .weight = t->weight,
                          .healthy = t->healthy,
                          .ejected = is_ejected(t, now),
                          .in_flight = t->in_flight,
                          .picks = t->picks,
                          .failures = t->failures,
                          .failures_in_row = t->failures_in_row,
                          .latency_ns = latency_now(b, t, now) };
}

size_t balancer_available(const Balancer *b, MonoNs now) {
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++)
        n += b->slots[b->order[i]].healthy && !is_ejected(&b->slots[b->order[i]], now);
    return n;
}
