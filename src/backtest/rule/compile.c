/* backtest/rule/compile.c - from the tree to nodes: names looked up, kinds checked, parameters put in their places. */

#include "backtest/rule/compile.h"

int compile_add(Compiler *c, uint32_t at, const RuleNode *node) {
    int n = node_add(c->program, c->arena, node);
    return n >= 0 ? n : REFUSE(c, at, "the rules have more than %d parts", RULE_NODES_MAX);
}

static int constant(Compiler *c, uint32_t at, double number, bool condition) {
    return compile_add(c, at, &(RuleNode){ .op = OP_CONST, .number = number, .condition = condition });
}

const RuleNode *compiled(const Compiler *c, int i) {
    return &c->program->nodes[i];
}

int compile_as(Compiler *c, const Tree *t, bool condition, const char *of) {
    int n = compile_tree(c, t);
    if (n < 0 || compiled(c, n)->condition == condition)
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

int compile_unknown(Compiler *c, uint32_t at, Str name) {
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
        return compile_add(c, t->at, &(RuleNode){ .op = OP_EXTRA, .arg = column });
    const RuleParam *param = param_of(c->env, t->name);
    if (param && !isfinite(param->value))
        return REFUSE(c, t->at, "the parameter \"" STR_FMT "\" is no finite number", STR_ARG(t->name));
    if (param)
        return constant(c, t->at, param->value, false);
    const NameRow *row = name_find(t->name);
    if (!row && c->env->columns_later && !ta_find(t->name)) /* any place will do: no two names share a column */
        return compile_add(c, t->at,
                           &(RuleNode){ .op = OP_EXTRA, .arg = (int32_t)(t->name.p - c->text.source->text.p) });
    if (!row)
        return ta_find(t->name) ? compile_call(c, t) : compile_unknown(c, t->at, t->name);
    if (row->kind == NAME_FUNCTION)
        return REFUSE(c, t->at, "%s is a function: %s", row->doc.name, row->doc.use);
    if (row->kind == NAME_CONST) {
        bool condition = str_eq(str_c(row->doc.name), S("true")) || str_eq(str_c(row->doc.name), S("false"));
        return constant(c, t->at, row->standard, condition);
    }
    return compile_add(c, t->at, &(RuleNode){ .op = row->op, .arg = row->arg });
}

/* --- whole numbers: lags and counts of candles --- */

static int whole_number(Compiler *c, const Tree *t, int least, const char *of, int32_t *out) {
    int n = compile_tree(c, t);
    if (n < 0)
        return -1;
    if (!node_is_const(c->program, n) || compiled(c, n)->condition)
        return REFUSE(c, t->at, "%s is a fixed number of candles, not an expression", of);
    double v = compiled(c, n)->number;
    if (!(v >= least && v <= RULE_LAG_MAX) || v != floor(v))
        return REFUSE(c, t->at, "%s is a whole number from %d to %d, not %g", of, least, RULE_LAG_MAX, v);
    *out = (int32_t)v;
    return 0;
}

int compile_refuse_live(Compiler *c, const Tree *t, const char *of) {
    return REFUSE(c, t->at, "%s of something that depends on the position: a position has no history here", of);
}

static int compile_lag(Compiler *c, const Tree *t) {
    int x = compile_tree(c, t->first);
    if (x < 0)
        return -1;
    int lag = compile_tree(c, t->second);
    if (lag < 0)
        return -1;
    if (node_is_const(c->program, lag) && compiled(c, lag)->number < 0)
        return REFUSE(c, t->second->at,
                      "a negative lag is a candle of the future, and a rule may not look ahead; [1] is the candle "
                      "before this one");
    int32_t n;
    if (whole_number(c, t->second, 0, "a lag", &n) < 0)
        return -1;
    if (compiled(c, x)->live)
        return compile_refuse_live(c, t, "a lag");
    if (n == 0 || node_is_const(c->program, x))
        return x;
    return compile_add(
        c, t->at,
        &(RuleNode){
            .op = OP_LAG, .n_in = 1, .in = { (uint16_t)x }, .arg = n, .condition = compiled(c, x)->condition });
}

/* --- functions --- */

size_t compile_count(const Tree *call) {
    size_t n = 0;
    for (const Tree *a = call->first; a; a = a->next)
        n++;
    return n;
}

/* x - x[n] */
static int compile_change(Compiler *c, const Tree *t, int x, int32_t n) {
    int before = compile_add(c, t->at, &(RuleNode){ .op = OP_LAG, .n_in = 1, .in = { (uint16_t)x }, .arg = n });
    if (before < 0)
        return -1;
    return compile_add(c, t->at, &(RuleNode){ .op = OP_SUB, .n_in = 2, .in = { (uint16_t)x, (uint16_t)before } });
}

static int finish_function(Compiler *c, const Tree *t, const NameRow *row, RuleNode *node) {
    bool live = false;
    for (int i = 0; i < node->n_in; i++)
        live = live || compiled(c, node->in[i])->live;
    if (live && !op_is_row(row->op))
        return compile_refuse_live(c, t, row->doc.name);
    if (row->op == OP_SUB)
        return live ? compile_refuse_live(c, t, row->doc.name) : compile_change(c, t, node->in[0], node->arg);
    return compile_add(c, t->at, node);
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

static int compile_call(Compiler *c, const Tree *t) {
    const NameRow *row = name_find(t->name);
    if (row && row->kind != NAME_FUNCTION)
        return REFUSE(c, t->at, "%s is not a function", row->doc.name);
    if (row)
        return compile_function(c, t, row);
    const TaIndicator *ta = ta_find(t->name);
    return ta ? compile_indicator(c, t, ta) : compile_unknown(c, t->at, t->name);
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
    int n = compile_add(c, t->at, &node);
    if (n >= 0 && node_is_const(c->program, n) && !isfinite(compiled(c, n)->number))
        return REFUSE(c, t->at, "this is no finite number");
    return n;
}

int compile_tree(Compiler *c, const Tree *t) {
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
    int node = compile_tree(c, tree);
    if (node < 0)
        return c->text.cx->err.code;
    if (compiled(c, node)->condition == source->number)
        return rule_refuse(&c->text, tree->at,
                           source->number ? "a number is wanted here, and this is a condition"
                                          : "a rule is a condition, and this is a number; compare it with something");
    if (node_is_const(c->program, node) && !isfinite(compiled(c, node)->number))
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
