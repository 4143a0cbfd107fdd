"""Which of many generated configurations the table and the real Apache disagree on, and the smallest part of one that shows it."""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from php_harness import Case, ServerError, batches, differences
from upload_configurations import Upload

MOST_TOGETHER = 60
MOST_ROUNDS = 25


def _refused(error: ServerError, batch: Sequence[Case]) -> str:
    """The case that Apache does not start with."""
    named = re.search(r"sites-enabled/([^/\s]+)\.test\.conf", str(error))
    for case in batch:
        if named and case.host == f"{named[1]}.test":
            return case.name
    raise error


def _differing(uploads: Mapping[str, Upload]) -> dict[str, list[str]]:
    """The lines of differences by name. A configuration that Apache does not start with is left out."""
    cases = {name: upload.case(name) for name, upload in uploads.items()}
    while cases:
        ((*batch,),) = batches(cases.values(), most=len(cases))
        with tempfile.TemporaryDirectory(prefix="uploads") as directory:
            root = Path(directory, "root")
            root.mkdir()
            try:
                lines = differences(batch, root)
            except ServerError as error:
                del cases[_refused(error, batch)]
                continue
        found = defaultdict(list)
        for line in lines:
            found[line.split(" ", 1)[0]].append(line)
        return found
    return {}


def disagreements(uploads: Sequence[Upload]) -> list[tuple[Upload, list[str]]]:
    """Those of the configurations on which the table and the server differ, and how."""
    named = {f"u{number}": upload for number, upload in enumerate(uploads)}
    return [(named[name], lines) for name, lines in _differing(named).items()]


def minimal(upload: Upload, lines: list[str]) -> tuple[Upload, list[str]]:
    """A configuration of which no part can be left out without the difference being gone; all smaller ones are tried in one server."""
    for _ in range(MOST_ROUNDS):
        candidates = {f"u{number}": candidate for number, candidate in enumerate(upload.smaller()) if number < MOST_TOGETHER}
        found = _differing(candidates) if candidates else {}
        if not found:
            break
        name = min(found, key=lambda known: len(shown(candidates[known])))
        upload, lines = candidates[name], found[name]
    return upload, lines


def shown(upload: Upload) -> str:
    """The configuration as its files."""
    case = upload.case("case")
    return "\n".join([case.site, *(f"# {path}\n{text}" for path, text in case.files.items())])
