/* base/file: real files in a folder of the test's own, since files are what it is about. */

#include "base/file.h"
#include "lib/test.h"

#include <sys/stat.h>
#include <unistd.h>

typedef struct Place {
    TestCtx t;
    const char *dir;
} Place;

static void place_init(Place *p) {
    test_ctx_init(&p->t);
    p->dir = test_dir();
}

static void place_done(Place *p) {
    test_dir_done(p->dir);
    test_ctx_done(&p->t);
}

static char *in(Place *p, const char *name) {
    return path_join(&p->t.arena, p->dir, name);
}

TEST(what_is_written_is_read_back_and_replaced_whole) {
    Place p;
    place_init(&p);
    Ctx *cx = &p.t.cx;
    char *path = in(&p, "a.txt");
    Str got;
    CHECK_OK(cx, file_write(cx, path, S("first"), 0644));
    CHECK_OK(cx, file_read(cx, path, 5, &got)); /* a limit that fits exactly */
    CHECK_STR(got, S("first"));
    CHECK_EQ(got.p[got.n], '\0');
    CHECK_OK(cx, file_write(cx, path, str_n("a\0b", 3), 0600));
    CHECK_OK(cx, file_read(cx, path, 100, &got));
    CHECK_STR(got, str_n("a\0b", 3));
    struct stat st;
    CHECK_EQ(stat(path, &st), 0);
    CHECK_EQ(st.st_mode & 0777, 0600);
    CHECK_OK(cx, file_write(cx, path, (Str){ 0 }, 0644));
    CHECK_OK(cx, file_read(cx, path, 100, &got));
    CHECK_EQ(got.n, 0);
    int64_t size = -1;
    CHECK_OK(cx, file_size(cx, path, &size));
    CHECK_EQ(size, 0);
    place_done(&p);
}

TEST(a_file_over_the_limit_is_refused) {
    Place p;
    place_init(&p);
    Ctx *cx = &p.t.cx;
    char *path = in(&p, "big");
    Str got = S("untouched");
    CHECK_OK(cx, file_write(cx, path, S("123456"), 0644));
    CHECK_EQ(file_read(cx, path, 5, &got), ERR_TOO_LARGE);
    CHECK_STR(got, S("untouched"));
    CHECK(strstr(cx->err.text, "larger than 5 bytes"));
    place_done(&p);
}

TEST(a_file_without_a_size_is_read_too) {
    Place p;
    place_init(&p);
    Ctx *cx = &p.t.cx;
    if (!file_exists("/proc/self/status"))
        SKIP("no /proc here");
    Str got;
    CHECK_OK(cx, file_read(cx, "/proc/self/status", 1 << 16, &got));
    CHECK(got.n > 100);
    CHECK_EQ(file_read(cx, "/dev/zero", 10000, &got), ERR_TOO_LARGE);
    place_done(&p);
}

TEST(failures_say_what_where_and_why) {
    Place p;
    place_init(&p);
    Ctx *cx = &p.t.cx;
    Str got;
    CHECK_EQ(file_read(cx, in(&p, "missing"), 10, &got), ERR_NOT_FOUND);
    CHECK_STR(str_c(cx->err.text), str_fmt(&p.t.arena, "cannot read %s/missing: no such file or directory", p.dir));
    CHECK_EQ(file_read(cx, p.dir, 10, &got), ERR_IO);
    CHECK(strstr(cx->err.text, "is a directory"));
    CHECK_EQ(file_write(cx, in(&p, "no/such/folder"), S("x"), 0644), ERR_NOT_FOUND);
    CHECK(strstr(cx->err.text, "cannot write "));
    CHECK_EQ(file_fail(cx, 30 /* EROFS */, "write", "/x/y"), ERR_DENIED);
    CHECK_STR(str_c(cx->err.text),
              S("cannot write /x/y: read-only file system; choose a place that can be written, e.g. another "
                "--data-dir"));
    CHECK_EQ(file_fail(cx, 28 /* ENOSPC */, "write", "/x/y"), ERR_STORAGE);
    place_done(&p);
}

TEST(a_failed_write_leaves_the_old_file_and_no_litter) {
    Place p;
    place_init(&p);
    Ctx *cx = &p.t.cx;
    CHECK_EQ(mkdir(in(&p, "taken"), 0755), 0);
    CHECK_OK(cx, file_write(cx, in(&p, "taken/keep"), S("old"), 0644));
    CHECK(file_write(cx, in(&p, "taken"), S("new"), 0644) < 0); /* a folder cannot be replaced by a file */
    CHECK(file_exists(in(&p, "taken/keep")));
    CHECK_EQ(rmdir(p.dir), -1);
    CHECK_OK(cx, file_remove(cx, in(&p, "taken/keep")));
    CHECK_EQ(rmdir(in(&p, "taken")), 0);
    CHECK_EQ(rmdir(p.dir), 0); /* nothing else was left in it */
    place_done(&p);
}

TEST(folders_are_made_with_their_parents) {
    Place p;
    place_init(&p);
    Ctx *cx = &p.t.cx;
    CHECK_OK(cx, dir_make(cx, in(&p, "a//b/c/")));
    CHECK(dir_exists(in(&p, "a/b/c")));
    CHECK_OK(cx, dir_make(cx, in(&p, "a/b/c"))); /* again is fine */
    CHECK_OK(cx, file_write(cx, in(&p, "file"), S(""), 0644));
    CHECK(dir_make(cx, in(&p, "file/x")) < 0);
    CHECK(strstr(cx->err.text, "cannot create "));
    CHECK(!dir_exists(in(&p, "file")));
    CHECK_OK(cx, dir_sync(cx, p.dir));
    CHECK_OK(cx, dir_probe(cx, p.dir));
    CHECK_EQ(dir_probe(cx, in(&p, "nowhere")), ERR_NOT_FOUND);
    int64_t room = -1;
    CHECK_OK(cx, dir_free_bytes(cx, p.dir, &room));
    CHECK(room >= 0);
    CHECK_OK(cx, file_remove(cx, in(&p, "never there")));
    CHECK_OK(cx, file_write(cx, in(&p, "a/b/c/deep"), S("x"), 0644));
    CHECK_EQ(symlink(in(&p, "file"), in(&p, "a/link")), 0);
    CHECK_OK(cx, dir_remove_all(cx, in(&p, "a")));
    CHECK(!dir_exists(in(&p, "a")));
    CHECK(file_exists(in(&p, "file"))); /* the link went, not what it led to */
    CHECK_OK(cx, dir_remove_all(cx, in(&p, "a")));
    place_done(&p);
}

TEST(paths_join_and_part) {
    TestCtx t;
    test_ctx_init(&t);
    static const struct {
        const char *name, *dir, *file, *joined;
    } joins[] = {
        { "plain", "a", "b", "a/b" },  { "a slash is there", "a/", "b", "a/b" },     { "the root", "/", "b", "/b" },
        { "no folder", "", "b", "b" }, { "an absolute name wins", "a", "/b", "/b" },
    };
    EACH_ROW (r, joins)
        CHECK_STR(str_c(path_join(&t.arena, r->dir, r->file)), str_c(r->joined));
    static const struct {
        const char *name, *path, *dir, *base;
    } parts[] = {
        { "plain", "a/b", "a", "b" },
        { "no slash", "b", ".", "b" },
        { "below the root", "/b", "/", "b" },
        { "deep", "/a/b/c", "/a/b", "c" },
    };
    EACH_ROW (r, parts) {
        CHECK_STR(str_c(path_dir(&t.arena, r->path)), str_c(r->dir));
        CHECK_STR(path_base(r->path), str_c(r->base));
    }
    test_ctx_done(&t);
}

TESTS(T(what_is_written_is_read_back_and_replaced_whole), T(a_file_over_the_limit_is_refused),
      T(a_file_without_a_size_is_read_too), T(failures_say_what_where_and_why),
      T(a_failed_write_leaves_the_old_file_and_no_litter), T(folders_are_made_with_their_parents),
      T(paths_join_and_part))
