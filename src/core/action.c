/* core/action.c - see action.h. */

#include "core/action.h"

static const char *const names[] = { "split", "dividend" };

const char *action_kind_name(ActionKind kind) {
    assert((size_t)kind < ARRAY_LEN(names));
    return names[kind];
}

bool action_kind_parse(Str text, ActionKind *out) {
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(text, str_c(names[i]))) {
            *out = (ActionKind)i;
            return true;
        }
    return false;
}

bool action_valid(const CorporateAction *a) {
    return a->instrument.s[0] && a->value.mantissa > 0 && a->ex.ms > TIME_ISO_MIN.ms && a->ex.ms < TIME_ISO_MAX.ms;
}

size_t adjust_steps(const CorporateAction *actions, size_t n, Adjustment how, const double *close_before,
                    AdjustStep *steps, size_t *left_out) {
    double price = 1, volume = 1;
    size_t n_steps = 0;
    *left_out = 0;
    for (size_t i = n; i-- > 0;) { /* from the newest, so that factors compound towards the past */
        double value = decimal_to_f64(actions[i].value);
        if (actions[i].kind == ACTION_SPLIT) {
            price /= value;
            volume *= value;
        } else if (how != ADJUST_ALL) {
            continue;
        } else if (!(close_before[i] > value)) {
            ++*left_out;
            continue;
        } else {
            price *= 1 - value / close_before[i];
        }
        steps[n_steps++] = (AdjustStep){ actions[i].ex, price, volume };
    }
    for (size_t i = 0; i < n_steps / 2; i++) {
        AdjustStep first = steps[i];
        steps[i] = steps[n_steps - 1 - i];
        steps[n_steps - 1 - i] = first;
    }
    return n_steps;
}

void adjust_candles(Candles *rows, const AdjustStep *steps, size_t n) {
    size_t at = 0;
    for (size_t i = 0; i < rows->n; i++) {
        while (at < n && steps[at].ex.ms <= rows->open_ms[i])
            at++;
        if (at == n)
            return; /* in today's money from here on */
        rows->open[i] *= steps[at].price;
        rows->high[i] *= steps[at].price;
        rows->low[i] *= steps[at].price;
        rows->close[i] *= steps[at].price;
        rows->volume[i] *= steps[at].volume;
    }
}
