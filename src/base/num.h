#pragma once

/* base/num.h - numbers to text and back, without a locale and without losing a bit.
 *
 * num_parse_f64 is correctly rounded, whatever the length of the text. num_format_f64 writes the shortest
 * text that reads back as the same double: candles keep their value and their bits through text, trailing
 * zeros of a venue's text excepted. */

#include "base/str.h"

enum { NUM_TEXT_MAX = 32 };

/* JSON/CSV number grammar: [+-]digits[.digits][(e|E)[+-]digits], also ".5" and "5."; whole string.
 * false on anything else, on nan/inf, and on a magnitude that overflows to infinity. */
bool num_parse_f64(Str s, double *out);
/* The longest number prefix of s; returns its length, 0 if there is none. For scanners. */
size_t num_scan_f64(Str s, double *out);

/* Writes at most NUM_TEXT_MAX bytes, no terminator; returns the length. Never "-0", "nan" or "inf":
 * asserts that v is finite. Integral values have no point ("42"); exponents only below 1e-6 and from
 * 1e21 on, in all as JavaScript prints ("1.2e-7", "1e+21"). */
size_t num_format_f64(double v, char *out);
/* The same for a column of like numbers: *hint remembers the number of decimals that fitted last and
 * is tried first (0..15). The text is the same whatever the hint. Start with 0. */
size_t num_format_f64_hint(double v, int *hint, char *out);
size_t num_format_i64(int64_t v, char *out);
size_t num_format_u64(uint64_t v, char *out);
