#pragma once

/* golden/dump_read.h - pieces of a dump's JSON. Private to golden/. */

#include "base/ctx.h"
#include "base/json.h"

typedef struct Member {
    Str key, json;
} Member;

typedef struct Members {
    Member *of;
    size_t n;
} Members;

int dump_members(Ctx *cx, Str json, Members *out);  /* of an object; {} where json is empty or null */
Str dump_member(const Members *m, const char *key); /* its bytes; empty where there is none */
/* Of a member that must be there. */
int dump_str(Ctx *cx, const Members *m, const char *key, Str *out);
int dump_size(Ctx *cx, const Members *m, const char *key, size_t standard, size_t *out); /* whole, >= 0 */
int dump_number(Ctx *cx, Str json, double *out);
int dump_strings(Ctx *cx, Str json, Str **out, size_t *n);
int dump_numbers(Ctx *cx, Str json, double **out, size_t *n); /* null = NaN */
