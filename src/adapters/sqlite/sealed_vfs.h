#pragma once

/* adapters/sqlite/sealed_vfs.h - databases encrypted page by page, below SQLite (SEC-22).
 *
 * A VFS over another one. Each page of a database and each page in its write-ahead log is sealed by itself
 * (crypto/cipher.h): new random nonce at every write, the page's number bound in. Nonce, tag and the number of the key lie
 * in the page's last SEALED_RESERVED bytes, which SQLite leaves alone because a connection to such a database asks for that
 * (SQLITE_FCNTL_RESERVE_BYTES). A page that is not what was written is an error, never rows.
 *
 *     database   [ sealed page, its reserved bytes ] ...
 *     log        header 32 bytes; [ page number, length: plain | salts and sums: one AES block | sealed page ] ...
 *
 * The log's sums are over what SQLite wrote; a frame that a power cut tore does not open, reads as zeros, and ends the log
 * as it should. What stays readable: sizes, which pages change and when, the log's header. What is not noticed: a whole
 * older copy of a page put back where it was. Pages in a rollback journal are sealed too; temporary files would be plain
 * and are refused: stores here have temp_store=MEMORY.
 *
 * Threads: SQLite's. A connection has its own handles, and these their own ciphers. */

#include "base/ctx.h"
#include "base/rng.h"
#include "crypto/cipher.h"

typedef struct SealedVfs SealedVfs;

enum { SEALED_RESERVED = 48, SEALED_KEYS_MAX = 16 };

typedef struct SealedKey {
    uint32_t id; /* > 0 */
    uint8_t key[SEAL_KEY];
} SealedKey;

/* keys: the last one seals, each opens what was sealed with it; copied. base NULL: the system's. for_all: every database
 * of the process that names no VFS. name: unique in the process. ids: borrowed. */
SealedVfs *sealed_vfs_new(const char *name, const char *base, const SealedKey *keys, size_t n, Ids *ids, bool for_all);
SealedVfs *sealed_vfs_free(SealedVfs *v); /* when every database is closed; NULL is fine */
/* The whole of a database that nobody has open, anew: sealed with the newest key of the process's sealed VFS, or plain.
 * 0 or ErrCode with words; the file is the old one or the new one, whenever the power goes. */
int sealed_vfs_convert(Ctx *cx, const char *path, const SealedVfs *v, bool seal);
/* The file begins as a database that is not sealed. */
bool sealed_vfs_is_plain(const char *path);
