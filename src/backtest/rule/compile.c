/* backtest/rule/compile.c - from the tree to nodes: names looked up, kinds checked, parameters put in their places. */

#include "backtest/rule/internal.h"

#include "base/num.h"

#include <stdio.h>

enum { ARGS_MAX = TA_INPUTS_MAX + TA_PARAMS_MAX };

typedef struct Compiler {
    RuleText text;
    const RuleEnv *env;
    RuleProgram *program;
    Arena *arena;
} Compiler;

/* Functions give a node's index, or -1 with the words in the Ctx. */
#define REFUSE(c, at, ...) (rule_refuse(&(c)->text, (at), __VA_ARGS__), -1)

static int add(Compiler *c, uint32_t at, const RuleNode *node) {
    int n = node_add(c->program, c->arena, node);
    return n >= 0 ? n : REFUSE(c, at, "the rules have more than %d parts", RULE_NODES_MAX);
}

static int constant(Compiler *c, uint32_t at, double number, bool condition) {
    return add(c, at, &(RuleNode){ .op = OP_CONST, .number = number, .condition = condition });
}

static const RuleNode *node_of(const Compiler *c, int i) {
    return &c->program->nodes[i];
}

static int compile(Compiler *c, const Tree *t);

static int compile_as(Compiler *c, const Tree *t, bool condition, const char *of) {
    int n = compile(c, t);
    if (n < 0 || node_of(c, n)->condition == condition)
        return n;
    if (condition)
        return REFUSE(c, t->at, "%s takes a condition, and this is a number; compare it with something", of);
    return REFUSE(c, t->at, "%s takes a number, and this is a condition", of);
}

/* --- names --- */

static int column_of(const RuleEnv *env, Str name) {
    for (size_t i = 0; i < env->n_columns; i++)
        if (str_eq_nocase(env->columns[i], name))
            return (int)i;
    return -1;
}

static const RuleParam *param_of(const RuleEnv *env, Str name) {
    for (size_t i = 0; i < env->n_params; i++)
        if (str_eq_nocase(env->params[i].name, name))
            return &env->params[i];
    return NULL;
}

static int unknown(Compiler *c, uint32_t at, Str name) {
    const char *near = name_nearest(c->env, name, c->arena);
    if (near)
        return REFUSE(c, at, "unknown name \"" STR_FMT "\"; did you mean \"%s\"?", STR_ARG(str_first(name, 40)), near);
    return REFUSE(c, at, "unknown name \"" STR_FMT "\"; prices are open, high, low, close and volume",
                  STR_ARG(str_first(name, 40)));
}

static int compile_call(Compiler *c, const Tree *t);

static int compile_name(Compiler *c, const Tree *t) {
    int column = column_of(c->env, t->name);
    if (column >= 0)
        return add(c, t->at, &(RuleNode){ .op = OP_EXTRA, .arg = column });
    const RuleParam *param = param_of(c->env, t->name);
    if (param && !isfinite(param->value))
        return REFUSE(c, t->at, "the parameter \"" STR_FMT "\" is no finite number", STR_ARG(t->name));
    if (param)
        return constant(c, t->at, param->value, false);
    const NameRow *row = name_find(t->name);
    if (!row && c->env->columns_later && !ta_find(t->name)) /* any place will do: no two names share a column */
        return add(c, t->at, &(RuleNode){ .op = OP_EXTRA, .arg = (int32_t)(t->name.p - c->text.source->text.p) });
    if (!row)
        return ta_find(t->name) ? compile_call(c, t) : unknown(c, t->at, t->name);
    if (row->kind == NAME_FUNCTION)
        return REFUSE(c, t->at, "%s is a function: %s", row->doc.name, row->doc.use);
    if (row->kind == NAME_CONST) {
        bool condition = str_eq(str_c(row->doc.name), S("true")) || str_eq(str_c(row->doc.name), S("false"));
        return constant(c, t->at, row->standard, condition);
    }
    return add(c, t->at, &(RuleNode){ .op = row->op, .arg = row->arg });
}

/* --- whole numbers: lags and counts of candles --- */

static int whole_number(Compiler *c, const Tree *t, int least, const char *of, int32_t *out) {
    int n = compile(c, t);
    if (n < 0)
        return -1;
    if (!node_is_const(c->program, n) || node_of(c, n)->condition)
        return REFUSE(c, t->at, "%s is a fixed number of candles, not an expression", of);
    double v = node_of(c, n)->number;
    if (!(v >= least && v <= RULE_LAG_MAX) || v != floor(v))
        return REFUSE(c, t->at, "%s is a whole number from %d to %d, not %g", of, least, RULE_LAG_MAX, v);
    *out = (int32_t)v;
    return 0;
}

static int refuse_live(Compiler *c, const Tree *t, const char *of) {
    return REFUSE(c, t->at, "%s of something that depends on the position: a position has no history here", of);
}

static int compile_lag(Compiler *c, const Tree *t) {
    int x = compile(c, t->first);
    if (x < 0)
        return -1;
    int lag = compile(c, t->second);
    if (lag < 0)
        return -1;
    if (node_is_const(c->program, lag) && node_of(c, lag)->number < 0)
        return REFUSE(c, t->second->at,
                      "a negative lag is a candle of the future, and a rule may not look ahead; [1] is the candle "
                      "before this one");
    int32_t n;
    if (whole_number(c, t->second, 0, "a lag", &n) < 0)
        return -1;
    if (node_of(c, x)->live)
        return refuse_live(c, t, "a lag");
    if (n == 0 || node_is_const(c->program, x))
        return x;
    return add(
        c, t->at,
        &(RuleNode){ .op = OP_LAG, .n_in = 1, .in = { (uint16_t)x }, .arg = n, .condition = node_of(c, x)->condition });
}

/* --- functions --- */

static size_t count_args(const Tree *call) {
    size_t n = 0;
    for (const Tree *a = call->first; a; a = a->next)
        n++;
    return n;
}

static int compile_indicator(Compiler *c, const Tree *t, const TaIndicator *ta);

/* x - x[n] */
static int compile_change(Compiler *c, const Tree *t, int x, int32_t n) {
    int before = add(c, t->at, &(RuleNode){ .op = OP_LAG, .n_in = 1, .in = { (uint16_t)x }, .arg = n });
    if (before < 0)
        return -1;
    return add(c, t->at, &(RuleNode){ .op = OP_SUB, .n_in = 2, .in = { (uint16_t)x, (uint16_t)before } });
}

static int finish_function(Compiler *c, const Tree *t, const NameRow *row, RuleNode *node) {
    bool live = false;
    for (int i = 0; i < node->n_in; i++)
        live = live || node_of(c, node->in[i])->live;
    if (live && !op_is_row(row->op))
        return refuse_live(c, t, row->doc.name);
    if (row->op == OP_SUB)
        return live ? refuse_live(c, t, row->doc.name) : compile_change(c, t, node->in[0], node->arg);
    return add(c, t->at, node);
}

static int compile_function(Compiler *c, const Tree *t, const NameRow *row) {
    if (row->instead)
        return compile_indicator(c, t, ta_find(str_c(row->instead)));
    RuleNode node = { .op = row->op, .arg = row->arg, .condition = row->condition };
    if (row->standard > 0)
        node.arg = (int32_t)row->standard;
    const Tree *arg = t->first;
    bool optional = false;
    for (const char *takes = row->takes; *takes; takes++) {
        if (*takes == '?') {
            optional = true;
            continue;
        }
        if (!arg && optional)
            break;
        if (!arg)
            return REFUSE(c, t->at, "too few arguments: %s", row->doc.use);
        if (arg->label.n)
            return REFUSE(c, arg->label_at, "%s has no named parameters: %s", row->doc.name, row->doc.use);
        if (*takes == 'n') {
            if (whole_number(c, arg, 1, "the number of candles", &node.arg) < 0)
                return -1;
        } else {
            int in = compile_as(c, arg, *takes == 'c', row->doc.name);
            if (in < 0)
                return -1;
            node.in[node.n_in++] = (uint16_t)in;
        }
        arg = arg->next;
    }
    if (arg)
        return REFUSE(c, arg->at, "too many arguments: %s", row->doc.use);
    return finish_function(c, t, row, &node);
}

/* --- indicators --- */

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
    size_t n = count_args(t);
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
        if (!is_constant && node_of(c, node)->live)
            return refuse_live(c, a, ta->name);
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
    return add(c, t->at, &(RuleNode){ .op = OP_PRICE, .arg = prices[input] });
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
        params[which] = node_of(c, args->node[arg])->number;
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
    return add(c, t->at, &node);
}

static int compile_output(Compiler *c, const Tree *t, int indicator, int output) {
    return add(c, t->at, &(RuleNode){ .op = OP_OUT, .n_in = 1, .in = { (uint16_t)indicator }, .arg = output });
}

static const char *output_names(Compiler *c, const TaIndicator *ta) {
    Str s = { 0 };
    for (int i = 0; ta->outputs[i]; i++)
        s = str_fmt(c->arena, STR_FMT "%s.%s", STR_ARG(s), i ? ", " : "", ta->outputs[i]);
    return str_cz(c->arena, s);
}

static int compile_indicator(Compiler *c, const Tree *t, const TaIndicator *ta) {
    if (ta_n_outputs(ta) > 1)
        return REFUSE(c, t->at, "%s gives several values; choose one: %s", ta->name, output_names(c, ta));
    int node = compile_indicator_node(c, t, ta);
    return node < 0 ? -1 : compile_output(c, t, node, 0);
}

static int compile_selection(Compiler *c, const Tree *t) {
    const Tree *of = t->first;
    const TaIndicator *ta = NULL;
    if (of->kind == TREE_CALL || of->kind == TREE_NAME) {
        const NameRow *row = name_find(of->name);
        ta = row ? NULL : ta_find(of->name);
        if (!row && !ta)
            return unknown(c, of->at, of->name);
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

static int compile_call(Compiler *c, const Tree *t) {
    const NameRow *row = name_find(t->name);
    if (row && row->kind != NAME_FUNCTION)
        return REFUSE(c, t->at, "%s is not a function", row->doc.name);
    if (row)
        return compile_function(c, t, row);
    const TaIndicator *ta = ta_find(t->name);
    return ta ? compile_indicator(c, t, ta) : unknown(c, t->at, t->name);
}

/* --- operators --- */

static int compile_operator(Compiler *c, const Tree *t) {
    static const char *const names[] = {
        [OP_NEG] = "-", [OP_NOT] = "not", [OP_ADD] = "+", [OP_SUB] = "-",   [OP_MUL] = "*",
        [OP_DIV] = "/", [OP_MOD] = "%",   [OP_LT] = "<",  [OP_LE] = "<=",   [OP_GT] = ">",
        [OP_GE] = ">=", [OP_EQ] = "==",   [OP_NE] = "!=", [OP_AND] = "and", [OP_OR] = "or",
    };
    bool logic = t->op == OP_NOT || t->op == OP_AND || t->op == OP_OR;
    RuleNode node = { .op = t->op, .condition = logic || (t->op >= OP_LT && t->op <= OP_NE) };
    const Tree *sides[] = { t->first, t->second };
    for (int i = 0; i < 2 && sides[i]; i++) {
        int in = compile_as(c, sides[i], logic, names[t->op]);
        if (in < 0)
            return -1;
        node.in[node.n_in++] = (uint16_t)in;
    }
    int n = add(c, t->at, &node);
    if (n >= 0 && node_is_const(c->program, n) && !isfinite(node_of(c, n)->number))
        return REFUSE(c, t->at, "this is no finite number");
    return n;
}

static int compile(Compiler *c, const Tree *t) {
    switch (t->kind) {
    case TREE_NUMBER:
        return constant(c, t->at, t->number, false);
    case TREE_NAME:
        return compile_name(c, t);
    case TREE_CALL:
        return compile_call(c, t);
    case TREE_OUTPUT:
        return compile_selection(c, t);
    case TREE_LAG:
        return compile_lag(c, t);
    default:
        return compile_operator(c, t);
    }
}

/* --- programs --- */

/* What a root needs when it is asked for: live nodes, in an order in which inputs come first (that of their indices),
 * and the columns they read. */
static void list_needs(RuleProgram *p, Arena *arena, RuleRoot *root) {
    bool *needed = arena_new_n(arena, bool, p->n_nodes);
    uint16_t *live = arena_new_n(arena, uint16_t, p->n_nodes), *market = arena_new_n(arena, uint16_t, p->n_nodes);
    needed[root->node] = true;
    for (size_t i = root->node + 1u; i-- > 0;)
        for (int k = 0; needed[i] && p->nodes[i].live && k < p->nodes[i].n_in; k++)
            needed[p->nodes[i].in[k]] = true;
    for (size_t i = 0; i <= root->node; i++) {
        if (needed[i] && p->nodes[i].live)
            live[root->n_live++] = (uint16_t)i;
        else if (needed[i])
            market[root->n_market++] = (uint16_t)i;
    }
    root->live = live;
    root->market = market;
}

static void list_exports(RuleProgram *p, Arena *arena) {
    p->exports = arena_new_n(arena, uint16_t, p->n_nodes);
    for (size_t k = 0; k < p->n_roots; k++)
        for (size_t i = 0; i < p->roots[k].n_market; i++) {
            RuleNode *node = &p->nodes[p->roots[k].market[i]];
            if (node->export_at >= 0)
                continue;
            node->export_at = (int32_t)p->n_exports;
            p->exports[p->n_exports++] = p->roots[k].market[i];
        }
}

static int compile_source(Compiler *c, const RuleSource *source) {
    Tree *tree = NULL;
    c->text.source = source;
    int r = rule_parse(&c->text, &tree);
    if (r < 0)
        return r;
    int node = compile(c, tree);
    if (node < 0)
        return c->text.cx->err.code;
    if (node_of(c, node)->condition == source->number)
        return rule_refuse(&c->text, tree->at,
                           source->number ? "a number is wanted here, and this is a condition"
                                          : "a rule is a condition, and this is a number; compare it with something");
    if (node_is_const(c->program, node) && !isfinite(node_of(c, node)->number))
        return rule_refuse(&c->text, tree->at, "this is no finite number");
    c->program->roots[c->program->n_roots++] = (RuleRoot){ .node = (uint16_t)node };
    return 0;
}

/* The windows are opened once here, so that a program that compiles can be run. */
static int check_state(Compiler *c) {
    Arena scratch = { 0 };
    const RuleProgram *p = c->program;
    size_t used = 0;
    for (size_t i = 0; i < p->n_nodes && used <= RULE_STATE_MAX; i++) {
        const RuleNode *n = &p->nodes[i];
        if (n->op == OP_TA) {
            ta_open(&scratch, n->ta, n->params);
            used += scratch.used;
            arena_reset(&scratch);
        } else if (n->op == OP_LAG || n->op == OP_COUNT) {
            used += (size_t)n->arg * sizeof(double);
        }
    }
    arena_done(&scratch);
    if (used <= RULE_STATE_MAX)
        return 0;
    return err_set(c->text.cx, ERR_LIMIT, "the rules remember more than %d MiB of candles; use shorter periods",
                   RULE_STATE_MAX >> 20);
}

int rule_compile(Ctx *cx, const RuleEnv *env, const RuleSource *sources, size_t n, const RuleProgram **out) {
    static const RuleEnv nothing = { 0 };
    if (n == 0 || n > RULE_SOURCES_MAX)
        return err_set(cx, ERR_LIMIT, "%zu rules; there may be 1 to %d", n, RULE_SOURCES_MAX);
    Compiler c = { .text = { .cx = cx }, .env = env ? env : &nothing, .arena = cx->arena };
    c.program = arena_new(cx->arena, RuleProgram);
    c.program->zone = c.env->zone ? c.env->zone : tz_utc();
    c.program->n_columns = c.env->n_columns;
    c.program->unbound = c.env->columns_later;
    for (size_t i = 0; i < n; i++) {
        int r = compile_source(&c, &sources[i]);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < n; i++) {
        RuleRoot *root = &c.program->roots[i];
        list_needs(c.program, cx->arena, root);
        c.program->lookback = MAX(c.program->lookback, c.program->nodes[root->node].lookback);
    }
    list_exports(c.program, cx->arena);
    int r = check_state(&c);
    if (r < 0)
        return r;
    *out = c.program;
    return 0;
}

size_t rule_n_sources(const RuleProgram *p) {
    return p->n_roots;
}

size_t rule_n_exports(const RuleProgram *p) {
    return p->n_exports;
}

size_t rule_lookback(const RuleProgram *p) {
    return p->lookback;
}

bool rule_is_live(const RuleProgram *p, size_t source) {
    assert(source < p->n_roots);
    return p->roots[source].n_live > 0;
}

bool rule_uses_column(const RuleProgram *p, size_t column) {
    for (size_t i = 0; i < p->n_nodes; i++)
        if (p->nodes[i].op == OP_EXTRA && (size_t)p->nodes[i].arg == column)
            return true;
    return false;
}

bool rule_any_live(const RuleProgram *p) {
    for (size_t i = 0; i < p->n_roots; i++)
        if (p->roots[i].n_live)
            return true;
    return false;
}

size_t rule_n_nodes(const RuleProgram *p) {
    return p->n_nodes;
}

bool rule_is_recursive(const RuleProgram *p) {
    return p->recursive;
}
