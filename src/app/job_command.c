/* app/job_command.c - see job_command.h. */

#include "app/job_command.h"

#include "app/child.h"

/* clang-format off */
/* Those that read or write data and end by themselves. A job must not start servers or end up in itself, nor write where
 * it likes (restore). */
static const char *const commands[] = { "import", "export", "query", "stats", "gaps", "quality", "ensure", "collect", "verify",
                                        "fill", "unfill", "resample", "list", "version", "convert", "upload", "download",
                                        "datasets", "backup", "sql", "backtest", "sweep", "walkforward", "montecarlo", "prove",
                                        "results", "report", "disagree", "train", "evaluate", "predict", "tune", NULL };
/* clang-format on */

/* The shadow memory of a sanitizer is terabytes of what the cap counts. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { CAPPED_BY_DEFAULT = false };
#else
enum { CAPPED_BY_DEFAULT = true };
#endif

int job_command_check(Ctx *cx, const Str *args, size_t n) {
    for (const char *const *c = commands; n > 0 && *c; c++)
        if (str_eq(args[0], str_c(*c)))
            return 0;
    return err_set_at(cx, ERR_INVALID, S("params"), "a job cannot run the command '" STR_FMT "'",
                      STR_ARG(n ? str_first(args[0], 40) : S("")));
}

int job_command_run(Ctx *cx, const JobCommand *c, Str *said) {
    ChildEnd end;
    int r = job_command_check(cx, c->args, c->n);
    if (r != 0)
        return r;
    char **argv = arena_new_n(cx->arena, char *, c->n + 3);
    size_t n = 0;
    argv[n++] = str_cz(cx->arena, str_fmt(cx->arena, "--data-dir=%s", c->data_dir));
    for (size_t i = 0; i < c->n; i++)
        argv[n++] = str_cz(cx->arena, c->args[i]);
    argv[n++] = str_cz(cx->arena, S("--quiet"));
    ChildOptions o = { .program = "/proc/self/exe",
                       .args = argv,
                       .memory_max = c->memory_max || !CAPPED_BY_DEFAULT ? c->memory_max : c->default_memory,
                       .progress = c->progress,
                       .progress_arg = c->progress_arg };
    r = child_run(cx, &o, &end);
    if (r != 0)
        return r;
    *said = str_trim(end.out_end);
    if (end.status == 0)
        return 0;
    if (end.status < 0)
        return err_set(cx, ERR_LIMIT, "the child process was ended by signal %d%s; it said: " STR_FMT, end.signal,
                       o.memory_max ? " (its memory is capped)" : "", STR_ARG(*said));
    return err_set(cx, ERR_UNAVAILABLE, "the command ended with status %d: " STR_FMT, end.status, STR_ARG(*said));
}
