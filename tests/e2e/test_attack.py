#!/usr/bin/env python3
"""A slice of `make attack`: smuggling through us, and through nginx to us, by another seed of fewer mutations."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "attack")]
import platform_rig as rig  # noqa: E402
import smuggle  # noqa: E402


class Cases(rig.Suite):
    def test_no_request_is_smuggled_through_us(self):
        print("#", smuggle.direct(self, 11, 200))

    def test_no_request_is_smuggled_through_nginx_and_us(self):
        print("#", smuggle.behind_nginx(self, 12, 150))

    def test_a_careless_hop_would_be_found_out(self):
        print("#", smuggle.naive(self, 13, 120))


if __name__ == "__main__":
    sys.exit(rig.main(Cases))
