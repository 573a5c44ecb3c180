#!/usr/bin/env python3
"""A slice of `make attack`: smuggling by another seed of fewer mutations, OWASP's risks, the refusals' corpora, two floods."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "attack"), str(HERE.parent / "torture")]
import corpora  # noqa: E402
import floods  # noqa: E402
import owasp  # noqa: E402
import platform_rig as rig  # noqa: E402
import smuggle  # noqa: E402


class Cases(rig.Suite):
    def test_no_request_is_smuggled_through_us(self):
        print("#", smuggle.direct(self, 11, 200))

    def test_no_request_is_smuggled_through_nginx_and_us(self):
        print("#", smuggle.behind_nginx(self, 12, 150))

    def test_a_careless_hop_would_be_found_out(self):
        print("#", smuggle.naive(self, 13, 120))

    def test_ten_cases_of_each_owasp_risk(self):
        print("#", owasp.refused(self))
        print("#", owasp.consumed(self))

    def test_the_corpora_are_refused_and_ordinary_requests_are_not(self):
        print("#", corpora.refused(self))

    def test_floods_harm_nobody(self):
        floods.P99_MS = 30000  # here only that others are served at all: how fast is judged by `make attack`
        for flood in (floods.rapid_reset, floods.websockets):
            print("#", floods.run(self, flood, 1))


if __name__ == "__main__":
    sys.exit(rig.main(Cases))
