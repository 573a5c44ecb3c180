/* A process that registers models is killed at 12 random moments: every version that was answered is there afterwards with
 * the weights that were registered, and none is there without them. */

#include "adapters/object/dir.h"
#include "adapters/registry/sqlite.h"
#include "base/file.h"
#include "lib/test.h"
#include "services/models/registry.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { KILLS = 12, LIFE_MAX = 400 };

typedef struct Opened {
    ObjectStore *files;
    ModelRegistry *r;
    Models *m;
} Opened;

static void open_in(TestCtx *t, const char *dir, Ids *ids, Opened *o) {
    CHECK_OK_PLAIN(&t->cx, object_dir_open(&t->cx, path_join(&t->arena, dir, "files"), &o->files));
    RegistrySqliteOptions options = { .path = path_join(&t->arena, dir, "models.db"), .files = o->files, .ids = ids };
    CHECK_OK_PLAIN(&t->cx, registry_sqlite_open(&t->cx, &options, &o->r));
    o->m = models_new(&(ModelsOptions){ .registry = o->r });
}

static void close_all(Opened *o) {
    models_free(o->m);
    model_registry_close(o->r);
    object_store_close(o->files);
}

static Str weights(TestCtx *t, uint64_t seed) {
    static const ArtifactColumn columns[1] = { { STR_INIT("a"), 1.5, 2 } };
    Artifact a = { .model = S("naive"),
                   .preset = S("price"),
                   .split = S("0.7,0.1,0.2"),
                   .shape = { 8, 4, 1, 1, 1 },
                   .seed = seed,
                   .step_ms = 3600000,
                   .columns = columns,
                   .val = { .5, .5, 1, .6, 3, 10 },
                   .test = { .6, .5, 1, .6, 3, 20 },
                   .n_members = 1,
                   .members = { S("naive") },
                   .weights = { 1 } };
    Buf b;
    buf_init(&b, 1 << 20);
    CHECK_OK_PLAIN(&t->cx, artifact_write(&a, &t->cx, &b));
    Str bytes = str_dup(&t->arena, buf_str(&b));
    buf_done(&b);
    return bytes;
}

/* The process that is killed: one byte for every version that was answered. */
static void live(const char *dir, uint64_t seed, int fd) {
    TestCtx t;
    IdsSeeded ids;
    Opened o;
    test_ctx_init(&t);
    ids_seeded_init(&ids, seed);
    open_in(&t, dir, &ids.ids, &o);
    for (uint64_t i = 0; i < LIFE_MAX; i++) {
        ModelVersion v;
        ModelRegister q = { .name = S("m"), .weights = weights(&t, seed + i) };
        if (models_register(o.m, &t.cx, &q, &v) != 0 || write(fd, "v", 1) != 1)
            _exit(3);
    }
    _exit(0);
}

/* Acknowledged versions of one life. */
static int one_life(const char *dir, Rng *rng) {
    int fds[2], n = 0, least = (int)rng_below(rng, 5), status;
    char byte;
    uint64_t seed = rng_u64(rng);
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(fds[0]);
        live(dir, seed, fds[1]);
    }
    close(fds[1]);
    while (n < least && read(fds[0], &byte, 1) == 1)
        n++;
    nanosleep(&(struct timespec){ .tv_nsec = (long)rng_below(rng, 4000000) }, NULL);
    kill(pid, SIGKILL);
    while (read(fds[0], &byte, 1) == 1) /* what it still said before */
        n++;
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFSIGNALED(status))
        FAIL("the process ended by itself: %d", WEXITSTATUS(status));
    return n;
}

TEST(no_answered_version_is_lost_and_none_is_half) {
    Rng rng;
    uint64_t seed = prop_seed(7);
    const char *dir = test_dir();
    int answered = 0;
    rng_seed(&rng, seed);
    for (int k = 0; k < KILLS; k++) {
        TestCtx t;
        IdsSeeded ids;
        Opened o;
        ModelVersion *v;
        ModelWeights w;
        size_t n = 0;
        answered += one_life(dir, &rng);
        test_ctx_init(&t);
        ids_seeded_init(&ids, rng_u64(&rng));
        open_in(&t, dir, &ids.ids, &o);
        int r = models_versions(o.m, &t.cx, S("m"), &v, &n);
        CHECK(r == 0 || (r == MODELS_NONE && answered == 0));
        CHECK((int)n >= answered && (int)n <= answered + 1); /* one more may have lasted unanswered */
        for (size_t i = 0; i < n; i++)
            CHECK_OK(&t.cx, models_load(o.m, &t.cx, &v[i], &w));
        answered = (int)n;
        close_all(&o);
        test_ctx_done(&t);
    }
    CHECK(answered >= KILLS / 2);
    test_dir_done(dir);
}

TESTS(T(no_answered_version_is_lost_and_none_is_half))
