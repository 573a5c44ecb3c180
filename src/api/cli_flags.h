#pragma once

/* api/cli_flags.h - command lines from the same tables as the wire: flags, help, completion.
 *
 *     finsight query BTCUSDT 1h --start 2024-01-01 --limit=100 --no-adjusted --columns open,close
 *
 * A field `min_volume` is the flag --min-volume. Every type reads as in a query; the checks and their words are
 * those of the API. A member of a nested struct is --risk.max-loss. Fields named in `positionals` are given by
 * place (and may be given as flags too). */

#include "api/op.h"

typedef struct CliGroup {
    const char *title; /* heading in the help: "Options", "Output" */
    const Shape *shape;
    void *record; /* filled by cli_flags_parse; may be NULL for help alone */
} CliGroup;

typedef struct CliExample {
    const char *line, *doc; /* doc may be NULL */
} CliExample;

typedef struct CliUsage {
    const char *command;            /* "finsight query" */
    const char *summary;            /* one line */
    const char *doc;                /* paragraphs; may be NULL */
    const char *const *positionals; /* fields by name, NULL-terminated; a list as the last one takes the rest */
    const CliGroup *groups;         /* names are unique over all of them */
    size_t n_groups;
    const CliExample *examples;
    size_t n_examples;
} CliUsage;

enum { CLI_HELP = 1 }; /* --help or -h: print cli_flags_help and end well */

/* argv: the words behind the command. Every record is set to its defaults first. 0, CLI_HELP, ERR_USAGE (an unknown
 * flag, a missing value or argument: the words name the nearest flag), ERR_INVALID (a value out of bounds).
 * Strings borrow from argv. */
int cli_flags_parse(const CliUsage *u, Ctx *cx, int argc, char *const *argv);

/* The help text, wrapped at `columns` (at least 40). color: ANSI bold and cyan, for a terminal. */
void cli_flags_help(const CliUsage *u, Buf *out, int columns, bool color);

/* One line per flag, for shell completion: "--order\tBy open time.\tasc desc". */
void cli_flags_complete(const CliUsage *u, Buf *out);

/* Internal to the two halves: is the field one of the positionals, and at what place? -1 if not. */
int cli_positional_index(const CliUsage *u, const char *name);
/* Candles and other things that have no place on a command line. */
bool cli_field_hidden(const Field *f);
/* "--min-volume" */
Str cli_flag_name(Arena *a, const Field *f);
