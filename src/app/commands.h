#pragma once

/* app/commands.h - the list of commands; main.c has it. */

#include "cli/cli.h"

const Command *const *app_commands(size_t *n);
