"""Lines of the account files, held against the C library of this system."""

import pathlib
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardaudit.model import host_text
from hardaudit_plugins.accounts.account_files import EntryError, parse_group, parse_passwd, parse_shadow, significant

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import glibc

NO_FLAG = 2**64 - 1

_numbers = st.sampled_from(
    "0 1 1000 00 4294967295 4294967296 -1 -0 +7 18446744073709551615 -18446744073709551615 99999999999999999999999".split()
)
_pieces = st.one_of(
    st.just(":"),
    st.just(":"),
    _numbers,
    st.sampled_from(["+", "-", "#", " ", "\t", "\r", "\v", ",", "a", "root", "x", "é", "٣", "\x85", " "]),
    st.binary(max_size=2).filter(lambda raw: b"\n" not in raw and b"\0" not in raw),
)


def _as_bytes(piece):
    return piece if isinstance(piece, bytes) else piece.encode()


_lines = st.lists(_pieces, max_size=18).map(lambda pieces: b"".join(map(_as_bytes, pieces)))
_files = st.lists(_lines, max_size=3).map(lambda lines: b"".join(line + b"\n" for line in lines))


def _ours(parse, content, show):
    found = []
    for line in host_text.decode(content).split("\n"):
        visible = significant(line)
        if visible:
            try:
                found.append(show(parse(visible)))
            except EntryError:
                continue
    return found


def _raw(text):
    return None if text is None else host_text.encode(text)


def _passwd(content):
    return _ours(
        parse_passwd,
        content,
        lambda e: (_raw(e.name), _raw(e.password), e.uid, e.gid, _raw(e.gecos), _raw(e.directory), _raw(e.shell)),
    )


def _group(content):
    return _ours(parse_group, content, lambda e: (_raw(e.name), e.gid, [_raw(name) for name in e.members()]))


def _shadow(content):
    return _ours(
        parse_shadow,
        content,
        lambda e: (
            *(_raw(e.name), _raw(e.password), e.last_change, e.minimum, e.maximum, e.warning, e.inactive, e.expire),
            NO_FLAG if e.flag is None else e.flag,
        ),
    )


@pytest.mark.real
@settings(deadline=None, max_examples=200)
@given(_files)
def test_lines_are_read_as_the_c_library_reads_them(content):
    assert _passwd(content) == glibc.passwd(content)
    assert _group(content) == glibc.group(content)
    assert _shadow(content) == glibc.shadow(content)


PASSWD_LINES = [
    b"root:x:0:0:root:/root:/bin/bash",
    b"short:x:1:1",
    b"too-short:x:1",
    b"no-gid:x:1:",
    b"no-uid:x::1:::",
    b"minus:x:-1:1:::",
    b"wrapped:x:-18446744073709551615:0:::",
    b"large:x:4294967295:4294967295:::",
    b"larger:x:4294967296:1:::",
    b"huge:x:" + b"9" * 5000 + b":1:::",
    b"zeros:x:" + b"0" * 5000 + b"7:1:::",
    b"hex:x:0x10:1:::",
    b"blank:x: 5:\t6:::",
    b"behind:x:5 :6:::",
    b"colons:x:1:1:g:/h:/bin/sh:more:fields",
    b"  indented:x:1:1:::",
    b"  # comment:x:1:1:::",
    b":x:1:1:::",
    b"carriage:x:1:1:::/bin/sh\r",
    b"nul:x:1:1:g\0ecos:/h:/s",
    b"cut\0off:x:1:1:::",
    b"+",
    b"+:",
    b"+::",
    b"+::::::",
    b"+name:x:5:6:::/bin/sh",
    b"+name:x:5",
    b"+name:x:5:",
    b"-name",
    b"\xff\xfe:x:1:1:::",
    "arabic:x:٣:1:::".encode(),
]
GROUP_LINES = [
    b"g:x:5:",
    b"g:x:5",
    b"g:x:",
    b"g:x:5:a,b,,c",
    b"g:x:5: a , b,\tc ",
    b"g:x:5:a:b,c",
    b"g::7:,",
    b"g:x:-1:a",
    b"+",
    b"+:::",
    b"+g:::a",
    b"+g:x",
    b"+g:x:",
]
SHADOW_LINES = [
    b"u",
    b"u:h",
    b"u:h:1:2",
    b"u:h:1:2:3",
    b"u:h:1:2:3:",
    b"u:h:1:2:3:  ",
    b"u:h:1:2:3:4",
    b"u:h:1:2:3:4:5:",
    b"u:h:1:2:3:4:5:6",
    b"u:h:1:2:3:4:5:6:7",
    b"u:h:1:2:3:4:5:6:7:8",
    b"u:h:::::::",
    b"u:h:1:2:3: 4:5:6:",
    b"u:h:1:2:3: :5:6:",
    b"u:h:4294967295:3000000000:2147483648:::0:",
    b"u:h:-1:2:3:4:5:6:",
    b"+",
    b"+u:h:1:2:3:4:5:6:7",
]


@pytest.mark.real
@pytest.mark.parametrize("line", PASSWD_LINES)
def test_lines_of_passwd(line):
    assert _passwd(line + b"\n") == glibc.passwd(line + b"\n")


@pytest.mark.real
@pytest.mark.parametrize("line", GROUP_LINES)
def test_lines_of_group(line):
    assert _group(line + b"\n") == glibc.group(line + b"\n")


@pytest.mark.real
@pytest.mark.parametrize("line", SHADOW_LINES)
def test_lines_of_shadow(line):
    assert _shadow(line + b"\n") == glibc.shadow(line + b"\n")


def test_an_error_quotes_nothing_of_the_line():
    with pytest.raises(EntryError) as caught:
        parse_shadow("root:$6$salt$secret:x:0:99999:7:::")
    assert "secret" not in str(caught.value)
