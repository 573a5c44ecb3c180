/* services/storage/record.c - what is kept of a dataset beside its bytes: a small JSON object. */

#include "base/json.h"
#include "services/storage/internal.h"

Str record_key(Arena *a, Str name) {
    return str_fmt(a, RECORDS STR_FMT, STR_ARG(name));
}

/* A name is the end of two keys, so it obeys the rules of keys with room for what stands before it. */
int storage_check_name(Ctx *cx, Str name) {
    enum { NAME_MAX_BYTES = OBJECT_KEY_MAX - 64 };
    Str rest = name, part;
    bool ok = name.n > 0 && name.n <= NAME_MAX_BYTES && name.p[name.n - 1] != '/';
    while (ok && str_next(&rest, '/', &part))
        ok = part.n > 0 && part.n <= OBJECT_SEGMENT_MAX && part.p[0] != '.';
    return ok ? 0
              : err_set_at(cx, ERR_INVALID, S("dataset"),
                           "'" STR_FMT
                           "' is not the name of a dataset: parts of 1 to %d bytes split by /, none of them "
                           "beginning with a dot",
                           STR_ARG(str_first(name, 80)), OBJECT_SEGMENT_MAX);
}

static void write_record(Ctx *cx, const Dataset *d, Buf *out) {
    JsonWriter w;
    json_writer_init(&w, out, true);
    json_object(&w);
    json_put_str(&w, "object", d->object);
    json_put_str(&w, "series", series_key_text(cx->arena, &d->key));
    json_put_str(&w, "format", str_c(dataset_format_name(d->form.format)));
    json_put_str(&w, "compression", str_c(dataset_pack_name(d->form.pack)));
    json_put_i64(&w, "candles", d->candles);
    json_put_i64(&w, "first_ms", d->first.ms);
    json_put_i64(&w, "last_ms", d->last.ms);
    json_put_i64(&w, "size", d->size);
    json_put_i64(&w, "plain", d->plain);
    json_put_i64(&w, "revision", d->revision);
    json_put_bool(&w, "simulated", d->simulated);
    json_put_i64(&w, "created_ms", d->created.ms);
    json_put_str(&w, "etag", d->etag);
    json_put_str(&w, "sha256", d->sha256);
    json_object_end(&w);
    buf_put_c(out, '\n');
}

int record_put(StorageService *s, Ctx *cx, const Dataset *d, bool replace) {
    Buf text;
    buf_init(&text, RECORD_MAX);
    write_record(cx, d, &text);
    ObjectPut put = { .key = record_key(cx->arena, d->name),
                      .content_type = S("application/json"),
                      .if_absent = !replace };
    int r = buf_ok(&text) ? object_put(s->o.objects, cx, &put, buf_str(&text), NULL)
                          : err_set(cx, ERR_LIMIT, "the record of the dataset is too large");
    buf_done(&text);
    return r == OBJECT_CHANGED ? STORAGE_EXISTS : r;
}

static int read_member(JsonReader *j, Str key, Dataset *d, Str *series, Str *format, Str *pack) {
    const struct {
        const char *name;
        Str *text;
        int64_t *number;
    } members[] = { { "object", &d->object, NULL },
                    { "series", series, NULL },
                    { "format", format, NULL },
                    { "compression", pack, NULL },
                    { "etag", &d->etag, NULL },
                    { "sha256", &d->sha256, NULL },
                    { "candles", NULL, &d->candles },
                    { "first_ms", NULL, &d->first.ms },
                    { "last_ms", NULL, &d->last.ms },
                    { "size", NULL, &d->size },
                    { "plain", NULL, &d->plain },
                    { "revision", NULL, &d->revision },
                    { "created_ms", NULL, &d->created.ms } };
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (str_eq(key, str_c(members[i].name)))
            return members[i].text ? json_read_str(j, members[i].text) : json_read_i64(j, members[i].number);
    return str_eq(key, S("simulated")) ? json_read_bool(j, &d->simulated) : json_skip(j);
}

int record_parse(Ctx *cx, Str name, Str text, Dataset *out) {
    Str key, series = { 0 }, format = { 0 }, pack = { 0 };
    JsonReader j;
    Dataset d = { .name = str_dup(cx->arena, name) };
    int more;
    json_reader_init(&j, text, cx->arena, 8);
    json_open_object(&j);
    while ((more = json_object_next(&j, &key)) > 0)
        read_member(&j, key, &d, &series, &format, &pack);
    if (more < 0 || json_finish(&j) || !series_key_parse(series, &d.key) ||
        !dataset_format_parse(format, &d.form.format) || !dataset_pack_parse(pack, &d.form.pack) || d.object.n == 0)
        return err_set(cx, ERR_CORRUPT, "the record of dataset " STR_FMT " is damaged; upload it again", STR_ARG(name));
    *out = d;
    return 0;
}

int record_get(StorageService *s, Ctx *cx, Str name, Dataset *out) {
    Str text;
    int r = storage_check_name(cx, name);
    if (r == 0)
        r = object_get_all(s->o.objects, cx, record_key(cx->arena, name), RECORD_MAX, &text);
    if (r)
        return r == OBJECT_NONE ? STORAGE_NO_DATASET : r;
    return record_parse(cx, name, text, out);
}
