#!/usr/bin/env python3
"""The news service in the real binary: article -> event -> score -> stored -> found (FLW-07, FLW-11, FLW-13..15, FLW-21,
MSG-23, MSG-47, NWS-01, NWS-03, NWS-05..09, NWS-13, NWS-14, NWS-17, NWS-19, TOP-05, U23).

The feeds are written here, in the shapes of CoinDesk's and Cointelegraph's, and served on a loopback port."""
import email.utils
import http.server
import json
import os
import pathlib
import random
import signal
import socket
import sys
import threading
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import platform_rig as rig  # noqa: E402
from platform_rig import check, equal, wait_for  # noqa: E402

KILLS = int(os.environ.get("FINSIGHT_KILLS", "25"))
HEAD = ('<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:media="http://search.yahoo.com/mrss/">'
        '<channel><title>{0}</title><link>https://{0}.example/</link><description>made for a test</description>')


def when(hours_ago):
    return email.utils.formatdate(time.time() - hours_ago * 3600, usegmt=True)


def coindesk_item(n, title, text, hours_ago, tag="Markets"):
    return (f'<item><title><![CDATA[{title}]]></title><link>https://coindesk.example/markets/{n}</link>'
            f'<guid isPermaLink="false">{uuid.UUID(int=n)}</guid><pubDate>{when(hours_ago)}</pubDate>'
            f'<description><![CDATA[{text}]]></description><dc:creator>Ann Reporter</dc:creator>'
            f'<media:content url="https://img.example/{n}.jpg" type="image/*" medium="image"/>'
            f'<category domain="x">{tag}</category><content:encoded/></item>')


def cointelegraph_item(n, title, text, hours_ago):
    url = f"https://cointelegraph.example/news/{n}"
    return (f'<item><title>{title}</title><link><![CDATA[{url}?utm_source=rss_feed&utm_medium=rss]]></link>'
            f'<guid isPermaLink="true">{url}</guid><pubDate>{when(hours_ago)}</pubDate>'
            f'<description><![CDATA[<p style="float:right"><img src="https://img.example/{n}.png"></p><p>{text}</p>]]>'
            f'</description><dc:creator>Cointelegraph by Bob Writer</dc:creator><category>Latest News</category></item>')


STORY = ("The central bank cut its main interest rate by a quarter point on Thursday and said that inflation should return to "
         "target by the end of next year, which most economists had expected after three weak quarters.")


class Feeds:
    """Feeds by path; counts what is asked, answers 304 to an ETag that it gave."""

    def __init__(self):
        feeds = self
        self.items, self.asked, self.not_modified, self.fail = {}, [], 0, set()
        self.list = []  # of CoinDesk's data API, for who has its key

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                feeds.asked.append(self.path)
                name = self.path.strip("/")
                body = (HEAD.format(name) + "".join(feeds.items.get(name, [])) + "</channel></rss>").encode()
                tag = f'"{hash(body) & 0xffffffff}"'
                if name.endswith("/article/list"):
                    known = self.headers.get("X-API-Key") == "key-of-a-test"
                    body = json.dumps({"Data": feeds.list if known else [], "Err": {}}).encode()
                    self.send_response(200 if known else 401)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("X-FinSight-Simulated", "1")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                    return
                status = 404 if name == "robots.txt" else 503 if name in feeds.fail else 200
                if status == 200 and self.headers.get("If-None-Match") == tag:
                    feeds.not_modified += 1
                    status = 304
                body = body if status == 200 else b""
                self.send_response(status)
                self.send_header("Content-Type", "application/rss+xml; charset=utf-8")
                self.send_header("ETag", tag)
                if status != 304:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *args: None  # a reader that was killed
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, name):
        return f"http://127.0.0.1:{self.server.server_port}/{name}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Socket:
    """A client of /ws of thirty lines: text frames below 64 KiB."""

    def __init__(self, port):
        self.s = socket.create_connection(("127.0.0.1", port), 20)
        self.s.sendall(f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self.rest = b""
        while b"\r\n\r\n" not in self.rest:
            self.rest += self.s.recv(4096)
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        check(b" 101 " in head.split(b"\r\n")[0], head)

    def send(self, **message):
        data = json.dumps(message).encode()
        size = bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0x80 | 126]) + len(data).to_bytes(2, "big")
        self.s.sendall(b"\x81" + size + b"\0\0\0\0" + data)

    def take(self, n):
        while len(self.rest) < n:
            more = self.s.recv(65536)
            check(more, "the line was cut")
            self.rest += more
        out, self.rest = self.rest[:n], self.rest[n:]
        return out

    def next(self, *types):
        while True:
            size = self.take(2)[1] & 127
            size = int.from_bytes(self.take(2 if size == 126 else 8), "big") if size > 125 else size
            message = json.loads(self.take(size))
            if message["type"] in types:
                return message

    def close(self):
        self.s.close()


class Cases(rig.Suite):
    def begin(self, *names):
        self.feeds = Feeds()
        self.feeds.items = {"coindesk": [coindesk_item(1, "Bitcoin surges to all-time high", "After strong inflows into funds", 1),
                                         coindesk_item(2, "Exchange files for bankruptcy", "Users fear heavy losses", 30, "Policy")],
                            "cointelegraph": [cointelegraph_item(1, "Ethereum upgrade &amp; what follows", "Developers agreed", 2)]}
        names = names or ("coindesk", "cointelegraph")
        self.flags = ["--news-sources", ",".join(f"{n}={self.feeds.url(n)}" for n in names), "--news-private",
                      "--news.gap", "0s"]
        return self.serve(*self.flags)

    def close(self):
        if hasattr(self, "feeds"):
            self.feeds.close()
        super().close()

    def call(self, server, method, path, body=None, want=200):
        reply = server.request(method, path, json.dumps(body) if body is not None else None,
                               {"X-API-Key": self.key(), "Content-Type": "application/json"}, timeout=60)
        equal(reply.status, want, f"{method} {path}: {reply.body[:300]!r}")
        return reply.json

    def collect(self, server, **body):
        return self.call(server, "POST", "/api/v1/news/collect", body)

    def scored(self, server, n):
        return wait_for(lambda: self.call(server, "GET", "/api/v1/news/status")["scored"] == n, 60, f"{n} scores")

    def test_an_article_is_collected_told_of_scored_and_found(self):
        server = self.begin()
        done = self.collect(server)
        equal(done["success"], True)
        equal(done["message"], "Collected 3 articles")
        equal(done["articles_collected"], 3)
        equal(uuid.UUID(done["job_id"]).version, 4)
        equal({s["source"]: s["added"] for s in done["sources"]}, {"coindesk": 2, "cointelegraph": 1})
        self.scored(server, 3)
        page = self.call(server, "GET", "/api/v1/news/search?q=bitcoin")
        equal(page["count"], 1)
        a = page["articles"][0]
        equal(a["title"], "Bitcoin surges to all-time high")
        equal((a["source"], a["tags"], a["tickers"], a["authors"]), ("coindesk", ["Markets"], ["BTC"], ["Ann Reporter"]))
        equal(a["sentiment"][0]["model"], "lexicon-1")
        equal(a["sentiment"][0]["label"], "positive")
        check(page["search_time_ms"] > 0)
        check("\ue000Bitcoin\ue001" in a["title_marked"])
        whole = self.call(server, "GET", f"/api/v1/news/{a['id']}")
        equal(whole["id"], a["id"])
        equal(whole["image_url"], "https://img.example/1.jpg")
        bad = self.call(server, "GET", "/api/v1/news?sentiment=negative")["articles"]
        equal([b["title"] for b in bad], ["Exchange files for bankruptcy"])
        eth = self.call(server, "GET", "/api/v1/news?ticker=ethereum")["articles"][0]
        equal(eth["url"], "https://cointelegraph.example/news/1", "tracking parameters go")
        equal(eth["title"], "Ethereum upgrade & what follows")
        equal(eth["summary"], "Developers agreed")
        types = {e["event_type"]: e for e in self.call(server, "GET", "/api/v1/events?limit=1000")["events"]}
        collected = types["news_collected"]["payload"]
        check(collected["articles_count"] in (1, 2) and collected["job_id"] == done["job_id"])
        check("collection_time" in collected and collected["source"] in ("coindesk", "cointelegraph"))
        equal(types["sentiment_analysis_completed"]["payload"]["model"], "lexicon-1")
        wait_for(lambda: any(e["payload"]["job_id"] == done["job_id"] for e in
                             self.call(server, "GET", "/api/v1/events?limit=1000&event_type=news_collection_completed")["events"]),
                 60, "the last word of the collection")

    def test_nothing_is_stored_or_scored_twice(self):
        server = self.begin()
        self.collect(server)
        self.scored(server, 3)
        again = self.collect(server)
        equal(again["articles_collected"], 0)
        equal([s["unchanged"] for s in again["sources"]], [True, True])
        equal(self.feeds.not_modified, 2)
        self.feeds.items["coindesk"].insert(0, coindesk_item(3, "Miners shut down", "as costs rise", 0.5))
        again = self.collect(server)
        equal(again["articles_collected"], 1)
        run = {s["source"]: s for s in again["sources"]}["coindesk"]
        equal((run["added"], run["known"]), (1, 2))
        self.scored(server, 4)
        first = self.call(server, "GET", "/api/v1/news?q=bankruptcy")["articles"][0]
        equal(self.call(server, "GET", f"/api/v1/news/{first['id']}/sentiment")["count"], 1)

    def test_the_same_story_elsewhere_is_noted_beside_the_first(self):
        server = self.begin()
        self.feeds.items["coindesk"].append(coindesk_item(9, "Central bank cuts rates", STORY, 3))
        self.feeds.items["cointelegraph"].append(cointelegraph_item(9, "Central bank cuts rates", STORY + " First seen elsewhere.", 2.9))
        done = self.collect(server)
        equal(done["articles_collected"], 4)
        equal(sum(s.get("near_same", 0) for s in done["sources"]), 1)
        hit = self.call(server, "GET", '/api/v1/news/search?q=%22quarter+point%22')["articles"]
        equal([h["copies"] for h in hit], [1])
        copies = self.call(server, "GET", f"/api/v1/news/{hit[0]['id']}/copies")["copies"]
        equal(copies[0]["source"], "cointelegraph")

    def test_collections_are_filtered(self):
        server = self.begin()
        done = self.collect(server, source="coindesk", keywords=["BITCOIN", "rate cut"])
        equal([(s["items"], s["passed"], s["added"]) for s in done["sources"]], [(2, 1, 1)])
        done = self.collect(server, source="coindesk", time_range="24h")
        equal([(s["passed"], s["known"]) for s in done["sources"]], [(1, 1)])
        done = self.collect(server, source="cointelegraph,coindesk", max_articles=1)
        equal(done["articles_collected"], 1)
        equal(self.collect(server)["articles_collected"], 1, "what filters left out comes later")
        self.call(server, "POST", "/api/v1/news/collect", {"source": "coindesc"}, 404)
        self.call(server, "POST", "/api/v1/news/collect", {"time_range": "soon"}, 422)

    def test_a_source_that_fails_stops_no_other_and_a_failure_has_the_documents_shape(self):
        server = self.begin()
        self.feeds.fail.add("coindesk")
        done = self.collect(server)
        equal((done["success"], done["articles_collected"]), (True, 1))
        check([s for s in done["sources"] if s["source"] == "coindesk"][0]["error"])
        self.feeds.fail.add("cointelegraph")
        done = self.collect(server, force=True)
        equal((done["success"], done["articles_collected"], done["job_id"]), (False, 0, ""))
        check(done["message"].startswith("Error: "), done["message"])
        rows = {s["source"]: s for s in self.call(server, "GET", "/api/v1/news/sources")["sources"]}
        check(rows["coindesk"]["failures"] >= 2 and rows["coindesk"]["error"])

    def test_pages_put_together_are_the_whole_and_bad_questions_are_told(self):
        server = self.begin("many")
        self.feeds.items["many"] = [coindesk_item(n, f"Report {n} on bitcoin and word{n}", f"text of number {n}", n / 60)
                                    for n in range(1, 61)]
        equal(self.collect(server)["articles_collected"], 60)
        for path in ("/api/v1/news?limit=7", "/api/v1/news/search?q=bitcoin+report&limit=7", "/api/v1/news?order=oldest&limit=7"):
            seen, cursor = [], ""
            while True:
                page = self.call(server, "GET", path + cursor)
                equal((page["total_count"], page["total_exact"]), (60, True))
                seen += [a["id"] for a in page["articles"]]
                if not page["has_more"]:
                    break
                cursor = "&cursor=" + page["next_cursor"]
            equal((len(seen), len(set(seen))), (60, 60), path)
        equal(self.call(server, "GET", "/news?limit=20&offset=50")["count"], 10)
        for bad in ("q=%22%22", "q=-bitcoin", "q=(a", "cursor=1.2", "limit=0", "q=a&order=sideways"):
            reply = self.call(server, "GET", f"/api/v1/news/search?{bad}", want=422)
            check("fts5" not in json.dumps(reply).lower() and "sql" not in json.dumps(reply).lower(), reply)
        equal(self.call(server, "GET", "/api/v1/news?q=a%22+OR+1%3D1--", want=403)["error"]["stage"], "refusal")
        for hostile in ("q=a%22+OR+b%3D", "q=NEAR(a+b)", "q=%7Btitle%7D%3Aa", "q=a%27%3BDROP", "ticker=%22%3B", "category=%27)"):
            self.call(server, "GET", f"/api/v1/news?{hostile}")
        self.call(server, "GET", "/api/v1/news/no-such-id", want=422)
        self.call(server, "GET", "/api/v1/news/" + "0" * 32, want=404)

    def test_the_command_line_says_the_same(self):
        self.begin()
        self.cli("news", "collect")
        found = json.loads(self.cli("news", "search", "bitcoin", "--json").stdout)
        equal(found["total_count"], 1)
        check("Bitcoin surges" in self.cli("news", "list").stdout)
        check("coindesk" in self.cli("news", "sources").stdout)
        check("Ann Reporter" in self.cli("news", "show", found["articles"][0]["id"]).stdout)
        sounds = json.loads(self.cli("sentiment", "Profit beat expectations", "--json").stdout)
        equal((sounds["label"], sounds["model"]), ("positive", "lexicon-1"))
        self.cli("news", "search", "(", status=3)
        self.cli("news", "show", status=2)

    def test_coindesks_data_api_is_a_source_where_its_key_is(self):
        self.begin()
        self.feeds.list = [{"ID": 7, "GUID": "https://x.example/7", "PUBLISHED_ON": int(time.time()) - 60, "AUTHORS": "Ann",
                            "TITLE": "Solana outage ends", "URL": "https://x.example/7", "BODY": "Blocks are made again.",
                            "LANG": "EN", "CATEGORY_DATA": [{"NAME": "SOL"}]}]
        flags = ["--news-sources", f"api={self.feeds.url('news/v1/article/list')},coindesk={self.feeds.url('coindesk')}",
                 "--news-private", "--news.gap", "0s"]
        self.servers[-1].stop()
        config = self.data / "key.yaml"
        config.write_text("news:\n  coindesk_key: key-of-a-test\n")
        config.chmod(0o600)
        server = self.serve(*flags, "--config", config)
        done = self.collect(server)
        equal({s["source"]: (s["added"], s.get("simulated", False)) for s in done["sources"]},
              {"api": (1, True), "coindesk": (2, False)}, "the label is that of each answer")
        rows = {a["source"]: a for a in self.call(server, "GET", "/api/v1/news?limit=10")["articles"]}
        equal((rows["api"]["title"], rows["api"]["tags"], rows["api"].get("simulated")), ("Solana outage ends", ["SOL"], True))
        check("simulated" not in rows["coindesk"])
        server.stop()
        refused = self.cli("serve", "--port", 0, *flags, status=None)
        check("news.coindesk_key" in refused.stderr, refused.stderr)

    def test_old_articles_are_archived_and_removed(self):
        server = self.begin()
        self.collect(server)
        self.scored(server, 3)
        wait_for(lambda: self.call(server, "GET", "/api/v1/news/status")["outbox"] == 0, 60, "every event told")
        self.cli("news", "retain", status=3)
        check("Would remove 1 articles" in self.cli("news", "retain", "--older-than", "24h", "--dry-run").stdout)
        equal(self.call(server, "GET", "/api/v1/news/status")["articles"], 3)
        done = json.loads(self.cli("news", "retain", "--older-than", "24h", "--archive", "--json").stdout)
        equal((done["removed"], done["archived"], done["held"], done["left"]), (1, 1, 0, 2))
        lines = [json.loads(line) for f in (self.data / "archive").glob("news-*.jsonl") for line in f.read_text().splitlines()]
        equal([a["title"] for a in lines], ["Exchange files for bankruptcy"])
        equal((lines[0]["source"], lines[0]["tags"], len(lines[0]["scores"])), ("coindesk", ["Policy"], 1))
        equal(self.call(server, "GET", "/api/v1/news/search?q=bankruptcy")["count"], 0, "its words are gone")
        equal(self.call(server, "GET", f"/api/v1/news/{lines[0]['id']}/sentiment", want=404)["error"]["code"], "not_found")
        equal(self.call(server, "GET", "/api/v1/news/status")["scored"], 2, "and its score")
        self.call(server, "POST", "/api/v1/news/retain", {}, 422)
        server.stop()
        server = self.serve(*self.flags, "--news.keep", "180d", "--news.keep-count", "1")
        job = self.call(server, "GET", "/api/v1/jobs/news-retention")
        equal((job["armed"], job["params"]["in"]), (True, {"older_than": "15552000s", "keep": 1, "archive": False}))
        self.call(server, "POST", "/api/v1/jobs/run", {"job": "news-retention"})
        wait_for(lambda: self.call(server, "GET", "/api/v1/news/status")["articles"] == 1, 60, "the job's run")

    def test_articles_and_scores_come_over_the_live_api_as_they_are_stored(self):
        server = self.begin()
        every, some = Socket(server.port), Socket(server.port)
        every.send(op="subscribe", channel="news", id="e1")
        equal(every.next("subscribed", "error"), {"type": "subscribed", "id": "e1", "channel": "news"})
        some.send(op="subscribe", channel="news", ticker="btc")
        equal(some.next("subscribed", "error")["type"], "subscribed")
        some.send(op="subscribe", id="bad", channel="news", symbol="BTCUSDT")
        equal(some.next("error")["id"], "bad")
        self.collect(server)
        told = [every.next("article", "score") for _ in range(6)]
        got = [t for t in told if t["type"] == "article"]
        equal({g["article"]["title"] for g in got},
              {"Bitcoin surges to all-time high", "Exchange files for bankruptcy", "Ethereum upgrade & what follows"})
        equal({t["id"] for t in told if t["type"] == "score"}, {g["article"]["id"] for g in got})
        equal(some.next("article")["article"]["tickers"], ["BTC"])
        equal(some.next("article", "score")["type"], "score")
        some.send(op="unsubscribe", series="news")
        equal(some.next("unsubscribed", "error")["type"], "unsubscribed")
        self.feeds.items["coindesk"].insert(0, coindesk_item(5, "Bitcoin again", "x", 0.1))
        self.collect(server)
        equal(every.next("article")["article"]["title"], "Bitcoin again")
        some.send(op="ping", id="p")
        equal(some.next("article", "pong")["type"], "pong", "after unsubscribe nothing comes")
        every.close()
        some.close()

    def test_the_role_alone_listens_on_its_port_and_answers_through_a_gateway(self):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", 8001)) == 0:
                raise rig.Skip("somebody listens on port 8001")
        self.begin().stop()
        news = self.start("serve", "--roles", "news", "--data-dir", self.data, *self.flags)
        equal(news.port, 8001)
        equal(self.collect(news)["articles_collected"], 3)
        gateway = self.start("serve", "--roles", "gateway", "--data-dir", self.root / "gate", "--port", 0)
        found = gateway.get("/api/v1/news/search?q=bitcoin").json
        equal([a["title"] for a in found["articles"]], ["Bitcoin surges to all-time high"])
        equal([a["id"] for a in found["articles"]],
              [a["id"] for a in news.get("/api/v1/news/search?q=bitcoin").json["articles"]])
        equal(self.call(news, "GET", "/api/v1/news/status")["outbox"], 2, "events wait for the process that has the bus")
        news.stop()
        self.scored(self.serve(*self.flags), 3)

    def test_words_are_told_with_the_judgement(self):
        server = self.begin()
        s = self.call(server, "POST", "/api/v1/sentiment/analyze", {"title": "Shares fall", "text": "Losses did not widen"})
        equal(s["why"][0], {"words": "fall", "weight": -4, "in_title": True})
        equal(self.call(server, "POST", "/sentiment/batch", {"texts": [{"text": "good"}, {"text": "bad"}]})["count"], 2)
        self.call(server, "POST", "/api/v1/sentiment/analyze", {}, 422)
        equal(self.call(server, "GET", "/api/v1/sentiment/models")["models"][0]["model"], "lexicon-1")

    def test_kills_at_any_step_lose_no_article_and_score_each_once(self):
        """FLW-07: collected, told, scored, stored; the process dies KILLS times in between."""
        server = self.begin("many")
        random.seed(7)
        n = 0
        for _ in range(KILLS):
            n += 4
            self.feeds.items["many"] = [coindesk_item(i, f"Bitcoin report number{i}", f"Profit rose in case{i}", 1)
                                        for i in range(1, n + 1)]
            asked = threading.Thread(target=lambda: self.try_collect(server))
            asked.start()
            time.sleep(random.random() * 0.15)
            server.process.send_signal(signal.SIGKILL)
            server.process.wait(20)
            asked.join()
            server.stop()
            server = self.serve(*self.flags)
        self.collect(server, force=True)
        self.scored(server, n)
        page = self.call(server, "GET", "/api/v1/news?limit=1000")
        equal(page["total_count"], n)
        equal({len(a["sentiment"]) for a in page["articles"]}, {1})
        counts = {self.call(server, "GET", f"/api/v1/news/{a['id']}/sentiment")["count"] for a in page["articles"][:40]}
        equal(counts, {1})

    def try_collect(self, server):
        try:
            self.collect(server, force=True)
        except Exception:  # it was killed meanwhile
            pass


if __name__ == "__main__":
    rig.main(Cases)
