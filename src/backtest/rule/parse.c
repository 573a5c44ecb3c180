/* backtest/rule/parse.c - tokens and the tree of a rule, by recursive descent.
 *
 *     rule    = and { "or" and }                 weakest
 *     and     = not { "and" not }
 *     not     = "not" not | compare
 *     compare = sum [ ("<" | "<=" | ">" | ">=" | "==" | "!=") sum ]
 *     sum     = product { ("+" | "-") product }
 *     product = unary { ("*" | "/" | "%") unary }
 *     unary   = "-" unary | postfix
 *     postfix = primary { "[" rule "]" | "." name }
 *     primary = number | name [ "(" [ arg { "," arg } ] ")" ] | "(" rule ")"
 *     arg     = [ name "=" ] rule                                              strongest
 *
 * Depth is bounded twice: of the recursion here, and of the tree (a long `a + b + c` is a deep tree that was not
 * recursed into), because later passes walk the tree. */

#include "backtest/rule/internal.h"

#include "base/num.h"

#include <stdarg.h>
#include <stdio.h>

typedef enum TokenKind {
    TOKEN_END,
    TOKEN_NUMBER,
    TOKEN_NAME,
    TOKEN_MARK, /* punctuation or operator */
    TOKEN_BAD,
} TokenKind;

typedef struct Token {
    TokenKind kind;
    uint32_t at;
    Str text;
    double number;
} Token;

typedef struct Parser {
    const RuleText *text;
    Token token; /* the one looked at */
    uint32_t at; /* behind it */
    int depth;
    int err;
} Parser;

int rule_refuse(const RuleText *text, uint32_t at, const char *fmt, ...) {
    char words[ERR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(words, sizeof words, fmt, args);
    va_end(args);
    return err_set_at(text->cx, ERR_INVALID, text->source->name, STR_FMT ", column %u: %s", STR_ARG(text->source->name),
                      at + 1, words);
}

/* --- tokens --- */

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static size_t mark_size(Str s) {
    static const char *const two[] = { "<=", ">=", "==", "!=", "&&", "||" };
    for (size_t i = 0; i < ARRAY_LEN(two); i++)
        if (str_starts(s, str_c(two[i])))
            return 2;
    return strchr("()[],.+-*/%<>=!", s.p[0]) ? 1 : 0;
}

static Token scan(Str rest, uint32_t at) {
    Token t = { .at = at };
    if (!rest.n)
        return t;
    size_t n = 0;
    if (is_letter(rest.p[0])) {
        while (n < rest.n && (is_letter(rest.p[n]) || is_digit(rest.p[n])))
            n++;
        t.kind = TOKEN_NAME;
    } else if (is_digit(rest.p[0]) || (rest.p[0] == '.' && rest.n > 1 && is_digit(rest.p[1]))) {
        n = num_scan_f64(rest, &t.number);
        t.kind = n ? TOKEN_NUMBER : TOKEN_BAD;
    } else {
        n = rest.p[0] ? mark_size(rest) : 0;
        t.kind = n ? TOKEN_MARK : TOKEN_BAD;
    }
    t.text = str_first(rest, n ? n : 1);
    return t;
}

static void advance(Parser *p) {
    Str s = p->text->source->text;
    while (p->at < s.n && strchr(" \t\r\n", s.p[p->at]) && s.p[p->at])
        p->at++;
    p->token = scan(str_from(s, p->at), p->at);
    p->at += (uint32_t)p->token.text.n;
    if (p->token.kind == TOKEN_BAD && !p->err) {
        unsigned char c = (unsigned char)p->token.text.p[0];
        if (is_digit((char)c) || c == '.')
            p->err = rule_refuse(p->text, p->token.at, "this number is too large");
        else if (c > ' ' && c < 0x7f)
            p->err = rule_refuse(p->text, p->token.at, "'%c' means nothing here", c);
        else
            p->err = rule_refuse(p->text, p->token.at, "byte 0x%02x: rules are plain ASCII text", c);
    }
}

static bool looks_at(const Parser *p, const char *mark) {
    return p->token.kind == TOKEN_MARK && str_eq(p->token.text, str_c(mark));
}

static bool looks_at_word(const Parser *p, const char *word) {
    return p->token.kind == TOKEN_NAME && str_eq_nocase(p->token.text, str_c(word));
}

static bool take(Parser *p, const char *mark) {
    if (!looks_at(p, mark))
        return false;
    advance(p);
    return true;
}

/* --- the tree --- */

static Tree *parse_or(Parser *p);

static Tree *refuse(Parser *p, uint32_t at, const char *words) {
    if (!p->err)
        p->err = rule_refuse(p->text, at, "%s", words);
    return NULL;
}

static Tree *refuse_token(Parser *p, const char *wanted) {
    if (p->err)
        return NULL;
    if (p->token.kind == TOKEN_END)
        p->err = rule_refuse(p->text, p->token.at, "the rule ends here; expected %s", wanted);
    else
        p->err = rule_refuse(p->text, p->token.at, "expected %s, not \"" STR_FMT "\"", wanted, STR_ARG(p->token.text));
    return NULL;
}

static Tree *tree_new(Parser *p, TreeKind kind, uint32_t at, Tree *first, Tree *second) {
    int below = MAX(first ? first->depth : 0, second ? second->depth : 0);
    if (below >= RULE_DEPTH_MAX)
        return refuse(p, at, "the rule is nested too deep; split it into several rules");
    Tree *t = arena_new(p->text->cx->arena, Tree);
    *t = (Tree){ .kind = kind, .at = at, .depth = (uint16_t)(below + 1), .first = first, .second = second };
    return t;
}

static Tree *binary(Parser *p, RuleOp op, uint32_t at, Tree *first, Tree *second) {
    Tree *t = first && second ? tree_new(p, TREE_BINARY, at, first, second) : NULL;
    if (t)
        t->op = op;
    return t;
}

static Tree *unary(Parser *p, RuleOp op, uint32_t at, Tree *first) {
    Tree *t = first ? tree_new(p, TREE_UNARY, at, first, NULL) : NULL;
    if (t)
        t->op = op;
    return t;
}

/* `name =` before an argument. */
static bool take_label(Parser *p, Str *label, uint32_t *at) {
    if (p->token.kind != TOKEN_NAME)
        return false;
    Parser back = *p;
    advance(p);
    if (!take(p, "=")) {
        *p = back;
        return false;
    }
    *label = back.token.text;
    *at = back.token.at;
    return true;
}

static Tree *parse_call(Parser *p, Token name) {
    Tree *call = tree_new(p, TREE_CALL, name.at, NULL, NULL), **tail = &call->first;
    call->name = name.text;
    if (take(p, ")"))
        return call;
    do {
        Str label = { 0 };
        uint32_t label_at = 0;
        take_label(p, &label, &label_at);
        Tree *arg = parse_or(p);
        if (!arg)
            return NULL;
        arg->label = label;
        arg->label_at = label_at;
        call->depth = MAX(call->depth, (uint16_t)(arg->depth + 1));
        *tail = arg;
        tail = &arg->next;
    } while (take(p, ","));
    return take(p, ")") ? call : refuse_token(p, "\",\" or \")\"");
}

static Tree *parse_primary(Parser *p) {
    Token t = p->token;
    if (t.kind == TOKEN_NUMBER) {
        advance(p);
        Tree *number = tree_new(p, TREE_NUMBER, t.at, NULL, NULL);
        number->number = t.number;
        return number;
    }
    if (take(p, "(")) {
        Tree *inner = parse_or(p);
        if (inner && !take(p, ")"))
            return refuse_token(p, "\")\"");
        return inner;
    }
    bool word = looks_at_word(p, "and") || looks_at_word(p, "or") || looks_at_word(p, "not");
    if (t.kind != TOKEN_NAME || word)
        return refuse_token(p, "a price, an indicator or a number");
    advance(p);
    if (take(p, "("))
        return parse_call(p, t);
    Tree *name = tree_new(p, TREE_NAME, t.at, NULL, NULL);
    name->name = t.text;
    return name;
}

static Tree *parse_postfix(Parser *p) {
    Tree *t = parse_primary(p);
    while (t && !p->err) {
        uint32_t at = p->token.at;
        if (take(p, "[")) {
            Tree *lag = parse_or(p);
            if (lag && !take(p, "]"))
                return refuse_token(p, "\"]\"");
            t = lag ? tree_new(p, TREE_LAG, at, t, lag) : NULL;
        } else if (take(p, ".")) {
            if (p->token.kind != TOKEN_NAME)
                return refuse_token(p, "the name of an output");
            Tree *output = tree_new(p, TREE_OUTPUT, p->token.at, t, NULL);
            if (!output)
                return NULL;
            output->name = p->token.text;
            advance(p);
            t = output;
        } else {
            break;
        }
    }
    return p->err ? NULL : t;
}

static Tree *parse_unary(Parser *p) {
    uint32_t at = p->token.at;
    if (!looks_at(p, "-"))
        return parse_postfix(p);
    if (++p->depth > RULE_DEPTH_MAX)
        return refuse(p, at, "the rule is nested too deep; split it into several rules");
    advance(p);
    Tree *t = unary(p, OP_NEG, at, parse_unary(p));
    p->depth--;
    return t;
}

static Tree *parse_product(Parser *p) {
    Tree *t = parse_unary(p);
    while (t) {
        uint32_t at = p->token.at;
        RuleOp op = looks_at(p, "*") ? OP_MUL : looks_at(p, "/") ? OP_DIV : looks_at(p, "%") ? OP_MOD : OP_CONST;
        if (op == OP_CONST)
            break;
        advance(p);
        t = binary(p, op, at, t, parse_unary(p));
    }
    return t;
}

static Tree *parse_sum(Parser *p) {
    Tree *t = parse_product(p);
    while (t) {
        uint32_t at = p->token.at;
        RuleOp op = looks_at(p, "+") ? OP_ADD : looks_at(p, "-") ? OP_SUB : OP_CONST;
        if (op == OP_CONST)
            break;
        advance(p);
        t = binary(p, op, at, t, parse_product(p));
    }
    return t;
}

static RuleOp comparison(const Parser *p) {
    static const struct {
        const char *mark;
        RuleOp op;
    } marks[] = { { "<", OP_LT }, { "<=", OP_LE }, { ">", OP_GT }, { ">=", OP_GE }, { "==", OP_EQ }, { "!=", OP_NE } };
    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        if (looks_at(p, marks[i].mark))
            return marks[i].op;
    return OP_CONST;
}

static Tree *parse_compare(Parser *p) {
    Tree *t = parse_sum(p);
    uint32_t at = p->token.at;
    RuleOp op = comparison(p);
    if (!t || op == OP_CONST) {
        if (t && looks_at(p, "="))
            return refuse(p, at, "one \"=\" sets a parameter; compare with \"==\"");
        return t;
    }
    advance(p);
    t = binary(p, op, at, t, parse_sum(p));
    if (t && comparison(p) != OP_CONST)
        return refuse(p, p->token.at, "comparisons do not chain; write \"a < b and b < c\"");
    return t;
}

static Tree *parse_not(Parser *p) {
    uint32_t at = p->token.at;
    if (!looks_at_word(p, "not") && !looks_at(p, "!"))
        return parse_compare(p);
    if (++p->depth > RULE_DEPTH_MAX)
        return refuse(p, at, "the rule is nested too deep; split it into several rules");
    advance(p);
    Tree *t = unary(p, OP_NOT, at, parse_not(p));
    p->depth--;
    return t;
}

static Tree *parse_and(Parser *p) {
    Tree *t = parse_not(p);
    while (t && (looks_at_word(p, "and") || looks_at(p, "&&"))) {
        uint32_t at = p->token.at;
        advance(p);
        t = binary(p, OP_AND, at, t, parse_not(p));
    }
    return t;
}

static Tree *parse_or(Parser *p) {
    if (++p->depth > RULE_DEPTH_MAX)
        return refuse(p, p->token.at, "the rule is nested too deep; split it into several rules");
    Tree *t = parse_and(p);
    while (t && (looks_at_word(p, "or") || looks_at(p, "||"))) {
        uint32_t at = p->token.at;
        advance(p);
        t = binary(p, OP_OR, at, t, parse_and(p));
    }
    p->depth--;
    return p->err ? NULL : t;
}

int rule_parse(const RuleText *text, Tree **out) {
    Str name = text->source->name;
    if (text->source->text.n > RULE_TEXT_MAX)
        return err_set_at(text->cx, ERR_LIMIT, name, STR_FMT ": a rule has at most %d bytes, not %zu", STR_ARG(name),
                          RULE_TEXT_MAX, text->source->text.n);
    Parser p = { .text = text };
    advance(&p);
    if (!p.err && p.token.kind == TOKEN_END)
        return rule_refuse(text, 0, "the rule is empty");
    Tree *t = parse_or(&p);
    if (t && p.token.kind != TOKEN_END)
        refuse_token(&p, "\"and\", \"or\" or the end");
    if (p.err)
        return p.err;
    *out = t;
    return 0;
}
