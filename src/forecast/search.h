#pragma once

/* forecast/search.h - settings to try next: at random, by TPE, and by ASHA how long each is tried.
 *
 *     search_new(arena, params, n, SEARCH_TPE, seed, &s)
 *     search_ask(s, x)           settings worth trying
 *     search_tell(s, x, value)   how they did: the smaller the better; NaN or infinity: they failed
 *
 * TPE (Bergstra, Bardenet, Bengio, Kegl, NeurIPS 2011): the best tenth of the trials and the others each give a density
 * a parameter, a mixture of normals at what was tried and a wide one for what was not; of 24 points drawn from the good
 * density the one that is rarest under the bad one is tried next. The first ten trials are drawn at random.
 *
 * ASHA (Li et al., MLSys 2020): a trial begins with the least resource (epochs, rows); whenever somebody is free, a trial
 * in the best 1/eta of its rung goes on with eta times more, and where there is none a new one begins.
 *
 * The same seed and the same answers give the same questions. Pure; one thread. */

#include "base/arena.h"
#include "base/rng.h"

enum { SEARCH_PARAMS_MAX = 16, SEARCH_TRIALS_MAX = 100000 };

typedef struct SearchParam {
    const char *name;
    double lo, hi; /* both included; lo < hi */
    bool log;      /* drawn by its logarithm: lo > 0 */
    bool whole;    /* rounded to a whole number */
} SearchParam;

typedef enum SearchMethod { SEARCH_RANDOM, SEARCH_TPE } SearchMethod;

typedef struct Search Search;

/* params must outlive it. In the arena. */
Search *search_new(Arena *a, const SearchParam *params, size_t n, SearchMethod method, uint64_t seed);
void search_ask(Search *s, double *x);
void search_tell(Search *s, const double *x, double value);
/* The best trial so far; false before one came to an end. */
bool search_best(const Search *s, double *x, double *value);

enum { ASHA_RUNGS_MAX = 12 };
typedef struct Asha Asha;

typedef struct AshaTask {
    size_t trial; /* 0, 1, 2, … a new one where it was never seen */
    size_t rung;
    double resource; /* in all: least * eta^rung, at most `most` */
} AshaTask;

/* 0 < least <= most; eta > 1, usually 3. */
Asha *asha_new(Arena *a, double least, double most, double eta);
AshaTask asha_ask(Asha *a);
void asha_tell(Asha *a, const AshaTask *task, double value);
