/* sim/feed_articles.c - articles from a seed, and the documents in which sites of different taste publish them. */

#include "sim/feed_articles.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/rng.h"
#include "sim/feed_sim.h"

/* --- articles --- */

typedef struct Coin {
    const char *name, *symbol;
} Coin;

static const Coin coins[] = { { "Bitcoin", "BTC" },  { "Ether", "ETH" },     { "Solana", "SOL" },
                              { "XRP", "XRP" },      { "Cardano", "ADA" },   { "Dogecoin", "DOGE" },
                              { "Litecoin", "LTC" }, { "Avalanche", "AVAX" } };
static const char *const verbs[] = { "climbs",   "slips",      "holds steady", "jumps to a monthly high",
                                     "recovers", "falls back", "trades flat",  "drops below a key level" };
static const char *const reasons[] = {
    "as traders weigh rate cuts",     "after exchange inflows rise",   "while miners sell reserves",
    "as funds report new money",      "before the inflation report",   "after a quiet weekend",
    "as open interest hits a record", "on thin volume in Asian hours",
};
static const char *const people[] = { "Ann Lindqvist", "Omar Reyes", "Thu Tran", "Jonas Weber", "Ifeoma Bello" };
static const char *const tags[] = { "Markets", "Policy", "Technology", "Finance" };

#define PICK_ONE(rng, list) ((list)[rng_below((rng), ARRAY_LEN(list))])

static void make_uuid(Rng *rng, char out[37]) {
    uint64_t hi = rng_u64(rng), lo = rng_u64(rng);
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;
    for (int i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            out[n++] = '-';
        out[n++] = digits[((i < 16 ? hi : lo) >> (i % 16 * 4)) & 15];
    }
    out[n] = '\0';
}

static Str make_slug(Arena *a, Str title, int64_t number) {
    char *p = arena_alloc(a, title.n + 1);
    for (size_t i = 0; i < title.n; i++) {
        char c = title.p[i];
        p[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
    }
    return str_fmt(a, STR_FMT "-%lld", STR_ARG(str_n(p, title.n)), (long long)number);
}

static void make_article(uint64_t seed, Arena *a, int64_t number, SimArticle *out) {
    Rng rng;
    rng_seed(&rng, seed ^ ((uint64_t)number * UINT64_C(0x9e3779b97f4a7c15)));
    const Coin *coin = &PICK_ONE(&rng, coins);
    const char *verb = PICK_ONE(&rng, verbs), *reason = PICK_ONE(&rng, reasons);
    double percent = (double)rng_between(&rng, 1, 99) / 10;
    *out = (SimArticle){ .number = number,
                         .published = time_ms((number * FEED_SIM_EVERY_S + rng_between(&rng, 0, 200)) * 1000),
                         .author = str_c(PICK_ONE(&rng, people)),
                         .tag = str_c(PICK_ONE(&rng, tags)),
                         .coin = str_c(coin->symbol) };
    if (rng_chance(&rng, 0.3))
        out->second_author = str_c(PICK_ONE(&rng, people));
    bool pair = rng_chance(&rng, 0.2); /* an ampersand now and then, as in life */
    out->title = str_fmt(a, "%s%s %s %s", coin->name, pair ? " & its peers: market" : "", verb, reason);
    out->summary = str_fmt(a, "%s moved %.1f%% in the last day; volume was %lld million dollars.", coin->name, percent,
                           (long long)rng_between(&rng, 20, 90000));
    out->text = str_fmt(a,
                        STR_FMT " Analysts asked by this simulator called the move %s than the week before. Nothing of "
                                "this has happened.",
                        STR_ARG(out->summary), rng_chance(&rng, 0.5) ? "calmer" : "wilder");
    out->slug = make_slug(a, out->title, number);
    make_uuid(&rng, out->uuid);
}

void sim_articles(uint64_t seed, Arena *a, Time now, size_t n, SimArticle *out) {
    int64_t newest = floor_div(now.ms, (int64_t)FEED_SIM_EVERY_S * 1000);
    make_article(seed, a, newest, &out[0]);
    if (n > 1 && out[0].published.ms > now.ms) /* it comes a little later in its ten minutes */
        newest--;
    for (size_t i = 0; i < n; i++)
        make_article(seed, a, newest - (int64_t)i, &out[i]);
}

/* --- pieces of documents --- */

static void put_xml(Buf *out, Str s) {
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        buf_put_str(out, c == '&' ? S("&amp;") : c == '<' ? S("&lt;") : c == '>' ? S("&gt;") : str_n(s.p + i, 1));
    }
}

static void put_rfc822(Buf *out, Time t) {
    char text[TIME_TEXT_MAX];
    size_t n = time_format_http(t, text);
    buf_put(out, text, n - 3); /* without "GMT" */
    BUF_LIT(out, "+0000");
}

static void put_iso(Buf *out, Time t) {
    char text[TIME_TEXT_MAX];
    buf_put(out, text, time_format_iso(t, text));
}

#define LINK_FMT     "https://news.simulated.example/%s/" STR_FMT
#define LINK_ARGS(s) STR_ARG((s)->slug)

/* --- documents --- */

void feed_doc_coindesk(const SimArticle *v, size_t n, Buf *out) {
    BUF_LIT(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
        "<rss xmlns:atom=\"http://www.w3.org/2005/Atom\" xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" "
        "xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:media=\"http://search.yahoo.com/mrss/\" version=\"2.0\">"
        "<channel><title><![CDATA[CoinDesk in shape only: SIMULATED news]]></title>"
        "<link>https://news.simulated.example/coindesk</link>"
        "<description><![CDATA[Made up by FinSight's feed "
        "simulator]]></description><language>en-us</language><ttl>1</ttl>"
        "<lastBuildDate>");
    put_rfc822(out, v[0].published);
    BUF_LIT(out, "</lastBuildDate>");
    for (const SimArticle *s = v; s < v + n; s++) {
        buf_printf(out,
                   "<item><title><![CDATA[" STR_FMT "]]></title><link>" LINK_FMT
                   "</link><guid isPermaLink=\"false\">%s</guid><pubDate>",
                   STR_ARG(s->title), "coindesk", LINK_ARGS(s), s->uuid);
        put_rfc822(out, s->published);
        BUF_LIT(out, "</pubDate>");
        if (s->number % 5 == 0)
            BUF_LIT(out, "<description/>");
        else
            buf_printf(out, "<description><![CDATA[" STR_FMT "]]></description>", STR_ARG(s->summary));
        buf_printf(out, "<dc:creator>" STR_FMT "</dc:creator>", STR_ARG(s->author));
        if (s->second_author.n)
            buf_printf(out, "<dc:creator>" STR_FMT "</dc:creator>", STR_ARG(s->second_author));
        buf_printf(out,
                   "<media:content url=\"https://img.simulated.example/%s.jpg\" type=\"image/*\" medium=\"image\"/>"
                   "<category>" STR_FMT "</category><category domain=\"tag\">" STR_FMT
                   "</category><content:encoded/></item>",
                   s->uuid, STR_ARG(s->tag), STR_ARG(s->coin));
    }
    BUF_LIT(out, "</channel></rss>");
}

void feed_doc_cointelegraph(const SimArticle *v, size_t n, Buf *out) {
    BUF_LIT(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                 "<rss version=\"2.0\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" "
                 "xmlns:media=\"http://search.yahoo.com/mrss/\">\n"
                 "<channel>\n<title>Cointelegraph in shape only: SIMULATED news</title>\n"
                 "<link>https://news.simulated.example/</link>\n<language>en</language>\n");
    for (const SimArticle *s = v; s < v + n; s++) {
        BUF_LIT(out, "<item>\n<title>");
        put_xml(out, s->title);
        buf_printf(out,
                   "</title>\n<link><![CDATA[" LINK_FMT
                   "?utm_source=rss_feed&utm_medium=rss&utm_campaign=rss_partner_inbound]]></link>\n"
                   "<guid isPermaLink=\"true\">" LINK_FMT "</guid>\n<pubDate>",
                   "telegraph", LINK_ARGS(s), "telegraph", LINK_ARGS(s));
        put_rfc822(out, s->published);
        buf_printf(
            out,
            "</pubDate>\n<dc:creator>Cointelegraph by " STR_FMT "</dc:creator>\n"
            "<description><![CDATA[<p style=\"float:right\"><img src=\"https://img.simulated.example/%s.jpg\"></p>"
            "<p>" STR_FMT "</p>]]></description>\n"
            "<enclosure url=\"https://img.simulated.example/%s.jpg\" length=\"1\" type=\"image/jpeg\"/>\n"
            "<media:content url=\"https://img.simulated.example/%s.jpg\" medium=\"image\" width=\"840\"/>\n"
            "<category><![CDATA[Latest News]]></category><category><![CDATA[" STR_FMT "]]></category>\n</item>\n",
            STR_ARG(s->author), s->uuid, STR_ARG(s->text), s->uuid, s->uuid, STR_ARG(s->coin));
    }
    BUF_LIT(out, "</channel>\n</rss>\n");
}

void feed_doc_atom(const SimArticle *v, size_t n, Buf *out) {
    BUF_LIT(out,
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"en\" "
            "xml:base=\"https://news.simulated.example/\">\n<title>SIMULATED "
            "news</title>\n<id>urn:simulated:feed</id>\n<updated>");
    put_iso(out, v[0].published);
    BUF_LIT(out, "</updated>\n<link rel=\"self\" href=\"atom\"/>\n<link href=\"./\"/>\n");
    for (const SimArticle *s = v; s < v + n; s++) {
        buf_printf(out, "<entry>\n<id>urn:uuid:%s</id>\n<title>", s->uuid);
        put_xml(out, s->title);
        buf_printf(out, "</title>\n<link href=\"atom/" STR_FMT "\"/>\n<published>", LINK_ARGS(s));
        put_iso(out, s->published);
        BUF_LIT(out, "</published>\n<updated>");
        put_iso(out, time_add_ms(s->published, 60000));
        buf_printf(out,
                   "</updated>\n<author><name>" STR_FMT "</name></author>\n<category term=\"" STR_FMT "\"/>\n"
                   "<summary>" STR_FMT
                   "</summary>\n<content type=\"xhtml\"><div xmlns=\"http://www.w3.org/1999/xhtml\"><p>" STR_FMT
                   " <a href=\"more\">More</a></p></div></content>\n</entry>\n",
                   STR_ARG(s->author), STR_ARG(s->coin), STR_ARG(s->summary), STR_ARG(s->text));
    }
    BUF_LIT(out, "</feed>\n");
}

void feed_doc_rdf(const SimArticle *v, size_t n, Buf *out) {
    BUF_LIT(out, "<?xml version=\"1.0\"?>\n<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" "
                 "xmlns=\"http://purl.org/rss/1.0/\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\">\n"
                 "<channel rdf:about=\"https://news.simulated.example/rdf\"><title>SIMULATED news</title>"
                 "<link>https://news.simulated.example/</link><description>made up</description></channel>\n");
    for (const SimArticle *s = v; s < v + n; s++) {
        buf_printf(out, "<item rdf:about=\"" LINK_FMT "\"><title>", "rdf", LINK_ARGS(s));
        put_xml(out, s->title);
        buf_printf(out,
                   "</title><link>" LINK_FMT "</link><description>" STR_FMT "</description><dc:creator>" STR_FMT
                   "</dc:creator><dc:subject>" STR_FMT "</dc:subject><dc:date>",
                   "rdf", LINK_ARGS(s), STR_ARG(s->summary), STR_ARG(s->author), STR_ARG(s->coin));
        put_iso(out, s->published);
        BUF_LIT(out, "</dc:date></item>\n");
    }
    BUF_LIT(out, "</rdf:RDF>\n");
}

static Str printed(Arena *a, const char *section, const SimArticle *s) {
    return str_fmt(a, LINK_FMT, section, LINK_ARGS(s));
}

void feed_doc_json(const SimArticle *v, size_t n, Buf *out) {
    Arena a = { 0 };
    JsonWriter w;
    json_writer_init(&w, out, false);
    json_object(&w);
    json_put_str(&w, "version", S("https://jsonfeed.org/version/1.1"));
    json_put_str(&w, "title", S("SIMULATED news"));
    json_put_str(&w, "home_page_url", S("https://news.simulated.example/"));
    json_key(&w, S("items"));
    json_array(&w);
    for (const SimArticle *s = v; s < v + n; s++) {
        json_object(&w);
        json_put_str(&w, "id", str_c(s->uuid));
        json_put_str(&w, "url", printed(&a, "json", s));
        json_put_str(&w, "title", s->title);
        json_put_str(&w, "summary", s->summary);
        json_put_str(&w, "content_html", str_fmt(&a, "<p>" STR_FMT "</p>", STR_ARG(s->text)));
        json_put_time(&w, "date_published", s->published);
        json_key(&w, S("authors"));
        json_array(&w);
        json_object(&w);
        json_put_str(&w, "name", s->author);
        json_object_end(&w);
        json_array_end(&w);
        json_key(&w, S("tags"));
        json_array(&w);
        json_str(&w, s->tag);
        json_str(&w, s->coin);
        json_array_end(&w);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_object_end(&w);
    arena_done(&a);
}

void feed_doc_data_api(const SimArticle *v, size_t n, Buf *out) {
    Arena a = { 0 };
    JsonWriter w;
    json_writer_init(&w, out, false);
    json_object(&w);
    json_key(&w, S("Data"));
    json_array(&w);
    for (const SimArticle *s = v; s < v + n; s++) {
        Str url = printed(&a, "api", s);
        json_object(&w);
        json_put_str(&w, "TYPE", S("121"));
        json_put_i64(&w, "ID", s->number);
        json_put_str(&w, "GUID", url);
        json_put_i64(&w, "PUBLISHED_ON", s->published.ms / 1000);
        json_put_str(&w, "TITLE", s->title);
        json_key(&w, S("SUBTITLE"));
        json_null(&w);
        json_put_str(&w, "AUTHORS", s->author);
        json_put_str(&w, "URL", url);
        json_put_str(&w, "IMAGE_URL", str_fmt(&a, "https://img.simulated.example/%s.jpg", s->uuid));
        json_put_str(&w, "BODY", s->text);
        json_put_str(&w, "KEYWORDS", str_fmt(&a, STR_FMT "|" STR_FMT, STR_ARG(s->coin), STR_ARG(s->tag)));
        json_put_str(&w, "LANG", S("EN"));
        json_put_str(&w, "SENTIMENT", S("NEUTRAL"));
        json_put_str(&w, "STATUS", S("ACTIVE"));
        json_key(&w, S("UPDATED_ON"));
        json_null(&w);
        json_key(&w, S("SOURCE_DATA"));
        json_object(&w);
        json_put_str(&w, "SOURCE_KEY", S("simulated"));
        json_put_str(&w, "NAME", S("SIMULATED news"));
        json_object_end(&w);
        json_key(&w, S("CATEGORY_DATA"));
        json_array(&w);
        json_object(&w);
        json_put_str(&w, "NAME", s->coin);
        json_object_end(&w);
        json_array_end(&w);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_key(&w, S("Err"));
    json_object(&w);
    json_object_end(&w);
    json_object_end(&w);
    arena_done(&a);
}

void feed_doc_tavily(const SimArticle *v, size_t n, Str query, Buf *out) {
    Arena a = { 0 };
    JsonWriter w;
    json_writer_init(&w, out, false);
    json_object(&w);
    json_put_str(&w, "query", query);
    json_key(&w, S("answer"));
    json_null(&w);
    json_key(&w, S("results"));
    json_array(&w);
    for (size_t i = 0; i < n; i++) {
        Buf date;
        buf_init(&date, 64);
        put_rfc822(&date, v[i].published);
        json_object(&w);
        json_put_str(&w, "title", v[i].title);
        json_put_str(&w, "url", printed(&a, "search", &v[i]));
        json_put_str(&w, "content", v[i].summary);
        json_put_f64(&w, "score", 0.95 - 0.04 * (double)i);
        json_key(&w, S("raw_content"));
        json_null(&w);
        json_put_str(&w, "published_date", buf_str(&date));
        json_object_end(&w);
        buf_done(&date);
    }
    json_array_end(&w);
    json_put_f64(&w, "response_time", 0.1);
    json_key(&w, S("usage"));
    json_object(&w);
    json_put_i64(&w, "credits", 1);
    json_object_end(&w);
    json_put_str(&w, "request_id", S("simulated"));
    json_object_end(&w);
    arena_done(&a);
}
