/* tests/lib/zone.c - see zone.h: a TZif file of version 2 with one type, no transitions and the rule as footer. */

#include "lib/zone.h"

#include "base/buf.h"

#include "lib/test.h"

const Tz *test_zone(Ctx *cx, const char *name, const char *rule) {
    static const char body[] = "\0\0\0\0\0\0LMT"; /* UTC, no DST, name at 0, terminated: before the rule begins */
    char head[44] = "TZif2";
    head[39] = 1; /* one type */
    head[43] = 4; /* four bytes of names */
    Buf file;
    buf_init(&file, 1000);
    for (int version = 1; version <= 2; version++) {
        buf_put(&file, head, sizeof head);
        buf_put(&file, body, sizeof body);
    }
    buf_printf(&file, "\n%s\n", rule);
    const Tz *tz = NULL;
    int r = tz_read(cx, str_c(name), buf_str(&file), &tz);
    buf_done(&file);
    if (r != 0)
        FAIL("%s: %s", rule, cx->err.text);
    return tz;
}

Time test_time(const char *iso) {
    Time t = { 0 };
    if (!time_parse_iso(str_c(iso), &t, NULL))
        FAIL("%s is not a time", iso);
    return t;
}
