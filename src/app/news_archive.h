#pragma once

/* app/news_archive.h - where articles go that are removed: data.dir/archive/news-2024-05.jsonl, a line of JSON each, by the
 * month they were published in. Appended and synced before they are removed. */

#include "base/ctx.h"

/* A NewsArchiveFn; arg: the data folder, a char *. */
int news_archive_append(void *data_dir, Ctx *cx, Str month, Str lines);
