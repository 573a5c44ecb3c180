#pragma once

/* policy/refusal/internal.h - shared by the files of this folder only. */

#include "policy/refusal/refusal.h"

/* A value as whatever stands behind us might read it: percent-codings (also twofold), entities and escapes undone, lower
 * case, white space as blanks, line breaks as '\n'. What no rule speaks of is 1, a NUL is 2. The '$' of a cashtag ($GT) is 1
 * too: operators and variables of others are small. */
typedef struct Plain {
    char p[REFUSAL_TEXT_MAX + 1]; /* NUL-terminated */
    size_t n;
    bool prose;    /* text of people, which has lines */
    bool nul;      /* it had one */
    bool overlong; /* it had UTF-8 longer than need be, which is written only to get past somebody */
} Plain;

enum { PLAIN_PLUS = 1, PLAIN_JSON = 2 }; /* '+' is a blank; escapes of JSON */
void plain_make(Str text, unsigned how, Plain *out);

/* Whether any form of attack could be written with these bytes. */
bool plain_suspect(Str text);
bool plain_suspect_path(Str text);
bool plain_suspect_field(Str text);

bool plain_has(const Plain *t, const char *word);                    /* anywhere */
const char *plain_find(const Plain *t, size_t at, const char *word); /* from `at` on; NULL */
static inline bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}
static inline bool is_blank(char c) {
    return c == ' ' || c == '\n';
}

bool looks_sql(const Plain *t);
bool looks_script(const Plain *t);
bool looks_command(const Plain *t);
bool looks_traversal(const Plain *t);
bool looks_template(const Plain *t);
bool looks_markup(const Plain *t);
bool looks_header(const Plain *t);
bool looks_query(const Plain *t);
bool is_operator(const Plain *t); /* of MongoDB, as a key */
