#pragma once

/* adapters/article/memory.h - articles in memory, found by looking at each: the model that others are compared with, and
 * what tests without files use. Threads: any; calls wait for each other. */

#include "ports/article_store.h"

ArticleStore *article_memory_new(void);
