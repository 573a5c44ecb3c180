#!/usr/bin/env python3
"""Alerts of a running platform: raised, told to receivers of every kind, listed, silenced.

usage: test_alerts.py FINSIGHT [CASE...]"""
import http.server
import json
import socketserver
import sys
import threading
import time

import platform_rig as rig


class Hook:
    """Takes what is posted; fails the first `faults` times."""

    def __init__(self, faults=0):
        self.got, self.faults = [], faults
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = 200
                if outer.faults > 0:
                    outer.faults -= 1
                    status = 503
                else:
                    outer.got.append((self.path, json.loads(body)))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Smtp:
    """As much of RFC 5321 as a client needs to leave a mail."""

    def __init__(self):
        self.mails = []
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def say(self, line):
                self.wfile.write(line.encode() + b"\r\n")

            def handle(self):
                envelope, self.timeout = [], 20
                self.say("220 test")
                while line := self.rfile.readline().decode().strip():
                    verb = line[:4].upper()
                    if verb in ("EHLO", "HELO"):
                        self.say("250 test")
                    elif verb in ("MAIL", "RCPT"):
                        envelope.append(line)
                        self.say("250 ok")
                    elif verb == "DATA":
                        self.say("354 go on")
                        data = b""
                        while not data.endswith(b"\r\n.\r\n"):
                            data += self.rfile.readline()
                        outer.mails.append((envelope, data.decode()))
                        self.say("250 taken")
                    elif verb == "QUIT":
                        self.say("221 bye")
                        return
                    else:
                        self.say("500 what")

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Cases(rig.Suite):
    def config(self, **parts):
        path = self.root / f"config-{len(self.servers)}.json.yaml"
        path.write_text(json.dumps({**parts, "alerts": {"every": "200ms", **parts.get("alerts", {})}}))
        return path

    def running(self, *args, **alerts):
        return self.start("serve", "--data-dir", self.data, "--port", 0, "--config", self.config(alerts=alerts), *args)

    def alerts(self, server, name, state="firing"):
        r = server.request("GET", "/api/v1/admin/alerts", headers={"X-API-Key": self.key()})
        rig.equal(r.status, 200, r.body)
        return [a for a in r.json["alerts"] if a["alert"] == name and a["state"] == state]

    def fail_logins(self, server, n):
        for i in range(n):
            rig.equal(server.get("/api/v1/admin/stats", X_API_Key=f"wrong-{i}").status, 403)

    # SEC-28: ten failed logins of a source within a minute raise one alert; nine do not
    def test_failed_logins_raise_one_alert(self):
        hook = Hook()
        server = self.running(receivers=f"ops=webhook:{hook.url}/hook", routes=[">ops;wait=0s;interval=0s"])
        self.fail_logins(server, 9)
        time.sleep(1)
        rig.equal(self.alerts(server, "FailedLogins"), [])
        self.fail_logins(server, 20)
        found = rig.wait_for(lambda: self.alerts(server, "FailedLogins"), 60, "the alert")
        rig.equal([(a["of"], a["label"], a["severity"]) for a in found], [("127.0.0.1", "source", "warning")])
        rig.wait_for(lambda: hook.got, 60, "the webhook")
        time.sleep(1)
        rig.equal(len(hook.got), 1, "it is told once")
        path, body = hook.got[0]
        hook.close()
        rig.equal(path, "/hook")
        rig.equal((body["version"], body["status"], body["receiver"], body["groupLabels"]), ("4", "firing", "ops", {"alertname": "FailedLogins"}))
        rig.equal(body["alerts"][0]["labels"], {"alertname": "FailedLogins", "source": "127.0.0.1", "severity": "warning"})
        rig.equal(body["alerts"][0]["endsAt"], "0001-01-01T00:00:00Z")
        log = (self.root / "log-0").read_text()
        rig.check("an alert fires" in log and "wrong-1" not in log, "no key is in the log")

    # OBS-23, OBS-25: a service that is down, told to every kind of receiver, over again where one was away; and its end
    def test_a_service_that_is_down_is_told_to_every_kind_of_receiver(self):
        hook, manager, slack, smtp = Hook(faults=2), Hook(), Hook(), Smtp()
        receivers = (f"ops=webhook:{hook.url} am=alertmanager:{manager.url} chat=slack:{slack.url}/services/x "
                     f"post=mail:smtp://127.0.0.1:{smtp.port}/finsight@example.org/a@example.org,b@example.org")
        routes = [f">{name};wait=0s;interval=0s;more" for name in ("ops", "am", "chat", "post")]
        with socketserver.TCPServer(("127.0.0.1", 0), None) as held:
            dead = held.server_address[1]
        config = self.config(auth={"admin_key": "fsk_0123456789abcdef0123"}, gateway={"fast": True},
                             alerts={"receivers": receivers, "routes": routes})
        gateway = self.start("serve", "--roles", "gateway", "--port", 0, "--data-dir", self.data, "--config", config,
                             "--services", f"market=127.0.0.1:{dead},backtest=127.0.0.1:{dead}")
        rig.wait_for(lambda: hook.got and manager.got and slack.got and smtp.mails, 60, "all four")
        body = hook.got[-1][1]
        rig.check({a["labels"]["service"] for a in body["alerts"]} >= {"market", "backtest"}, body)  # and whatever roles there are
        rig.equal(body["commonLabels"], {"alertname": "ServiceDown", "severity": "critical"})
        path, alerts = manager.got[-1]
        rig.equal(path, "/api/v2/alerts")
        rig.equal({a["labels"]["alertname"] for a in alerts}, {"ServiceDown"})
        rig.check(all(a["endsAt"] > a["startsAt"] for a in alerts), alerts)
        rig.equal(slack.got[-1][0], "/services/x")
        rig.check(slack.got[-1][1]["text"].startswith("[FIRING] ServiceDown critical"), slack.got)
        envelope, mail = smtp.mails[-1]
        rig.equal([line.split(":", 1)[1].split()[0] for line in envelope], ["<finsight@example.org>", "<a@example.org>", "<b@example.org>"])
        rig.check("Subject: [FIRING] ServiceDown critical" in mail and "no instance of a service" in mail, mail)
        # the end: the service comes
        before = len(hook.got)
        exchange = self.exchange()
        market = self.start("serve", "--roles", "market", "--data-dir", self.root / "m", "--port", dead, "--binance-url", exchange.url,
                            "--binance-simulated", "--binance-private", "--config", self.config(auth={"admin_key": "fsk_0123456789abcdef0123"}))
        ended = lambda: [a for _, b in hook.got[before:] for a in b["alerts"] if a["status"] == "resolved"]
        rig.wait_for(ended, 60, "the end is told")
        rig.check(all(a["endsAt"] >= a["startsAt"] for a in ended()))
        metrics = gateway.get("/metrics").body.decode()
        rig.check('finsight_alert_notices_total{outcome="retried"}' in metrics)
        for s in (market, gateway):
            s.stop()
        for s in (hook, manager, slack, smtp):
            s.close()
        text = (self.root / "log-0").read_text()
        rig.check("services/x" not in text, "a webhook's address is a secret")

    # OBS-25: silences by API and command line
    def test_silences_by_api_and_command_line(self):
        hook = Hook()
        server = self.running(receivers=f"ops=webhook:{hook.url}", routes=[">ops;wait=0s;interval=0s"])
        made = json.loads(self.cli("alerts", "silence", "alertname=FailedLogins", "--minutes", 5, "--comment", "a test", "--json").stdout)
        rig.equal((made["matchers"], made["comment"]), ("alertname=FailedLogins", "a test"))
        self.fail_logins(server, 12)
        found = rig.wait_for(lambda: self.alerts(server, "FailedLogins"), 60, "the alert")
        rig.equal(found[0]["silence"], made["id"])
        rig.check("FailedLogins" in self.cli("alerts").stdout and "silenced" in self.cli("alerts").stdout)
        time.sleep(0.6)
        rig.equal(hook.got, [])
        rig.check(made["id"] in self.cli("alerts", "silences").stdout)
        self.cli("alerts", "unsilence", made["id"])
        rig.wait_for(lambda: hook.got, 60, "told when the silence is over")
        hook.close()
        self.cli("alerts", "unsilence", made["id"], status=None)
        key = {"X-API-Key": self.key(), "Content-Type": "application/json"}
        for body, field in (({"matchers": ""}, "matchers"), ({"matchers": "x"}, "matchers"), ({"matchers": "a=b", "minutes": 0}, "minutes")):
            r = server.request("POST", "/api/v1/admin/silences", json.dumps(body), key)
            rig.check(r.status in (400, 422), r.body)
        rig.equal(server.request("DELETE", "/api/v1/admin/silences/00000000000000ff", headers=key).status, 404)
        for path in ("alerts", "silences"):
            rig.equal(server.get(f"/api/v1/admin/{path}").status, 401)  # GWY-37

    def test_what_is_configured_wrong_is_said_at_start(self):
        for alerts, words in (({"receivers": "ops=pager:http://127.0.0.1/secret"}, "kinds of receivers"),
                              ({"routes": ["severity>ops"]}, "LABEL=VALUE"), ({"routes": [">nobody"]}, "nobody")):
            try:
                self.running(**alerts)
            except AssertionError as e:
                rig.check(words in str(e) and "secret" not in str(e), e)
            else:
                raise AssertionError(f"{alerts} was taken")


sys.exit(rig.main(Cases))
