#pragma once

/* golden/indicator_list.h - docs/indicators.md, as the table of ta/ tells it. */

#include <stdio.h>

void indicator_list_write(FILE *out);
