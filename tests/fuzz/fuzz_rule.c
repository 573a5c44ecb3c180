/* backtest/rule: whatever the text, a program or a refusal with words; a program gives the same bits in blocks and
 * candle by candle, and no candle changes an earlier value. */

#include "backtest/rule/rule.h"

#include <math.h>

#include "fuzz.h"

enum { ROWS = 80, CUT = 50 };

typedef struct Market {
    int64_t open_ms[ROWS];
    double price[5][ROWS], mood[ROWS];
} Market;

static void make_market(Market *m) {
    for (int i = 0; i < ROWS; i++) {
        m->open_ms[i] = (int64_t)i * 7 * MS_PER_HOUR - MS_PER_DAY;
        for (int k = 0; k < 4; k++)
            m->price[k][i] = 100 + (i * 37 % 23) + (k == 1 ? 30 : k == 2 ? -30 : k);
        m->price[4][i] = i * 11 % 7;
        m->mood[i] = i % 5 ? i % 3 : NAN;
    }
}

static RuleInput rows_from(const Market *m, const double **extra, size_t at) {
    *extra = m->mood + at;
    return (RuleInput){
        m->open_ms + at, m->price[0] + at, m->price[1] + at, m->price[2] + at, m->price[3] + at, m->price[4] + at, extra
    };
}

static bool same_bits(double a, double b) {
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

static void run(const RuleProgram *p, const Market *m, size_t piece, double *out) {
    static const RulePosition held = { 1, 2, 110, 4, 3, 1000 };
    Arena arena = { 0 };
    const double *extra;
    RuleRun *r = rule_open(&arena, p);
    for (size_t at = 0; at < ROWS; at += piece) {
        RuleInput in = rows_from(m, &extra, at);
        size_t n = MIN(piece, ROWS - at);
        rule_feed(r, &in, n);
        for (size_t i = 0; i < n; i++)
            out[at + i] = rule_value(r, 0, i, &held);
    }
    arena_done(&arena);
}

static void check(const RuleProgram *p, bool number) {
    Market m, other;
    double whole[ROWS], single[ROWS];
    make_market(&m);
    run(p, &m, ROWS, whole);
    run(p, &m, 1, single);
    other = m;
    for (int i = CUT; i < ROWS; i++)
        for (int k = 0; k < 5; k++)
            other.price[k][i] = other.mood[i] = 1e6 - i;
    for (int i = 0; i < ROWS; i++) {
        MUST(same_bits(whole[i], single[i]));
        MUST(number || isnan(whole[i]) || whole[i] == 0 || whole[i] == 1);
    }
    run(p, &other, 7, single);
    for (int i = 0; i < CUT; i++)
        MUST(same_bits(whole[i], single[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ClockManual clock;
    Arena arena = { 0 };
    Ctx cx;
    clock_manual_init(&clock, time_ms(0));
    const Str columns[] = { S("mood") };
    const RuleParam params[] = { { S("fast"), 5 } };
    const RuleEnv env = { columns, 1, params, 1, NULL };
    for (int number = 0; number < 2; number++) {
        ctx_init(&cx, &arena, &clock.clock);
        RuleSource source = { S("fuzz"), str_n((const char *)data, size), number };
        const RuleProgram *p = NULL;
        int r = rule_compile(&cx, &env, &source, 1, &p);
        MUST(r == 0 || ((r == ERR_INVALID || r == ERR_LIMIT) && cx.err.text[0] && !p));
        if (r == 0 && rule_lookback(p) < 5000) /* long windows take time and show nothing more */
            check(p, number);
        arena_reset(&arena);
    }
    arena_done(&arena);
    return 0;
}
