#pragma once

/* app/landlock.h - what of the file system this process may write, and which programs it may start (landlock(7)).
 *
 * Reading stays as the user may: libraries, certificates, time zones, files that a reload names. Rules hold on what is
 * there now: of a folder and all that comes to be in it, also of one that is a mount. From here on for the thread that calls
 * and all that it makes, threads and processes; nothing takes them back. */

#include "base/ctx.h"

typedef struct LandlockOptions {
    const char *const *writable; /* folders, files and devices; those that are not there are passed over */
    size_t n_writable;
    const char *const *programs; /* that may be started, with their loaders */
    size_t n_programs;
} LandlockOptions;

/* 0; or ERR_UNSUPPORTED with words: the kernel has none, or one too old to let files be renamed between folders. */
int landlock_on(Ctx *cx, const LandlockOptions *o);
