/* What a hostile S3 server may answer the adapter, and a hostile client send the simulator.
 *
 * The first byte says what the rest is: e an error's body, l a page of a list, u the answer to the beginning of an upload,
 * h a header's value (etag, range, label), q METHOD PATH?QUERY of a request with its body behind the first line, which comes
 * signed. */

#include "adapters/object/s3_text.h"
#include "base/utf8.h"
#include "sim/s3_sim.h"

#include "fuzz.h"

static void list(Arena *a, Str body) {
    enum { LIMIT = 50 };
    S3Page page;
    if (s3_page_read(a, body, LIMIT, &page) != 0)
        return;
    MUST(page.n <= LIMIT && (!page.more || page.token.n));
    for (size_t i = 0; i < page.n; i++)
        MUST(page.v[i].key.n > 0 && page.v[i].size >= 0 && strlen(page.v[i].etag) <= OBJECT_ETAG_MAX);
}

static void error(Arena *a, Str body) {
    S3Error e;
    s3_error_read(a, body, &e);
    MUST(e.message.n <= 200 && utf8_valid(e.message));
    MUST(str_find_char(e.message, '\n') < 0 && str_find_char(e.code, '\n') < 0);
}

static void header(Arena *a, Str value) {
    char etag[OBJECT_ETAG_MAX + 1];
    int64_t from, to, whole;
    if (s3_etag(value, etag))
        MUST(strlen(etag) > 0 && strlen(etag) <= OBJECT_ETAG_MAX && !strchr(etag, '"'));
    if (s3_content_range(value, &from, &to, &whole))
        MUST(from >= 0 && from <= to && to < whole);
    s3_label_read(a, value);
    Str written = s3_label_write(a, value);
    for (size_t i = 0; i < written.n; i++)
        MUST(written.p[i] >= ' ' && written.p[i] < 0x7f);
    if (utf8_valid(value))
        MUST(str_eq(s3_label_read(a, written), value));
}

/* The query as its pairs, decoded by hand: what a signer means. */
static size_t pairs_of(Arena *a, Str query, S3Pair *v) {
    Str one;
    size_t n = 0;
    while (query.n && n < S3_QUERY_MAX && str_next(&query, '&', &one)) {
        ptrdiff_t eq = str_find_char(one, '=');
        Str name = eq < 0 ? one : str_first(one, (size_t)eq),
            value = eq < 0 ? str_n("", 0) : str_from(one, (size_t)eq + 1);
        if (one.n)
            v[n++] = (S3Pair){ s3_label_read(a, name), s3_label_read(a, value) };
    }
    return n;
}

static void request(Arena *a, Str text) {
    Str body = text, line, method;
    str_next(&body, '\n', &line);
    str_next(&line, ' ', &method);
    ptrdiff_t mark = str_find_char(line, '?');
    Str path = mark < 0 ? line : str_first(line, (size_t)mark),
        query = mark < 0 ? str_n("", 0) : str_from(line, (size_t)mark + 1);
    char sum[SHA256_HEX + 1], at[S3_TIME_TEXT + 1];
    S3Pair signed_[4], q[S3_QUERY_MAX];
    Time now = time_ms(INT64_C(1760000000000));
    sha256_hex(body, sum);
    s3_time(now, at);
    S3Signing g = { .method = str_cz(a, method),
                    .path = s3_encode(a, s3_label_read(a, path), true),
                    .query = q,
                    .n_query = pairs_of(a, query, q),
                    .headers = signed_,
                    .n_headers = 4,
                    .payload = sum,
                    .region = S("us-east-1"),
                    .service = S("s3"),
                    .at = now };
    signed_[0] = (S3Pair){ S("host"), S("localhost") };
    signed_[1] = (S3Pair){ S("x-amz-content-sha256"), str_c(sum) };
    signed_[2] = (S3Pair){ S("x-amz-date"), str_c(at) };
    signed_[3] = (S3Pair){ S("x-amz-meta-a"), S("b") };
    S3Keys keys = { S("AK"), S("SK"), { 0 } };
    HttpHeader headers[] = { { S("authorization"), s3_authorization(a, &keys, &g) },
                             { S("host"), S("localhost") },
                             { S("x-amz-content-sha256"), str_c(sum) },
                             { S("x-amz-date"), str_c(at) },
                             { S("x-amz-meta-a"), S("b") },
                             { S("range"), str_first(body, 20) } };
    S3Sim *s = s3_sim_new(&(S3SimOptions){
        .access = S("AK"), .secret = S("SK"), .bucket = S("bucket"), .bytes_max = 1 << 20, .part_min = 1 });
    S3SimRequest r = {
        .method = method, .path = path, .query = query, .headers = headers, .n_headers = 6, .body = body
    };
    for (int i = 0; i < 2; i++) { /* the second finds what the first left */
        S3SimReply reply;
        s3_sim_handle(s, a, &r, now, &reply);
        MUST(reply.status >= 200 && reply.status < 600 && reply.n_headers <= S3_SIM_HEADERS_MAX);
    }
    s3_sim_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena arena = { .limit = 64 << 20 };
    Str rest = str_n((const char *)data + 1, size ? size - 1 : 0), out;
    switch (size ? data[0] : 0) {
    case 'e':
        error(&arena, rest);
        break;
    case 'l':
        list(&arena, rest);
        break;
    case 'u':
        if (s3_element_read(&arena, rest, S("InitiateMultipartUploadResult"), S("UploadId"), &out) == 0)
            MUST(out.n > 0);
        break;
    case 'h':
        header(&arena, rest);
        break;
    case 'q':
        if (rest.n < 100000)
            request(&arena, rest);
        break;
    default:
        break;
    }
    arena_done(&arena);
    return 0;
}
