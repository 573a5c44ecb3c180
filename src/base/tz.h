#pragma once

/* base/tz.h - time zones: TZif files (RFC 8536, versions 1 to 3, with the POSIX rule in the footer for all later
 * years), "UTC", and fixed offsets such as "+07:00".
 *
 * A Tz is immutable and lives in the arena it was read into; any thread may read it. Times are exact for every
 * Time, before the first transition and after the last one too. Leap seconds are not known here (as in Time):
 * files that count them ("right/...") are refused. */

#include "base/ctx.h"

typedef struct Tz Tz;

#define TZ_DIR "/usr/share/zoneinfo" /* where systems keep the files */

/* The zone called `name`: "UTC" or "Z", "+07:00" / "-0330" / "+07", or a file below dir such as "Asia/Ho_Chi_Minh".
 * ERR_INVALID: the name is none (".." or a leading '/' among them); ERR_NOT_FOUND: no such file; ERR_CORRUPT:
 * the file is not a time zone. Result in cx->arena. Reads a file: not on a loop. */
int tz_load(Ctx *cx, const char *dir, Str name, const Tz **out);
/* From the bytes of a TZif file; ERR_CORRUPT or ERR_UNSUPPORTED. Copies what it needs into cx->arena. */
int tz_read(Ctx *cx, Str name, Str bytes, const Tz **out);
const Tz *tz_utc(void);
/* Parts with one '/' between, each of letters, digits, '_', and not first '-' and '+'; at most 64 bytes: safe below
 * a folder. */
bool tz_name_valid(Str name);

Str tz_name(const Tz *tz); /* as it was asked for */

typedef struct TzOffset {
    int offset_s; /* local minus UTC, east is positive */
    bool dst;
    Str abbreviation; /* "CET"; borrowed from the Tz */
} TzOffset;

TzOffset tz_offset_at(const Tz *tz, Time utc);
Civil tz_to_civil(const Tz *tz, Time utc);

/* Clocks skip some local times and show others twice. A skipped one is read with the offset from before the gap
 * (02:30 becomes 03:30 in the spring of most zones), one shown twice is its first occurrence. */
typedef enum TzFit { TZ_ONCE, TZ_SKIPPED, TZ_TWICE } TzFit;
Time tz_from_civil(const Tz *tz, const Civil *local, TzFit *fit); /* civil_valid(local); fit may be NULL */

/* When the offset, the daylight flag or the abbreviation may change next, or TIME_MAX: never. */
Time tz_next_change(const Tz *tz, Time after);

/* "2024-03-01T19:34:56+07:00": the same instant in local time; offsets with seconds (before 1900) are shown in whole
 * minutes. At most TIME_TEXT_MAX bytes, no terminator; returns the length. Outside of what ISO can write as
 * time_format_iso. */
size_t tz_format_iso(const Tz *tz, Time t, char *out);
