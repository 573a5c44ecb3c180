/* net/http_head.c - reads one request: finds the end of its head, lets llhttp judge it, then judges again.
 *
 * The head is gathered whole before llhttp sees it (it is <= 16 KB): so its fields are plain slices of one buffer, the
 * limit counts exactly the bytes of the head, and what llhttp forgives is refused by line: a bare LF, a folded line.
 * Whoever stands between a client and us must never see another message boundary than we do (RFC 9112 §11.2), hence
 * each rule of framing is checked here a second time on the fields as parsed. */

#include "net/http_exchange.h"

static int refuse(Exchange *x, int status, const char *why) {
    x->why = why;
    return x->refuse = status;
}

static const uint8_t token_table[256] = {
    /* clang-format off */
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1,
    ['^'] = 1, ['_'] = 1, ['`'] = 1, ['|'] = 1, ['~'] = 1,
    ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
    /* clang-format on */
};

static bool is_token(Str s) {
    for (size_t i = 0; i < s.n; i++)
        if (!token_table[(uint8_t)s.p[i]])
            return false;
    return s.n > 0;
}

/* --- gathering --- */

/* Garbage (a TLS hello on the plain port) is told at once, not after 16 KB or ten seconds. */
static int check_start(Exchange *x, const char *p, size_t n) {
    if (x->lines > 0 || x->raw.n >= 32 || (x->raw.n && memchr(x->raw.p, ' ', x->raw.n)))
        return 0;
    for (size_t i = 0; i < n && x->raw.n + i < 32; i++) {
        if (p[i] == ' ')
            return 0;
        if (!token_table[(uint8_t)p[i]])
            return refuse(x, 400, "the request does not start with a method");
        if (x->raw.n + i == 31)
            return refuse(x, 400, "the method is too long");
    }
    return 0;
}

/* One line of p, up to its LF or the end of the bytes. */
static int take_line(Exchange *x, const char *p, size_t n, size_t *used) {
    const char *lf = memchr(p, '\n', n);
    size_t take = lf ? (size_t)(lf - p) + 1 : n;
    if (x->line_n == 0 && x->lines > 0 && (p[0] == ' ' || p[0] == '\t'))
        return refuse(x, 400, "a folded header line is not accepted");
    if (buf_put(&x->raw, p, take) != 0) {
        if (x->lines == 0)
            return refuse(x, 414, "the request target is too long");
        return refuse(x, 431, "the header block is too large");
    }
    x->line_n += take;
    *used = take;
    if (!lf)
        return 0;
    if (x->line_n < 2 || x->raw.p[x->raw.n - 2] != '\r')
        return refuse(x, 400, "a line of the header block does not end in CR LF");
    x->head_whole = x->line_n == 2;
    x->line_n = 0;
    x->lines++;
    return 0;
}

int http_head_take(Exchange *x, const char *p, size_t n, size_t *used) {
    int status = check_start(x, p, n);
    *used = 0;
    while (status == 0 && *used < n && !x->head_whole) {
        size_t line = 0;
        status = take_line(x, p + *used, n - *used, &line);
        *used += line;
    }
    return status;
}

/* --- the request line --- */

/* Methods that no table of operations here will ever have; TRACE would echo secrets to scripts. */
static bool method_known(Str m) {
    static const Str known[] = { STR_INIT("GET"),    STR_INIT("POST"),  STR_INIT("HEAD"),   STR_INIT("PUT"),
                                 STR_INIT("DELETE"), STR_INIT("PATCH"), STR_INIT("OPTIONS") };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_eq(m, known[i]))
            return true;
    return false;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* METHOD SP target SP HTTP/1.x, single spaces: what llhttp cannot tell apart in its error codes. */
static int check_line(Exchange *x) {
    const char *end = memchr(x->raw.p, '\r', x->raw.n);
    Str line = { x->raw.p, (size_t)(end - x->raw.p) }, rest = line, method, target;
    if (!str_next(&rest, ' ', &method) || !is_token(method) || !str_next(&rest, ' ', &target) || target.n == 0)
        return refuse(x, 400, "the request line is not \"METHOD target HTTP/1.1\"");
    Str v = rest;
    if (v.n != 8 || memcmp(v.p, "HTTP/", 5) != 0 || !is_digit(v.p[5]) || v.p[6] != '.' || !is_digit(v.p[7]))
        return refuse(x, 400, "the request line does not end in an HTTP version");
    if (v.p[5] != '1' || v.p[7] > '1')
        return refuse(x, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    if (!method_known(method))
        return refuse(x, 501, "the method is not known");
    x->pub.head.method = method;
    x->pub.head.minor = v.p[7] - '0';
    x->head_only = str_eq(method, S("HEAD"));
    return 0;
}

static bool host_ok(Str h) {
    for (size_t i = 0; i < h.n; i++)
        if (!token_table[(uint8_t)h.p[i]] && !memchr(":[]()=,;", h.p[i], 8))
            return false;
    return true;
}

/* Origin, absolute and asterisk form (RFC 9112 §3.2). */
static int split_target(Exchange *x) {
    HttpHead *h = &x->pub.head;
    Str t = h->target;
    if (str_eq(t, S("*"))) {
        if (!str_eq(h->method, S("OPTIONS")))
            return refuse(x, 400, "the target * is for OPTIONS");
        h->path = t;
        return 0;
    }
    size_t scheme = t.n >= 7 && str_eq_nocase(str_first(t, 7), S("http://"))    ? 7
                    : t.n >= 8 && str_eq_nocase(str_first(t, 8), S("https://")) ? 8
                                                                                : 0;
    if (scheme) {
        t = str_from(t, scheme);
        size_t n = 0;
        while (n < t.n && t.p[n] != '/' && t.p[n] != '?')
            n++;
        h->host = str_first(t, n);
        if (n == 0 || !host_ok(h->host))
            return refuse(x, 400, "the host of the request target is not valid");
        t = str_from(t, n);
    } else if (t.p[0] != '/') {
        return refuse(x, 400, "the request target does not start with /");
    }
    if (str_find_char(t, '#') >= 0)
        return refuse(x, 400, "a request target has no fragment");
    ptrdiff_t mark = str_find_char(t, '?');
    h->path = mark < 0 ? t : str_first(t, (size_t)mark);
    h->query = mark < 0 ? (Str){ 0 } : str_from(t, (size_t)mark + 1);
    if (h->path.n == 0)
        h->path = S("/");
    return 0;
}

/* --- the fields --- */

static int check_host(Exchange *x, int hosts, Str host) {
    if (hosts > 1)
        return refuse(x, 400, "there is more than one Host field");
    if (hosts == 0 && x->pub.head.minor == 1)
        return refuse(x, 400, "the Host field is missing");
    if (!host_ok(host))
        return refuse(x, 400, "the Host field is not valid");
    if (!x->pub.head.host.p)
        x->pub.head.host = host;
    return 0;
}

static int check_framing(Exchange *x, int lengths, int codings, Str coding) {
    if (codings > 0) {
        if (lengths > 0)
            return refuse(x, 400, "Content-Length and Transfer-Encoding together are not accepted");
        if (x->pub.head.minor == 0)
            return refuse(x, 400, "HTTP/1.0 has no Transfer-Encoding");
        if (codings > 1 || !str_eq_nocase(coding, S("chunked")))
            return refuse(x, 501, "the only transfer coding known is chunked");
    }
    if (lengths > 1)
        return refuse(x, 400, "there is more than one Content-Length");
    return 0;
}

static int check_fields(Exchange *x) {
    int hosts = 0, lengths = 0, codings = 0;
    Str host = { 0 }, coding = { 0 }, expect = { 0 };
    VEC_FOR (f, &x->fields) {
        f->value = str_trim(f->value);
        if (!is_token(f->name))
            return refuse(x, 400, "a header name is not valid");
        switch (f->name.n) {
        case 4:
            if (memcmp(f->name.p, "host", 4) == 0) {
                hosts++;
                host = f->value;
            }
            break;
        case 6:
            if (memcmp(f->name.p, "expect", 6) == 0)
                expect = f->value;
            break;
        case 14:
            lengths += memcmp(f->name.p, "content-length", 14) == 0;
            break;
        case 17:
            if (memcmp(f->name.p, "transfer-encoding", 17) == 0) {
                codings++;
                coding = f->value;
            }
            break;
        default:
            break;
        }
    }
    int status = check_host(x, hosts, host);
    if (status == 0)
        status = check_framing(x, lengths, codings, coding);
    if (status == 0 && expect.n > 0 && x->pub.head.minor == 1) {
        if (!str_eq_nocase(expect, S("100-continue")))
            status = refuse(x, 417, "the only expectation known is 100-continue");
        x->want_continue = true;
    }
    return status;
}

/* The limit of this request's body, and the refusal of a length that is past it before a byte of it is read. A length
 * that is not told is 0. */
static int check_body(Exchange *x, bool has_body, uint64_t length) {
    const HttpServerOptions *o = &x->core->o;
    int64_t limit = (int64_t)o->max_body;
    if (o->on_head) {
        limit = o->on_head(x->core->arg, &x->pub.head);
        if (limit < 0)
            return refuse(x, (int)MIN(-limit, (int64_t)599), NULL);
    }
    if (has_body && length > (uint64_t)limit)
        return refuse(x, 413, "the body is larger than this path takes");
    x->body_max = (size_t)MAX(limit, (int64_t)1);
    x->pub.intake = o->on_intake ? o->on_intake(x->core->arg, &x->pub.head) : HTTP_BODY_WHOLE;
    x->body_at = x->core->now;
    /* What streams is held back by its window; a read may have begun below it. */
    buf_init(&x->body, exchange_streams(x) ? (size_t)2 * HTTP_STREAM_WINDOW : x->body_max);
    if (has_body && limit == 0)
        return refuse(x, 413, "this path takes no body");
    return 0;
}

int http_body_put(Exchange *x, const void *p, size_t n) {
    x->body_n += n;
    x->body_at = x->core->now;
    if (x->body_n > x->body_max || buf_put(&x->body, p, n) != 0)
        return refuse(x, 413, "the body is larger than this path takes");
    return 0;
}

/* --- llhttp --- */

static int on_url(llhttp_t *p, const char *at, size_t n) {
    Exchange *x = p->data;
    Str *t = &x->pub.head.target;
    *t = t->p ? (Str){ t->p, t->n + n } : (Str){ at, n };
    return 0;
}

static int on_field(llhttp_t *p, const char *at, size_t n) {
    Exchange *x = p->data;
    if (x->in_body) /* trailers are dropped; http_body_take bounds them */
        return 0;
    HttpField *last = x->fields.n ? &x->fields.v[x->fields.n - 1] : NULL;
    if (!last || last->value.p) {
        if (x->fields.n == x->core->o.max_fields) {
            refuse(x, 431, "there are too many header fields");
            return -1;
        }
        vec_push(&x->fields, ((HttpField){ .name = { at, 0 } }));
        last = &x->fields.v[x->fields.n - 1];
    }
    last->name.n += n;
    char *lower = x->raw.p + (at - x->raw.p); /* the same bytes, ours to change: llhttp is past them */
    for (size_t i = 0; i < n; i++)
        if (lower[i] >= 'A' && lower[i] <= 'Z')
            lower[i] |= 0x20;
    return 0;
}

static int on_value(llhttp_t *p, const char *at, size_t n) {
    Exchange *x = p->data;
    if (x->in_body || x->fields.n == 0)
        return 0;
    Str *v = &x->fields.v[x->fields.n - 1].value;
    *v = v->p ? (Str){ v->p, (size_t)(at - v->p) + n } : (Str){ at, n };
    return 0;
}

static int on_value_complete(llhttp_t *p) { /* an empty value has had no span */
    Exchange *x = p->data;
    if (!x->in_body && x->fields.n && !x->fields.v[x->fields.n - 1].value.p)
        x->fields.v[x->fields.n - 1].value = S("");
    return 0;
}

static int on_headers_complete(llhttp_t *p) {
    Exchange *x = p->data;
    HttpHead *h = &x->pub.head;
    h->fields = x->fields.v;
    h->n_fields = x->fields.n;
    p->upgrade = 0; /* an offer to speak another protocol is not taken up: RFC 9110 §7.8 lets us ignore it */
    if (split_target(x) != 0 || check_fields(x) != 0 ||
        check_body(x, (p->flags & F_CHUNKED) || p->content_length > 0, p->content_length) != 0)
        return -1;
    x->keep_alive = llhttp_should_keep_alive(p);
    x->in_body = true;
    return 0;
}

static int on_body(llhttp_t *p, const char *at, size_t n) {
    return http_body_put(p->data, at, n) == 0 ? 0 : -1;
}

static int on_complete(llhttp_t *p) {
    Exchange *x = p->data;
    x->complete = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

static int refuse_parse(Exchange *x, enum llhttp_errno e) {
    if (x->refuse)
        return x->refuse;
    switch (e) {
    case HPE_UNEXPECTED_CONTENT_LENGTH:
        return refuse(x, 400, "Content-Length is repeated or comes with Transfer-Encoding");
    case HPE_INVALID_CONTENT_LENGTH:
        return refuse(x, 400, "Content-Length is not a number");
    case HPE_INVALID_TRANSFER_ENCODING:
        return refuse(x, 501, "the only transfer coding known is chunked");
    case HPE_INVALID_URL:
        return refuse(x, 400, "the request target has a character that is not allowed");
    case HPE_INVALID_CHUNK_SIZE:
        return refuse(x, 400, "the size of a chunk is not valid");
    case HPE_INVALID_HEADER_TOKEN:
        return refuse(x, 400, "a header field has a character that is not allowed");
    default:
        return refuse(x, 400, "the request is not well formed");
    }
}

int http_head_parse(Exchange *x) {
    int status = check_line(x);
    if (status != 0)
        return status;
    llhttp_init(&x->parser, HTTP_REQUEST, &settings);
    x->parser.data = x;
    enum llhttp_errno e = llhttp_execute(&x->parser, x->raw.p, x->raw.n);
    if (e != HPE_OK && !(e == HPE_PAUSED && x->complete))
        return refuse_parse(x, e);
    x->head_done = x->core->now;
    if (!exchange_streams(x))
        x->pub.body = buf_str(&x->body);
    return 0;
}

/* What llhttp holds a target of HTTP/1.1 to: an HTTP/2 target may go on to a service as one. */
static bool target_is_visible(Str target) {
    for (size_t i = 0; i < target.n; i++) {
        unsigned char c = (unsigned char)target.p[i];
        if (c <= ' ' || c >= 0x7f)
            return false;
    }
    return true;
}

int http_head_check(Exchange *x, Str method, Str path, Str authority) {
    HttpHead *h = &x->pub.head;
    h->major = 2;
    h->minor = 0;
    h->method = method;
    h->target = path;
    x->head_only = str_eq(method, S("HEAD"));
    if (!is_token(method) || path.n == 0)
        return refuse(x, 400, "the request has no method or no path");
    if (!target_is_visible(path))
        return refuse(x, 400, "the request target has a character that is not allowed");
    if (!method_known(method))
        return refuse(x, 501, "the method is not known");
    Str host = authority.p ? authority : http_field(h, S("host"));
    if (host.n == 0 || !host_ok(host))
        return refuse(x, 400, "the authority is missing or not valid");
    h->host = host;
    Str expect = http_field(h, S("expect"));
    if (expect.n && !str_eq_nocase(expect, S("100-continue")))
        return refuse(x, 417, "the only expectation known is 100-continue");
    if (split_target(x) != 0)
        return x->refuse;
    Str length = http_field(h, S("content-length"));
    uint64_t n = 0;
    if (length.p && !str_to_u64(length, &n))
        return refuse(x, 400, "Content-Length is not a number");
    return check_body(x, n > 0, n);
}

int http_body_take(Exchange *x, const char *p, size_t n, size_t *used) {
    enum llhttp_errno e = llhttp_execute(&x->parser, p, n);
    *used = n;
    if (e == HPE_PAUSED && x->complete)
        *used = (size_t)(llhttp_get_error_pos(&x->parser) - p);
    else if (e != HPE_OK)
        return refuse_parse(x, e);
    x->raw_body += *used;
    /* Chunk extensions and trailers: a chunk of one byte costs six, and nobody needs more than a header block. */
    if (x->raw_body > x->body_n * 8 + x->core->o.max_header_bytes)
        return refuse(x, 431, "the chunk extensions and trailers are too large");
    if (!exchange_streams(x))
        x->pub.body = buf_str(&x->body);
    return 0;
}
