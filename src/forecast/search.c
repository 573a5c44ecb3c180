/* forecast/search.c - see search.h. */

#include "forecast/search.h"

#include "base/vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_RANDOM = 10, CANDIDATES = 24, GOOD_MAX = 25 };
static const double good_share = 0.1;

typedef struct Trial {
    double u[SEARCH_PARAMS_MAX]; /* each parameter's place in its range, 0 to 1 */
    double value;
} Trial;

struct Search {
    Arena *arena;
    const SearchParam *params;
    size_t n;
    SearchMethod method;
    Rng rng;
    VEC(Trial) trials; /* best first */
};

Search *search_new(Arena *a, const SearchParam *params, size_t n, SearchMethod method, uint64_t seed) {
    Search *s = arena_new(a, Search);
    assert(n > 0 && n <= SEARCH_PARAMS_MAX);
    for (size_t i = 0; i < n; i++)
        assert(params[i].lo < params[i].hi && (!params[i].log || params[i].lo > 0));
    s->arena = a;
    s->params = params;
    s->n = n;
    s->method = method;
    rng_seed(&s->rng, seed);
    return s;
}

/* --- places and values --- */

static double value_of(const SearchParam *p, double u) {
    double v = p->log ? exp(log(p->lo) + u * (log(p->hi) - log(p->lo))) : p->lo + u * (p->hi - p->lo);
    v = p->whole ? nearbyint(v) : v;
    return CLAMP(v, p->lo, p->hi);
}

static double place_of(const SearchParam *p, double v) {
    double u = p->log ? (log(v) - log(p->lo)) / (log(p->hi) - log(p->lo)) : (v - p->lo) / (p->hi - p->lo);
    return CLAMP(u, 0, 1);
}

/* --- TPE --- */

enum { DENSITY_MAX = 512 }; /* the best of the bad ones stand for all of them */

typedef struct Density { /* of one parameter: truncated normals, one of them wide, for all that was not tried */
    double at[DENSITY_MAX + 1], width[DENSITY_MAX + 1];
    size_t n;
} Density;

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Each normal is as wide as the larger distance to its neighbours. */
static void density_of(const Trial *trials, size_t n, size_t param, Density *d) {
    n = MIN(n, (size_t)DENSITY_MAX);
    for (size_t i = 0; i < n; i++)
        d->at[i] = trials[i].u[param];
    d->at[n] = 0.5;
    d->n = n + 1;
    qsort(d->at, d->n, sizeof *d->at, compare_doubles);
    double least = 1 / fmin(100, 1 + (double)d->n);
    bool wide = false;
    for (size_t i = 0; i < d->n; i++) {
        double left = d->at[i] - (i ? d->at[i - 1] : 0), right = (i + 1 < d->n ? d->at[i + 1] : 1) - d->at[i];
        d->width[i] = CLAMP(fmax(left, right), least, 1);
        if (!wide && d->at[i] == 0.5) {
            d->width[i] = 1;
            wide = true;
        }
    }
}

static double normal_cdf(double z) {
    return 0.5 * erfc(-z / 1.4142135623730951);
}

static double density_at(const Density *d, double u) {
    double sum = 0;
    for (size_t i = 0; i < d->n; i++) {
        double z = (u - d->at[i]) / d->width[i];
        double inside = normal_cdf((1 - d->at[i]) / d->width[i]) - normal_cdf(-d->at[i] / d->width[i]);
        sum += exp(-z * z / 2) / (2.5066282746310002 * d->width[i] * inside);
    }
    return sum / (double)d->n;
}

static double draw_from(const Density *d, Rng *rng) {
    size_t i = rng_below(rng, d->n);
    for (int tries = 0; tries < 100; tries++) {
        double u = d->at[i] + d->width[i] * rng_normal(rng);
        if (u >= 0 && u <= 1)
            return u;
    }
    return d->at[i];
}

static void ask_tpe(Search *s, double *u) {
    ArenaMark mark = arena_mark(s->arena);
    Density *good = arena_new(s->arena, Density), *bad = arena_new(s->arena, Density);
    size_t n_good = MIN((size_t)ceil(good_share * (double)s->trials.n), (size_t)GOOD_MAX);
    for (size_t p = 0; p < s->n; p++) {
        double best = -INFINITY;
        density_of(s->trials.v, n_good, p, good);
        density_of(s->trials.v + n_good, s->trials.n - n_good, p, bad);
        for (int i = 0; i < CANDIDATES; i++) {
            double at = draw_from(good, &s->rng), worth = log(density_at(good, at)) - log(density_at(bad, at));
            if (worth > best) {
                best = worth;
                u[p] = at;
            }
        }
    }
    arena_rewind(s->arena, mark);
}

void search_ask(Search *s, double *x) {
    double u[SEARCH_PARAMS_MAX];
    if (s->method == SEARCH_TPE && s->trials.n >= FIRST_RANDOM)
        ask_tpe(s, u);
    else
        for (size_t p = 0; p < s->n; p++)
            u[p] = rng_f64(&s->rng);
    for (size_t p = 0; p < s->n; p++)
        x[p] = value_of(&s->params[p], u[p]);
}

void search_tell(Search *s, const double *x, double value) {
    Trial t = { .value = isnan(value) ? INFINITY : value };
    assert(s->trials.n < SEARCH_TRIALS_MAX);
    for (size_t p = 0; p < s->n; p++)
        t.u[p] = place_of(&s->params[p], x[p]);
    vec_push_in(s->arena, &s->trials, t);
    for (size_t i = s->trials.n - 1; i > 0 && s->trials.v[i].value < s->trials.v[i - 1].value; i--) {
        t = s->trials.v[i];
        s->trials.v[i] = s->trials.v[i - 1];
        s->trials.v[i - 1] = t;
    }
}

bool search_best(const Search *s, double *x, double *value) {
    if (s->trials.n == 0 || isinf(s->trials.v[0].value))
        return false;
    for (size_t p = 0; p < s->n; p++)
        x[p] = value_of(&s->params[p], s->trials.v[0].u[p]);
    *value = s->trials.v[0].value;
    return true;
}

/* --- ASHA --- */

typedef struct RungEntry {
    size_t trial;
    double value;
    bool promoted;
} RungEntry;

typedef struct Rung {
    VEC(RungEntry) entries; /* best first */
} Rung;

struct Asha {
    Arena *arena;
    double least, most, eta;
    size_t n_rungs, n_trials;
    Rung rungs[ASHA_RUNGS_MAX];
};

Asha *asha_new(Arena *arena, double least, double most, double eta) {
    Asha *a = arena_new(arena, Asha);
    assert(least > 0 && least <= most && eta > 1);
    a->arena = arena;
    a->least = least;
    a->most = most;
    a->eta = eta;
    double next = least * eta;
    for (a->n_rungs = 1; a->n_rungs < ASHA_RUNGS_MAX && next <= most * (1 + 1e-9); a->n_rungs++)
        next *= eta;
    return a;
}

static AshaTask task_at(const Asha *a, size_t trial, size_t rung) {
    return (AshaTask){ trial, rung, fmin(a->least * pow(a->eta, (double)rung), a->most) };
}

/* From the top rung down: one in the best 1/eta of its rung that has not gone on yet. */
AshaTask asha_ask(Asha *a) {
    for (size_t r = a->n_rungs - 1; r-- > 0;) {
        Rung *rung = &a->rungs[r];
        size_t may = (size_t)((double)rung->entries.n / a->eta);
        for (size_t i = 0; i < may; i++) {
            RungEntry *e = &rung->entries.v[i];
            if (e->promoted || isinf(e->value))
                continue;
            e->promoted = true;
            return task_at(a, e->trial, r + 1);
        }
    }
    return task_at(a, a->n_trials++, 0);
}

void asha_tell(Asha *a, const AshaTask *task, double value) {
    Rung *rung = &a->rungs[task->rung];
    RungEntry e = { .trial = task->trial, .value = isnan(value) ? INFINITY : value };
    assert(task->rung < a->n_rungs && task->trial < a->n_trials);
    vec_push_in(a->arena, &rung->entries, e);
    for (size_t i = rung->entries.n - 1; i > 0 && rung->entries.v[i].value < rung->entries.v[i - 1].value; i--) {
        e = rung->entries.v[i];
        rung->entries.v[i] = rung->entries.v[i - 1];
        rung->entries.v[i - 1] = e;
    }
}
