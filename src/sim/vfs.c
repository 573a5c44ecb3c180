/* sim/vfs.c - see vfs.h.
 *
 * A Node is a file: what the process sees (now), what the platter has (kept), and the changes since the last
 * sync. Handles hold Nodes; a power cut makes new Nodes out of the old ones, so an old handle keeps its Node and
 * is dead. Locks and the WAL's shared memory live in the Node: they vanish with the power as well. All of it in
 * one file past 600 lines, because a Node's rules hold only as long as these functions alone touch it. */

#include "sim/vfs.h"

#include "base/list.h"
#include "base/vec.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>

enum { SECTOR = 512, NAME_SIZE = 512, SHM_REGIONS = 64 };

typedef struct Change { /* since the last sync; size < 0: a truncation to offset */
    int64_t offset, size;
    uint8_t *bytes;
} Change;

typedef struct Image {
    uint8_t *p;
    int64_t n, cap;
} Image;

typedef struct Node {
    char name[NAME_SIZE]; /* "" for a temporary file */
    Image now, kept;
    VEC(Change) changes;
    bool named;   /* the name is on the platter */
    bool removed; /* gone for the process; may come back at a cut when the removal was not synced */
    int handles;
    /* locks of SQLite: how many hold SHARED; who holds more */
    int shared;
    const void *reserved, *exclusive;
    void *shm[SHM_REGIONS];
    int shm_shared[SQLITE_SHM_NLOCK];
    const void *shm_exclusive[SQLITE_SHM_NLOCK];
    ListNode link;
} Node;

struct SimDisk {
    sqlite3_vfs vfs; /* first */
    char name[64];
    pthread_mutex_t lock;
    Rng rng;
    ListNode nodes;  /* of the present power cycle */
    ListNode ghosts; /* removed or of an earlier cycle, still open */
    SimDiskFaults faults;
    int64_t ops, lost, used;
    int cycle, last_errno;
    bool powerless;
};

typedef struct File {
    sqlite3_file base; /* first */
    SimDisk *disk;
    Node *node;
    int cycle, level; /* level: SQLITE_LOCK_* */
    bool delete_on_close;
    bool sync_directory; /* at the first sync: SQLite's own VFS does so for journals and WALs */
} File;

/* --- images --- */

static void image_reserve(Image *im, int64_t n) {
    if (n <= im->cap)
        return;
    im->cap = MAX(n, im->cap * 2);
    im->p = mem_realloc(im->p, (size_t)im->cap);
}

static void image_resize(Image *im, int64_t n) {
    image_reserve(im, n);
    if (n > im->n)
        memset(im->p + im->n, 0, (size_t)(n - im->n));
    im->n = n;
}

static void image_write(Image *im, const uint8_t *p, int64_t n, int64_t at) {
    if (at + n > im->n)
        image_resize(im, at + n);
    if (n > 0)
        memcpy(im->p + at, p, (size_t)n);
}

static void changes_clear(Node *f) {
    VEC_FOR (c, &f->changes)
        mem_free(c->bytes);
    f->changes.n = 0;
}

static void apply_change(Image *im, const Change *c) {
    if (c->size < 0)
        image_resize(im, c->offset);
    else
        image_write(im, c->bytes, c->size, c->offset);
}

static void keep_all(Node *f) { /* what a completed fsync means */
    VEC_FOR (c, &f->changes)
        apply_change(&f->kept, c);
    f->named = true;
    changes_clear(f);
}

static void node_free(Node *f) {
    list_remove(&f->link);
    changes_clear(f);
    vec_done(&f->changes);
    for (int i = 0; i < SHM_REGIONS; i++)
        mem_free(f->shm[i]);
    mem_free(f->now.p);
    mem_free(f->kept.p);
    mem_free(f);
}

static Node *node_find(SimDisk *d, const char *name) {
    LIST_FOR (it, &d->nodes) {
        Node *f = LIST_ENTRY(it, Node, link);
        if (!f->removed && strcmp(f->name, name) == 0)
            return f;
    }
    return NULL;
}

/* --- faults --- */

static bool off(const SimDisk *d) {
    return d->powerless || (d->faults.cut_at_op && d->ops >= d->faults.cut_at_op);
}

/* An I/O error for this operation? Called with the lock. */
static bool refuse(SimDisk *d, const File *f, bool changes) {
    bool dead = f && f->cycle != d->cycle;
    if (!dead && changes && !off(d))
        d->ops++;
    bool chance = d->faults.error_one_in && rng_below(&d->rng, (uint64_t)d->faults.error_one_in) == 0;
    d->last_errno = EIO;
    return dead || off(d) || chance;
}

/* --- a power cut --- */

/* Each sector of the change survives on its own; `p` is how likely it is in this cut. */
static void survive(SimDisk *d, const Change *c, double p, Image *out) {
    if (c->size < 0) {
        if (rng_chance(&d->rng, p))
            image_resize(out, MIN(out->n, c->offset));
        return;
    }
    for (int64_t at = c->offset, end = c->offset + c->size; at < end;) {
        int64_t next = MIN(end, (at / SECTOR + 1) * SECTOR);
        if (rng_chance(&d->rng, p))
            image_write(out, c->bytes + (at - c->offset), next - at, at);
        else
            d->lost++;
        at = next;
    }
}

static Node *survivor(SimDisk *d, Node *f, double p) {
    bool there = f->removed ? f->named && rng_chance(&d->rng, 0.5) : f->named || rng_chance(&d->rng, p);
    bool replaced = f->removed && node_find(d, f->name);
    if (!there || replaced || !f->name[0])
        return NULL;
    Node *s = mem_new(Node);
    memcpy(s->name, f->name, sizeof s->name);
    image_write(&s->kept, f->kept.p, f->kept.n, 0);
    VEC_FOR (c, &f->changes)
        survive(d, c, p, &s->kept);
    image_write(&s->now, s->kept.p, s->kept.n, 0);
    s->named = true;
    return s;
}

void sim_disk_power_on(SimDisk *d) {
    static const double chances[] = { 0, 0.1, 0.5, 0.9, 1 };
    ListNode after;
    list_init(&after);
    pthread_mutex_lock(&d->lock);
    double p = chances[rng_below(&d->rng, ARRAY_LEN(chances))];
    LIST_FOR (it, &d->nodes) {
        Node *f = LIST_ENTRY(it, Node, link), *s = survivor(d, f, p);
        if (s)
            list_push_back(&after, &s->link);
        list_remove(&f->link);
        list_push_back(&d->ghosts, &f->link);
        if (f->handles == 0)
            node_free(f);
    }
    list_splice(&d->nodes, &after);
    d->used = 0;
    LIST_FOR (it, &d->nodes)
        d->used += LIST_ENTRY(it, Node, link)->now.n;
    d->cycle++;
    d->faults = (SimDiskFaults){ 0 };
    d->powerless = false;
    pthread_mutex_unlock(&d->lock);
}

/* --- file methods --- */

static int file_close(sqlite3_file *base) {
    File *f = (File *)base;
    SimDisk *d = f->disk;
    pthread_mutex_lock(&d->lock);
    Node *node = f->node;
    if (f->delete_on_close)
        node->removed = true;
    bool gone = node->removed || f->cycle != d->cycle;
    if (--node->handles == 0 && gone && !(f->cycle == d->cycle && node->named && node->name[0]))
        node_free(node); /* a removal that was not synced stays listed until the power tells */
    pthread_mutex_unlock(&d->lock);
    return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *out, int n, sqlite3_int64 at) {
    File *f = (File *)base;
    SimDisk *d = f->disk;
    pthread_mutex_lock(&d->lock);
    int rc = SQLITE_OK;
    if (refuse(d, f, false)) {
        rc = SQLITE_IOERR_READ;
    } else {
        const Image *im = &f->node->now;
        int64_t have = CLAMP(im->n - at, 0, n);
        if (have)
            memcpy(out, im->p + at, (size_t)have);
        memset((char *)out + have, 0, (size_t)(n - have));
        rc = have < n ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
    }
    pthread_mutex_unlock(&d->lock);
    return rc;
}

static void note_change(Node *node, const void *p, int64_t n, int64_t at) {
    Change c = { .offset = at, .size = p ? n : -1 };
    if (p)
        c.bytes = memcpy(mem_alloc((size_t)n), p, (size_t)n);
    vec_push(&node->changes, c);
}

static int file_write(sqlite3_file *base, const void *p, int n, sqlite3_int64 at) {
    File *f = (File *)base;
    SimDisk *d = f->disk;
    pthread_mutex_lock(&d->lock);
    int rc = SQLITE_OK;
    int64_t growth = MAX(0, at + n - f->node->now.n);
    if (refuse(d, f, true)) {
        rc = SQLITE_IOERR_WRITE;
    } else if (growth && d->faults.capacity_bytes && d->used + growth > d->faults.capacity_bytes) {
        d->last_errno = ENOSPC;
        rc = SQLITE_FULL;
    } else {
        image_write(&f->node->now, p, n, at);
        d->used += growth;
        note_change(f->node, p, n, at);
    }
    pthread_mutex_unlock(&d->lock);
    return rc;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size) {
    File *f = (File *)base;
    SimDisk *d = f->disk;
    pthread_mutex_lock(&d->lock);
    bool bad = refuse(d, f, true);
    if (!bad) {
        d->used += size - f->node->now.n;
        image_resize(&f->node->now, size);
        note_change(f->node, NULL, 0, size);
    }
    pthread_mutex_unlock(&d->lock);
    return bad ? SQLITE_IOERR_TRUNCATE : SQLITE_OK;
}

/* Every name and removal up to now is on the platter. */
static void keep_names(SimDisk *d) {
    LIST_FOR (it, &d->nodes) {
        Node *f = LIST_ENTRY(it, Node, link);
        f->named = !f->removed;
        if (f->removed && f->handles == 0)
            node_free(f);
    }
}

/* A sync that fails leaves the changes unsynced: they may be there after a cut, or not. */
static int file_sync(sqlite3_file *base, int flags) {
    UNUSED(flags);
    File *f = (File *)base;
    SimDisk *d = f->disk;
    pthread_mutex_lock(&d->lock);
    bool bad = refuse(d, f, true);
    if (!bad)
        keep_all(f->node);
    if (!bad && f->sync_directory)
        keep_names(d);
    f->sync_directory &= bad;
    pthread_mutex_unlock(&d->lock);
    return bad ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *out) {
    File *f = (File *)base;
    pthread_mutex_lock(&f->disk->lock);
    bool bad = refuse(f->disk, f, false);
    *out = f->node->now.n;
    pthread_mutex_unlock(&f->disk->lock);
    return bad ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

/* --- locks: the rules of SQLite's five levels, among the handles of one file --- */

static bool may_lock(const Node *node, const File *f, int level) {
    bool others_reserve = (node->reserved && node->reserved != f) || (node->exclusive && node->exclusive != f);
    if (level == SQLITE_LOCK_SHARED)
        return !node->exclusive || node->exclusive == f;
    if (level == SQLITE_LOCK_EXCLUSIVE)
        return !others_reserve && node->shared <= (f->level >= SQLITE_LOCK_SHARED);
    return !others_reserve;
}

static int file_lock(sqlite3_file *base, int level) {
    File *f = (File *)base;
    pthread_mutex_lock(&f->disk->lock);
    bool ok = f->level >= level || may_lock(f->node, f, level);
    if (ok && f->level < level) {
        if (f->level < SQLITE_LOCK_SHARED)
            f->node->shared++;
        if (level >= SQLITE_LOCK_RESERVED)
            f->node->reserved = f;
        if (level == SQLITE_LOCK_EXCLUSIVE)
            f->node->exclusive = f;
        f->level = level;
    }
    pthread_mutex_unlock(&f->disk->lock);
    return ok ? SQLITE_OK : SQLITE_BUSY;
}

static int file_unlock(sqlite3_file *base, int level) {
    File *f = (File *)base;
    pthread_mutex_lock(&f->disk->lock);
    if (f->node->reserved == f)
        f->node->reserved = NULL;
    if (f->node->exclusive == f)
        f->node->exclusive = NULL;
    if (level < SQLITE_LOCK_SHARED && f->level >= SQLITE_LOCK_SHARED)
        f->node->shared--;
    f->level = MIN(f->level, level);
    pthread_mutex_unlock(&f->disk->lock);
    return SQLITE_OK;
}

static int file_check_reserved(sqlite3_file *base, int *out) {
    File *f = (File *)base;
    pthread_mutex_lock(&f->disk->lock);
    *out = f->node->reserved != NULL || f->node->exclusive != NULL;
    pthread_mutex_unlock(&f->disk->lock);
    return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int op, void *arg) {
    UNUSED(base);
    UNUSED(op);
    UNUSED(arg);
    return SQLITE_NOTFOUND;
}

static int file_sector_size(sqlite3_file *base) {
    UNUSED(base);
    return SECTOR;
}

static int file_device(sqlite3_file *base) {
    UNUSED(base);
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE; /* as SQLite takes ordinary disks to be */
}

/* --- the WAL's shared memory --- */

static int shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **out) {
    File *f = (File *)base;
    pthread_mutex_lock(&f->disk->lock);
    int rc = region < SHM_REGIONS ? SQLITE_OK : SQLITE_IOERR_SHMMAP;
    if (rc == SQLITE_OK && !f->node->shm[region] && extend)
        f->node->shm[region] = mem_zalloc((size_t)size);
    *out = rc == SQLITE_OK ? f->node->shm[region] : NULL;
    pthread_mutex_unlock(&f->disk->lock);
    return rc;
}

static bool shm_change(Node *node, const File *f, int slot, int flags, bool apply) {
    bool shared = flags & SQLITE_SHM_SHARED;
    if (flags & SQLITE_SHM_UNLOCK) {
        if (apply && shared)
            node->shm_shared[slot]--;
        else if (apply && node->shm_exclusive[slot] == f)
            node->shm_exclusive[slot] = NULL;
        return true;
    }
    if (node->shm_exclusive[slot] || (!shared && node->shm_shared[slot]))
        return false;
    if (apply && shared)
        node->shm_shared[slot]++;
    else if (apply)
        node->shm_exclusive[slot] = f;
    return true;
}

static int shm_lock(sqlite3_file *base, int offset, int n, int flags) {
    File *f = (File *)base;
    bool ok = true;
    pthread_mutex_lock(&f->disk->lock);
    for (int i = 0; i < n; i++)
        ok &= shm_change(f->node, f, offset + i, flags, false);
    for (int i = 0; i < n && ok; i++)
        shm_change(f->node, f, offset + i, flags, true);
    pthread_mutex_unlock(&f->disk->lock);
    return ok ? SQLITE_OK : SQLITE_BUSY;
}

static void shm_barrier(sqlite3_file *base) {
    File *f = (File *)base;
    pthread_mutex_lock(&f->disk->lock);
    pthread_mutex_unlock(&f->disk->lock);
}

static int shm_unmap(sqlite3_file *base, int remove) {
    File *f = (File *)base;
    pthread_mutex_lock(&f->disk->lock);
    for (int i = 0; i < SHM_REGIONS && remove && f->node->handles <= 1; i++)
        f->node->shm[i] = mem_free(f->node->shm[i]);
    pthread_mutex_unlock(&f->disk->lock);
    return SQLITE_OK;
}

static const sqlite3_io_methods METHODS = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_device,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

/* --- VFS methods --- */

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *out_flags) {
    SimDisk *d = (SimDisk *)vfs;
    File *f = (File *)base;
    *f = (File){ .disk = d };
    pthread_mutex_lock(&d->lock);
    Node *node = name ? node_find(d, name) : NULL;
    bool missing = !node && !(flags & SQLITE_OPEN_CREATE);
    int rc = refuse(d, NULL, !node) || missing ? SQLITE_CANTOPEN : SQLITE_OK;
    if (missing)
        d->last_errno = ENOENT;
    if (rc == SQLITE_OK) {
        if (!node) {
            node = mem_new(Node);
            snprintf(node->name, sizeof node->name, "%s", name ? name : "");
            list_push_back(&d->nodes, &node->link);
        }
        node->handles++;
        f->node = node;
        f->cycle = d->cycle;
        f->delete_on_close = flags & SQLITE_OPEN_DELETEONCLOSE;
        f->sync_directory = (flags & SQLITE_OPEN_CREATE) &&
                            (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL));
        base->pMethods = &METHODS;
        if (out_flags)
            *out_flags = flags;
    }
    pthread_mutex_unlock(&d->lock);
    return rc;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_directory) {
    SimDisk *d = (SimDisk *)vfs;
    pthread_mutex_lock(&d->lock);
    int rc = SQLITE_OK;
    Node *node = node_find(d, name);
    if (!node)
        rc = SQLITE_IOERR_DELETE_NOENT;
    else if (refuse(d, NULL, true))
        rc = SQLITE_IOERR_DELETE;
    else {
        d->used -= node->now.n;
        node->removed = true;
        if (sync_directory)
            node->named = false;
        if (node->handles == 0 && !node->named)
            node_free(node);
    }
    pthread_mutex_unlock(&d->lock);
    return rc;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out) {
    UNUSED(flags);
    SimDisk *d = (SimDisk *)vfs;
    pthread_mutex_lock(&d->lock);
    const Node *node = node_find(d, name);
    *out = node && node->now.n > 0;
    pthread_mutex_unlock(&d->lock);
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int size, char *out) {
    UNUSED(vfs);
    snprintf(out, (size_t)size, "%s", name);
    return SQLITE_OK;
}

static int vfs_randomness(sqlite3_vfs *vfs, int n, char *out) {
    SimDisk *d = (SimDisk *)vfs;
    pthread_mutex_lock(&d->lock);
    for (int i = 0; i < n; i++)
        out[i] = (char)rng_u64(&d->rng);
    pthread_mutex_unlock(&d->lock);
    return n;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds) {
    UNUSED(vfs);
    return microseconds; /* nobody else runs meanwhile */
}

static int vfs_time(sqlite3_vfs *vfs, sqlite3_int64 *out) {
    UNUSED(vfs);
    *out = INT64_C(212569531200000); /* 2024-01-01 in julian milliseconds */
    return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *vfs, int n, char *out) {
    UNUSED(n);
    UNUSED(out);
    return ((SimDisk *)vfs)->last_errno;
}

/* --- the disk --- */

SimDisk *sim_disk_new(const char *vfs_name, uint64_t seed) {
    SimDisk *d = mem_new(SimDisk);
    snprintf(d->name, sizeof d->name, "%s", vfs_name);
    assert(!sqlite3_vfs_find(d->name));
    d->vfs = (sqlite3_vfs){ .iVersion = 2,
                            .szOsFile = sizeof(File),
                            .mxPathname = NAME_SIZE - 1,
                            .zName = d->name,
                            .xOpen = vfs_open,
                            .xDelete = vfs_delete,
                            .xAccess = vfs_access,
                            .xFullPathname = vfs_full_path,
                            .xRandomness = vfs_randomness,
                            .xSleep = vfs_sleep,
                            .xCurrentTimeInt64 = vfs_time,
                            .xGetLastError = vfs_last_error };
    pthread_mutex_init(&d->lock, NULL);
    rng_seed(&d->rng, seed);
    list_init(&d->nodes);
    list_init(&d->ghosts);
    sqlite3_vfs_register(&d->vfs, 0);
    return d;
}

static void free_nodes(ListNode *list) {
    while (!list_empty(list)) {
        Node *f = LIST_ENTRY(list->next, Node, link);
        assert(f->handles == 0);
        node_free(f);
    }
}

SimDisk *sim_disk_free(SimDisk *d) {
    if (!d)
        return NULL;
    sqlite3_vfs_unregister(&d->vfs);
    free_nodes(&d->nodes);
    free_nodes(&d->ghosts);
    pthread_mutex_destroy(&d->lock);
    return mem_free(d);
}

void sim_disk_set_faults(SimDisk *d, const SimDiskFaults *faults) {
    pthread_mutex_lock(&d->lock);
    d->faults = *faults;
    d->ops = 0;
    pthread_mutex_unlock(&d->lock);
}

void sim_disk_power_off(SimDisk *d) {
    pthread_mutex_lock(&d->lock);
    d->powerless = true;
    pthread_mutex_unlock(&d->lock);
}

int64_t sim_disk_ops(SimDisk *d) {
    pthread_mutex_lock(&d->lock);
    int64_t ops = d->ops;
    pthread_mutex_unlock(&d->lock);
    return ops;
}

bool sim_disk_is_off(SimDisk *d) {
    pthread_mutex_lock(&d->lock);
    bool is_off = off(d);
    pthread_mutex_unlock(&d->lock);
    return is_off;
}

int64_t sim_disk_lost_sectors(SimDisk *d) {
    pthread_mutex_lock(&d->lock);
    int64_t lost = d->lost;
    pthread_mutex_unlock(&d->lock);
    return lost;
}

bool sim_disk_flip(SimDisk *d, const char *name, int64_t offset, uint8_t mask) {
    pthread_mutex_lock(&d->lock);
    Node *f = node_find(d, name);
    bool there = f && offset >= 0 && offset < f->now.n;
    if (there) {
        f->now.p[offset] ^= mask;
        if (offset < f->kept.n)
            f->kept.p[offset] ^= mask;
    }
    pthread_mutex_unlock(&d->lock);
    return there;
}

int64_t sim_disk_size(SimDisk *d, const char *name) {
    pthread_mutex_lock(&d->lock);
    const Node *f = node_find(d, name);
    int64_t n = f ? f->now.n : -1;
    pthread_mutex_unlock(&d->lock);
    return n;
}
