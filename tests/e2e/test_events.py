"""The event bus in the real server: market events, requests by event, dead letters, the command.

MSG-08, MSG-21, MSG-24, MSG-25, MSG-27, MSG-28, MSG-41, MSG-46 through one process; FLW-06 with a kill at any step (the
kills of FINSIGHT_KILLS, 25)."""
import json
import os
import random
import signal
import time

import platform_rig as rig
from platform_rig import check, equal, wait_for

KILLS = int(os.environ.get("FINSIGHT_KILLS", "25"))
HOUR = 3600 * 1000


def iso(ms):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ms / 1000))


def ms(text):
    import calendar
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) * 1000


class Cases(rig.Suite):
    def call(self, server, method, path, body=None, want=200):
        reply = server.request(method, path, json.dumps(body) if body is not None else None,
                               {"X-API-Key": self.key(), "Content-Type": "application/json"}, timeout=60)
        equal(reply.status, want, f"{method} {path}: {reply.body[:300]!r}")
        return reply.json

    def events(self, server, **filters):
        query = "&".join(f"{k}={v}" for k, v in filters.items())
        return self.call(server, "GET", f"/api/v1/events?limit=1000&{query}")["events"]

    def ready(self, server, queue):
        rows = self.call(server, "GET", "/api/v1/events/queues")["queues"]
        return next((r["ready"] + r["unacked"] for r in rows if r["queue"] == queue), 0)

    def request_of(self, sim, hours, **more):
        end = sim.info.get("now_ms") or int(time.time() * 1000)
        end -= end % HOUR + HOUR
        body = {"message_type": "data_collection_request", "exchange": "binance", "symbol": "BTCUSDT", "timeframe": "1h",
                "start_date": iso(end - hours * HOUR), "end_date": iso(end), "priority": "high", "correlation_id": "req_1"}
        body.update(more)
        return body

    def publish(self, server, kind, body, want=200):
        return self.call(server, "POST", "/api/v1/events", {"event_type": kind, "payload": body, "source": "test"}, want)

    def test_a_collection_request_is_collected_and_told_of(self):
        exchange = self.exchange("--seed", 3)
        server = self.serve(exchange=exchange)
        receipt = self.publish(server, "data_collection_request", self.request_of(exchange, 48))
        equal(receipt["success"], True)
        equal(receipt["correlation_id"], "req_1")
        told = wait_for(lambda: self.events(server, event_type="data_update"), 60, "a data_update event")
        equal(sum(e["payload"]["candles"] for e in told), 48)
        equal(told[0]["payload"]["symbol"], "BTCUSDT")
        equal(told[0]["payload"]["simulated"], True)
        equal(told[0]["key"], "BTCUSDT")
        equal(told[0]["routing_key"], "data_update.market")
        equal(told[0]["correlation_id"], "req_1", "one correlation id finds the whole story")
        wait_for(lambda: self.ready(server, "data_collection_queue") == 0, 60, "an empty queue")
        self.publish(server, "data_collection_request", self.request_of(exchange, 48))
        wait_for(lambda: self.ready(server, "data_collection_queue") == 0, 60, "an empty queue")
        equal(len(self.events(server, event_type="data_update")), len(told), "nothing new, nothing told")
        rows = self.call(server, "GET", "/api/v1/events/queues")["queues"]
        consumers = {r["queue"]: r["consumers"] for r in rows}
        for queue in ("data_collection_queue", "backtest_queue", "storage_queue", "notification_queue"):
            equal(consumers[queue], 1, queue)
        server.stop()
        exchange.stop()

    def test_what_cannot_be_done_is_a_dead_letter_with_its_reason(self):
        exchange = self.exchange("--seed", 3)
        server = self.serve(exchange=exchange)
        bad = self.request_of(exchange, 2)
        del bad["symbol"]
        error = self.publish(server, "data_collection_request", bad, want=422)["error"]
        equal(error["field"], "symbol")
        self.publish(server, "data_collection_request", self.request_of(exchange, 2, exchange="nowhere"))
        dead = wait_for(lambda: self.call(server, "GET", "/api/v1/events/dead")["letters"], 60, "a dead letter")
        equal(len(dead), 1)
        equal(dead[0]["reason"], "rejected")
        equal(dead[0]["queue"], "data_collection_queue")
        check(len(dead[0]["detail"]) > 5, dead[0])
        # sent back it dies again, and the count says so
        done = json.loads(self.cli("events", "dlq", "requeue", dead[0]["handle"], "--json").stdout)
        equal(done["count"], 1)
        again = wait_for(lambda: self.call(server, "GET", "/api/v1/events/dead")["letters"], 60, "its second death")
        equal(again[0]["count"], 2)
        equal(again[0]["id"], dead[0]["id"])
        listed = self.cli("events", "dlq").stdout
        check("data_collection_queue" in listed and "rejected" in listed, listed)
        equal(json.loads(self.cli("events", "dlq", "drop", "--all", "--json").stdout)["count"], 1)
        self.cli("events", "dlq", "drop", status=2)
        server.stop()
        exchange.stop()

    def test_a_backtest_request_is_run_and_stored(self):
        exchange = self.exchange("--seed", 3)
        server = self.serve(exchange=exchange)
        want = self.request_of(exchange, 24 * 20)
        self.publish(server, "data_collection_request", want)
        wait_for(lambda: self.events(server, event_type="data_update"), 60, "candles")
        wait_for(lambda: self.ready(server, "data_collection_queue") == 0, 60, "an empty queue")
        request = {"message_type": "backtest_request", "backtest_id": "bt_123456789", "symbol": "BTCUSDT",
                   "timeframe": "1h", "strategy_type": "moving_average_crossover",
                   "strategy_params": {"short_window": 10, "long_window": 30}, "start_date": want["start_date"],
                   "end_date": want["end_date"], "initial_capital": 10000.0, "correlation_id": "bt_123456789"}
        self.publish(server, "backtest_request", request)
        told = wait_for(lambda: self.events(server, event_type="backtest_completed") or
                        self.call(server, "GET", "/api/v1/events/dead")["letters"], 60, "the result")
        equal(told[0].get("payload", {}).get("backtest_id"), "bt_123456789", told)
        equal(told[0]["payload"].get("success"), True, told)
        stored = self.call(server, "GET", "/api/v1/backtesting/results/bt_123456789")
        check("bt_123456789" in json.dumps(stored), stored)
        self.publish(server, "backtest_request", request)  # the same again: its effect is there
        wait_for(lambda: self.ready(server, "backtest_queue") == 0, 60, "an empty queue")
        equal(self.call(server, "GET", "/api/v1/events/dead")["letters"], [])
        server.stop()
        exchange.stop()

    def test_the_command_tells_shows_and_replays_without_a_server(self):
        body = json.dumps({"articles_count": 3, "source": "coindesk", "collection_time": "2024-01-01T00:00:00Z"})
        told = json.loads(self.cli("events", "publish", "news_collected", "--payload", body, "--source", "news",
                                   "--json").stdout)
        equal(told["routing_key"], "news_collected.news")
        lines = self.cli("events", "tail", "--json").stdout.strip()
        check("news_collected" in lines, lines)
        queues = json.loads(self.cli("events", "queues", "--json").stdout)["queues"]
        depth = {q["queue"]: q["ready"] for q in queues}
        equal(depth["news_processing_queue"], 1)
        equal(depth["sentiment_analysis_queue"], 1)
        equal(depth["prediction_queue"], 0)
        done = json.loads(self.cli("events", "replay", "sentiment_analysis_queue", "--json").stdout)
        equal(done["replayed"], 1)
        queues = json.loads(self.cli("events", "queues", "--json").stdout)["queues"]
        equal({q["queue"]: q["ready"] for q in queues}["sentiment_analysis_queue"], 2)
        self.cli("events", "replay", "nothing", status=4)
        self.cli("events", "publish", "nothing", "--payload", "{}", status=3)
        self.cli("events", "publish", status=2)

    def test_killed_at_any_step_a_collection_converges_with_one_event_a_range(self):
        """FLW-06. The server is killed at random moments while it collects by request; in the end each candle stored is in
        exactly one data_update event."""
        rng = random.Random(5)
        exchange = self.exchange("--seed", 3)
        server = self.serve(exchange=exchange)
        whole = self.request_of(exchange, 24 * 30)
        start, end = ms(whole["start_date"]), ms(whole["end_date"])
        for i in range(KILLS):
            part = dict(whole, start_date=iso(start + rng.randrange(0, 20) * 24 * HOUR))
            part["end_date"] = iso(min(end, ms(part["start_date"]) + rng.randrange(1, 10) * 24 * HOUR))
            self.publish(server, "data_collection_request", part)
            time.sleep(rng.uniform(0.0, 0.15))
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
            server.process.stdout.close()
            server = self.serve(exchange=exchange)
        self.publish(server, "data_collection_request", whole)
        wait_for(lambda: self.ready(server, "data_collection_queue") == 0, 120, "an empty queue")
        wait_for(lambda: sum(self.unique(server).values()) >= 24 * 30, 60, "every event told")
        covered = {}
        for key, e in self.ranges(server).items():
            at = ms(e["from"])
            while at < ms(e["to"]):
                covered.setdefault(at, []).append(key)
                at += HOUR
        equal(len(covered), 24 * 30)
        equal([k for k, v in covered.items() if len(v) != 1], [], "candles in more events than one")
        equal(sum(self.unique(server).values()), 24 * 30, "each new candle is counted once")
        equal(self.call(server, "GET", "/api/v1/events/dead")["letters"], [])
        server.stop()
        exchange.stop()

    def ranges(self, server):
        return {e["id"]: e["payload"] for e in self.events(server, event_type="data_update") if e["exchange"]}

    def unique(self, server):
        return {k: v["candles"] for k, v in self.ranges(server).items()}


rig.main(Cases)
