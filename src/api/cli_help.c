/* api/cli_help.c - the help text and the completion lines of a command; see cli_flags.h. */

#include "api/cli_flags.h"

#include "api/field.h"
#include "base/num.h"
#include "base/utf8.h"

enum { LEFT_MAX = 30, GAP = 2 }; /* the column of the explanations is never further right */

typedef struct Help {
    const CliUsage *u;
    Buf *out;
    Arena *arena; /* of the texts, until the help is written */
    size_t columns;
    bool color;
} Help;

static void styled(Help *h, const char *ansi, Str text) {
    if (h->color)
        buf_printf(h->out, "\033[%sm", ansi);
    buf_put_str(h->out, text);
    if (h->color)
        BUF_LIT(h->out, "\033[0m");
}

static void heading(Help *h, const char *title) {
    buf_put_c(h->out, '\n');
    styled(h, "1", str_c(title));
    BUF_LIT(h->out, ":\n");
}

static void spaces(Help *h, size_t n) {
    for (size_t i = 0; i < n; i++)
        buf_put_c(h->out, ' ');
}

/* Words from column `at` on, wrapped, later lines indented. Ends the line. */
static void wrapped(Help *h, Str text, size_t indent, size_t at) {
    Str word;
    bool first = true;
    while (str_next(&text, ' ', &word)) {
        if (word.n == 0)
            continue;
        size_t width = utf8_count(word);
        if (!first && at + 1 + width > h->columns) {
            buf_put_c(h->out, '\n');
            spaces(h, indent);
            at = indent;
        } else if (!first) {
            buf_put_c(h->out, ' ');
            at++;
        }
        buf_put_str(h->out, word);
        at += width;
        first = false;
    }
    buf_put_c(h->out, '\n');
}

static void paragraphs(Help *h, const char *text) {
    Str rest = str_c(text), line;
    while (rest.n && str_next(&rest, '\n', &line))
        wrapped(h, line, 0, 0);
}

/* --- what stands left: the flag and its value --- */

static Str value_name(Help *h, const Field *f) {
    switch (f->type) {
    case FT_BOOL:
        return (Str){ 0 };
    case FT_I64:
        return S(" <n>");
    case FT_F64:
        return S(" <number>");
    case FT_TIME:
        return S(" <time>");
    case FT_SHAPE:
    case FT_JSON:
        return S(" <json>");
    default:
        break;
    }
    if (!f->choices)
        return str_fmt(h->arena, " <%s>%s", f->pattern ? f->pattern : "text", f->type == FT_LIST ? ",…" : "");
    Buf b;
    buf_init(&b, 200);
    for (const char *const *c = f->choices; *c; c++)
        buf_printf(&b, "%s%s", b.n ? "|" : " <", *c);
    BUF_LIT(&b, ">");
    Str text = b.n <= 20 && !b.full ? str_dup(h->arena, buf_str(&b)) : S(" <word>");
    buf_done(&b);
    return f->type == FT_LIST ? str_fmt(h->arena, STR_FMT ",…", STR_ARG(text)) : text;
}

static Str left_text(Help *h, const Field *f, bool place) {
    if (place)
        return str_fmt(h->arena, "<%s>%s", f->name, f->type == FT_LIST ? "..." : "");
    Str flag = cli_flag_name(h->arena, f), value = value_name(h, f);
    bool on = f->type == FT_BOOL && f->def && str_eq(str_c(f->def), S("true"));
    if (on) /* a switch that is on: what one would type is the other way */
        return str_fmt(h->arena, "--no-" STR_FMT, STR_ARG(str_from(flag, 2)));
    return str_fmt(h->arena, STR_FMT STR_FMT, STR_ARG(flag), STR_ARG(value));
}

/* --- what stands right: the sentence, and what follows from the table --- */

static Str number(Help *h, double v) {
    char text[NUM_TEXT_MAX];
    return str_dup(h->arena, str_n(text, num_format_f64(v, text)));
}

static Str range_text(Help *h, const Field *f) {
    bool low = field_bounded_below(f), high = f->max != 0;
    if ((f->type != FT_I64 && f->type != FT_F64) || (!low && !high))
        return (Str){ 0 };
    Str min = number(h, f->min), max = number(h, f->max);
    if (low && high)
        return str_fmt(h->arena, STR_FMT " to " STR_FMT, STR_ARG(min), STR_ARG(max));
    return str_fmt(h->arena, "at %s " STR_FMT, low ? "least" : "most", STR_ARG(low ? min : max));
}

static void note(Buf *b, const char *word, Str text) {
    buf_printf(b, "%s%s%s" STR_FMT, b->n ? "; " : "", word, *word ? " " : "", STR_ARG(text));
}

static Str right_text(Help *h, const Field *f, bool place) {
    Buf notes;
    buf_init(&notes, 2048);
    Str range = range_text(h, f);
    if (range.n)
        note(&notes, "", range);
    bool listed = f->choices && str_find(value_name(h, f), S("<word>")) >= 0;
    for (const char *const *c = f->choices; listed && *c; c++)
        buf_printf(&notes, "%s%s", c == f->choices ? "one of " : ", ", *c);
    if (f->def && f->type != FT_BOOL)
        note(&notes, "default", str_c(f->def));
    else if (f->def && str_eq(str_c(f->def), S("true")))
        note(&notes, "", S("on by default"));
    if (f->flags & F_REQUIRED && !place)
        note(&notes, "", S("required"));
    if (f->type == FT_LIST)
        note(&notes, "", S("may be repeated"));
    if (f->example && !f->def && !f->choices && f->type != FT_BOOL && !(f->flags & F_SECRET))
        note(&notes, "e.g.", str_c(f->example));
    Str text = str_fmt(h->arena, "%s%s" STR_FMT "%s", f->doc ? f->doc : "", notes.n ? " (" : "",
                       STR_ARG(buf_str(&notes)), notes.n ? ")" : "");
    buf_done(&notes);
    return text;
}

static void row(Help *h, Str left, Str right, size_t width) {
    spaces(h, GAP);
    styled(h, "36", left);
    size_t at = GAP + utf8_count(left), column = GAP + width + GAP;
    if (at + GAP > column) {
        buf_put_c(h->out, '\n');
        at = 0;
    }
    spaces(h, column - at);
    wrapped(h, right, column, column);
}

/* --- the whole --- */

typedef void RowFn(Help *h, const Field *f, bool place, size_t *width);

static void measure(Help *h, const Field *f, bool place, size_t *width) {
    size_t n = utf8_count(left_text(h, f, place));
    if (n <= LEFT_MAX)
        *width = MAX(*width, n);
}

static void print(Help *h, const Field *f, bool place, size_t *width) {
    row(h, left_text(h, f, place), right_text(h, f, place), *width);
}

static void each_place(Help *h, RowFn *fn, size_t *width) {
    for (int i = 0; h->u->positionals && h->u->positionals[i]; i++)
        for (size_t g = 0; g < h->u->n_groups; g++) {
            const Field *f = shape_field(h->u->groups[g].shape, str_c(h->u->positionals[i]));
            if (f)
                fn(h, f, true, width);
        }
}

static bool is_option(const Help *h, const Field *f) {
    return !cli_field_hidden(f) && cli_positional_index(h->u, f->name) < 0;
}

static void each_option(Help *h, const CliGroup *group, RowFn *fn, size_t *width) {
    for (size_t i = 0; i < group->shape->n_fields; i++)
        if (is_option(h, &group->shape->fields[i]))
            fn(h, &group->shape->fields[i], false, width);
}

static void put_usage_line(Help *h) {
    styled(h, "1", S("Usage:"));
    Str line = str_fmt(h->arena, " %s", h->u->command);
    bool options = false;
    for (int i = 0; h->u->positionals && h->u->positionals[i]; i++)
        for (size_t g = 0; g < h->u->n_groups; g++) {
            const Field *f = shape_field(h->u->groups[g].shape, str_c(h->u->positionals[i]));
            if (f)
                line = str_fmt(h->arena, f->flags & F_REQUIRED ? STR_FMT " " STR_FMT : STR_FMT " [" STR_FMT "]",
                               STR_ARG(line), STR_ARG(left_text(h, f, true)));
        }
    for (size_t g = 0; g < h->u->n_groups; g++)
        for (size_t i = 0; i < h->u->groups[g].shape->n_fields; i++)
            options |= is_option(h, &h->u->groups[g].shape->fields[i]);
    line = str_fmt(h->arena, STR_FMT "%s", STR_ARG(line), options ? " [options]" : "");
    buf_put_c(h->out, ' ');
    wrapped(h, line, sizeof "Usage: " - 1, sizeof "Usage: " - 1);
}

static void put_examples(Help *h) {
    if (!h->u->n_examples)
        return;
    heading(h, "Examples");
    for (size_t i = 0; i < h->u->n_examples; i++) {
        spaces(h, GAP);
        styled(h, "36", str_c(h->u->examples[i].line));
        buf_put_c(h->out, '\n');
        if (h->u->examples[i].doc) {
            spaces(h, 6);
            wrapped(h, str_c(h->u->examples[i].doc), 6, 6);
        }
    }
}

void cli_flags_help(const CliUsage *u, Buf *out, int columns, bool color) {
    Arena arena;
    arena_init(&arena, 0);
    Help h = { u, out, &arena, (size_t)CLAMP(columns, 40, 200), color };
    wrapped(&h, str_c(u->summary), 0, 0);
    buf_put_c(out, '\n');
    put_usage_line(&h);
    if (u->doc) {
        buf_put_c(out, '\n');
        paragraphs(&h, u->doc);
    }
    size_t width = sizeof "--help" - 1;
    each_place(&h, measure, &width);
    for (size_t g = 0; g < u->n_groups; g++)
        each_option(&h, &u->groups[g], measure, &width);
    width = MIN(width, h.columns / 3);
    if (u->positionals && u->positionals[0]) {
        heading(&h, "Arguments");
        each_place(&h, print, &width);
    }
    for (size_t g = 0; g < u->n_groups; g++) {
        heading(&h, u->groups[g].title);
        each_option(&h, &u->groups[g], print, &width);
        if (g + 1 == u->n_groups)
            row(&h, S("--help"), S("Show this text."), width);
    }
    put_examples(&h);
    arena_done(&arena);
}

void cli_flags_complete(const CliUsage *u, Buf *out) {
    Arena arena;
    arena_init(&arena, 0);
    for (size_t g = 0; g < u->n_groups; g++)
        for (size_t i = 0; i < u->groups[g].shape->n_fields; i++) {
            const Field *f = &u->groups[g].shape->fields[i];
            if (cli_field_hidden(f))
                continue;
            buf_printf(out, STR_FMT "\t%s\t", STR_ARG(cli_flag_name(&arena, f)), f->doc ? f->doc : "");
            for (const char *const *c = f->choices; c && *c; c++)
                buf_printf(out, "%s%s", c == f->choices ? "" : " ", *c);
            buf_put_c(out, '\n');
        }
    arena_done(&arena);
}
