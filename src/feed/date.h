#pragma once

/* feed/date.h - the parts of feed_date_parse. Private to feed/. */

#include "feed/feed.h"
#include "feed/text.h"

/* A whole number as people write it: white space around it, a sign. At most nine digits. */
bool date_number(Str s, int *out);
/* The time of a day in some zone; false if a field is out of its range. The zone is east of UTC. */
bool date_make(const Civil *c, int zone_minutes, Time *out);
/* "jan", "january…" -> 1..12; 0 if it is no month. In lower case. */
int date_month(Str word);
/* Hours east of UTC of "est", "ut"…; 0 for a zone we do not know. In lower case. */
int date_zone(Str name);

bool date_rfc822(Str text, Arena *scratch, Time *out);
bool date_w3c(Str text, Arena *scratch, Time *out);
/* Of Greek, Hungarian and Korean programs. */
bool date_local(Str text, Arena *scratch, Time *out);
