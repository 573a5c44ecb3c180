#pragma once

/* crypto/secure_value.h - a value of the configuration that may be encrypted (SecureConfig, SEC-05). Pure.
 *
 *     enc:gAAAAAB...   a Fernet token: it must be read, and without the right key that is an error
 *     gAAAAAB...       the same, as the documents' services wrote them: what no key reads is taken as it stands
 *     anything else    itself */

#include "crypto/fernet.h"

#define SECURE_PREFIX "enc:"

typedef enum SecureVerdict { SECURE_PLAIN, SECURE_OPENED, SECURE_NO_KEY, SECURE_WRONG } SecureVerdict;

/* keys->n may be 0. *out in the arena, or `text` itself; untouched by SECURE_NO_KEY and SECURE_WRONG. */
SecureVerdict secure_value(Arena *a, const FernetKeys *keys, Str text, Str *out);
