#!/usr/bin/env python3
"""Behind a load balancer that speaks the PROXY protocol (GWY-32): the client it names counts, and only listed hops may name one."""
import json
import pathlib
import socket
import ssl
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import platform_rig as rig  # noqa: E402
from platform_rig import check, equal  # noqa: E402

V1 = b"PROXY TCP4 %s 10.0.0.5 51234 443\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
PATH = "/api/v1/market/series"


def v2(ip, port=51234, tlv=b""):
    body = socket.inet_aton(ip) + socket.inet_aton("10.0.0.5") + struct.pack(">HH", port, 443) + tlv
    return SIGNATURE + b"\x21\x11" + struct.pack(">H", len(body)) + body


class Cases(rig.Suite):
    def behind(self, *args):
        return self.serve("--server.proxy_protocol", "--server.trusted_hops", "127.0.0.1,10.9.0.0/16", "--limit.anonymous", 3,
                          *args, exchange=None)

    def ask(self, server, first, fields="", pieces=1, tls=None, path=PATH):
        """Sends what a hop sends; the status, or None where the connection ended without one."""
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as s:
            request = f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\r\n".encode()
            if tls:
                s.sendall(first)
                s = tls.wrap_socket(s, server_hostname="localhost")
                first = b""
            data = first + request
            size = -(-len(data) // pieces)
            try:
                for i in range(0, len(data), size):
                    s.sendall(data[i : i + size])
                    if pieces > 1:
                        time.sleep(0.002)
                reply = b""
                while chunk := s.recv(65536):
                    reply += chunk
            except ConnectionError:
                return None
            finally:
                s.close()
        return int(reply.split(b" ", 2)[1]) if reply else None

    def peers(self):
        for server in self.servers:  # the log is written as it comes
            server.get("/health")
        lines = [json.loads(line) for log in self.root.glob("log-*") for line in log.read_text().splitlines() if line[:1] == "{"]
        return [line["metadata"]["peer"] for line in lines if line["message"] == "request" and line["metadata"]["path"] == PATH]

    def test_the_client_a_listed_hop_names_is_the_one_that_counts(self):
        server = self.behind()
        for ip in (b"192.0.2.7", b"192.0.2.8"):  # three a minute each, not three for the hop
            equal([self.ask(server, V1 % ip) for _ in range(4)], [200, 200, 200, 429], ip)
        equal([self.ask(server, v2("192.0.2.9", tlv=b"\x04\0\x03xyz")) for _ in range(4)], [200, 200, 200, 429])
        rig.wait_for(lambda: {"192.0.2.7:51234", "192.0.2.8:51234", "192.0.2.9:51234"} <= set(self.peers()), 60, "the access log")
        # in pieces as small as a network may cut them
        equal(self.ask(server, V1 % b"192.0.2.10", pieces=40), 200)
        equal(self.ask(server, v2("192.0.2.11"), pieces=40), 200)
        # the hop itself: LOCAL, UNKNOWN, or no header at all
        equal(self.ask(server, SIGNATURE + b"\x20\0\0\0"), 200)
        equal(self.ask(server, b"PROXY UNKNOWN\r\n"), 200)
        equal(self.ask(server, b""), 200)

    def test_forwarded_for_is_believed_of_listed_hops_alone(self):
        server = self.behind()
        fields = "X-Forwarded-For: 203.0.113.%d\r\n"
        # the named client is no hop of ours: what it writes there itself counts for nothing
        equal([self.ask(server, V1 % b"192.0.2.7", fields % i) for i in range(4)], [200, 200, 200, 429])
        # a hop behind the hop, which is listed: whom it forwards for counts
        equal([self.ask(server, V1 % b"10.9.0.1", fields % i) for i in range(4)], [200] * 4)
        equal([self.ask(server, V1 % b"10.9.0.1", fields % 9) for _ in range(4)], [200, 200, 200, 429])

    def test_strangers_may_not_name_anybody(self):
        server = self.serve("--server.proxy_protocol", "--server.trusted_hops", "10.9.0.0/16")
        equal(self.ask(server, V1 % b"192.0.2.7"), 400)
        check(self.ask(server, v2("192.0.2.7")) in (400, None))
        equal(self.ask(server, b""), 200)
        plain = self.serve("--data-dir", self.root / "plain", "--server.trusted_hops", "127.0.0.1")
        equal(self.ask(plain, V1 % b"192.0.2.7"), 400, "not asked for")

    def test_what_is_no_header_ends_the_connection(self):
        server = self.behind("--server.header_timeout", "500ms")
        for first in (b"PROXY TCP4 999.0.2.7 10.0.0.5 1 2\r\n", b"PROXY UNKNOWN " + b"x" * 200 + b"\r\n", SIGNATURE + b"\x31\x11\0\x0c" + b"x" * 12,
                      SIGNATURE + b"\x21\x11\xff\xff" + b"x" * 12):  # fmt: skip
            equal(self.ask(server, first), None, first)
        begin = time.monotonic()
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as s:  # half a header, and then silence
            s.sendall(b"PROX")
            try:
                equal(s.recv(1), b"", "a hop that says no more")
            except ConnectionResetError:
                pass  # what it said lies unread
        check(time.monotonic() - begin >= 0.4, "it was not waited for")
        equal(self.ask(server, V1 % b"192.0.2.7"), 200)

    def test_the_header_comes_before_tls(self):
        cert, key = self.root / "cert.pem", self.root / "key.pem"
        made = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                               "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert], capture_output=True)  # fmt: skip
        if made.returncode:
            raise rig.Skip("openssl makes no certificate here")
        flags = ["--data-dir", self.data, "--port", 0, "--server.proxy_protocol", "--server.trusted_hops", "127.0.0.1"]
        server = self.start("serve", *flags, "--tls-cert", cert, "--tls-key", key)
        tls = ssl.create_default_context(cafile=str(cert))
        for first in (V1 % b"192.0.2.7", v2("192.0.2.8"), b""):
            equal(self.ask(server, first, tls=tls), 200, first)


if __name__ == "__main__":
    sys.exit(rig.main(Cases))
