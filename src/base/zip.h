#pragma once

/* base/zip.h - gzip (RFC 1952) and zstd (RFC 8878): bytes in memory to a Buf, and a stream for replies in pieces.
 *
 * The Buf's limit is the limit: what would grow past it is refused with ERR_LIMIT, a bomb after at most that many
 * bytes. What cannot be read whole - damaged, cut short, followed by other bytes - is ERR_CORRUPT. After a failure
 * the Buf holds what it held before (and is `full` after ERR_LIMIT). Output depends on the input and the level
 * only: no names, no times.
 *
 * Levels: 1 (fast) to 9 (gzip) or 19 (zstd), 0 for the usual one (6, 3); others are cut to the range. */

#include "base/buf.h"

typedef enum ZipKind { ZIP_GZIP, ZIP_ZSTD } ZipKind;

/* Working memory worth keeping by whoever compresses often: up to some MB at high levels. One Zip, one thread. */
typedef struct Zip Zip;
Zip *zip_new(void);
void zip_free(Zip *z);

/* Append to out. z may be NULL. */
int zip_compress(Zip *z, ZipKind kind, int level, Str in, Buf *out);
/* Several members or frames one behind the other are read as one, as both formats say. zstd frames that ask for
 * more than 8 MiB of window are refused with ERR_LIMIT (RFC 9659); ours never do. */
int zip_expand(Zip *z, ZipKind kind, Str in, Buf *out);

/* A reply that leaves in pieces: put as often as needed, flush where the reader must have all so far, finish once.
 * Compressed bytes are appended to out, which may be emptied between calls. After ERR_LIMIT the stream is broken:
 * each later call says ERR_LIMIT too. */
typedef struct ZipStream ZipStream;
ZipStream *zip_stream_new(ZipKind kind, int level);
void zip_stream_free(ZipStream *s);
int zip_stream_put(ZipStream *s, Str in, Buf *out);
int zip_stream_flush(ZipStream *s, Buf *out);
int zip_stream_finish(ZipStream *s, Buf *out);

/* gzip's checksum (CRC-32 of ISO 3309), which other formats use as well. Start with crc 0, feed the result back in. */
uint32_t zip_crc32(uint32_t crc, Str bytes);

/* The way back for what comes in pieces: put the compressed bytes as they come; what they hold is appended to out,
 * which may be emptied between calls. One put may make many times its size: the Buf's limit is what one put may make,
 * past it ERR_LIMIT. finish says whether the end was there. After a failure the stream is broken. */
typedef struct UnzipStream UnzipStream;
UnzipStream *unzip_stream_new(ZipKind kind);
void unzip_stream_free(UnzipStream *s);
int unzip_stream_put(UnzipStream *s, Str in, Buf *out);
int unzip_stream_finish(UnzipStream *s);

DEFINE_CLEANUP(UnzipStream *, unzip_stream_free)
DEFINE_CLEANUP(Zip *, zip_free)
DEFINE_CLEANUP(ZipStream *, zip_stream_free)
