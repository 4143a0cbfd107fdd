"""An audit: every check of a policy against a target, then score and gate."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from hardaudit import __version__
from hardaudit.audit.score import gate, score
from hardaudit.audit.sources import EMBEDDED
from hardaudit.audit.verdict import decide
from hardaudit.errors import UsageError
from hardaudit.model import host_text
from hardaudit.model import result as model
from hardaudit.model.result import CheckResult, State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from hardaudit.audit.registry import Registry
    from hardaudit.engine.engine import Bounds, Engine
    from hardaudit.model.policy import Attestation, Policy, Waiver

_EXPIRING_DAYS = 30

Progress = Callable[[int, int, str], None]
"""Called before each check with its number from 0, how many there are, and its id."""


def audit(  # noqa: PLR0913 what an audit is made of
    policy: Policy,
    registry: Registry,
    engine: Engine,
    bounds: Bounds,
    only: Sequence[str] = (),
    progress: Progress | None = None,
    source: tuple[str, str] = (EMBEDDED, ""),
) -> model.Result:
    """Run the policy's checks, or those whose id matches one of `only`. Raises UsageError when that leaves none.

    `source`: where the engine's tables come from, and which osquery that is in words.
    """
    started, clock = datetime.now(timezone.utc), time.monotonic()
    names = chosen(policy, only)
    results = [attested(attestation, started.date()) for attestation in policy.attestations if not only]
    for number, name in enumerate(names):
        if progress:
            progress(number, len(names), name)
        check = registry.checks[name]
        result = decide(check, policy.checks[name], engine, bounds)
        results.append(waive(result, policy.waivers, started.date()))
    checks = tuple(sorted(results, key=lambda result: result.id))
    scored = score(checks)
    return model.Result(
        version=__version__,
        target=_target(engine),
        policy=policy_notice(policy, only),
        source=source[0],
        source_detail=source[1],
        started=started,
        duration_s=time.monotonic() - clock,
        gate=gate(policy.gate, checks, scored),
        score=scored,
        checks=checks,
        waivers=waiver_notices(policy, checks, started.date(), complete=not only),
        plugins=plugin_notices(registry),
    )


def chosen(policy: Policy, only: Sequence[str]) -> list[str]:
    """The policy's enabled checks, or those whose id matches one of `only`, sorted. Raises UsageError when that leaves none."""
    enabled = sorted(name for name, selection in policy.checks.items() if selection.enabled)
    names = [name for name in enabled if not only or any(fnmatchcase(name, pattern) for pattern in only)]
    if not names:
        asked = f"--only {' --only '.join(only)} matches no check of it" if only else "it selects no check"
        raise UsageError(f"policy {policy.name}: {asked}; `hardaudit show POLICY` lists its checks")
    return names


def attested(attestation: Attestation, today: date) -> CheckResult:
    """An attestation as a check: it passes while it holds."""
    holds = attestation.holds(today)
    if holds:
        reason = None
    elif attestation.done > today:
        reason = f"attested for {attestation.done.isoformat()}, which is still to come"
    else:
        reason = f"out of date since {attestation.valid_until.isoformat()}"
    return CheckResult(
        id=f"attestation/{attestation.id}",
        title=attestation.title,
        severity=attestation.severity,
        state=State.PASS if holds else State.MANUAL,
        reason=reason,
        findings=(),
        gaps=(),
        rows=0,
        duration_ms=0.0,
        rationale=f"Attested by {attestation.by} on {attestation.done.isoformat()}, for {attestation.valid_days} days.",
        remediation="Do it again, then renew the attestation in the policy.",
        references={},
        digest="",
    )


def waive(result: CheckResult, waivers: Sequence[Waiver], today: date) -> CheckResult:
    """The result with the unexpired waivers laid over its findings; its state stays."""
    in_force = [waiver for waiver in waivers if waiver.check == result.id and not waiver.is_expired(today)]
    if not in_force:
        return result
    findings = tuple(
        dataclasses.replace(finding, waiver=next((waiver for waiver in in_force if waiver.covers(result.id, finding.subject)), None))
        for finding in result.findings
    )
    return dataclasses.replace(result, findings=findings)


def waiver_notices(policy: Policy, checks: Sequence[CheckResult], today: date, *, complete: bool) -> tuple[model.WaiverNotice, ...]:
    """Waivers that are expired, soon will be, or cover nothing; a run of some checks only cannot tell the last."""
    used = {id(finding.waiver) for check in checks for finding in check.findings if finding.waiver}
    notices = []
    for waiver in policy.waivers:
        if waiver.is_expired(today):
            notices.append(model.WaiverNotice(waiver, "expired"))
        elif (waiver.expires - today).days <= _EXPIRING_DAYS:
            notices.append(model.WaiverNotice(waiver, "expiring"))
        if complete and id(waiver) not in used and not waiver.is_expired(today):
            notices.append(model.WaiverNotice(waiver, "unused"))
    return tuple(notices)


def policy_notice(policy: Policy, only: Sequence[str]) -> model.PolicyNotice:
    """What was asked."""
    disabled: Mapping[str, str] = {
        name: selection.reason or "" for name, selection in sorted(policy.checks.items()) if not selection.enabled
    }
    origin = host_text.decode(os.fsencode(policy.origin))
    return model.PolicyNotice(policy.name, origin, policy.digest, len(policy.checks) - len(disabled), disabled, tuple(only))


def plugin_notices(registry: Registry) -> tuple[model.PluginNotice, ...]:
    """The plugins that took part, then those that were refused."""
    used = [model.PluginNotice(plugin.name, plugin.distribution, plugin.version, plugin.digest) for plugin in registry.manager.plugins]
    refused = [model.PluginNotice(refusal.name, "", "", "", refusal.reason) for refusal in registry.manager.refusals]
    return (*used, *refused)


def _target(engine: Engine) -> model.TargetNotice:
    """What is audited, named from the target's own files; a name that cannot be read is empty."""
    target = engine.target
    return model.TargetNotice(
        kind="live" if target.live else "root",
        root=host_text.decode(os.fsencode(target.root)),
        system=_one_line(engine, "SELECT name || ' ' || version FROM os_version", "os_version"),
        hostname=_hostname(engine),
    )


def _one_line(engine: Engine, sql: str, table: str) -> str:
    if table not in engine.tables:
        return ""
    rows = engine.run(sql).tuples
    return str(rows[0][0] or "") if rows else ""


def _hostname(engine: Engine) -> str:
    try:
        return engine.target.read_text("/etc/hostname", 4096).strip()
    except OSError:
        return ""  # a label of the report, no evidence
