/* backtest/steps.c - see steps.h. */

#include "backtest/steps.h"

#include <string.h>

enum { STEPS_ASSETS_MAX = 256 };

void steps_init(Steps *s, Arena *arena, const int64_t *const *times, const size_t *lengths, size_t n_assets) {
    assert(n_assets > 0 && n_assets <= STEPS_ASSETS_MAX);
    *s = (Steps){ .step = SIZE_MAX, .times = times, .lengths = lengths, .n_assets = n_assets };
    s->begun = arena_new_n(arena, bool, n_assets);
    s->fresh = arena_new_n(arena, bool, n_assets);
    s->row = arena_new_n(arena, size_t, n_assets);
}

static size_t next_row(const Steps *s, size_t a) {
    return s->begun[a] ? s->row[a] + 1 : 0;
}

bool steps_next(Steps *s) {
    int64_t least = INT64_MAX;
    bool any = false;
    for (size_t a = 0; a < s->n_assets; a++) {
        size_t row = next_row(s, a);
        if (row < s->lengths[a] && (!any || s->times[a][row] < least)) {
            least = s->times[a][row];
            any = true;
        }
    }
    if (!any)
        return false;
    for (size_t a = 0; a < s->n_assets; a++) {
        size_t row = next_row(s, a);
        s->fresh[a] = row < s->lengths[a] && s->times[a][row] <= least;
        if (s->fresh[a]) {
            s->row[a] = row;
            s->begun[a] = true;
        }
    }
    s->time_ms = least;
    s->step++;
    return true;
}

size_t steps_count(const int64_t *const *times, const size_t *lengths, size_t n_assets) {
    if (n_assets == 1)
        return lengths[0];
    size_t at[STEPS_ASSETS_MAX] = { 0 }, n = 0;
    assert(n_assets <= STEPS_ASSETS_MAX);
    for (;; n++) {
        int64_t least = INT64_MAX;
        bool any = false;
        for (size_t a = 0; a < n_assets; a++)
            if (at[a] < lengths[a] && (!any || times[a][at[a]] < least)) {
                least = times[a][at[a]];
                any = true;
            }
        if (!any)
            return n;
        for (size_t a = 0; a < n_assets; a++)
            at[a] += at[a] < lengths[a] && times[a][at[a]] <= least;
    }
}
