#pragma once

/* cli/cli.h - the command line: commands, what they print, and how they reach the platform.
 *
 * A command asks through ApiCaller, the same way a remote client does. Where the caller leads is app/'s business:
 * to the server that owns the store (its Unix socket), or into this process when there is none.
 *
 * Output: results on stdout, everything else (progress, notes, errors) on stderr. Colours and progress only on a
 * terminal; --json prints one JSON document (or JSON lines) for machines; nothing but the result in a pipe.
 * Exit status: that of base/err.h for the failure. Ctrl-C sets cx->cancel: the call under way ends, the store is
 * whole, status 130. Results that could not be written are a failure; a reader that went away (`| head`) is no news:
 * no words, and the status a shell gives a program ended by SIGPIPE. */

#include "api/op.h"
#include "base/buf.h"
#include "base/log.h"
#include "core/series.h"

#include <signal.h>
#include <stdio.h>

typedef struct Cli Cli;

struct Cli {
    Ctx *cx;            /* of the whole command; cx->cancel is set by SIGINT */
    ApiCaller *api;     /* NULL until cli_api() is asked for */
    FILE *out, *err;    /* stdout, stderr; tests give memory streams */
    bool json;          /* --json */
    bool quiet;         /* --quiet: no progress, no notes */
    bool wants_data;    /* with wants_gateway, where no server runs: the stores of the role market too */
    bool wants_gateway; /* set before cli_api: the platform's gateway is to answer, not its stores */
    bool out_tty, err_tty;
    bool reader_gone;     /* of out: nobody is left to tell anything */
    bool colour;          /* on out; NO_COLOR and --no-color turn it off */
    int columns;          /* width of the terminal; 80 when it is none */
    const char *temp_dir; /* for temporary files that may be large */
    const Shape *options; /* those of the program, which stand beside a command's own; for help alone */
    /* Does nobody read `out` any more? Asked when a write to it failed long before. NULL: not known. */
    bool (*out_gone)(const Cli *c);
    /* Opens the store or connects to its owner; called once, by cli_api. */
    int (*connect)(void *arg, Ctx *cx, ApiCaller **out);
    void *connect_arg;
    /* Kinds of forecasters that adapters bring; NULL-terminated, may be NULL. */
    const struct ForecasterKind *const *forecasters;
    /* Follows series of one venue until Ctrl-C; returns the exit status. */
    int (*follow)(Cli *c, const SeriesKey *keys, size_t n);
    /* Told how far a command is, a few times a second; NULL outside of child processes. total 0 = not known. */
    void (*progress)(double done, double total, int64_t n_units);
    /* Rows of a Parquet file of others as text, the names first; NULL: there is no way to read one. */
    int (*foreign)(Cli *c, const char *path, int (*row)(void *arg, Ctx *cx, const Str *cells, size_t n), void *arg);
};

enum { CLI_READER_GONE = 128 + SIGPIPE };

/* The way to the platform; connects at the first call. */
int cli_api(Cli *c, ApiCaller **out);

typedef struct Command {
    const char *name;
    const char *summary;           /* one line of the list */
    const char *help;              /* paragraphs; may be NULL */
    const char *examples;          /* one a line: command, two spaces, # what it does */
    const Shape *flags;            /* flags of the command as an operation's shape; NULL = none */
    const char *const *positional; /* NULL-terminated names of shape fields that bare words fill in order */
    bool shows_options;            /* its help lists the program's options */
    const char *group;             /* "Data", "Backtesting", "Forecasting", "Platform", "Help" */
    /* argv[0] is the command's name; flags are decoded into `in` (zeroed struct of `flags`, defaults applied). */
    int (*run)(Cli *c, const void *in);
} Command;

/* Runs argv[1] out of the table: --help, "help CMD", nearest command on a typo. Returns the exit status. */
int cli_main(Cli *c, const Command *const *commands, size_t n, int argc, char **argv);
/* Prints the failure in cx->err to c->err (one JSON object with --json) and returns its exit status. */
int cli_fail(Cli *c, int code);
/* A write to c->out failed: the code to pass on, with words unless the reader just went away. os_errno 0 = not known. */
int cli_out_fail(Cli *c, int os_errno);

/* The commands on candles: import, export, query, stats, gaps, quality, ensure, collect, list, symbols, remove,
 * verify, storage. app/ adds serve, exchange-sim, demo, config, doctor, version, completion. */
extern const Command *const cli_market_commands[];
extern const size_t cli_n_market_commands;

/* Shell completion made from the tables: "bash", "zsh" or "fish". */
int cli_completion(Cli *c, const Command *const *commands, size_t n, Str shell);
