/* adapters/market/venue_rest.c - see binance_rest.h.
 *
 * The retries themselves are http_fetch's. Its two hooks are where the venue comes in: `admit` waits for the budget
 * before each exchange, `judge` books what each answer tells and reads its body, so that a body cut short counts
 * as a failed exchange. */

#include "adapters/market/venue.h"

enum {
    ATTEMPTS = 5,
    RETRY_BASE_MS = 1000,
    RETRY_MAX_MS = 60 * 1000,
    PATIENCE_MS = 10 * 60 * 1000,
    TIMEOUT_MS = 15 * 1000,
    LIMITS_FRESH_MS = 60 * 60 * 1000,
    WAIT_SLICE_MS = 1000, /* what others learn meanwhile may end a wait early, or make it longer */
    LEARN_POLL_MS = 20,
    LEARN_WAIT_MS = 2000,
    BUSY_FIRST_MS = 5 * 1000,
    BUSY_MOST_MS = 60 * 1000,
};

static int64_t mono_now_ms(Ctx *cx) {
    return clock_mono(cx->clock).ns / NS_PER_MS;
}

/* --- before each exchange --- */

static int refuse(Ctx *cx, int64_t wait_ms, bool banned) {
    if (banned)
        err_set(cx, ERR_LIMIT,
                "banned by the venue (HTTP 418) for another %lld s; it counts all programs of this address",
                (long long)(wait_ms + 999) / 1000);
    else
        err_set(cx, ERR_LIMIT, "the venue's limit leaves no request for another %lld s",
                (long long)(wait_ms + 999) / 1000);
    cx->err.retry_after_ms = wait_ms;
    return ERR_LIMIT;
}

/* Waits until the budget and no block stand against the request; refuses at once what would take too long. */
static int admit(void *arg, Ctx *cx) {
    VenueCall *call = arg;
    VenueRest *b = call->rest;
    for (;;) {
        int64_t wait_ms, now = mono_now_ms(cx);
        pthread_mutex_lock(&b->lock);
        bool go = venue_limits_take(&b->limits, now, call->weight, &wait_ms);
        bool banned = b->limits.banned;
        pthread_mutex_unlock(&b->lock);
        call->sent = now;
        if (go)
            return 0;
        if (wait_ms > ctx_left_ms(cx, b->patience_ms))
            return refuse(cx, wait_ms, banned);
        int r = http_wait_ms(cx, MIN(wait_ms, WAIT_SLICE_MS));
        if (r)
            return r;
    }
}

/* --- after each exchange --- */

/* How long a 429 or 418 shuts us out: what it tells, else until the next window. Under the lock. */
static int64_t block_until(VenueRest *b, Ctx *cx, const HttpResponse *res, int64_t now) {
    Time end, server;
    int64_t told = http_retry_after_ms(res, clock_wall(cx->clock));
    if (told >= 0)
        return now + told;
    if (!venue_limits_clock(&b->limits, now, &server))
        server = clock_wall(cx->clock);
    if (b->driver->block_end && b->driver->block_end(cx->arena, res, &end))
        return now + MAX(end.ms - server.ms, 0);
    return venue_limits_next_window(&b->limits, now, b->limits.pace.interval_ms * b->limits.pace.burst);
}

/* Most servers tell their time to the second. */
static void book_date(VenueRest *b, const VenueCall *call, const HttpResponse *res, int64_t now) {
    Time date;
    if (http_date_parse(http_response_header(res, S("date")), &date))
        venue_limits_server_time(&b->limits, call->sent, now, date, time_add_ms(date, MS_PER_SECOND - 1));
}

static void book(VenueRest *b, Ctx *cx, VenueCall *call, const HttpResponse *res, int64_t now) {
    Time server;
    pthread_mutex_lock(&b->lock);
    VenueLimits *l = &b->limits;
    venue_limits_done(l, now, call->weight);
    b->requests++;
    if (b->driver->book)
        b->driver->book(call, res, now);
    else
        book_date(b, call, res, now);
    if (res->status == 429 || res->status == 418)
        venue_limits_block(l, block_until(b, cx, res, now), res->status == 418);
    call->simulated = str_eq(http_response_header(res, S("x-finsight-simulated")), S("1"));
    b->simulated |= call->simulated;
    if (!venue_limits_clock(l, call->sent, &server))
        server = time_ms(clock_wall(cx->clock).ms - (now - call->sent));
    call->served_at = server;
    pthread_mutex_unlock(&b->lock);
}

int venue_call_busy(VenueCall *call, int code) {
    call->busy = true;
    return code;
}

static void book_busy(VenueRest *b, const VenueCall *call, int64_t now) {
    pthread_mutex_lock(&b->lock);
    if (call->busy) {
        b->busy_ms = CLAMP(b->busy_ms * 2, BUSY_FIRST_MS, BUSY_MOST_MS);
        venue_limits_block(&b->limits, now + b->busy_ms, false);
    } else {
        b->busy_ms = 0;
    }
    pthread_mutex_unlock(&b->lock);
}

static int judge(void *arg, Ctx *cx, const HttpResponse *res, int failed) {
    VenueCall *call = arg;
    int64_t now = mono_now_ms(cx);
    call->exchange_ms += now - call->sent;
    book(call->rest, cx, call, res, now);
    bool asks = strcmp(call->method, "GET") != 0; /* a POST that changes nothing may be repeated like a GET */
    if (!failed && asks && res->status >= 500) {
        err_set(cx, ERR_UNAVAILABLE, "the server answers HTTP %d", res->status);
        return HTTP_RETRY;
    }
    if (failed || res->status != 200)
        return 0;
    call->busy = call->no_symbol = false;
    int r = call->read(call, cx, res->body);
    book_busy(call->rest, call, now);
    return r == ERR_COLLECTION || (r < 0 && call->busy) ? HTTP_RETRY : r;
}

/* --- the call --- */

/* An answer that no repetition makes better. */
static int refusal(Ctx *cx, const VenueCall *call, const HttpResponse *res) {
    const VenueDriver *d = call->rest->driver;
    bool worded = false;
    int r = d->refusal ? d->refusal(call, cx, res, &worded) : 0;
    if (worded)
        return r;
    if (res->status == 403)
        return err_set(
            cx, ERR_COLLECTION,
            "the venue's firewall refuses this address (HTTP 403); wait, or use another address or base URL");
    if (res->status == 451)
        return err_set(cx, ERR_COLLECTION, "the venue does not serve this region (HTTP 451); try another base URL");
    if (res->status >= 300 && res->status < 400)
        return err_set(cx, ERR_COLLECTION, "the venue redirects (HTTP %d); correct the base URL", res->status);
    return err_set(cx, ERR_COLLECTION, "HTTP %d without a reason; is this the base URL of the venue?", res->status);
}

static int fetch(VenueRest *b, Ctx *cx, VenueCall *call) {
    Rng rng;
    pthread_mutex_lock(&b->lock);
    rng_seed(&rng, rng_u64(&b->rng)); /* of this call alone */
    pthread_mutex_unlock(&b->lock);
    call->rest = b;
    call->exchange_ms = 0;
    call->method = call->method ? call->method : "GET";
    call->weight = call->weight ? call->weight : 1;

    Str url =
        str_fmt(cx->arena, "%s%s%s" STR_FMT, b->base_url, call->path, call->query.n ? "?" : "", STR_ARG(call->query));
    HttpRequest req = { .method = call->method,
                        .url = url,
                        .headers = b->driver->headers,
                        .n_headers = b->driver->n_headers,
                        .body = call->body,
                        .total_ms = b->timeout_ms,
                        .max_body = call->max_body,
                        .allow_private = b->allow_private };
    RetryPolicy policy = { .attempts = b->attempts,
                           .base_ms = b->retry_base_ms,
                           .max_ms = b->retry_max_ms,
                           .total_ms = b->patience_ms,
                           .exchange = true,
                           .idempotent = true,
                           .rng = &rng,
                           .admit = admit,
                           .judge = judge,
                           .arg = call };
    HttpResponse res;
    int tries = 0;
    int64_t began = mono_now_ms(cx);
    int r = http_fetch(b->http, cx, &req, &policy, &res, &tries);
    pthread_mutex_lock(&b->lock);
    b->retries += MAX(tries - 1, 0);
    b->waited_ms += mono_now_ms(cx) - began - call->exchange_ms;
    pthread_mutex_unlock(&b->lock);
    if (r == 0 && res.status != 200)
        return refusal(cx, call, &res);
    return r == 0 && call->no_symbol && call->names_symbol ? FEED_NO_SYMBOL : r;
}

int venue_rest_get(VenueRest *b, Ctx *cx, VenueCall *call) {
    int r = fetch(b, cx, call);
    if (r < 0)
        err_prefix(cx, "%s: " STR_FMT, b->venue.s, STR_ARG(call->what));
    return r;
}

/* --- limits --- */

/* They do not wait for ever: whoever asks may be in trouble, or, in a simulation, below us on the same stack. */
int venue_rest_learn(VenueRest *b, Ctx *cx, int (*ask)(VenueRest *b, Ctx *cx, Symbol symbol), Symbol symbol) {
    int64_t began = mono_now_ms(cx);
    for (bool wait = true; wait;) {
        int64_t now = mono_now_ms(cx);
        pthread_mutex_lock(&b->lock);
        bool fresh = b->learnt_at != 0 && now - b->learnt_at < LIMITS_FRESH_MS;
        wait = !fresh && b->learning && now - began < LEARN_WAIT_MS;
        if (!fresh && !wait)
            b->learning = true;
        pthread_mutex_unlock(&b->lock);
        if (fresh)
            return 0;
        int r = wait ? http_wait_ms(cx, LEARN_POLL_MS) : 0;
        if (r)
            return r;
    }
    int r = ask(b, cx, symbol);
    pthread_mutex_lock(&b->lock);
    b->learning = false;
    pthread_mutex_unlock(&b->lock);
    return r;
}

void venue_rest_limits(VenueRest *b, FeedLimits *out) {
    pthread_mutex_lock(&b->lock);
    const LimitWindow *w = venue_limits_weight(&b->limits);
    if (w)
        *out = (FeedLimits){ .weight_limit = w->limit, .weight_used = w->used, .window_ms = w->length_ms };
    out->requests = b->requests;
    out->retries = b->retries;
    out->waited_ms = b->waited_ms;
    pthread_mutex_unlock(&b->lock);
}

bool venue_rest_begin(VenueRest *b, Symbol symbol, Timeframe tf, Time *out) {
    bool found = false;
    pthread_mutex_lock(&b->lock);
    for (size_t i = 0; i < MIN(b->n_begins, (size_t)VENUE_BEGINS) && !found; i++) {
        found = symbol_eq(b->begins[i].symbol, symbol) && timeframe_eq(b->begins[i].timeframe, tf);
        if (found)
            *out = b->begins[i].first;
    }
    pthread_mutex_unlock(&b->lock);
    return found;
}

void venue_rest_set_begin(VenueRest *b, Symbol symbol, Timeframe tf, Time first) {
    pthread_mutex_lock(&b->lock);
    b->begins[b->n_begins++ % VENUE_BEGINS] = (struct VenueBegin){ symbol, tf, first };
    pthread_mutex_unlock(&b->lock);
}

Time venue_rest_now(VenueRest *b, Ctx *cx) {
    Time now;
    pthread_mutex_lock(&b->lock);
    bool known = venue_limits_clock(&b->limits, mono_now_ms(cx), &now);
    pthread_mutex_unlock(&b->lock);
    return known ? now : clock_wall(cx->clock);
}

Str venue_escape(Arena *a, Str text) {
    static const char hex[] = "0123456789ABCDEF";
    char *p = arena_alloc(a, text.n * 3 + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
                     c == '_' || c == '.' || c == '~';
        if (plain) {
            p[n++] = (char)c;
        } else {
            p[n++] = '%';
            p[n++] = hex[c >> 4];
            p[n++] = hex[c & 15];
        }
    }
    return str_n(p, n);
}

/* --- life --- */

static int64_t or_standard(int64_t told, int64_t standard) {
    return told ? told : standard;
}

int venue_rest_init(VenueRest *b, Ctx *cx, const VenueDriver *driver, const VenueOptions *o) {
    HttpUrl url;
    Str base = o->base_url.n ? o->base_url : str_c(driver->base_url);
    *b = (VenueRest){ .driver = driver, .http = o->http, .allow_private = o->allow_private };
    b->limits.pace = driver->pace;
    if (!venue_parse(o->name.n ? o->name : str_c(driver->name), &b->venue))
        return err_set(cx, ERR_INVALID, "'" STR_FMT "' is no name of a venue: 1 to %d letters, digits, '-' and '_'",
                       STR_ARG(str_first(o->name, 40)), VENUE_MAX);
    int r = http_url_parse(cx, base, &url);
    if (r)
        return err_prefix(cx, "%s: base URL", b->venue.s);
    if (str_find_char(url.path, '?') >= 0 || str_find_char(url.path, '#') >= 0)
        return err_set(cx, ERR_INVALID, "%s: base URL: '?' and '#' have no place in it", b->venue.s);
    while (str_ends(base, S("/")))
        base.n--;
    b->base_url = mem_zalloc(base.n + 1);
    memcpy(b->base_url, base.p, base.n);
    b->attempts = (int)or_standard(o->attempts, ATTEMPTS);
    b->retry_base_ms = or_standard(o->retry_base_ms, RETRY_BASE_MS);
    b->retry_max_ms = MAX(or_standard(o->retry_max_ms, RETRY_MAX_MS), b->retry_base_ms);
    b->patience_ms = or_standard(o->patience_ms, PATIENCE_MS);
    b->timeout_ms = or_standard(o->timeout_ms, TIMEOUT_MS);
    rng_seed(&b->rng, o->seed);
    pthread_mutex_init(&b->lock, NULL);
    return 0;
}

void venue_rest_done(VenueRest *b) {
    pthread_mutex_destroy(&b->lock);
    b->base_url = mem_free(b->base_url);
}
