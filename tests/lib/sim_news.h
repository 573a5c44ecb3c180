#pragma once

/* tests/lib/sim_news.h - the feed simulator behind a fake HttpClient: no sockets, the test's own clock. */

#include "fake_http.h"
#include "sim/feed_sim.h"

#define SIM_NEWS_SEED 7

/* For fake_http_serve: whatever host the URL names, the simulator answers. */
int sim_news_serve(void *arg, Ctx *cx, const HttpRequest *req, HttpResponse *out);
