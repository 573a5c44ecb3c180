/* core/candle.c - see candle.h.
 *
 * A table is one block of memory that holds the columns one behind the other (the bytes last, so that all else
 * stays aligned); open_ms is the block's start. One allocation to make, one to grow, one to free. */

#include "core/candle.h"

#include <stdlib.h>

enum { CANDLE_COLUMNS_8 = 7, CANDLE_ROW_BYTES = CANDLE_COLUMNS_8 * 8 + 1 };

static Candles columns_in(void *block, size_t cap) {
    double *p = block;
    Candles cs = { .cap = cap, .open_ms = (int64_t *)(void *)p };
    cs.open = p + cap;
    cs.high = p + 2 * cap;
    cs.low = p + 3 * cap;
    cs.close = p + 4 * cap;
    cs.volume = p + 5 * cap;
    cs.known_ms = (int64_t *)(void *)(p + 6 * cap);
    cs.flags = (uint8_t *)(void *)(p + 7 * cap);
    return cs;
}

static void copy_rows(Candles *to, size_t at, const Candles *from, size_t first, size_t n) {
    if (n == 0)
        return;
    memcpy(to->open_ms + at, from->open_ms + first, n * sizeof *to->open_ms);
    memcpy(to->open + at, from->open + first, n * sizeof *to->open);
    memcpy(to->high + at, from->high + first, n * sizeof *to->high);
    memcpy(to->low + at, from->low + first, n * sizeof *to->low);
    memcpy(to->close + at, from->close + first, n * sizeof *to->close);
    memcpy(to->volume + at, from->volume + first, n * sizeof *to->volume);
    memcpy(to->known_ms + at, from->known_ms + first, n * sizeof *to->known_ms);
    memcpy(to->flags + at, from->flags + first, n);
}

static size_t grown_cap(const Candles *cs, size_t cap) {
    return MAX(cap, cs->cap + cs->cap / 2);
}

void candles_init(Candles *cs, Arena *arena, size_t cap) {
    *cs = (Candles){ 0 };
    if (cap > 0)
        *cs = columns_in(arena_alloc(arena, mem_mul(cap, CANDLE_ROW_BYTES)), cap);
}

void candles_reserve(Candles *cs, Arena *arena, size_t cap) {
    if (cap <= cs->cap)
        return;
    Candles grown;
    candles_init(&grown, arena, grown_cap(cs, cap));
    candles_append(&grown, cs, 0, cs->n);
    *cs = grown;
}

void candles_init_heap(Candles *cs, size_t cap) {
    *cs = (Candles){ 0 };
    if (cap > 0)
        *cs = columns_in(mem_alloc(mem_mul(cap, CANDLE_ROW_BYTES)), cap);
}

void candles_reserve_heap(Candles *cs, size_t cap) {
    if (cap <= cs->cap)
        return;
    Candles grown;
    candles_init_heap(&grown, grown_cap(cs, cap));
    candles_append(&grown, cs, 0, cs->n);
    candles_done_heap(cs);
    *cs = grown;
}

void candles_done_heap(Candles *cs) {
    mem_free(cs->open_ms);
    *cs = (Candles){ 0 };
}

Candle candles_get(const Candles *cs, size_t i) {
    assert(i < cs->n);
    return (Candle){ .open_time = time_ms(cs->open_ms[i]),
                     .open = cs->open[i],
                     .high = cs->high[i],
                     .low = cs->low[i],
                     .close = cs->close[i],
                     .volume = cs->volume[i],
                     .known_at = time_ms(cs->known_ms[i]),
                     .flags = cs->flags[i] };
}

void candles_set(Candles *cs, size_t i, const Candle *c) {
    assert(i < cs->n);
    cs->open_ms[i] = c->open_time.ms;
    cs->open[i] = c->open;
    cs->high[i] = c->high;
    cs->low[i] = c->low;
    cs->close[i] = c->close;
    cs->volume[i] = c->volume;
    cs->known_ms[i] = c->known_at.ms;
    cs->flags[i] = c->flags;
}

void candles_push(Candles *cs, const Candle *c) {
    assert(cs->n < cs->cap);
    cs->n++;
    candles_set(cs, cs->n - 1, c);
}

void candles_append(Candles *cs, const Candles *src, size_t from, size_t n) {
    assert(from <= src->n && n <= src->n - from);
    assert(n <= cs->cap - cs->n);
    copy_rows(cs, cs->n, src, from, n);
    cs->n += n;
}

Candles candles_view(const Candles *cs, size_t from, size_t n) {
    assert(from <= cs->n && n <= cs->n - from);
    if (n == 0)
        return (Candles){ 0 };
    return (Candles){ .n = n,
                      .cap = n,
                      .open_ms = cs->open_ms + from,
                      .open = cs->open + from,
                      .high = cs->high + from,
                      .low = cs->low + from,
                      .close = cs->close + from,
                      .volume = cs->volume + from,
                      .known_ms = cs->known_ms + from,
                      .flags = cs->flags + from };
}

size_t candles_lower_bound(const Candles *cs, Time t) {
    size_t lo = 0, hi = cs->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (cs->open_ms[mid] < t.ms)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

bool candles_sorted_unique(const Candles *cs) {
    for (size_t i = 1; i < cs->n; i++)
        if (cs->open_ms[i - 1] >= cs->open_ms[i])
            return false;
    return true;
}

typedef struct RowRef {
    int64_t open_ms;
    size_t row;
} RowRef;

/* By time, then by place: a total order, so that qsort's instability cannot show. */
static int row_ref_cmp(const void *a, const void *b) {
    const RowRef *x = a, *y = b;
    if (x->open_ms != y->open_ms)
        return x->open_ms < y->open_ms ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

size_t candles_sort_unique(Candles *cs, Arena *scratch) {
    if (candles_sorted_unique(cs))
        return 0;
    ArenaMark mark = arena_mark(scratch);
    RowRef *refs = arena_alloc(scratch, mem_mul(cs->n, sizeof *refs));
    for (size_t i = 0; i < cs->n; i++)
        refs[i] = (RowRef){ cs->open_ms[i], i };
    qsort(refs, cs->n, sizeof *refs, row_ref_cmp);

    Candles sorted;
    candles_init(&sorted, scratch, cs->n);
    for (size_t i = 0; i < cs->n; i++) {
        if (i + 1 < cs->n && refs[i + 1].open_ms == refs[i].open_ms)
            continue; /* a later row has the same time */
        Candle c = candles_get(cs, refs[i].row);
        candles_push(&sorted, &c);
    }
    size_t dropped = cs->n - sorted.n;
    copy_rows(cs, 0, &sorted, 0, sorted.n);
    cs->n = sorted.n;
    arena_rewind(scratch, mark);
    return dropped;
}

bool candle_same_data(const Candle *a, const Candle *b) {
    const double x[] = { a->open, a->high, a->low, a->close, a->volume };
    const double y[] = { b->open, b->high, b->low, b->close, b->volume };
    return a->open_time.ms == b->open_time.ms && memcmp(x, y, sizeof x) == 0;
}

/* --- flags as text --- */

static const char *const flag_names[] = { "open", "synthetic", "simulated", "partial" }; /* [i] names bit i */

size_t candle_flags_format(uint8_t flags, char *out) {
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(flag_names); i++) {
        if (!(flags & 1u << i))
            continue;
        if (n > 0)
            out[n++] = '+';
        size_t size = strlen(flag_names[i]);
        memcpy(out + n, flag_names[i], size);
        n += size;
    }
    return n;
}

bool candle_flags_parse(Str text, uint8_t *out) {
    uint8_t flags = 0;
    Str word;
    if (text.n == 0) {
        *out = 0;
        return true;
    }
    while (str_next(&text, '+', &word)) {
        size_t i = 0;
        while (i < ARRAY_LEN(flag_names) && !str_eq(word, str_c(flag_names[i])))
            i++;
        if (i == ARRAY_LEN(flag_names))
            return false;
        flags |= (uint8_t)(1u << i);
    }
    *out = flags;
    return true;
}
