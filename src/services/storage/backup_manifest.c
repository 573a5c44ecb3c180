/* services/storage/backup_manifest.c - what a backup is made of, as bytes. */

#include "base/json.h"
#include "services/storage/backup_internal.h"

static Str manifest_key(Arena *a, Str id) {
    return str_fmt(a, "manifests/" STR_FMT, STR_ARG(id));
}

Str pack_key(Arena *a, Str id) {
    return str_fmt(a, "packs/" STR_FMT, STR_ARG(id));
}

void manifest_done(Manifest *m) {
    vec_done(&m->blocks);
}

static void put_part(JsonWriter *w, const BackupPart *p) {
    json_object(w);
    json_key(w, p->folder.n ? S("object") : S("file"));
    json_str(w, p->name);
    json_put_i64(w, "bytes", p->bytes);
    json_put_str(w, "sha256", p->sha256);
    if (p->folder.n) {
        json_put_str(w, "folder", p->folder);
        json_put_str(w, "etag", p->etag);
        json_put_str(w, "content_type", p->content_type);
    }
    if (p->n_labels) {
        json_key(w, S("labels"));
        json_object(w);
        for (size_t i = 0; i < p->n_labels; i++) {
            json_key(w, p->labels[i].name);
            json_str(w, p->labels[i].value);
        }
        json_object_end(w);
    }
    json_object_end(w);
}

static void put_head(const Manifest *m, Buf *out) {
    JsonWriter w;
    const Backup *b = &m->b;
    json_writer_init(&w, out, false);
    json_object(&w);
    json_put_str(&w, "format", S("finsight-backup-3"));
    json_put_str(&w, "adapter", b->adapter);
    json_put_str(&w, "parent", b->parent);
    json_put_i64(&w, "created_ms", b->created.ms);
    json_put_i64(&w, "bytes", b->bytes);
    json_put_i64(&w, "blocks", b->blocks);
    json_put_i64(&w, "new_blocks", b->new_blocks);
    json_put_i64(&w, "packed", b->packed);
    json_put_i64(&w, "series", b->series);
    json_put_i64(&w, "candles", b->candles);
    json_put_i64(&w, "sequence", b->sequence);
    json_put_str(&w, "sha256", b->sha256);
    json_key(&w, S("packs"));
    json_array(&w);
    for (size_t i = 0; i < m->packs.n; i++)
        json_str(&w, m->packs.v[i]);
    json_array_end(&w);
    json_key(&w, S("parts"));
    json_array(&w);
    for (size_t i = 0; i < m->parts.n; i++)
        put_part(&w, &m->parts.v[i]);
    json_array_end(&w);
    json_object_end(&w);
    buf_put_c(out, '\n');
}

int manifest_put(Ctx *cx, ObjectStore *objects, const Manifest *m) {
    Buf text;
    buf_init(&text, MANIFEST_MAX);
    put_head(m, &text);
    for (size_t i = 0; i < m->blocks.n; i++) {
        const BlockPlace *p = &m->blocks.v[i];
        buf_put(&text, p->sum, sizeof p->sum);
        buf_put(&text, &p->pack, sizeof p->pack);
        buf_put(&text, &p->size, sizeof p->size);
        buf_put(&text, &p->at, sizeof p->at); /* little-endian, as this machine is */
    }
    ObjectPut put = { .key = manifest_key(cx->arena, m->b.id),
                      .content_type = S("application/octet-stream"),
                      .if_absent = true };
    int r = buf_ok(&text)
                ? object_put(objects, cx, &put, buf_str(&text), NULL)
                : err_set(cx, ERR_LIMIT, "the store is too large for one backup: its list of blocks passes %d MB",
                          MANIFEST_MAX >> 20);
    buf_done(&text);
    return r == OBJECT_CHANGED ? err_set(cx, ERR_CONFLICT, "another process backs up to the same folder; try again")
                               : r;
}

/* --- the head, read --- */

static void read_labels(Ctx *cx, JsonReader *j, BackupPart *p) {
    VEC(ObjectLabel) labels = { 0 };
    ObjectLabel l;
    json_open_object(j);
    while (json_object_next(j, &l.name) > 0 && json_read_str(j, &l.value) == 0 && labels.n < OBJECT_LABELS_MAX)
        vec_push_in(cx->arena, &labels, l);
    p->labels = labels.v;
    p->n_labels = labels.n;
}

static void read_part(Ctx *cx, JsonReader *j, BackupPart *p) {
    Str key;
    bool object = false;
    json_open_object(j);
    while (json_object_next(j, &key) > 0) {
        if (str_eq(key, S("file")) || str_eq(key, S("object"))) {
            object = str_eq(key, S("object"));
            json_read_str(j, &p->name);
        } else if (str_eq(key, S("folder"))) {
            json_read_str(j, &p->folder);
        } else if (str_eq(key, S("bytes"))) {
            json_read_i64(j, &p->bytes);
        } else if (str_eq(key, S("sha256"))) {
            json_read_str(j, &p->sha256);
        } else if (str_eq(key, S("etag"))) {
            json_read_str(j, &p->etag);
        } else if (str_eq(key, S("content_type"))) {
            json_read_str(j, &p->content_type);
        } else if (str_eq(key, S("labels"))) {
            read_labels(cx, j, p);
        }
    }
    if (object && p->folder.n == 0) /* as versions wrote it that kept the datasets alone */
        p->folder = S(BACKUP_DATASETS);
}

/* The names of a file and of a folder go to the file system of whoever restores: nothing of them may lead elsewhere. */
static bool is_plain_name(Str name) {
    bool ok = name.n > 0 && name.n <= BACKUP_FILE_NAME_MAX;
    for (size_t i = 0; ok && i < name.n; i++) {
        char c = name.p[i];
        ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (i > 0 && (c == '_' || c == '-'));
    }
    return ok;
}

static bool is_part_name(const BackupPart *p) {
    if (p->folder.n)
        return p->name.n > 0 && is_plain_name(p->folder);
    return str_ends(p->name, S(".db")) && is_plain_name(str_first(p->name, p->name.n - strlen(".db")));
}

static bool parts_add_up(const Manifest *m) {
    int64_t bytes = 0;
    uint64_t blocks = 0;
    for (size_t i = 0; i < m->parts.n; i++) {
        const BackupPart *p = &m->parts.v[i];
        if (p->bytes < 0 || p->bytes > m->b.bytes - bytes || p->sha256.n != SHA256_HEX || !is_part_name(p))
            return false;
        bytes += p->bytes;
        blocks += blocks_of(p->bytes);
    }
    return m->parts.n > 0 && bytes == m->b.bytes && blocks == (uint64_t)m->b.blocks;
}

static void read_member(Ctx *cx, JsonReader *j, Str key, Manifest *m, Str *format) {
    Backup *b = &m->b;
    const struct {
        const char *name;
        Str *text;
        int64_t *number;
    } members[] = { { "adapter", &b->adapter, NULL },   { "parent", &b->parent, NULL },
                    { "sha256", &b->sha256, NULL },     { "created_ms", NULL, &b->created.ms },
                    { "bytes", NULL, &b->bytes },       { "blocks", NULL, &b->blocks },
                    { "packed", NULL, &b->packed },     { "new_blocks", NULL, &b->new_blocks },
                    { "series", NULL, &b->series },     { "candles", NULL, &b->candles },
                    { "sequence", NULL, &b->sequence }, { "format", format, NULL } };
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (str_eq(key, str_c(members[i].name)))
            (void)(members[i].text ? json_read_str(j, members[i].text) : json_read_i64(j, members[i].number));
    if (str_eq(key, S("packs"))) {
        Str pack;
        json_open_array(j);
        while (json_array_next(j) > 0 && json_read_str(j, &pack) == 0 && m->packs.n < PACKS_MAX)
            vec_push_in(cx->arena, &m->packs, pack);
    } else if (str_eq(key, S("parts"))) {
        json_open_array(j);
        while (json_array_next(j) > 0 && m->parts.n < BACKUP_PARTS_MAX) {
            BackupPart p = { 0 };
            read_part(cx, j, &p);
            vec_push_in(cx->arena, &m->parts, p);
        }
    }
}

static int read_head(Ctx *cx, Str text, Manifest *m) {
    Backup *b = &m->b;
    JsonReader j;
    Str key, format = { 0 };
    int more;
    json_reader_init(&j, text, cx->arena, 8);
    json_open_object(&j);
    while ((more = json_object_next(&j, &key)) > 0)
        read_member(cx, &j, key, m, &format);
    if (more != 0 || json_finish(&j) != 0 || b->blocks < 0 || b->bytes < 0)
        return ERR_CORRUPT;
    if (str_eq(format, S("finsight-backup-1"))) { /* of versions that kept the candles alone */
        BackupPart only = { .name = S(BACKUP_STORE_FILE), .bytes = b->bytes, .sha256 = b->sha256 };
        m->parts.n = 0;
        vec_push_in(cx->arena, &m->parts, only);
    } else if (!str_eq(format, S("finsight-backup-2")) && !str_eq(format, S("finsight-backup-3"))) {
        return ERR_CORRUPT;
    }
    b->parts = m->parts.v;
    b->n_parts = m->parts.n;
    return parts_add_up(m) ? 0 : ERR_CORRUPT;
}

static int read_blocks(Str bytes, Manifest *m) {
    if (bytes.n != (uint64_t)m->b.blocks * BLOCK_RECORD)
        return ERR_CORRUPT;
    for (size_t i = 0; i < (size_t)m->b.blocks; i++) {
        BlockPlace p;
        const char *from = bytes.p + i * BLOCK_RECORD;
        memcpy(p.sum, from, sizeof p.sum);
        memcpy(&p.pack, from + 32, sizeof p.pack);
        memcpy(&p.size, from + 36, sizeof p.size);
        memcpy(&p.at, from + 40, sizeof p.at);
        if (p.pack >= m->packs.n || p.size == 0 || p.size > BACKUP_BLOCK || p.at > INT64_MAX / 2)
            return ERR_CORRUPT;
        vec_push(&m->blocks, p);
    }
    return 0;
}

/* Of a list only the line is read, not the records of all blocks behind it. */
static int read_line(Ctx *cx, ObjectStore *objects, Str key, Str *out) {
    for (size_t n = 64 << 10; n <= MANIFEST_MAX; n *= 4) {
        char *bytes = arena_alloc(cx->arena, n);
        size_t got;
        int r = object_get(objects, cx, key, (Str){ 0 }, 0, n, bytes, &got);
        if (r)
            return r;
        *out = str_n(bytes, got);
        if (got < n || str_find_char(*out, '\n') >= 0)
            return 0;
    }
    return err_set(cx, ERR_CORRUPT, "the manifest has no head");
}

int manifest_get(Ctx *cx, ObjectStore *objects, Str id, bool blocks, Manifest *out) {
    Str text, head, rest, key = manifest_key(cx->arena, id);
    Manifest m = { .b = { .id = str_dup(cx->arena, id) } };
    int r = blocks ? object_get_all(objects, cx, key, MANIFEST_MAX, &text) : read_line(cx, objects, key, &text);
    if (r)
        return r == OBJECT_NONE ? BACKUP_NONE : r;
    rest = text;
    bool ended = str_find_char(text, '\n') >= 0;
    if (!ended || !str_next(&rest, '\n', &head) || read_head(cx, head, &m) || (blocks && read_blocks(rest, &m))) {
        manifest_done(&m);
        return err_set(cx, ERR_CORRUPT, "the manifest of backup " STR_FMT " is damaged", STR_ARG(id));
    }
    *out = m;
    return 0;
}

int manifest_remove(Ctx *cx, ObjectStore *objects, Str id) {
    return object_remove(objects, cx, manifest_key(cx->arena, id));
}

int manifest_ids(Ctx *cx, ObjectStore *objects, Str **out, size_t *n) {
    VEC(Str) ids = { 0 };
    Str after = { 0 };
    for (bool more = true; more;) {
        ObjectInfo *v;
        size_t count;
        int r = object_list(objects, cx, S("manifests/"), after, 0, &v, &count, &more);
        if (r)
            return r;
        for (size_t i = 0; i < count; i++)
            vec_push_in(cx->arena, &ids, str_from(v[i].key, strlen("manifests/")));
        more &= count > 0;
        if (count)
            after = v[count - 1].key;
    }
    *out = ids.v;
    *n = ids.n;
    return 0;
}
