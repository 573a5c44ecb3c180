/* HTML of strangers: made safe, made absolute, made text. */

#include "test.h"

#include "feed/html.h"

static Str cleaned(Arena *a, const char *html) {
    Buf out;
    buf_init(&out, 1 << 20);
    html_clean(str_c(html), false, S("http://example.com/a/"), a, &out);
    Str s = str_dup(a, buf_str(&out));
    buf_done(&out);
    return s;
}

TEST(markup_is_kept_by_a_list) {
    static const struct {
        const char *name, *want;
    } rows[] = {
        { "<p>a <b>b</b></p>", "<p>a <b>b</b></p>" },
        { "a<script>alert(1)</script>b", "ab" },
        { "a<style>p{}</style>b", "ab" },
        { "<P CLASS=x onclick=\"y()\">t</P>", "<p>t</p>" },
        { "<blink>t</blink>", "t" },
        { "<iframe src=x>t</iframe>", "t" },
        { "<a href=b?c=1&d=2>t</a>", "<a href=\"http://example.com/a/b?c=1&amp;d=2\">t</a>" },
        { "<a href='javascript:alert(1)'>t</a>", "<a href=\"\">t</a>" },
        { "<a href='data:text/html,x'>t</a>", "<a href=\"\">t</a>" },
        { "<img src=\"i.png\" alt=\"a > b\">", "<img src=\"http://example.com/a/i.png\" alt=\"a &gt; b\" />" },
        { "<br/><hr>", "<br /><hr />" },
        { "&copy;&#146;&nope; &", "&copy;&#x2019;&amp;nope &" },
        { "1 < 2 <b>x</b>", "1 < 2 <b>x</b>" },
        { "<<foo>script>x", "&lt;script>x" },
        { "<scr<script>ipt>alert(1)</script>", "" },
        { "<a title=\"x", "&lt;a title=\"x" },
        { "<a\n\"'><script>alert(1)</script>", "  alert(1) " },
        { "<!-- a -->b", "<!-- a -->b" },
        { "<!-- a --!><script>x</script> -->b", "<!-- a -- !><script>x</script> -->b" },
        { "<!--><script>x</script> -->b", "<!-- ><script>x</script> -->b" },
        { "<!---><script>x</script> -->b", "<!-- -><script>x</script> -->b" },
        { "<!---!><script>x</script>-->b", "<!-- -!><script>x</script>-->b" },
        { "a<br/ >b <i>c</i>d/e", "a<br /> >b  c d/e" },
        { "a<br/ ><b title=x/>c", "a<br /> > c" },
        { "<script>&bogus; x</script>a", "&amp;a" },
        { "<![if gte IE 4]><p>x", "<p>x" },
        { "<?php x ?>y", "y" },
        { "<svg><circle r=1 onload=x /><script>y</script></svg>", "<svg><circle r=\"1\"></svg>" },
    };
    EACH_ROW (r, rows) {
        Arena a = { 0 };
        CHECK_STR(cleaned(&a, r->name), str_c(r->want));
        arena_done(&a);
    }
}

TEST(a_scheme_cannot_hide_behind_references) {
    Arena a = { 0 };
    Buf out;
    buf_init(&out, 1000);
    html_clean(S("<a href=' jAvA&#x73;CrIpT&#58;alert(1)'>t</a>"), false, S(""), &a, &out);
    CHECK_STR(buf_str(&out), S("<a href=\"\">t</a>"));
    buf_done(&out);
    arena_done(&a);
}

TEST(words_come_without_markup) {
    static const struct {
        const char *name, *want;
    } rows[] = {
        { "<p>One</p><p>two</p>", "One two" },
        { "<b>bo</b>ld", "bold" },
        { " a \n\t b&nbsp;c ", "a b c" },
        { "x<script>y</script>z", "xz" },
        { "AT&amp;T &lt;b&gt; &#8364;5 &mdash; &bogus;", "AT&T <b> €5 — &bogus" },
        { "a<br>b<li>c", "a b c" },
    };
    EACH_ROW (r, rows) {
        Arena a = { 0 };
        CHECK_STR(feed_text_plain(&a, (FeedText){ str_c(r->name), true }), str_c(r->want));
        arena_done(&a);
    }
    Arena a = { 0 };
    CHECK_STR(feed_text_plain(&a, (FeedText){ S(" 1 <b>  2 "), false }), S("1 <b> 2"));
    arena_done(&a);
}

TEST(plain_text_that_is_html_is_known) {
    CHECK(html_is_meant(S("a <b>b</b>")));
    CHECK(html_is_meant(S("AT&amp;T")));
    CHECK(!html_is_meant(S("a < b > c")));
    CHECK(!html_is_meant(S("<foo>x</foo>")));
    CHECK(!html_is_meant(S("&nope;")));
    CHECK(!html_is_meant(S("plain")));
}

/* Twice the text, twice the work: an attacker gains nothing from quotes that never close. */
TEST(tags_that_never_end_cost_no_more_than_their_length) {
    static const char *const pieces[] = { "<a '", "<b \"<b \" ", "<!--", "<![if", "&#", "<a/", "</", "<a b=c d=\"e" };
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        Arena a = { 0 };
        size_t n = strlen(pieces[i]), times = 400000 / n;
        char *text = arena_alloc(&a, n * times);
        for (size_t k = 0; k < times; k++)
            memcpy(text + k * n, pieces[i], n);
        Buf out;
        buf_init(&out, 16 << 20);
        html_clean(str_n(text, n * times), false, S(""), &a, &out);
        CHECK(buf_ok(&out));
        buf_done(&out);
        arena_done(&a);
    }
}

TESTS(T(markup_is_kept_by_a_list), T(a_scheme_cannot_hide_behind_references), T(words_come_without_markup),
      T(plain_text_that_is_html_is_known), T(tags_that_never_end_cost_no_more_than_their_length))
