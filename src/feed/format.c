/* feed/format.c - the names of the formats. */

#include "feed/feed.h"

const char *feed_format_name(FeedFormat format) {
    static const char *const names[FEED_FORMATS] = {
        [FEED_UNKNOWN] = "",         [FEED_RSS] = "rss",        [FEED_RSS_090] = "rss090", [FEED_RSS_091N] = "rss091n",
        [FEED_RSS_091U] = "rss091u", [FEED_RSS_092] = "rss092", [FEED_RSS_093] = "rss093", [FEED_RSS_094] = "rss094",
        [FEED_RSS_10] = "rss10",     [FEED_RSS_20] = "rss20",   [FEED_ATOM] = "atom",      [FEED_ATOM_01] = "atom01",
        [FEED_ATOM_02] = "atom02",   [FEED_ATOM_03] = "atom03", [FEED_ATOM_10] = "atom10", [FEED_CDF] = "cdf",
        [FEED_JSON_1] = "json1",     [FEED_JSON_11] = "json11",
    };
    assert(format >= 0 && format < FEED_FORMATS);
    return names[format];
}
