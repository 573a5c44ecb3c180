#!/usr/bin/env python3
"""The chain of the documents' second system, whole processes on Kafka: a collector tells a topic, a consumer reads it, the
analysis scores, the API answers (GOV-02: collector -> consumer flow, AI analysis, API endpoints; NWS-16, MSG-33, FLW-07).

Kafka is librdkafka's mock brokers in a process of their own (kafka_brokers.c), which outlives the platform and reads its
topics back with a plain consumer: what is checked is what is on the wire, not what the platform says of it.

usage: test_integration.py FINSIGHT KAFKA_BROKERS [case…]; speaks TAP."""
import json
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import platform_rig as rig  # noqa: E402
import test_news  # noqa: E402
from platform_rig import check, equal, wait_for  # noqa: E402

BROKERS = sys.argv.pop(2)


class Kafka:
    def __init__(self):
        self.process = subprocess.Popen([BROKERS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addresses = self.process.stdout.readline().strip()

    def read(self, topic):
        """Every record of a topic from its beginning."""
        self.process.stdin.write(topic + "\n")
        self.process.stdin.flush()
        records = []
        while True:
            line = self.process.stdout.readline()
            check(line, "the brokers have ended")
            if line == "\n":
                return records
            records.append(json.loads(line))

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(30)


class Cases(test_news.Cases):
    def open(self):
        self.begin().stop()
        self.kafka = Kafka()
        self.flags += ["--events.bus", "kafka"]
        return self.serve(*self.flags)

    def environment(self):
        url = {"FINSIGHT_EVENTS_URL": "kafka://" + self.kafka.addresses} if hasattr(self, "kafka") else {}
        return {**super().environment(), **url}

    def close(self):
        super().close()
        if hasattr(self, "kafka"):
            self.kafka.close()

    def records(self, topic, kind):
        return [r for r in self.kafka.read(topic) if r["headers"].get("event_type") == kind]

    def test_collector_to_consumer_flow(self):
        """Collected articles are records of news_topic, in the documents' form; the consumer's own come back as scores, and
        neither a second collection nor a kill between them doubles a record's effect."""
        server = self.open()
        done = self.collect(server)
        equal(done["articles_collected"], 3)
        told = wait_for(lambda: len(r := self.records("news_topic", "news_collected")) >= 2 and r, 60, "two records")
        equal(len(told), 2, "one a source")
        bodies = {json.loads(r["value"])["source"]: json.loads(r["value"]) for r in told}
        equal({s: b["articles_count"] for s, b in bodies.items()}, {"coindesk": 2, "cointelegraph": 1})
        for r in told:
            check({"message-id", "event_type", "schema-version", "correlation_id", "timestamp"} <= set(r["headers"]), r)
            equal((r["headers"]["schema-version"], r["headers"]["content-type"]), ("1", "application/json"))
        self.scored(server, 3)
        scores = self.records("sentiment_topic", "sentiment_analysis_completed")
        check(scores, "the consumer told nothing")
        equal(self.collect(server)["articles_collected"], 0)

        server.process.send_signal(signal.SIGKILL)
        server.process.wait(20)
        server.stop()
        self.feeds.items["coindesk"].insert(0, test_news.coindesk_item(3, "Miners shut down", "as costs rise", 0.5))
        server = self.serve(*self.flags)
        equal(self.collect(server, force=True)["articles_collected"], 1)
        # The brokers give a dead member's partitions to the new one when its session has run out: 45 s.
        wait_for(lambda: self.call(server, "GET", "/api/v1/news/status")["scored"] == 4, 240, "the score of the fourth")
        page = self.call(server, "GET", "/api/v1/news?limit=100")
        equal(page["total_count"], 4)
        for a in page["articles"]:
            equal(self.call(server, "GET", f"/api/v1/news/{a['id']}/sentiment")["count"], 1, a["title"])

    def test_ai_analysis(self):
        """New news start the analysis, its words are told with the score, and the score is found again by filter."""
        server = self.open()
        self.collect(server)
        self.scored(server, 3)
        by_article = {}
        for r in self.records("sentiment_topic", "sentiment_analysis_completed"):
            body = json.loads(r["value"])
            equal(body["model"], "lexicon-1")
            for s in body["results"]:
                by_article.setdefault(s["id"], []).append(s)
        articles = {a["title"]: a for a in self.call(server, "GET", "/api/v1/news?limit=10")["articles"]}
        equal(set(by_article), {a["id"] for a in articles.values()}, "an analysis of each article on the topic")
        good, bad = articles["Bitcoin surges to all-time high"], articles["Exchange files for bankruptcy"]
        for article, label in ((good, "positive"), (bad, "negative")):
            on_topic = by_article[article["id"]][0]
            equal((on_topic["label"], article["sentiment"][0]["label"]), (label, label))
            check(abs(on_topic["score"] - article["sentiment"][0]["score"]) < 1e-9, on_topic, article)
            found = self.call(server, "GET", f"/api/v1/news?sentiment={label}")["articles"]
            check(article["id"] in [f["id"] for f in found])
        again = self.call(server, "POST", "/api/v1/sentiment/analyze", {"title": good["title"], "text": good["summary"]})
        check(abs(again["score"] - good["sentiment"][0]["score"]) < 1e-9, "the API reads as the consumer does")

    def test_api_endpoints(self):
        """What was collected, told and analysed is there for every way of asking."""
        server = self.open()
        job = self.collect(server)["job_id"]
        self.scored(server, 3)
        found = self.call(server, "GET", "/api/v1/news/search?q=bitcoin")["articles"]
        equal([a["title"] for a in found], ["Bitcoin surges to all-time high"])
        for alias in ("/search?q=bitcoin", "/api/v1/search?q=bitcoin"):
            equal([a["id"] for a in self.call(server, "GET", alias)["articles"]], [found[0]["id"]])
        equal(self.call(server, "GET", "/news?limit=2")["count"], 2)
        equal({s["source"] for s in self.call(server, "GET", "/api/v1/news/sources")["sources"]}, {"coindesk", "cointelegraph"})
        status = self.call(server, "GET", "/api/v1/news/status")
        equal((status["articles"], status["scored"]), (3, 3))
        wait_for(lambda: self.call(server, "GET", "/api/v1/news/status")["outbox"] == 0, 60, "every event told")
        check(any(json.loads(r["value"])["job_id"] == job for r in self.records("news_topic", "news_collected")))
        self.call(server, "POST", "/api/v1/news/collect", {"max_articles": 0}, 422)
        self.call(server, "GET", "/api/v1/news/" + "0" * 32, want=404)
        equal(server.get("/health").status, 200)
        self.call(server, "GET", "/api/v1/events", want=501)  # Kafka keeps its past for its own readers


if __name__ == "__main__":
    rig.main(Cases)
