#!/usr/bin/env python3
"""make attack: the server attacked from outside, on loopback, for five minutes at most.

    run.py FINSIGHT [NAME...]      ATTACK_SEED=N another seed of the mutations

Every line of the table is PASS, FAIL or SKIP with what was counted; the status says the same. Every process is started and
stopped here.
"""
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e"), str(HERE.parent / "torture")]
import corpora  # noqa: E402
import floods  # noqa: E402
import owasp  # noqa: E402
import platform_rig as rig  # noqa: E402
import smuggle  # noqa: E402
import test_security  # noqa: E402

SEED = int(os.environ.get("ATTACK_SEED", "20240101"))


class Attack(rig.Suite):
    def test_smuggling_us_to_a_service(self):
        return smuggle.direct(self, SEED, 900)

    def test_smuggling_nginx_to_us(self):
        return smuggle.behind_nginx(self, SEED + 1, 700)

    def test_smuggling_is_noticed(self):
        return smuggle.naive(self, SEED, 200)

    def test_owasp_risks_1_to_9(self):
        return owasp.refused(self)

    def test_owasp_risk_10(self):
        return owasp.consumed(self)

    def test_refusal_corpora(self):
        return corpora.refused(self)

    # these two are cases of the ordinary tests, said here again because an attack asks for them
    def of_security(self, name, words):
        suite = test_security.Cases(self.binary)
        try:
            getattr(suite, name)()
        finally:
            suite.close()
        return words

    def test_role_on_route(self):
        return self.of_security("test_every_cell_of_role_times_route", "every cell as the contract says")

    def test_planted_secrets(self):
        return self.of_security("test_twenty_planted_secrets_are_found_nowhere", "21 planted, found nowhere")

    def test_http2_by_h2spec(self):
        program = HERE.parent.parent / ".cache/peers/go/h2spec"
        if not program.exists():
            raise rig.Skip("h2spec is not here (make peers builds it where Go is)")
        cert, key = self.root / "cert.pem", self.root / "key.pem"
        made = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                               "-subj", "/CN=localhost", "-keyout", key, "-out", cert], capture_output=True)  # fmt: skip
        if made.returncode:
            raise rig.Skip("openssl makes no certificate here")
        # over TLS, where HTTP/2 was agreed: a plain port speaks HTTP/1.1 as well, and answers in it what is no preface of HTTP/2
        server = self.serve("--tls-cert", cert, "--tls-key", key)
        done = subprocess.run([program, "-h", "localhost", "-p", str(server.port), "-t", "-k", "-P", "/health", "-o", "10"],
                              capture_output=True, text=True, timeout=120)  # fmt: skip
        last = (done.stdout.strip().splitlines() or ["nothing"])[-1]
        rig.equal(done.returncode, 0, done.stdout[-1500:])
        rig.check("0 failed" in last, last)
        return last


def flood_case(flood):
    return lambda self: floods.run(self, flood, 3)


for f in floods.FLOODS:
    setattr(Attack, f"test_flood_{f.__name__}", flood_case(f))


def main():
    binary, only = sys.argv[1], sys.argv[2:]
    names = [n for n in vars(Attack) if n.startswith("test_") and (not only or any(o in n for o in only))]
    count = {"PASS": 0, "FAIL": 0, "SKIP": 0}
    print(f"{'':30s} {'':5s} {'time':>6s}  what was counted (seed {SEED})", flush=True)
    for name in names:
        suite, begin, verdict = Attack(binary), time.monotonic(), "PASS"
        try:
            try:
                words = getattr(suite, name)()
            finally:
                suite.close()
        except rig.Skip as e:
            verdict, words = "SKIP", str(e)
        except Exception as e:  # noqa: BLE001
            verdict, words = "FAIL", f"{type(e).__name__}: {e}"
        count[verdict] += 1
        print(f"{name[5:].replace('_', ' '):30s} {verdict:5s} {time.monotonic() - begin:5.0f} s  {words}", flush=True)
    print(f"{count['PASS']} PASS, {count['FAIL']} FAIL, {count['SKIP']} SKIP; load {os.getloadavg()[0]:.1f}")
    return int(count["FAIL"] > 0 or count["PASS"] == 0)


if __name__ == "__main__":
    sys.exit(main())
