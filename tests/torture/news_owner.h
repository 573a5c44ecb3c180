#pragma once

/* tests/torture/news_owner.h - the chain of news_chain.h on the embedded log of a process that serves nothing else
 * (adapters/bus/share): the broker of the other processes, which can be killed. */

#include "torture/news_chain.h"

#include <sys/types.h>

typedef struct NewsOwner {
    pid_t pid;
    const char *dir; /* where bus.db and its socket are */
} NewsOwner;

bool news_owner_start(NewsOwner *o, const char *dir, NewsChainBus *out);
void news_owner_stop(NewsOwner *o);
