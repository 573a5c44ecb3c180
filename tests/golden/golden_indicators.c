/* golden/golden_indicators.c - golden_indicators DATA FILE ...: ta/ against dumps of other programs.
 *
 * `make golden-indicators FILE=dump.json DATA=folder` builds and runs it. Every difference has a line; the last line is
 * "N passed, N failed". Exit status: 0 all passed, 1 some differ, 2 a file could not be used. */

#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "golden/indicator_dump.h"

enum { DUMP_MAX = 1 << 30 };

int main(int argc, char **argv) {
    Arena arena = { 0 };
    ClockManual clock;
    Ctx cx;
    DumpReport report = { .out = stdout };
    bool unusable = false;
    clock_manual_init(&clock, (Time){ 0 });
    if (argc < 3) {
        fprintf(stderr, "usage: %s DATA FILE ...\n", argv[0]);
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        Str json;
        ctx_init(&cx, &arena, &clock.clock);
        if (file_read(&cx, argv[i], DUMP_MAX, &json) < 0 || dump_check(&cx, json, argv[1], &report) < 0) {
            fprintf(stderr, "%s: %s\n", argv[i], cx.err.text);
            report.n_failed++;
            unusable = true;
        }
        arena_reset(&arena);
    }
    arena_done(&arena);
    printf("%zu passed, %zu failed\n", report.n_passed, report.n_failed);
    return unusable ? 2 : report.n_failed > 0;
}
