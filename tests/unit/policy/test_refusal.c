/* policy/refusal: what has the form of an attack is refused wherever and however it is written; what people write is not. */

#include "lib/test.h"
#include "policy/refusal/refusal.h"

#include "refusal_corpus.h"

#include "base/buf.h"
#include "base/rng.h"

#include <stdio.h>

/* --- as a value of a query, a string of JSON, a form --- */

static Str encoded(Arena *a, const char *text, bool all) {
    char *out = arena_alloc(a, strlen(text) * 3 + 1);
    size_t n = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (!all && (*p == '-' || *p == '.' || *p == '_' || (*p >= '0' && *p <= '9') || (*p | 0x20) - 'a' < 26u))
            out[n++] = (char)*p;
        else
            n += (size_t)snprintf(out + n, 4, "%%%02X", *p);
    return str_n(out, n);
}

static bool is_encoded(const char *text) {
    return strchr(text, '%') && !strchr(text, ' ');
}

static Str in_query(Arena *a, const char *text) {
    Str value = is_encoded(text) ? str_c(text) : encoded(a, text, false);
    return str_fmt(a, "limit=10&q=" STR_FMT "&page=2", STR_ARG(value));
}

static Str in_json(Arena *a, const char *text) {
    Buf b;
    buf_init(&b, 1 << 16);
    buf_put_str(&b, S("{\"n\": 1, \"title\": \""));
    for (const char *p = text; *p; p++) {
        if (*p == '"' || *p == '\\')
            buf_put_c(&b, '\\');
        if (*p == '\t')
            buf_put_str(&b, S("\\t"));
        else
            buf_put_c(&b, *p);
    }
    buf_put_str(&b, S("\"}"));
    Str text_of = str_dup(a, buf_str(&b));
    buf_done(&b);
    return text_of;
}

static size_t missed(bool refused, const char *where, const char *text) {
    if (!refused)
        print_message("not refused %s: %s\n", where, text);
    return !refused;
}

static size_t not_refused(const char *const *rows, size_t n, bool json) {
    Arena a = { 0 };
    size_t missing = 0;
    for (size_t i = 0; i < n; i++) {
        const char *row = rows[i];
        missing += missed(refuse_query(in_query(&a, row)) != REFUSAL_NONE, "in a query", row);
        if (!is_encoded(row)) {
            Str twice = encoded(&a, str_cz(&a, encoded(&a, row, true)), true);
            missing +=
                missed(refuse_query(str_fmt(&a, "q=" STR_FMT, STR_ARG(twice))) != REFUSAL_NONE, "encoded twice", row);
            if (json)
                missing += missed(refuse_json(in_json(&a, row)) != REFUSAL_NONE, "in JSON", row);
        }
        arena_reset(&a);
    }
    arena_done(&a);
    return missing;
}

TEST(sec_19_pieces_of_sql) {
    CHECK_EQ(not_refused(sql, ARRAY_LEN(sql), true), 0);
}

TEST(sec_19_scripts) {
    CHECK_EQ(not_refused(script, ARRAY_LEN(script), true), 0);
}

TEST(sec_19_paths_that_climb) {
    CHECK_EQ(not_refused(paths, ARRAY_LEN(paths), true), 0);
    CHECK_EQ(refuse_path(S("/api/v1/%2e%2e/%2e%2e/etc/passwd")), REFUSAL_TRAVERSAL);
    CHECK_EQ(refuse_path(S("/static/..;/admin")), REFUSAL_TRAVERSAL);
    CHECK_EQ(refuse_path(S("/a/..")), REFUSAL_TRAVERSAL);
    CHECK_EQ(refuse_path(S("/a/%00")), REFUSAL_TRAVERSAL);
    CHECK_EQ(refuse_path(S("/a/1%27%20or%201=1--")), REFUSAL_SQL);
    CHECK_EQ(refuse_path(S("/a/%3Cscript%3Ealert(1)")), REFUSAL_SCRIPT);
}

TEST(sec_19_commands_and_the_rest) {
    CHECK_EQ(not_refused(command, ARRAY_LEN(command), false), 0);
    CHECK_EQ(not_refused(others, ARRAY_LEN(others), false), 0);
    CHECK_EQ(refuse_json(S("{\"symbol\": {\"$ne\": null}}")), REFUSAL_QUERY);
    CHECK_EQ(refuse_field(S("() { :;}; /bin/bash -c id")), REFUSAL_COMMAND);
    CHECK_EQ(refuse_field(S("${jndi:dns://a/b}")), REFUSAL_TEMPLATE);
}

/* --- what people write --- */

static const char *const ordinary[] = {
    "O'Brien & Sons",
    "AT&T",
    "S&P 500",
    "Western Union selects new CEO",
    "Western union select services from home",
    "don't drop table tennis",
    "Moody's and S&P = rating agencies",
    "select * of the best: stocks & more",
    "the 'bull' or 'bear' case",
    "\"bitcoin etf\" OR \"ether etf\"",
    "\"bitcoin\" AND (\"etf\" OR fund*) -doge",
    "traders' and banks' losses",
    "close > sma(20) and rsi(14) < 30",
    "a < b and c > d",
    "1 < 2",
    "50% off; more soon",
    "R&D (2024)",
    "P/E = 12 or less",
    "it's 5 o'clock; sleep well",
    "cash & carry",
    "Q&A: who am I?",
    "x = 3; y = 4",
    "#bitcoin $BTC $GT $ne",
    "$gt",
    "C:\\ drive",
    "and/or",
    "1/2 -- half",
    "the end -- really",
    "e.g. like this",
    "update: Fed to set rates",
    "insert coin; delete nothing",
    "Create table of contents",
    "order by 10 am",
    "GROUP BY invitation",
    "union dues select committee",
    "between 1 and 10",
    "is null and void",
    "2024-01-01T00:00:00Z",
    "BTC/USDT:USDT",
    "binance:BTCUSDT,ETHUSDT",
    "1h,4h,1d",
    "user@example.com",
    "https://example.com/a?b=c&d=e#f",
    "http://127.0.0.1:9000/hook",
    "+49 (0)30 1234-567",
    "{\"a\": [1, 2]}",
    "sma:{\"n\": 20}",
    "<b>bold</b> <i>x</i>",
    "<p>Bitcoin rises</p>",
    "<a href=\"https://example.com\">link</a>",
    "<img src=\"https://example.com/a.png\" alt=\"x\">",
    "<3 this stock",
    "price <100 or >200",
    "learn javascript: the good parts",
    "script for a play",
    "onload = loading",
    "alert (urgent): markets fall",
    "{{symbol}} crossed {price}",
    "${symbol}",
    "the more; the merrier",
    "ls is short for list",
    "cat & dog",
    "cat food; dog food",
    "ping me; then sleep",
    "id | name | price",
    "Net sales: $1.38 billion; decrease of 25.7%",
    "best friend....\nHere's what",
    "Dear all,\nTo: whom it concerns",
    "first line\ncat second line",
    "100%",
    "%",
    "5%20",
    "a+b=c",
    "C++",
    "(a)(b)",
    "f(x) = 2x",
    "rate(x[5m]) > 0.5",
    "Ethereum's 'merge' and 5 other things",
    "Who said 'no' or 'yes'?",
    "\303\274ber & \xe4\xb8\xad\xe6\x96\x87",
    "It\342\200\231s 5 and x = 3",
    "rock 'n' roll",
    "'quoted'",
    "''",
    "\"\"",
    "-",
    "--",
    "---",
    "...",
    "a..b",
    "1..5",
    "v1.2.3",
};

TEST(sec_19_what_people_write_passes) {
    Arena a = { 0 };
    size_t refused = 0;
    for (size_t i = 0; i < ARRAY_LEN(ordinary); i++) {
        Refusal q = refuse_query(in_query(&a, strchr(ordinary[i], '%') ? "x" : ordinary[i])),
                j = refuse_json(in_json(&a, ordinary[i]));
        if (q || j)
            print_message("refused (%s, %s): %s\n", refusal_name(q), refusal_name(j), ordinary[i]);
        refused += q || j;
        arena_reset(&a);
    }
    CHECK_EQ(refused, 0);
    CHECK_EQ(refuse_field(
                 S("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120 Safari/537.36")),
             REFUSAL_NONE);
    CHECK_EQ(refuse_field(S("bytes=0-1023; q=0.9, text/*")), REFUSAL_NONE);
    CHECK_EQ(refuse_field(S("https://example.com/a?b=c&d=(e)")), REFUSAL_NONE);
    arena_done(&a);
}

static const char *const words[] = { "bitcoin", "rally", "and",        "or",   "the",     "of",    "select", "union",
                                     "Fed's",   "rate",  "cut",        "=",    "5%",      "$BTC",  "\"q1\"", "(up)",
                                     "from",    "order", "by",         "AT&T", "update:", "drop",  "table",  "not",
                                     "like",    "in",    "is",         "null", "sleep",   "alert", "<b>",    "a/b",
                                     "1.5",     "10",    "x;",         "more", "cat",     "id",    "&",      "'long'",
                                     "#1",      "--",    "investors'", "set",  "delete",  "where", "having", "script",
                                     "on",      "with",  "case",       "when", "then",    "end",   "yes" };

/* 100,000 requests of words that rules are made of, at random. Two words together that truly form an attack are not
 * ordinary: sentences are drawn so that signs stand between letters. */
TEST(sec_19_100_000_ordinary_requests) {
    size_t refused = 0;
    Rng rng;
    rng_seed(&rng, 19);
    Arena a = { 0 };
    static const char *const plain[] = { "symbol=BTCUSDT&timeframe=1h&limit=500&from=2024-01-01T00:00:00Z",
                                         "exchange=binance&symbols=BTCUSDT%2CETHUSDT&order=desc&sort=-volume",
                                         "strategy=sma_cross&params=fast%3D10%3Bslow%3D50&cash=10000.50" };
    for (int i = 0; i < 100000; i++) {
        char text[256];
        size_t n = 0, k = 3 + rng_below(&rng, 9);
        for (size_t w = 0; w < k && n < sizeof text - 16; w++)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", w ? " " : "",
                                  words[w % 2 ? rng_below(&rng, 5) : rng_below(&rng, ARRAY_LEN(words))]);
        Str q = i % 10 ? str_fmt(&a, "q=" STR_FMT, STR_ARG(encoded(&a, text, false)))
                       : str_c(plain[i / 10 % ARRAY_LEN(plain)]);
        Refusal r = refuse_query(q);
        if (r)
            print_message("refused (%s): %s\n", refusal_name(r), text);
        refused += r != REFUSAL_NONE;
        arena_reset(&a);
    }
    CHECK_EQ(refused, 0);
    arena_done(&a);
}

TEST(long_strings_are_prose_and_what_is_cut_is_no_fault) {
    char text[8192];
    memset(text, 'a', sizeof text);
    memcpy(text, "1' or 1=1--", 11);
    CHECK_EQ(refuse_query(str_n(text, sizeof text)), REFUSAL_SQL);
    text[sizeof text - 1] = text[0] = '"';
    CHECK_EQ(refuse_json(str_n(text, sizeof text)), REFUSAL_NONE);
    static const char *const cut[] = { "%", "%4",  "%u00", "\\u00", "&#",       "&#x",  "<",  "<!",
                                       "'", "'/*", "$(",   "{{",    "\xf0\x9f", "\xc3", "..", ";" };
    for (size_t i = 0; i < ARRAY_LEN(cut); i++)
        (void)refuse_query(str_c(cut[i]));
    CHECK_EQ(refuse_json(S("{\"a")), REFUSAL_NONE);
    CHECK_EQ(refuse_json(S("\"a\\")), REFUSAL_NONE);
}

TESTS(T(sec_19_pieces_of_sql), T(sec_19_scripts), T(sec_19_paths_that_climb), T(sec_19_commands_and_the_rest),
      T(sec_19_what_people_write_passes), T(sec_19_100_000_ordinary_requests),
      T(long_strings_are_prose_and_what_is_cut_is_no_fault))
