/* docs/metrics.md is the tables of backtest/metrics.h and of ta4j's criteria: `metric_docs FILE` compares, `metric_docs` prints the page. */

#include <stdio.h>
#include <string.h>

#include "backtest/metrics.h"
#include "backtest/ta4j/ta4j.h"

int main(int argc, char **argv) {
    static char have[1 << 18];
    Buf want;
    buf_init(&want, sizeof have);
    metrics_describe(&want);
    ta4j_criteria_describe(&want);
    if (!buf_ok(&want))
        return 2;
    if (argc < 2)
        return fwrite(want.p, 1, want.n, stdout) != want.n;
    FILE *f = fopen(argv[1], "rb");
    size_t n = f ? fread(have, 1, sizeof have, f) : 0;
    if (f)
        fclose(f);
    bool same = n == want.n && memcmp(have, want.p, n) == 0;
    if (!same)
        fprintf(stderr, "%s is not the table: build/tests/style/metric_docs > docs/metrics.md\n", argv[1]);
    buf_done(&want);
    return !same;
}
