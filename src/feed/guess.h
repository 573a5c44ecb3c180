#pragma once

/* feed/guess.h - the character set of text that says none. Private to feed/.
 *
 * For what is not UTF-8 and says nothing, or says something wrong: Chinese, Japanese and Korean by which of their sets
 * the bytes fit and where in it they lie, other scripts by which letters would be the common ones. Empty if nothing
 * stands out: then it is most likely a language of western Europe. */

#include "feed/text.h"

Str charset_guess(Str bytes);
