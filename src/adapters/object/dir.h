#pragma once

/* adapters/object/dir.h - an object store in a folder.
 *
 *     ROOT/objects/<segments of the key>%/<sha256>   the bytes
 *     ROOT/objects/<segments of the key>%/meta.json  which of them count, labels; its rename is the commit
 *     ROOT/tmp/                                      puts under way; emptied when the store opens
 *     ROOT/.lock                                     held while a commit or removal changes a key
 * Bytes of a segment outside of letters, digits and . _ - = + @ are written %XX. Several processes may use one folder:
 * commits take the lock, readers need none. */

#include "ports/object_store.h"

/* Makes the folder where it is missing. */
int object_dir_open(Ctx *cx, const char *root, ObjectStore **out);
