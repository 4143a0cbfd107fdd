"""`osquery_info` says that it is the embedded source."""

import os
import time

from hardaudit import __version__


def test_embedded_source(query, root):
    answer = query("SELECT * FROM osquery_info", root)
    row = answer.rows[0]
    assert (row["version"], row["build_distro"], row["build_platform"]) == (__version__, "hardaudit", "linux")
    assert (row["pid"], row["watcher"], row["extensions"], row["config_valid"]) == (os.getpid(), -1, "inactive", 1)
    assert 0 <= time.time() - row["start_time"] < 24 * 3600
    assert row["uuid"] is None, "nothing of the running host may be read for a root directory"
    assert not answer.gaps
