/* golden/golden_backtest.c - golden_backtest CASES DATA: the engine `backtrader` against dumps of Backtrader's runs.
 *
 * `make golden-backtest CASES=folder DATA=folder` builds and runs it over every .json of the folder (or over one file).
 * Every difference has a line; the last line is "N passed, N failed". Exit status: 0 all passed, 1 some differ, 2 there
 * was nothing to compare. */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "golden/backtest_case.h"

enum { CASE_MAX = 1 << 30 };

static int is_case(const struct dirent *entry) {
    return str_ends(str_c(entry->d_name), S(".json"));
}

static void check_file(CaseReport *report, Arena *arena, const char *path, Str name, const char *data) {
    ClockManual clock;
    Ctx cx;
    Str json;
    clock_manual_init(&clock, (Time){ 0 });
    ctx_init(&cx, arena, &clock.clock);
    if (file_read(&cx, path, CASE_MAX, &json) < 0) {
        printf("%s: %s\n", path, cx.err.text);
        report->n_failed++;
    } else {
        case_check(&cx, report, name, json, data);
    }
    arena_reset(arena);
}

int main(int argc, char **argv) {
    Arena arena = { 0 };
    CaseReport report = { .out = stdout };
    struct dirent **entries;
    char path[4096];
    if (argc != 3) {
        fprintf(stderr, "usage: %s CASES DATA\n", argv[0]);
        return 2;
    }
    if (str_ends(str_c(argv[1]), S(".json"))) {
        check_file(&report, &arena, argv[1], str_c(argv[1]), argv[2]);
    } else {
        int n = scandir(argv[1], &entries, is_case, alphasort);
        if (n < 0)
            fprintf(stderr, "%s: cannot be read\n", argv[1]);
        for (int i = 0; i < n; i++) {
            snprintf(path, sizeof path, "%s/%s", argv[1], entries[i]->d_name);
            check_file(&report, &arena, path, str_c(entries[i]->d_name), argv[2]);
            free(entries[i]);
        }
        if (n >= 0)
            free(entries);
    }
    arena_done(&arena);
    printf("%zu passed, %zu failed\n", report.n_passed, report.n_failed);
    return report.n_passed + report.n_failed == 0 ? 2 : report.n_failed > 0;
}
