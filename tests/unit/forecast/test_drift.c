/* Drift that was planted is found, and how soon; drift that was not is not found, and how rarely (FUT-10). */

#include "base/rng.h"
#include "forecast/drift.h"
#include "test.h"

static int compare(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

TEST(psi_of_known_shares) {
    float cuts[9], v[100];
    for (size_t i = 0; i < 9; i++)
        cuts[i] = (float)(i + 1) * 10;
    for (size_t i = 0; i < 100; i++)
        v[i] = (float)i;
    CHECK_NEAR(drift_psi(cuts, v, 100), 0, 1e-12);
    for (size_t i = 0; i < 100; i++)
        v[i] = (float)(i % 50);
    /* five tenths have .2, five none (half a value: .005) */
    CHECK_NEAR(drift_psi(cuts, v, 100), 5 * (0.2 - 0.1) * log(2) + 5 * (0.005 - 0.1) * log(0.05), 1e-12);
}

/* scipy.stats.ks_2samp(mode="asymp") has no correction; distances are exact, chances those of Numerical Recipes. */
TEST(ks_of_known_samples) {
    static const float a[] = { 1, 2, 3, 4, 5, 6, 7, 8 }, b[] = { 5, 6, 7, 8, 9, 10, 11, 12 };
    double p;
    CHECK_NEAR(drift_ks(a, 8, a, 8, &p), 0, 0);
    CHECK_NEAR(p, 1, 1e-12);
    CHECK_NEAR(drift_ks(a, 8, b, 8, &p), 0.5, 1e-12);
    CHECK(p > 0.15 && p < 0.26); /* exact: .28 */
    static const float ties[] = { 5, 5, 5, 5 };
    CHECK_NEAR(drift_ks(a, 8, ties, 4, &p), 0.5, 1e-12);
}

TEST(adwin_keeps_its_sums) {
    Adwin a;
    Rng rng;
    rng_seed(&rng, prop_seed(3));
    adwin_init(&a, 1e-9); /* never cuts here */
    double sum = 0, squares = 0;
    enum { N = 3000 };
    static double v[N];
    for (size_t i = 0; i < N; i++) {
        v[i] = rng_f64(&rng);
        CHECK(!adwin_add(&a, v[i]));
        sum += v[i];
    }
    for (size_t i = 0; i < N; i++)
        squares += (v[i] - sum / N) * (v[i] - sum / N);
    CHECK_EQ(a.n, N);
    CHECK_NEAR(a.sum, sum, 1e-8);
    CHECK_NEAR(a.squares, squares, 1e-6);
    CHECK(a.n_rows <= 11); /* 5 of each of 1, 2, 4, … */
}

/* --- planted drift --- */

enum { BEFORE = 400, AFTER = 400, WINDOW = 200, TRIALS = 40 };

typedef struct Found {
    int psi, ks, adwin; /* rows from the change to the alarm; -1: none. Before it: < -1 */
} Found;

static int first(int now, int seen) {
    return seen == -1 ? now : seen;
}

/* |error| of a forecaster, half-normal; from BEFORE on `times` as large, shifted by `shift`. */
static Found one_trial(uint64_t seed, double times, double shift) {
    enum { N = BEFORE + AFTER };
    static float v[N];
    float cuts[9], latest[WINDOW], old[WINDOW], made[2000];
    Found f = { -1, -1, -1 };
    Adwin adwin;
    Rng rng;
    rng_seed(&rng, seed);
    adwin_init(&adwin, 0.002);
    for (size_t i = 0; i < ARRAY_LEN(made); i++) /* what training saw */
        made[i] = (float)fabs(rng_normal(&rng));
    qsort(made, ARRAY_LEN(made), sizeof made[0], compare);
    for (size_t i = 0; i < 9; i++)
        cuts[i] = made[(i + 1) * ARRAY_LEN(made) / 10];
    for (int i = 0; i < N; i++) {
        double e = fabs(rng_normal(&rng));
        v[i] = (float)(i < BEFORE ? e : e * times + shift);
        if (adwin_add(&adwin, MIN(1.0, v[i] / 4)))
            f.adwin = first(i - BEFORE, f.adwin);
        if (i + 1 < 2 * WINDOW)
            continue;
        memcpy(latest, v + i + 1 - WINDOW, sizeof latest);
        memcpy(old, v + i + 1 - 2 * WINDOW, sizeof old);
        qsort(latest, WINDOW, sizeof latest[0], compare);
        qsort(old, WINDOW, sizeof old[0], compare);
        double p;
        drift_ks(old, WINDOW, latest, WINDOW, &p);
        if (p < 0.001)
            f.ks = first(i - BEFORE, f.ks);
        if (drift_psi(cuts, latest, WINDOW) > 0.25)
            f.psi = first(i - BEFORE, f.psi);
    }
    return f;
}

typedef struct Tally {
    int found, early;
    double delay;
} Tally;

static void count(Tally *t, int at) {
    t->found += at >= 0;
    t->early += at < -1;
    t->delay += at >= 0 ? at : 0;
}

TEST(planted_drift_is_found_and_what_is_none_is_not) {
    static const struct {
        const char *name;
        double times, shift;
        int psi, ks, adwin; /* of TRIALS: found at least; of "none" at most */
        int most_delay;
    } rows[] = {
        { "none", 1, 0, 1, 2, 2, 0 },
        { "errors half as large again", 1.5, 0, 10, 34, 34, 300 },
        { "errors twice as large", 2, 0, 38, 38, 38, 150 },
        { "errors three times as large", 3, 0, 38, 38, 38, 80 },
        { "errors shifted by a deviation", 1, 1, 38, 38, 38, 120 },
    };
    print_message("# %-32s %22s %22s %22s\n", "planted at row 400, 40 trials", "PSI found/early/delay", "KS", "ADWIN");
    EACH_ROW (r, rows) {
        Tally psi = { 0 }, ks = { 0 }, adwin = { 0 };
        for (uint64_t i = 0; i < TRIALS; i++) {
            Found f = one_trial(1000 + i, r->times, r->shift);
            count(&psi, f.psi);
            count(&ks, f.ks);
            count(&adwin, f.adwin);
        }
        const Tally *const all[] = { &psi, &ks, &adwin };
        const int want[] = { r->psi, r->ks, r->adwin };
        print_message("# %-32s", r->name);
        for (size_t k = 0; k < 3; k++) {
            const Tally *t = all[k];
            double delay = t->found ? t->delay / t->found : 0;
            print_message("   %4d / %2d / %6.1f", t->found, t->early, delay);
            CHECK(t->early <= 2); /* false alarms before the change */
            if (r->times == 1 && r->shift == 0)
                CHECK(t->found <= want[k]);
            else
                CHECK(t->found >= want[k] && delay <= r->most_delay);
        }
        print_message("\n");
    }
}

TESTS(T(psi_of_known_shares), T(ks_of_known_samples), T(adwin_keeps_its_sums),
      T(planted_drift_is_found_and_what_is_none_is_not))
