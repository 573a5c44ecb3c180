/* golden/list_indicators.c - prints docs/indicators.md. */

#include "golden/indicator_list.h"

int main(void) {
    indicator_list_write(stdout);
    return 0;
}
