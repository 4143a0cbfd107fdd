"""The message of a finding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardaudit.errors import CheckError
from hardaudit.policy.finding_template import columns_in, render_finding

ROW = {"subject": "{uid} \x1b[31m", "uid": 0, "load": 1.5, "shell": None, "empty": ""}


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{subject} has user ID {uid}", "{uid} \x1b[31m has user ID 0"),
        ("{shell}, {empty}, {load}", "none, , 1.5"),
        ("{{uid}} }}{{", "{uid} }{"),
        ("{{{uid}}}", "{0}"),
        ("no column", "no column"),
    ],
)
def test_values_are_put_in_once_and_as_they_are(template, message):
    assert render_finding(template, ROW) == message


@pytest.mark.parametrize(
    "template", ["{uid.__class__}", "{uid!r}", "{uid:>10}", "{0}", "{}", "{ uid}", "{uid", "uid}", "{ROW[0]}", "{ü}", "{{uid}"]
)
def test_nothing_but_a_name_is_a_column(template):
    with pytest.raises(ValueError, match="belongs to no"):
        columns_in(template)


def test_the_fault_is_named_where_it_stands():
    with pytest.raises(ValueError, match=r"^the \} at character 6 belongs to no \{column\}; write \}\} for a brace$"):
        columns_in("{uid}} x")


def test_a_column_that_the_query_lacks_is_the_checks_fault():
    with pytest.raises(CheckError, match=r"^the finding names \{gid\}, which is no column of the query; its columns: subject, uid$"):
        render_finding("{subject} {gid}", {"subject": "a", "uid": 1})


@given(value=st.text(), before=st.text(), after=st.text())
def test_any_text_of_the_host_comes_out_unchanged(value, before, after):
    def escaped(text: str) -> str:
        return text.replace("{", "{{").replace("}", "}}")

    assert render_finding(f"{escaped(before)}{{subject}}{escaped(after)}", {"subject": value}) == before + value + after
