#pragma once

/* base/cfg_internal.h - what the files of cfg share; for no one else. */

#include "base/cfg.h"

typedef union CfgParsed {
    int64_t i; /* INT, DURATION, SIZE */
    double f;
    bool b;
    int choice;
    Str s; /* STR, SECRET */
    const char *path;
    CfgList list;
} CfgParsed;

/* The value of an option; on failure false and a problem recorded at the value's origin. */
bool cfg_parse_value(Cfg *c, Ctx *cx, const CfgOption *o, const CfgValue *v, CfgParsed *out);
void cfg_store_value(const CfgOption *o, const CfgParsed *v, void *out);

/* Text from outside for a message: at most 60 bytes, no controls. */
Str cfg_shown(const Cfg *c, Str s);
/* " (did you mean X?)" for the nearest of the names, or nothing when none is near. name(o) may be NULL. */
Str cfg_hint(const Cfg *c, Str given, Str (*name)(const Cfg *c, const CfgOption *o));
Str cfg_key_name(const Cfg *c, const CfgOption *o);

/* "5s", "1h": the largest unit that divides it. "64MiB" likewise. */
Str cfg_duration_text(Arena *a, int64_t ms);
Str cfg_size_text(Arena *a, int64_t bytes);
/* "1..65535 threads"; empty without a range. */
Str cfg_range_text(Arena *a, const CfgOption *o);

static inline size_t cfg_index(const Cfg *c, const CfgOption *o) {
    return (size_t)(o - c->options);
}
