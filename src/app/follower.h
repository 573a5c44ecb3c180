#pragma once

/* app/follower.h - series that a server follows while it serves (live.series): a thread a venue. */

#include "app/platform.h"

typedef struct Follower Follower;

/* Follows what the configuration names; *out NULL where that is nothing. 0, ERR_USAGE (a series that is none), ERR_NOT_FOUND
 * (venue), ERR_BUSY. */
int follower_start(Ctx *cx, Platform *p, Follower **out);
Follower *follower_stop(Follower *f); /* NULL is fine; returns NULL */
