"""Lines that are there to keep PHP from running in a directory, and whether they do.

What a line does is found by evaluating the configuration without any such line, and with that one alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit_plugins.web.apache.dormant import dormant_protections
from hardaudit_plugins.web.apache.pcre import UndecidedError
from hardaudit_plugins.web.apache.protective import is_about_php, protection_kind
from hardaudit_plugins.web.apache.refused import RefusedError
from hardaudit_plugins.web.apache.request_state import RequestState
from hardaudit_plugins.web.apache.state import State
from hardaudit_plugins.web.choices import Choices
from hardaudit_plugins.web.execution import Execution, ways_of
from hardaudit_plugins.web.files import Files
from hardaudit_plugins.web.site import Protection
from hardaudit_plugins.web.verdict import best

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit_plugins.web.apache.directive import Directive
    from hardaudit_plugins.web.apache.sections import Layer
    from hardaudit_plugins.web.apache.server import ApacheSite
    from hardaudit_plugins.web.execution import Way
    from hardaudit_plugins.web.verdict import Place, Verdict

_NAMES = ("x.php", "x.phtml", "x.phar", "x.php.jpg", "x.jpg/a.php", "sub/x.php")
_MOST_LINES = 40


def protections_of(site: ApacheSite, directory: str) -> Iterator[Protection]:
    """The protections of a directory that are in effect or meant to be; then those that the server never reads."""
    ways = [way for way in ways_of(site, directory) if way.file is None]
    if not ways:
        return
    trial = _Trial(site, ways)
    lines = list(_lines(site, ways))
    if len(lines) > _MOST_LINES:
        detail = f"{directory}: more than {_MOST_LINES} lines are there to keep PHP from running; only the first are looked at"
        site.host_server.evidence.gap(GapReason.TRUNCATED, detail)
    places = frozenset(directive.place for directive in lines)
    bare = trial.verdicts(places)
    if any(verdict.executes is not False for verdict in bare.values()):
        for directive in lines[:_MOST_LINES]:
            yield trial.judged(directive, directory, places, bare)
    yield from dormant_protections(site, directory)


def _lines(site: ApacheSite, ways: list[Way]) -> Iterator[Directive]:
    """The protective directives of the sections and files that speak about the standard names."""
    seen: set[Place] = set()
    for way in ways:
        for name in _NAMES:
            for layer in _layers(site, way, name):
                for directive in layer.directives:
                    if directive.place not in seen and _is_meant(directive, layer, site):
                        seen.add(directive.place)
                        yield directive
    for directive in site.host_server.every("rewriterule", "redirect", "redirectmatch"):
        mentions = any(part in directive.arguments for way in ways for part in way.url.split("/") if len(part) > 2)
        if protection_kind(directive) is not None and (mentions or is_about_php(directive.arguments)):
            yield directive


def _layers(site: ApacheSite, way: Way, name: str) -> list[Layer]:
    server = site.host_server
    stored, _, rest = name.partition("/") if name.startswith("x.jpg/") else (name, "", "")
    files = Files(server.evidence.target, {f"{way.path.rstrip('/')}/{stored}": ""})
    state = State.of(RequestState(way.url + name, server.document_root, site.name, port=server.port))
    state.map_to(f"{way.path.rstrip('/')}/{stored}", f"/{rest}" if rest else "")
    try:
        return server.walker.walk(state, files, Choices((), crafted=False)).layers
    except RefusedError:
        pass  # nothing of the directory is served: there is no line to find
    except UndecidedError as error:
        server.evidence.gap(GapReason.UNDECIDABLE, f"{way.path}: {error.reason}")
    except OSError as error:
        server.evidence.gap_for(error, way.path)
    return server.walker.start().layers


def _is_meant(directive: Directive, layer: Layer, site: ApacheSite) -> bool:
    """Whether a line is a protection of the directory, rather than the host's general rule that everything is refused."""
    if protection_kind(directive) is None or layer.directory in (None, "/"):
        return False
    closes = directive.name in ("require", "requireall", "requireany", "requirenone", "deny", "order", "limit", "limitexcept")
    return not closes or not f"{site.host_server.document_root}/".startswith(str(layer.directory))


@dataclass(frozen=True, slots=True)
class _Trial:
    """Tries what runs without some lines."""

    site: ApacheSite
    ways: list[Way]

    def verdicts(self, left_out: frozenset[Place]) -> dict[str, Verdict]:
        """The verdict on each standard name."""
        execution, ways = self._without(left_out)
        answers = {name: [answer for way in ways if (answer := execution.answer(way, name)) is not None] for name in _NAMES}
        return {name: best(answer.verdict for answer in found) for name, found in answers.items()}

    def _without(self, left_out: frozenset[Place]) -> tuple[Execution, list[Way]]:
        server = self.site.host_server
        server.evidence.check_deadline()
        other = replace(self.site, host_server=server.without(left_out))
        return Execution(server.evidence.target, server.fpm, check_deadline=server.evidence.check_deadline), [
            replace(way, site=other) for way in self.ways
        ]

    def judged(self, directive: Directive, directory: str, places: frozenset[Place], bare: dict[str, Verdict]) -> Protection:
        """What a line does by itself, and what it leaves."""
        alone = self.verdicts(places - {directive.place})
        kind = protection_kind(directive) or directive.spelled
        kept = [name for name in _NAMES if bare[name].executes and alone[name].executes is False]
        if kept:
            execution, ways = self._without(places - {directive.place})
            attack = replace(execution, crafted=True)
            undone = any(attack.takeover(way).executes for way in ways)
            return Protection(directory, kind, True, f"without it {', '.join(kept)} would run", directive.place, undone)
        undecided = next((verdict for verdict in (*bare.values(), *alone.values()) if verdict.executes is None), None)
        if undecided is not None:
            return Protection(directory, kind, None, undecided.reason, directive.place)
        running = next(((name, verdict) for name, verdict in alone.items() if verdict.executes), None)
        if running is None:
            return Protection(directory, kind, False, "nothing that it is about would run without it", directive.place)
        name, verdict = running
        return Protection(directory, kind, False, f"{name} runs all the same: {_why(verdict)}", directive.place)


def _why(verdict: Verdict) -> str:
    return f"{verdict.handler} by {verdict.place}" if verdict.place else f"{verdict.handler}"
