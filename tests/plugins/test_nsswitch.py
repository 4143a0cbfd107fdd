"""Where accounts come from, by our reading of nsswitch.conf and by the C library's."""

from __future__ import annotations

import re
import subprocess

import pytest

_LOADED = re.compile(r"file=libnss_(\S+)\.so\.2 ")
_NAMED = re.compile(r"passwd also comes from '([^']*)'")


@pytest.fixture
def sources(query, root, require_root, require_tool):
    """The sources of users that we name for a configuration, and those that the C library asks, neither with those of Debian's own."""

    def found(text: str) -> tuple[set[str], set[str]]:
        root.write("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
        configuration = root.write("/etc/nsswitch.conf", text)
        named = {source for gap in query("SELECT username FROM users", root).gaps for source in _NAMED.findall(gap.detail)}
        script = f"mount --bind {configuration} /etc/nsswitch.conf && LD_DEBUG=files exec getent passwd nobody-of-this-name"
        done = subprocess.run([require_tool("unshare"), "--mount", "sh", "-c", script], capture_output=True, text=True, check=False)
        assert done.returncode == 2, done.stderr  # looked up, and not found
        return named, set(_LOADED.findall(done.stderr)) - {"#", "files", "compat", "systemd"}

    return found


@pytest.mark.real
@pytest.mark.parametrize(
    "text",
    [
        "passwd: files one two\n",
        "passwd : one two\n",
        "\t passwd\tone [NOTFOUND=return] two [!SUCCESS=continue]three\n",
        "passwd one\n",
        "passwd:: one\n",
        "# passwd: one\npasswd: files two\n",
        "#passwd: one\ngroup: two\nPASSWD: three\npasswdx: four\n",
    ],
)
def test_the_sources_that_the_c_library_asks_are_named(sources, text):
    named, asked = sources(text)
    assert named == asked


@pytest.mark.real
@pytest.mark.parametrize("text", ["passwd: files # one two\n", "passwd: one\npasswd: two\n"])
def test_what_only_some_versions_of_the_c_library_ask_is_named(sources, text):
    named, asked = sources(text)
    assert named == {"one", "two"}
    assert asked <= named
