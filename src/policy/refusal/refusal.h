#pragma once

/* policy/refusal/refusal.h - rules that refuse what is written to break something behind us (SEC-18, SEC-19).
 *
 * The platform itself does not need them: its statements are prepared, its pages escape, its files are named by a hash.
 * They are for what stands behind a route and was written by others, and so that a probe is seen and told.
 *
 * A rule never looks for a word. "Western Union selects…", "O'Brien", "AT&T", `a < b and c > d` are ordinary; what is
 * refused has the *form* of an attack: a quote that ends a value and a condition behind it, a path that climbs, a tag that
 * runs, a command behind a separator. A value without any character such a form needs costs one pass over its bytes.
 *
 * Pure; any thread; no memory but the stack. A value is looked at up to REFUSAL_TEXT_MAX bytes; longer ones are prose.
 * Sources: the grammars of SQL (ISO 9075 and what MySQL, PostgreSQL, SQL Server, SQLite, Oracle add), HTML's tokenizer,
 * POSIX shell; OWASP Testing Guide 4.2 §4.7. */

#include "base/str.h"

typedef enum Refusal {
    REFUSAL_NONE,
    REFUSAL_TRAVERSAL, /* ../ and its codings, files of the system, NUL, schemes that open files */
    REFUSAL_SQL,
    REFUSAL_SCRIPT,   /* HTML or JavaScript that runs */
    REFUSAL_COMMAND,  /* a shell's commands behind a separator */
    REFUSAL_TEMPLATE, /* ${jndi:…}, {{7*7}}, <%= … %> */
    REFUSAL_MARKUP,   /* XML's entities and external documents, server-side includes */
    REFUSAL_HEADER,   /* a line break and a header behind it */
    REFUSAL_QUERY,    /* MongoDB's operators, LDAP's filters */
    REFUSALS
} Refusal;

enum { REFUSAL_TEXT_MAX = 2048 };

const char *refusal_name(Refusal r); /* "traversal", "sql", …; "none" */

/* As they come: percent-encoded, without "?". Names are looked at as values are. */
Refusal refuse_path(Str raw);
Refusal refuse_query(Str raw);
/* The value of a header field. */
Refusal refuse_field(Str value);
/* The keys and strings of a JSON document, which need not be well formed. */
Refusal refuse_json(Str body);
/* A form: application/x-www-form-urlencoded. */
Refusal refuse_form(Str body);
