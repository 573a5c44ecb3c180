/* Candle patterns against TA-Lib: 400,000 made-up candles, and what TA-Lib 0.6.4 finds in them, by number and by a hash
 * of every row and result. Ticks of a cent, so that a body often equals what it is measured by. */

#include "ta/ta.h"
#include "test.h"

enum { ROWS = 400000, SPAN = 64 };

typedef struct Series {
    double of[4][ROWS];
} Series;

static uint32_t draw(uint64_t *x, uint32_t n) {
    *x = *x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((*x >> 33) % n);
}

#define PICK(x, list) list[draw((x), ARRAY_LEN(list))]

/* Every second span is wild: turns and gaps come often. */
static void make_series(Series *s) {
    static const int bodies[] = { 0, 0, 1, 1, 2, 3, 5, 8, 12, 13 }, shadows[] = { 0, 0, 0, 1, 1, 2, 4, 9 },
                     gaps[] = { -4, -2, -1, -1, 0, 0, 0, 0, 1, 1, 2, 4 }, wide[] = { -17, -16, -3, 3, 16, 17 };
    uint64_t x = 1;
    int price = 5000, way = 1;
    for (int i = 0; i < ROWS; i++) {
        bool wild = i / SPAN % 2;
        way = draw(&x, wild ? 2 : 4) == 0 ? -way : way;
        price += wild && draw(&x, 4) == 0 ? PICK(&x, wide) : PICK(&x, gaps);
        int open = price, close = open + way * PICK(&x, bodies);
        int high = MAX(open, close) + PICK(&x, shadows), low = MIN(open, close) - PICK(&x, shadows);
        price = close;
        way = price < 1000 ? 1 : price > 9000 ? -1 : way;
        s->of[0][i] = open / 100.0;
        s->of[1][i] = high / 100.0;
        s->of[2][i] = low / 100.0;
        s->of[3][i] = close / 100.0;
    }
}

/* Rows above and below 0, and the hash of both. */
static const struct {
    const char *name;
    int n_up, n_down;
    uint64_t hash;
} FOUND[] = {
    /* clang-format off */
    { "cdl2crows", 0, 31, UINT64_C(0x726201c0baf3b8d5) },
    { "cdl3blackcrows", 0, 56, UINT64_C(0x7ea47313b9e86303) },
    { "cdl3inside", 1555, 1389, UINT64_C(0xcf9ad9fbeb612761) },
    { "cdl3linestrike", 227, 66, UINT64_C(0x9761199c66c279d4) },
    { "cdl3outside", 2373, 5930, UINT64_C(0x43bd6003a8591bf6) },
    { "cdl3starsinsouth", 4, 0, UINT64_C(0xd71d388821fdaf90) },
    { "cdl3whitesoldiers", 702, 0, UINT64_C(0xaad551eabe1c5cdd) },
    { "cdlabandonedbaby", 56, 62, UINT64_C(0x08ece57b0e0b9c9b) },
    { "cdladvanceblock", 0, 3473, UINT64_C(0xfbc80592e814dc51) },
    { "cdlbelthold", 32641, 32807, UINT64_C(0xe8f5a999a1e69001) },
    { "cdlbreakaway", 7, 10, UINT64_C(0xa0e30f9b3822d688) },
    { "cdlclosingmarubozu", 32783, 32907, UINT64_C(0xed3c08796dffc32b) },
    { "cdlconcealbabyswall", 3, 0, UINT64_C(0x3ced6e5845d71f48) },
    { "cdlcounterattack", 13, 21, UINT64_C(0x4904c5ee02a84bfd) },
    { "cdldarkcloudcover", 0, 720, UINT64_C(0xceb42968cf23a665) },
    { "cdldoji", 100741, 0, UINT64_C(0xb1dff1839b4b5d92) },
    { "cdldojistar", 6841, 6860, UINT64_C(0x9ef80386b10e5e87) },
    { "cdldragonflydoji", 23636, 0, UINT64_C(0xdc7b2689b0cca96b) },
    { "cdlengulfing", 11038, 28447, UINT64_C(0x8a485cb058a8cd80) },
    { "cdleveningdojistar", 0, 834, UINT64_C(0x069cb6fbb7462bcf) },
    { "cdleveningstar", 0, 1654, UINT64_C(0xdbc6e2afdb4e875e) },
    { "cdlgapsidesidewhite", 2605, 1782, UINT64_C(0x00671a0b9e610fb7) },
    { "cdlgravestonedoji", 23440, 0, UINT64_C(0x1132bb1d9ec439ef) },
    { "cdlhammer", 20551, 0, UINT64_C(0xa42192ad04ba481d) },
    { "cdlhangingman", 0, 17180, UINT64_C(0xf55beb0f5971e167) },
    { "cdlharami", 20286, 20172, UINT64_C(0xeaec4a536f40d126) },
    { "cdlharamicross", 11149, 11060, UINT64_C(0x58422010a0ff9413) },
    { "cdlhighwave", 36197, 4981, UINT64_C(0x90ac59125e898047) },
    { "cdlhikkake", 18331, 18592, UINT64_C(0xab815982d7483a8d) },
    { "cdlhikkakemod", 267, 265, UINT64_C(0x333aa325f134e756) },
    { "cdlhomingpigeon", 2237, 0, UINT64_C(0x7f3534be68e8c2ba) },
    { "cdlidentical3crows", 0, 363, UINT64_C(0x0a6a96e99abedb7f) },
    { "cdlinneck", 0, 487, UINT64_C(0x3ff6039bf867bf5e) },
    { "cdlinvertedhammer", 10721, 0, UINT64_C(0x74ab0658a0569b07) },
    { "cdlkicking", 33, 18, UINT64_C(0xafae49a93bb2829e) },
    { "cdlkickingbylength", 26, 25, UINT64_C(0x182e25f884b51386) },
    { "cdlladderbottom", 163, 0, UINT64_C(0x29cb1b9d419a60a3) },
    { "cdllongleggeddoji", 83186, 0, UINT64_C(0x75496a7fa8ece495) },
    { "cdllongline", 36744, 36798, UINT64_C(0x899f3a9cc51d3c78) },
    { "cdlmarubozu", 14736, 14807, UINT64_C(0xd8f2b8f51d0fc75d) },
    { "cdlmatchinglow", 3908, 0, UINT64_C(0xb0fe1e23745967b0) },
    { "cdlmathold", 0, 0, UINT64_C(0x14650fb0739d0383) },
    { "cdlmorningdojistar", 779, 0, UINT64_C(0x0623fb606ecc7c17) },
    { "cdlmorningstar", 1562, 0, UINT64_C(0x48b76c90969b5a1c) },
    { "cdlonneck", 0, 658, UINT64_C(0x0e0418699fec3867) },
    { "cdlpiercing", 705, 0, UINT64_C(0xc76a134b1491b114) },
    { "cdlrickshawman", 22710, 0, UINT64_C(0x063f3e6eaefe52b6) },
    { "cdlrisefall3methods", 9, 40, UINT64_C(0xa2024c0b6122771d) },
    { "cdlseparatinglines", 483, 2519, UINT64_C(0xc91b00c538ab1713) },
    { "cdlshootingstar", 0, 10432, UINT64_C(0xa2f7d672f13deb44) },
    { "cdlshortline", 78329, 40078, UINT64_C(0x44fac9b4ded504a2) },
    { "cdlspinningtop", 42205, 11068, UINT64_C(0x93cdb1e1b14c6013) },
    { "cdlstalledpattern", 0, 1844, UINT64_C(0x56d58f595bf30de6) },
    { "cdlsticksandwich", 343, 0, UINT64_C(0xa6d1ba70f9def471) },
    { "cdltakuri", 26049, 0, UINT64_C(0xaba63db8245bdd47) },
    { "cdltasukigap", 211, 210, UINT64_C(0xa209caca2e02246a) },
    { "cdlthrusting", 0, 1038, UINT64_C(0x529d1e0a68be57b3) },
    { "cdltristar", 979, 954, UINT64_C(0xae36fb54d39360f4) },
    { "cdlunique3river", 147, 0, UINT64_C(0x5794965330f904e2) },
    { "cdlupsidegap2crows", 0, 24, UINT64_C(0x92d00260565e661f) },
    { "cdlxsidegap3methods", 198, 174, UINT64_C(0x8fd244991279b810) },
    /* clang-format on */
};

static uint64_t mix(uint64_t hash, uint64_t value) {
    return (hash ^ value) * UINT64_C(1099511628211);
}

TEST(the_same_rows_as_talib) {
    Arena arena = { 0 };
    Series *s = arena_new(&arena, Series);
    double *out = arena_new_n(&arena, double, ROWS);
    make_series(s);
    EACH_ROW (r, FOUND) {
        const TaIndicator *ta = ta_find(str_c(r->name));
        int n_up = 0, n_down = 0;
        uint64_t hash = UINT64_C(1469598103934665603);
        CHECK(ta && ta_n_inputs(ta) == 4);
        ta_compute(ta, NULL, (const double *[]){ s->of[0], s->of[1], s->of[2], s->of[3] }, ROWS, &out);
        for (int i = 0; i < ROWS; i++) {
            if (isnan(out[i]) || out[i] == 0)
                continue;
            n_up += out[i] > 0;
            n_down += out[i] < 0;
            hash = mix(mix(hash, (uint64_t)i), (uint64_t)(out[i] + 1000));
        }
        CHECK_EQ(n_up, r->n_up);
        CHECK_EQ(n_down, r->n_down);
        if (hash != r->hash)
            FAIL("as many as TA-Lib finds, but elsewhere");
        CHECK(n_up + n_down > 0 || str_eq(str_c(r->name), S("cdlmathold"))); /* the candles show the others all */
    }
    arena_done(&arena);
}

/* None is left out. */
TEST(all_patterns_are_compared) {
    size_t n = 0;
    for (size_t i = 0; i < ta_count(); i++)
        n += ta_at(i)->group == TA_PATTERN;
    CHECK_EQ(n, ARRAY_LEN(FOUND));
    CHECK_EQ(n, 61);
}

/* --- by hand: what makes a pattern, and what unmakes it --- */

enum { BEFORE = 14, SHAPE_MAX = 5 };

/* Fourteen candles of body 2, range 4 and shadows of 1 come before, so long is > 2, doji <= 0.4, no shadow < 0.4. */
static const struct {
    const char *name, *pattern;
    double want, shape[SHAPE_MAX][4]; /* open, high, low, close */
} SHAPES[] = {
    /* clang-format off */
    { "mat hold", "cdlmathold", 100,
      { { 100, 110, 100, 110 }, { 112, 112, 111, 111 }, { 111, 111, 109, 109.5 }, { 110, 110, 109, 109 },
        { 109.5, 113, 109, 113 } } },
    { "no gap after the first", "cdlmathold", 0,
      { { 100, 110, 100, 110 }, { 111, 112, 110, 110 }, { 110.5, 111, 109, 109.5 }, { 110, 110, 109, 109 },
        { 109.5, 113, 109, 113 } } },
    { "falls below half of the first", "cdlmathold", 0,
      { { 100, 110, 100, 110 }, { 112, 112, 111, 111 }, { 111, 111, 109, 109.5 }, { 106, 106, 104, 104.5 },
        { 109.5, 113, 109, 113 } } },
    { "closes below a high", "cdlmathold", 0,
      { { 100, 110, 100, 110 }, { 112, 114, 111, 111 }, { 111, 111, 109, 109.5 }, { 110, 110, 109, 109 },
        { 109.5, 113, 109, 113 } } },
    { "engulfing", "cdlengulfing", 100, { { 102, 103, 99, 100 }, { 99, 104, 98, 103 } } },
    { "one end is shared", "cdlengulfing", 80, { { 102, 103, 99, 100 }, { 100, 104, 98, 103 } } },
    { "both ends are", "cdlengulfing", 0, { { 102, 103, 99, 100 }, { 100, 104, 98, 102 } } },
    { "one colour", "cdlengulfing", 0, { { 100, 103, 99, 102 }, { 99, 104, 98, 103 } } },
    { "doji", "cdldoji", 100, { { 100, 102, 98, 100.25 } } },
    { "no doji", "cdldoji", 0, { { 100, 102, 98, 100.75 } } },
    { "hammer", "cdlhammer", 100, { { 99.5, 100.6, 94, 100.5 } } },
    { "with an upper shadow", "cdlhammer", 0, { { 99.5, 101.5, 94, 100.5 } } },
    { "too high for a hammer", "cdlhammer", 0, { { 102, 103.1, 96, 103 } } },
    { "hanging man", "cdlhangingman", -100, { { 102.5, 103.6, 96, 103.5 } } },
    { "morning star", "cdlmorningstar", 100,
      { { 110, 111, 99, 100 }, { 98, 99, 96, 97 }, { 98, 108, 98, 107 } } },
    { "it does not come back far enough", "cdlmorningstar", 0,
      { { 110, 111, 99, 100 }, { 98, 99, 96, 97 }, { 98, 103, 98, 102 } } },
    { "it does not stand off", "cdlmorningstar", 0,
      { { 110, 111, 99, 100 }, { 101, 102, 96, 100 }, { 98, 108, 98, 107 } } },
    { "dark cloud", "cdldarkcloudcover", -100, { { 100, 111, 99, 110 }, { 112, 113, 103, 104 } } },
    { "a light one", "cdldarkcloudcover", 0, { { 100, 111, 99, 110 }, { 112, 113, 105, 106 } } },
    { "piercing", "cdlpiercing", 100, { { 110, 111, 99, 100 }, { 98, 107, 97, 106 } } },
    { "thrusting", "cdlthrusting", -100, { { 110, 111, 99, 100 }, { 98, 104.5, 97, 104 } } },
    { "hikkake", "cdlhikkake", 100, { { 100, 106, 96, 102 }, { 101, 104, 98, 102 }, { 101, 103, 97, 100 } } },
    { "confirmed", "cdlhikkake", 200,
      { { 100, 106, 96, 102 }, { 101, 104, 98, 102 }, { 101, 103, 97, 100 }, { 100, 105, 97, 104.5 } } },
    { "closed below the inside high", "cdlhikkake", 0,
      { { 100, 106, 96, 102 }, { 101, 104, 98, 102 }, { 101, 103, 97, 100 }, { 100, 105, 97.5, 103.5 } } },
    /* clang-format on */
};

TEST(shapes_drawn_by_hand) {
    EACH_ROW (r, SHAPES) {
        double of[4][BEFORE + SHAPE_MAX], out[BEFORE + SHAPE_MAX];
        size_t n = BEFORE;
        for (size_t i = 0; i < BEFORE; i++) {
            const double plain[4] = { 100, 103, 99, 102 };
            for (int k = 0; k < 4; k++)
                of[k][i] = plain[k];
        }
        for (; n < BEFORE + SHAPE_MAX && r->shape[n - BEFORE][0] > 0; n++)
            for (int k = 0; k < 4; k++)
                of[k][n] = r->shape[n - BEFORE][k];
        ta_compute(ta_find(str_c(r->pattern)), NULL, (const double *[]){ of[0], of[1], of[2], of[3] }, n,
                   (double *[]){ out });
        CHECK_NEAR(out[n - 1], r->want, 0);
    }
}

TESTS(T(the_same_rows_as_talib), T(all_patterns_are_compared), T(shapes_drawn_by_hand))
