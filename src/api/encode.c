/* api/encode.c - the client's half of decode.c: an `in` struct -> method, target and JSON body. */

#include "api/call.h"
#include "api/decode.h"

#include "base/num.h"

enum { TARGET_MAX = 32 * 1024, BODY_MAX = 1024 * 1024 * 1024 };

void percent_encode(Buf *b, Str s) {
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
                     c == '.' || c == '_' || c == '~';
        if (plain) {
            buf_put_c(b, (char)c);
        } else {
            char escape[3] = { '%', hex[c >> 4], hex[c & 15] };
            buf_put(b, escape, sizeof escape);
        }
    }
}

/* What has no text of its own (a struct, candles) travels in a query as JSON. */
static void put_as_json(Buf *b, const Field *f, const void *record) {
    Buf json;
    JsonWriter w;
    buf_init(&json, TARGET_MAX);
    json_writer_init(&w, &json, false);
    field_write_value(f, &w, record);
    percent_encode(b, buf_str(&json));
    b->full |= json.full;
    buf_done(&json);
}

static void put_value(Buf *b, const Field *f, const void *record) {
    char text[(int)NUM_TEXT_MAX > (int)TIME_TEXT_MAX ? NUM_TEXT_MAX : TIME_TEXT_MAX];
    switch (f->type) {
    case FT_STR:
        percent_encode(b, FIELD_GET(f, record, Str));
        return;
    case FT_I64:
        buf_put(b, text, num_format_i64(FIELD_GET(f, record, int64_t), text));
        return;
    case FT_F64:
        percent_encode(b, str_n(text, num_format_f64(FIELD_GET(f, record, double), text)));
        return;
    case FT_BOOL:
        buf_put_str(b, FIELD_GET(f, record, bool) ? S("true") : S("false"));
        return;
    case FT_TIME:
        percent_encode(b, str_n(text, time_format_iso(FIELD_GET(f, record, Time), text)));
        return;
    case FT_LIST:
        if (!f->of) {
            const List *list = &FIELD_GET(f, record, List);
            for (size_t i = 0; i < list->n; i++) {
                if (i)
                    buf_put_c(b, ',');
                percent_encode(b, ((const Str *)list->v)[i]);
            }
            return;
        }
        break;
    default:
        break;
    }
    put_as_json(b, f, record);
}

static void put_path(Buf *b, const Op *op, const void *in) {
    Str path = str_c(op->path), segment;
    str_next(&path, '/', &segment); /* before the first slash */
    while (str_next(&path, '/', &segment)) {
        buf_put_c(b, '/');
        if (segment.n > 2 && segment.p[0] == '{')
            put_value(b, shape_field(op->in, str_n(segment.p + 1, segment.n - 2)), in);
        else
            buf_put_str(b, segment);
    }
}

static bool travels(const Op *op, const Field *f, unsigned source, const void *in) {
    /* A field that may come from both goes in the body. */
    unsigned from = op_field_source(op, f);
    if (from & F_BODY)
        from = F_BODY;
    return from & source && !(field_unset(f, in) && !(f->flags & F_REQUIRED));
}

static void put_query(Buf *b, const Op *op, const void *in) {
    char mark = '?';
    for (size_t i = 0; i < op->in->n_fields; i++) {
        const Field *f = &op->in->fields[i];
        if (!travels(op, f, F_QUERY, in))
            continue;
        buf_put_c(b, mark);
        mark = '&';
        percent_encode(b, field_name(f));
        buf_put_c(b, '=');
        put_value(b, f, in);
    }
}

static int put_body(Ctx *cx, const Op *op, const void *in, Str *out) {
    Buf b;
    JsonWriter w;
    buf_init(&b, BODY_MAX);
    json_writer_init(&w, &b, false);
    json_object(&w);
    for (size_t i = 0; i < op->in->n_fields; i++)
        if (travels(op, &op->in->fields[i], F_BODY, in))
            field_write(&op->in->fields[i], &w, in);
    json_object_end(&w);
    bool ok = buf_ok(&b);
    if (ok)
        *out = str_dup(cx->arena, buf_str(&b));
    buf_done(&b);
    return ok ? 0 : err_set(cx, ERR_TOO_LARGE, "%s: the input is too large to send in one request", op->name);
}

int op_encode(const Op *op, Ctx *cx, const void *in, ApiRequest *out) {
    Buf target;
    buf_init(&target, TARGET_MAX);
    put_path(&target, op, in);
    if (op->in)
        put_query(&target, op, in);
    bool ok = buf_ok(&target);
    *out = (ApiRequest){ .method = str_c(op->method) };
    if (ok)
        out->target = str_dup(cx->arena, buf_str(&target));
    buf_done(&target);
    if (!ok)
        return err_set(cx, ERR_TOO_LARGE, "%s: the parameters are too long for a URL", op->name);
    return op_has_body(op) ? put_body(cx, op, in, &out->body) : 0;
}
