/* backtest/rule/compile_indicator.c - indicators in rules: arguments put in their places, outputs chosen. */

#include "backtest/rule/compile.h"

#include "base/num.h"

enum { ARGS_MAX = TA_INPUTS_MAX + TA_PARAMS_MAX };

typedef struct Args {
    const Tree *tree[ARGS_MAX];
    int node[ARGS_MAX]; /* -1: the name of an average */
    size_t n, n_series; /* the first n_series are columns */
} Args;

static const char *const AVERAGES[TA_AVERAGES] = { "sma", "ema", "wma", "dema", "tema", "trima", "kama", "mama", "t3" };

static bool average_named(Str name, double *out) {
    for (int i = 0; i < TA_AVERAGES; i++)
        if (str_eq_nocase(name, str_c(AVERAGES[i]))) {
            *out = i;
            return true;
        }
    return false;
}

static bool takes_average(const TaIndicator *ta) {
    for (int i = 0; ta->params[i].name; i++)
        if (ta->params[i].kind == TA_AVERAGE)
            return true;
    return false;
}

/* "bbands(x, period = 5, up = 2, down = 2, average = sma)" */
static const char *usage(Compiler *c, const TaIndicator *ta) {
    static const char *const inputs[] = {
        [TA_OPEN] = "open",     [TA_HIGH] = "high", [TA_LOW] = "low", [TA_CLOSE] = "close",
        [TA_VOLUME] = "volume", [TA_X] = "x",       [TA_Y] = "y",     [TA_PERIODS] = "periods",
    };
    Str s = str_fmt(c->arena, "%s(", ta->name);
    const char *comma = "";
    for (int i = 0; ta->inputs[i] != TA_END; i++, comma = ", ")
        if (ta->inputs[i] >= TA_X)
            s = str_fmt(c->arena, STR_FMT "%s%s", STR_ARG(s), comma, inputs[ta->inputs[i]]);
    if (!*comma || ta->inputs[0] < TA_X)
        comma = "";
    for (int i = 0; ta->params[i].name; i++, comma = ", ") {
        const TaParam *p = &ta->params[i];
        if (p->kind == TA_AVERAGE)
            s = str_fmt(c->arena, STR_FMT "%s%s = %s", STR_ARG(s), comma, p->name, AVERAGES[(int)p->standard]);
        else
            s = str_fmt(c->arena, STR_FMT "%s%s = %g", STR_ARG(s), comma, p->name, p->standard);
    }
    return str_cz(c->arena, str_fmt(c->arena, STR_FMT ")", STR_ARG(s)));
}

static int gather_args(Compiler *c, const Tree *t, const TaIndicator *ta, Args *args) {
    size_t n = compile_count(t);
    if (n > ARGS_MAX)
        return REFUSE(c, t->at, "too many arguments: %s", usage(c, ta));
    bool series = true, named = false;
    for (const Tree *a = t->first; a; a = a->next) {
        double unused;
        args->tree[args->n] = a;
        bool average = a->kind == TREE_NAME && takes_average(ta) && average_named(a->name, &unused);
        int node = average ? -1 : compile_as(c, a, false, ta->name);
        if (!average && node < 0)
            return -1;
        bool is_constant = average || node_is_const(c->program, node);
        if (!is_constant && compiled(c, node)->live)
            return compile_refuse_live(c, a, ta->name);
        if (!is_constant && (!series || a->label.n))
            return REFUSE(c, a->at, "a parameter is a fixed number, and this changes from candle to candle: %s",
                          usage(c, ta));
        if (is_constant && !a->label.n && named)
            return REFUSE(c, a->at, "plain arguments come before named ones: %s", usage(c, ta));
        named = named || a->label.n;
        series = series && !is_constant;
        args->node[args->n++] = node;
        args->n_series += !is_constant;
    }
    return 0;
}

static int price_input(Compiler *c, const Tree *t, TaInput input) {
    static const int8_t prices[] = { [TA_OPEN] = PRICE_OPEN,   [TA_HIGH] = PRICE_HIGH,     [TA_LOW] = PRICE_LOW,
                                     [TA_CLOSE] = PRICE_CLOSE, [TA_VOLUME] = PRICE_VOLUME, [TA_X] = PRICE_CLOSE };
    return compile_add(c, t->at, &(RuleNode){ .op = OP_PRICE, .arg = prices[input] });
}

/* The columns: all of them named, only those of the rule's own choice (x, y), or none. */
static int place_inputs(Compiler *c, const Tree *t, const TaIndicator *ta, const Args *args, RuleNode *node) {
    size_t n_inputs = ta_n_inputs(ta), n_free = 0;
    bool has_standard = true;
    for (size_t i = 0; i < n_inputs; i++) {
        n_free += ta->inputs[i] >= TA_X;
        has_standard = has_standard && ta->inputs[i] <= TA_X;
    }
    size_t given = args->n_series;
    if (given != n_inputs && given != n_free && !(given == 0 && has_standard)) {
        if (given < n_free)
            return REFUSE(c, t->at, "too few columns: %s", usage(c, ta));
        return REFUSE(c, args->tree[n_free]->at, "too many columns: %s", usage(c, ta));
    }
    size_t at = 0;
    for (size_t i = 0; i < n_inputs; i++) {
        bool own = given == n_inputs || (given > 0 && ta->inputs[i] >= TA_X);
        int in = own ? args->node[at++] : price_input(c, t, ta->inputs[i]);
        if (in < 0)
            return -1;
        node->in[node->n_in++] = (uint16_t)in;
    }
    return 0;
}

static int param_index(const TaIndicator *ta, Str name) {
    for (int i = 0; ta->params[i].name; i++)
        if (str_eq_nocase(name, str_c(ta->params[i].name)))
            return i;
    return -1;
}

static int place_param(Compiler *c, const TaIndicator *ta, const Args *args, size_t arg, int which, double *params) {
    const Tree *a = args->tree[arg];
    const TaParam *p = &ta->params[which];
    if (args->node[arg] >= 0) {
        params[which] = compiled(c, args->node[arg])->number;
    } else if (p->kind != TA_AVERAGE || !average_named(a->name, &params[which])) {
        return REFUSE(c, a->at, "%s of %s is a number, not the name of an average", p->name, ta->name);
    }
    double standard[TA_PARAMS_MAX]; /* one at a time, so that this one is blamed */
    ta_standard_params(ta, standard);
    standard[which] = params[which];
    if (ta_bad_param(ta, standard) < 0)
        return 0;
    if (p->kind == TA_REAL)
        return REFUSE(c, a->at, "%s of %s is a number from %g to %g, not %g", p->name, ta->name, p->min, p->max,
                      params[which]);
    if (p->kind == TA_AVERAGE)
        return REFUSE(c, a->at, "%s of %s is one of sma, ema, wma, dema, tema, trima, kama, t3", p->name, ta->name);
    return REFUSE(c, a->at, "%s of %s is a whole number from %g to %g, not %g", p->name, ta->name, p->min, p->max,
                  params[which]);
}

/* Bands that are asked for with one width have it on both sides. */
static void mirror_width(const TaIndicator *ta, const bool *given, double *params) {
    int up = param_index(ta, S("up")), down = param_index(ta, S("down"));
    if (up >= 0 && down >= 0 && given[up] && !given[down])
        params[down] = params[up];
}

static int place_params(Compiler *c, const Tree *t, const TaIndicator *ta, const Args *args, double *params) {
    bool given[TA_PARAMS_MAX] = { 0 };
    size_t n_params = ta_n_params(ta);
    ta_standard_params(ta, params);
    for (size_t arg = args->n_series, next = 0; arg < args->n; arg++) {
        const Tree *a = args->tree[arg];
        int which = a->label.n ? param_index(ta, a->label) : next < n_params ? (int)next++ : -1;
        if (which < 0 && a->label.n)
            return REFUSE(c, a->label_at, "%s has no parameter \"" STR_FMT "\": %s", ta->name,
                          STR_ARG(str_first(a->label, 40)), usage(c, ta));
        if (which < 0)
            return REFUSE(c, a->at, "too many parameters: %s", usage(c, ta));
        if (given[which])
            return REFUSE(c, a->label_at, "%s is given twice", ta->params[which].name);
        given[which] = true;
        if (place_param(c, ta, args, arg, which, params) < 0)
            return -1;
    }
    mirror_width(ta, given, params);
    int bad = ta_bad_param(ta, params);
    if (bad >= 0)
        return REFUSE(c, t->at, "%s of %s does not go with the others: %s", ta->params[bad].name, ta->name,
                      usage(c, ta));
    return 0;
}

/* The OP_TA itself: its outputs are for the caller to choose. */
static int compile_indicator_node(Compiler *c, const Tree *t, const TaIndicator *ta) {
    Args args = { 0 };
    RuleNode node = { .op = OP_TA, .ta = ta };
    double *params = arena_new_n(c->arena, double, TA_PARAMS_MAX);
    if (gather_args(c, t, ta, &args) < 0 || place_inputs(c, t, ta, &args, &node) < 0 ||
        place_params(c, t, ta, &args, params) < 0)
        return -1;
    node.params = params;
    c->program->recursive = c->program->recursive || ta->recursive;
    return compile_add(c, t->at, &node);
}

static int compile_output(Compiler *c, const Tree *t, int indicator, int output) {
    return compile_add(c, t->at, &(RuleNode){ .op = OP_OUT, .n_in = 1, .in = { (uint16_t)indicator }, .arg = output });
}

static const char *output_names(Compiler *c, const TaIndicator *ta) {
    Str s = { 0 };
    for (int i = 0; ta->outputs[i]; i++)
        s = str_fmt(c->arena, STR_FMT "%s.%s", STR_ARG(s), i ? ", " : "", ta->outputs[i]);
    return str_cz(c->arena, s);
}

int compile_indicator(Compiler *c, const Tree *t, const TaIndicator *ta) {
    if (ta_n_outputs(ta) > 1)
        return REFUSE(c, t->at, "%s gives several values; choose one: %s", ta->name, output_names(c, ta));
    int node = compile_indicator_node(c, t, ta);
    return node < 0 ? -1 : compile_output(c, t, node, 0);
}

int compile_selection(Compiler *c, const Tree *t) {
    const Tree *of = t->first;
    const TaIndicator *ta = NULL;
    if (of->kind == TREE_CALL || of->kind == TREE_NAME) {
        const NameRow *row = name_find(of->name);
        ta = row ? NULL : ta_find(of->name);
        if (!row && !ta)
            return compile_unknown(c, of->at, of->name);
    }
    if (!ta)
        return REFUSE(c, t->at, "only an indicator has outputs: bbands(close, 20, 2).upper");
    for (int i = 0; ta->outputs[i]; i++)
        if (str_eq_nocase(t->name, str_c(ta->outputs[i]))) {
            int node = compile_indicator_node(c, of, ta);
            return node < 0 ? -1 : compile_output(c, t, node, i);
        }
    return REFUSE(c, t->at, "%s has no output \"" STR_FMT "\"; it has %s", ta->name, STR_ARG(str_first(t->name, 40)),
                  output_names(c, ta));
}
