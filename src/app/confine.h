#pragma once

/* app/confine.h - a server gives away what it does not need (SEC-24).
 *
 *   enter, before the first thread and file: the port is bound while that is still allowed; the user changes when root
 *   started it and server.user says who; no capability is left nor to be had (no-new-privs); Landlock leaves writing in the
 *   folders of the configuration and in those for temporary files, and starting to this very program.
 *   seal, when all is open: system calls of the list alone (app/syscall_filter.h).
 *
 * Child processes of jobs have all of it from their first instruction, because they are started afterwards. What a kernel has
 * not, is told and left out: a server in an old container serves, and its log says what holds.
 *
 * server.confine: on, report (calls off the list are told and let through; files and capabilities stay as they are), off. */

#include "app/config.h"
#include "base/log.h"
#include "net/loop.h"

typedef struct Confine {
    int mode;      /* ConfineChoice */
    int socket;    /* bound and listening, for who lost the right to; -1: none. The caller's */
    bool root;     /* root, and nobody else to become */
    bool files;    /* Landlock holds */
    Str why_files; /* why it does not */
    bool filter;   /* system calls are those of the list */
    Str why_filter;
    uint32_t uid, gid;
    Loop *loop; /* NULL: nothing is watched */
    LoopFd refused;
    Logger *log;
    void (*note)(void *arg, Str what); /* of the record of security events */
    void *note_arg;
} Confine;

/* port: to be bound if the right to is given away, -1: none (a socket that is there already). Strings are in cx->arena, which outlives c. 0, or
 * ErrCode with words: no such user, a folder that is another's. */
int confine_enter(Ctx *cx, const AppCfg *cfg, int port, Confine *c);

typedef struct ConfineSeal {
    Loop *loop;
    Logger *log;
    bool children;                     /* it starts processes */
    void (*note)(void *arg, Str what); /* a call was refused; on the loop. May be NULL */
    void *note_arg;
} ConfineSeal;

/* The last of a start. Tells in the log what holds and what does not. c stays where it is until confine_done. */
void confine_seal(Ctx *cx, Confine *c, const ConfineSeal *o);
void confine_done(Confine *c); /* before the loop is freed. What was given away stays away */
