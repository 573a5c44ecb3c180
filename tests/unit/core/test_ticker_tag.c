/* core/ticker_tag: which coins and companies a text speaks of, and which it does not. */

#include "core/ticker_table.h"
#include "core/ticker_tag.h"
#include "lib/test.h"

static Str tags(Arena *a, const char *title, const char *body) {
    StrList l = ticker_tag(a, str_c(title), str_c(body));
    Str out = { 0 };
    for (size_t i = 0; i < l.n; i++)
        out = str_fmt(a, STR_FMT "%s" STR_FMT, STR_ARG(out), i ? " " : "", STR_ARG(l.v[i]));
    return out;
}

TEST(texts_are_tagged) {
    static const struct {
        const char *name, *title, *body, *want;
    } rows[] = {
        { "names", "Bitcoin and Ethereum rise", "while Microsoft falls", "BTC ETH MSFT" },
        { "the longest name", "Bitcoin Cash forks", "", "BCH" },
        { "both", "Bitcoin Cash and Bitcoin", "", "BCH BTC" },
        { "cashtags", "$LINK and $near up, $5 and $100 not", "US$X", "LINK NEAR" },
        { "an unknown cashtag in capitals", "$ABCD jumps, $abcde does not count", "", "ABCD" },
        { "safe symbols in capitals", "BTC, not btc or Btc; SOL too", "", "BTC SOL" },
        { "symbols that are words", "LINK in bio: NEAR and UNI for ALL", "", "" },
        { "a word that is a name too, without company", "An apple a day; Meta analysis; Target in Alphabet", "", "" },
        { "with a corporate ending", "Apple Inc. sues", "Uber shares fell", "AAPL UBER" },
        { "with another sure sign", "Apple sues", "The company (NASDAQ: AAPL) said", "AAPL" },
        { "small letters are no name", "a ripple of tether and stellar news", "", "" },
        { "exchange notation", "Hoa Sen (HOSE: HSG)", "NYSE:GE, nasdaq : no", "GE HSG" },
        { "pairs", "BTC/USDT, ETH-USD and SOLUSDT", "USD/EUR is none", "BTC ETH SOL" },
        { "boundaries", "bitcoiner Bitcoins ETHical TeslaX", "", "BTC" },
        { "possessives", "Tesla's and Bitcoin\xE2\x80\x99s", "", "BTC TSLA" },
        { "nothing", "", "", "" },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows)
        CHECK_STR(tags(&t.arena, r->title, r->body), str_c(r->want));
    test_ctx_done(&t);
}

TEST(what_a_user_gives_becomes_a_ticker) {
    TestCtx t;
    test_ctx_init(&t);
    CHECK_STR(ticker_canonical(&t.arena, S(" $btc ")), S("BTC"));
    CHECK_STR(ticker_canonical(&t.arena, S("Bitcoin Cash")), S("BCH"));
    CHECK_STR(ticker_canonical(&t.arena, S("brk.b")), S("BRK.B"));
    CHECK_STR(ticker_canonical(&t.arena, S("xyz")), S("XYZ"));
    test_ctx_done(&t);
}

/* The searches are binary and names are compared word by word. */
TEST(the_tables_are_ordered_and_agree) {
    TestCtx t;
    test_ctx_init(&t);
    for (size_t i = 1; i < n_ticker_rows; i++)
        CHECK(strcmp(ticker_rows[i - 1].ticker, ticker_rows[i].ticker) < 0);
    for (size_t i = 0; i < n_ticker_names; i++) {
        Str name = str_c(ticker_names[i].words), first, rest = name, before = { 0 };
        str_next(&rest, ' ', &first);
        if (i > 0) {
            rest = str_c(ticker_names[i - 1].words);
            str_next(&rest, ' ', &before);
            CHECK(str_cmp(before, first) <= 0);
        }
        CHECK_STR(str_lower(&t.arena, name), name);
        if (ticker_names[i].sure)
            CHECK_STR(tags(&t.arena, ticker_names[i].words, ""), str_c(ticker_names[i].ticker));
    }
    test_ctx_done(&t);
}

TESTS(T(texts_are_tagged), T(what_a_user_gives_becomes_a_ticker), T(the_tables_are_ordered_and_agree))
