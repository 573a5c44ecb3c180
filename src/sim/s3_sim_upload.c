/* sim/s3_sim_upload.c - objects that come in parts; see s3_sim.h. */

#include "base/xml.h"
#include "sim/s3_sim_internal.h"

enum { UPLOADS_MAX = 1000, TEXT_MAX = 4 << 20 };

SimUpload *sim_upload_free(S3Sim *s, SimUpload *u) {
    VEC_FOR (p, &u->parts) {
        s->bytes -= p->bytes.n;
        mem_free((char *)(uintptr_t)p->bytes.p);
    }
    vec_done(&u->parts);
    sim_object_free(s, u->object);
    return mem_free(u);
}

static void no_upload(SimCall *c) {
    sim_error(
        c, 404, "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or it may have been aborted or ended.",
        (Str){ 0 });
}

static SimUpload *find(const SimCall *c, const SimBucket *b, size_t *at) {
    Str id = sim_query(c, "uploadId", NULL);
    for (size_t i = 0; i < b->uploads.n; i++)
        if (str_eq(str_c(b->uploads.v[i]->id), id) && str_eq(b->uploads.v[i]->object->key, c->key)) {
            *at = i;
            return b->uploads.v[i];
        }
    return NULL;
}

static void forget(SimCall *c, SimBucket *b, size_t at) {
    sim_upload_free(c->s, b->uploads.v[at]);
    b->uploads.v[at] = b->uploads.v[--b->uploads.n];
}

static void begin(SimCall *c, SimBucket *b) {
    if (b->uploads.n == UPLOADS_MAX) {
        sim_error(c, 507, "QuotaExceeded", "There are as many uploads as this simulator holds.", (Str){ 0 });
        return;
    }
    SimUpload *u = mem_new(SimUpload);
    u->object = sim_object_new(c);
    u->begun = c->now;
    Str id = str_fmt(c->a, "%016llx%016llx", (unsigned long long)rng_u64(&c->s->rng),
                     (unsigned long long)rng_u64(&c->s->rng));
    memcpy(u->id, id.p, id.n);
    vec_push(&b->uploads, u);
    sim_xml(c, 200,
            "<InitiateMultipartUploadResult "
            "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Bucket>%s</Bucket><Key>" STR_FMT
            "</Key><UploadId>%s</UploadId></InitiateMultipartUploadResult>",
            b->name, STR_ARG(sim_escape(c->a, c->key)), u->id);
}

static SimPart *part_of(SimUpload *u, int number) {
    VEC_FOR (p, &u->parts)
        if (p->number == number)
            return p;
    return NULL;
}

static void put_part(SimCall *c, SimBucket *b) {
    size_t at;
    int64_t number;
    SimUpload *u = find(c, b, &at);
    if (!u) {
        no_upload(c);
        return;
    }
    if (!str_to_i64(sim_query(c, "partNumber", NULL), &number) || number < 1 || number > S3_SIM_PARTS_MAX) {
        sim_error(c, 400, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive",
                  (Str){ 0 });
        return;
    }
    if (!sim_room(c, c->req->body.n))
        return;
    SimPart *p = part_of(u, (int)number);
    if (!p) { /* kept in order */
        size_t i = u->parts.n;
        vec_push(&u->parts, ((SimPart){ 0 }));
        for (; i > 0 && u->parts.v[i - 1].number > number; i--)
            u->parts.v[i] = u->parts.v[i - 1];
        p = &u->parts.v[i];
        *p = (SimPart){ .number = (int)number };
    }
    c->s->bytes -= p->bytes.n;
    mem_free((char *)(uintptr_t)p->bytes.p);
    char *copy = mem_alloc(c->req->body.n + 1);
    if (c->req->body.n)
        memcpy(copy, c->req->body.p, c->req->body.n);
    p->bytes = str_n(copy, c->req->body.n);
    c->s->bytes += p->bytes.n;
    sim_etag_of(p->bytes, p->etag);
    c->out->status = 200;
    sim_put_header(c, "etag", str_fmt(c->a, "\"%s\"", p->etag));
}

/* --- the end --- */

typedef struct Wanted { /* one <Part> of the end */
    int64_t number;
    Str etag;
} Wanted;

typedef VEC(Wanted) WantedList;

/* One token of the end; *text: what came last. false: a part's number is none. */
static bool take_end(SimCall *c, const XmlToken *t, WantedList *parts, Str *text) {
    if (t->kind == XML_OPEN && str_eq(t->text, S("Part")))
        vec_push_in(c->a, parts, ((Wanted){ 0 }));
    if (t->kind != XML_CLOSE)
        *text = t->kind == XML_TEXT ? t->text : (Str){ 0 };
    if (t->kind != XML_CLOSE || parts->n == 0)
        return true;
    Wanted *last = &parts->v[parts->n - 1];
    Str value = str_trim(*text);
    if (str_eq(t->text, S("PartNumber")))
        return str_to_i64(value, &last->number);
    if (str_eq(t->text, S("ETag")))
        last->etag = value.n >= 2 && value.p[0] == '"' ? str_n(value.p + 1, value.n - 2) : value;
    return true;
}

static bool read_end(SimCall *c, Wanted **out, size_t *n) {
    WantedList parts = { 0 };
    XmlReader r;
    XmlToken t;
    Str text = { 0 };
    xml_reader_init(&r, c->req->body, c->a);
    do {
        if (xml_next(&r, &t) != 0 || !take_end(c, &t, &parts, &text) || parts.n > S3_SIM_PARTS_MAX)
            return false;
    } while (t.kind != XML_END_OF_TEXT);
    *out = parts.v;
    *n = parts.n;
    return parts.n > 0;
}

/* NULL, or S3's word for what is wrong with the parts named. */
static const char *end_fault(const SimCall *c, SimUpload *u, const Wanted *v, size_t n, size_t *size) {
    *size = 0;
    for (size_t i = 1; i < n; i++)
        if (v[i].number <= v[i - 1].number)
            return "InvalidPartOrder";
    for (size_t i = 0; i < n; i++) {
        SimPart *p = v[i].number > 0 && v[i].number <= S3_SIM_PARTS_MAX ? part_of(u, (int)v[i].number) : NULL;
        if (!p || !str_eq(str_c(p->etag), v[i].etag))
            return "InvalidPart";
        if (i + 1 < n && p->bytes.n < c->s->o.part_min)
            return "EntityTooSmall";
        *size += p->bytes.n;
    }
    return NULL;
}

static bool check_end(SimCall *c, SimUpload *u, const Wanted *v, size_t n, size_t *size) {
    const char *code = end_fault(c, u, v, n, size);
    if (code)
        sim_error(c, 400, code, "A part is not there, is another one, comes out of order, or is too small.",
                  (Str){ 0 });
    return !code;
}

static void join(SimCall *c, SimBucket *b, size_t at, const Wanted *v, size_t n, size_t size) {
    SimUpload *u = b->uploads.v[at];
    SimObject *o = u->object;
    Buf sums;
    char *bytes = mem_alloc(size + 1);
    size_t k = 0;
    buf_init(&sums, n * S3_SIM_ETAG + 1);
    for (size_t i = 0; i < n; i++) {
        const SimPart *p = part_of(u, (int)v[i].number);
        if (p->bytes.n)
            memcpy(bytes + k, p->bytes.p, p->bytes.n);
        k += p->bytes.n;
        buf_put_str(&sums, str_c(p->etag));
    }
    sim_etag_of(buf_str(&sums), o->etag);
    buf_done(&sums);
    Str tail = str_fmt(c->a, "-%zu", n);
    memcpy(o->etag + 32, tail.p, tail.n); /* the rest is zero */
    o->bytes = str_n(bytes, size);
    o->modified = c->now;
    c->s->bytes += size;
    u->object = NULL;
    sim_object_store(c->s, b, o);
    forget(c, b, at);
    sim_xml(c, 200,
            "<CompleteMultipartUploadResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Location>/%s/" STR_FMT
            "</Location><Bucket>%s</Bucket><Key>" STR_FMT "</Key><ETag>&quot;%s&quot;</ETag>"
            "</CompleteMultipartUploadResult>",
            b->name, STR_ARG(sim_escape(c->a, o->key)), b->name, STR_ARG(sim_escape(c->a, o->key)), o->etag);
}

static void end(SimCall *c, SimBucket *b) {
    Wanted *v;
    size_t at, n, size;
    SimUpload *u = find(c, b, &at);
    if (!u)
        no_upload(c);
    else if (!read_end(c, &v, &n))
        sim_error(c, 400, "MalformedXML", "The XML you provided was not well-formed", (Str){ 0 });
    else if (check_end(c, u, v, n, &size) && sim_condition(c, b) && sim_room(c, size))
        join(c, b, at, v, n, size);
}

static void list_parts(SimCall *c, SimBucket *b) {
    size_t at;
    SimUpload *u = find(c, b, &at);
    if (!u) {
        no_upload(c);
        return;
    }
    Buf t;
    buf_init(&t, TEXT_MAX);
    VEC_FOR (p, &u->parts)
        buf_printf(&t, "<Part><PartNumber>%d</PartNumber><ETag>&quot;%s&quot;</ETag><Size>%zu</Size></Part>", p->number,
                   p->etag, p->bytes.n);
    sim_xml(c, 200,
            "<ListPartsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Bucket>%s</Bucket><Key>" STR_FMT
            "</Key><UploadId>%s</UploadId><IsTruncated>false</IsTruncated>" STR_FMT "</ListPartsResult>",
            b->name, STR_ARG(sim_escape(c->a, c->key)), u->id, STR_ARG(buf_str(&t)));
    buf_done(&t);
}

static void list_uploads(SimCall *c, SimBucket *b) {
    Buf t;
    buf_init(&t, TEXT_MAX);
    VEC_FOR (u, &b->uploads)
        buf_printf(&t,
                   "<Upload><Key>" STR_FMT "</Key><UploadId>%s</UploadId><Initiated>" STR_FMT "</Initiated></Upload>",
                   STR_ARG(sim_escape(c->a, (*u)->object->key)), (*u)->id, STR_ARG(time_iso(c->a, (*u)->begun)));
    sim_xml(c, 200,
            "<ListMultipartUploadsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Bucket>%s</Bucket>"
            "<IsTruncated>false</IsTruncated>" STR_FMT "</ListMultipartUploadsResult>",
            b->name, STR_ARG(buf_str(&t)));
    buf_done(&t);
}

bool sim_upload_call(SimCall *c, SimBucket *b) {
    bool uploads, id, part;
    Str m = c->req->method;
    size_t at;
    sim_query(c, "uploads", &uploads);
    sim_query(c, "uploadId", &id);
    sim_query(c, "partNumber", &part);
    if (!uploads && !id)
        return false;
    if (uploads && c->key.n == 0 && str_eq(m, S("GET")))
        list_uploads(c, b);
    else if (uploads && c->key.n && str_eq(m, S("POST")))
        begin(c, b);
    else if (id && part && str_eq(m, S("PUT")))
        put_part(c, b);
    else if (id && str_eq(m, S("POST")))
        end(c, b);
    else if (id && str_eq(m, S("GET")))
        list_parts(c, b);
    else if (id && str_eq(m, S("DELETE"))) {
        if (find(c, b, &at)) {
            forget(c, b, at);
            c->out->status = 204;
        } else {
            no_upload(c);
        }
    } else {
        sim_error(c, 405, "MethodNotAllowed", "The specified method is not allowed against this resource.", (Str){ 0 });
    }
    return true;
}
