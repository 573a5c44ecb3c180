/* Feeds whole: each dialect, what becomes of its fields, and what a broken one still gives (NWS-09, NWS-13). */

#include "test.h"

#include "feed/feed.h"

typedef struct Parsed {
    Arena arena;
    Feed feed;
    int r;
} Parsed;

static Parsed parse(const char *text, FeedHints hints) {
    Parsed p = { .r = 0 };
    p.r = feed_parse(&p.arena, str_c(text), &hints, &p.feed);
    return p;
}

static void done(Parsed *p) {
    arena_done(&p->arena);
}

TEST(every_format_has_a_name_of_its_own) {
    for (int i = 0; i < FEED_FORMATS; i++)
        for (int k = 0; k < i; k++)
            CHECK(strcmp(feed_format_name(i), feed_format_name(k)) != 0);
    CHECK_STR(str_c(feed_format_name(FEED_ATOM_10)), S("atom10"));
}

TEST(formats_are_told_apart) {
    static const struct {
        const char *name;
        FeedFormat format;
        const char *text;
    } rows[] = {
        { "RSS 0.91", FEED_RSS_091U, "<rss version='0.91'><channel><item><title>t</title></item></channel></rss>" },
        { "Netscape's", FEED_RSS_091N,
          "<!DOCTYPE rss PUBLIC '-//Netscape Communications//DTD RSS 0.91//EN' 'x.dtd'>\n"
          "<rss version='0.91'><channel><item><title>t</title></item></channel></rss>" },
        { "RSS 0.92", FEED_RSS_092, "<rss version='0.92'><channel><item><title>t</title></item></channel></rss>" },
        { "RSS 2.0", FEED_RSS_20, "<rss version='2.0'><channel><item><title>t</title></item></channel></rss>" },
        { "RSS of no version", FEED_RSS, "<rss><channel><item><title>t</title></item></channel></rss>" },
        { "RSS 0.90", FEED_RSS_090,
          "<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://my.netscape.com/rdf/simple/0.9/'>"
          "<item><title>t</title></item></r:RDF>" },
        { "RSS 1.0", FEED_RSS_10,
          "<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'>"
          "<item r:about='i'><title>t</title></item></r:RDF>" },
        { "Atom 0.3", FEED_ATOM_03,
          "<feed version='0.3' xmlns='http://purl.org/atom/ns#'><entry><title>t</title></entry></feed>" },
        { "Atom 1.0", FEED_ATOM_10,
          "<feed xmlns='http://www.w3.org/2005/Atom'><entry><title>t</title></entry></feed>" },
        { "CDF", FEED_CDF, "<CHANNEL HREF='h'><ITEM HREF='i'><TITLE>t</TITLE></ITEM></CHANNEL>" },
        { "JSON Feed 1", FEED_JSON_1,
          "{\"version\":\"https://jsonfeed.org/version/1\",\"items\":[{\"title\":\"t\"}]}" },
        { "JSON Feed 1.1", FEED_JSON_11,
          " {\"items\":[{\"title\":\"t\"}],\"version\":\"https://jsonfeed.org/version/1.1\"}" },
    };
    EACH_ROW (r, rows) {
        Parsed p = parse(r->text, (FeedHints){ 0 });
        CHECK_EQ(p.r, 0);
        CHECK_EQ(p.feed.format, r->format);
        CHECK_EQ(p.feed.n_items, 1);
        CHECK_STR(p.feed.items[0].title.value, S("t"));
        CHECK(!p.feed.malformed);
        done(&p);
    }
}

static const char rss[] =
    "<?xml version='1.0'?>\n<rss version='2.0' xmlns:dc='http://purl.org/dc/elements/1.1/' "
    "xmlns:c='http://purl.org/rss/1.0/modules/content/' xmlns:media='http://search.yahoo.com/mrss/'><channel>"
    "<title>F &amp; G</title><link>http://f.example/</link><language>de</language><ttl>15</ttl>"
    "<image><title>I</title><url>logo.png</url><link>l</link></image>"
    "<item><title><![CDATA[BTC & ETH <b>rise</b>]]></title><link>/a?x=1&amp;y=2</link><guid "
    "isPermaLink='false'>u-1</guid>"
    "<pubDate>Thu, 24 Sep 2026 10:11:51 +0000</pubDate><description>&lt;p&gt;Short&lt;/p&gt;</description>"
    "<dc:creator>Ann</dc:creator><dc:creator>Bob</dc:creator><c:encoded><![CDATA[<p>Long<script>x</script></p>]]></"
    "c:encoded>"
    "<media:content url='i.jpg' medium='image'/><enclosure url='e.mp3' length='42' type='audio/mpeg'/>"
    "<category domain='d'>Markets</category><category>BTC</category><comments>c</comments>"
    "<source url='http://s.example/'>Src</source></item></channel></rss>";

TEST(fields_of_rss) {
    Parsed p = parse(rss, (FeedHints){ .url = S("http://f.example/dir/rss") });
    const FeedItem *i = p.feed.items;
    CHECK_STR(p.feed.title.value, S("F & G"));
    CHECK_STR(p.feed.language, S("de"));
    CHECK_EQ(p.feed.ttl_minutes, 15);
    CHECK_STR(p.feed.image, S("http://f.example/dir/logo.png"));
    CHECK_STR(feed_text_plain(&p.arena, i->title), S("BTC & ETH rise"));
    CHECK_STR(i->url, S("http://f.example/a?x=1&y=2"));
    CHECK_STR(i->id, S("u-1"));
    CHECK_EQ(i->published.ms, INT64_C(1790244711000));
    CHECK_STR(i->summary.value, S("<p>Short</p>"));
    CHECK_STR(i->content.value, S("<p>Long</p>"));
    CHECK_EQ(i->n_authors, 2);
    CHECK_STR(i->authors[0], S("Ann"));
    CHECK_STR(i->author, S("Bob"));
    CHECK_EQ(i->n_media, 2);
    CHECK_STR(i->media[0].url, S("http://f.example/dir/i.jpg"));
    CHECK_EQ(i->media[1].size, 42);
    CHECK_STR(i->image, S("http://f.example/dir/i.jpg"));
    CHECK_STR(i->tags[0].scheme, S("d"));
    CHECK_STR(i->tags[1].term, S("BTC"));
    CHECK_STR(i->comments, S("http://f.example/dir/c"));
    CHECK_STR(i->source_title, S("Src"));
    CHECK_STR(i->source_url, S("http://s.example/"));
    done(&p);
}

TEST(keywords_that_are_none_are_no_tags) {
    Parsed p =
        parse("<rss xmlns:itunes='http://www.itunes.com/DTDs/PodCast-1.0.dtd'><channel><item><itunes:keywords> a,, b "
              "</itunes:keywords></item><item><itunes:keywords> </itunes:keywords></item></channel></rss>",
              (FeedHints){ 0 });
    CHECK_EQ(p.feed.items[0].n_tags, 2);
    CHECK_STR(p.feed.items[0].tags[1].term, S("b"));
    CHECK_EQ(p.feed.items[1].n_tags, 0);
    done(&p);
}

TEST(base64_ends_with_its_padding) {
    Parsed p = parse("<feed version='0.3' xmlns='http://purl.org/atom/ns#'><title mode='base64'>RXhhbXBsZQ== "
                     "RXhhbXBsZQ==</title></feed>",
                     (FeedHints){ 0 });
    CHECK_STR(p.feed.title.value, S("Example"));
    done(&p);
}

TEST(fields_of_atom) {
    Parsed p =
        parse("<feed xmlns='http://www.w3.org/2005/Atom' xml:base='http://b.example/d/' xml:lang='en-GB'><title "
              "type='html'>&lt;b&gt;T&lt;/b&gt;</title>"
              "<link rel='self' href='s'/><link href='.'/><id>f</id><updated>2024-01-01T00:00:00Z</updated>"
              "<entry><id>urn:x</id><title>E &lt; F</title><link href='e'/><link rel='enclosure' href='m.mp3' "
              "length='7' type='audio/mpeg'/>"
              "<published>2024-01-02T00:00:00Z</published><updated>2024-01-03T00:00:00+01:00</updated>"
              "<author><name>N</name><email>n@x.example</email></author><category term='t' scheme='s' label='L'/>"
              "<content type='xhtml' xml:base='sub/'><div xmlns='http://www.w3.org/1999/xhtml'><p>a<br/><a "
              "href='q'>b</a></p></div></content>"
              "<source><title>O</title><link href='o'/></source></entry></feed>",
              (FeedHints){ 0 });
    const FeedItem *i = p.feed.items;
    CHECK(!p.feed.malformed && p.feed.n_items == 1);
    CHECK_STR(p.feed.title.value, S("<b>T</b>"));
    CHECK_STR(p.feed.language, S("en-GB"));
    CHECK_STR(p.feed.url, S("http://b.example/d/"));
    CHECK_STR(i->url, S("http://b.example/d/e"));
    CHECK(!i->title.html);
    CHECK_STR(i->title.value, S("E < F"));
    CHECK_STR(i->author, S("N (n@x.example)"));
    CHECK_STR(i->content.value, S("<p>a<br /><a href=\"http://b.example/d/sub/q\">b</a></p>"));
    CHECK_STR(i->summary.value, i->content.value);
    CHECK_STR(i->tags[0].label, S("L"));
    CHECK_EQ(i->media[0].size, 7);
    CHECK_EQ(i->updated.ms - i->published.ms, 23 * 3600 * 1000);
    CHECK_STR(i->source_title, S("O"));
    done(&p);
}

TEST(fields_of_json_feed) {
    Parsed p = parse("{\"version\":\"https://jsonfeed.org/version/1.1\",\"title\":\"J\",\"home_page_url\":\"http://"
                     "j.example/\",\"items\":["
                     "{\"id\":7,\"url\":\"a\",\"content_html\":\"<p>h<script>s</script></"
                     "p>\",\"date_published\":\"2024-01-01T00:00:00Z\","
                     "\"tags\":[\"x\"],\"authors\":[{\"name\":\"N\"}],\"attachments\":[{\"url\":\"m.mp3\",\"mime_"
                     "type\":\"audio/mpeg\",\"size_in_bytes\":3}]},"
                     "{\"content_text\":\"1 < 2\",\"author\":{\"name\":\"O\"},\"unknown\":{\"a\":[1]}}]}",
                     (FeedHints){ .url = S("http://j.example/feed") });
    CHECK_EQ(p.feed.n_items, 2);
    CHECK_STR(p.feed.items[0].id, S("7"));
    CHECK_STR(p.feed.items[0].url, S("http://j.example/a"));
    CHECK_STR(p.feed.items[0].content.value, S("<p>h</p>"));
    CHECK_STR(p.feed.items[0].media[0].url, S("http://j.example/m.mp3"));
    CHECK_STR(p.feed.items[1].content.value, S("1 < 2"));
    CHECK(!p.feed.items[1].content.html);
    CHECK_STR(p.feed.items[1].author, S("O"));
    done(&p);
}

TEST(broken_feeds_give_what_they_have) {
    static const struct {
        const char *name, *text, *title;
        size_t n;
    } rows[] = {
        { "a prefix nobody declared", "<rss version='2.0'><item><title>T</title><media:content url='x'/></item></rss>",
          "T", 1 },
        { "a tag that does not end",
          "<rss version='2.0'><item><title>T</title><foo></item><item><title>U</title></item></rss>", "T", 2 },
        { "an entity nobody defined", "<rss version='2.0'><item><title>a&hellip;b</title></item></rss>",
          "a\xe2\x80\xa6"
          "b",
          1 },
        { "a bare ampersand", "<rss version='2.0'><item><title>A & B</title></item></rss>", "A & B", 1 },
        { "cut short", "<rss version='2.0'><item><title>T</title><descr", "T", 1 },
        { "two roots", "<rss version='2.0'><item><title>T</title></item></rss><b/>", "T", 1 },
        { "text before", "x<rss version='2.0'><item><title>T</title></item></rss>", "T", 1 },
    };
    EACH_ROW (r, rows) {
        Parsed p = parse(r->text, (FeedHints){ 0 });
        CHECK_EQ(p.r, 0);
        CHECK(p.feed.malformed && p.feed.why);
        CHECK_EQ(p.feed.n_items, r->n);
        CHECK_STR(feed_text_plain(&p.arena, p.feed.items[0].title), str_c(r->title));
        done(&p);
    }
}

TEST(what_is_no_feed_is_said_to_be_none) {
    static const struct {
        const char *name;
    } rows[] = { { "" },           { "<html><body><p>x</p></body></html>" }, { "{\"a\":1}" }, { "[" }, { "plain" },
                 { "\x89PNG\r\n" } };
    EACH_ROW (r, rows) {
        Parsed p = parse(r->name, (FeedHints){ 0 });
        CHECK_EQ(p.r, 0);
        CHECK_EQ(p.feed.format, FEED_UNKNOWN);
        CHECK_EQ(p.feed.n_items, 0);
        done(&p);
    }
}

TEST(entities_cannot_grow) {
    Parsed p = parse("<!DOCTYPE x [\n<!ENTITY a \"aaaaaaaaaa\">\n<!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">\n"
                     "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">\n<!ENTITY f SYSTEM \"file:///etc/hostname\">\n]>\n"
                     "<rss version='2.0'><item><title>&a;</title><description>&c;&c;&f;</description></item></rss>",
                     (FeedHints){ 0 });
    CHECK_EQ(p.r, 0);
    CHECK_STR(p.feed.items[0].title.value, S("aaaaaaaaaa"));
    CHECK(p.feed.items[0].summary.value.n < 40);
    done(&p);
}

TEST(limits_hold) {
    FeedHints hints = { .limits = { .items = 2, .depth = 10, .bytes = 4096 } };
    Parsed p = parse("<rss version='2.0'><item/><item/><item><title>3</title></item></rss>", hints);
    CHECK_EQ(p.r, 0);
    CHECK_EQ(p.feed.n_items, 2);
    CHECK(p.feed.cut);
    done(&p);
    p = parse("<a><a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a></a>", hints);
    CHECK_EQ(p.r, 0);
    done(&p);
    p = parse("<a><a><a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a></a></a>", hints);
    CHECK_EQ(p.r, ERR_TOO_LARGE);
    done(&p);
    char text[4098];
    memset(text, ' ', sizeof text);
    text[4097] = '\0';
    p = parse(text, hints);
    CHECK_EQ(p.r, ERR_TOO_LARGE);
    done(&p);
}

TESTS(T(every_format_has_a_name_of_its_own), T(formats_are_told_apart), T(fields_of_rss),
      T(keywords_that_are_none_are_no_tags), T(base64_ends_with_its_padding), T(fields_of_atom), T(fields_of_json_feed),
      T(broken_feeds_give_what_they_have), T(what_is_no_feed_is_said_to_be_none), T(entities_cannot_grow),
      T(limits_hold))
