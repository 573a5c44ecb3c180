#pragma once

/* app/objects.h - where named bytes live: a folder of this machine, or a bucket with a folder in front of it. */

#include "app/config.h"
#include "base/rng.h"
#include "ports/object_store.h"

/* One area of the configured store. dir: its folder where objects.store is dir; area ("datasets"): behind the prefix of the
 * bucket where it is s3. ids outlive the store. */
int app_objects_open(Ctx *cx, const AppCfg *cfg, Ids *ids, Str area, const char *dir, ObjectStore **out);
/* "s3://BUCKET/PREFIX" with the keys and the server of objects.s3_*, whatever objects.store is. */
int app_bucket_open(Ctx *cx, const AppCfg *cfg, Ids *ids, Str uri, ObjectStore **out);
