"""What a site asks of a host: which checks, how severe, with which parameters; what must not fail; what is waived and attested."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from hardaudit.model.check import Severity
from hardaudit.model.subject_glob import matches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardaudit.documents.reading import JsonValue


@dataclass(frozen=True, slots=True)
class Selection:
    """A check as the policy wants it run.

    `severity` and `params` are what counts here: the check's own where the policy says nothing. `reason` says why, for the reports;
    a check that is not `enabled` always has one, and is not run.
    """

    severity: Severity
    params: Mapping[str, JsonValue]
    enabled: bool = True
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """What a host must reach.

    `failed` if an unwaived finding is as severe as `fail_on` or more, or the score is under `min_score` (0 to 100); `incomplete` if
    coverage (0 to 100) is under `min_coverage`. A policy that says nothing fails on `high`, asks for no score, and for 90 per cent
    coverage: a run that could not read its evidence must not come out as passed.
    """

    fail_on: Severity = Severity.HIGH
    min_score: float = 0
    min_coverage: float = 90


@dataclass(frozen=True, slots=True)
class Waiver:
    """A risk that someone accepted until a day: findings of `check` whose subject is `subject` or matches `subject_glob`.

    One of the two is set. See `subject_glob` for the patterns.
    """

    check: str
    subject: str | None
    subject_glob: str | None
    reason: str
    owner: str
    expires: date

    def covers(self, check: str, subject: str) -> bool:
        """Whether it is about this finding, expired or not."""
        if check != self.check:
            return False
        return subject == self.subject if self.subject_glob is None else matches(self.subject_glob, subject)

    def is_expired(self, today: date) -> bool:
        """Whether its last day, `expires`, is over."""
        return today > self.expires


@dataclass(frozen=True, slots=True)
class Attestation:
    """What no program can see, and a person says was done: on the day `done`, by `by`; it holds for `valid_days` days."""

    id: str
    title: str
    done: date
    by: str
    valid_days: int
    severity: Severity = Severity.MEDIUM

    @property
    def valid_until(self) -> date:
        """The last day on which it holds."""
        return date.fromordinal(min(self.done.toordinal() + self.valid_days, date.max.toordinal()))

    def holds(self, today: date) -> bool:
        """Whether it is of force: done by now, which a day in the future is not, and not out of date."""
        return self.done <= today <= self.valid_until


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy with everything it extends.

    `checks` has the enabled and the disabled ones, by id; a check that is not in it is not run. `origin` is the policy's file, `files`
    every file of the chain, those that are overridden first. `digest` is the SHA-256 (hexadecimal) over the files' own in that order.
    """

    name: str
    description: str
    origin: str
    checks: Mapping[str, Selection]
    digest: str
    gate: Gate = Gate()
    waivers: tuple[Waiver, ...] = ()
    attestations: tuple[Attestation, ...] = ()
    files: tuple[str, ...] = field(default=())
