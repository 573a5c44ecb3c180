/* tests/lib/sealed_everywhere.c - linked into a suite, it makes every database of it a sealed one, that of its children
 * too: what holds for plain files is to hold for these. */

#include "adapters/sqlite/sealed_vfs.h"

#include "base/rng.h"

#include <pthread.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void random_bytes(Ids *ids, void *out, size_t n) {
    static IdsSeeded seeded;
    static bool ready;
    UNUSED(ids);
    pthread_mutex_lock(&lock);
    if (!ready)
        ids_seeded_init(&seeded, (uint64_t)getpid());
    ready = true;
    seeded.ids.bytes(&seeded.ids, out, n);
    pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void seal_everything(void) {
    static Ids ids = { .bytes = random_bytes };
    static SealedVfs *kept; /* for as long as the process */
    const SealedKey key = { .id = 1, .key = "a key of thirty-two bytes, no mo" };
    kept = sealed_vfs_new("sealed-everywhere", NULL, &key, 1, &ids, true);
    (void)kept;
}
