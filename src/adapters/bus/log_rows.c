/* adapters/bus/log_rows.c - events as rows: headers and deaths are JSON texts of their own columns. */

#include "adapters/bus/log_internal.h"
#include "base/json.h"

enum { HEADERS_TEXT_MAX = EVENT_HEADERS_MAX * 8 * (EVENT_HEADER_MAX + EVENT_NAME_MAX), DEATH_TEXT_MAX = 1 << 16 };

void event_log_row_read(sqlite3_stmt *st, int c, LogRow *out) {
    *out = (LogRow){ .position = db_i64(st, c),
                     .at = time_ms(db_i64(st, c + 1)),
                     .exchange = db_text(st, c + 2),
                     .routing_key = db_text(st, c + 3),
                     .headers = db_text(st, c + 13),
                     .death = db_text(st, c + 14) };
    out->event = (Event){ .id = db_text(st, c + 4),
                          .type = db_text(st, c + 5),
                          .key = db_text(st, c + 6),
                          .correlation_id = db_text(st, c + 7),
                          .source = db_text(st, c + 8),
                          .version = db_i64(st, c + 9),
                          .at = time_ms(db_i64(st, c + 10)),
                          .priority = (int)db_i64(st, c + 11),
                          .ttl_ms = db_i64(st, c + 12),
                          .body = db_text(st, c + 15) };
}

int event_log_row_copy(Ctx *cx, const LogRow *row, Event *out) {
    Arena *a = cx->arena;
    *out = row->event;
    Str *texts[] = { &out->id, &out->type, &out->key, &out->correlation_id, &out->source, &out->body };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = str_dup(a, *texts[i]);
    return event_log_headers_read(cx, str_dup(a, row->headers), &out->headers, &out->n_headers);
}

int event_log_headers_write(Ctx *cx, const EventHeader *v, size_t n, Str *out) {
    *out = (Str){ 0 };
    if (n == 0)
        return 0;
    Buf b;
    JsonWriter w;
    buf_init(&b, HEADERS_TEXT_MAX);
    json_writer_init(&w, &b, false);
    json_object(&w);
    for (size_t i = 0; i < n; i++) {
        json_key(&w, v[i].name);
        json_str(&w, v[i].value);
    }
    json_object_end(&w);
    *out = str_dup(cx->arena, buf_str(&b));
    buf_done(&b);
    return 0;
}

static int fail_text(Ctx *cx, const char *what) {
    return err_set(cx, ERR_CORRUPT, "bus: the %s of an event cannot be read: the file is damaged", what);
}

int event_log_headers_read(Ctx *cx, Str json, const EventHeader **out, size_t *n) {
    *out = NULL;
    *n = 0;
    if (json.n == 0)
        return 0;
    EventHeader *v = arena_new_n(cx->arena, EventHeader, EVENT_HEADERS_MAX);
    JsonReader r;
    Str key;
    int more;
    json_reader_init(&r, json, cx->arena, 2);
    json_open_object(&r);
    while ((more = json_object_next(&r, &key)) > 0) {
        if (*n == EVENT_HEADERS_MAX)
            return fail_text(cx, "headers");
        v[*n].name = key;
        json_read_str(&r, &v[(*n)++].value);
    }
    if (more < 0 || json_finish(&r))
        return fail_text(cx, "headers");
    *out = v;
    return 0;
}

Str event_log_death_write(Ctx *cx, const Death *d) {
    Buf b;
    JsonWriter w;
    buf_init(&b, DEATH_TEXT_MAX);
    json_writer_init(&w, &b, false);
    json_object(&w);
    json_put_str(&w, "reason", d->reason);
    json_put_str(&w, "detail", d->detail);
    json_put_str(&w, "queue", d->queue);
    json_put_str(&w, "exchange", d->exchange);
    json_put_str(&w, "routing_key", d->routing_key);
    json_put_i64(&w, "at", d->at.ms);
    json_put_i64(&w, "count", d->count);
    json_object_end(&w);
    Str out = str_dup(cx->arena, buf_str(&b));
    buf_done(&b);
    return out;
}

int event_log_death_read(Ctx *cx, Str json, Death *out) {
    *out = (Death){ 0 };
    const struct {
        Str name, *text;
        int64_t *number;
    } fields[] = {
        { S("reason"), &out->reason, NULL },
        { S("detail"), &out->detail, NULL },
        { S("queue"), &out->queue, NULL },
        { S("exchange"), &out->exchange, NULL },
        { S("routing_key"), &out->routing_key, NULL },
        { S("at"), NULL, &out->at.ms },
        { S("count"), NULL, &out->count },
    };
    JsonReader r;
    Str key;
    int more;
    json_reader_init(&r, str_dup(cx->arena, json), cx->arena, 2);
    json_open_object(&r);
    while ((more = json_object_next(&r, &key)) > 0)
        for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
            if (!str_eq(fields[i].name, key))
                continue;
            if (fields[i].text)
                json_read_str(&r, fields[i].text);
            else
                json_read_i64(&r, fields[i].number);
        }
    return more < 0 || json_finish(&r) ? fail_text(cx, "death") : 0;
}
