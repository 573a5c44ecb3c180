#pragma once

/* app/dumps.h - a process's memory holds keys: none of it goes to disk when it dies (SEC-11). */

/* Three bolts. The limit of core files, which children inherit. Where one is made all the same (a program behind a pipe,
 * which the limit does not stop; gcore) nothing in it but the registers: children inherit that too. And the kernel makes
 * none of this process, nor lets another of the same user look into it (prctl(2), PR_SET_DUMPABLE); a new program begins
 * without that, so each process of ours calls this. What it costs: /proc/PID/{io,environ,exe,fd} are root's to read from
 * outside, and a debugger needs root. Failing is no failure: the system has said no already. */
void app_no_dumps(void);
