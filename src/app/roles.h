#pragma once

/* app/roles.h - the roles of the platform: what each answers, where it listens, and what it alone writes (U01, GOV-08).
 *
 * A role is a set of operation tables with the services behind them. `finsight serve` hosts all that are built;
 * `--roles market` some. Whatever tables a process does not host are reached through the role's instances elsewhere, if
 * the process hosts the gateway. The table below is checked at start: every table of operations has exactly one role,
 * every path one owner, every store one writer. */

#include "api/call.h"
#include "app/config.h"

typedef enum RoleId {
    ROLE_GATEWAY,
    ROLE_MARKET,
    ROLE_BACKTEST,
    ROLE_NEWS,
    ROLE_SENTIMENT,
    ROLE_PREDICTION,
    ROLE_DISCOVERY,
    ROLE_IDS
} RoleId;

enum { ROLE_TABLES_MAX = 8 };

typedef struct RoleInfo {
    const char *name;
    int port, port_b; /* by default, and in the profile ports=b; 0: none of its own */
    const char *doc;
    const OpTable *tables[ROLE_TABLES_MAX];
    const char *owns; /* the only writer of; NULL: of nothing */
} RoleInfo;

extern const RoleInfo app_roles[ROLE_IDS];

/* Roles of the documents that this build has no service for: their ports are kept free. NULL name at the end. */
extern const RoleInfo app_roles_to_come[];

typedef struct RoleSet {
    bool has[ROLE_IDS];
} RoleSet;

/* server.roles -> set; "all" is every one. 0 or ERR_USAGE with words that list the names. */
int roles_parse(Ctx *cx, const CfgList *names, RoleSet *out);
/* The port this set listens on by default: 8080 with the gateway, else its first role's own. */
int roles_port(const RoleSet *s, bool profile_b);
/* Every role with its ports in both lists, those to come too, as a table. */
void roles_write_markdown(Buf *to);
/* Which role answers a table's operations. */
RoleId roles_owner(const OpTable *t);
/* GOV-08. 0 or ERR_INTERNAL with words. */
int roles_check(Ctx *cx);
