#pragma once

/* backtest/rule/internal.h - text -> tokens -> tree (parse.c) -> nodes (compile.c, nodes.c) -> columns (run.c). */

#include <math.h>

#include "backtest/rule/rule.h"
#include "ta/ta.h"

/* --- the tree: what was written, names not looked up --- */

typedef enum TreeKind {
    TREE_NUMBER,
    TREE_NAME,
    TREE_CALL,   /* name(first, ...): arguments linked by `next` */
    TREE_OUTPUT, /* first.name */
    TREE_LAG,    /* first[second] */
    TREE_UNARY,  /* op first */
    TREE_BINARY, /* first op second */
} TreeKind;

typedef enum RuleOp {
    OP_CONST, /* number */
    /* columns of the market; arg tells which */
    OP_PRICE,
    OP_EXTRA,
    OP_CALENDAR,
    OP_POSITION,
    /* row by row */
    OP_NEG,
    OP_NOT,
    OP_ABS,
    OP_SIGN,
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_MOD,
    OP_GREATER,
    OP_LESSER,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_EQ,
    OP_NE,
    OP_AND,
    OP_OR,
    OP_CHOOSE,
    /* with a memory */
    OP_LAG,     /* arg candles */
    OP_CROSS,   /* arg: CROSS_UP, CROSS_DOWN or both */
    OP_RISING,  /* arg candles */
    OP_FALLING, /* arg candles */
    OP_COUNT,   /* arg candles */
    OP_SINCE,
    OP_TA,  /* an indicator: has no value itself, its outputs do */
    OP_OUT, /* output arg of the OP_TA in in[0] */
} RuleOp;

enum { CROSS_UP = 1, CROSS_DOWN = 2 };
enum { PRICE_OPEN, PRICE_HIGH, PRICE_LOW, PRICE_CLOSE, PRICE_VOLUME, PRICES };
enum { CALENDAR_MINUTE, CALENDAR_HOUR, CALENDAR_WEEKDAY, CALENDAR_DAY, CALENDAR_MONTH, CALENDAR_YEAR };
enum { POSITION_SIDE, POSITION_SIZE, POSITION_ENTRY, POSITION_SINCE, POSITION_PNL, POSITION_EQUITY };

typedef struct Tree {
    TreeKind kind;
    RuleOp op;
    uint32_t at;    /* byte of the text, for errors */
    uint16_t depth; /* levels below and with this one */
    double number;
    Str name;
    Str label; /* "period" of `period=14`, empty when none */
    uint32_t label_at;
    struct Tree *first, *second, *next;
} Tree;

typedef struct RuleText { /* a source while it is compiled */
    Ctx *cx;
    const RuleSource *source;
} RuleText;

/* ERR_INVALID: "entry, column 12: ...". */
int rule_refuse(const RuleText *text, uint32_t at, const char *fmt, ...) PRINTF_LIKE(3, 4);
int rule_parse(const RuleText *text, Tree **out);

/* --- the nodes: what is computed, in an order in which inputs come first --- */

enum { NODE_INPUTS_MAX = TA_INPUTS_MAX };

typedef struct RuleNode {
    uint8_t op; /* RuleOp */
    uint8_t n_in;
    bool condition; /* 1, 0 or NaN; else a number */
    bool live;      /* depends on the position */
    uint16_t in[NODE_INPUTS_MAX];
    int32_t arg;
    double number;         /* OP_CONST */
    const TaIndicator *ta; /* OP_TA */
    const double *params;  /* OP_TA */
    uint32_t hash;
    int32_t export_at; /* place among the exports; -1: none */
    size_t lookback;
} RuleNode;

typedef struct RuleRoot {
    uint16_t node;
    uint16_t n_live;      /* the live nodes it needs, inputs first; 0 when it is not live */
    uint16_t n_market;    /* the columns that those read; the node itself when it is not live */
    const uint16_t *live; /* nodes */
    const uint16_t *market;
} RuleRoot;

struct RuleProgram {
    RuleNode *nodes;
    size_t n_nodes, cap_nodes;
    RuleRoot roots[RULE_SOURCES_MAX];
    size_t n_roots;
    size_t lookback, n_columns;
    uint16_t *exports; /* nodes */
    size_t n_exports;
    bool recursive;
    bool unbound; /* compiled before its columns were known */
    const Tz *zone;
};

/* nodes.c: adds a node or finds its equal; folds constants. -1: the program is full. */
int node_add(RuleProgram *p, Arena *arena, const RuleNode *node);
int node_const(RuleProgram *p, Arena *arena, double number, bool condition);
static inline bool node_is_const(const RuleProgram *p, int node) {
    return p->nodes[node].op == OP_CONST;
}

/* names.c */
typedef enum NameKind {
    NAME_CONST,
    NAME_PRICE,
    NAME_CALENDAR,
    NAME_POSITION,
    NAME_FUNCTION,
} NameKind;

typedef struct NameRow {
    RuleName doc;
    NameKind kind;
    RuleOp op;
    int arg;
    bool condition;      /* what it gives */
    const char *takes;   /* of a function: x a number, c a condition, n a number of candles, ? optional from here */
    double standard;     /* the n left out */
    const char *instead; /* of a function that is an indicator under another name */
} NameRow;

const NameRow *name_find(Str name);
const char *name_nearest(const RuleEnv *env, Str name, Arena *arena); /* NULL when nothing is near */

/* --- row by row: one definition for columns, constants and live nodes --- */

static inline double truth(bool known, bool is) {
    return known ? (is ? 1.0 : 0.0) : NAN;
}

static inline double finite_or_nan(double x) {
    return isfinite(x) ? x : NAN;
}

static inline double sign_of(double x) {
    return isnan(x) ? NAN : x > 0 ? 1.0 : x < 0 ? -1.0 : 0.0;
}

static inline double both(double a, double b) { /* false if either is, else unknown if either is */
    return a == 0 || b == 0 ? 0.0 : a + b == 2 ? 1.0 : NAN;
}

static inline double either(double a, double b) {
    return a == 1 || b == 1 ? 1.0 : a + b == 0 ? 0.0 : NAN;
}

#define KNOWN(a, b) (!isunordered(a, b))

/* X(op, value of a) and X(op, value of a and b) */
/* clang-format off */
#define RULE_UNARY(X)                                                                              \
    X(OP_NEG, -a)            X(OP_NOT, 1 - a)                                                      \
    X(OP_ABS, fabs(a))       X(OP_SIGN, sign_of(a))
#define RULE_BINARY(X)                                                                             \
    X(OP_ADD, finite_or_nan(a + b))    X(OP_SUB, finite_or_nan(a - b))                             \
    X(OP_MUL, finite_or_nan(a * b))    X(OP_DIV, finite_or_nan(a / b))                             \
    X(OP_MOD, finite_or_nan(fmod(a, b)))                                                           \
    X(OP_GREATER, KNOWN(a, b) ? (a > b ? a : b) : NAN)                                             \
    X(OP_LESSER, KNOWN(a, b) ? (a < b ? a : b) : NAN)                                              \
    X(OP_LT, truth(KNOWN(a, b), a < b))     X(OP_LE, truth(KNOWN(a, b), a <= b))                   \
    X(OP_GT, truth(KNOWN(a, b), a > b))     X(OP_GE, truth(KNOWN(a, b), a >= b))                   \
    X(OP_EQ, truth(KNOWN(a, b), a == b))    X(OP_NE, truth(KNOWN(a, b), a != b))                   \
    X(OP_AND, both(a, b))                   X(OP_OR, either(a, b))
/* clang-format on */

/* A node without memory, of its inputs' values. */
double row_value(RuleOp op, const double *in);
static inline bool op_is_row(RuleOp op) {
    return op >= OP_NEG && op <= OP_CHOOSE;
}
