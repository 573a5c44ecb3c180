#pragma once

/* backtest/rule/compile.h - between the two halves of the compiler: compile.c, and compile_indicator.c for indicators, their
 * arguments and outputs. */

#include "backtest/rule/internal.h"

typedef struct Compiler {
    RuleText text;
    const RuleEnv *env;
    RuleProgram *program;
    Arena *arena;
} Compiler;

/* Functions give a node's index, or -1 with the words in the Ctx. */
#define REFUSE(c, at, ...) (rule_refuse(&(c)->text, (at), __VA_ARGS__), -1)

int compile_add(Compiler *c, uint32_t at, const RuleNode *node);
int compile_tree(Compiler *c, const Tree *t);
/* The same of a number or a condition; `of` is who wants it. */
int compile_as(Compiler *c, const Tree *t, bool condition, const char *of);
int compile_unknown(Compiler *c, uint32_t at, Str name);
int compile_refuse_live(Compiler *c, const Tree *t,
                        const char *of); /* -1: what depends on the position has no history */
const RuleNode *compiled(const Compiler *c, int i);
size_t compile_count(const Tree *call); /* arguments */

int compile_indicator(Compiler *c, const Tree *t, const TaIndicator *ta);
int compile_selection(Compiler *c, const Tree *t); /* indicator(...).output */
