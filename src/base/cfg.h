#pragma once

/* base/cfg.h - one typed table of options drives everything that touches configuration.
 *
 * From the table come: the file (YAML), the environment (FINSIGHT_SECTION_NAME), the flags (--section.name or
 * --name), the defaults, `--help`, the page in docs/, and `finsight config` with effective values and origins
 * (DEP-16). Each part of the program has a plain struct with a field per option; no one asks for values by name.
 *
 *     static const CfgOption options[] = {
 *         { "server.port", CFG_INT, CFG_AT(AppCfg, port), .def = "8080", .min = 0, .max = 65535,
 *           .help = "TCP port; 0 takes a free one" },
 *     };
 *     cfg_init(&cfg, options, ARRAY_LEN(options), arena);
 *     cfg_take_env(&cfg, environ);
 *     cfg_take_args(&cfg, &argc, argv);
 *     if ((r = cfg_take_file(&cfg, cx, path)) || (r = cfg_finish(&cfg, cx, &app_cfg))) ...
 *
 * A flag beats the environment, which beats the file, which beats the default, in whatever order they are taken.
 * Unknown names are refused with the nearest known one, and every problem is reported with its place in one go.
 * The environment is handed in: nothing here calls getenv. A secret is never accepted as a flag (the process list
 * shows it): it comes from the environment, the file, or as "file:/path" from a file of its own; it prints as ***.
 * Memory: everything in the arena. One thread. */

#include "base/buf.h"
#include "base/ctx.h"
#include "base/vec.h"

typedef enum CfgType {
    CFG_STR,      /* Str, terminated */
    CFG_PATH,     /* const char *; a leading "~/" is the home folder when the environment told it */
    CFG_INT,      /* int64_t in [min, max]; `unit` names it in help */
    CFG_F64,      /* double in [min, max] */
    CFG_BOOL,     /* bool: true/false, yes/no, on/off, 1/0; `--name` alone is true, `--no-name` false */
    CFG_DURATION, /* int64_t ms: "5s", "250ms", "2h", "7d"; min and max in ms */
    CFG_SIZE,     /* int64_t bytes: "64MiB", "1GB", "512" ; min and max in bytes */
    CFG_CHOICE,   /* int: the index into choices */
    CFG_SECRET,   /* Str, terminated, masked everywhere */
    CFG_LIST,     /* CfgList: "a,b,c", or a YAML sequence; empty items are dropped */
} CfgType;

typedef struct CfgList {
    Str *v;
    size_t n;
} CfgList;

typedef struct CfgOption {
    const char *key; /* "server.port" or "config": sections, dots, name; a-z 0-9 _ */
    CfgType type;
    size_t offset;              /* of the field: CFG_AT(Struct, field) */
    const char *def;            /* as text; NULL = empty, 0, false */
    int64_t min, max;           /* both 0 = no limit (negative numbers are refused for DURATION and SIZE) */
    const char *const *choices; /* NULL-terminated */
    const char *unit;           /* of a CFG_INT, e.g. "threads" */
    const char *flag;           /* short flag without dashes, e.g. "port" for --port; NULL = --section.name alone */
    const char *help;           /* one line */
} CfgOption;
#define CFG_AT(T, field) offsetof(T, field)

typedef enum CfgRank { CFG_DEFAULT, CFG_FILE, CFG_ENV, CFG_FLAG } CfgRank;

typedef struct CfgValue {
    Str text; /* as given; list items separated by commas */
    CfgRank rank;
    Str origin;  /* "default", "finsight.yaml:12", "env FINSIGHT_SERVER_PORT", "flag --port" */
    bool hidden; /* it was encrypted: not for words */
} CfgValue;

typedef struct CfgProblem {
    Str place; /* "finsight.yaml:12:3", "env FINSIGHT_PORTT", "flag --prot" */
    Str text;
} CfgProblem;

typedef struct Cfg {
    const CfgOption *options;
    size_t n;
    Arena *arena;
    CfgValue *values;               /* one an option */
    VEC(CfgProblem) problems;       /* grows in the arena */
    const char *const *env_ignored; /* NULL-terminated FINSIGHT_ names that are no options; may be NULL */
    Str home;                       /* HOME of the environment taken */
    /* What a given text stands for: encrypted values become plain ones. Optional. NULL: *out is the value (text itself, or
     * in the arena), else why it cannot be had. */
    const char *(*reveal)(void *arg, Arena *a, Str text, Str *out);
    void *reveal_arg;
} Cfg;

enum { CFG_FILE_MAX = 1 << 20, CFG_PROBLEMS_MAX = 50 };

void cfg_init(Cfg *c, const CfgOption *options, size_t n, Arena *arena);
void cfg_take_env(Cfg *c, char *const *environment); /* "NAME=value", NULL-terminated */
/* Takes the flags of the table out of argv (after argv[0]) and leaves the rest in order, up to "--". Flags it does
 * not know stay too, for the command's own table: cfg_refuse_flags reports what is left in the end. */
void cfg_take_args(Cfg *c, int *argc, char **argv);
void cfg_refuse_flags(Cfg *c, int argc, char *const *argv);
int cfg_take_file(Cfg *c, Ctx *cx, const char *path);                      /* cannot read it: the words say so */
void cfg_take_yaml(Cfg *c, Str text, const char *name);                    /* name shows in places */
void cfg_set(Cfg *c, const char *key, Str text, CfgRank rank, Str origin); /* programs and tests */

/* Something wrong at a place; kept for cfg_finish to report, CFG_PROBLEMS_MAX at most. */
void cfg_problem(Cfg *c, Str place, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Parses every effective value into the struct. With problems: ERR_USAGE, words for the first and the number of the
 * others, all of them in c->problems; *out is then untouched. */
int cfg_finish(Cfg *c, Ctx *cx, void *out);

const CfgOption *cfg_find(const Cfg *c, Str key);
const CfgValue *cfg_value(const Cfg *c, Str key); /* NULL for an unknown key */
Str cfg_env_name(const CfgOption *o, Arena *a);   /* "FINSIGHT_SERVER_PORT" */

/* Outputs, each written to a Buf whose limit is the limit. */
void cfg_write_problems(const Cfg *c, Buf *out);  /* "place: text" a line */
void cfg_write_help(const Cfg *c, Buf *out);      /* the options part of --help */
void cfg_write_markdown(const Cfg *c, Buf *out);  /* docs/configuration.md's table */
void cfg_write_effective(const Cfg *c, Buf *out); /* key, value, origin; secrets masked */
void cfg_write_effective_json(const Cfg *c, Buf *out);
