/* app/objects.c - see objects.h. */

#include "app/objects.h"

#include "adapters/http/curl.h"
#include "adapters/object/cached.h"
#include "adapters/object/dir.h"
#include "adapters/object/s3.h"
#include "base/file.h"

static int open_s3(Ctx *cx, const AppCfg *cfg, Ids *ids, Str bucket, Str prefix, ObjectStore **out) {
    HttpCurlOptions http = { .ca_file = cfg->s3_ca && cfg->s3_ca[0] ? cfg->s3_ca : NULL };
    S3Options o = {
        .ids = ids,
        .endpoint = cfg->s3_endpoint,
        .region = cfg->s3_region,
        .bucket = bucket,
        .prefix = prefix,
        .access_key = cfg->s3_access_key,
        .secret_key = cfg->s3_secret_key,
        .session_token = cfg->s3_session_token,
        .virtual_host = cfg->s3_style == S3_BY_HOST,
        .allow_private = true, /* the administrator named it */
        .spool = path_join(cx->arena, cfg->data_dir, "spool"),
        .timeout_ms = cfg->s3_timeout_ms,
    };
    int r = dir_make(cx, o.spool);
    if (r == 0)
        r = http_curl_open(cx, &http, &o.http);
    if (r)
        return r;
    o.own_http = true;
    r = object_s3_open(cx, &o, out);
    if (r || cfg->objects_cache == 0)
        return r;
    ObjectCacheOptions cache = { .dir = path_join(cx->arena, cfg->data_dir, "object-cache"),
                                 .max_bytes = cfg->objects_cache };
    r = object_cached_open(cx, TAKE(*out), &cache, out); /* what is behind goes with it, also when it fails */
    return r;
}

int app_bucket_open(Ctx *cx, const AppCfg *cfg, Ids *ids, Str uri, ObjectStore **out) {
    Str rest = str_from(uri, 5), bucket;
    if (!str_starts(uri, S("s3://")) || !str_next(&rest, '/', &bucket))
        return err_set_at(cx, ERR_INVALID, S("models.mlflow_artifacts"), "'" STR_FMT "' is not s3://BUCKET[/PREFIX]",
                          STR_ARG(str_first(uri, 80)));
    while (rest.n && rest.p[rest.n - 1] == '/')
        rest.n--;
    Str prefix = rest.n ? str_fmt(cx->arena, STR_FMT "/", STR_ARG(rest)) : rest;
    return open_s3(cx, cfg, ids, bucket, prefix, out);
}

int app_objects_open(Ctx *cx, const AppCfg *cfg, Ids *ids, Str area, const char *dir, ObjectStore **out) {
    Str prefix = str_fmt(cx->arena, STR_FMT STR_FMT "/", STR_ARG(cfg->s3_prefix), STR_ARG(area));
    return cfg->objects_store == OBJECTS_S3 ? open_s3(cx, cfg, ids, cfg->s3_bucket, prefix, out)
                                            : object_dir_open(cx, dir, out);
}
