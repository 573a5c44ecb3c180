/* ports/http_client.c - the checking wrapper, and the one retry policy of all calls to third parties.
 *
 * Waiting goes through the Ctx's clock: on a virtual clock an hour of back-off takes no time. */

#include "ports/http_client.h"

#include "base/span.h"

#include "base/num.h"

#include <arpa/inet.h>
#include <math.h>

enum {
    WAIT_SLICE_MS = 100, /* a cancel is noticed within this */
    CONNECT_MS = 5000,
    TOTAL_MS = 15000,
    MAX_BODY = 16 * 1024 * 1024,
    MAX_URL = 8192,
};

/* --- reading answers --- */

Str http_response_header(const HttpResponse *r, Str name) {
    for (size_t i = 0; i < r->n_headers; i++)
        if (str_eq_nocase(r->headers[i].name, name))
            return r->headers[i].value;
    return (Str){ 0 };
}

static bool two_digits(Str s, size_t at, int *out) {
    unsigned a = (unsigned char)s.p[at] - (unsigned)'0', b = (unsigned char)s.p[at + 1] - (unsigned)'0';
    *out = (int)(a * 10 + b);
    return a <= 9 && b <= 9;
}

bool http_date_parse(Str s, Time *out) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    s = str_trim(s);
    if (s.n != 29 || memcmp(s.p + 3, ", ", 2) != 0 || memcmp(s.p + 25, " GMT", 4) != 0)
        return false;
    Civil c = { 0 };
    int century = 0, year = 0;
    for (int m = 0; m < 12; m++)
        if (memcmp(s.p + 8, months + (size_t)m * 3, 3) == 0)
            c.month = m + 1;
    bool digits = two_digits(s, 5, &c.day) && two_digits(s, 12, &century) && two_digits(s, 14, &year) &&
                  two_digits(s, 17, &c.hour) && two_digits(s, 20, &c.minute) && two_digits(s, 23, &c.second);
    bool marks = s.p[7] == ' ' && s.p[11] == ' ' && s.p[16] == ' ' && s.p[19] == ':' && s.p[22] == ':';
    if (!digits || !marks)
        return false;
    c.year = century * 100 + year;
    if (!civil_valid(&c))
        return false;
    *out = time_from_civil(&c);
    return true;
}

int64_t http_retry_after_ms(const HttpResponse *r, Time now) {
    Str value = str_trim(http_response_header(r, S("retry-after")));
    double seconds;
    Time at;
    if (num_parse_f64(value, &seconds))
        return seconds < 0 ? -1 : (int64_t)ceil(MIN(seconds, 1e9) * 1000.0);
    if (http_date_parse(value, &at))
        return MAX(at.ms - now.ms, 0);
    return -1;
}

/* --- checking requests --- */

static bool host_is_address(Str host, uint8_t ip[static 16], size_t *n) {
    char z[64];
    if (host.n >= sizeof z)
        return false;
    memcpy(z, host.p, host.n);
    z[host.n] = '\0';
    *n = 4;
    if (inet_pton(AF_INET, z, ip) == 1)
        return true;
    char *zone = strchr(z, '%'); /* fe80::1%eth0 */
    if (zone)
        *zone = '\0';
    *n = 16;
    return inet_pton(AF_INET6, z, ip) == 1;
}

int http_host_check(Ctx *cx, Str host) {
    uint8_t ip[16];
    size_t n;
    Str bare = str_ends(host, S(".")) ? str_first(host, host.n - 1) : host;
    bool local = str_eq_nocase(bare, S("localhost")) ||
                 (bare.n > 10 && str_eq_nocase(str_from(bare, bare.n - 10), S(".localhost")));
    if (local || (host_is_address(bare, ip, &n) && http_address_private(ip, n)))
        return err_set(cx, ERR_DENIED, STR_FMT " is not a public address", STR_ARG(str_first(host, 80)));
    return 0;
}

static bool header_name_ok(Str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] == ':' || s.p[i] == 0x7f) /* bytes past 0x7f are negative: refused too */
            return false;
    return s.n > 0;
}

static bool header_value_ok(Str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0')
            return false;
    return true;
}

static int check_request(Ctx *cx, const HttpRequest *req) {
    HttpUrl url;
    if (req->url.n > MAX_URL)
        return err_set(cx, ERR_INVALID, "the URL is longer than %d bytes", MAX_URL);
    int r = http_url_parse(cx, req->url, &url);
    if (r == 0 && !req->allow_private)
        r = http_host_check(cx, url.host);
    for (size_t i = 0; r == 0 && i < req->n_headers; i++)
        if (!header_name_ok(req->headers[i].name) || !header_value_ok(req->headers[i].value))
            r = err_set(cx, ERR_INVALID, "the header '" STR_FMT "' has bytes that no header may have",
                        STR_ARG(str_first(req->headers[i].name, 40)));
    return r;
}

/* --- retries --- */

int http_wait_ms(Ctx *cx, int64_t ms) {
    int r = ctx_check(cx);
    while (r == 0 && ms > 0) {
        int64_t slice = ctx_left_ms(cx, MIN(ms, WAIT_SLICE_MS));
        slice = MAX(slice, 1);
        clock_sleep_ms(cx->clock, slice);
        ms -= slice;
        r = ctx_check(cx);
    }
    return r;
}

static bool status_is_retried(const RetryPolicy *p, const HttpRequest *req, int status) {
    if (status == 429 || status == 502 || status == 503 || status == 504)
        return true;
    bool get = strcmp(req->method, "GET") == 0;
    return p->exchange && (status == 418 || (status >= 500 && get));
}

static bool failure_is_retried(const RetryPolicy *p, int r) {
    return r == ERR_UNAVAILABLE || (p->idempotent && (r == ERR_TIMEOUT || r == ERR_COLLECTION));
}

/* Full jitter (Brooker, "Exponential Backoff And Jitter", 2015): callers that failed together spread out. */
static int64_t back_off_ms(const RetryPolicy *p, int tries) {
    int64_t top = p->base_ms;
    for (int i = 1; i < tries && top < p->max_ms; i++)
        top *= 2;
    top = MIN(top, p->max_ms);
    return p->rng ? rng_between(p->rng, 0, top) : top;
}

static int status_error(Ctx *cx, const HttpResponse *res) {
    if (res->status == 429)
        return err_set(cx, ERR_LIMIT, "too many requests (HTTP 429)");
    if (res->status == 418)
        return err_set(cx, ERR_LIMIT, "the server has banned this address for a while (HTTP 418)");
    return err_set(cx, ERR_UNAVAILABLE, "the server answers HTTP %d", res->status);
}

static void span_of_call(Ctx *cx, SpanMark m, const HttpRequest *req) {
    HttpUrl url;
    if (!m.span || m.span->failed || http_url_parse(cx, req->url, &url) != 0)
        return;
    m.span->kind = SPAN_CLIENT;
    span_note(m.span, url.host);
}

/* One exchange and its verdict: 0 done, HTTP_RETRY, or < 0 final. *failed is what a HTTP_RETRY would mean if it
 * were the last one. */
static int try_once(HttpClient *c, Ctx *cx, const HttpRequest *req, const RetryPolicy *p, HttpResponse *out,
                    int *failed) {
    *out = (HttpResponse){ 0 };
    err_clear(cx);
    SpanMark call = span_begin(cx, "http");
    int r = c->ops->fetch(c, cx, req, out);
    span_end(cx, call, r);
    span_of_call(cx, call, req);
    assert(r <= 0);
    *failed = r;
    if (r < 0)
        *out = (HttpResponse){ 0 };
    int verdict = p->judge ? p->judge(p->arg, cx, out, r) : 0;
    if (verdict != 0) {
        assert(cx->err.code < 0); /* with words */
        *failed = cx->err.code;
        return verdict;
    }
    if (r < 0)
        return failure_is_retried(p, r) ? HTTP_RETRY : r;
    if (!status_is_retried(p, req, out->status))
        return 0;
    *failed = status_error(cx, out);
    return HTTP_RETRY;
}

/* How long to wait before the next try, or -1 to give up; says in cx->err how it ended. */
static int64_t next_wait_ms(Ctx *cx, const RetryPolicy *p, const HttpResponse *res, int tries, MonoNs began) {
    int64_t told = res->status ? http_retry_after_ms(res, clock_wall(cx->clock)) : -1;
    int64_t wait = MAX(told, back_off_ms(p, tries));
    int64_t spent = mono_ms_between(began, clock_mono(cx->clock));
    bool late = (p->total_ms && spent + wait > p->total_ms) || ctx_left_ms(cx, INT64_MAX) < wait;
    if (tries < p->attempts && !late)
        return wait;
    char words[ERR_TEXT_MAX];
    memcpy(words, cx->err.text, sizeof words);
    if (tries >= p->attempts)
        err_set(cx, cx->err.code, "%s (after %d %s)", words, tries, tries == 1 ? "attempt" : "attempts");
    else
        err_set(cx, cx->err.code, "%s (gave up: the next attempt would be in %.1f s, later than allowed)", words,
                (double)wait / 1000.0);
    cx->err.retry_after_ms = MAX(told, 0);
    return -1;
}

int http_fetch(HttpClient *c, Ctx *cx, const HttpRequest *req, const RetryPolicy *policy, HttpResponse *out,
               int *tries) {
    assert(c && req->method && policy->attempts >= 1 && policy->base_ms >= 0 && policy->max_ms >= policy->base_ms);
    HttpRequest whole = *req;
    whole.connect_ms = req->connect_ms ? req->connect_ms : CONNECT_MS;
    whole.total_ms = req->total_ms ? req->total_ms : TOTAL_MS;
    whole.max_body = req->max_body ? req->max_body : MAX_BODY;
    MonoNs began = clock_mono(cx->clock);
    int n = 0, r = check_request(cx, req);
    *out = (HttpResponse){ 0 };

    while (r == 0) {
        int failed = 0;
        r = ctx_check(cx);
        if (r == 0 && policy->admit) /* the last thing before the exchange: what it takes, judge gives back */
            r = policy->admit(policy->arg, cx);
        if (r < 0)
            break;
        ArenaMark mark = arena_mark(cx->arena);
        r = try_once(c, cx, &whole, policy, out, &failed);
        n++;
        if (r != HTTP_RETRY)
            break;
        r = failed;
        int64_t wait = next_wait_ms(cx, policy, out, n, began);
        if (wait < 0)
            break;
        *out = (HttpResponse){ 0 };
        arena_rewind(cx->arena, mark); /* a hundred tries must not hold a hundred bodies */
        r = http_wait_ms(cx, wait);
    }
    if (tries)
        *tries = n;
    if (r == 0)
        err_clear(cx);
    return r;
}

HttpClient *http_client_close(HttpClient *c) {
    if (c)
        c->ops->close(c);
    return NULL;
}
