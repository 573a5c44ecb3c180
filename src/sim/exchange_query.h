#pragma once

/* sim/exchange_query.h - query parameters as the venue reads them, and its errors. Private to the simulator. */

#include "base/buf.h"
#include "base/time.h"

enum { QUERY_MAX = 16 };

typedef struct QueryParam {
    Str name, value; /* percent-decoded */
    bool read;
} QueryParam;

typedef struct Query {
    QueryParam v[QUERY_MAX];
    size_t n;
    int error;  /* 0, or the venue's code (-1121): the first one stays */
    int status; /* HTTP status of it: 400 unless set */
    char msg[256];
    Arena *arena;
} Query;

/* "a=1&b=2"; too many or repeated names are errors of the venue. */
void query_parse(Query *q, Str text, Arena *arena);
/* Marks the parameter as read. p NULL where it was not sent. */
Str query_take(Query *q, const char *name);
/* As query_take, with the venue's error where it is missing or empty. */
Str query_require(Query *q, const char *name);
/* [0-9]{1,20}; fallback where it was not sent. */
int64_t query_take_i64(Query *q, const char *name, int64_t fallback);
/* ms or µs since 1970, told apart by size. */
Time query_take_time(Query *q, const char *name, Time fallback);
/* Unread parameters are an error. Returns q->error == 0. */
bool query_finish(Query *q);
void query_fail(Query *q, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* [A-Z0-9-_.]{1,20} */
bool query_symbol_legal(Str s);
