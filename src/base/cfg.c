/* base/cfg.c - see cfg.h. Where values come from and which one wins; their types are cfg_value.c's, YAML is
 * cfg_yaml.c's, help and other output cfg_write.c's. */

#include "base/cfg_internal.h"

#include <stdarg.h>
#include <stdio.h>

/* --- problems --- */

void cfg_problem(Cfg *c, Str place, const char *fmt, ...) {
    if (c->problems.n >= CFG_PROBLEMS_MAX)
        return;
    char text[ERR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    Str words = str_n(text, (size_t)CLAMP(n, 0, (int)sizeof text - 1));
    CfgProblem p = { str_dup(c->arena, place), str_dup(c->arena, words) };
    vec_push_in(c->arena, &c->problems, p);
}

Str cfg_shown(const Cfg *c, Str s) {
    enum { SHOWN_MAX = 60 };
    char *p = arena_alloc(c->arena, SHOWN_MAX + 3);
    size_t n = MIN(s.n, (size_t)SHOWN_MAX);
    for (size_t i = 0; i < n; i++)
        p[i] = (unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ? '?' : s.p[i];
    if (s.n > SHOWN_MAX)
        for (int i = 0; i < 3; i++)
            p[n++] = '.';
    return str_n(p, n);
}

Str cfg_key_name(const Cfg *c, const CfgOption *o) {
    UNUSED(c);
    return str_c(o->key);
}

Str cfg_hint(const Cfg *c, Str given, Str (*name)(const Cfg *c, const CfgOption *o)) {
    Str best = { 0 };
    size_t nearest = MAX(given.n / 3, (size_t)2) + 1; /* farther than a third of the word is no hint */
    for (size_t i = 0; i < c->n; i++) {
        Str known = name(c, &c->options[i]);
        size_t d = known.n ? str_distance(given, known, nearest) : nearest;
        if (d < nearest) {
            nearest = d;
            best = known;
        }
    }
    return best.n ? str_fmt(c->arena, " (did you mean " STR_FMT "?)", STR_ARG(best)) : best;
}

/* --- the table --- */

static bool key_valid(const char *key) {
    bool start = true; /* of a part */
    for (const char *p = key; *p; p++) {
        bool letter = *p >= 'a' && *p <= 'z';
        if (!letter && (start || !((*p >= '0' && *p <= '9') || *p == '_' || *p == '.')))
            return false;
        start = *p == '.';
    }
    return !start;
}

/* '.' and '_' are one in the environment: two keys may not differ in that alone. */
static bool same_env(const char *a, const char *b) {
    for (; *a && *b; a++, b++)
        if ((*a == '.' ? '_' : *a) != (*b == '.' ? '_' : *b))
            return false;
    return *a == *b;
}

void cfg_init(Cfg *c, const CfgOption *options, size_t n, Arena *arena) {
    *c = (Cfg){ .options = options, .n = n, .arena = arena, .values = arena_new_n(arena, CfgValue, n) };
    for (size_t i = 0; i < n; i++) {
        const CfgOption *o = &options[i];
        assert(key_valid(o->key) && o->help && (o->type != CFG_CHOICE || o->choices));
        for (size_t k = 0; k < i; k++) {
            assert(!same_env(o->key, options[k].key));
            assert(!o->flag || !options[k].flag || !str_eq(str_c(o->flag), str_c(options[k].flag)));
        }
        c->values[i] = (CfgValue){ .text = str_c(o->def), .rank = CFG_DEFAULT, .origin = S("default") };
    }
}

const CfgOption *cfg_find(const Cfg *c, Str key) {
    for (size_t i = 0; i < c->n; i++)
        if (str_eq(key, str_c(c->options[i].key)))
            return &c->options[i];
    return NULL;
}

const CfgValue *cfg_value(const Cfg *c, Str key) {
    const CfgOption *o = cfg_find(c, key);
    return o ? &c->values[cfg_index(c, o)] : NULL;
}

void cfg_set(Cfg *c, const char *key, Str text, CfgRank rank, Str origin) {
    const CfgOption *o = cfg_find(c, str_c(key));
    assert(o);
    CfgValue *v = &c->values[cfg_index(c, o)];
    if (rank >= v->rank)
        *v = (CfgValue){ str_n(str_cz(c->arena, text), text.n), rank, str_dup(c->arena, origin) };
}

/* --- the environment --- */

static Str env_name(const Cfg *c, const CfgOption *o) {
    return cfg_env_name(o, c->arena);
}

Str cfg_env_name(const CfgOption *o, Arena *a) {
    Str name = str_fmt(a, "FINSIGHT_%s", o->key);
    char *p = str_cz(a, str_upper(a, name));
    for (size_t i = 0; i < name.n; i++)
        if (p[i] == '.')
            p[i] = '_';
    return str_n(p, name.n);
}

static bool env_ignored(const Cfg *c, Str name) {
    for (const char *const *i = c->env_ignored; i && *i; i++)
        if (str_eq(name, str_c(*i)))
            return true;
    return false;
}

static void take_env(Cfg *c, Str name, Str value) {
    Str origin = str_fmt(c->arena, "env " STR_FMT, STR_ARG(cfg_shown(c, name)));
    for (size_t i = 0; i < c->n; i++)
        if (str_eq(name, env_name(c, &c->options[i]))) {
            cfg_set(c, c->options[i].key, value, CFG_ENV, origin);
            return;
        }
    Str hint = cfg_hint(c, name, env_name);
    cfg_problem(c, origin, "no such option" STR_FMT, STR_ARG(hint));
}

void cfg_take_env(Cfg *c, char *const *environment) {
    for (char *const *e = environment; e && *e; e++) {
        Str value = str_c(*e), name;
        if (!str_next(&value, '=', &name))
            continue;
        if (str_eq(name, S("HOME")))
            c->home = str_dup(c->arena, value);
        if (str_starts(name, S("FINSIGHT_")) && !env_ignored(c, name))
            take_env(c, name, value);
    }
}

/* --- flags --- */

static Str flag_name(const Cfg *c, const CfgOption *o) {
    return o->type == CFG_SECRET ? (Str){ 0 } : str_fmt(c->arena, "--%s", o->flag ? o->flag : o->key);
}

/* '-' and '_' are one in flags. */
static bool same_flag(Str given, const char *name) {
    if (!name || given.n != strlen(name))
        return false;
    for (size_t i = 0; i < given.n; i++)
        if ((given.p[i] == '-' ? '_' : given.p[i]) != (name[i] == '-' ? '_' : name[i]))
            return false;
    return true;
}

static const CfgOption *find_flag(const Cfg *c, Str name) {
    for (size_t i = 0; i < c->n; i++)
        if (same_flag(name, c->options[i].key) || same_flag(name, c->options[i].flag))
            return &c->options[i];
    return NULL;
}

/* Takes one flag and, where it needs one, the value behind it; returns how many arguments, 0 if it is unknown. */
static int take_flag(Cfg *c, int left, char **argv) {
    Str value = str_c(argv[0] + 2), name = { 0 };
    bool has_value = str_find_char(value, '=') >= 0, negated = false;
    str_next(&value, '=', &name);
    const CfgOption *o = find_flag(c, name);
    if (!o && str_starts(name, S("no-")) && !has_value) {
        o = find_flag(c, str_from(name, 3));
        negated = o && o->type == CFG_BOOL;
        o = negated ? o : NULL;
    }
    if (!o)
        return 0;
    Str origin = str_fmt(c->arena, "flag --" STR_FMT, STR_ARG(cfg_shown(c, name)));
    bool next = left > 1 && strncmp(argv[1], "--", 2) != 0;
    if (o->type == CFG_SECRET) { /* its value is taken too, and shown nowhere */
        Str env = cfg_env_name(o, c->arena);
        cfg_problem(c, origin,
                    "a secret is not for the command line, which others can see: use " STR_FMT " or the file",
                    STR_ARG(env));
        return 1 + (!has_value && next);
    }
    if (!has_value && o->type == CFG_BOOL) {
        cfg_set(c, o->key, negated ? S("false") : S("true"), CFG_FLAG, origin);
        return 1;
    }
    if (!has_value && !next) {
        cfg_problem(c, origin, "a value is missing");
        return 1;
    }
    cfg_set(c, o->key, has_value ? value : str_c(argv[1]), CFG_FLAG, origin);
    return has_value ? 1 : 2;
}

void cfg_take_args(Cfg *c, int *argc, char **argv) {
    int kept = 1, at = 1;
    while (at < *argc) {
        if (strcmp(argv[at], "--") == 0)
            break;
        int taken = strncmp(argv[at], "--", 2) == 0 ? take_flag(c, *argc - at, argv + at) : 0;
        if (taken == 0)
            argv[kept++] = argv[at++];
        at += taken;
    }
    while (at < *argc)
        argv[kept++] = argv[at++];
    if (kept < *argc)
        argv[kept] = NULL;
    *argc = MIN(kept, *argc);
}

void cfg_refuse_flags(Cfg *c, int argc, char *const *argv) {
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        Str rest = str_c(argv[i]), name;
        if (!str_starts(rest, S("--")))
            continue;
        str_next(&rest, '=', &name);
        Str place = str_fmt(c->arena, "flag " STR_FMT, STR_ARG(cfg_shown(c, name))),
            hint = cfg_hint(c, name, flag_name);
        cfg_problem(c, place, "no such option" STR_FMT, STR_ARG(hint));
    }
}

/* --- the end --- */

int cfg_finish(Cfg *c, Ctx *cx, void *out) {
    CfgParsed *parsed = arena_new_n(c->arena, CfgParsed, c->n);
    for (size_t i = 0; i < c->n; i++)
        cfg_parse_value(c, cx, &c->options[i], &c->values[i], &parsed[i]);
    if (c->problems.n > 0) {
        const CfgProblem *first = &c->problems.v[0];
        char more[48] = "";
        if (c->problems.n > 1)
            snprintf(more, sizeof more, " (and %zu more)", c->problems.n - 1);
        return err_set_at(cx, ERR_USAGE, first->place, "configuration: " STR_FMT ": " STR_FMT "%s",
                          STR_ARG(first->place), STR_ARG(first->text), more);
    }
    for (size_t i = 0; i < c->n; i++)
        cfg_store_value(&c->options[i], &parsed[i], out);
    return 0;
}
