/* cli/completion.c - shell completion scripts, made from the same tables as the help.
 *
 * All three shells read a text between single quotes literally and take '\'' for a quote in it. */

#include "cli/cli.h"

#include "api/cli_flags.h"

typedef struct Script {
    Cli *c;
    FILE *f;
    const Command *const *commands;
    size_t n;
} Script;

static void put_quoted(FILE *f, const char *text) {
    fputc('\'', f);
    for (const char *p = text; *p; p++)
        if (*p == '\'')
            fputs("'\\''", f);
        else
            fputc(*p, f);
    fputc('\'', f);
}

/* As one would type it: a switch that is on is typed to turn it off. */
static Str flag_of(const Script *s, const Field *field) {
    Arena *a = s->c->cx->arena;
    Str flag = cli_flag_name(a, field);
    bool on = field->type == FT_BOOL && field->def && strcmp(field->def, "true") == 0;
    return on ? str_fmt(a, "--no-" STR_FMT, STR_ARG(str_from(flag, 2))) : flag;
}

static void put_choices(FILE *f, const Field *field) {
    for (const char *const *w = field->choices; *w; w++)
        fprintf(f, "%s%s", w == field->choices ? "" : " ", *w);
}

/* What a bare word of the command may be, where that is known: the choices of a positional field. */
static const Field *bare_choices(const Command *cmd) {
    for (const char *const *name = cmd->positional; name && *name; name++)
        for (size_t i = 0; i < cmd->flags->n_fields; i++)
            if (strcmp(cmd->flags->fields[i].name, *name) == 0 && cmd->flags->fields[i].choices)
                return &cmd->flags->fields[i];
    return NULL;
}

typedef void FieldFn(const Script *s, const Command *cmd, const Field *field);

/* A command's own flags, then the program's. */
static void each_flag(const Script *s, const Command *cmd, FieldFn *fn) {
    for (size_t i = 0; cmd->flags && i < cmd->flags->n_fields; i++)
        if (!cli_field_hidden(&cmd->flags->fields[i]))
            fn(s, cmd, &cmd->flags->fields[i]);
    for (size_t i = 0; s->c->options && i < s->c->options->n_fields; i++)
        fn(s, cmd, &s->c->options->fields[i]);
}

/* --- bash --- */

static void bash_flag(const Script *s, const Command *cmd, const Field *field) {
    UNUSED(cmd);
    fprintf(s->f, " " STR_FMT, STR_ARG(flag_of(s, field)));
}

static void bash_values(const Script *s, const Command *cmd, const Field *field) {
    if (!field->choices)
        return;
    fprintf(s->f, "        '%s " STR_FMT "') bare='", cmd->name, STR_ARG(flag_of(s, field)));
    put_choices(s->f, field);
    fputs("' ;;\n", s->f);
}

static void bash(const Script *s) {
    fputs("_finsight() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} flags= bare=\n"
          "    local commands='help",
          s->f);
    for (size_t i = 0; i < s->n; i++)
        fprintf(s->f, " %s", s->commands[i]->name);
    fputs("'\n    case ${COMP_WORDS[1]} in\n        help) bare=$commands ;;\n", s->f);
    for (size_t i = 0; i < s->n; i++) {
        const Field *bare = bare_choices(s->commands[i]);
        fprintf(s->f, "        %s) flags='--help --json --quiet --no-color", s->commands[i]->name);
        each_flag(s, s->commands[i], bash_flag);
        fputs("'", s->f);
        if (bare) {
            fputs(" bare='", s->f);
            put_choices(s->f, bare);
            fputs("'", s->f);
        }
        fputs(" ;;\n", s->f);
    }
    fputs("    esac\n    case \"${COMP_WORDS[1]} $prev\" in\n", s->f);
    for (size_t i = 0; i < s->n; i++)
        each_flag(s, s->commands[i], bash_values);
    fputs("    esac\n"
          "    if [ \"$COMP_CWORD\" = 1 ]; then bare=$commands; fi\n"
          "    case $cur in\n"
          "        -*) COMPREPLY=($(compgen -W \"$flags\" -- \"$cur\")) ;;\n"
          "        *) if [ -n \"$bare\" ]; then COMPREPLY=($(compgen -W \"$bare\" -- \"$cur\"))\n"
          "           else COMPREPLY=($(compgen -f -- \"$cur\")); fi ;;\n"
          "    esac\n}\ncomplete -o filenames -F _finsight finsight\n",
          s->f);
}

/* --- zsh --- */

static void zsh_flag(const Script *s, const Command *cmd, const Field *field) {
    UNUSED(cmd);
    fprintf(s->f, " '" STR_FMT, STR_ARG(flag_of(s, field)));
    if (field->choices) {
        fputs("=:value:(", s->f);
        put_choices(s->f, field);
        fputs(")'", s->f);
    } else {
        fputs(field->type == FT_BOOL ? "'" : "=:value:_files'", s->f);
    }
}

static void zsh(const Script *s) {
    fputs("#compdef finsight\n_finsight() {\n    local -a commands\n    commands=(\n", s->f);
    for (size_t i = 0; i < s->n; i++) {
        fprintf(s->f, "        '%s:'", s->commands[i]->name);
        put_quoted(s->f, s->commands[i]->summary);
        fputc('\n', s->f);
    }
    fputs("    )\n"
          "    if (( CURRENT == 2 )) || { (( CURRENT == 3 )) && [[ $words[2] == help ]] }; then\n"
          "        _describe command commands\n        return\n    fi\n    case $words[2] in\n",
          s->f);
    for (size_t i = 0; i < s->n; i++) {
        const Field *bare = bare_choices(s->commands[i]);
        fprintf(s->f, "        %s) _arguments '--json' '--quiet' '--no-color' '--help'", s->commands[i]->name);
        each_flag(s, s->commands[i], zsh_flag);
        fputs(bare ? " '*:word:(" : " '*:file:_files", s->f);
        if (bare)
            put_choices(s->f, bare);
        fputs(bare ? ")' ;;\n" : "' ;;\n", s->f);
    }
    fputs("    esac\n}\n_finsight \"$@\"\n", s->f);
}

/* --- fish --- */

static void fish_flag(const Script *s, const Command *cmd, const Field *field) {
    fprintf(s->f, "complete -c finsight -n '__fish_seen_subcommand_from %s' -l " STR_FMT, cmd->name,
            STR_ARG(str_from(flag_of(s, field), 2)));
    if (field->choices) {
        fputs(" -x -a '", s->f);
        put_choices(s->f, field);
        fputc('\'', s->f);
    } else if (field->type != FT_BOOL) {
        fputs(" -r", s->f);
    }
    if (field->doc) {
        fputs(" -d ", s->f);
        put_quoted(s->f, field->doc);
    }
    fputc('\n', s->f);
}

static void fish(const Script *s) {
    for (size_t i = 0; i < s->n; i++) {
        const Field *bare = bare_choices(s->commands[i]);
        fprintf(s->f, "complete -c finsight -n __fish_use_subcommand -a %s -d ", s->commands[i]->name);
        put_quoted(s->f, s->commands[i]->summary);
        fputc('\n', s->f);
        each_flag(s, s->commands[i], fish_flag);
        if (bare) {
            fprintf(s->f, "complete -c finsight -n '__fish_seen_subcommand_from %s' -f -a '", s->commands[i]->name);
            put_choices(s->f, bare);
            fputs("'\n", s->f);
        }
    }
    fputs("complete -c finsight -l json\ncomplete -c finsight -l quiet\ncomplete -c finsight -l no-color\n", s->f);
}

int cli_completion(Cli *c, const Command *const *commands, size_t n, Str shell) {
    Script s = { c, c->out, commands, n };
    if (str_eq(shell, S("bash")))
        bash(&s);
    else if (str_eq(shell, S("zsh")))
        zsh(&s);
    else
        fish(&s);
    return 0;
}
