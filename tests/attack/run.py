#!/usr/bin/env python3
"""make attack: the server attacked from outside, on loopback, for five minutes at most.

    run.py FINSIGHT [NAME...]      ATTACK_SEED=N another seed of the mutations

Every line of the table is PASS, FAIL or SKIP with what was counted; the status says the same. Every process is started and
stopped here.
"""
import os
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]
import platform_rig as rig  # noqa: E402
import smuggle  # noqa: E402

SEED = int(os.environ.get("ATTACK_SEED", "20240101"))


class Attack(rig.Suite):
    def test_smuggling_us_to_a_service(self):
        return smuggle.direct(self, SEED, 900)

    def test_smuggling_nginx_to_us(self):
        return smuggle.behind_nginx(self, SEED + 1, 700)

    def test_smuggling_is_noticed(self):
        return smuggle.naive(self, SEED, 200)


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
