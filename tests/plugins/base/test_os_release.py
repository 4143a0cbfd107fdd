"""Release files: osquery's expression, without its backtracking."""

import random
import re
import time

from hardaudit_plugins.base.os_release import release_file_fields

OSQUERY = re.compile(r"([\w+\s]+) .* ([0-9]+)\.([0-9]+)\.?(\w+)?", re.ASCII)


def test_agrees_with_the_expression_on_random_lines():
    chance = random.Random(7)
    words = ["Red", "Hat", "+", "release", "7.9", "8.10a", "1.2.3", "(Core)", "x-y", ".", "12", " ", "9.", ".4", "5.6.", "é"]
    matched = 0
    for _ in range(5000):
        line = " ".join(chance.choice(words) for _ in range(chance.randint(1, 7))).strip()
        line = re.sub(" +", " ", line)
        expected = OSQUERY.search(line)
        fields = release_file_fields(line)
        assert fields["version"] == line
        if expected is None:
            assert "name" not in fields, line
        else:
            matched += 1
            assert (fields["name"], fields["major"], fields["minor"], fields["patch"]) == (*expected.groups()[:3], expected[4] or "0"), line
    assert matched > 500


def test_hostile_lines_take_no_time():
    started = time.monotonic()
    release_file_fields("a " * 200_000 + "\n" + "1.1 " * 200_000)
    release_file_fields(" \t" * 400_000)
    assert time.monotonic() - started < 2
