/* adapters/object/dir_meta.c - keys as folders, and the record beside the bytes. */

#include "adapters/object/dir_internal.h"
#include "base/file.h"
#include "base/json.h"

enum { META_MAX = 64 << 10 };

static bool plain(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("._-=+@", c) != NULL);
}

char *dir_key_path(Arena *a, const char *root, Str key) {
    static const char hex[] = "0123456789ABCDEF", folder[] = "/objects/";
    size_t n = strlen(root);
    char *path = arena_alloc(a, n + sizeof folder + key.n * 3 + 2);
    memcpy(path, root, n);
    memcpy(path + n, folder, sizeof folder - 1);
    n += sizeof folder - 1;
    for (size_t i = 0; i < key.n; i++) {
        char c = key.p[i];
        bool first = i == 0 || key.p[i - 1] == '/';
        if (c == '/' || (plain(c) && !(first && c == '.'))) {
            path[n++] = c;
        } else {
            path[n++] = '%';
            path[n++] = hex[(uint8_t)c >> 4];
            path[n++] = hex[(uint8_t)c & 15];
        }
    }
    path[n++] = '%';
    path[n] = '\0';
    return path;
}

static int capital_hex(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool dir_segment_parse(Arena *a, const char *name, Str *segment, bool *leaf) {
    Str s = str_c(name);
    char *out = arena_alloc(a, s.n + 1);
    size_t n = 0;
    *leaf = s.n > 1 && s.p[s.n - 1] == '%';
    if (*leaf)
        s.n--;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            int high = i + 2 < s.n ? capital_hex(s.p[i + 1]) : -1;
            int low = i + 2 < s.n ? capital_hex(s.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (!plain(c) || (i == 0 && c == '.')) {
            return false;
        }
        out[n++] = c;
    }
    *segment = str_n(out, n);
    return n > 0;
}

int dir_meta_write(Ctx *cx, const char *folder, const ObjectInfo *info) {
    Buf b;
    JsonWriter w;
    buf_init(&b, META_MAX);
    json_writer_init(&w, &b, true);
    json_object(&w);
    json_put_str(&w, "sha256", str_c(info->sha256));
    json_put_i64(&w, "size", info->size);
    json_put_time(&w, "modified", info->modified);
    json_put_str(&w, "content_type", info->content_type);
    json_key(&w, S("labels"));
    json_object(&w);
    for (size_t i = 0; i < info->n_labels; i++) {
        json_key(&w, info->labels[i].name);
        json_str(&w, info->labels[i].value);
    }
    json_object_end(&w);
    json_object_end(&w);
    buf_put_c(&b, '\n');
    int r = file_write(cx, path_join(cx->arena, folder, "meta.json"), buf_str(&b), 0644);
    buf_done(&b);
    return r;
}

static int read_labels(JsonReader *j, Arena *a, ObjectInfo *out) {
    Str key;
    int more;
    out->labels = arena_new_n(a, ObjectLabel, OBJECT_LABELS_MAX);
    json_open_object(j);
    while ((more = json_object_next(j, &key)) > 0) {
        if (out->n_labels == OBJECT_LABELS_MAX)
            return json_fail(j, "too many labels");
        ObjectLabel *l = &out->labels[out->n_labels++];
        l->name = str_dup(a, key);
        json_read_str(j, &l->value);
    }
    return more;
}

static int read_record(JsonReader *j, Arena *a, ObjectInfo *out) {
    Str key, sum = { 0 }, modified = { 0 };
    int more;
    json_open_object(j);
    while ((more = json_object_next(j, &key)) > 0) {
        if (str_eq(key, S("sha256")))
            json_read_str(j, &sum);
        else if (str_eq(key, S("size")))
            json_read_i64(j, &out->size);
        else if (str_eq(key, S("modified")))
            json_read_str(j, &modified);
        else if (str_eq(key, S("content_type")))
            json_read_str(j, &out->content_type);
        else if (str_eq(key, S("labels")))
            read_labels(j, a, out);
        else
            json_skip(j);
    }
    if (more < 0 || json_finish(j) || sum.n != SHA256_HEX || out->size < 0 ||
        !time_parse_iso(modified, &out->modified, NULL))
        return ERR_CORRUPT;
    for (size_t i = 0; i < sum.n; i++) /* it becomes part of a path */
        if (!((sum.p[i] >= '0' && sum.p[i] <= '9') || (sum.p[i] >= 'a' && sum.p[i] <= 'f')))
            return ERR_CORRUPT;
    memcpy(out->sha256, sum.p, sum.n);
    memcpy(out->etag, sum.p, sum.n);
    return 0;
}

int dir_meta_read(Ctx *cx, const char *folder, Str key, ObjectInfo *out) {
    const char *path = path_join(cx->arena, folder, "meta.json");
    Str text;
    JsonReader j;
    int r = file_read(cx, path, META_MAX, &text);
    if (r == ERR_NOT_FOUND)
        return OBJECT_NONE;
    if (r)
        return r;
    *out = (ObjectInfo){ .key = str_dup(cx->arena, key) };
    json_reader_init(&j, text, cx->arena, 8);
    return read_record(&j, cx->arena, out) ? err_set(cx, ERR_CORRUPT, "%s is damaged; remove its folder", path) : 0;
}
