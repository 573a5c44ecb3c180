/* sim/feed_sim.c - see feed_sim.h: paths to documents, and the hostile ones. */

#include "sim/feed_sim.h"

#include "base/json.h"
#include "base/zip.h"
#include "sim/feed_articles.h"

enum { DOC_MAX = 1 << 20, BOMB_BYTES = 64 << 20 };

typedef struct Call {
    uint64_t seed;
    Arena *arena;
    const FeedSimRequest *req;
    Time now;
    Str path, query;
    FeedSimReply *out;
} Call;

/* --- answers --- */

static void add_header(Call *c, Str name, Str value) {
    assert(c->out->n_headers < FEED_SIM_HEADERS_MAX);
    c->out->headers[c->out->n_headers++] = (HttpHeader){ name, value };
}

static void say(Call *c, int status, const char *type, Str body) {
    c->out->status = status;
    c->out->body = body;
    if (type)
        add_header(c, S("Content-Type"), str_c(type));
}

static Str header(const Call *c, Str name) {
    for (size_t i = 0; i < c->req->n_headers; i++)
        if (str_eq_nocase(c->req->headers[i].name, name))
            return c->req->headers[i].value;
    return str_n(NULL, 0);
}

static void redirect(Call *c, int status, Str to) {
    say(c, status, NULL, S(""));
    add_header(c, S("Location"), to);
}

/* A document with its ETag, or 304. */
static void say_document(Call *c, const char *type, Time newest, Str body) {
    char date[TIME_TEXT_MAX];
    Str etag = str_fmt(c->arena, "W/\"%llx-%lld\"", (unsigned long long)c->seed, (long long)(newest.ms / 1000));
    Str modified = str_dup(c->arena, str_n(date, time_format_http(newest, date)));
    bool same = str_eq(header(c, S("if-none-match")), etag) ||
                (header(c, S("if-none-match")).n == 0 && str_eq(header(c, S("if-modified-since")), modified));
    say(c, same ? 304 : 200, type, same ? S("") : body);
    add_header(c, S("ETag"), etag);
    add_header(c, S("Last-Modified"), modified);
}

typedef void DocFn(const SimArticle *v, size_t n, Buf *out);

static void say_articles(Call *c, DocFn *write, const char *type) {
    SimArticle *v = arena_new_n(c->arena, SimArticle, FEED_SIM_ARTICLES);
    Buf body;
    sim_articles(c->seed, c->arena, c->now, FEED_SIM_ARTICLES, v);
    buf_init(&body, DOC_MAX);
    write(v, FEED_SIM_ARTICLES, &body);
    say_document(c, type, v[0].published, str_dup(c->arena, buf_str(&body)));
    buf_done(&body);
}

static void say_koi8(Call *c) { /* "Биткойн растёт" and two more, and no word of it inside */
    say(c, 200, "text/xml; charset=koi8-r",
        S("<rss version=\"2.0\"><channel><title>SIMULATED</title>"
          "<item><title>\xe2\xc9\xd4\xcb\xcf\xca\xce \xd2\xc1\xd3\xd4\xa3\xd4</title><guid>1</guid></item>"
          "<item><title>\xf2\xd9\xce\xcf\xcb \xd3\xd0\xcf\xcb\xcf\xc5\xce</title><guid>2</guid></item>"
          "</channel></rss>"));
}

/* --- the API and the search engine --- */

static void say_data_api(Call *c) {
    if (header(c, S("x-api-key")).n == 0)
        say(c, 401, "application/json",
            S("{\"Data\":{},\"Err\":{\"type\":1,\"message\":\"a key is needed\",\"other_info\":{}}}"));
    else
        say_articles(c, feed_doc_data_api, "application/json");
}

typedef struct Question {
    Str query;
    int64_t most;
} Question;

static bool read_question(Arena *a, Str body, Question *out) {
    JsonReader r;
    Str key;
    int more = -1;
    *out = (Question){ .most = 5 };
    json_reader_init(&r, body, a, 16);
    int opened = json_open_object(&r);
    while (opened == 0 && (more = json_object_next(&r, &key)) > 0)
        if (str_eq(key, S("query")))
            json_read_str(&r, &out->query);
        else if (str_eq(key, S("max_results")))
            json_read_i64(&r, &out->most);
    return more == 0 && out->query.n > 0 && out->most >= 0 && out->most <= 20;
}

static void say_search(Call *c) {
    Str key = header(c, S("authorization"));
    Question q;
    if (!str_starts(key, S("Bearer tvly-")))
        say(c, 401, "application/json", S("{\"detail\":{\"error\":\"Unauthorized: missing or invalid API key.\"}}"));
    else if (str_eq(key, S("Bearer tvly-spent")))
        say(c, 432, "application/json",
            S("{\"detail\":{\"error\":\"This request exceeds your plan's set usage limit.\"}}"));
    else if (str_eq(key, S("Bearer tvly-fast"))) {
        say(c, 429, "application/json", S("{\"detail\":{\"error\":\"Too many requests.\"}}"));
        add_header(c, S("Retry-After"), S("7"));
    } else if (!read_question(c->arena, c->req->body, &q))
        say(c, 400, "application/json", S("{\"detail\":{\"error\":\"Query is missing.\"}}"));
    else {
        SimArticle *v = arena_new_n(c->arena, SimArticle, 20);
        Buf body;
        sim_articles(c->seed, c->arena, c->now, 20, v);
        buf_init(&body, DOC_MAX);
        feed_doc_tavily(v, (size_t)q.most, q.query, &body);
        say(c, 200, "application/json", str_dup(c->arena, buf_str(&body)));
        buf_done(&body);
    }
}

/* --- the hostile ones --- */

static const FeedHostile hostile[] = {
    { "redirect-loop", "redirects to itself, for ever" },
    { "redirect-private", "redirects to an address of the cloud's metadata service" },
    { "moved", "moved for good, to /coindesk/rss" },
    { "found", "moved for now, to /coindesk/rss" },
    { "gone", "410: never to come back" },
    { "missing", "404" },
    { "forbidden", "403, with a page that wants to see a browser" },
    { "page", "an HTML page where a feed should be" },
    { "empty", "200 and nothing" },
    { "busy", "503 with Retry-After: 30" },
    { "limited", "429 with Retry-After: 30" },
    { "entity-bomb", "a billion laughs" },
    { "external-entity", "an entity that is a file of the reader's" },
    { "zip-bomb", "64 MiB of spaces in 64 KiB" },
    { "huge", "a body of 1 GB" },
    { "endless", "a body that does not end" },
    { "drip", "a byte every 100 ms" },
    { "stall", "no answer for a minute" },
    { "cut", "the connection breaks in the middle" },
    { "truncated", "a feed cut in the middle of an item, its length correct" },
    { "charset", "UTF-8 that its server calls UTF-16" },
    { "deep", "100,000 elements, one inside the other" },
    { "attributes", "an element with 20,000 attributes" },
    { "script", "items full of script" },
    { "nul", "a feed with NUL bytes in it" },
};

const FeedHostile *feed_sim_hostile_names(size_t *n) {
    *n = ARRAY_LEN(hostile);
    return hostile;
}

static Str repeated(Arena *a, Str head, Str piece, size_t times, Str tail) {
    char *p = arena_alloc(a, head.n + piece.n * times + tail.n);
    memcpy(p, head.p, head.n);
    for (size_t i = 0; i < times; i++)
        memcpy(p + head.n + i * piece.n, piece.p, piece.n);
    if (tail.n)
        memcpy(p + head.n + times * piece.n, tail.p, tail.n);
    return str_n(p, head.n + times * piece.n + tail.n);
}

static Str zip_bomb(Arena *a) {
    Buf out;
    char *spaces = arena_alloc(a, 1 << 20);
    memset(spaces, ' ', 1 << 20);
    buf_init(&out, 8 << 20);
    ZipStream *z = zip_stream_new(ZIP_GZIP, 1);
    zip_stream_put(z, S("<rss version=\"2.0\"><channel><title>"), &out);
    for (int i = 0; i < BOMB_BYTES >> 20; i++)
        zip_stream_put(z, str_n(spaces, 1 << 20), &out);
    zip_stream_finish(z, &out);
    zip_stream_free(z);
    Str whole = str_dup(a, buf_str(&out));
    buf_done(&out);
    return whole;
}

static Str entity_bomb(Arena *a) {
    Buf out;
    buf_init(&out, DOC_MAX);
    BUF_LIT(&out, "<?xml version=\"1.0\"?>\n<!DOCTYPE lolz [\n<!ENTITY lol \"lol\">\n");
    for (int i = 1; i < 12; i++) {
        buf_printf(&out, "<!ENTITY lol%d \"", i);
        for (int k = 0; k < 10; k++)
            i == 1 ? buf_put_str(&out, S("&lol;")) : buf_printf(&out, "&lol%d;", i - 1);
        BUF_LIT(&out, "\">\n");
    }
    BUF_LIT(&out, "]>\n<rss version=\"2.0\"><channel><title>&lol11;</title><item><title>&lol;</title>"
                  "<description>&lol11;&lol11;</description></item></channel></rss>");
    Str whole = str_dup(a, buf_str(&out));
    buf_done(&out);
    return whole;
}

#define XML  "application/rss+xml"
#define ITEM "<item><title>One</title><guid>1</guid><description>&lt;p&gt;text&lt;/p&gt;</description></item>"

static bool say_hostile_status(Call *c, Str name) {
    if (str_eq(name, S("redirect-loop")))
        redirect(c, 302, S("/hostile/redirect-loop"));
    else if (str_eq(name, S("redirect-private")))
        redirect(c, 302, S("http://169.254.169.254/latest/meta-data/"));
    else if (str_eq(name, S("moved")) || str_eq(name, S("found")))
        redirect(c, name.p[0] == 'm' ? 301 : 302, S("/coindesk/rss"));
    else if (str_eq(name, S("gone")))
        say(c, 410, "text/plain", S("gone\n"));
    else if (str_eq(name, S("missing")))
        say(c, 404, "text/html", S("<html>no</html>"));
    else if (str_eq(name, S("forbidden")))
        say(c, 403, "text/html", S("<html><body>Checking your browser</body></html>"));
    else if (str_eq(name, S("page")))
        say(c, 200, "text/html",
            S("<!DOCTYPE html><html><head><title>News</title></head><body><p>Welcome</body></html>"));
    else if (str_eq(name, S("empty")))
        say(c, 200, XML, S(""));
    else if (str_eq(name, S("busy")) || str_eq(name, S("limited"))) {
        say(c, name.p[0] == 'b' ? 503 : 429, "text/plain", S("later\n"));
        add_header(c, S("Retry-After"), S("30"));
    } else
        return false;
    return true;
}

static bool say_hostile_wire(Call *c, Str name) {
    static const struct {
        const char *name;
        FeedWire wire;
        int64_t bytes;
    } wires[] = { { "huge", FEED_WIRE_ENDLESS, INT64_C(1) << 30 },
                  { "endless", FEED_WIRE_ENDLESS, INT64_MAX },
                  { "drip", FEED_WIRE_DRIP, 0 },
                  { "stall", FEED_WIRE_STALL, 0 },
                  { "cut", FEED_WIRE_CUT, 0 } };
    for (size_t i = 0; i < ARRAY_LEN(wires); i++) {
        if (!str_eq(name, str_c(wires[i].name)))
            continue;
        say(c, 200, XML, repeated(c->arena, S("<rss><channel>"), S(ITEM), 500, S("")));
        c->out->wire = wires[i].wire;
        c->out->wire_bytes = wires[i].bytes;
        return true;
    }
    return false;
}

static bool say_hostile_body(Call *c, Str name) {
    Str head = S("<rss version=\"2.0\"><channel><title>SIMULATED</title>"), tail = S("</channel></rss>");
    const char *type = XML;
    Str body;
    if (str_eq(name, S("entity-bomb")))
        body = entity_bomb(c->arena);
    else if (str_eq(name, S("external-entity")))
        body = S("<?xml version=\"1.0\"?><!DOCTYPE rss [<!ENTITY f SYSTEM \"file:///etc/hostname\">]>"
                 "<rss version=\"2.0\"><channel><title>&f;</title>" ITEM "</channel></rss>");
    else if (str_eq(name, S("zip-bomb"))) {
        body = zip_bomb(c->arena);
        add_header(c, S("Content-Encoding"), S("gzip"));
    } else if (str_eq(name, S("truncated")))
        body = S("<rss version=\"2.0\"><channel><title>SIMULATED</title>" ITEM "<item><title>Two</title><descr");
    else if (str_eq(name, S("charset"))) {
        type = "application/xml; charset=utf-16";
        body =
            S("<?xml version=\"1.0\" encoding=\"utf-8\"?><rss version=\"2.0\"><channel><title>caf\xc3\xa9</title>" ITEM
              "</channel></rss>");
    } else if (str_eq(name, S("deep")))
        body = repeated(c->arena, head, S("<a>"), 100000, S(""));
    else if (str_eq(name, S("attributes")))
        body = repeated(c->arena, S("<rss version=\"2.0\"><channel><x"), S(" a=\"1\""), 20000,
                        S(">" ITEM "</x></channel></rss>"));
    else if (str_eq(name, S("script")))
        body = repeated(
            c->arena, head,
            S("<item><title>&lt;script&gt;alert(1)&lt;/script&gt;T</title><description><![CDATA[<img src=x "
              "onerror=alert(1)><a href=\"javascript:alert(1)\">x</a><svg onload=alert(1)>]]></description></item>"),
            3, tail);
    else if (str_eq(name, S("nul")))
        body = str_n("<rss version=\"2.0\"><channel><item><title>a\0b</title></item></channel></rss>", 73);
    else
        return false;
    say(c, 200, type, body);
    return true;
}

/* --- paths --- */

void feed_sim_handle(uint64_t seed, Arena *arena, const FeedSimRequest *req, Time now, FeedSimReply *out) {
    static const struct {
        Str path;
        DocFn *write;
        const char *type;
    } feeds[] = {
        { STR_INIT("/coindesk/rss"), feed_doc_coindesk, "text/xml; charset=utf-8" },
        { STR_INIT("/cointelegraph/rss"), feed_doc_cointelegraph, "application/rss+xml; charset=utf-8" },
        { STR_INIT("/atom"), feed_doc_atom, "application/atom+xml" },
        { STR_INIT("/rdf"), feed_doc_rdf, "application/rdf+xml" },
        { STR_INIT("/feed.json"), feed_doc_json, "application/feed+json" },
        { STR_INIT("/private/rss"), feed_doc_coindesk, "text/xml" },
    };
    *out = (FeedSimReply){ .status = 0 };
    Call c = { .seed = seed, .arena = arena, .req = req, .now = now, .path = req->target, .out = out };
    ptrdiff_t mark = str_find_char(c.path, '?');
    if (mark >= 0) {
        c.query = str_from(c.path, (size_t)mark + 1);
        c.path = str_first(c.path, (size_t)mark);
    }
    add_header(&c, S("X-FinSight-Simulated"), S("1"));
    for (size_t i = 0; i < ARRAY_LEN(feeds); i++)
        if (str_eq(c.path, feeds[i].path)) {
            say_articles(&c, feeds[i].write, feeds[i].type);
            return;
        }
    if (str_eq(c.path, S("/robots.txt")))
        say(&c, 200, "text/plain", S("User-agent: *\nDisallow: /private/\n"));
    else if (str_eq(c.path, S("/koi8/rss")))
        say_koi8(&c);
    else if (str_eq(c.path, S("/news/v1/article/list")))
        say_data_api(&c);
    else if (str_eq(c.path, S("/search")))
        say_search(&c);
    else if (str_starts(c.path, S("/hostile/"))) {
        Str name = str_from(c.path, 9);
        if (!say_hostile_status(&c, name) && !say_hostile_wire(&c, name) && !say_hostile_body(&c, name))
            say(&c, 404, "text/plain", S("no such harm\n"));
    } else
        say(&c, 404, "text/plain", S("not here\n"));
}
