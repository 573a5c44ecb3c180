/* base/zip.c - see zip.h. The only file that includes zlib and libzstd.
 *
 * Both libraries take a window of input and a window of output and say how far they came. When the Buf has no room
 * left, they get one byte of their own to write to: if they use it, the output is over its limit; if they end
 * without, it fitted exactly. */

#include "base/zip.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
    GZIP_WINDOW = 15 + 16, /* 32 KiB; + 16: gzip's header, not zlib's */
    GZIP_MEMORY = 8,
    ZSTD_WINDOW_LOG = 23,
    STEP_MIN = 4 << 10, /* output asked for at a time, at least */
    STEP_MAX = 1 << 20, /* and when its size is not known */
    FEED_MAX = 1 << 30, /* zlib counts in 32 bits */
};

struct Zip {
    z_stream deflate, inflate;
    int deflate_level; /* 0: not initialised */
    bool has_inflate;
    ZSTD_CCtx *zstd_in;
    ZSTD_DCtx *zstd_out;
};

struct ZipStream {
    ZipKind kind;
    Zip zip;
    int level;
    bool broken;
};

/* --- working memory --- */

static void *zlib_alloc(void *opaque, uInt n, uInt size) {
    UNUSED(opaque);
    return mem_zalloc(mem_mul(n, size));
}

static void zlib_free(void *opaque, void *p) {
    UNUSED(opaque);
    mem_free(p);
}

static void *must(void *p) { /* running out of memory aborts */
    if (!p)
        abort();
    return p;
}

static void must_zlib(int r) { /* what else can fail is a parameter of ours */
    if (r != Z_OK)
        abort();
}

static void zip_done(Zip *z) {
    if (z->deflate_level)
        deflateEnd(&z->deflate);
    if (z->has_inflate)
        inflateEnd(&z->inflate);
    ZSTD_freeCCtx(z->zstd_in);
    ZSTD_freeDCtx(z->zstd_out);
    *z = (Zip){ 0 };
}

Zip *zip_new(void) {
    return mem_new(Zip);
}

void zip_free(Zip *z) {
    if (z)
        zip_done(z);
    mem_free(z);
}

static int level_in_range(ZipKind kind, int level) {
    if (level == 0)
        return kind == ZIP_GZIP ? 6 : 3;
    return CLAMP(level, 1, kind == ZIP_GZIP ? 9 : 19);
}

static void start_deflate(Zip *z, int level) {
    if (z->deflate_level == level) {
        must_zlib(deflateReset(&z->deflate));
        return;
    }
    if (z->deflate_level)
        deflateEnd(&z->deflate);
    z->deflate = (z_stream){ .zalloc = zlib_alloc, .zfree = zlib_free };
    must_zlib(deflateInit2(&z->deflate, level, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY, Z_DEFAULT_STRATEGY));
    z->deflate_level = level;
}

static void start_inflate(Zip *z) {
    if (z->has_inflate) {
        must_zlib(inflateReset(&z->inflate));
        return;
    }
    z->inflate = (z_stream){ .zalloc = zlib_alloc, .zfree = zlib_free };
    must_zlib(inflateInit2(&z->inflate, GZIP_WINDOW));
    z->has_inflate = true;
}

static void set_zstd(ZSTD_CCtx *c, ZSTD_cParameter parameter, int value) {
    if (ZSTD_isError(ZSTD_CCtx_setParameter(c, parameter, value)))
        abort();
}

static void start_zstd_in(Zip *z, int level) {
    if (!z->zstd_in)
        z->zstd_in = must(ZSTD_createCCtx());
    ZSTD_CCtx_reset(z->zstd_in, ZSTD_reset_session_and_parameters);
    set_zstd(z->zstd_in, ZSTD_c_compressionLevel, level);
    set_zstd(z->zstd_in, ZSTD_c_checksumFlag, 1);
}

static void start_zstd_out(Zip *z) {
    if (!z->zstd_out)
        z->zstd_out = must(ZSTD_createDCtx());
    ZSTD_DCtx_reset(z->zstd_out, ZSTD_reset_session_and_parameters);
    if (ZSTD_isError(ZSTD_DCtx_setParameter(z->zstd_out, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG)))
        abort();
}

/* --- room for output --- */

typedef struct Room {
    char *p;
    size_t n;
    char spare; /* p points here when the Buf has no room */
} Room;

static void make_room(Room *room, Buf *out, size_t want) {
    size_t left = out->full ? 0 : out->limit - out->n;
    room->n = MIN(left, MIN(MAX(want, (size_t)STEP_MIN), (size_t)FEED_MAX));
    room->p = room->n ? buf_reserve(out, room->n) : &room->spare;
    room->n = MAX(room->n, (size_t)1);
}

/* 0, or ERR_LIMIT when the spare byte was needed. */
static int use_room(Room *room, Buf *out, size_t written) {
    if (room->p != &room->spare)
        out->n += written;
    else if (written)
        return out->full = true, ERR_LIMIT;
    return 0;
}

/* --- one step: all of in, then what `end` asks for --- */

typedef enum End { END_MORE, END_FLUSH, END_FINISH } End;

static int deflate_all(Zip *z, Str in, End end, Buf *out) {
    static const int flush_of[] = { Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH };
    z_stream *s = &z->deflate;
    for (;;) {
        Str now = str_first(in, FEED_MAX);
        bool last = now.n == in.n;
        Room room;
        make_room(&room, out, end == END_FINISH ? deflateBound(s, now.n) : now.n);
        s->next_in = (z_const Bytef *)(uintptr_t)now.p;
        s->avail_in = (uInt)now.n;
        s->next_out = (Bytef *)room.p;
        s->avail_out = (uInt)room.n;
        int r = deflate(s, last ? flush_of[end] : Z_NO_FLUSH);
        assert(r == Z_OK || r == Z_STREAM_END || r == Z_BUF_ERROR);
        size_t written = room.n - s->avail_out;
        in = str_from(in, now.n - s->avail_in);
        if (use_room(&room, out, written))
            return ERR_LIMIT;
        /* Room left over means that nothing is left to write, but for Z_FINISH, which says so itself. */
        if (in.n == 0 && (end == END_FINISH ? r == Z_STREAM_END : s->avail_out > 0))
            return 0;
    }
}

static int zstd_all(Zip *z, Str in, End end, Buf *out) {
    static const ZSTD_EndDirective directive_of[] = { ZSTD_e_continue, ZSTD_e_flush, ZSTD_e_end };
    ZSTD_inBuffer from = { in.p, in.n, 0 };
    for (;;) {
        Room room;
        make_room(&room, out, end == END_FINISH ? ZSTD_compressBound(in.n - from.pos) : in.n - from.pos);
        ZSTD_outBuffer to = { room.p, room.n, 0 };
        size_t left = ZSTD_compressStream2(z->zstd_in, &to, &from, directive_of[end]);
        if (ZSTD_isError(left))
            abort(); /* memory, or a bug */
        if (use_room(&room, out, to.pos))
            return ERR_LIMIT;
        if (from.pos == from.size && (end == END_MORE || left == 0))
            return 0;
    }
}

static int inflate_all(Zip *z, Str in, Buf *out) {
    z_stream *s = &z->inflate;
    size_t step = MIN(in.n, (size_t)STEP_MAX);
    for (;;) {
        Str now = str_first(in, FEED_MAX);
        Room room;
        make_room(&room, out, step = MIN(step * 2, (size_t)STEP_MAX));
        s->next_in = (z_const Bytef *)(uintptr_t)now.p;
        s->avail_in = (uInt)now.n;
        s->next_out = (Bytef *)room.p;
        s->avail_out = (uInt)room.n;
        int r = inflate(s, Z_NO_FLUSH);
        in = str_from(in, now.n - s->avail_in);
        if (use_room(&room, out, room.n - s->avail_out))
            return ERR_LIMIT;
        if (r == Z_STREAM_END) {
            if (in.n == 0)
                return 0;
            must_zlib(inflateReset(s)); /* the next member */
        } else if (r != Z_OK && !(r == Z_BUF_ERROR && s->avail_out == 0)) {
            return ERR_CORRUPT;
        } else if (in.n == 0 && s->avail_out > 0) {
            return ERR_CORRUPT; /* cut short */
        }
    }
}

static int unzstd_all(Zip *z, Str in, Buf *out) {
    ZSTD_inBuffer from = { in.p, in.n, 0 };
    size_t step = MIN(in.n, (size_t)STEP_MAX);
    for (;;) {
        Room room;
        make_room(&room, out, step = MIN(step * 2, (size_t)STEP_MAX));
        ZSTD_outBuffer to = { room.p, room.n, 0 };
        size_t left = ZSTD_decompressStream(z->zstd_out, &to, &from);
        if (ZSTD_isError(left))
            return ZSTD_getErrorCode(left) == ZSTD_error_frameParameter_windowTooLarge ? ERR_LIMIT : ERR_CORRUPT;
        if (use_room(&room, out, to.pos))
            return ERR_LIMIT;
        if (from.pos == from.size && left == 0)
            return 0;
        if (from.pos == from.size && to.pos < to.size)
            return ERR_CORRUPT; /* cut short */
    }
}

/* --- whole texts --- */

/* Gives back what a failure left in out. */
static int settle(Buf *out, size_t had, int e) {
    if (e)
        out->n = had;
    return e;
}

int zip_compress(Zip *z, ZipKind kind, int level, Str in, Buf *out) {
    Zip own = { 0 };
    Zip *use = z ? z : &own;
    size_t had = out->n;
    int e;
    if (kind == ZIP_GZIP) {
        start_deflate(use, level_in_range(kind, level));
        e = deflate_all(use, in, END_FINISH, out);
    } else {
        start_zstd_in(use, level_in_range(kind, level));
        ZSTD_CCtx_setPledgedSrcSize(use->zstd_in, in.n); /* the frame says its size */
        e = zstd_all(use, in, END_FINISH, out);
    }
    zip_done(&own);
    return settle(out, had, e);
}

int zip_expand(Zip *z, ZipKind kind, Str in, Buf *out) {
    Zip own = { 0 };
    Zip *use = z ? z : &own;
    size_t had = out->n;
    int e = ERR_CORRUPT;
    if (in.n == 0) {
        /* no member at all */
    } else if (kind == ZIP_GZIP) {
        start_inflate(use);
        e = inflate_all(use, in, out);
    } else {
        start_zstd_out(use);
        e = unzstd_all(use, in, out);
    }
    zip_done(&own);
    return settle(out, had, e);
}

/* --- stream --- */

ZipStream *zip_stream_new(ZipKind kind, int level) {
    ZipStream *s = mem_new(ZipStream);
    s->kind = kind;
    s->level = level_in_range(kind, level);
    if (kind == ZIP_GZIP)
        start_deflate(&s->zip, s->level);
    else
        start_zstd_in(&s->zip, s->level);
    return s;
}

void zip_stream_free(ZipStream *s) {
    if (s)
        zip_done(&s->zip);
    mem_free(s);
}

static int stream_step(ZipStream *s, Str in, End end, Buf *out) {
    size_t had = out->n;
    if (s->broken || out->full)
        return ERR_LIMIT;
    int e = s->kind == ZIP_GZIP ? deflate_all(&s->zip, in, end, out) : zstd_all(&s->zip, in, end, out);
    s->broken = e != 0;
    return settle(out, had, e);
}

int zip_stream_put(ZipStream *s, Str in, Buf *out) {
    return in.n ? stream_step(s, in, END_MORE, out) : 0;
}

int zip_stream_flush(ZipStream *s, Buf *out) {
    return stream_step(s, (Str){ 0 }, END_FLUSH, out);
}

int zip_stream_finish(ZipStream *s, Buf *out) {
    return stream_step(s, (Str){ 0 }, END_FINISH, out);
}

/* --- the way back, in pieces --- */

struct UnzipStream {
    ZipKind kind;
    Zip zip;
    int broken;   /* what it broke with */
    bool started; /* some byte came */
    bool at_end;  /* of a member or frame */
};

UnzipStream *unzip_stream_new(ZipKind kind) {
    UnzipStream *s = mem_new(UnzipStream);
    s->kind = kind;
    if (kind == ZIP_GZIP)
        start_inflate(&s->zip);
    else
        start_zstd_out(&s->zip);
    return s;
}

void unzip_stream_free(UnzipStream *s) {
    if (s)
        zip_done(&s->zip);
    mem_free(s);
}

/* One call of the library: what it took of *in and wrote to room. 0 or an ErrCode. */
static int unzip_step(UnzipStream *s, Str *in, Room *room, size_t *written) {
    if (s->kind == ZIP_ZSTD) {
        ZSTD_inBuffer from = { in->p, in->n, 0 };
        ZSTD_outBuffer to = { room->p, room->n, 0 };
        size_t left = ZSTD_decompressStream(s->zip.zstd_out, &to, &from);
        *written = ZSTD_isError(left) ? 0 : to.pos;
        if (ZSTD_isError(left))
            return ZSTD_getErrorCode(left) == ZSTD_error_frameParameter_windowTooLarge ? ERR_LIMIT : ERR_CORRUPT;
        *in = str_from(*in, from.pos);
        s->at_end = left == 0;
        return 0;
    }
    z_stream *z = &s->zip.inflate;
    if (s->at_end && in->n > 0)
        must_zlib(inflateReset(z)); /* the next member */
    Str now = str_first(*in, FEED_MAX);
    z->next_in = (z_const Bytef *)(uintptr_t)now.p;
    z->avail_in = (uInt)now.n;
    z->next_out = (Bytef *)room->p;
    z->avail_out = (uInt)room->n;
    int r = inflate(z, Z_NO_FLUSH);
    *in = str_from(*in, now.n - z->avail_in);
    *written = room->n - z->avail_out;
    s->at_end = r == Z_STREAM_END;
    return r == Z_OK || r == Z_STREAM_END || r == Z_BUF_ERROR ? 0 : ERR_CORRUPT;
}

int unzip_stream_put(UnzipStream *s, Str in, Buf *out) {
    if (s->broken || in.n == 0)
        return s->broken;
    s->started = true;
    for (bool more = true; more && s->broken == 0;) {
        Room room;
        size_t written;
        make_room(&room, out, STEP_MAX / 4);
        s->broken = unzip_step(s, &in, &room, &written);
        if (s->broken == 0)
            s->broken = use_room(&room, out, written);
        more = in.n > 0 || (written == room.n && !s->at_end);
    }
    return s->broken;
}

int unzip_stream_finish(UnzipStream *s) {
    if (s->broken == 0 && !(s->started && s->at_end))
        s->broken = ERR_CORRUPT; /* cut short */
    return s->broken;
}

uint32_t zip_crc32(uint32_t crc, Str bytes) {
    uLong sum = crc;
    for (; bytes.n > 0; bytes = str_from(bytes, MIN(bytes.n, (size_t)FEED_MAX)))
        sum = crc32(sum, (const Bytef *)bytes.p, (uInt)MIN(bytes.n, (size_t)FEED_MAX));
    return (uint32_t)sum;
}
