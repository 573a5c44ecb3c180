#!/usr/bin/env python3
"""Roles as processes of their own on one embedded log (FLW-07, MSG-28, MSG-47, U07): the process of the role market has
bus.db and shares it at data.dir/bus.sock; news are collected in a second process, read in a third, and whichever of the
three is killed, whenever, each article ends with exactly one score."""
import os
import pathlib
import random
import signal
import socket
import stat
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import platform_rig as rig  # noqa: E402
import test_news  # noqa: E402
from platform_rig import check, equal, wait_for  # noqa: E402

KILLS = int(os.environ.get("FINSIGHT_KILLS", "25"))
ROLES = ("market", "news", "sentiment")


class Cases(test_news.Cases):
    def open(self, *names):
        """The three processes; the first start makes the data folder and the key."""
        self.begin(*names).stop()
        self.apart = {}
        for role in ROLES:
            self.start_role(role)
        return self.apart["news"]

    def start_role(self, role):
        flags = self.flags if role == "news" else []
        self.apart[role] = self.start("serve", "--roles", role, "--data-dir", self.data, "--port", 0, *flags)

    def kill(self, role):
        server = self.apart[role]
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(20)
        server.stop()

    def events(self, kind):
        reply = self.call(self.apart["market"], "GET", f"/api/v1/events?limit=1000&event_type={kind}")
        return reply["events"]

    def whole(self, n):
        """n articles, each with one score, and nothing left to tell."""
        news = self.apart["news"]
        self.scored(news, n)
        wait_for(lambda: self.call(news, "GET", "/api/v1/news/status")["outbox"] == 0, 60, "every event told")
        page = self.call(news, "GET", "/api/v1/news?limit=1000")
        equal(page["total_count"], n)
        equal({len(a["sentiment"]) for a in page["articles"]}, {1})

    # --- cases ---

    def test_events_flow_between_the_processes(self):
        news = self.open()
        socket_file = self.data / "bus.sock"
        wait_for(socket_file.exists, 60, "the socket of the log")
        equal(stat.S_IMODE(socket_file.stat().st_mode), 0o600, "only its owner may open it")
        done = self.collect(news)
        equal(done["articles_collected"], 3)
        self.whole(3)
        equal({e["payload"]["source"] for e in self.events("news_collected")}, {"coindesk", "cointelegraph"})
        check(self.events("sentiment_analysis_completed"))
        wait_for(lambda: self.events("news_collection_completed"), 60, "the last word of the collection")
        queues = self.call(self.apart["market"], "GET", "/api/v1/events/queues")["queues"]
        equal({q["queue"]: q["consumers"] for q in queues if q["queue"] in ("news_processing_queue", "sentiment_analysis_queue")},
              {"news_processing_queue": 1, "sentiment_analysis_queue": 1}, "each in its own process")

    def test_the_role_news_alone_collects_and_removes_by_its_own_clock(self):
        self.begin().stop()
        self.flags += ["--news.interval", "1s", "--news.keep", "24h"]
        self.apart = {}
        for role in ROLES:
            self.start_role(role)
        news = self.apart["news"]
        wait_for(lambda: self.call(news, "GET", "/api/v1/news/status")["scored"] >= 2, 60, "a round nobody asked for")
        self.feeds.items["coindesk"].insert(0, test_news.coindesk_item(7, "Miners shut down", "as costs rise", 0.5))
        wait_for(lambda: self.call(news, "GET", "/api/v1/news/search?q=miners")["count"] == 1, 60, "another round")

    def test_news_wait_for_the_process_that_has_the_log(self):
        news = self.open()
        self.apart["market"].stop()
        check(not (self.data / "bus.sock").exists())
        equal(self.collect(news)["articles_collected"], 3)
        equal(self.call(news, "GET", "/api/v1/news/status")["outbox"], 2)
        self.start_role("market")
        self.whole(3)

    def test_what_speaks_otherwise_is_cut_off_and_disturbs_nobody(self):
        news = self.open()
        path = self.data / "bus.sock"
        wait_for(path.exists, 60, "the socket of the log")
        rng = random.Random(5)
        lines = []
        here = os.open(self.data, os.O_PATH)
        for i in range(40):
            s = socket.socket(socket.AF_UNIX)
            s.connect(f"/proc/self/fd/{here}/bus.sock")
            size = rng.choice([0, 1, 7, 8, 16, 200])
            claimed = rng.choice([size, size + 3, 0xffffffff, 0])
            s.sendall(claimed.to_bytes(4, "little") + bytes(rng.randrange(256) for _ in range(size)))
            lines.append(s)  # half of them stay open
            if i % 2:
                s.close()
        self.collect(news)
        self.whole(3)
        for s in lines:
            s.close()
        os.close(here)

    def test_kills_of_each_process_in_turn_lose_no_article_and_score_each_once(self):
        news = self.open("many")
        random.seed(11)
        n = 0
        for k in range(KILLS):
            n += 4
            self.feeds.items["many"] = [test_news.coindesk_item(i, f"Bitcoin report number{i}", f"Profit rose in case{i}", 1)
                                        for i in range(1, n + 1)]
            news = self.apart["news"]
            asked = threading.Thread(target=lambda: self.try_collect(news))
            asked.start()
            time.sleep(random.random() * 0.15)
            role = ROLES[k % len(ROLES)]
            self.kill(role)
            asked.join()
            self.start_role(role)
        self.collect(self.apart["news"], force=True)
        self.whole(n)
        for a in self.call(self.apart["news"], "GET", "/api/v1/news?limit=1000")["articles"]:
            equal(self.call(self.apart["news"], "GET", f"/api/v1/news/{a['id']}/sentiment")["count"], 1)
        dead = self.call(self.apart["market"], "GET", "/api/v1/events/dead")
        equal(dead.get("count", 0), 0, dead)


if __name__ == "__main__":
    rig.main(Cases)
