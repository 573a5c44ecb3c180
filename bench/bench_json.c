/* bench/bench_json.c - reading and writing what venues and our own API send, on one core.
 *
 * Aim: 300 MB/s of reading. The floor is about 1 ns a byte for a byte-wise machine; memory is far away. */

#include "base/json.h"

#include "bench.h"

typedef struct JsonBench {
    Buf text, out;
    Arena arena;
    size_t rows;
} JsonBench;

enum { ROWS = 20000 };

/* An array of arrays with decimals in quotes: the candles of a big venue. */
static void make_klines(JsonBench *b) {
    JsonWriter w;
    buf_init(&b->text, 1 << 26);
    json_writer_init(&w, &b->text, false);
    json_array(&w);
    for (int i = 0; i < ROWS; i++) {
        char price[32];
        json_array(&w);
        json_i64(&w, INT64_C(1499040000000) + i * INT64_C(60000));
        for (int k = 0; k < 5; k++) {
            int n =
                snprintf(price, sizeof price, "%d.%08d", 40000 + (i * 37 + k) % 9000, (i * 7919 + k * 31) % 100000000);
            json_str(&w, str_n(price, (size_t)n));
        }
        json_i64(&w, INT64_C(1499040059999) + i * INT64_C(60000));
        json_str(&w, S("2434.19055334"));
        json_i64(&w, 308);
        json_str(&w, S("1756.87402397"));
        json_str(&w, S("28.46694368"));
        json_str(&w, S("0"));
        json_array_end(&w);
    }
    json_array_end(&w);
}

/* Objects with keys, numbers, some escapes and some UTF-8: an answer of an API. */
static void write_articles(Buf *out, bool pretty) {
    JsonWriter w;
    json_writer_init(&w, out, pretty);
    json_object(&w);
    json_put_bool(&w, "success", true);
    json_key(&w, S("articles"));
    json_array(&w);
    for (int i = 0; i < ROWS; i++) {
        json_object(&w);
        json_put_i64(&w, "id", 1000000 + i);
        json_put_str(&w, "title", S("Bitcoin holds above \"key\" level as volumes thin \xE2\x80\x93 analysts"));
        json_put_str(&w, "url", S("https://news.example/markets/2024/03/01/bitcoin-holds"));
        json_put_str(&w, "summary", S("A first line.\nA second line, with more of the same words as before."));
        json_put_f64(&w, "sentiment", (i % 2000 - 1000) / 1000.0);
        json_put_f64(&w, "price", 46216.93 + i);
        json_put_time(&w, "published_at", time_ms(INT64_C(1709296496000) + i * 1000));
        json_put_bool(&w, "duplicate", false);
        json_key(&w, S("author"));
        json_null(&w);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_object_end(&w);
}

static double read_tokens(void *ctx) {
    JsonBench *b = ctx;
    JsonReader r;
    JsonToken t;
    double sum = 0;
    arena_reset(&b->arena);
    json_reader_init(&r, buf_str(&b->text), &b->arena, 64);
    while (json_next(&r, &t) == 0 && t.kind != JSON_NONE)
        sum += (double)t.text.n;
    if (r.err)
        abort();
    return sum;
}

/* As a venue's adapter does it: six columns become numbers, the rest is skipped. */
static double read_candles(void *ctx) {
    JsonBench *b = ctx;
    JsonReader r;
    double sum = 0;
    size_t rows = 0;
    arena_reset(&b->arena);
    json_reader_init(&r, buf_str(&b->text), &b->arena, 64);
    for (json_open_array(&r); json_array_next(&r) > 0; rows++) {
        int64_t open_ms = 0;
        double v = 0;
        json_open_array(&r);
        for (int column = 0; json_array_next(&r) > 0; column++) {
            if (column == 0)
                json_read_i64(&r, &open_ms);
            else if (column < 6)
                json_read_f64(&r, &v);
            sum += v;
        }
    }
    if (json_finish(&r) || rows != ROWS)
        abort();
    return sum;
}

static double write_all(void *ctx) {
    JsonBench *b = ctx;
    buf_clear(&b->out);
    write_articles(&b->out, false);
    if (!buf_ok(&b->out))
        abort();
    return (double)b->out.n;
}

int main(void) {
    JsonBench klines = { 0 }, articles = { 0 };
    make_klines(&klines);
    buf_init(&articles.text, 1 << 26);
    buf_init(&articles.out, 1 << 26);
    write_articles(&articles.text, false);
    bench_run("json_tokens_klines", read_tokens, &klines, ROWS, (double)klines.text.n);
    bench_run("json_read_klines", read_candles, &klines, ROWS, (double)klines.text.n);
    bench_run("json_tokens_articles", read_tokens, &articles, ROWS, (double)articles.text.n);
    bench_run("json_write_articles", write_all, &articles, ROWS, (double)articles.text.n);
    buf_clear(&articles.text);
    write_articles(&articles.text, true);
    bench_run("json_tokens_articles_pretty", read_tokens, &articles, ROWS, (double)articles.text.n);
    buf_done(&klines.text);
    buf_done(&articles.text);
    buf_done(&articles.out);
    arena_done(&klines.arena);
    arena_done(&articles.arena);
    return 0;
}
