/* adapters/strategy/library.c - see library.h. */

#include "adapters/strategy/library.h"

#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

int strategy_library_load(Ctx *cx, Str path, StrategyLibraryEntry *out) {
    char *file = str_cz(cx->arena, path);
    if (!strchr(file, '/')) /* dlopen would search the system's folders */
        file = str_cz(cx->arena, str_fmt(cx->arena, "./%s", file));
    if (access(file, R_OK) != 0)
        return err_set(cx, ERR_NOT_FOUND, "%s: no readable file", file);
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return err_set(cx, ERR_INVALID, "%s cannot be loaded: %s", file, dlerror());
    void *symbol = dlsym(library, "finsight_strategy");
    if (!symbol) {
        dlclose(library);
        return err_set(cx, ERR_INVALID, "%s has no function finsight_strategy; see include/finsight/strategy.h", file);
    }
    memcpy(out, &symbol, sizeof *out); /* POSIX's way from an object's address to a function's */
    return 0;
}
