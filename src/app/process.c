/* app/process.c - see process.h. */

#include "app/process.h"

#include "app/syscall_filter.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { FRESH_MS = 100, TEXT_MAX = 4096 };

typedef struct Snapshot {
    ProcStat stat;
    int64_t open_fds, max_fds;
    int64_t disk_free, disk_size;
    int64_t memory_free, memory_size; /* of the machine, or of the control group where that is less */
} Snapshot;

struct ProcessMetrics {
    Clock *clock;
    const char *folder;
    MonoNs looked; /* several readers of one scrape share a look; all on the loop */
    bool has_looked;
    Snapshot s;
    double started;
};

static Str read_text(const char *path, char to[static TEXT_MAX]) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, to, TEXT_MAX);
    if (fd >= 0)
        close(fd);
    return str_n(to, n < 0 ? 0 : (size_t)n);
}

bool proc_stat_read(Str text, ProcStat *out) {
    enum { STATE = 3, USER = 14, SYSTEM = 15, THREADS = 20, START = 22, VIRTUAL = 23, RESIDENT = 24 };
    size_t end = text.n;
    while (end > 0 && text.p[end - 1] != ')')
        end--;
    Str rest = str_trim(str_from(text, end)), word;
    int64_t v[RESIDENT + 1] = { 0 };
    int i = STATE;
    for (; end > 0 && i <= RESIDENT && str_next(&rest, ' ', &word); i++)
        if (i > STATE && !str_to_i64(str_trim(word), &v[i]))
            return false;
    *out = (ProcStat){ v[USER], v[SYSTEM], v[THREADS], v[START], v[VIRTUAL], v[RESIDENT] };
    return i > RESIDENT;
}

static int64_t count_fds(void) {
    DIR *d = opendir("/proc/self/fd");
    int64_t n = 0;
    if (!d)
        return 0;
    while (readdir(d))
        n++;
    closedir(d);
    return MAX(n - 3, INT64_C(0)); /* ".", ".." and the folder itself */
}

static int64_t kib_of(Str text, Str name) {
    Str line;
    int64_t v = 0;
    while (str_next(&text, '\n', &line)) {
        if (!str_starts(line, name))
            continue;
        Str number = str_trim(str_from(line, name.n));
        ptrdiff_t blank = str_find_char(number, ' ');
        str_to_i64(blank < 0 ? number : str_first(number, (size_t)blank), &v);
    }
    return v * 1024;
}

static int64_t number_in(const char *path) {
    char text[TEXT_MAX];
    int64_t v = -1;
    return str_to_i64(str_trim(read_text(path, text)), &v) ? v : -1;
}

static void look_memory(Snapshot *s) {
    char text[TEXT_MAX];
    Str info = read_text("/proc/meminfo", text);
    s->memory_size = kib_of(info, S("MemTotal:"));
    s->memory_free = kib_of(info, S("MemAvailable:"));
    int64_t limit = number_in("/sys/fs/cgroup/memory.max"), used = number_in("/sys/fs/cgroup/memory.current");
    if (limit > 0 && used >= 0 && limit < s->memory_size) {
        s->memory_size = limit;
        s->memory_free = MIN(s->memory_free, MAX(limit - used, INT64_C(0)));
    }
}

static void look_disk(const char *folder, Snapshot *s) {
    struct statvfs v;
    if (!folder || statvfs(folder, &v) != 0)
        return;
    s->disk_free = (int64_t)(v.f_bavail * v.f_frsize);
    s->disk_size = (int64_t)(v.f_blocks * v.f_frsize);
}

static void look(const char *folder, Snapshot *s) {
    char text[TEXT_MAX];
    struct rlimit limit;
    *s = (Snapshot){ .open_fds = count_fds() };
    proc_stat_read(read_text("/proc/self/stat", text), &s->stat);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        s->max_fds = (int64_t)limit.rlim_cur;
    look_memory(s);
    look_disk(folder, s);
}

static double share(int64_t used, int64_t size) {
    return size > 0 ? CLAMP((double)used / (double)size, 0.0, 1.0) : 0;
}

void process_shares(const char *folder, ProcessShares *out) {
    Snapshot s;
    look(folder, &s);
    *out = (ProcessShares){ share(s.disk_size - s.disk_free, s.disk_size),
                            share(s.memory_size - s.memory_free, s.memory_size), share(s.open_fds, s.max_fds) };
}

/* --- as metrics --- */

static const Snapshot *seen(ProcessMetrics *p) {
    MonoNs now = clock_mono(p->clock);
    if (!p->has_looked || mono_ms_between(p->looked, now) >= FRESH_MS) {
        look(p->folder, &p->s);
        p->looked = now;
        p->has_looked = true;
    }
    return &p->s;
}

static double ticks(void) {
    return (double)sysconf(_SC_CLK_TCK);
}

static double read_cpu(void *arg) {
    const ProcStat *s = &seen(arg)->stat;
    return (double)(s->user_ticks + s->system_ticks) / ticks();
}

static double read_resident(void *arg) {
    return (double)(seen(arg)->stat.resident_pages * sysconf(_SC_PAGESIZE));
}

static double read_virtual(void *arg) {
    return (double)seen(arg)->stat.virtual_bytes;
}

static double read_threads(void *arg) {
    return (double)seen(arg)->stat.threads;
}

static double read_open_fds(void *arg) {
    return (double)seen(arg)->open_fds;
}

static double read_max_fds(void *arg) {
    return (double)seen(arg)->max_fds;
}

static double read_started(void *arg) {
    return ((const ProcessMetrics *)arg)->started;
}

static double read_disk_free(void *arg) {
    return (double)seen(arg)->disk_free;
}

static double read_disk_size(void *arg) {
    return (double)seen(arg)->disk_size;
}

static double read_memory_free(void *arg) {
    return (double)seen(arg)->memory_free;
}

static double read_memory_size(void *arg) {
    return (double)seen(arg)->memory_size;
}

/* When the process began: ticks after the machine did. */
static double start_time(const ProcStat *s) {
    char text[TEXT_MAX];
    Str stat = read_text("/proc/stat", text);
    ptrdiff_t at = str_find(stat, S("btime "));
    int64_t boot = 0;
    Str rest = at < 0 ? (Str){ 0 } : str_from(stat, (size_t)at + 6), line;
    if (str_next(&rest, '\n', &line))
        str_to_i64(line, &boot);
    return boot ? (double)boot + (double)s->start_ticks / ticks() : 0;
}

static void gauge(Metrics *m, const char *name, const char *help, double (*read)(void *arg), ProcessMetrics *p) {
    metrics_gauge_read(metrics_gauge(m, name, help, METRIC_NO_LABELS), read, p);
}

static double read_refused_calls(void *arg) {
    UNUSED(arg);
    return (double)syscall_filter_refused();
}

ProcessMetrics *process_metrics_new(Metrics *m, Clock *clock, const char *folder) {
    ProcessMetrics *p = mem_new(ProcessMetrics);
    *p = (ProcessMetrics){ .clock = clock, .folder = folder };
    p->started = start_time(&seen(p)->stat);
    if (p->started == 0) /* a /proc without the machine's start */
        p->started = (double)clock_wall(clock).ms / MS_PER_SECOND;
    metrics_counter_read(m, "finsight_refused_system_calls_total", "System calls that a confined process may not make.",
                         METRIC_NO_LABELS, read_refused_calls, NULL);
    metrics_counter_read(m, "process_cpu_seconds_total", "CPU time of the process, user and system.", METRIC_NO_LABELS,
                         read_cpu, p);
    gauge(m, "process_resident_memory_bytes", "Memory of the process that is in RAM.", read_resident, p);
    gauge(m, "process_virtual_memory_bytes", "Address space of the process.", read_virtual, p);
    gauge(m, "process_threads", "Threads of the process.", read_threads, p);
    gauge(m, "process_open_fds", "Open descriptors.", read_open_fds, p);
    gauge(m, "process_max_fds", "Most descriptors it may open.", read_max_fds, p);
    gauge(m, "process_start_time_seconds", "When it began, Unix time.", read_started, p);
    gauge(m, "finsight_memory_free_bytes", "Memory of the machine or control group that is free.", read_memory_free, p);
    gauge(m, "finsight_memory_size_bytes", "Memory of the machine or control group.", read_memory_size, p);
    if (folder) {
        gauge(m, "finsight_disk_free_bytes", "Free on the disk of the data folder.", read_disk_free, p);
        gauge(m, "finsight_disk_size_bytes", "Size of the disk of the data folder.", read_disk_size, p);
    }
    gauge_set(metrics_gauge(m, "finsight_build_info", "1; the version is its label.",
                            METRIC_L({ "version", S(FINSIGHT_VERSION) })),
              1);
    return p;
}

ProcessMetrics *process_metrics_free(ProcessMetrics *p) {
    return p ? mem_free(p) : NULL;
}

/* --- lanes --- */

static LaneStats stats_of(void *lane) {
    LaneStats s;
    lane_stats(lane, &s);
    return s;
}

static double read_waiting(void *lane) {
    return (double)stats_of(lane).waiting;
}

static double read_running(void *lane) {
    return (double)stats_of(lane).running;
}

static double read_lane_threads(void *lane) {
    return (double)stats_of(lane).threads;
}

static double read_oldest(void *lane) {
    return (double)stats_of(lane).oldest_wait_ms / MS_PER_SECOND;
}

static double read_done(void *lane) {
    return (double)stats_of(lane).done;
}

static double read_refused(void *lane) {
    return (double)stats_of(lane).refused;
}

static double read_expired(void *lane) {
    return (double)stats_of(lane).expired;
}

void lane_metrics(Metrics *m, const char *name, Lane *lane) {
    const struct {
        const char *name, *help;
        double (*read)(void *arg);
        bool counts;
    } rows[] = {
        { "finsight_lane_waiting", "Jobs that wait in a lane.", read_waiting, false },
        { "finsight_lane_running", "Jobs that a lane works on.", read_running, false },
        { "finsight_lane_threads", "Threads of a lane.", read_lane_threads, false },
        { "finsight_lane_oldest_wait_seconds", "How long the first in the queue has waited.", read_oldest, false },
        { "finsight_lane_done_total", "Jobs that are done.", read_done, true },
        { "finsight_lane_refused_total", "Jobs that found no room.", read_refused, true },
        { "finsight_lane_expired_total", "Jobs whose time was over before their turn.", read_expired, true },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        MetricLabel label = { "lane", str_c(name) };
        if (rows[i].counts)
            metrics_counter_read(m, rows[i].name, rows[i].help, &label, 1, rows[i].read, lane);
        else
            metrics_gauge_read(metrics_gauge(m, rows[i].name, rows[i].help, &label, 1), rows[i].read, lane);
    }
}
