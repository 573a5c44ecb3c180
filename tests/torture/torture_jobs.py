"""Two hundred kills of a server whose job fires every second: each fire answered once, none left half done (MDS-42, MDS-43).
Two hundred more while it collects, follows live candles and saves what a client sends: nothing acknowledged or shown as
closed is lost, and all comes to what the venue has (STO-14).

The cases of tests/e2e/test_jobs.py, at length. FINSIGHT_KILLS=n for another number."""
import os
import pathlib
import sys

os.environ.setdefault("FINSIGHT_KILLS", "200")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

import platform_rig  # noqa: E402
import test_jobs  # noqa: E402

sys.argv = [sys.argv[0], sys.argv[1], "killed"]
sys.exit(platform_rig.main(test_jobs.Cases))
