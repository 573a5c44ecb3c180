/* tests/lib/test.c - see test.h. */

#include "test.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

_Thread_local const char *test_row_name;
static uint64_t seed_in_use;

void test_fail_at(const char *file, int line, const char *fmt, ...) {
    char text[2048];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (test_row_name)
        print_error("# %s:%d: row '%s': %s\n", file, line, test_row_name, text);
    else
        print_error("# %s:%d: %s\n", file, line, text);
    if (seed_in_use)
        print_error("# rerun with PROP_SEED=%llu\n", (unsigned long long)seed_in_use);
    test_row_name = NULL;
    _fail(file, line);
    abort(); /* not reached: _fail jumps */
}

size_t test_part(int argc, char **argv, struct CMUnitTest *tests, size_t n) {
    unsigned part = 1, of = 1;
    if (argc > 1 && (sscanf(argv[1], "%u/%u", &part, &of) != 2 || part == 0 || part > of)) {
        fprintf(stderr, "%s: which part of the cases? It is I/N with 1 <= I <= N, not \"%s\"\n", argv[0], argv[1]);
        exit(2);
    }
    size_t kept = 0;
    for (size_t i = part - 1; i < n; i += of)
        tests[kept++] = tests[i];
    return kept;
}

void test_ctx_init(TestCtx *t) {
    arena_init(&t->arena, 0);
    clock_manual_init(&t->clock, time_ms(INT64_C(1704067200000)));
    ctx_init(&t->cx, &t->arena, &t->clock.clock);
    test_row_name = NULL;
}

void test_ctx_done(TestCtx *t) {
    arena_done(&t->arena);
}

uint64_t prop_seed(uint64_t standard) {
    const char *text = getenv("PROP_SEED");
    seed_in_use = text ? strtoull(text, NULL, 10) : standard;
    return seed_in_use;
}

const char *test_shared(void) {
    static char path[512];
    const char *env = getenv("FINSIGHT_SHARED");
    snprintf(path, sizeof path, "%s", env && *env ? env : FINSIGHT_SOURCE_ROOT "/../shared");
    return access(path, R_OK) == 0 ? path : NULL;
}

const char *test_shared_file(const char *relative) {
    static char path[768];
    const char *root = test_shared();
    if (!root)
        return NULL;
    snprintf(path, sizeof path, "%s/%s", root, relative);
    return access(path, R_OK) == 0 ? path : NULL;
}

const char *test_dir(void) {
    const char *tmp = getenv("TMPDIR");
    char *path = mem_alloc(256);
    snprintf(path, 256, "%s/finsight-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(path))
        FAIL("mkdtemp %s failed", path);
    return path;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
    UNUSED(st);
    UNUSED(kind);
    UNUSED(ftw);
    return remove(path);
}

void test_dir_done(const char *path) {
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    mem_free((void *)(uintptr_t)path);
}

Str test_read_file(Arena *a, const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f)
        FAIL("cannot open %s", path);
    struct stat st;
    if (fstat(fileno(f), &st) != 0)
        FAIL("cannot stat %s", path);
    char *p = arena_alloc(a, (size_t)st.st_size + 1);
    size_t n = fread(p, 1, (size_t)st.st_size, f);
    fclose(f);
    p[n] = '\0';
    return str_n(p, n);
}
