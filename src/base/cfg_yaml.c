/* base/cfg_yaml.c - the configuration file: nested mappings of scalars, as libyaml events.
 *
 * Anchors, tags, several documents and deep nesting have no use here and are refused, which also keeps a file from
 * growing while it is read. Reading goes on after a mistake where that makes sense, so that all are told at once. */

#include "base/cfg_internal.h"
#include "base/file.h"

#include <yaml.h>

enum { DEPTH_MAX = 4, EVENTS_MAX = 20000, KEY_MAX = 128 };

typedef struct Reader {
    Cfg *c;
    const char *name;
    yaml_parser_t parser;
    int events;
    bool *seen; /* one an option: given in this file */
} Reader;

static Str place(const Reader *r, yaml_mark_t mark) {
    return str_fmt(r->c->arena, "%s:%zu:%zu", r->name, mark.line + 1, mark.column + 1);
}

/* The next event, to be deleted by the caller; false at an error, which is recorded. */
static bool next(Reader *r, yaml_event_t *e) {
    if (++r->events > EVENTS_MAX) {
        cfg_problem(r->c, str_c(r->name), "more than %d entries", EVENTS_MAX);
        return false;
    }
    if (yaml_parser_parse(&r->parser, e))
        return true;
    const yaml_parser_t *p = &r->parser;
    Str at = p->error == YAML_READER_ERROR ? str_fmt(r->c->arena, "%s: byte %zu", r->name, p->problem_offset)
                                           : place(r, p->problem_mark);
    const char *why = p->problem ? p->problem : "unreadable";
    cfg_problem(r->c, at, "not YAML: %s%s%s", why, p->context ? ", " : "", p->context ? p->context : "");
    return false;
}

/* Reads to the end of the mapping or sequence that just began. */
static bool skip(Reader *r) {
    for (int depth = 1; depth > 0;) {
        yaml_event_t e;
        if (!next(r, &e))
            return false;
        depth += e.type == YAML_MAPPING_START_EVENT || e.type == YAML_SEQUENCE_START_EVENT;
        depth -= e.type == YAML_MAPPING_END_EVENT || e.type == YAML_SEQUENCE_END_EVENT;
        yaml_event_delete(&e);
    }
    return true;
}

static Str scalar(const yaml_event_t *e) {
    return str_n((const char *)e->data.scalar.value, e->data.scalar.length);
}

/* An empty value, ~ or null: as if the line were not there. */
static bool is_null(const yaml_event_t *e) {
    Str s = scalar(e);
    return e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (s.n == 0 || str_eq(s, S("~")) || str_eq_nocase(s, S("null")));
}

static void give(Reader *r, const CfgOption *o, Str text, yaml_mark_t mark) {
    Str origin = str_fmt(r->c->arena, "%s:%zu", r->name, mark.line + 1);
    size_t i = cfg_index(r->c, o);
    if (r->seen[i])
        cfg_problem(r->c, place(r, mark), "%s is given twice", o->key);
    r->seen[i] = true;
    cfg_set(r->c, o->key, text, CFG_FILE, origin);
}

static bool is_section(const Cfg *c, Str key) {
    for (size_t i = 0; i < c->n; i++) {
        Str known = str_c(c->options[i].key);
        if (known.n > key.n && str_starts(known, key) && known.p[key.n] == '.')
            return true;
    }
    return false;
}

static void unknown(Reader *r, Str key, yaml_mark_t mark) {
    Str shown = cfg_shown(r->c, key);
    Str hint = cfg_hint(r->c, key, cfg_key_name);
    cfg_problem(r->c, place(r, mark), "no such option: " STR_FMT STR_FMT, STR_ARG(shown), STR_ARG(hint));
}

/* The items of the sequence that just began, as "a,b,c". */
static bool read_sequence(Reader *r, const CfgOption *o, yaml_mark_t start) {
    Buf items;
    buf_init(&items, CFG_FILE_MAX);
    bool ok = true;
    for (bool more = true; more && ok;) {
        yaml_event_t e;
        if (!next(r, &e)) {
            ok = false;
            break;
        }
        if (e.type == YAML_SEQUENCE_END_EVENT) {
            more = false;
        } else if (e.type == YAML_SCALAR_EVENT) {
            Str item = scalar(&e);
            if (str_find_char(item, ',') >= 0)
                cfg_problem(r->c, place(r, e.start_mark), "%s: an item may not contain a comma", o->key);
            if (items.n)
                buf_put_c(&items, ',');
            buf_put_str(&items, item);
        } else {
            cfg_problem(r->c, place(r, e.start_mark), "%s: an item is plain text", o->key);
            if (e.type != YAML_ALIAS_EVENT)
                ok = skip(r);
        }
        yaml_event_delete(&e);
    }
    if (ok)
        give(r, o, buf_str(&items), start);
    buf_done(&items);
    return ok;
}

static bool read_mapping(Reader *r, Str prefix, int depth);

/* The value event of a key; false when reading cannot go on. */
static bool read_value(Reader *r, Str key, yaml_mark_t key_mark, const yaml_event_t *e, int depth) {
    const CfgOption *o = cfg_find(r->c, key);
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        if (o && o->type == CFG_LIST && is_null(e))
            give(r, o, S(""), e->start_mark);
        else if (o && !is_null(e))
            give(r, o, scalar(e), e->start_mark);
        else if (!o && !(is_null(e) && is_section(r->c, key)))
            unknown(r, key, key_mark);
        return true;
    case YAML_SEQUENCE_START_EVENT:
        if (o && o->type == CFG_LIST)
            return read_sequence(r, o, e->start_mark);
        if (o)
            cfg_problem(r->c, place(r, e->start_mark), "%s takes one value, not a list", o->key);
        else
            unknown(r, key, key_mark);
        return skip(r);
    case YAML_MAPPING_START_EVENT:
        if (is_section(r->c, key) && depth < DEPTH_MAX)
            return read_mapping(r, key, depth + 1);
        if (o)
            cfg_problem(r->c, place(r, e->start_mark), "%s takes a value, not a section", o->key);
        else
            unknown(r, key, key_mark);
        return skip(r);
    default:
        cfg_problem(r->c, place(r, e->start_mark), "aliases are not read here: write the value out");
        return true;
    }
}

static bool read_mapping(Reader *r, Str prefix, int depth) {
    for (;;) {
        yaml_event_t key, value;
        if (!next(r, &key))
            return false;
        if (key.type != YAML_SCALAR_EVENT) {
            bool end = key.type == YAML_MAPPING_END_EVENT;
            if (!end)
                cfg_problem(r->c, place(r, key.start_mark), "a key is plain text");
            yaml_event_delete(&key);
            return end;
        }
        Str part = str_first(scalar(&key), KEY_MAX);
        Str whole = prefix.n ? str_fmt(r->c->arena, STR_FMT "." STR_FMT, STR_ARG(prefix), STR_ARG(part))
                             : str_dup(r->c->arena, part);
        yaml_mark_t mark = key.start_mark;
        yaml_event_delete(&key);
        if (!next(r, &value))
            return false;
        bool ok = read_value(r, whole, mark, &value, depth);
        yaml_event_delete(&value);
        if (!ok)
            return false;
    }
}

static void read_stream(Reader *r) {
    bool in_document = false, one = false;
    for (bool more = true; more;) {
        yaml_event_t e;
        if (!next(r, &e))
            return;
        switch (e.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
            break;
        case YAML_DOCUMENT_START_EVENT:
            in_document = !one;
            if (one)
                cfg_problem(r->c, place(r, e.start_mark), "only one document is read");
            more = in_document;
            one = true;
            break;
        case YAML_MAPPING_START_EVENT:
            more = read_mapping(r, (Str){ 0 }, 1);
            break;
        case YAML_SCALAR_EVENT:
            if (is_null(&e))
                break;
            __attribute__((fallthrough));
        case YAML_SEQUENCE_START_EVENT:
        case YAML_ALIAS_EVENT:
            cfg_problem(r->c, place(r, e.start_mark), "the file holds \"section:\" lines with \"name: value\" below");
            more = false;
            break;
        default:
            more = false;
        }
        yaml_event_delete(&e);
    }
}

void cfg_take_yaml(Cfg *c, Str text, const char *name) {
    if (text.n > CFG_FILE_MAX) {
        cfg_problem(c, str_c(name), "larger than %d bytes", CFG_FILE_MAX);
        return;
    }
    Reader r = { .c = c, .name = name, .seen = arena_new_n(c->arena, bool, c->n) };
    if (!yaml_parser_initialize(&r.parser)) {
        cfg_problem(c, str_c(name), "no memory to read it");
        return;
    }
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text.p ? text.p : ""), text.n);
    read_stream(&r);
    yaml_parser_delete(&r.parser);
}

int cfg_take_file(Cfg *c, Ctx *cx, const char *path) {
    Str text;
    int r = file_read(cx, path, CFG_FILE_MAX, &text);
    if (r == 0)
        cfg_take_yaml(c, text, path);
    return r;
}
