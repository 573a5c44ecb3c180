/* ta/patterns.c - see patterns.h. */

#include "ta/patterns.h"

/* The finite rows of the next `n` <= CANDLE_BLOCK: how many, and which they are. The columns are read before a result is
 * written: it may go over one of them. At first as if all were finite. */
static void candles_take(CandleBlock *b, const double *const *in, size_t at, size_t n) {
    DoublePair zero = { 0 };
    size_t i = 0;
    for (; i + 2 <= n; i += 2) {
        DoublePair of[C_COLUMNS];
        KERNEL_UNROLL
        for (int k = 0; k < C_COLUMNS; k++) {
            of[k] = pair_at(in[k] + at + i);
            memcpy(b->rows[k] + CANDLE_PAST + i, &of[k], sizeof of[k]);
        }
        zero += 0 * ((of[C_OPEN] + of[C_HIGH]) + (of[C_LOW] + of[C_CLOSE])); /* NaN where one is not finite */
    }
    memset(b->whole, true, sizeof b->whole);
    b->n = i = zero[0] + zero[1] == 0 ? i : 0;
    for (; i < n; i++) {
        b->whole[i] = rows_finite(in, C_COLUMNS, at + i, 1) == 1;
        for (int k = 0; k < C_COLUMNS; k++)
            b->rows[k][CANDLE_PAST + b->n] = in[k][at + i];
        b->n += b->whole[i];
    }
    for (int k = 0; k < C_COLUMNS && b->n < CANDLE_BLOCK; k++)
        b->rows[k][CANDLE_PAST + b->n] = 0; /* of half a pair */
}

/* Results of the candles that are whole to their rows. */
static void candles_give(const CandleBlock *b, const double *result, size_t n, double *out) {
    if (b->n == n) {
        memcpy(out, result, n * sizeof *out);
        return;
    }
    for (size_t i = 0, taken = 0; i < n; i++)
        out[i] = b->whole[i] ? result[taken++] : (double)NAN;
}

void candles_run(PatternState *s, void block(PatternState *s, CandleBlock *b, double *result), const double *const *in,
                 size_t n, double *out) {
    CandleBlock b;
    double result[CANDLE_BLOCK];
    for (int k = 0; k < C_COLUMNS; k++)
        memcpy(b.rows[k], s->past[k], sizeof s->past[k]);
    for (size_t at = 0, rows; at < n; at += rows) {
        rows = MIN(n - at, (size_t)CANDLE_BLOCK);
        candles_take(&b, in, at, rows);
        int64_t row = s->candles.row;
        block(s, &b, result);
        for (size_t i = 0; i < b.n && row + (int64_t)i < s->lookback; i++)
            result[i] = NAN;
        candles_give(&b, result, rows, out + at);
        for (int k = 0; k < C_COLUMNS; k++)
            memmove(b.rows[k], b.rows[k] + b.n, sizeof s->past[k]);
    }
    for (int k = 0; k < C_COLUMNS; k++)
        memcpy(s->past[k], b.rows[k], sizeof s->past[k]);
    s->candles.now = s->candles.sum = NULL; /* of the block that was */
}
