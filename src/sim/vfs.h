#pragma once

/* sim/vfs.h - a disk in memory that SQLite can stand on, and that loses power.
 *
 * What a process wrote but did not sync is only promised: at a power cut each 512-byte sector of it is there or
 * not, by the seed, independent of order; truncations, new names and removals too. What was synced is there. A
 * kill -9 proves no fsync, because the kernel keeps the pages; this does.
 *
 * A disk also fails on demand: the n-th operation and all after it (power is off), one in n with an I/O error,
 * and writes past its capacity with "disk full". The same seed and the same calls give the same faults.
 *
 * The disk registers itself with SQLite as a VFS under its name. Threads: any; one lock. */

#include "base/rng.h"

typedef struct SimDisk SimDisk;

typedef struct SimDiskFaults { /* all-zero: a disk without faults */
    int64_t cut_at_op;         /* from this write, sync, truncation or removal on everything fails; 0 = never */
    int64_t error_one_in;      /* I/O errors: one operation in n, reads included; 0 = never */
    int64_t capacity_bytes;    /* of all files together; 0 = no limit */
} SimDiskFaults;

/* The name must be unique in the process. */
SimDisk *sim_disk_new(const char *vfs_name, uint64_t seed);
SimDisk *sim_disk_free(SimDisk *d); /* every file of it must be closed */

/* Faults from now on; operations count from 1 again. */
void sim_disk_set_faults(SimDisk *d, const SimDiskFaults *faults);
int64_t sim_disk_ops(SimDisk *d);
bool sim_disk_is_off(SimDisk *d); /* cut_at_op was reached */

/* Everything fails from now on, removals too: now the dying process may close what it has open. */
void sim_disk_power_off(SimDisk *d);
/* Power comes back: files are what survived, handles still open fail for ever, faults are gone. */
void sim_disk_power_on(SimDisk *d);
int64_t sim_disk_lost_sectors(SimDisk *d); /* by all cuts so far: a test that loses none proves nothing */

/* Changes one byte of a file behind SQLite's back; false when the file has no such byte. */
bool sim_disk_flip(SimDisk *d, const char *name, int64_t offset, uint8_t mask);
int64_t sim_disk_size(SimDisk *d, const char *name); /* -1: no such file */
