/* adapters/store/block: the codec returns the same bits, refuses every damage, and keeps to its size. */

#include "adapters/store/block.h"
#include "base/hash.h"
#include "base/rng.h"
#include "lib/test.h"

enum { MOST_ROWS = 20000 };

typedef struct Fixture {
    BlockCodec *codec;
    Candles rows, back;
    Buf blob;
} Fixture;

static void begin(Fixture *f) {
    f->codec = block_codec_new();
    candles_init_heap(&f->rows, MOST_ROWS);
    candles_init_heap(&f->back, MOST_ROWS);
    buf_init(&f->blob, 64 << 20);
}

static void end(Fixture *f) {
    block_codec_free(f->codec);
    candles_done_heap(&f->rows);
    candles_done_heap(&f->back);
    buf_done(&f->blob);
}

/* NaN payloads and -0 too: bytes are compared, not numbers. */
static bool same_bits(const Candles *a, const Candles *b) {
    size_t n = a->n * 8;
    return a->n == b->n && !memcmp(a->open_ms, b->open_ms, n) && !memcmp(a->open, b->open, n) &&
           !memcmp(a->high, b->high, n) && !memcmp(a->low, b->low, n) && !memcmp(a->close, b->close, n) &&
           !memcmp(a->volume, b->volume, n) && !memcmp(a->known_ms, b->known_ms, n) &&
           !memcmp(a->flags, b->flags, a->n);
}

static void check_round_trip(Fixture *f) {
    void **state_ = NULL;
    buf_clear(&f->blob);
    f->back.n = 0;
    CHECK_EQ(block_encode(f->codec, &f->rows, 0, f->rows.n, &f->blob), 0);
    CHECK_EQ(block_rows(buf_str(&f->blob)), f->rows.n);
    CHECK_EQ(block_decode(f->codec, buf_str(&f->blob), &f->back), 0);
    CHECK(same_bits(&f->rows, &f->back));
}

/* A row of doubles of one kind. */
static double number_of(Rng *rng, int kind, double walk) {
    static const double specials[] = { 0.0, -0.0, 5e-324, -5e-324, 1.7976931348623157e308, INFINITY, -INFINITY };
    uint64_t bits = rng_u64(rng);
    double x;
    switch (kind) {
    case 0:
        return round(walk * 100) / 100;
    case 1:
        return (double)(float)(round(walk * 100) / 100);
    case 2:
        return walk * 1.0001234567;
    case 3:
        return round(walk) * 25;
    case 4:
        return specials[rng_below(rng, ARRAY_LEN(specials))];
    case 5:
        return round(walk * 1e8) / 1e8;
    case 6:
        return (double)rng_below(rng, 1000) * 1e12;
    default:
        memcpy(&x, &bits, sizeof x); /* any bits at all, NaN payloads included */
        return x;
    }
}

static void fill(Fixture *f, Rng *rng, size_t n) {
    int kind = (int)rng_below(rng, 8), volume_kind = (int)rng_below(rng, 8);
    int64_t t = rng_between(rng, -4000000000000, 4000000000000), step = rng_between(rng, 1, 4) * 60000;
    bool grid = rng_chance(rng, 0.6), mixed = rng_chance(rng, 0.1);
    int64_t known = rng_chance(rng, 0.3) ? 0 : 1700000000000;
    double walk = 1 + rng_f64(rng) * 50000;
    f->rows.n = 0;
    for (size_t i = 0; i < n; i++) {
        int k = mixed ? (int)rng_below(rng, 8) : kind;
        Candle c = { .open_time = time_ms(t), .known_at = time_ms(known) };
        c.open = number_of(rng, k, walk);
        c.high = number_of(rng, k, walk + rng_f64(rng));
        c.low = number_of(rng, k, walk - rng_f64(rng));
        walk += rng_normal(rng);
        c.close = number_of(rng, k, walk);
        c.volume = number_of(rng, volume_kind, rng_f64(rng) * 1e4);
        c.flags = rng_chance(rng, 0.01) ? CANDLE_SYNTHETIC : 0;
        candles_push(&f->rows, &c);
        t += grid ? step : (int64_t)rng_between(rng, 1, 100000000);
        known += known && rng_chance(rng, 0.2) ? rng_between(rng, 0, 5000) : 0;
    }
}

TEST(any_rows_come_back_bit_for_bit) {
    static const size_t sizes[] = { 1, 2, 3, 255, 1440, 1440, 5000, BLOCK_ROWS_MAX };
    Fixture f;
    Rng rng;
    begin(&f);
    rng_seed(&rng, prop_seed(11));
    for (int i = 0; i < 300; i++) {
        fill(&f, &rng, sizes[rng_below(&rng, i < 290 ? 6 : 8)]);
        check_round_trip(&f);
        CHECK(f.blob.n > 0);
    }
    end(&f);
}

TEST(the_same_rows_give_the_same_bytes) {
    Fixture f;
    Rng rng;
    begin(&f);
    rng_seed(&rng, 5);
    fill(&f, &rng, 1440);
    buf_clear(&f.blob);
    block_encode(f.codec, &f.rows, 0, 1440, &f.blob);
    uint64_t first = hash64(f.blob.p, f.blob.n, 0);
    Candles kept = f.rows, other;
    candles_init_heap(&other, MOST_ROWS);
    f.rows = other;
    fill(&f, &rng, 3000); /* something else through the same codec */
    block_encode(f.codec, &f.rows, 0, 3000, &f.blob);
    other = f.rows;
    f.rows = kept;
    buf_clear(&f.blob);
    block_encode(f.codec, &f.rows, 0, 1440, &f.blob);
    CHECK(hash64(f.blob.p, f.blob.n, 0) == first);
    candles_done_heap(&other);
    end(&f);
}

TEST(every_flipped_bit_and_every_cut_is_detected) {
    Fixture f;
    Rng rng;
    begin(&f);
    rng_seed(&rng, prop_seed(3));
    fill(&f, &rng, 200);
    check_round_trip(&f);
    for (size_t i = 0; i < f.blob.n; i++)
        for (int bit = 0; bit < 8; bit++) {
            f.blob.p[i] ^= (char)(1 << bit);
            f.back.n = 0;
            int r = block_decode(f.codec, buf_str(&f.blob), &f.back);
            if (r != ERR_CORRUPT || f.back.n != 0)
                FAIL("byte %zu bit %d: %d", i, bit, r);
            f.blob.p[i] ^= (char)(1 << bit);
        }
    for (size_t n = 0; n < f.blob.n; n++)
        CHECK_EQ(block_decode(f.codec, str_n(f.blob.p, n), &f.back), ERR_CORRUPT);
    end(&f);
}

TEST(a_newer_format_says_so) {
    Fixture f;
    Rng rng;
    begin(&f);
    rng_seed(&rng, 1);
    fill(&f, &rng, 100);
    check_round_trip(&f);
    f.blob.p[0] = BLOCK_VERSION + 1;
    uint32_t sum = crc32c(crc32c(0, f.blob.p, 4), f.blob.p + 8, f.blob.n - 8);
    memcpy(f.blob.p + 4, &sum, 4);
    CHECK_EQ(block_decode(f.codec, buf_str(&f.blob), &f.back), ERR_VERSION);
    CHECK_EQ(block_rows(buf_str(&f.blob)), 0);
    end(&f);
}

TEST(a_full_buffer_is_an_error) {
    Fixture f;
    Rng rng;
    begin(&f);
    rng_seed(&rng, 1);
    fill(&f, &rng, 100);
    Buf small;
    buf_init(&small, 100);
    CHECK_EQ(block_encode(f.codec, &f.rows, 0, 100, &small), ERR_LIMIT);
    CHECK_EQ(small.n, 0);
    buf_done(&small);
    end(&f);
}

TEST(sizes_stay_where_they_were_measured) {
    static const struct {
        const char *name;
        double decimals, step;
        int kind;
        double most; /* bytes a candle */
    } cases[] = {
        { "two decimals, small steps", 2, 0.05, 0, 9.0 },
        { "through a float", 2, 0.05, 1, 9.0 },
        { "full precision", 0, 1, 2, 24.5 },
    };
    Fixture f;
    begin(&f);
    EACH_ROW (c, cases) {
        Rng rng;
        rng_seed(&rng, 9);
        double price = 1000;
        f.rows.n = 0;
        for (int i = 0; i < 14400; i++) {
            double move = rng_normal(&rng) * c->step, wick = fabs(rng_normal(&rng)) * c->step;
            Candle row = { .open_time = time_ms((int64_t)i * 60000), .volume = (double)rng_below(&rng, 2000) };
            row.open = number_of(&rng, c->kind, price);
            row.close = number_of(&rng, c->kind, price + move);
            row.high = number_of(&rng, c->kind, MAX(price, price + move) + wick);
            row.low = number_of(&rng, c->kind, MIN(price, price + move) - wick);
            price += move;
            candles_push(&f.rows, &row);
        }
        buf_clear(&f.blob);
        for (size_t at = 0; at < f.rows.n; at += BLOCK_ROWS)
            CHECK_EQ(block_encode(f.codec, &f.rows, at, BLOCK_ROWS, &f.blob), 0);
        double bytes = (double)f.blob.n / (double)f.rows.n;
        if (bytes > c->most)
            FAIL("%.2f bytes a candle, not %.2f", bytes, c->most);
    }
    end(&f);
}

TESTS(T(any_rows_come_back_bit_for_bit), T(the_same_rows_give_the_same_bytes),
      T(every_flipped_bit_and_every_cut_is_detected), T(a_newer_format_says_so), T(a_full_buffer_is_an_error),
      T(sizes_stay_where_they_were_measured))
