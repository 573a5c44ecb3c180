#pragma once

/* app/news_clock.h - news by the clock where the process has no jobs: the role news alone. What news.interval, news.keep and
 * news.keep_count say is done by a thread of its own; beside the role market the jobs 'news' and 'news-retention' do it. */

#include "app/platform.h"

typedef struct NewsClock NewsClock;

/* NULL where there is nothing to be done by the clock, or jobs do it. */
NewsClock *news_clock_start(Platform *p);
/* A collection under way is cancelled. NULL is fine; returns NULL. */
NewsClock *news_clock_stop(NewsClock *c);
