/* sim/s3_sim_auth.c - who signed this request? After "Signature Calculations for the Authorization Header" and "Error
 * responses" of the S3 API reference.
 *
 * The canonical request is made from what arrived, not from what a client meant: path and query are decoded and encoded
 * again, headers are taken in the order SignedHeaders names them, the payload's sum is that of the bytes. */

#include "base/hmac.h"
#include "sim/s3_sim_internal.h"

#include <stdlib.h>

enum { SKEW_MS = 15 * 60 * 1000, SIGNED_MAX = 80 };

typedef struct Auth {
    Str access, day, region, service; /* of the credential */
    Str signed_names;                 /* "host;x-amz-date" */
    Str names[SIGNED_MAX];
    size_t n_names;
    Str signature;
    Str at;      /* x-amz-date */
    Str payload; /* x-amz-content-sha256 */
} Auth;

static bool refuse(SimCall *c, int status, const char *code, const char *message) {
    sim_error(c, status, code, message, (Str){ 0 });
    return false;
}

/* --- reading the header --- */

static bool take(Str *rest, const char *name, Str *out) { /* "NAME=value", up to a comma */
    Str one;
    if (!str_next(rest, ',', &one))
        return false;
    one = str_trim(one);
    size_t n = strlen(name);
    *out = str_from(one, n);
    return str_starts(one, str_n(name, n)) && out->n > 0;
}

static bool read_names(Auth *a) {
    Str rest = a->signed_names, one;
    while (str_next(&rest, ';', &one)) {
        bool lower = one.n > 0 && a->n_names < SIGNED_MAX;
        for (size_t i = 0; lower && i < one.n; i++)
            lower = one.p[i] > ' ' && one.p[i] < 0x7f && !(one.p[i] >= 'A' && one.p[i] <= 'Z');
        if (!lower || (a->n_names && str_cmp(a->names[a->n_names - 1], one) >= 0))
            return false;
        a->names[a->n_names++] = one;
    }
    return a->n_names > 0;
}

static bool read_header(SimCall *c, Str header, Auth *a) {
    static const char malformed[] = "The authorization header that you provided is not valid.";
    Str rest = header, credential, last;
    if (!str_starts(header, S("AWS4-HMAC-SHA256 ")))
        return refuse(c, 400, "InvalidRequest", "The authorization mechanism you have provided is not supported.");
    rest = str_from(rest, 17);
    if (!take(&rest, "Credential=", &credential) || !take(&rest, "SignedHeaders=", &a->signed_names) ||
        !take(&rest, "Signature=", &a->signature) || rest.n || a->signature.n != SHA256_HEX || !read_names(a))
        return refuse(c, 400, "AuthorizationHeaderMalformed", malformed);
    if (!str_next(&credential, '/', &a->access) || !str_next(&credential, '/', &a->day) ||
        !str_next(&credential, '/', &a->region) || !str_next(&credential, '/', &a->service) ||
        !str_next(&credential, '/', &last) || !str_eq(last, S("aws4_request")) || credential.n)
        return refuse(c, 400, "AuthorizationHeaderMalformed", malformed);
    return true;
}

/* --- what has to hold before anything is worked out --- */

static bool amz_time(Str s, Time *out) { /* "20130524T000000Z" */
    char iso[20];
    if (s.n != 16 || s.p[8] != 'T' || s.p[15] != 'Z')
        return false;
    const char *p = s.p;
    char text[] = { p[0], p[1], p[2],  p[3], '-',   p[4],  p[5], '-',   p[6],  p[7],
                    'T',  p[9], p[10], ':',  p[11], p[12], ':',  p[13], p[14], 'Z' };
    memcpy(iso, text, sizeof text);
    return time_parse_iso(str_n(iso, sizeof text), out, NULL);
}

static bool check_time(SimCall *c, const Auth *a) {
    Time at;
    if (!amz_time(a->at, &at))
        return refuse(c, 403, "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header");
    if (!str_eq(str_first(a->at, 8), a->day))
        return refuse(c, 400, "AuthorizationHeaderMalformed",
                      "The credential's date is not that of the x-amz-date header.");
    int64_t apart = at.ms > c->now.ms ? at.ms - c->now.ms : c->now.ms - at.ms;
    return apart <= SKEW_MS || refuse(c, 403, "RequestTimeTooSkewed",
                                      "The difference between the request time and the current time is too large.");
}

static bool check_scope(SimCall *c, const Auth *a) {
    const S3SimOptions *o = &c->s->o;
    if (!str_eq(a->access, o->access))
        return refuse(c, 403, "InvalidAccessKeyId",
                      "The AWS Access Key Id you provided does not exist in our records.");
    if (!str_eq(a->service, S("s3")))
        return refuse(c, 400, "AuthorizationHeaderMalformed", "The credential's service is not s3.");
    if (!str_eq(a->region, o->region)) {
        sim_error(c, 400, "AuthorizationHeaderMalformed", "The credential's region is not the bucket's.",
                  str_fmt(c->a, "<Region>" STR_FMT "</Region>", STR_ARG(o->region)));
        sim_put_header(c, "x-amz-bucket-region", o->region);
        return false;
    }
    if (!str_eq(sim_header(c->req, "x-amz-security-token"), o->token))
        return refuse(c, 400, "InvalidToken", "The provided token is malformed or otherwise invalid.");
    return true;
}

static bool is_signed(const Auth *a, Str name) {
    for (size_t i = 0; i < a->n_names; i++)
        if (str_eq(a->names[i], name))
            return true;
    return false;
}

/* Host and all that is Amazon's must be under the signature: else a middleman could change them. */
static bool check_signed(SimCall *c, const Auth *a) {
    bool ok = is_signed(a, S("host"));
    for (size_t i = 0; i < c->req->n_headers; i++)
        ok = ok && (!str_starts(c->req->headers[i].name, S("x-amz-")) || is_signed(a, c->req->headers[i].name));
    return ok || refuse(c, 403, "AccessDenied", "There were headers present in the request which were not signed");
}

static bool once(const S3SimRequest *r, Str name) {
    int n = 0;
    for (size_t i = 0; i < r->n_headers; i++)
        n += str_eq(r->headers[i].name, name);
    return n <= 1;
}

/* --- working it out --- */

static bool unreserved(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("-._~", c) != NULL;
}

static void put_encoded(Buf *b, Str s, bool slash) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] && (unreserved(s.p[i]) || (slash && s.p[i] == '/')))
            buf_put_c(b, s.p[i]);
        else
            buf_printf(b, "%%%02X", (unsigned)(uint8_t)s.p[i]);
}

static int pair_cmp(const void *a, const void *b) {
    int c = str_cmp(((const SimPair *)a)->name, ((const SimPair *)b)->name);
    return c ? c : str_cmp(((const SimPair *)a)->value, ((const SimPair *)b)->value);
}

static Str encoded(Arena *a, Str s) {
    Buf b;
    buf_init(&b, 3 * s.n + 1);
    put_encoded(&b, s, false);
    Str out = str_dup(a, buf_str(&b));
    buf_done(&b);
    return out;
}

static void put_query(Buf *b, const SimCall *c) {
    SimPair v[S3_SIM_QUERY_MAX];
    for (size_t i = 0; i < c->n_query; i++)
        v[i] = (SimPair){ encoded(c->a, c->query[i].name), encoded(c->a, c->query[i].value) };
    if (c->n_query > 1)
        qsort(v, c->n_query, sizeof *v, pair_cmp);
    for (size_t i = 0; i < c->n_query; i++)
        buf_printf(b, "%s" STR_FMT "=" STR_FMT, i ? "&" : "", STR_ARG(v[i].name), STR_ARG(v[i].value));
}

/* Repeated headers are one, with commas; white space inside shrinks to one space. */
static void put_header(Buf *b, const S3SimRequest *r, Str name) {
    buf_put_str(b, name);
    char between = ':';
    for (size_t i = 0; i < r->n_headers; i++) {
        if (!str_eq(r->headers[i].name, name))
            continue;
        Str v = str_trim(r->headers[i].value);
        buf_put_c(b, between);
        for (size_t k = 0; k < v.n; k++)
            if (v.p[k] != ' ' || v.p[k - 1] != ' ')
                buf_put_c(b, v.p[k]);
        between = ',';
    }
    if (between == ':')
        buf_put_c(b, ':');
    buf_put_c(b, '\n');
}

static Str canonical(const SimCall *c, const Auth *a) {
    Buf b;
    buf_init(&b, 256 << 10);
    buf_put_str(&b, c->req->method);
    buf_put_c(&b, '\n');
    Str path;
    put_encoded(&b, sim_decode(c->a, c->req->path, false, &path) ? path : S("?"), true);
    buf_put_c(&b, '\n');
    put_query(&b, c);
    buf_put_c(&b, '\n');
    for (size_t i = 0; i < a->n_names; i++)
        put_header(&b, c->req, a->names[i]);
    buf_put_c(&b, '\n');
    buf_put_str(&b, a->signed_names);
    buf_put_c(&b, '\n');
    buf_put_str(&b, a->payload);
    Str out = str_dup(c->a, buf_str(&b));
    buf_done(&b);
    return out;
}

static Str hex_of(Arena *a, const uint8_t *p, size_t n) {
    Buf b;
    buf_init(&b, 2 * n + 1);
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%02x", (unsigned)p[i]);
    Str out = str_dup(a, buf_str(&b));
    buf_done(&b);
    return out;
}

static Str signature(const SimCall *c, const Auth *a, Str text) {
    uint8_t key[SHA256_BYTES], mac[SHA256_BYTES];
    const Str chain[] = { a->day, a->region, a->service, S("aws4_request"), text };
    Str secret = str_fmt(c->a, "AWS4" STR_FMT, STR_ARG(c->s->o.secret));
    for (size_t i = 0; i < ARRAY_LEN(chain); i++) {
        hmac_sha256(i ? str_n((const char *)key, sizeof key) : secret, chain[i], mac);
        memcpy(key, mac, sizeof key);
    }
    return hex_of(c->a, mac, sizeof mac);
}

static bool check_signature(SimCall *c, const Auth *a) {
    char sum[SHA256_HEX + 1];
    Str request = canonical(c, a);
    sha256_hex(request, sum);
    Str text = str_fmt(c->a, "AWS4-HMAC-SHA256\n" STR_FMT "\n" STR_FMT "/" STR_FMT "/" STR_FMT "/aws4_request\n%s",
                       STR_ARG(a->at), STR_ARG(a->day), STR_ARG(a->region), STR_ARG(a->service), sum);
    if (bytes_equal(signature(c, a, text).p, a->signature.p, SHA256_HEX))
        return true;
    sim_error(c, 403, "SignatureDoesNotMatch",
              "The request signature we calculated does not match the signature you provided. Check your key and "
              "signing method.",
              str_fmt(c->a, "<StringToSign>" STR_FMT "</StringToSign><CanonicalRequest>" STR_FMT "</CanonicalRequest>",
                      STR_ARG(sim_escape(c->a, text)), STR_ARG(sim_escape(c->a, request))));
    return false;
}

static bool check_payload(SimCall *c, const Auth *a) {
    char sum[SHA256_HEX + 1];
    sha256_hex(c->req->body, sum);
    return str_eq(a->payload, str_n(sum, SHA256_HEX)) ||
           refuse(c, 400, "XAmzContentSHA256Mismatch",
                  "The provided 'x-amz-content-sha256' header does not match what was computed.");
}

static bool payload_named(SimCall *c, const Auth *a) {
    if (a->payload.n == 0)
        return refuse(c, 400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256");
    if (str_starts(a->payload, S("STREAMING-")) || str_eq(a->payload, S("UNSIGNED-PAYLOAD")))
        return refuse(c, 501, "NotImplemented", "This server wants the payload's own SHA-256 in x-amz-content-sha256.");
    for (size_t i = 0; i < a->payload.n; i++)
        if (hex_value(a->payload.p[i]) < 0)
            return refuse(c, 400, "InvalidArgument", "x-amz-content-sha256 must be a SHA-256 in hex.");
    return a->payload.n == SHA256_HEX || refuse(c, 400, "InvalidArgument", "x-amz-content-sha256 must be a SHA-256.");
}

bool s3_sim_authorised(SimCall *c) {
    Auth a = { 0 };
    Str header = sim_header(c->req, "authorization");
    bool presigned;
    sim_query(c, "X-Amz-Signature", &presigned);
    if (presigned)
        return refuse(c, 501, "NotImplemented", "Signatures in the query are not taken here.");
    if (header.n == 0)
        return refuse(c, 403, "AccessDenied", "Access Denied");
    if (!once(c->req, S("authorization")) || !once(c->req, S("x-amz-date")) || !once(c->req, S("x-amz-content-sha256")))
        return refuse(c, 400, "InvalidArgument", "A header of the signature comes twice.");
    if (!read_header(c, header, &a))
        return false;
    a.at = sim_header(c->req, "x-amz-date");
    a.payload = sim_header(c->req, "x-amz-content-sha256");
    return check_scope(c, &a) && check_time(c, &a) && payload_named(c, &a) && check_signed(c, &a) &&
           check_signature(c, &a) && check_payload(c, &a);
}
