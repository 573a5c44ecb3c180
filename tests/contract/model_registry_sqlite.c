#include "adapters/object/dir.h"
#include "adapters/registry/sqlite.h"
#include "contract/model_registry.h"

typedef struct Opened { /* beside the registry: it borrows both */
    ModelRegistry *registry;
    ObjectStore *files;
    IdsSeeded ids;
} Opened;

static Opened opened;

static ModelRegistry *open_sqlite(TestCtx *t, const char *dir) {
    static uint64_t seed;
    const char *files = str_cz(&t->arena, str_fmt(&t->arena, "%s/files", dir));
    ids_seeded_init(&opened.ids, ++seed);
    CHECK_OK_PLAIN(&t->cx, object_dir_open(&t->cx, files, &opened.files));
    RegistrySqliteOptions o = { .path = str_cz(&t->arena, str_fmt(&t->arena, "%s/models.db", dir)),
                                .files = opened.files,
                                .ids = &opened.ids.ids };
    CHECK_OK_PLAIN(&t->cx, registry_sqlite_open(&t->cx, &o, &opened.registry));
    return opened.registry;
}

static void close_sqlite(ModelRegistry *r) {
    model_registry_close(r);
    object_store_close(opened.files);
}

const ModelRegistryMaker model_registry_maker = { .name = "sqlite",
                                                  .open = open_sqlite,
                                                  .close = close_sqlite,
                                                  .stamp = "",
                                                  .persistent = true,
                                                  .clears = true,
                                                  .never_again = true };
