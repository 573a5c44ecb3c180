#pragma once

/* backtest/report/html.h - text and numbers for people on a page. Everything from outside goes through html_text.
 * Pure; errors stay in the Buf (buf_ok). */

#include "backtest/metrics.h"
#include "base/buf.h"

#define HTML(b, literal) BUF_LIT(b, literal)
/* Escapes & < > " '; bytes that are not UTF-8 and control characters become U+FFFD. Good for text and attributes. */
void html_text(Buf *b, Str s);

/* Numbers with a real minus sign and thin groups: "−1 234.50". NaN is "–". */
void html_number(Buf *b, double v, int decimals);
void html_percent(Buf *b, double fraction, int decimals);        /* 0.1234 -> "12.34 %" */
void html_signed_percent(Buf *b, double fraction, int decimals); /* "+12.34 %" */
void html_compact(Buf *b, double v);                             /* "51.2k": for axes */
void html_price(Buf *b, double v);                               /* as many decimals as its size asks for */
void html_count(Buf *b, size_t n);
void html_metric(Buf *b, MetricUnit unit, double v);
void html_date(Buf *b, int64_t ms, bool with_time); /* "2024-03-01" or "2024-03-01 12:30" */
