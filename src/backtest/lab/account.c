/* backtest/lab/account.c - see account.h.
 *
 * The pass over the closes needs for each candle a return (one division) and, for the drawdown, the running peak, which
 * hangs from one candle to the next. The peak is taken 32 candles at a time: where the least value of such a piece lies
 * above `worst` times the greatest value met, no new deepest drawdown can be in it, and that is nearly always. */

#include "backtest/lab/account.h"

#include <math.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { STRIDE = 32 };

void account_init(Account *a, const AccountRules *rules) {
    *a = (Account){ .cash = rules->cash, .equity = rules->cash, .peak = rules->cash, .worst = 1 };
}

bool account_has_avx2(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2");
#else
    return false;
#endif
}

/* --- value --- */

static inline void add_return(Account *a, double equity) {
    double r = equity / a->equity - 1;
    a->returns.sum += r;
    a->returns.squares += r * r;
    a->equity = equity;
}

static inline void add_level(Account *a, double equity) {
    if (equity > a->peak)
        a->peak = equity;
    else if (equity < a->worst * a->peak)
        a->worst = equity / a->peak;
}

/* The greatest and least of a piece are known; walks it only where a new deepest drawdown may be. */
static inline void add_levels(Account *a, const double *close, size_t n, double high, double low) {
    double peak = MAX(a->peak, high);
    if (LIKELY(low >= a->worst * peak)) {
        a->peak = peak;
        return;
    }
    for (size_t i = 0; i < n; i++)
        add_level(a, a->cash + a->size * close[i]);
}

/* Sums of one stride in four lanes: the order in which the vector unit adds. */
typedef struct Lanes {
    double sum[4], squares[4];
} Lanes;

static inline void add_tail(const Account *a, const double *close, size_t from, size_t n, Lanes *l, double *high,
                            double *low) {
    for (size_t i = from; i < n; i++) {
        double equity = a->cash + a->size * close[i], r = equity / (a->cash + a->size * close[i - 1]) - 1;
        l->sum[i & 3] += r;
        l->squares[i & 3] += r * r;
        *high = MAX(*high, equity);
        *low = MIN(*low, equity);
    }
}

static inline void add_lanes(Account *a, const Lanes *l) {
    a->returns.sum += (l->sum[0] + l->sum[1]) + (l->sum[2] + l->sum[3]);
    a->returns.squares += (l->squares[0] + l->squares[1]) + (l->squares[2] + l->squares[3]);
}

/* n candles, at most STRIDE; close[-1] is the close before them and was valued with the same position. */
static void value_plain(Account *a, const double *close, size_t n) {
    Lanes l = { 0 };
    double high = -INFINITY, low = INFINITY;
    size_t whole = n & ~(size_t)3;
    const double *before = close - 1;
    for (size_t i = 0; i < whole; i += 4)
        for (size_t k = 0; k < 4; k++) {
            double equity = a->cash + a->size * close[i + k], r = equity / (a->cash + a->size * before[i + k]) - 1;
            l.sum[k] += r;
            l.squares[k] += r * r;
            high = MAX(high, equity);
            low = MIN(low, equity);
        }
    add_tail(a, close, whole, n, &l, &high, &low);
    add_lanes(a, &l);
    add_levels(a, close, n, high, low);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void value_avx2(Account *a, const double *close, size_t n) {
    __m256d cash = _mm256_set1_pd(a->cash), size = _mm256_set1_pd(a->size), one = _mm256_set1_pd(1);
    __m256d sum = _mm256_setzero_pd(), squares = sum, top = _mm256_set1_pd(-INFINITY),
            bottom = _mm256_set1_pd(INFINITY);
    size_t whole = n & ~(size_t)3;
    for (size_t i = 0; i < whole; i += 4) {
        __m256d equity = _mm256_add_pd(cash, _mm256_mul_pd(size, _mm256_loadu_pd(close + i)));
        __m256d before = _mm256_add_pd(cash, _mm256_mul_pd(size, _mm256_loadu_pd(close + i - 1)));
        __m256d r = _mm256_sub_pd(_mm256_div_pd(equity, before), one);
        sum = _mm256_add_pd(sum, r);
        squares = _mm256_add_pd(squares, _mm256_mul_pd(r, r));
        top = _mm256_max_pd(top, equity);
        bottom = _mm256_min_pd(bottom, equity);
    }
    Lanes l;
    double t[4], b[4];
    _mm256_storeu_pd(l.sum, sum);
    _mm256_storeu_pd(l.squares, squares);
    _mm256_storeu_pd(t, top);
    _mm256_storeu_pd(b, bottom);
    double high = MAX(MAX(t[0], t[1]), MAX(t[2], t[3])), low = MIN(MIN(b[0], b[1]), MIN(b[2], b[3]));
    add_tail(a, close, whole, n, &l, &high, &low);
    add_lanes(a, &l);
    add_levels(a, close, n, high, low);
}
#endif

/* Candles [from, to) that close with the present position. The first follows an equity of another position. */
static void value(Account *a, const AccountRules *rules, const double *close, size_t from, size_t to) {
    double equity = a->cash + a->size * close[from];
    add_return(a, equity);
    add_level(a, equity);
    a->n_long += (uint32_t)(to - from);
    for (size_t i = from + 1; i < to; i += STRIDE) {
        size_t n = MIN(to - i, (size_t)STRIDE);
#if defined(__x86_64__)
        if (rules->avx2) {
            value_avx2(a, close + i, n);
            continue;
        }
#endif
        value_plain(a, close + i, n);
    }
    a->equity = a->cash + a->size * close[to - 1];
    UNUSED(rules);
}

/* --- orders --- */

/* Sums are taken in the engine's order, so that they agree to the last bit where one decides something (cash < 0). */
static double fee(const AccountRules *rules, double units, double price) {
    return rules->fee_per_unit > 0 ? units * rules->fee_per_unit : units * rules->fee_rate * price;
}

static double cash_after(const Account *a, const AccountRules *rules, double units, double price) {
    double cash = a->cash - units * price;
    return cash - fee(rules, units, price);
}

static double slip(const AccountRules *rules, double price, double sign, double limit) {
    double slipped = price * (1 + sign * rules->slip_rate) + sign * rules->slip_amount;
    return sign > 0 ? MIN(slipped, limit) : MAX(slipped, limit);
}

static void fill_buy(Account *a, const AccountRules *rules, const AccountMarket *m, size_t t) {
    double at_signal = m->close[t - 1], units = a->pending_size;
    double price = rules->at_close ? at_signal : slip(rules, m->open[t], 1, m->high[t]);
    double cash = cash_after(a, rules, units, price);
    if (cash_after(a, rules, units, at_signal) < 0 || cash < 0) {
        a->n_refused++;
        return;
    }
    a->cash = cash;
    a->size = units;
    a->entry_price = price;
    a->entry_fee = fee(rules, units, price);
    a->fees += a->entry_fee;
}

static void fill_sell(Account *a, const AccountRules *rules, const AccountMarket *m, size_t t) {
    double price = rules->at_close ? m->close[t - 1] : slip(rules, m->open[t], -1, m->low[t]);
    double gain = a->size * (price - a->entry_price), paid = fee(rules, a->size, price);
    double net = gain - (a->entry_fee + paid), cash = a->cash + (a->size * a->entry_price + gain);
    a->cash = cash - paid;
    a->size = 0;
    a->fees += paid;
    a->n_trades++;
    if (net > 0)
        a->n_won++, a->won += net;
    else if (net < 0)
        a->n_lost++, a->lost -= net;
    add_return(a, a->cash);
    add_level(a, a->cash);
}

static double order_size(const Account *a, const AccountRules *rules, double close) {
    switch (rules->sizing) {
    case ACCOUNT_UNITS:
        return rules->size;
    case ACCOUNT_MONEY:
        return rules->size / close;
    default:
        return a->cash * rules->size / close;
    }
}

/* First set bit at `from` or behind, `to` if there is none before it. */
static inline size_t next_bit(const uint64_t *bits, size_t from, size_t to) {
    if (from >= to)
        return to;
    size_t word = from / 64;
    uint64_t w = bits[word] >> (from % 64) << (from % 64);
    while (w == 0) {
        if (++word * 64 >= to)
            return to;
        w = bits[word];
    }
    return MIN(word * 64 + (size_t)__builtin_ctzll(w), to);
}

void account_run(Account *a, const AccountRules *rules, const AccountMarket *m, size_t base, const uint64_t *buy,
                 const uint64_t *sell, size_t from, size_t to) {
    assert(base <= from && to <= base + ACCOUNT_PIECE && to <= m->n);
    for (size_t t = from; t < to;) {
        if (a->pending) {
            (a->pending == PENDING_BUY ? fill_buy : fill_sell)(a, rules, m, t);
            a->pending = PENDING_NONE;
        }
        bool long_now = a->size != 0;
        size_t at = base + next_bit(long_now ? sell : buy, t - base, to - base), end = MIN(at + 1, to);
        if (long_now)
            value(a, rules, m->close, t, end);
        if (at < to) {
            a->pending = long_now ? PENDING_SELL : PENDING_BUY;
            if (!long_now)
                a->pending_size = order_size(a, rules, m->close[at]);
        }
        t = end;
    }
}

/* --- signals --- */

static void compare_plain(const double *a, const double *b, size_t n, uint64_t *above, uint64_t *below) {
    for (size_t i = 0; i < n; i++) {
        above[i / 64] |= (uint64_t)(a[i] > b[i]) << (i % 64);
        below[i / 64] |= (uint64_t)(a[i] < b[i]) << (i % 64);
    }
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void compare_avx2(const double *a, const double *b, size_t n, uint64_t *above,
                                                         uint64_t *below) {
    size_t whole = n & ~(size_t)3;
    for (size_t i = 0; i < whole; i += 4) {
        __m256d x = _mm256_loadu_pd(a + i), y = _mm256_loadu_pd(b + i);
        above[i / 64] |= (uint64_t)_mm256_movemask_pd(_mm256_cmp_pd(x, y, _CMP_GT_OQ)) << (i % 64);
        below[i / 64] |= (uint64_t)_mm256_movemask_pd(_mm256_cmp_pd(x, y, _CMP_LT_OQ)) << (i % 64);
    }
    for (size_t i = whole; i < n; i++) {
        above[i / 64] |= (uint64_t)(a[i] > b[i]) << (i % 64);
        below[i / 64] |= (uint64_t)(a[i] < b[i]) << (i % 64);
    }
}
#endif

void account_cross_bits(const double *a, const double *b, size_t n, bool avx2, int8_t *sign, uint64_t *buy,
                        uint64_t *sell) {
    uint64_t above[ACCOUNT_WORDS] = { 0 }, below[ACCOUNT_WORDS] = { 0 };
    assert(n <= ACCOUNT_PIECE);
#if defined(__x86_64__)
    if (avx2)
        compare_avx2(a, b, n, above, below);
    else
#endif
        compare_plain(a, b, n, above, below);
    memset(buy, 0, ACCOUNT_WORDS * sizeof *buy);
    memset(sell, 0, ACCOUNT_WORDS * sizeof *sell);
    int8_t s = *sign;
    for (size_t i = 0; i < n;) { /* from change of sign to change of sign */
        size_t up = s > 0 ? n : next_bit(above, i, n), down = s < 0 ? n : next_bit(below, i, n), at = MIN(up, down);
        if (at == n)
            break;
        if (s != 0)
            (up < down ? buy : sell)[at / 64] |= UINT64_C(1) << (at % 64);
        s = up < down ? 1 : -1;
        i = at + 1;
    }
    *sign = s;
    UNUSED(avx2);
}

void account_compare_bits(const double *a, const double *b, double number, bool below, size_t n, uint64_t *bits) {
    assert(n <= ACCOUNT_PIECE);
    memset(bits, 0, ACCOUNT_WORDS * sizeof *bits);
    double sign = below ? -1 : 1; /* exact: a < b and -a > -b are the same */
    for (size_t from = 0; from < n; from += 64) {
        uint64_t word = 0;
        for (size_t k = 0; k < MIN(n - from, (size_t)64); k++)
            word |= (uint64_t)(sign * a[from + k] > sign * (b ? b[from + k] : number)) << k;
        bits[from / 64] = word;
    }
}
