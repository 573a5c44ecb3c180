/* base/log_sink.c - where lines go: a descriptor, a file that rotates, memory. See log.h. */

#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* One write for the line; what a full pipe or disk refuses is lost, because a log must not stop the program. */
static void write_line(int fd, const char *line, size_t n) {
    while (n > 0) {
        ssize_t put = write(fd, line, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return;
        line += put;
        n -= (size_t)put;
    }
}

/* --- a descriptor --- */

typedef struct FdSink {
    LogSink sink; /* first */
    int fd;
    pthread_mutex_t lock; /* the kernel keeps lines whole only up to PIPE_BUF */
} FdSink;

static void fd_write(LogSink *s, const char *line, size_t n) {
    FdSink *f = (FdSink *)s;
    pthread_mutex_lock(&f->lock);
    write_line(f->fd, line, n);
    pthread_mutex_unlock(&f->lock);
}

static void fd_close(LogSink *s) {
    FdSink *f = (FdSink *)s;
    pthread_mutex_destroy(&f->lock);
    mem_free(f);
}

LogSink *log_sink_fd(int fd) {
    FdSink *f = mem_new(FdSink);
    *f = (FdSink){ .sink = { fd_write, fd_close }, .fd = fd };
    pthread_mutex_init(&f->lock, NULL);
    return &f->sink;
}

/* --- a file --- */

typedef struct FileSink {
    LogSink sink;         /* first */
    pthread_mutex_t lock; /* all below */
    int fd;
    int64_t size, max_bytes;
    int keep;
    char *path;
    char *from, *to; /* room for the numbered names */
    size_t name_size;
} FileSink;

static int open_log(const char *path) {
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

/* path.(keep-1) -> path.keep, ..., path -> path.1, and a new file. When that fails the old one is written on. */
static void rotate(FileSink *f) {
    for (int i = f->keep; i > 0; i--) {
        snprintf(f->to, f->name_size, "%s.%d", f->path, i);
        if (i > 1)
            snprintf(f->from, f->name_size, "%s.%d", f->path, i - 1);
        else
            snprintf(f->from, f->name_size, "%s", f->path);
        if (rename(f->from, f->to) != 0 && errno != ENOENT) {
            f->size = 0; /* not again with each line */
            return;
        }
    }
    if (f->keep == 0)
        unlink(f->path);
    int fd = open_log(f->path);
    f->size = 0;
    if (fd < 0)
        return;
    close(f->fd);
    f->fd = fd;
}

static void file_sink_write(LogSink *s, const char *line, size_t n) {
    FileSink *f = (FileSink *)s;
    pthread_mutex_lock(&f->lock);
    if (f->max_bytes > 0 && f->size > 0 && f->size + (int64_t)n > f->max_bytes)
        rotate(f);
    write_line(f->fd, line, n);
    f->size += (int64_t)n;
    pthread_mutex_unlock(&f->lock);
}

static void file_sink_close(LogSink *s) {
    FileSink *f = (FileSink *)s;
    close(f->fd);
    pthread_mutex_destroy(&f->lock);
    mem_free(f->path);
    mem_free(f->from);
    mem_free(f->to);
    mem_free(f);
}

int log_sink_file(Ctx *cx, const char *path, int64_t max_bytes, int keep, LogSink **out) {
    assert(max_bytes >= 0 && keep >= 0 && keep < 1000);
    int fd = open_log(path);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        int e = errno;
        if (fd >= 0)
            close(fd);
        return file_fail(cx, e, "write the log", path);
    }
    FileSink *f = mem_new(FileSink);
    *f = (FileSink){ .sink = { file_sink_write, file_sink_close }, .fd = fd, .size = st.st_size };
    f->max_bytes = max_bytes;
    f->keep = keep;
    f->name_size = strlen(path) + sizeof ".999";
    f->path = mem_alloc(f->name_size);
    f->from = mem_alloc(f->name_size);
    f->to = mem_alloc(f->name_size);
    snprintf(f->path, f->name_size, "%s", path);
    pthread_mutex_init(&f->lock, NULL);
    *out = &f->sink;
    return 0;
}

/* --- memory --- */

typedef struct MemorySink {
    LogSink sink; /* first */
    pthread_mutex_t lock;
    Buf text;
} MemorySink;

static void memory_write(LogSink *s, const char *line, size_t n) {
    MemorySink *m = (MemorySink *)s;
    pthread_mutex_lock(&m->lock);
    while (m->text.n > 0 && m->text.n + n > m->text.limit) { /* the oldest lines go */
        ptrdiff_t end = str_find_char(buf_str(&m->text), '\n');
        buf_consume(&m->text, end < 0 ? m->text.n : (size_t)end + 1);
    }
    buf_put(&m->text, line, n);
    m->text.full = false;
    pthread_mutex_unlock(&m->lock);
}

static void memory_close(LogSink *s) {
    MemorySink *m = (MemorySink *)s;
    buf_done(&m->text);
    pthread_mutex_destroy(&m->lock);
    mem_free(m);
}

LogSink *log_sink_memory(size_t max_bytes) {
    MemorySink *m = mem_new(MemorySink);
    m->sink = (LogSink){ memory_write, memory_close };
    buf_init(&m->text, max_bytes);
    pthread_mutex_init(&m->lock, NULL);
    return &m->sink;
}

Str log_sink_memory_text(LogSink *s, Arena *a) {
    MemorySink *m = (MemorySink *)s;
    pthread_mutex_lock(&m->lock);
    Str text = str_dup(a, buf_str(&m->text));
    pthread_mutex_unlock(&m->lock);
    return text;
}
