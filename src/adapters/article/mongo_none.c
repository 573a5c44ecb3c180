/* adapters/article/mongo_none.c - the MongoDB store of a build without libmongoc: it says so. */

#include "adapters/article/mongo.h"

bool article_mongo_built(void) {
    return false;
}

int article_mongo_open(Ctx *cx, const ArticleMongoOptions *options, ArticleStore **out) {
    UNUSED(options);
    UNUSED(out);
    return err_set_at(
        cx, ERR_UNSUPPORTED, S("news.store"),
        "this build has no MongoDB: build it with -Dmongodb=true and libmongoc-dev, or use news.store=sqlite");
}
