"""The tutorials: every command between their marks is run as written, and what the pages show must come out.

In a block of output `…` stands for any text, and on a line of its own for any lines.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
TESTED = re.compile(r"^<!-- tests/test_tutorial\.py .*?-->$(.*?)^<!-- end of the tested blocks -->$", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r"^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE)
END = "end of the output"


def blocks(page: str) -> list[tuple[str, str]]:
    found = TESTED.search((DOCS / page).read_text())
    assert found, f"{page} has lost its marks"
    return BLOCK.findall(found[1])


def pattern(shown: str) -> str:
    lines = [r"(?:.*\n)*" if line.strip() == "…" else ".*".join(map(re.escape, line.split("…"))) + r"\n" for line in shown.splitlines()]
    return "".join(lines)


def outputs(commands: list[str], directory: Path) -> list[str]:
    """What each block prints, errors included, all of them in one shell."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    script = "".join(f"{command}\necho '{END}'\n" for command in commands)
    done = subprocess.run(
        ["bash", "-s"],
        input=script,
        cwd=directory,
        env={"PATH": path, "COLUMNS": "100", "LC_ALL": "C.UTF-8", "HOME": str(directory)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=True,
    )
    return done.stdout.split(f"{END}\n")[:-1]


@pytest.mark.usefixtures("require_root")
@pytest.mark.parametrize(
    ("page", "fewest"),
    [
        pytest.param("tutorial.md", 9, id="the disk image of the first tutorial"),
        pytest.param("tutorial-shop.md", 18, id="the shop"),
    ],
)
def test_the_blocks_of_a_tutorial(page: str, fewest: int, tmp_path: Path) -> None:
    pairs = blocks(page)
    printed = outputs([command for command, _ in pairs], tmp_path)
    assert len(printed) == len(pairs) >= fewest
    for (command, shown), output in zip(pairs, printed, strict=True):
        assert re.fullmatch(pattern(shown), output), f"{command}\nshown:\n{shown}\nprinted:\n{output}"
