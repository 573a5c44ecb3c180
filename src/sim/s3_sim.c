/* sim/s3_sim.c - see s3_sim.h: requests taken apart, buckets, faults, and the forms of answers. */

#include "sim/s3_sim_internal.h"

#include <stdarg.h>

enum { BYTES_MAX = 512 << 20, PART_MIN = 5 << 20, XML_MAX = 16 << 20 };

/* --- requests --- */

Str sim_header(const S3SimRequest *r, const char *name) {
    for (size_t i = 0; i < r->n_headers; i++)
        if (str_eq(r->headers[i].name, str_c(name)))
            return r->headers[i].value;
    return (Str){ 0 };
}

Str sim_query(const SimCall *c, const char *name, bool *there) {
    for (size_t i = 0; i < c->n_query; i++)
        if (str_eq(c->query[i].name, str_c(name))) {
            if (there)
                *there = true;
            return c->query[i].value;
        }
    if (there)
        *there = false;
    return (Str){ 0 };
}

bool sim_decode(Arena *a, Str text, bool plus, Str *out) {
    char *p = arena_alloc(a, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char ch = text.p[i];
        if (ch == '%') {
            int high = i + 2 < text.n ? hex_value(text.p[i + 1]) : -1;
            int low = i + 2 < text.n ? hex_value(text.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            ch = (char)(high << 4 | low);
            i += 2;
        } else if (plus && ch == '+') {
            ch = ' ';
        }
        p[n++] = ch;
    }
    *out = str_n(p, n);
    return true;
}

static bool read_query(SimCall *c) {
    Str rest = c->req->query, one;
    while (rest.n && str_next(&rest, '&', &one)) {
        if (one.n == 0)
            continue;
        if (c->n_query == S3_SIM_QUERY_MAX)
            return false;
        SimPair *q = &c->query[c->n_query++];
        ptrdiff_t eq = str_find_char(one, '=');
        Str name = eq < 0 ? one : str_first(one, (size_t)eq),
            value = eq < 0 ? (Str){ 0 } : str_from(one, (size_t)eq + 1);
        if (!sim_decode(c->a, name, false, &q->name) || !sim_decode(c->a, value, false, &q->value))
            return false;
    }
    return true;
}

/* "bucket.host/key" where the host begins with a bucket that is there, else "host/bucket/key". */
static bool read_target(SimCall *c) {
    Str host = sim_header(c->req, "host"), path;
    if (!sim_decode(c->a, c->req->path, false, &path) || path.n == 0 || path.p[0] != '/' || memchr(path.p, 0, path.n))
        return false;
    path = str_from(path, 1);
    for (size_t i = 0; i < c->s->n_buckets; i++) {
        Str name = str_c(c->s->buckets[i].name);
        if (str_starts(host, name) && host.n > name.n && host.p[name.n] == '.') {
            c->bucket = name;
            c->key = path;
            return true;
        }
    }
    ptrdiff_t slash = str_find_char(path, '/');
    c->bucket = slash < 0 ? path : str_first(path, (size_t)slash);
    c->key = slash < 0 ? (Str){ 0 } : str_from(path, (size_t)slash + 1);
    return true;
}

/* --- answers --- */

void sim_put_header(SimCall *c, const char *name, Str value) {
    assert(c->out->n_headers < S3_SIM_HEADERS_MAX);
    c->out->headers[c->out->n_headers++] = (HttpHeader){ str_c(name), value };
}

Str sim_escape(Arena *a, Str text) {
    Buf b;
    buf_init(&b, 6 * text.n + 1);
    for (size_t i = 0; i < text.n; i++) {
        char ch = text.p[i];
        if (ch == '&')
            BUF_LIT(&b, "&amp;");
        else if (ch == '<')
            BUF_LIT(&b, "&lt;");
        else if (ch == '>')
            BUF_LIT(&b, "&gt;");
        else if (ch == '"')
            BUF_LIT(&b, "&quot;");
        else if (ch == '\r')
            BUF_LIT(&b, "&#13;");
        else
            buf_put_c(&b, ch);
    }
    Str out = str_dup(a, buf_str(&b));
    buf_done(&b);
    return out;
}

void sim_xml(SimCall *c, int status, const char *fmt, ...) {
    Buf b;
    va_list args;
    buf_init(&b, XML_MAX);
    BUF_LIT(&b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    va_start(args, fmt);
    buf_vprintf(&b, fmt, args);
    va_end(args);
    c->out->status = status;
    c->out->body = str_dup(c->a, buf_str(&b));
    buf_done(&b);
    sim_put_header(c, "content-type", S("application/xml"));
}

void sim_error(SimCall *c, int status, const char *code, const char *message, Str more_xml) {
    c->out->n_headers = 0;
    sim_xml(c, status,
            "<Error><Code>%s</Code><Message>%s</Message><Resource>" STR_FMT "</Resource>" STR_FMT
            "<RequestId>0000000000000000</RequestId></Error>",
            code, message, STR_ARG(sim_escape(c->a, c->req->path)), STR_ARG(more_xml));
}

void sim_etag_of(Str bytes, char out[static S3_SIM_ETAG]) {
    char sum[SHA256_HEX + 1];
    sha256_hex(bytes, sum);
    memcpy(out, sum, 32);
    out[32] = '\0';
}

bool sim_room(SimCall *c, size_t n) {
    if (n <= c->s->o.bytes_max - c->s->bytes)
        return true;
    sim_error(c, 507, "QuotaExceeded", "The simulator's memory for objects is used up.", (Str){ 0 });
    return false;
}

/* --- buckets --- */

SimBucket *sim_bucket(S3Sim *s, Str name) {
    for (size_t i = 0; i < s->n_buckets; i++)
        if (str_eq(str_c(s->buckets[i].name), name))
            return &s->buckets[i];
    return NULL;
}

static bool bucket_name_ok(Str s) {
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '-' || s.p[i] == '.'))
            return false;
    return s.n >= 3 && s.n <= 63;
}

static void bucket_make(S3Sim *s, Str name, Time now) {
    SimBucket *b = &s->buckets[s->n_buckets++];
    *b = (SimBucket){ .made = now };
    memcpy(b->name, name.p, name.n);
}

static void make_bucket(SimCall *c) {
    if (sim_bucket(c->s, c->bucket))
        sim_error(c, 409, "BucketAlreadyOwnedByYou", "The bucket is there and is yours.", (Str){ 0 });
    else if (!bucket_name_ok(c->bucket))
        sim_error(c, 400, "InvalidBucketName", "The specified bucket is not valid.", (Str){ 0 });
    else if (c->s->n_buckets == S3_SIM_BUCKETS_MAX)
        sim_error(c, 400, "TooManyBuckets", "There are as many buckets as this simulator holds.", (Str){ 0 });
    else {
        bucket_make(c->s, c->bucket, c->now);
        c->out->status = 200;
        sim_put_header(c, "location", str_fmt(c->a, "/" STR_FMT, STR_ARG(c->bucket)));
    }
}

static void bucket_done(S3Sim *s, SimBucket *b) {
    VEC_FOR (o, &b->objects)
        sim_object_free(s, *o);
    VEC_FOR (u, &b->uploads)
        sim_upload_free(s, *u);
    vec_done(&b->objects);
    vec_done(&b->uploads);
}

static void remove_bucket(SimCall *c, SimBucket *b) {
    if (b->objects.n) {
        sim_error(c, 409, "BucketNotEmpty", "The bucket you tried to delete is not empty", (Str){ 0 });
        return;
    }
    bucket_done(c->s, b);
    *b = c->s->buckets[--c->s->n_buckets];
    c->out->status = 204;
}

static void list_buckets(SimCall *c) {
    Buf b;
    buf_init(&b, XML_MAX);
    for (size_t i = 0; i < c->s->n_buckets; i++)
        buf_printf(&b, "<Bucket><Name>%s</Name><CreationDate>" STR_FMT "</CreationDate></Bucket>",
                   c->s->buckets[i].name, STR_ARG(time_iso(c->a, c->s->buckets[i].made)));
    sim_xml(c, 200,
            "<ListAllMyBucketsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Owner><ID>sim</ID></Owner>"
            "<Buckets>" STR_FMT "</Buckets></ListAllMyBucketsResult>",
            STR_ARG(buf_str(&b)));
    buf_done(&b);
}

static void bucket_call(SimCall *c, SimBucket *b) {
    bool location, delete, v2;
    Str m = c->req->method;
    sim_query(c, "location", &location);
    sim_query(c, "delete", &delete);
    v2 = str_eq(sim_query(c, "list-type", NULL), S("2"));
    if (str_eq(m, S("HEAD"))) {
        c->out->status = 200;
        sim_put_header(c, "x-amz-bucket-region", c->s->o.region);
    } else if (str_eq(m, S("DELETE")) && c->n_query == 0) {
        remove_bucket(c, b);
    } else if (str_eq(m, S("GET")) && location) {
        sim_xml(c, 200,
                "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" STR_FMT
                "</LocationConstraint>",
                STR_ARG(c->s->o.region));
    } else if (str_eq(m, S("GET")) && v2) {
        sim_list(c, b);
    } else if (str_eq(m, S("POST")) && delete) {
        sim_remove_many(c, b);
    } else {
        sim_error(c, 501, "NotImplemented", "The simulator does not do this to buckets.", (Str){ 0 });
    }
}

/* --- the whole --- */

static void dispatch(SimCall *c) {
    SimBucket *b = c->bucket.n ? sim_bucket(c->s, c->bucket) : NULL;
    bool make = str_eq(c->req->method, S("PUT")) && c->key.n == 0 && c->n_query == 0;
    if (c->bucket.n == 0 && str_eq(c->req->method, S("GET")))
        list_buckets(c);
    else if (c->bucket.n && make)
        make_bucket(c);
    else if (!b)
        sim_error(c, 404, "NoSuchBucket", "The specified bucket does not exist", (Str){ 0 });
    else if (!sim_upload_call(c, b)) {
        if (c->key.n)
            sim_object_call(c, b);
        else
            bucket_call(c, b);
    }
}

static FaultHit next_fault(SimCall *c) {
    bool get = str_eq(c->req->method, S("GET")), head = str_eq(c->req->method, S("HEAD"));
    unsigned fits = 1u << FAULT_500 | 1u << FAULT_503 | 1u << FAULT_RESET | 1u << FAULT_STALL;
    fits |= get ? 1u << FAULT_TRUNCATED | 1u << FAULT_TRICKLE : 0;
    fits |= c->key.n ? 1u << FAULT_WRONG_ETAG : 0;
    fits |= get || head ? 0 : 1u << FAULT_LOST;
    Str line = str_fmt(c->a, STR_FMT " " STR_FMT "?" STR_FMT, STR_ARG(c->req->method), STR_ARG(c->req->path),
                       STR_ARG(c->req->query));
    return faults_next(&c->s->faults, fits, line, (Str){ 0 });
}

static bool answer_instead(SimCall *c, FaultHit hit) {
    S3SimReply *r = c->out;
    bool read = str_eq(c->req->method, S("GET"));
    if (hit.kind == FAULT_500)
        sim_error(c, 500, "InternalError", "We encountered an internal error. Please try again.", (Str){ 0 });
    else if (hit.kind == FAULT_503)
        sim_error(c, 503, "SlowDown", "Please reduce your request rate.", (Str){ 0 });
    else if (hit.kind == FAULT_STALL || (hit.kind == FAULT_RESET && !read))
        sim_error(c, 500, "InternalError", "This answer is never seen.", (Str){ 0 });
    else
        return false;
    r->wire = hit.kind == FAULT_STALL ? S3_WIRE_STALL : hit.kind == FAULT_RESET ? S3_WIRE_CUT : S3_WIRE_WHOLE;
    r->wire_n = hit.n;
    return true;
}

static void spoil(SimCall *c, FaultHit hit) {
    S3SimReply *r = c->out;
    if (hit.kind == FAULT_RESET || hit.kind == FAULT_LOST)
        r->wire = S3_WIRE_CUT;
    if (hit.kind == FAULT_TRICKLE) {
        r->wire = S3_WIRE_TRICKLE;
        r->wire_n = MAX(hit.n, 1);
    }
    if (hit.kind == FAULT_TRUNCATED) /* with a length that agrees: only the content can show it */
        r->body.n /= 2;
    for (size_t i = 0; hit.kind == FAULT_WRONG_ETAG && i < r->n_headers; i++)
        if (str_eq(r->headers[i].name, S("etag")))
            r->headers[i].value = S("\"00000000000000000000000000000000\"");
}

void s3_sim_handle(S3Sim *s, Arena *a, const S3SimRequest *req, Time now, S3SimReply *out) {
    SimCall c = { .s = s, .a = a, .req = req, .now = now, .out = out };
    *out = (S3SimReply){ 0 };
    if (!read_query(&c) || !read_target(&c)) {
        sim_error(&c, 400, "InvalidURI", "Couldn't parse the specified URI.", (Str){ 0 });
    } else if (s3_sim_authorised(&c)) {
        FaultHit hit = next_fault(&c);
        if (!answer_instead(&c, hit)) {
            dispatch(&c);
            spoil(&c, hit);
        }
    }
    sim_put_header(&c, "x-finsight-simulated", S("1"));
    if (str_eq(req->method, S("HEAD"))) { /* no body, not even of an error */
        out->length = out->length ? out->length : out->body.n ? (int64_t)out->body.n : 0;
        out->body = (Str){ 0 };
    }
}

size_t s3_sim_uploads(const S3Sim *s) {
    size_t n = 0;
    for (size_t i = 0; i < s->n_buckets; i++)
        n += s->buckets[i].uploads.n;
    return n;
}

Faults *s3_sim_faults(S3Sim *s) {
    return &s->faults;
}

S3Sim *s3_sim_new(const S3SimOptions *o) {
    S3Sim *s = mem_new(S3Sim);
    s->o = *o;
    Str *const texts[] = { &s->o.access, &s->o.secret, &s->o.token, &s->o.region, &s->o.bucket };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = str_dup(&s->arena, *texts[i]);
    if (s->o.region.n == 0)
        s->o.region = S("us-east-1");
    s->o.bytes_max = o->bytes_max ? o->bytes_max : BYTES_MAX;
    s->o.part_min = o->part_min ? o->part_min : PART_MIN;
    faults_init(&s->faults, o->seed);
    rng_seed(&s->rng, o->seed);
    if (s->o.bucket.n) {
        assert(bucket_name_ok(s->o.bucket));
        bucket_make(s, s->o.bucket, time_ms(0));
    }
    return s;
}

S3Sim *s3_sim_free(S3Sim *s) {
    if (!s)
        return NULL;
    for (size_t i = 0; i < s->n_buckets; i++)
        bucket_done(s, &s->buckets[i]);
    arena_done(&s->arena);
    return mem_free(s);
}
