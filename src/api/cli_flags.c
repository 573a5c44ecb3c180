/* api/cli_flags.c - parsing; see cli_flags.h. The help is in cli_help.c. */

#include "api/cli_flags.h"

#include "api/field.h"

enum { GROUPS_MAX = 8 };

typedef struct Parsing {
    const CliUsage *u;
    Ctx *cx;
    int argc, at; /* at: the next word */
    char *const *argv;
    int place; /* of the next positional */
    uint64_t seen[GROUPS_MAX];
} Parsing;

typedef struct Target { /* where a flag's value goes */
    const Field *f;
    char *record;
    size_t group;
    bool nested, negated;
} Target;

int cli_positional_index(const CliUsage *u, const char *name) {
    for (int i = 0; u->positionals && u->positionals[i]; i++)
        if (strcmp(u->positionals[i], name) == 0)
            return i;
    return -1;
}

bool cli_field_hidden(const Field *f) {
    return f->type == FT_CANDLES || f->type == FT_NONE || (f->type == FT_LIST && f->of);
}

Str cli_flag_name(Arena *a, const Field *f) {
    Str name = str_fmt(a, "--%s", f->name);
    char *p = str_cz(a, name);
    for (size_t i = 2; i < name.n; i++)
        if (p[i] == '_')
            p[i] = '-';
    return str_n(p, name.n);
}

/* --- finding flags --- */

static bool find_in(const Shape *s, char *record, Str name, Target *out) {
    Str first, rest = name;
    str_next(&rest, '.', &first);
    const Field *f = shape_field(s, first);
    if (!f || cli_field_hidden(f))
        return false;
    if (!rest.p) {
        out->f = f;
        out->record = record;
        return true;
    }
    out->nested = true;
    return f->type == FT_SHAPE && find_in(f->of, record + f->offset, rest, out);
}

static bool find_flag(const Parsing *p, Str name, Target *out) {
    for (size_t g = 0; g < p->u->n_groups; g++) {
        *out = (Target){ .group = g };
        if (find_in(p->u->groups[g].shape, p->u->groups[g].record, name, out))
            return true;
        *out = (Target){ .group = g, .negated = true };
        if (str_starts(name, S("no-")) &&
            find_in(p->u->groups[g].shape, p->u->groups[g].record, str_from(name, 3), out) && out->f->type == FT_BOOL)
            return true;
    }
    return false;
}

static int unknown_flag(Parsing *p, Str word) {
    Nearest near = { .wanted = word };
    nearest_offer(&near, S("--help"));
    for (size_t g = 0; g < p->u->n_groups; g++) {
        const Shape *s = p->u->groups[g].shape;
        for (size_t i = 0; i < s->n_fields; i++) {
            if (cli_field_hidden(&s->fields[i]))
                continue;
            nearest_offer(&near, cli_flag_name(p->cx->arena, &s->fields[i]));
            if (s->fields[i].type == FT_BOOL)
                nearest_offer(&near, str_fmt(p->cx->arena, "--no-%s", s->fields[i].name));
        }
    }
    Str hint = near.best.p ? str_fmt(p->cx->arena, "; did you mean " STR_FMT "?", STR_ARG(near.best)) : (Str){ 0 };
    return err_set(p->cx, ERR_USAGE, STR_FMT " is not a flag of %s" STR_FMT, STR_ARG(word), p->u->command,
                   STR_ARG(hint));
}

/* --- values --- */

static int store(Parsing *p, const Target *t, Str shown, Str value) {
    const Field *f = t->f;
    uint64_t bit = UINT64_C(1) << (f - p->u->groups[t->group].shape->fields);
    bool list = f->type == FT_LIST;
    if (!t->nested && !list && p->seen[t->group] & bit)
        return err_set(p->cx, ERR_USAGE, STR_FMT " is given twice", STR_ARG(shown));
    List *slot = list ? FIELD_AT(f, t->record, List) : NULL, had = { 0 };
    if (slot && (t->nested || p->seen[t->group] & bit)) /* else what is there is the default */
        had = *slot;
    if (!t->nested)
        p->seen[t->group] |= bit;
    Place root = { 0 }, at = place_member(&root, shown);
    int e = field_text(f, p->cx, &at, value, t->record);
    if (e || !had.n)
        return e;
    List joined = { arena_new_n(p->cx->arena, Str, had.n + slot->n), had.n + slot->n };
    memcpy(joined.v, had.v, had.n * sizeof(Str));
    if (slot->n)
        memcpy((Str *)joined.v + had.n, slot->v, slot->n * sizeof(Str));
    *slot = joined;
    return field_check(f, p->cx, &at, t->record);
}

static int take_flag(Parsing *p, Str word) {
    Str name = word, value = { 0 };
    ptrdiff_t eq = str_find_char(word, '=');
    if (eq >= 0) {
        name = str_first(word, (size_t)eq);
        value = str_from(word, (size_t)eq + 1);
    }
    Target t;
    if (!str_starts(name, S("--")) || !find_flag(p, str_from(name, 2), &t))
        return unknown_flag(p, name);
    if (t.f->type == FT_BOOL && eq < 0)
        return store(p, &t, name, t.negated ? S("false") : S("true"));
    if (t.negated)
        return err_set(p->cx, ERR_USAGE, STR_FMT " takes no value", STR_ARG(name));
    if (eq < 0) {
        if (p->at == p->argc)
            return err_set(p->cx, ERR_USAGE, STR_FMT " needs a value", STR_ARG(name));
        value = str_c(p->argv[p->at++]);
    }
    return store(p, &t, name, value);
}

static Str place_name(Arena *a, const char *field) {
    return str_fmt(a, "<%s>", field);
}

static int take_positional(Parsing *p, Str word) {
    const char *name = p->u->positionals ? p->u->positionals[p->place] : NULL;
    Target t;
    if (!name)
        return err_set(p->cx, ERR_USAGE, "%s takes no more arguments; " STR_FMT " is one too many", p->u->command,
                       STR_ARG(words_quote(p->cx->arena, word)));
    bool found = find_flag(p, str_c(name), &t);
    assert(found); /* a positional names a field of a group */
    UNUSED(found);
    if (t.f->type != FT_LIST)
        p->place++;
    return store(p, &t, place_name(p->cx->arena, name), word);
}

/* "-" is standard input, "-5" a number: both are values. */
static bool is_flag(Str word) {
    return word.n > 1 && word.p[0] == '-' && !(word.p[1] >= '0' && word.p[1] <= '9') && word.p[1] != '.';
}

static int missing(Parsing *p) {
    for (size_t g = 0; g < p->u->n_groups; g++) {
        const CliGroup *group = &p->u->groups[g];
        for (size_t i = 0; i < group->shape->n_fields; i++) {
            const Field *f = &group->shape->fields[i];
            if (!(f->flags & F_REQUIRED) || p->seen[g] >> i & 1 || cli_field_hidden(f) || f->type == FT_SHAPE)
                continue;
            bool place = cli_positional_index(p->u, f->name) >= 0;
            Str name = place ? place_name(p->cx->arena, f->name) : cli_flag_name(p->cx->arena, f);
            return err_set(p->cx, ERR_USAGE, STR_FMT " is missing; try: %s --help", STR_ARG(name), p->u->command);
        }
    }
    return 0;
}

/* Values were checked one by one; what is left are the members of nested structs that were not given. */
static int check_nested(Parsing *p) {
    Place root = { 0 };
    for (size_t g = 0; g < p->u->n_groups; g++) {
        const CliGroup *group = &p->u->groups[g];
        for (size_t i = 0; i < group->shape->n_fields; i++) {
            const Field *f = &group->shape->fields[i];
            if (f->type != FT_SHAPE || (!(f->flags & F_REQUIRED) && field_unset(f, group->record)))
                continue;
            Place at = place_member(&root, cli_flag_name(p->cx->arena, f));
            int e = shape_check(f->of, p->cx, &at, (char *)group->record + f->offset);
            if (e)
                return e;
        }
    }
    return 0;
}

static bool asks_help(int argc, char *const *argv) {
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

int cli_flags_parse(const CliUsage *u, Ctx *cx, int argc, char *const *argv) {
    assert(u->n_groups <= GROUPS_MAX);
    if (asks_help(argc, argv))
        return CLI_HELP;
    Parsing p = { .u = u, .cx = cx, .argc = argc, .argv = argv };
    for (size_t g = 0; g < u->n_groups; g++)
        shape_init(u->groups[g].shape, cx, u->groups[g].record);
    bool flags = true;
    int e = 0;
    while (!e && p.at < argc) {
        Str word = str_c(argv[p.at++]);
        if (flags && str_eq(word, S("--")))
            flags = false;
        else
            e = flags && is_flag(word) ? take_flag(&p, word) : take_positional(&p, word);
    }
    if (!e)
        e = missing(&p);
    return e ? e : check_nested(&p);
}
