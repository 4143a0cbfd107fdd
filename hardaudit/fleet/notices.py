"""What a reader of a fleet's report must know of how it came about: lost lines, wrong clocks, strange hosts. One sentence each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.report.escape import printable

if TYPE_CHECKING:
    from hardaudit.fleet.fleet_result import FleetResult
    from hardaudit.fleet.reading import FileReading

FILES_NAMED = 10
"""Files of which something is lost that are named one by one."""

_HOSTS_NAMED = 5


def notices(result: FleetResult) -> list[str]:
    """The notices, escaped: paths and identifiers are the hosts' texts."""
    reading = result.reading
    found = [_file(file) for file in reading.problems[:FILES_NAMED]]
    if len(reading.problems) > FILES_NAMED:
        rest = reading.problems[FILES_NAMED:]
        found.append(f"{len(rest):,} more files have {sum(file.unusable for file in rest):,} lines that cannot be used")
    if reading.future and reading.future_hosts:
        hosts = _names(reading.future_hosts)
        found.append(f"{_lines(reading.future)} dated in the future and not counted, the clock is wrong there or here: {hosts}")
    elif reading.future:
        found.append(f"{_lines(reading.future)} dated after the time as of which this is, and not counted")
    if reading.other_policies:
        packs = _names([pack for pack, _ in reading.other_policies])
        found.append(f"{_lines(sum(count for _, count in reading.other_policies))} of packs of other policies and not counted: {packs}")
    if reading.refused:
        found.append(f"{_lines(reading.refused)} of more hosts than can be told apart, and not read")
    if reading.shortened:
        results = _count(reading.shortened, "result")
        found.append(
            f"{results} with more rows than are kept: the checks fail, but their findings are not all there, and no waiver covers the rest"
        )
    if reading.ignored_hosts:
        found.append(f"not on the list of hosts, and without any of the policy's queries: {_names(reading.ignored_hosts)}")
    strange = [host.identifier for host in result.hosts if host.expected is False]
    if strange:
        found.append(f"not on the list of hosts, but scored, for the policy's queries run there: {_names(strange)}")
    for notice in result.waivers:
        waiver = notice.waiver
        subject = printable(waiver.subject or waiver.subject_glob or "")
        found.append(
            f"waiver for {waiver.check}, {subject}: {notice.status} (expires {waiver.expires.isoformat()}, {printable(waiver.owner)})"
        )
    found += [f"plugin {printable(plugin.name)} was refused: {printable(plugin.refused)}" for plugin in result.plugins if plugin.refused]
    return found


def _file(file: FileReading) -> str:
    """What is lost of a file."""
    parts = [
        f"{count:,} {what}"
        for count, what in ((file.cut, "cut or no JSON"), (file.malformed, "malformed"), (file.too_long, "too long to be read"))
        if count
    ]
    said = []
    if parts:
        nobody = f"; of {file.unattributed:,} the host cannot be told" if file.unattributed else ""
        said.append(f"of {_count(file.lines, 'line')}, {', '.join(parts)}{nobody}")
    if file.follows_gap:
        said.append("the file rotated before it is missing")
    if file.error is not None:
        said.append(f"not read to the end: {printable(file.error)}")
    return f"{printable(file.path)}: {'; '.join(said)}"


def _lines(count: int) -> str:
    return f"{count:,} line is" if count == 1 else f"{count:,} lines are"


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _names(hosts: tuple[str, ...] | list[str]) -> str:
    named = ", ".join(printable(host[:80]) for host in hosts[:_HOSTS_NAMED])
    return f"{named} and {len(hosts) - _HOSTS_NAMED:,} more" if len(hosts) > _HOSTS_NAMED else named
