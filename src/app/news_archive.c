/* app/news_archive.c - see news_archive.h. */

#include "app/news_archive.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int write_all(int fd, Str s) {
    while (s.n) {
        ssize_t n = write(fd, s.p, s.n);
        if (n < 0 && errno != EINTR)
            return errno;
        s = str_from(s, n > 0 ? (size_t)n : 0);
    }
    return 0;
}

/* A line that was cut by a kill stays the last of its own: the next begins a new one. */
static int end_line(int fd, off_t size) {
    char last = '\n';
    if (size > 0 && pread(fd, &last, 1, size - 1) != 1)
        return EIO;
    return last == '\n' ? 0 : write_all(fd, S("\n"));
}

int news_archive_append(void *data_dir, Ctx *cx, Str month, Str lines) {
    const char *dir = path_join(cx->arena, data_dir, "archive");
    const char *path =
        path_join(cx->arena, dir, str_cz(cx->arena, str_fmt(cx->arena, "news-" STR_FMT ".jsonl", STR_ARG(month))));
    bool is_new = !file_exists(path);
    int r = dir_make(cx, dir);
    int fd = r ? -1 : open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (fd < 0)
        return r ? r : file_fail(cx, errno, "open", path);
    off_t size = lseek(fd, 0, SEEK_END);
    int e = size < 0 ? errno : end_line(fd, size);
    e = e ? e : write_all(fd, lines);
    e = e ? e : fsync(fd) ? errno : 0;
    if (e && size >= 0 && ftruncate(fd, size)) /* half a page is of no use; where it cannot go it does no harm */
        e = errno;
    close(fd);
    if (e)
        return file_fail(cx, e, "write", path);
    return is_new ? dir_sync(cx, dir) : 0;
}
