"""Text of the host cannot steer a terminal, forge a line or change the order of what is read."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardaudit.model import host_text
from hardaudit.report.escape import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain name.txt", "plain name.txt"),
        ("é 漢 😀", "é 漢 😀"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b31m", "\\x9b31m"),
        ("a\nFAKE: line", "a\\nFAKE: line"),
        ("a\rb\tc\0", "a\\rb\\tc\\x00"),
        ("back\\slash", "back\\\\slash"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\u2066\u200b\ufeff", "\\u2066\\u200b\\ufeff"),
        ("\u2028", "\\u2028"),
        (host_text.decode(b"bad-\xff"), "bad-\\xff"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_shown(text, shown):
    assert printable(text) == shown


@given(st.text())
def test_nothing_unprintable_is_left(text):
    assert all(unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for character in printable(text))


@given(st.text(), st.text())
def test_no_two_texts_look_alike(one, other):
    assert (printable(one) == printable(other)) == (one == other)
