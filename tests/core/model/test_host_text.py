"""Every byte sequence has one text, and the text its bytes."""

from hypothesis import given
from hypothesis import strategies as st

from hardaudit.model import host_text


@given(st.binary())
def test_bytes_survive(raw):
    text = host_text.decode(raw)
    text.encode()  # valid Unicode: SQLite and JSON can carry it
    assert host_text.encode(text) == raw


@given(st.binary(), st.binary())
def test_different_bytes_are_different_text(one, other):
    assert (host_text.decode(one) == host_text.decode(other)) == (one == other)


@given(st.text(st.characters(exclude_categories=["Cs", "Co"])))
def test_ordinary_text_is_itself(text):
    assert host_text.decode(text.encode()) == text


def test_the_mapping_is_the_documented_one():
    assert host_text.decode(b"bad-\xff") == "bad-\uefff"
    assert host_text.decode("\uef80".encode()) == "\uefee\uefbe\uef80"
