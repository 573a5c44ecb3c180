"""The real server over TLS: certificate, ALPN and HTTP/2 as curl speaks it, a certificate reloaded live by SIGHUP.

    test_tls.py FINSIGHT
"""
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time

import platform_rig as rig
from platform_rig import check, equal


class Cases(rig.Suite):
    def certificate(self, name):
        """Made anew, for localhost; the paths stay, as with a renewal."""
        cert, key = self.root / "cert.pem", self.root / "key.pem"
        if not shutil.which("openssl"):
            raise rig.Skip("openssl is not here, and makes the certificates")
        made = [self.root / f"{name}.{kind}" for kind in ("crt", "key")]
        done = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                               "-keyout", made[1], "-out", made[0], "-days", "30", "-subj", f"/CN={name}",
                               "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], capture_output=True, text=True)
        equal(done.returncode, 0, done.stderr)
        for source, place in zip(made, (cert, key)):
            os.replace(source, place)
        return cert, key

    def serve_tls(self, *more):
        cert, key = self.certificate("first.example")
        # the files are looked at so seldom that only SIGHUP can have reloaded them
        server = self.serve("--tls-cert", cert, "--tls-key", key, "--server.tls.check", "1h", *more)
        return server, cert

    def peer(self, server, cert, alpn=("h2", "http/1.1"), **versions):
        """What a handshake agrees on: (subject's name, ALPN, version), checked against cert."""
        context = ssl.create_default_context(cafile=cert)
        context.set_alpn_protocols(list(alpn))
        for name, value in versions.items():
            setattr(context, name, value)
        with socket.create_connection(("127.0.0.1", server.port), 10) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as s:
                name = dict(pair for part in s.getpeercert()["subject"] for pair in part)["commonName"]
                return name, s.selected_alpn_protocol(), s.version()

    def curl(self, server, cert, *args):
        if not shutil.which("curl"):
            raise rig.Skip("curl is not here")
        return subprocess.run(["curl", "-sS", "--max-time", "20", "--cacert", cert, *args,
                               f"https://localhost:{server.port}/health", "--resolve", f"localhost:{server.port}:127.0.0.1",
                               "-w", "\\n%{http_code} %{http_version}"], capture_output=True, text=True)

    def test_versions_alpn_and_no_plain_text(self):
        server, cert = self.serve_tls()
        equal(self.peer(server, cert), ("first.example", "h2", "TLSv1.3"))
        equal(self.peer(server, cert, ("http/1.1",))[1], "http/1.1")
        equal(self.peer(server, cert, maximum_version=ssl.TLSVersion.TLSv1_2)[2], "TLSv1.2")
        with socket.create_connection(("127.0.0.1", server.port), 10) as s:
            s.settimeout(20)
            s.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            try:
                answer = s.recv(4096)
            except ConnectionResetError:
                answer = b""
            check(b"200" not in answer and b"healthy" not in answer, "plain text is answered", answer)
        equal(server.stop(), 0)

    def test_curl_speaks_http2_and_http1(self):
        server, cert = self.serve_tls()
        for flag, version in (("--http2", "2"), ("--http1.1", "1.1")):
            done = self.curl(server, cert, flag)
            equal(done.returncode, 0, done.stderr)
            body, _, said = done.stdout.rpartition("\n")
            equal(said, f"200 {version}", flag)
            check("status" in json.loads(body), body)
        plain = self.serve("--data-dir", self.root / "other")
        check(plain.url.startswith("http://") and server.url.startswith("https://"), server.url)

    def test_a_certificate_is_renewed_without_a_restart(self):
        server, cert = self.serve_tls()
        context = ssl.create_default_context(cafile=cert)
        old = context.wrap_socket(socket.create_connection(("127.0.0.1", server.port), 10), server_hostname="localhost")
        self.certificate("second.example")
        check(self.first_fails(server, cert), "reloaded before it was asked to")
        server.process.send_signal(signal.SIGHUP)
        rig.wait_for(lambda: not self.first_fails(server, cert), 10, "the new certificate")
        equal(self.peer(server, cert)[0], "second.example")
        old.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")  # who was connected stays connected
        check(old.recv(4096).startswith(b"HTTP/1.1 200"), "the connection from before")
        old.close()
        cert.write_text("no certificate")  # a renewal gone wrong: the last good one is kept
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        loose = ssl.create_default_context()
        loose.check_hostname, loose.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", server.port), 10) as plain, loose.wrap_socket(plain) as s:
            s.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            check(s.recv(4096).startswith(b"HTTP/1.1 200"), "the server after a certificate that is none")
        equal(server.stop(), 0)

    def first_fails(self, server, cert):
        try:
            self.peer(server, cert)
            return False
        except ssl.SSLError:
            return True


if __name__ == "__main__":
    sys.exit(rig.main(Cases))
