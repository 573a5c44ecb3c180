#pragma once

/* cli/term.h - what makes output worth reading: numbers, tables, sparklines, progress. */

#include "cli/cli.h"

/* --- words for numbers; all in the arena --- */

Str term_count(Arena *a, int64_t n);         /* "34,349" */
Str term_bytes(Arena *a, int64_t n);         /* "1.4 MB", powers of 1000 */
Str term_ms(Arena *a, double ms);            /* "0.4 ms", "12 ms", "3.2 s", "4 min 10 s" */
Str term_price(Arena *a, double v);          /* up to 8 significant decimals, grouped: "46,656.13" */
Str term_percent(Arena *a, double fraction); /* 0.99997 -> "99.997 %"; 100 % only when it is */
Str term_change(Arena *a, double fraction);  /* 0.0123 -> "+1.23 %"; "-" where there is none */
Str term_ratio(Arena *a, double v);          /* "1.23"; "-" where there is none */
Str term_minute(Arena *a, Time t);           /* "2024-03-01 12:34" */
/* n values as bars of the eight block heights, at most `width` of them (means of neighbours). */
Str term_sparkline(Arena *a, const double *v, size_t n, size_t width);

/* --- colours: empty strings when colour is off --- */

typedef enum Tone { TONE_PLAIN, TONE_DIM, TONE_BOLD, TONE_GOOD, TONE_BAD, TONE_WARN, TONE_ACCENT } Tone;
const char *term_tone(const Cli *c, Tone t);
static inline const char *term_end(const Cli *c) {
    return c->colour ? "\033[0m" : "";
}

/* --- tables --- */

enum { TABLE_COLUMNS_MAX = 12 };

typedef struct Table {
    const char *const *heads; /* NULL-terminated; a head that begins with '>' is right-aligned */
    size_t n_columns, n_rows, cap_rows;
    Str *cells;  /* n_rows × n_columns, in the arena */
    Tone *tones; /* one a cell */
    Arena *arena;
} Table;

void table_init(Table *t, Arena *a, const char *const *heads);
void table_cell(Table *t, Str text, Tone tone); /* fills rows from left to right */
void table_print(const Table *t, const Cli *c);
size_t
term_width(Str s); /* columns of UTF-8 text on a terminal: code points, which is right for what is printed here */

/* --- progress, on stderr, only on a terminal --- */

typedef struct Progress {
    Cli *c;
    const char *what; /* "importing btc.csv" */
    const char *unit; /* "candles" */
    MonoNs started, drawn, told;
    bool shown;
} Progress;

void progress_init(Progress *p, Cli *c, const char *what, const char *unit);
/* done of total; total 0 = not known. n_units counts the unit for the rate. Draws at most 10 times a second. */
void progress_update(Progress *p, double done, double total, int64_t n_units);
void progress_end(Progress *p); /* takes the line away */
