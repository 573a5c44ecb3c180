#pragma once

/* app/app.h - what the commands of this folder share. */

#include "app/confine.h"
#include "app/platform.h"
#include "cli/cli.h"

typedef struct App {
    Cli cli; /* first: commands of app/ get the App back from their Cli */
    Ctx cx;
    Arena arena;
    Clock *clock;
    Ids *ids;
    Cfg cfg_table;
    AppCfg cfg;
    char *const *environment;
    const char *program; /* path of this binary, for child processes and completion */
    /* Of connect.c: */
    Platform platform;
    bool platform_is_open;
    Logger *log;              /* of in-process calls: warnings and worse, on stderr */
    bool remote;              /* commands go to a server */
    Confine *confine;         /* of a server of its own process; NULL: nothing is given away */
    struct SealedVfs *sealed; /* NULL: databases are plain */
} App;

/* Ctrl-C and SIGTERM set cx->cancel; a second Ctrl-C ends the process at once. */
void app_on_interrupt(App *app);

/* A Cli.connect: the server that owns the store, if one does, else this process. */
int app_connect(void *app, Ctx *cx, ApiCaller **out);
bool app_server_listens(App *app); /* on the socket of the data folder */
void app_disconnect(App *app);

/* seal.c: before the first database is opened. Keys are made where there are none. What was done already is not done
 * again; 0 where databases are plain and are to be. */
int app_seal(App *app, Ctx *cx);
/* Every database of the data folder anew: sealed with the newest key, or plain. Nobody may have one open. *n: how many. */
int app_seal_all(App *app, Ctx *cx, bool seal, size_t *n);
int app_seal_new_key(App *app, Ctx *cx);
/* The keys beside sealed databases that were restored into another folder. */
int app_seal_copy(App *app, Ctx *cx, const char *dir);

/* Logger as configured. 0 or ErrCode. */
int app_logger(App *app, const char *service, Logger **out);

/* Lists split at commas, and so do the options of a rule of sim/fault.h: "429:every=3,count=2" arrives as two words. -> the
 * rules, in cx->arena. */
size_t sim_join_faults(Ctx *cx, const List *words, Str **out);

extern const Command cmd_serve, cmd_exchange_sim, cmd_feed_sim, cmd_s3_sim, cmd_demo, cmd_config, cmd_doctor,
    cmd_migrate, cmd_restore, cmd_sql, cmd_version, cmd_completion, cmd_docs, cmd_watch, cmd_worker, cmd_secret;
