/* base/cfg_write.c - what the table of options says to people: help, documentation, effective values. */

#include "base/cfg_internal.h"
#include "base/json.h"

/* What stands for the value in help. */
static Str metavar(Arena *a, const CfgOption *o) {
    switch (o->type) {
    case CFG_PATH:
        return S("PATH");
    case CFG_INT:
    case CFG_F64:
        return S("N");
    case CFG_BOOL:
        return S("");
    case CFG_DURATION:
        return S("TIME");
    case CFG_SIZE:
        return S("SIZE");
    case CFG_LIST:
        return S("A,B,...");
    case CFG_CHOICE: {
        Str all = { 0 };
        for (int i = 0; o->choices[i]; i++)
            all = str_fmt(a, STR_FMT "%s%s", STR_ARG(all), i ? "|" : "", o->choices[i]);
        return all;
    }
    case CFG_STR:
    case CFG_SECRET:
        break;
    }
    return S("TEXT");
}

/* "server" of "server.port"; empty where there is no section. */
static Str section_of(const CfgOption *o) {
    const char *dot = strrchr(o->key, '.');
    return dot ? str_n(o->key, (size_t)(dot - o->key)) : (Str){ 0 };
}

static Str dashed(Arena *a, const char *flag) {
    char *p = str_cz(a, str_c(flag));
    for (char *q = p; *q; q++)
        *q = *q == '_' ? '-' : *q;
    return str_c(p);
}

/* "--port N"; a secret shows where it is taken from instead. */
static Str usage(Arena *a, const CfgOption *o) {
    Str var = metavar(a, o), name = dashed(a, o->flag ? o->flag : o->key);
    if (o->type == CFG_SECRET) {
        Str env = cfg_env_name(o, a);
        return str_fmt(a, STR_FMT "=...", STR_ARG(env));
    }
    return str_fmt(a, "--" STR_FMT "%s" STR_FMT, STR_ARG(name), var.n ? " " : "", STR_ARG(var));
}

void cfg_write_help(const Cfg *c, Buf *out) {
    enum { COLUMN = 34 };
    Arena a = { 0 };
    for (size_t i = 0; i < c->n; i++) {
        const CfgOption *o = &c->options[i];
        Str section = section_of(o), range = cfg_range_text(&a, o), use = usage(&a, o);
        if (i == 0 || !str_eq(section, section_of(&c->options[i - 1])))
            buf_printf(out, "%s" STR_FMT ":\n", i ? "\n" : "", STR_ARG(section.n ? section : S("general")));
        buf_printf(out, "  " STR_FMT, STR_ARG(use));
        if (use.n + 3 > COLUMN)
            buf_printf(out, "\n%*s", COLUMN, "");
        else
            buf_printf(out, "%*s", (int)(COLUMN - 2 - use.n), "");
        buf_put_str(out, str_c(o->help));
        if (range.n)
            buf_printf(out, " (" STR_FMT ")", STR_ARG(range));
        if (o->def && o->def[0])
            buf_printf(out, " [%s]", o->def);
        buf_put_c(out, '\n');
    }
    arena_done(&a);
}

/* Text inside a table: '|' would end the cell. */
static void put_cell(Buf *out, Str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '|')
            BUF_LIT(out, "\\|");
        else
            buf_put_c(out, s.p[i]);
}

void cfg_write_markdown(const Cfg *c, Buf *out) {
    Arena a = { 0 };
    BUF_LIT(out, "| option | value | default | flag | environment | meaning |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < c->n; i++) {
        const CfgOption *o = &c->options[i];
        Str range = cfg_range_text(&a, o), env = cfg_env_name(o, &a), var = metavar(&a, o);
        var = o->type == CFG_BOOL ? S("true, false") : o->type == CFG_SECRET ? S("secret") : var;
        buf_printf(out, "| `%s` | ", o->key);
        put_cell(out, var);
        if (range.n)
            buf_printf(out, ", " STR_FMT, STR_ARG(range));
        if (o->def && o->def[0])
            buf_printf(out, " | `%s` | ", o->def);
        else
            BUF_LIT(out, " | | ");
        if (o->type == CFG_SECRET)
            BUF_LIT(out, "none");
        else
            buf_printf(out, "`--" STR_FMT "`", STR_ARG(dashed(&a, o->flag ? o->flag : o->key)));
        buf_printf(out, " | `" STR_FMT "` | ", STR_ARG(env));
        put_cell(out, str_c(o->help));
        BUF_LIT(out, " |\n");
    }
    arena_done(&a);
}

/* An address may carry a name and a password: "http://user:password@host/path". */
static Str without_password(const Cfg *c, Str text) {
    ptrdiff_t scheme = str_find(text, S("://"));
    Str rest = str_from(text, scheme < 0 ? text.n : (size_t)scheme + 3);
    size_t end = 0;
    while (end < rest.n && rest.p[end] != '/' && rest.p[end] != ',')
        end++;
    ptrdiff_t at = str_find_char(str_first(rest, end), '@');
    return at < 0 ? text
                  : str_fmt(c->arena, STR_FMT "***" STR_FMT, STR_ARG(str_first(text, text.n - rest.n)),
                            STR_ARG(str_from(rest, (size_t)at)));
}

static Str shown_value(const Cfg *c, size_t i) {
    Str text = c->values[i].text;
    return c->options[i].type == CFG_SECRET && text.n ? S("***") : without_password(c, text);
}

void cfg_write_problems(const Cfg *c, Buf *out) {
    for (size_t i = 0; i < c->problems.n; i++)
        buf_printf(out, STR_FMT ": " STR_FMT "\n", STR_ARG(c->problems.v[i].place), STR_ARG(c->problems.v[i].text));
}

void cfg_write_effective(const Cfg *c, Buf *out) {
    enum { VALUE_COLUMN_MAX = 40 };
    size_t key_width = 0, value_width = 0;
    for (size_t i = 0; i < c->n; i++) {
        key_width = MAX(key_width, strlen(c->options[i].key));
        value_width = MAX(value_width, shown_value(c, i).n);
    }
    value_width = MIN(value_width, (size_t)VALUE_COLUMN_MAX);
    Arena a = { 0 };
    for (size_t i = 0; i < c->n; i++) {
        Cfg here = { .arena = &a };
        Str value = cfg_shown(&here, shown_value(c, i));
        int pad = value.n < value_width ? (int)(value_width - value.n) : 0;
        buf_printf(out, "%-*s  " STR_FMT "%*s  " STR_FMT "\n", (int)key_width, c->options[i].key, STR_ARG(value), pad,
                   "", STR_ARG(c->values[i].origin));
    }
    arena_done(&a);
}

void cfg_write_effective_json(const Cfg *c, Buf *out) {
    JsonWriter w;
    json_writer_init(&w, out, true);
    json_array(&w);
    for (size_t i = 0; i < c->n; i++) {
        json_object(&w);
        json_put_str(&w, "key", str_c(c->options[i].key));
        json_put_str(&w, "value", shown_value(c, i));
        json_put_str(&w, "origin", c->values[i].origin);
        json_object_end(&w);
    }
    json_array_end(&w);
    buf_put_c(out, '\n');
}
