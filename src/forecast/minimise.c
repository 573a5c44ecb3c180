/* forecast/minimise.c - see minimise.h. */

#include "forecast/minimise.h"

#include <math.h>
#include <string.h>

typedef struct Simplex {
    size_t n;
    double **p; /* (n + 1)(n) */
    double *f;  /* (n + 1) */
    double *centre, *a, *b;
    MinimiseFn *fn;
    void *arg;
    int calls;
} Simplex;

static double value(Simplex *s, const double *x) {
    s->calls++;
    double v = s->fn(s->arg, x);
    return isnan(v) ? INFINITY : v;
}

/* Best first: insertion, as all but one are in order already. */
static void sort(Simplex *s) {
    for (size_t i = 1; i <= s->n; i++)
        for (size_t k = i; k > 0 && s->f[k] < s->f[k - 1]; k--) {
            double f = s->f[k], *p = s->p[k];
            s->f[k] = s->f[k - 1], s->p[k] = s->p[k - 1];
            s->f[k - 1] = f, s->p[k - 1] = p;
        }
}

static void find_centre(Simplex *s) {
    for (size_t d = 0; d < s->n; d++) {
        double sum = 0;
        for (size_t i = 0; i < s->n; i++)
            sum += s->p[i][d];
        s->centre[d] = sum / (double)s->n;
    }
}

/* centre + t (worst - centre) */
static double try_at(Simplex *s, double t, double *out) {
    for (size_t d = 0; d < s->n; d++)
        out[d] = s->centre[d] + t * (s->p[s->n][d] - s->centre[d]);
    return value(s, out);
}

static void take(Simplex *s, const double *x, double f) {
    memcpy(s->p[s->n], x, s->n * sizeof *x);
    s->f[s->n] = f;
}

static void shrink(Simplex *s, double by) {
    for (size_t i = 1; i <= s->n; i++) {
        for (size_t d = 0; d < s->n; d++)
            s->p[i][d] = s->p[0][d] + by * (s->p[i][d] - s->p[0][d]);
        s->f[i] = value(s, s->p[i]);
    }
}

static void step_simplex(Simplex *s) {
    double n = (double)s->n, expand = 1 + 2 / n, contract = 0.75 - 1 / (2 * n), less = s->n > 1 ? 1 - 1 / n : 0.5;
    if (s->n == 1)
        expand = 2, contract = 0.5;
    find_centre(s);
    double f = try_at(s, -1, s->a);
    if (f < s->f[0]) {
        double far = try_at(s, -expand, s->b);
        take(s, far < f ? s->b : s->a, MIN(far, f));
    } else if (f < s->f[s->n - 1]) {
        take(s, s->a, f);
    } else {
        bool outside = f < s->f[s->n];
        double near = try_at(s, outside ? -contract : contract, s->b);
        if (near <= MIN(f, s->f[s->n]))
            take(s, s->b, near);
        else
            shrink(s, less);
    }
    sort(s);
}

double minimise(Arena *scratch, MinimiseFn *fn, void *arg, size_t n, const double *step, double tol, int most,
                double *x) {
    ArenaMark mark = arena_mark(scratch);
    Simplex s = { .n = n, .fn = fn, .arg = arg };
    s.p = arena_new_n(scratch, double *, n + 1);
    s.f = arena_new_n(scratch, double, n + 1);
    s.centre = arena_new_n(scratch, double, n);
    s.a = arena_new_n(scratch, double, n);
    s.b = arena_new_n(scratch, double, n);
    for (size_t i = 0; i <= n; i++) {
        s.p[i] = arena_new_n(scratch, double, n);
        memcpy(s.p[i], x, n * sizeof *x);
        if (i > 0)
            s.p[i][i - 1] += step[i - 1];
        s.f[i] = value(&s, s.p[i]);
    }
    sort(&s);
    while (s.calls < most && !(s.f[n] - s.f[0] <= tol * (fabs(s.f[0]) + tol)))
        step_simplex(&s);
    memcpy(x, s.p[0], n * sizeof *x);
    double best = s.f[0];
    arena_rewind(scratch, mark);
    return best;
}

double minimise_line(MinimiseFn *fn, void *arg, double lo, double hi, double tol) {
    const double golden = 0.6180339887498949;
    double a = hi - golden * (hi - lo), b = lo + golden * (hi - lo);
    double fa = fn(arg, &a), fb = fn(arg, &b);
    while (hi - lo > tol) {
        if (fa < fb) {
            hi = b, b = a, fb = fa;
            a = hi - golden * (hi - lo);
            fa = fn(arg, &a);
        } else {
            lo = a, a = b, fa = fb;
            b = lo + golden * (hi - lo);
            fb = fn(arg, &b);
        }
    }
    return (lo + hi) / 2;
}
