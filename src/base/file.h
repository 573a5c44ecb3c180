#pragma once

/* base/file.h - whole files and folders, with errors in words.
 *
 * Paths are C strings: they go to the operating system. Every failure says what was tried, on which path, why it
 * failed and, where there is one, the way out. Blocks on the disk: never on a loop. Any thread. */

#include "base/ctx.h"

/* The whole file into cx->arena, with a NUL behind it that Str.n does not count. ERR_TOO_LARGE past max bytes;
 * also reads what has no size (pipes, /proc), up to max. */
int file_read(Ctx *cx, const char *path, size_t max, Str *out);
/* All or nothing, also through a power cut: temporary file beside it, fsync, rename, fsync of the folder. mode
 * is that of the new file (0600 for secrets). */
int file_write(Ctx *cx, const char *path, Str data, unsigned mode);
bool file_exists(const char *path);
int file_size(Ctx *cx, const char *path, int64_t *out);
int file_remove(Ctx *cx, const char *path); /* a file that is not there is fine */

int dir_make(Ctx *cx, const char *path); /* with its parents, as mkdir -p */
bool dir_exists(const char *path);
int dir_remove_all(Ctx *cx, const char *path); /* with all that is in it; links are not followed; not there is fine */
int dir_sync(Ctx *cx, const char *path);       /* makes renames and removals in it last */
int dir_free_bytes(Ctx *cx, const char *path, int64_t *out); /* what an ordinary user may still write there */
/* Creates, syncs and removes a file in it: tells a read-only or full folder before the work starts. */
int dir_probe(Ctx *cx, const char *path);

char *path_join(Arena *a, const char *dir, const char *name); /* one '/' between; an absolute name wins */
Str path_base(const char *path);                              /* "b" of "a/b" */
char *path_dir(Arena *a, const char *path);                   /* "a" of "a/b"; "." without a slash */

/* Words for a failed system call: "cannot WHAT PATH: why; way out". Returns the code of errno. */
int file_fail(Ctx *cx, int os_errno, const char *what, const char *path);
