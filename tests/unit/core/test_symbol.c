/* core/symbol: names of instruments and venues as values. */

#include "core/symbol.h"
#include "lib/test.h"

TEST(a_symbol_keeps_the_venues_spelling) {
    static const struct {
        const char *name, *text;
        bool ok;
    } rows[] = {
        { "binance", "BTCUSDT", true },
        { "coinbase", "BTC-USD", true },
        { "canonical", "BTC/USDT", true },
        { "yahoo index", "^GSPC", true },
        { "yahoo forex", "EURUSD=X", true },
        { "lower case stays", "btcusdt", true },
        { "perpetual", "BTC/USDT:USDT", true },
        { "longest", "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234", true },
        { "too long", "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", false },
        { "empty", "", false },
        { "space", "BTC USD", false },
        { "control byte", "BTC\nUSD", false },
        { "parent folder", "..", false },
        { "only a slash", "/", false },
        { "not ASCII", "B\xc3\xa9", false },
    };
    EACH_ROW (r, rows) {
        Symbol s = { "before" };
        CHECK_EQ(symbol_parse(str_c(r->text), &s), r->ok);
        CHECK_STR(symbol_str(&s), r->ok ? str_c(r->text) : S("before")); /* untouched on failure */
    }
    Symbol s;
    CHECK(!symbol_parse(str_n("BTC\0USD", 7), &s));
}

TEST(a_venue_is_folded_to_lower_case) {
    static const struct {
        const char *name, *text, *want;
    } rows[] = {
        { "as it is", "binance", "binance" },
        { "folded", "Binance", "binance" },
        { "marks", "binance_us-2", "binance_us-2" },
        { "longest", "abcdefghijklmno", "abcdefghijklmno" },
        { "too long", "abcdefghijklmnop", NULL },
        { "empty", "", NULL },
        { "only marks", "--", NULL },
        { "dot", "binance.us", NULL },
    };
    EACH_ROW (r, rows) {
        Venue v = { "before" };
        CHECK_EQ(venue_parse(str_c(r->text), &v), r->want != NULL);
        CHECK_STR(venue_str(&v), str_c(r->want ? r->want : "before"));
    }
}

TEST(equal_names_are_equal_bytes) {
    Symbol a, b;
    memset(&a, 0xff, sizeof a);
    CHECK(symbol_parse(S("ETHBTC"), &a));
    CHECK(symbol_parse(S("ETHBTC"), &b));
    CHECK(symbol_eq(a, b));
    CHECK(symbol_parse(S("ETHBTCX"), &b));
    CHECK(!symbol_eq(a, b));
}

TESTS(T(a_symbol_keeps_the_venues_spelling), T(a_venue_is_folded_to_lower_case), T(equal_names_are_equal_bytes))
