/* net/http_response.c - see http_response.h. */

#include "net/http_response.h"

enum { HEAD_MAX = 64 * 1024, FIELDS_MAX = 200 };

static int fail(HttpResponse *r, int err) {
    r->err = err;
    return -1;
}

static int on_begin(llhttp_t *p) { /* again after each 1xx */
    HttpResponse *r = p->data;
    buf_clear(&r->text);
    r->slots.n = 0;
    r->in_value = true;
    return 0;
}

static int on_field(llhttp_t *p, const char *at, size_t n) {
    HttpResponse *r = p->data;
    if (r->head_whole) /* a trailer */
        return 0;
    if (r->in_value) {
        if (r->slots.n == FIELDS_MAX)
            return fail(r, ERR_LIMIT);
        vec_push(&r->slots, ((ResponseField){ .name_at = r->text.n }));
        r->in_value = false;
    }
    size_t start = r->text.n;
    if (buf_put(&r->text, at, n) != 0)
        return fail(r, ERR_LIMIT);
    for (size_t i = start; i < r->text.n; i++)
        if (r->text.p[i] >= 'A' && r->text.p[i] <= 'Z')
            r->text.p[i] |= 0x20;
    r->slots.v[r->slots.n - 1].name_n += n;
    return 0;
}

static int on_value(llhttp_t *p, const char *at, size_t n) {
    HttpResponse *r = p->data;
    if (r->head_whole || r->slots.n == 0)
        return 0;
    ResponseField *f = &r->slots.v[r->slots.n - 1];
    if (!r->in_value) {
        r->in_value = true;
        f->value_at = r->text.n;
    }
    f->value_n += n;
    return buf_put(&r->text, at, n) == 0 ? 0 : fail(r, ERR_LIMIT);
}

static int on_value_complete(llhttp_t *p) {
    HttpResponse *r = p->data;
    r->in_value = true; /* an empty value has had no span */
    return 0;
}

static int on_headers_complete(llhttp_t *p) {
    HttpResponse *r = p->data;
    bool upgrade = p->status_code == 101;
    if (upgrade && !r->may_upgrade)
        return fail(r, ERR_CORRUPT); /* nobody asked to switch protocols */
    if (p->status_code < 200 && !upgrade)
        return 0;
    const char *text = str_dup(r->arena, buf_str(&r->text)).p;
    HttpField *fields = arena_new_n(r->arena, HttpField, MAX(r->slots.n, (size_t)1));
    for (size_t i = 0; i < r->slots.n; i++) {
        const ResponseField *f = &r->slots.v[i];
        fields[i] = (HttpField){ { text + f->name_at, f->name_n }, str_trim(str_n(text + f->value_at, f->value_n)) };
    }
    r->fields = fields;
    r->n_fields = r->slots.n;
    r->status = p->status_code;
    r->length = p->flags & F_CONTENT_LENGTH ? (int64_t)MIN(p->content_length, (uint64_t)INT64_MAX) : -1;
    r->head_whole = true;
    if (upgrade)
        return 2; /* no body, and no further message */
    r->keep_alive = llhttp_should_keep_alive(p) && (r->no_body || !llhttp_message_needs_eof(p));
    return r->no_body ? 1 : 0;
}

static int on_body(llhttp_t *p, const char *at, size_t n) {
    HttpResponse *r = p->data;
    int err = r->on_body(r->arg, at, n);
    return err == 0 ? 0 : fail(r, err);
}

static int on_complete(llhttp_t *p) {
    HttpResponse *r = p->data;
    if (!r->head_whole)
        return 0; /* that was a 1xx */
    r->complete = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_message_begin = on_begin,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

void http_response_init(HttpResponse *r, Arena *arena, bool head_only, int (*body)(void *arg, const char *p, size_t n),
                        void *arg) {
    HttpResponse fresh = { .arena = arena, .no_body = head_only, .on_body = body, .arg = arg, .text = r->text };
    fresh.slots.v = r->slots.v;
    fresh.slots.cap = r->slots.cap;
    *r = fresh;
    if (r->text.limit)
        buf_clear(&r->text);
    else
        buf_init(&r->text, HEAD_MAX);
    llhttp_init(&r->parser, HTTP_RESPONSE, &settings);
    r->parser.data = r;
}

void http_response_done(HttpResponse *r) {
    buf_done(&r->text);
    vec_done(&r->slots);
}

int http_response_feed(HttpResponse *r, const char *p, size_t n) {
    enum llhttp_errno e = llhttp_execute(&r->parser, p, n);
    if (r->complete) {
        r->used = (size_t)(llhttp_get_error_pos(&r->parser) - p);
        if (r->used != n)
            r->keep_alive = false; /* bytes nobody asked for: whatever they are, they are not our next answer */
        return 0;
    }
    if (e == HPE_OK)
        return 0;
    return r->err ? r->err : ERR_CORRUPT;
}

int http_response_eof(HttpResponse *r) {
    if (!r->complete && r->head_whole && llhttp_finish(&r->parser) == HPE_OK && r->complete) {
        r->keep_alive = false;
        return 0;
    }
    return r->complete ? 0 : ERR_UNAVAILABLE;
}
