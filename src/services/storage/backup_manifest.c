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

static void put_head(const Manifest *m, Buf *out) {
    JsonWriter w;
    const Backup *b = &m->b;
    json_writer_init(&w, out, false);
    json_object(&w);
    json_put_str(&w, "format", S("finsight-backup-1"));
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
    return r == OBJECT_CHANGED ? err_set(cx, ERR_CONFLICT, "another backup began in the same second; try again") : r;
}

static int read_head(Ctx *cx, Str text, Manifest *m) {
    Backup *b = &m->b;
    const struct {
        const char *name;
        Str *text;
        int64_t *number;
    } members[] = { { "adapter", &b->adapter, NULL },  { "parent", &b->parent, NULL },
                    { "sha256", &b->sha256, NULL },    { "created_ms", NULL, &b->created.ms },
                    { "bytes", NULL, &b->bytes },      { "blocks", NULL, &b->blocks },
                    { "packed", NULL, &b->packed },    { "new_blocks", NULL, &b->new_blocks },
                    { "series", NULL, &b->series },    { "candles", NULL, &b->candles },
                    { "sequence", NULL, &b->sequence } };
    JsonReader j;
    Str key, pack, format = { 0 };
    int more;
    json_reader_init(&j, text, cx->arena, 8);
    json_open_object(&j);
    while ((more = json_object_next(&j, &key)) > 0) {
        for (size_t i = 0; i < ARRAY_LEN(members); i++)
            if (str_eq(key, str_c(members[i].name)))
                (void)(members[i].text ? json_read_str(&j, members[i].text) : json_read_i64(&j, members[i].number));
        if (str_eq(key, S("format")))
            json_read_str(&j, &format);
        if (!str_eq(key, S("packs")))
            continue;
        json_open_array(&j);
        while (json_array_next(&j) > 0 && json_read_str(&j, &pack) == 0 && m->packs.n < PACKS_MAX)
            vec_push_in(cx->arena, &m->packs, pack);
    }
    bool ok = more == 0 && json_finish(&j) == 0 && b->blocks >= 0 && b->bytes >= 0 &&
              b->blocks == (b->bytes + BACKUP_BLOCK - 1) / BACKUP_BLOCK && b->sha256.n == SHA256_HEX;
    return ok && str_eq(format, S("finsight-backup-1")) ? 0 : ERR_CORRUPT;
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

int manifest_get(Ctx *cx, ObjectStore *objects, Str id, bool blocks, Manifest *out) {
    Str text, head, rest;
    Manifest m = { .b = { .id = str_dup(cx->arena, id) } };
    int r = object_get_all(objects, cx, manifest_key(cx->arena, id), MANIFEST_MAX, &text);
    if (r)
        return r == OBJECT_NONE ? BACKUP_NONE : r;
    rest = text;
    if (!str_next(&rest, '\n', &head) || read_head(cx, head, &m) || (blocks && read_blocks(rest, &m))) {
        manifest_done(&m);
        return err_set(cx, ERR_CORRUPT, "the manifest of backup " STR_FMT " is damaged", STR_ARG(id));
    }
    *out = m;
    return 0;
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
