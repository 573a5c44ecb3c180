/* bench/make_candles.c - candles as CSV on standard output, for the benches of whole processes.
 *
 *     make_candles ROWS [SEED]
 * One-minute candles: a walk in hundredths with wicks, volumes of five decimals, about 60 bytes a row. The same
 * arguments give the same bytes on every machine. */

#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const int64_t first_ms = INT64_C(1500000000000), step_ms = 60000;

/* v hundredths or hundred-thousandths, without a detour over doubles: the text is exact. */
static void put_scaled(int64_t v, int64_t scale, int digits) {
    printf(",%lld.%0*lld", (long long)(v / scale), digits, (long long)(v % scale));
}

int main(int argc, char **argv) {
    long rows = argc > 1 ? strtol(argv[1], NULL, 10) : 1000000;
    Rng rng;
    rng_seed(&rng, argc > 2 ? strtoull(argv[2], NULL, 10) : 1);
    int64_t cents = 4200000;
    puts("timestamp,open,high,low,close,volume");
    for (long i = 0; i < rows; i++) {
        int64_t step = (int64_t)(rng_normal(&rng) * 900); /* apart: MAX asks twice */
        int64_t next = MAX(cents + step, INT64_C(1000));
        int64_t up = (int64_t)(fabs(rng_normal(&rng)) * 500), down = (int64_t)(fabs(rng_normal(&rng)) * 500);
        int64_t open_ms = first_ms + (int64_t)i * step_ms;
        printf("%lld", (long long)open_ms);
        put_scaled(cents, 100, 2);
        put_scaled(MAX(cents, next) + up, 100, 2);
        put_scaled(MAX(MIN(cents, next) - down, INT64_C(1)), 100, 2);
        put_scaled(next, 100, 2);
        put_scaled((int64_t)rng_below(&rng, 10000000), 100000, 5);
        putchar('\n');
        cents = next;
    }
    return fflush(stdout) != 0;
}
