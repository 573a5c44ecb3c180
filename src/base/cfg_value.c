/* base/cfg_value.c - the types of options: text to value, and ranges in words. */

#include "base/cfg_internal.h"
#include "base/file.h"
#include "base/num.h"

enum { SECRET_FILE_MAX = 1 << 16 };

/* --- units --- */

typedef struct Unit {
    const char *name;
    int64_t size;
} Unit;

static const Unit duration_units[] = {
    { "d", MS_PER_DAY }, { "h", MS_PER_HOUR }, { "m", MS_PER_MINUTE }, { "s", MS_PER_SECOND }, { "ms", 1 },
};
/* Bare K, M, G are binary, as in other daemons. Longer names first: "MiB" ends in "B". */
static const Unit size_units[] = {
    { "TiB", INT64_C(1) << 40 },
    { "GiB", 1 << 30 },
    { "MiB", 1 << 20 },
    { "KiB", 1 << 10 },
    { "TB", INT64_C(1000000000000) },
    { "GB", 1000000000 },
    { "MB", 1000000 },
    { "KB", 1000 },
    { "T", INT64_C(1) << 40 },
    { "G", 1 << 30 },
    { "M", 1 << 20 },
    { "K", 1 << 10 },
    { "B", 1 },
    { "", 1 },
};

static Str unit_text(Arena *a, int64_t v, const Unit *units, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (v != 0 && v % units[i].size == 0)
            return str_fmt(a, "%lld%s", (long long)(v / units[i].size), units[i].name);
    return str_fmt(a, "0%s", units[n - 1].name);
}

Str cfg_duration_text(Arena *a, int64_t ms) {
    return unit_text(a, ms, duration_units, ARRAY_LEN(duration_units));
}

Str cfg_size_text(Arena *a, int64_t bytes) {
    enum { BINARY = 4 }; /* the units that begin the table */
    for (size_t i = 0; i < BINARY; i++)
        if (bytes != 0 && bytes % size_units[i].size == 0)
            return unit_text(a, bytes, &size_units[i], 1);
    return str_fmt(a, "%lldB", (long long)bytes);
}

static bool size_parse(Str s, int64_t *out) {
    for (size_t i = 0; i < ARRAY_LEN(size_units); i++) {
        Str unit = str_c(size_units[i].name);
        if (s.n < unit.n || !str_eq_nocase(str_from(s, s.n - unit.n), unit))
            continue;
        uint64_t count;
        int64_t bytes;
        if (!str_to_u64(str_trim(str_first(s, s.n - unit.n)), &count) ||
            __builtin_mul_overflow(count, size_units[i].size, &bytes))
            return false;
        *out = bytes;
        return true;
    }
    return false;
}

static bool bool_parse(Str s, bool *out) {
    static const char *const words[] = { "false", "true", "no", "yes", "off", "on", "0", "1" };
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq_nocase(s, str_c(words[i]))) {
            *out = i % 2;
            return true;
        }
    return false;
}

/* --- ranges --- */

static Str amount_text(Arena *a, const CfgOption *o, int64_t v) {
    if (o->type == CFG_DURATION)
        return cfg_duration_text(a, v);
    if (o->type == CFG_SIZE)
        return cfg_size_text(a, v);
    return str_fmt(a, "%lld", (long long)v);
}

Str cfg_range_text(Arena *a, const CfgOption *o) {
    if (o->min == 0 && o->max == 0)
        return (Str){ 0 };
    Str min = amount_text(a, o, o->min), max = amount_text(a, o, o->max);
    return str_fmt(a, STR_FMT ".." STR_FMT "%s%s", STR_ARG(min), STR_ARG(max), o->unit ? " " : "",
                   o->unit ? o->unit : "");
}

static bool in_range(Cfg *c, const CfgOption *o, const CfgValue *v, bool inside) {
    if (inside || (o->min == 0 && o->max == 0))
        return true;
    Str range = cfg_range_text(c->arena, o), shown = cfg_shown(c, v->text);
    cfg_problem(c, v->origin, "%s: " STR_FMT " is outside " STR_FMT, o->key, STR_ARG(shown), STR_ARG(range));
    return false;
}

static bool refuse(Cfg *c, const CfgOption *o, const CfgValue *v, const char *wanted) {
    Str shown = o->type == CFG_SECRET || v->hidden ? S("***") : cfg_shown(c, v->text);
    cfg_problem(c, v->origin, "%s: \"" STR_FMT "\" is not %s", o->key, STR_ARG(shown), wanted);
    return false;
}

/* --- types --- */

static bool parse_number(Cfg *c, const CfgOption *o, const CfgValue *v, CfgParsed *out) {
    bool ok;
    const char *wanted;
    switch (o->type) {
    case CFG_INT:
        ok = v->text.n == 0 && !o->def ? (out->i = 0, true) : str_to_i64(v->text, &out->i);
        wanted = "a whole number";
        break;
    case CFG_DURATION:
        ok = v->text.n == 0 && !o->def ? (out->i = 0, true) : duration_parse_ms(v->text, &out->i);
        wanted = "a duration, such as 250ms, 5s, 15m, 2h or 7d";
        break;
    default:
        ok = v->text.n == 0 && !o->def ? (out->i = 0, true) : size_parse(v->text, &out->i);
        wanted = "a size, such as 512, 64KiB, 64MiB or 1GB";
    }
    return ok ? in_range(c, o, v, out->i >= o->min && out->i <= o->max) : refuse(c, o, v, wanted);
}

static bool parse_f64(Cfg *c, const CfgOption *o, const CfgValue *v, CfgParsed *out) {
    out->f = 0;
    if (v->text.n == 0 && !o->def)
        return true;
    if (!num_parse_f64(v->text, &out->f))
        return refuse(c, o, v, "a number");
    return in_range(c, o, v, out->f >= (double)o->min && out->f <= (double)o->max);
}

static bool parse_choice(Cfg *c, const CfgOption *o, const CfgValue *v, CfgParsed *out) {
    Buf all;
    buf_init(&all, ERR_TEXT_MAX);
    bool found = false;
    for (int i = 0; o->choices[i] && !found; i++) {
        found = str_eq_nocase(v->text, str_c(o->choices[i]));
        out->choice = i;
        buf_printf(&all, "%s%s", i ? ", " : "one of ", o->choices[i]);
    }
    if (!found) {
        char *words = str_cz(c->arena, buf_str(&all));
        refuse(c, o, v, words);
    }
    buf_done(&all);
    return found;
}

static bool parse_path(Cfg *c, const CfgOption *o, const CfgValue *v, CfgParsed *out) {
    Str s = v->text;
    if (str_starts(s, S("~/")) && c->home.n)
        s = str_fmt(c->arena, STR_FMT STR_FMT, STR_ARG(c->home), STR_ARG(str_from(s, 1)));
    else if (str_starts(s, S("~/")))
        return refuse(c, o, v, "a path here: HOME is not set, so write it out");
    out->path = str_cz(c->arena, s);
    return true;
}

static bool reveal(Cfg *c, const CfgOption *o, const CfgValue *v, Str text, Str *out) {
    *out = text;
    const char *why = c->reveal && text.n ? c->reveal(c->reveal_arg, c->arena, text, out) : NULL;
    if (why)
        cfg_problem(c, v->origin, "%s: %s", o->key, why);
    else if (out->p != text.p)
        *out = str_n(str_cz(c->arena, *out), out->n);
    return !why;
}

static bool parse_secret(Cfg *c, Ctx *cx, const CfgOption *o, const CfgValue *v, CfgParsed *out) {
    out->s = v->text;
    if (!str_starts(v->text, S("file:")))
        return true;
    Str content;
    Ctx reading = { .arena = c->arena, .clock = cx->clock };
    if (file_read(&reading, str_cz(c->arena, str_from(v->text, 5)), SECRET_FILE_MAX, &content) != 0) {
        cfg_problem(c, v->origin, "%s: %s", o->key, reading.err.text);
        return false;
    }
    content = str_trim(content);
    content = str_n(str_cz(c->arena, content), content.n);
    return reveal(c, o, v, content, &out->s);
}

static bool parse_list(Cfg *c, const CfgValue *v, CfgParsed *out) {
    VEC(Str) items = { 0 };
    Str rest = v->text, item;
    while (str_next(&rest, ',', &item)) {
        item = str_trim(item);
        if (item.n > 0) {
            item = str_n(str_cz(c->arena, item), item.n);
            vec_push_in(c->arena, &items, item);
        }
    }
    out->list = (CfgList){ items.v, items.n };
    return true;
}

bool cfg_parse_value(Cfg *c, Ctx *cx, const CfgOption *o, const CfgValue *given, CfgParsed *out) {
    CfgValue plain = *given, *v = &plain;
    if (!reveal(c, o, given, given->text, &plain.text))
        return false;
    plain.hidden = plain.text.p != given->text.p;
    if (str_find_char(v->text, '\0') >= 0)
        return refuse(c, o, v, "text without a NUL byte");
    switch (o->type) {
    case CFG_STR:
        out->s = v->text.p ? v->text : S("");
        return true;
    case CFG_PATH:
        return parse_path(c, o, v, out);
    case CFG_INT:
    case CFG_DURATION:
    case CFG_SIZE:
        return parse_number(c, o, v, out);
    case CFG_F64:
        return parse_f64(c, o, v, out);
    case CFG_BOOL:
        out->b = false;
        return (v->text.n == 0 && !o->def) || bool_parse(v->text, &out->b) || refuse(c, o, v, "true or false");
    case CFG_CHOICE:
        return parse_choice(c, o, v, out);
    case CFG_SECRET:
        return parse_secret(c, cx, o, v, out);
    case CFG_LIST:
        return parse_list(c, v, out);
    }
    assert(!"a type of CfgType");
    return false;
}

void cfg_store_value(const CfgOption *o, const CfgParsed *v, void *out) {
    char *field = (char *)out + o->offset;
    switch (o->type) {
    case CFG_STR:
    case CFG_SECRET:
        memcpy(field, &v->s, sizeof v->s);
        break;
    case CFG_PATH:
        memcpy(field, &v->path, sizeof v->path);
        break;
    case CFG_INT:
    case CFG_DURATION:
    case CFG_SIZE:
        memcpy(field, &v->i, sizeof v->i);
        break;
    case CFG_F64:
        memcpy(field, &v->f, sizeof v->f);
        break;
    case CFG_BOOL:
        memcpy(field, &v->b, sizeof v->b);
        break;
    case CFG_CHOICE:
        memcpy(field, &v->choice, sizeof v->choice);
        break;
    case CFG_LIST:
        memcpy(field, &v->list, sizeof v->list);
        break;
    }
}
