/* cli/completion.c - shell completion scripts, made from the same tables as the help. */

#include "cli/cli.h"

static void flag_name(FILE *f, const Field *field) {
    fputs("--", f);
    for (const char *p = field->name; *p; p++)
        fputc(*p == '_' ? '-' : *p, f);
}

static void bash_words(FILE *f, const Command *cmd) {
    for (size_t i = 0; cmd->flags && i < cmd->flags->n_fields; i++) {
        fputc(' ', f);
        flag_name(f, &cmd->flags->fields[i]);
    }
}

static void bash(FILE *f, const Command *const *v, size_t n) {
    fputs("_finsight() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} words='--json --quiet --no-color --help --data-dir --config'\n"
          "    if [ \"$COMP_CWORD\" = 1 ]; then words='help",
          f);
    for (size_t i = 0; i < n; i++)
        fprintf(f, " %s", v[i]->name);
    fputs("'\n    else case ${COMP_WORDS[1]} in\n", f);
    for (size_t i = 0; i < n; i++) {
        fprintf(f, "        %s) words=\"$words", v[i]->name);
        bash_words(f, v[i]);
        fputs("\" ;;\n", f);
    }
    fputs("    esac; fi\n"
          "    case $cur in -*|'') COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) ;;\n"
          "    *) if [ \"$COMP_CWORD\" = 1 ]; then COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")); else "
          "COMPREPLY=($(compgen -f -- \"$cur\")); fi ;; esac\n"
          "}\ncomplete -o filenames -F _finsight finsight\n",
          f);
}

/* Single quotes are doubled in zsh's _arguments style and escaped in fish's: the summaries have none by the tables'
 * own test, so they are written as they are. */
static void zsh(FILE *f, const Command *const *v, size_t n) {
    fputs("#compdef finsight\n_finsight() {\n    local -a commands\n    commands=(\n", f);
    for (size_t i = 0; i < n; i++)
        fprintf(f, "        '%s:%s'\n", v[i]->name, v[i]->summary);
    fputs("    )\n    if (( CURRENT == 2 )); then _describe command commands; return; fi\n    case $words[2] in\n", f);
    for (size_t i = 0; i < n; i++) {
        fprintf(f, "        %s) _arguments '--json' '--quiet' '--help'", v[i]->name);
        for (size_t k = 0; v[i]->flags && k < v[i]->flags->n_fields; k++) {
            fputs(" '", f);
            flag_name(f, &v[i]->flags->fields[k]);
            fputs(v[i]->flags->fields[k].type == FT_BOOL ? "'" : "=:value:_files'", f);
        }
        fputs(" '*:file:_files' ;;\n", f);
    }
    fputs("    esac\n}\n_finsight \"$@\"\n", f);
}

static void fish(FILE *f, const Command *const *v, size_t n) {
    for (size_t i = 0; i < n; i++) {
        fprintf(f, "complete -c finsight -n __fish_use_subcommand -a %s -d '%s'\n", v[i]->name, v[i]->summary);
        for (size_t k = 0; v[i]->flags && k < v[i]->flags->n_fields; k++) {
            const Field *field = &v[i]->flags->fields[k];
            fprintf(f, "complete -c finsight -n '__fish_seen_subcommand_from %s' -l ", v[i]->name);
            for (const char *p = field->name; *p; p++)
                fputc(*p == '_' ? '-' : *p, f);
            fprintf(f, "%s\n", field->type == FT_BOOL ? "" : " -r");
        }
    }
}

int cli_completion(Cli *c, const Command *const *commands, size_t n, Str shell) {
    if (str_eq(shell, S("bash")))
        bash(c->out, commands, n);
    else if (str_eq(shell, S("zsh")))
        zsh(c->out, commands, n);
    else
        fish(c->out, commands, n);
    return 0;
}
