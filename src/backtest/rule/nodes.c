/* backtest/rule/nodes.c - the nodes of a program: equal ones shared, constants folded. */

#include "backtest/rule/internal.h"

double row_value(RuleOp op, const double *in) {
    double a = in[0], b = in[1];
    switch (op) {
#define UNARY_CASE(op_, value)                                                                                         \
    case op_:                                                                                                          \
        return value;
        RULE_UNARY(UNARY_CASE)
        RULE_BINARY(UNARY_CASE)
#undef UNARY_CASE
    case OP_CHOOSE:
        return isnan(a) ? NAN : a != 0 ? b : in[2];
    default:
        assert(!"a node with a memory");
        return NAN;
    }
}

static bool same_bits(double a, double b) {
    return memcmp(&a, &b, sizeof a) == 0;
}

static bool nodes_equal(const RuleNode *a, const RuleNode *b) {
    if (a->hash != b->hash || a->op != b->op || a->n_in != b->n_in || a->arg != b->arg || a->ta != b->ta ||
        a->condition != b->condition || !same_bits(a->number, b->number))
        return false;
    for (int i = 0; i < a->n_in; i++)
        if (a->in[i] != b->in[i])
            return false;
    size_t n = a->ta ? ta_n_params(a->ta) : 0;
    return n == 0 || memcmp(a->params, b->params, n * sizeof *a->params) == 0;
}

static uint32_t mix(uint32_t h, const void *p, size_t n) { /* FNV-1a: only to skip most of the comparisons */
    const unsigned char *c = p;
    for (size_t i = 0; i < n; i++)
        h = (h ^ c[i]) * 16777619u;
    return h;
}

static uint32_t node_hash(const RuleNode *n) {
    uint32_t h = mix(2166136261u, &n->op, sizeof n->op);
    h = mix(h, n->in, n->n_in * sizeof n->in[0]);
    h = mix(h, &n->arg, sizeof n->arg);
    h = mix(h, &n->number, sizeof n->number);
    return n->ta ? mix(h, n->params, ta_n_params(n->ta) * sizeof *n->params) : h;
}

static size_t own_lookback(const RuleNode *n) {
    switch ((RuleOp)n->op) {
    case OP_LAG:
    case OP_RISING:
    case OP_FALLING:
        return (size_t)n->arg;
    case OP_COUNT:
        return (size_t)n->arg - 1;
    case OP_CROSS:
        return 1;
    case OP_TA:
        return (size_t)n->ta->lookback(n->params);
    default:
        return 0;
    }
}

int node_const(RuleProgram *p, Arena *arena, double number, bool condition) {
    return node_add(p, arena, &(RuleNode){ .op = OP_CONST, .number = number, .condition = condition });
}

int node_add(RuleProgram *p, Arena *arena, const RuleNode *node) {
    RuleNode n = *node;
    double in[NODE_INPUTS_MAX] = { 0 };
    bool constant = n.n_in > 0;
    for (int i = 0; i < n.n_in; i++) {
        const RuleNode *from = &p->nodes[n.in[i]];
        n.lookback = MAX(n.lookback, from->lookback);
        n.live = n.live || from->live;
        constant = constant && from->op == OP_CONST;
        in[i] = from->number;
    }
    if (constant && op_is_row((RuleOp)n.op))
        return node_const(p, arena, row_value((RuleOp)n.op, in), n.condition);
    n.lookback += own_lookback(&n);
    n.live = n.live || n.op == OP_POSITION;
    n.hash = node_hash(&n);
    n.export_at = -1;
    for (size_t i = 0; i < p->n_nodes; i++)
        if (nodes_equal(&p->nodes[i], &n))
            return (int)i;
    if (p->n_nodes == RULE_NODES_MAX)
        return -1;
    if (p->n_nodes == p->cap_nodes) {
        size_t cap = p->cap_nodes ? p->cap_nodes * 2 : 32;
        p->nodes = arena_grow(arena, p->nodes, p->cap_nodes * sizeof *p->nodes, cap * sizeof *p->nodes);
        p->cap_nodes = cap;
    }
    p->nodes[p->n_nodes] = n;
    return (int)p->n_nodes++;
}
