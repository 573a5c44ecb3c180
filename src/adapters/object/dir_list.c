/* adapters/object/dir_list.c - keys in order: the tree of folders, walked in the order of the keys' bytes. */

#include "adapters/object/dir_internal.h"
#include "base/file.h"
#include "base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

typedef struct Entry {
    Str sort; /* the segment, with '/' behind it where more segments follow: the order of whole keys */
    Str segment;
    char *name; /* of the folder */
    bool leaf;
} Entry;

typedef struct Walk {
    Ctx *cx;
    Str prefix, after;
    size_t limit;
    VEC(ObjectInfo) found;
    bool more;
} Walk;

static int entry_cmp(const void *a, const void *b) {
    return str_cmp(((const Entry *)a)->sort, ((const Entry *)b)->sort);
}

typedef VEC(Entry) Entries;

static int read_entries(Ctx *cx, const char *folder, Entries *out) {
    DIR *d = opendir(folder);
    if (!d)
        return errno == ENOENT ? 0 : file_fail(cx, errno, "read", folder);
    for (struct dirent *e; (e = readdir(d));) {
        Entry entry = { 0 };
        if (e->d_name[0] == '.' || !dir_segment_parse(cx->arena, e->d_name, &entry.segment, &entry.leaf))
            continue;
        entry.name = str_cz(cx->arena, str_c(e->d_name));
        entry.sort = entry.leaf ? entry.segment : str_fmt(cx->arena, STR_FMT "/", STR_ARG(entry.segment));
        vec_push_in(cx->arena, out, entry);
    }
    closedir(d);
    if (out->n > 1)
        qsort(out->v, out->n, sizeof *out->v, entry_cmp);
    return 0;
}

static int take(Walk *w, const char *folder, Str key) {
    ObjectInfo info;
    if (!str_starts(key, w->prefix) || str_cmp(key, w->after) <= 0)
        return 0;
    if (w->found.n == w->limit) {
        /* one more counts only if it is there: a folder may be left behind by a removal */
        int r = dir_meta_read(w->cx, folder, key, &info);
        w->more |= r == 0;
        return MIN(r, 0);
    }
    int r = dir_meta_read(w->cx, folder, key, &info);
    if (r == 0)
        vec_push_in(w->cx->arena, &w->found, info);
    return MIN(r, 0);
}

/* May keys that begin with `start` (a whole path and its '/') be wanted? */
static bool wanted(const Walk *w, Str start) {
    size_t n = MIN(start.n, w->prefix.n);
    bool fits = str_eq(str_first(start, n), str_first(w->prefix, n));
    return fits && (str_cmp(start, w->after) > 0 || str_starts(w->after, start));
}

static int walk(Walk *w, const char *folder, Str path) {
    Arena *a = w->cx->arena;
    Entries entries = { 0 };
    int r = ctx_check(w->cx);
    if (r == 0)
        r = read_entries(w->cx, folder, &entries);
    for (size_t i = 0; r == 0 && i < entries.n && !w->more; i++) {
        const Entry *e = &entries.v[i];
        Str key = str_fmt(a, STR_FMT STR_FMT, STR_ARG(path), STR_ARG(e->sort));
        if (e->leaf)
            r = take(w, path_join(a, folder, e->name), key);
        else if (wanted(w, key) && key.n <= OBJECT_KEY_MAX)
            r = walk(w, path_join(a, folder, e->name), key);
    }
    return r;
}

int dir_list(ObjectStore *s, Ctx *cx, Str prefix, Str after, size_t limit, ObjectInfo **out, size_t *n, bool *more) {
    Walk w = { .cx = cx, .prefix = prefix, .after = after, .limit = limit };
    int r = walk(&w, path_join(cx->arena, ((DirStore *)s)->root, "objects"), (Str){ 0 });
    *out = w.found.v;
    *n = w.found.n;
    *more = w.more;
    return r;
}
