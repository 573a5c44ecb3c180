/* policy/refusal/command.c - a shell's commands behind a separator, and paths that climb. */

#include "policy/refusal/internal.h"

/* --- commands --- */

/* How much it takes to know a command from a word. */
typedef enum Sure {
    SURE,   /* means nothing else */
    LIKELY, /* with an argument of any form that a sentence has not */
    WORD,   /* an English word: with an option, a path or a variable */
} Sure;

/* clang-format off */
static const struct { const char *name; Sure sure; } commands[] = {
    { "whoami", SURE }, { "ifconfig", SURE }, { "ipconfig", SURE }, { "uname", SURE }, { "netstat", SURE },
    { "nslookup", SURE }, { "wget", SURE }, { "curl", SURE }, { "ncat", SURE }, { "netcat", SURE }, { "powershell", SURE },
    { "cmd.exe", SURE }, { "bash", SURE }, { "printenv", SURE }, { "systeminfo", SURE }, { "tasklist", SURE },
    { "phpinfo", SURE }, { "id", SURE }, { "ls", SURE }, { "pwd", SURE }, { "ps", SURE }, { "env", SURE }, { "dir", SURE },
    { "chmod", SURE }, { "mkfifo", SURE }, { "busybox", SURE },
    { "nc", LIKELY }, { "sh", LIKELY }, { "dig", LIKELY }, { "python", LIKELY }, { "python3", LIKELY }, { "perl", LIKELY },
    { "php", LIKELY }, { "ruby", LIKELY }, { "rm", LIKELY }, { "awk", LIKELY }, { "sed", LIKELY }, { "telnet", LIKELY },
    { "tftp", LIKELY }, { "ftp", LIKELY }, { "cmd", LIKELY }, { "cp", LIKELY }, { "mv", LIKELY }, { "grep", LIKELY },
    { "xterm", LIKELY }, { "socat", LIKELY }, { "certutil", LIKELY }, { "bitsadmin", LIKELY }, { "tac", LIKELY },
    { "nl", LIKELY }, { "od", LIKELY }, { "xxd", LIKELY }, { "ping", LIKELY }, { "sleep", LIKELY }, { "cat", LIKELY },
    { "timeout", WORD }, { "node", WORD }, { "type", WORD }, { "net", WORD }, { "echo", WORD }, { "touch", WORD },
    { "kill", WORD }, { "tail", WORD }, { "head", WORD }, { "more", WORD }, { "less", WORD }, { "host", WORD },
    { "find", WORD }, { "reboot", WORD }, { "shutdown", WORD }, { "eval", WORD }, { "exec", WORD }, { "set", WORD },
    { "start", WORD },
};
/* clang-format on */

/* An argument that belongs to a command: an option, a path, a variable; where that is likely, a number or an address. */
static bool is_argument(const char *p, Sure sure) {
    while (is_blank(*p))
        p++;
    if (*p && strchr("-/$~\\<>%", *p))
        return *p != '-' || is_word(p[1]);
    if (sure == WORD)
        return false;
    size_t n = 0, digits = 0, signs = 0;
    for (; p[n] && !is_blank(p[n]) && !strchr(";|&)`'\"", p[n]); n++) {
        digits += p[n] >= '0' && p[n] <= '9';
        signs += p[n] == '/' || (p[n] == '.' && is_word(p[n + 1])) || p[n] == '\\';
    }
    return n > 0 && (digits == n || signs > 0);
}

/* A command begins at p (blanks, quotes and backslashes between its letters as a shell ignores them). */
static bool is_command(const char *p, bool tight) {
    while (is_blank(*p) || *p == '\\' || *p == '\'' || *p == '"')
        p++;
    const char *path = p;
    if (*p == '/') { /* /bin/cat, /usr/bin/id */
        const char *slash = p;
        for (const char *q = p; *q && !is_blank(*q) && !strchr(";|&)`", *q); q++)
            if (*q == '/')
                slash = q;
        if (strncmp(path, "/bin/", 5) == 0 || strncmp(path, "/usr/", 5) == 0 || strncmp(path, "/?\?\?/", 5) == 0)
            return true;
        p = slash + 1;
    }
    char name[16];
    size_t n = 0;
    while (n < sizeof name - 1 &&
           (is_word(*p) || *p == '.' || (n && (*p == '\\' || *p == '\'' || *p == '"') && is_word(p[1])))) {
        if (*p != '\\' && *p != '\'' && *p != '"')
            name[n++] = *p;
        p++;
    }
    name[n] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(name, commands[i].name) != 0)
            continue;
        if (*p == '<' || *p == '$') /* cat</etc/passwd, cat${IFS}x */
            return true;
        while (*p == ' ')
            p++;
        bool over = *p == '\0' || strchr(";|&)`\n#'\"}", *p) != NULL;
        if (over)
            return commands[i].sure == SURE && (tight || strlen(name) > 4);
        return is_argument(p, commands[i].sure);
    }
    return false;
}

bool looks_command(const Plain *t) {
    static const char *const always[] = { "() {",         "phpinfo(",
                                          "phpinfo(",     "(){ :",
                                          "() {:",        "(){:",
                                          "/bin/sh",      "/bin/bash",
                                          "cmd.exe",      "cmd /c",
                                          "powershell -", "powershell.exe",
                                          "${ifs}",       "$ifs$",
                                          "/dev/tcp/",    "<?php",
                                          "system(\"",    "system('",
                                          "passthru(",    "shell_exec(",
                                          "popen(",       "runtime.getruntime",
                                          "os.system(",   "subprocess.",
                                          "__import__(" };
    for (size_t i = 0; i < ARRAY_LEN(always); i++)
        if (plain_has(t, always[i]))
            return true;
    for (size_t i = 0; i < t->n; i++) {
        const char *p = t->p + i;
        switch (*p) {
        case ';':
        case '|':
            if (is_command(p + 1 + (p[1] == '|'), true))
                return true;
            break;
        case '&':
            if (is_command(p + 1 + (p[1] == '&'), p[1] == '&'))
                return true;
            break;
        case '\n':
            if (is_command(p + 1, !t->prose))
                return true;
            break;
        case '`':
            if (is_command(p + 1, true) && strchr(p + 1, '`'))
                return true;
            break;
        case '$':
            if ((p[1] == '(' || p[1] == '{') && is_command(p + 2, true))
                return true;
            break;
        default:
            break;
        }
    }
    return false;
}

/* --- paths --- */

static bool is_slash(char c) {
    return c == '/' || c == '\\';
}

/* "../", "..\", "..;/" and what ends in "/..". Three dots and more are prose. */
static bool climbs(const Plain *t) {
    for (size_t i = 0; i + 1 < t->n; i++) {
        if (t->p[i] != '.' || t->p[i + 1] != '.' || (i > 0 && (t->p[i - 1] == '.' || is_word(t->p[i - 1]))))
            continue;
        char a = t->p[i + 2], b = a ? t->p[i + 3] : '\0';
        if (is_slash(a) || (a == ';' && is_slash(b)) || (a == 2) || (a == '\0' && i > 0 && is_slash(t->p[i - 1])))
            return true;
    }
    return plain_has(t, "....//") || plain_has(t, "....\\") || plain_has(t, "...//") || plain_has(t, "/.../");
}

bool looks_traversal(const Plain *t) {
    static const char *const files[] = {
        "/etc/passwd", "/etc/shadow",  "/etc/hosts",  "/etc/group", "/proc/self/",       "/etc/issue", "boot.ini",
        "\\win.ini",   "/win.ini",     "\\windows\\", "c:/windows", "/windows/system32", "web-inf",    "meta-inf/",
        ".ssh/id_",    "/.git/",       "/.env",       ".htpasswd",  ".htaccess",         "/var/log/",  ".git/config",
        ".git/head",   "/etc/apache2", "/etc/nginx",  "/etc/mysql", "file://",           "php://",     "expect://",
        "phar://",     "zip://",       "gopher://",   "dict://",    "jar:http",          "netdoc:",    "ldap://",
        "ldaps://",    "rmi://"
    };
    if ((t->nul && !t->prose) || t->overlong || climbs(t) ||
        (t->p[0] == '\\' && t->p[1] == '\\' && is_word(t->p[2]) && strchr(t->p + 3, '\\')))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (plain_has(t, files[i]))
            return true;
    return false;
}
