/* What adapters/object/cached keeps on the disk, and what it makes of damage (PRD-14): weights of models are fetched once,
 * their sum is checked, and the folder keeps to its size. */

#include "adapters/object/cached.h"
#include "adapters/object/dir.h"
#include "base/file.h"
#include "lib/test.h"

#include <fcntl.h>
#include <sys/stat.h>

typedef struct Fixture {
    TestCtx t;
    const char *dir, *cache;
    ObjectStore *behind, *s;
    int64_t heads, gets; /* of the store behind */
} Fixture;

enum { ROOM = 1000000 };

static int count(void *arg, Ctx *cx, const char *point) {
    Fixture *f = arg;
    UNUSED(cx);
    f->heads += strcmp(point, "head") == 0;
    f->gets += strcmp(point, "get") == 0;
    return 0;
}

static void open_cache(Fixture *f) {
    CHECK_OK_PLAIN(&f->t.cx, object_dir_open(&f->t.cx, path_join(&f->t.arena, f->dir, "store"), &f->behind));
    object_store_set_fault(f->behind, count, f);
    ObjectCacheOptions o = { .dir = f->cache, .max_bytes = ROOM };
    CHECK_OK_PLAIN(&f->t.cx, object_cached_open(&f->t.cx, f->behind, &o, &f->s));
    f->gets = f->heads = 0;
}

static void begin(Fixture *f) {
    *f = (Fixture){ 0 };
    test_ctx_init(&f->t);
    f->dir = test_dir();
    f->cache = path_join(&f->t.arena, f->dir, "cache");
    open_cache(f);
}

static void end(Fixture *f) {
    object_store_close(f->s);
    test_dir_done(f->dir);
    test_ctx_done(&f->t);
}

static ObjectInfo put(Fixture *f, const char *key, size_t n, int seed) {
    ObjectInfo info;
    char *p = arena_alloc(&f->t.arena, n);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)((int)i * 7 + seed);
    CHECK_OK_PLAIN(&f->t.cx, object_put(f->s, &f->t.cx, &(ObjectPut){ .key = str_c(key) }, str_n(p, n), &info));
    return info;
}

static ObjectCacheStats stats(Fixture *f) {
    ObjectCacheStats out;
    object_cached_stats(f->s, &out);
    return out;
}

static void load(Fixture *f, const char *key) {
    Str got;
    CHECK_OK_PLAIN(&f->t.cx, object_get_all(f->s, &f->t.cx, str_c(key), ROOM, &got));
}

TEST(what_was_read_once_comes_from_the_disk_PRD_14) {
    Fixture f;
    begin(&f);
    ObjectInfo info = put(&f, "model/weights", 300000, 1);
    char byte;
    size_t got;
    load(&f, "model/weights");
    CHECK_EQ(f.gets, 1);
    CHECK(file_exists(path_join(&f.t.arena, f.cache, info.sha256)));
    load(&f, "model/weights");
    CHECK_OK(&f.t.cx, object_get(f.s, &f.t.cx, S("model/weights"), S(""), 100, 1, &byte, &got));
    CHECK_EQ(byte, (char)701);
    CHECK_EQ(f.gets, 1);
    CHECK_EQ(stats(&f).cold, 1);
    CHECK_EQ(stats(&f).warm, 2);
    CHECK_EQ(stats(&f).fetched_bytes, 300000);
    put(&f, "copy", 300000, 1); /* the same bytes under another key */
    load(&f, "copy");
    CHECK_EQ(f.gets, 1);
    put(&f, "model/weights", 300000, 2); /* a new version is never read from the old file */
    CHECK_OK(&f.t.cx, object_get(f.s, &f.t.cx, S("model/weights"), S(""), 100, 1, &byte, &got));
    CHECK_EQ(byte, (char)702);
    CHECK_EQ(f.gets, 2);
    end(&f);
}

TEST(a_file_that_is_damaged_is_fetched_again_PRD_14) {
    Fixture f;
    begin(&f);
    ObjectInfo info = put(&f, "k", 1000, 1);
    const char *path = path_join(&f.t.arena, f.cache, info.sha256);
    load(&f, "k");
    object_store_close(f.s);
    Str bytes = test_read_file(&f.t.arena, path);
    ((char *)(uintptr_t)bytes.p)[500] ^= 1;
    CHECK_OK(&f.t.cx, file_write(&f.t.cx, path, bytes, 0600));
    open_cache(&f); /* another process: it believes nothing it has not read */
    load(&f, "k");
    CHECK_EQ(f.gets, 1);
    CHECK_EQ(stats(&f).damaged, 1);
    CHECK_OK(&f.t.cx, file_write(&f.t.cx, path, S("short"), 0600)); /* and a wrong size is seen at once */
    load(&f, "k");
    CHECK_EQ(stats(&f).damaged, 2);
    load(&f, "k");
    CHECK_EQ(f.gets, 2);
    end(&f);
}

TEST(the_folder_keeps_to_its_size_and_gives_up_the_oldest) {
    Fixture f;
    begin(&f);
    char key[8];
    ObjectInfo infos[6];
    for (int i = 0; i < 6; i++) {
        snprintf(key, sizeof key, "k%d", i);
        infos[i] = put(&f, key, 250000, i);
        load(&f, key);
        struct timespec used[2] = { { i + 1, 0 },
                                    { i + 1, 0 } }; /* the times of uses, apart whatever the disk's clock */
        const char *path = path_join(&f.t.arena, f.cache, infos[i].sha256);
        CHECK_EQ(utimensat(0, path, used, 0), 0);
    }
    CHECK(stats(&f).bytes <= ROOM);
    CHECK(stats(&f).evicted >= 2);
    CHECK(!file_exists(path_join(&f.t.arena, f.cache, infos[0].sha256)));
    CHECK(file_exists(path_join(&f.t.arena, f.cache, infos[5].sha256)));
    load(&f, "k0"); /* and comes back */
    CHECK(file_exists(path_join(&f.t.arena, f.cache, infos[0].sha256)));
    int64_t gets = f.gets;
    put(&f, "huge", ROOM / 2 + 1, 1); /* passes by */
    load(&f, "huge");
    load(&f, "huge");
    CHECK_EQ(f.gets, gets + 2);
    CHECK_OK(&f.t.cx, file_write(&f.t.cx, path_join(&f.t.arena, f.cache, ".fill-1-1"), S("half"), 0600));
    object_store_close(f.s);
    open_cache(&f); /* what was half fetched is gone, and the size is known again */
    CHECK(!file_exists(path_join(&f.t.arena, f.cache, ".fill-1-1")));
    CHECK(stats(&f).bytes > 0 && stats(&f).bytes <= ROOM);
    end(&f);
}

static int corrupt_behind(void *arg, Ctx *cx, const char *point) {
    Fixture *f = arg;
    UNUSED(cx);
    if (strcmp(point, "get") == 0) { /* between head and get its bytes are damaged on the store's disk */
        ObjectInfo info;
        object_store_set_fault(f->behind, NULL, NULL);
        CHECK_OK_PLAIN(&f->t.cx, object_head(f->behind, &f->t.cx, S("k"), &info));
        const char *path = str_fmt(&f->t.arena, "%s/store/objects/k%%/%s", f->dir, info.sha256).p;
        CHECK_OK_PLAIN(&f->t.cx, file_write(&f->t.cx, str_cz(&f->t.arena, str_c(path)), S("damaged bytes!"), 0600));
    }
    return 0;
}

TEST(bytes_that_do_not_fit_their_sum_are_never_kept_PRD_08) {
    Fixture f;
    begin(&f);
    ObjectInfo info = put(&f, "k", 14, 1);
    Str got;
    object_store_set_fault(f.behind, corrupt_behind, &f);
    CHECK_EQ(object_get_all(f.s, &f.t.cx, S("k"), ROOM, &got), ERR_CORRUPT);
    CHECK(!file_exists(path_join(&f.t.arena, f.cache, info.sha256)));
    CHECK_EQ(stats(&f).bytes, 0);
    end(&f);
}

TESTS(T(what_was_read_once_comes_from_the_disk_PRD_14), T(a_file_that_is_damaged_is_fetched_again_PRD_14),
      T(the_folder_keeps_to_its_size_and_gives_up_the_oldest), T(bytes_that_do_not_fit_their_sum_are_never_kept_PRD_08))
