#pragma once

/* app/dumps.h - a server's memory holds keys: none of it goes to disk when it dies (SEC-11). */

/* No core file, and where one is made all the same (a handler behind a pipe, gcore) nothing in it but the registers:
 * limits of the process, inherited by its children. What is not prevented is a debugger of the same user, which the system
 * allows or not. PR_SET_DUMPABLE would do more and cost too much: the files of /proc/self would be root's, and the process
 * could not count its own descriptors. Failing is no failure: the system has said no already. */
void app_no_dumps(void);
