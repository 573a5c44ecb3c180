#!/usr/bin/env python3
"""MSG-38: a long job answers 202 with its id, and whoever asked is called back: signed, tried again, across a restart."""
import hashlib
import hmac
import http.server
import json
import pathlib
import signal
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import platform_rig as rig  # noqa: E402
from platform_rig import check, equal  # noqa: E402

SOON = 60
PLENTY = 120  # tries are 2 and 6 s apart


class Receiver:
    """Somebody else's program: checks the signature as docs/webhooks.md says, and answers as it is told."""

    def __init__(self, secret, answers):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = receiver.answers.pop(0) if receiver.answers else 200
                receiver.seen.append((dict(self.headers), json.loads(body), receiver.genuine(self.headers, body)))
                if answer == "hang up":
                    self.connection.close()
                    return
                self.send_response(answer)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.secret, self.answers, self.seen = secret, list(answers), []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *args: None
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?token=hush"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def genuine(self, headers, body):
        parts = dict(p.split("=", 1) for p in headers["X-FinSight-Signature"].split(","))
        want = hmac.new(self.secret.encode(), f"{parts['t']}.".encode() + body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(want, parts["v1"]) and abs(time.time() - int(parts["t"])) < 300

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Cases(rig.Suite):
    def call(self, server, method, path, body=None, want=200):
        r = server.request(method, path, json.dumps(body) if body is not None else None,
                           {"X-API-Key": self.key(), "Content-Type": "application/json"}, timeout=60)
        equal(r.status, want, f"{method} {path}: {r.body[:300]}")
        return r.json

    def start_with_job(self, *args):
        server = self.serve(*(args or ("--webhooks.allow_private",)))
        self.call(server, "PUT", "/api/v1/jobs/check", {"kind": "operation", "params": {"operation": "market.verify"}})
        return server

    def secret(self):
        return (self.data / "webhooks.key").read_text().strip()

    def callback(self, server, id):
        return self.call(server, "GET", f"/api/v1/webhooks/{id}")

    def test_a_callback_is_signed_and_tried_until_it_is_taken(self):
        server = self.start_with_job()
        receiver = Receiver(self.secret(), [500, "hang up", 204])
        taken = self.call(server, "POST", "/api/v1/jobs/submit", {"job": "check", "callback": receiver.url}, want=202)
        run = self.call(server, "GET", taken["status_url"])
        equal((run["run"], run["job"]), (taken["run"], "check"))
        rig.wait_for(lambda: self.callback(server, taken["delivery"])["state"] == "delivered", PLENTY, "its delivery")
        equal(len(receiver.seen), 3)
        for i, (headers, body, genuine) in enumerate(receiver.seen, 1):
            check(genuine, "a signature that is none", headers)
            equal((headers["X-FinSight-Event"], headers["X-FinSight-Delivery"], headers["X-FinSight-Attempt"]),
                  ("job.finished", taken["delivery"], str(i)))
            equal((body["run"], body["job"], body["state"]), (taken["run"], "check", "succeeded"))
        check(not Receiver.genuine(type("R", (), {"secret": "guess"})(), receiver.seen[0][0], b"{}"), "any secret will do")
        row = self.callback(server, taken["delivery"])
        equal((row["attempts"], row["last_status"], row["run"]), (3, 204, taken["run"]))
        check("hush" not in json.dumps(self.call(server, "GET", "/api/v1/webhooks")), "what is behind ? is nobody's business")
        again = self.call(server, "POST", "/api/v1/webhooks/again", {"id": taken["delivery"]})
        check(again["state"] == "due", again)
        rig.wait_for(lambda: len(receiver.seen) == 4, SOON, "another delivery")
        log = (self.root / "log-0").read_text()
        check(self.secret() not in log and "hush" not in log, "a secret is in the log")
        receiver.close()

    def test_what_is_given_up_is_listed(self):
        server = self.start_with_job()
        receiver = Receiver(self.secret(), [410])
        taken = self.call(server, "POST", "/api/v1/jobs/submit", {"job": "check", "callback": receiver.url}, want=202)
        rig.wait_for(lambda: self.callback(server, taken["delivery"])["state"] == "dead", SOON, "410 to be final")
        dead = self.call(server, "GET", "/api/v1/webhooks?state=dead")
        equal([(c["id"], c["last_status"], c["attempts"]) for c in dead["callbacks"]], [(taken["delivery"], 410, 1)])
        equal(self.call(server, "GET", "/api/v1/webhooks?state=due")["count"], 0)
        time.sleep(0.2)
        equal(len(receiver.seen), 1, "it was asked again")
        # a job that fails is told, too
        self.call(server, "PUT", "/api/v1/jobs/bad", {"kind": "command", "retries": 0, "memory_max": 1000000, "params": {"args": ["version"]}})
        told = self.call(server, "POST", "/api/v1/jobs/submit", {"job": "bad", "callback": receiver.url}, want=202)
        rig.wait_for(lambda: self.callback(server, told["delivery"])["state"] == "delivered", SOON, "news of the failure")
        equal(receiver.seen[-1][1]["state"], "failed")
        check(receiver.seen[-1][1]["error"], receiver.seen[-1][1])
        receiver.close()

    # a restart forgets nothing: neither who waits for a run, nor how often somebody was tried
    def test_a_restart_forgets_no_callback(self):
        server = self.start_with_job()
        receiver = Receiver(self.secret(), [503])
        taken = self.call(server, "POST", "/api/v1/jobs/submit", {"job": "check", "callback": receiver.url}, want=202)
        rig.wait_for(lambda: self.callback(server, taken["delivery"])["attempts"] == 1, SOON, "its first try")
        server.stop(signal.SIGKILL)
        server = self.serve("--webhooks.allow_private")
        rig.wait_for(lambda: self.callback(server, taken["delivery"])["state"] == "delivered", PLENTY, "its delivery after the restart")
        row = self.callback(server, taken["delivery"])
        check(row["attempts"] == 2 and len(receiver.seen) == 2, row)
        check(all(genuine for _, _, genuine in receiver.seen), "the secret changed")
        receiver.close()

    # the guard: nobody is made to call what is not public, and a job without a callback needs none
    def test_callbacks_go_to_public_addresses_alone(self):
        server = self.start_with_job("--limit.flood", 0)
        for url in ("http://127.0.0.1:1/x", "http://localhost/x", "http://169.254.169.254/latest", "http://[::1]/", "http://10.0.0.1/",
                    "http://[::ffff:127.0.0.1]/", "ftp://example.org/", "http://user:pass@example.org/", "nonsense", "http://e.org/" + "x" * 3000):  # fmt: skip
            error = self.call(server, "POST", "/api/v1/jobs/submit", {"job": "check", "callback": url}, want=422)["error"]
            equal(error["field"], "callback", url)
        equal(self.call(server, "GET", "/api/v1/jobs/runs?job=check")["count"], 0, "a run was begun all the same")
        taken = self.call(server, "POST", "/api/v1/jobs/submit", {"job": "check"}, want=202)
        check("delivery" not in taken, taken)
        equal(server.request("GET", "/api/v1/webhooks").status, 401)
        self.call(server, "GET", "/api/v1/webhooks/nosuch", want=404)
        self.call(server, "POST", "/api/v1/jobs/submit", {"job": "nosuch", "callback": "https://example.org/"}, want=404)


if __name__ == "__main__":
    sys.exit(rig.main(Cases))
