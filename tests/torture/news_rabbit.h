#pragma once

/* tests/torture/news_rabbit.h - the chain of news_chain.h on a RabbitMQ of its own, which can be killed. */

#include "lib/rabbit_server.h"
#include "torture/news_chain.h"

void news_rabbit(RabbitServer *s, NewsChainBus *out);
