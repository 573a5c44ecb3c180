/* policy/key_ring, base/hmac: does the time of a comparison tell how near a guess was? (SEC-02)
 *
 * After dudect (Reparaz, Balasch, Verbauwhede: "Dude, is my code constant time?", 2017): two classes of input in random
 * order, cycles of each call, Welch's t between them. |t| of 4.5 and more is a leak. The long tail that interrupts make is
 * cut at a percentile of all. A neighbour on the machine may push one round past the bound, a leak pushes many: the
 * smallest |t| of several rounds counts, and a comparison that does leak must be seen by the same measure. */

#include "base/hmac.h"
#include "base/rng.h"
#include "lib/test.h"
#include "policy/key_ring.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#else
#include <time.h>
#endif

enum { SAMPLES = 30000, ROUNDS = 30, QUIET = 2, LEAK = 20, KEEP_PERCENT = 80, INPUT_MAX = 64 };

typedef bool Subject(const void *arg, const char *input);

static uint64_t cycles(void) {
#if defined(__x86_64__)
    unsigned cpu;
    return __rdtscp(&cpu);
#else
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
#endif
}

static int by_size(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static double welch(const uint64_t *v, const uint8_t *class, uint64_t bound) {
    double n[2] = { 0 }, mean[2] = { 0 }, m2[2] = { 0 };
    for (int i = 0; i < SAMPLES; i++) {
        if (v[i] > bound)
            continue;
        int c = class[i];
        double x = (double)v[i], before = x - mean[c];
        n[c]++;
        mean[c] += before / n[c];
        m2[c] += before * (x - mean[c]);
    }
    double spread = m2[0] / (n[0] - 1) / n[0] + m2[1] / (n[1] - 1) / n[1];
    return spread > 0 ? fabs(mean[0] - mean[1]) / sqrt(spread) : 0;
}

/* |t| of one round; inputs[0] and inputs[1] are of INPUT_MAX bytes. */
static double t_of(Rng *rng, Subject *subject, const void *arg, const char inputs[2][INPUT_MAX]) {
    static uint64_t took[SAMPLES], sorted[SAMPLES];
    static uint8_t class[SAMPLES];
    volatile bool sink = false;
    for (int i = 0; i < SAMPLES; i++) {
        char input[INPUT_MAX];
        class[i] = (uint8_t)(rng_u64(rng) & 1);
        memcpy(input, inputs[class[i]], sizeof input); /* one place for both: no cache line tells them apart */
        uint64_t began = cycles();
        sink ^= subject(arg, input);
        took[i] = cycles() - began;
    }
    UNUSED(sink);
    memcpy(sorted, took, sizeof sorted);
    qsort(sorted, SAMPLES, sizeof *sorted, by_size);
    return welch(took, class, sorted[SAMPLES / 100 * KEEP_PERCENT]);
}

/* The smallest |t| of the rounds, up to the first that is quiet. */
static double least_t(Subject *subject, const void *arg, const char inputs[2][INPUT_MAX]) {
    double least = INFINITY;
    Rng rng;
    rng_seed(&rng, prop_seed(2024));
    for (int round = 0; round < ROUNDS && least >= QUIET; round++)
        least = fmin(least, t_of(&rng, subject, arg, inputs));
    return least;
}

/* The largest: what leaks need not be seen in a round that a neighbour drowned. */
static double most_t(Subject *subject, const void *arg, const char inputs[2][INPUT_MAX]) {
    double most = 0;
    Rng rng;
    rng_seed(&rng, prop_seed(2024));
    for (int round = 0; round < ROUNDS && most <= LEAK; round++)
        most = fmax(most, t_of(&rng, subject, arg, inputs));
    return most;
}

static bool leaky(const void *arg, const char *input) {
    const volatile char *a = arg, *b = input;
    for (int i = 0; i < INPUT_MAX; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

static bool equal(const void *arg, const char *input) {
    return bytes_equal(arg, input, INPUT_MAX);
}

static bool find(const void *arg, const char *input) {
    const KeyEntry *e;
    return key_set_find(arg, str_n(input, KEY_TOKEN), time_ms(1), &e) == KEY_GOOD;
}

TEST(a_comparison_that_leaks_is_seen) {
    char secret[INPUT_MAX], inputs[2][INPUT_MAX];
    memset(secret, 7, sizeof secret);
    memcpy(inputs[0], secret, sizeof secret);
    inputs[0][INPUT_MAX - 1] ^= 1; /* all but the last byte is right */
    memset(inputs[1], 8, INPUT_MAX);
    double t = most_t(leaky, secret, inputs);
    print_message("# t of a comparison that stops early: %.1f\n", t);
    CHECK(t > LEAK);
}

TEST(the_time_of_equal_tells_nothing) {
    char secret[INPUT_MAX], inputs[2][INPUT_MAX];
    memset(secret, 7, sizeof secret);
    memcpy(inputs[0], secret, sizeof secret);
    inputs[0][INPUT_MAX - 1] ^= 1;
    memset(inputs[1], 8, INPUT_MAX);
    double t = least_t(equal, secret, inputs);
    print_message("# t of bytes_equal: %.1f\n", t);
    CHECK(t < 4.5);
}

/* The id of a key that is there with a wrong secret, and the right key: both are hashed whole and compared whole. */
TEST(the_time_of_finding_a_key_tells_nothing_of_its_secret) {
    uint8_t random[KEY_RANDOM] = { 1, 2, 3 }, other[KEY_RANDOM] = { 9, 8, 7 };
    char inputs[2][INPUT_MAX] = { { 0 } }, id[KEY_ID + 1] = { 0 }, near_key[KEY_TOKEN + 1], real[KEY_TOKEN + 1];
    key_token_make(random, NULL, real);
    memcpy(id, real + 4, KEY_ID);
    KeyEntry e = { .key = { .id = str_c(id) } };
    key_token_digest(str_n(real, KEY_TOKEN), e.key.digest);
    KeySet *s = key_set_new(&e, 1);
    random[KEY_RANDOM - 1] ^= 1; /* the last bits of the secret */
    random[KEY_RANDOM - 2] ^= 1;
    key_token_make(random, id, near_key);
    memcpy(inputs[0], near_key, KEY_TOKEN);
    key_token_make(other, id, near_key);
    memcpy(inputs[1], near_key, KEY_TOKEN);
    double t = least_t(find, s, inputs);
    print_message("# t of key_set_find, near and far: %.1f\n", t);
    CHECK(t < 4.5);
    key_set_unref(s);
}

TESTS(T(a_comparison_that_leaks_is_seen), T(the_time_of_equal_tells_nothing),
      T(the_time_of_finding_a_key_tells_nothing_of_its_secret))
