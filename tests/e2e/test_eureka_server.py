#!/usr/bin/env python3
"""A real Eureka server (Spring Cloud Netflix's), which nobody here wrote, with our client and our gateway on it (DIS-01).

The jar is built by `make peers` where Java and Maven are, into .cache/peers/eureka-server; without it the test is skipped.
FINSIGHT_EUREKA_SERVER names another jar.
"""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import platform_rig as rig  # noqa: E402
from platform_rig import check, equal  # noqa: E402
from test_gateway import Stub  # noqa: E402

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
JAR = pathlib.Path(os.environ.get("FINSIGHT_EUREKA_SERVER", SOURCE / ".cache/peers/eureka-server/eureka-server.jar"))
SOON = 240  # a JVM on a busy machine


class Cases(rig.Suite):
    java = None

    def eureka(self):
        if not JAR.exists() or not shutil.which("java"):
            raise rig.Skip("no Eureka server here: make peers builds it where Java and Maven are")
        with socket.create_server(("127.0.0.1", 0)) as s:
            self.port = s.getsockname()[1]
        flags = {"server.port": self.port, "server.address": "127.0.0.1", "eureka.client.register-with-eureka": "false",
                 "eureka.client.fetch-registry": "false", "eureka.server.response-cache-update-interval-ms": 500,
                 "eureka.server.eviction-interval-timer-in-ms": 1000, "eureka.server.enable-self-preservation": "false",
                 "eureka.server.wait-time-in-ms-when-sync-empty": 0, "eureka.instance.hostname": "127.0.0.1"}  # fmt: skip
        log = open(self.root / "eureka.log", "wb")
        self.java = subprocess.Popen(["java", "-Xmx256m", "-jar", JAR, *(f"--{k}={v}" for k, v in flags.items())], stdout=log, stderr=log)
        log.close()
        rig.wait_for(lambda: self.apps() is not None or self.java.poll() is not None, SOON, "Eureka to start")
        check(self.java.poll() is None, (self.root / "eureka.log").read_text()[-2000:])
        return f"http://127.0.0.1:{self.port}/eureka"

    def close(self):
        if self.java:
            self.java.kill()
            self.java.wait()
        super().close()

    def apps(self):
        try:
            rq = urllib.request.Request(f"http://127.0.0.1:{self.port}/eureka/apps/", headers={"Accept": "application/json"})
            with urllib.request.urlopen(rq, timeout=10) as r:
                body = json.load(r)["applications"]
        except (OSError, urllib.error.URLError):
            return None
        return {i["instanceId"]: i for a in body["application"] for i in a["instance"]}

    def test_our_services_on_a_real_eureka(self):
        url = self.eureka()
        market = self.start("serve", "--roles", "market", "--data-dir", self.root / "market", "--port", 0, "--discovery", url, "--discovery.fast")
        id = f"127.0.0.1:market:{market.port}"
        rig.wait_for(lambda: id in self.apps(), SOON, "the market to be registered")
        seen = self.apps()[id]
        equal((seen["app"], seen["ipAddr"], seen["status"], seen["port"], seen["vipAddress"], seen["countryId"]),
              ("MARKET", "127.0.0.1", "UP", {"$": market.port, "@enabled": "true"}, "market", 1))
        equal((seen["leaseInfo"]["renewalIntervalInSecs"], seen["leaseInfo"]["durationInSecs"]), (1, 3))
        own = lambda s: s.get("/eureka/status").json["client"]["own"][0]  # noqa: E731
        rig.wait_for(lambda: own(market)["heartbeats"] >= 3, SOON, "heartbeats to be taken")
        equal(own(market)["failures_in_a_row"], 0)
        # a service of somebody else, registered by hand, and a gateway that finds both
        stub = Stub(lambda h: h.reply(200, {"ok": True}))
        body = {"instance": {"instanceId": "quotes-1", "hostName": "127.0.0.1", "app": "QUOTES", "ipAddr": "127.0.0.1", "status": "UP",
                             "vipAddress": "quotes", "port": {"$": stub.port, "@enabled": "true"}, "leaseInfo": {"durationInSecs": 600},
                             "dataCenterInfo": {"@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo", "name": "MyOwn"}}}  # fmt: skip
        rq = urllib.request.Request(url + "/apps/QUOTES", json.dumps(body).encode(), {"Content-Type": "application/json"})
        equal(urllib.request.urlopen(rq, timeout=20).status, 204)
        gateway = self.start("serve", "--roles", "gateway", "--data-dir", self.root / "gateway", "--port", 0, "--discovery", url,
                             "--gateway.fast", "--routes", "/quotes/*=quotes;role=none")
        rig.wait_for(lambda: gateway.get("/quotes/x").status == 200, SOON, "the route to the stranger")
        rig.wait_for(lambda: gateway.get("/api/v1/market/series").status == 200, SOON, "the market behind the gateway")
        # an override there is heeded here, by its delta
        put = urllib.request.Request(url + "/apps/QUOTES/quotes-1/status?value=OUT_OF_SERVICE", method="PUT")
        equal(urllib.request.urlopen(put, timeout=20).status, 200)
        rig.wait_for(lambda: gateway.get("/quotes/x").status == 503, SOON, "the override")
        # an override of ours, and its end
        key = {"X-API-Key": (self.root / "market" / "admin.key").read_text().strip()}
        equal(market.request("POST", "/eureka/status?value=OUT_OF_SERVICE", headers=key).status, 202)
        rig.wait_for(lambda: self.apps()[id]["status"] == "OUT_OF_SERVICE", SOON, "our override")
        equal(market.request("DELETE", "/eureka/status", headers=key).status, 202)
        rig.wait_for(lambda: self.apps()[id]["status"] == "UP", SOON, "its end")
        # who stops says so
        market.stop()
        rig.wait_for(lambda: id not in self.apps(), SOON, "the deregistration")
        check("deregistered" in (self.root / "log-0").read_text())
        stub.close()


if __name__ == "__main__":
    sys.exit(rig.main(Cases))
