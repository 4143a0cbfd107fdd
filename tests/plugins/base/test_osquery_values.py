"""Splitting and numbers as osquery has them."""

import pytest

from hardaudit_plugins.base.osquery_values import leading_integer, split, split_first


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        (" 12 ", 12),
        ("-3", -3),
        ("12-rc1", 12),
        ("3.4", 3),
        ("0x1f", 31),
        ("017", 15),
        ("08", 0),
        ("0", 0),
        ("", None),
        ("abc", None),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", None),
        ("1" * 100_000, None),
        ("١٢", None),
    ],
)
def test_leading_integer(text, value):
    assert leading_integer(text) == value


def test_split_leaves_out_empty_parts_but_not_blank_ones():
    assert split("a==b= =", "=") == ["a", "b", ""]


def test_split_first_joins_the_rest():
    assert split_first("NAME=a = b==c", "=", 1) == ["NAME", "a=b=c"]
    assert split_first("NAME=", "=", 1) == ["NAME"]
