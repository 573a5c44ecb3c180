#pragma once

/* app/callbacks.h - webhooks of a process that serves: the secret, a lane of their own, and what drives them. */

#include "app/platform.h"
#include "net/loop.h"

typedef struct Callbacks Callbacks;

/* 0 and NULL where no jobs are hosted. p->webhooks is filled. */
int callbacks_start(Platform *p, Ctx *cx, Loop *loop, Callbacks **out);
void callbacks_stop(Callbacks *c);       /* nothing runs any more; NULL is fine */
Callbacks *callbacks_free(Callbacks *c); /* stopped, and the loop is gone; NULL is fine */
