"""PHP-FPM: its pools, and what a pool does with a FastCGI request.

A pool that is configured counts as running: whether a service is started this minute says nothing about the next reboot.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hardaudit_plugins.web.files import Files
from hardaudit_plugins.web.php.addresses import Address, may_reach, parse_address
from hardaudit_plugins.web.php.fpm_config import read_fpm
from hardaudit_plugins.web.php.fpm_places import FpmPlaces
from hardaudit_plugins.web.php.fpm_request import FpmAnswer, answer_of_pool
from hardaudit_plugins.web.php.ini_files import read_ini
from hardaudit_plugins.web.php.pool import IniValue, Pool, pool_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hardaudit.target.target import Target
    from hardaudit_plugins.web.evidence import Evidence
    from hardaudit_plugins.web.php.fpm_places import FpmPlace

__all__ = ["Fpm", "FpmAnswer", "IniValue", "Pool", "load_fpm"]

_MOST_LINKS = 40
_OTHER_SERVERS = ("/usr/bin/spawn-fcgi", "/usr/bin/docker", "/usr/bin/dockerd", "/usr/bin/podman", "/snap/bin/docker")
"""Programs that put sockets of FastCGI servers where FPM's configuration does not say."""


@dataclass(frozen=True, slots=True)
class Fpm:
    """Every pool of the host. `complete`: every place where FPM keeps pools was read, so an address that no pool has is nobody's.

    `foreign`: Unix sockets that something listens on now (only on a live host), and programs that listen for FastCGI beside FPM.
    """

    pools: Sequence[Pool]
    complete: bool
    foreign: frozenset[str] = frozenset()
    target: Target | None = field(default=None, repr=False, compare=False)

    def pool_at(self, address: str) -> Pool | None:
        """The pool that listens on an address as a server's configuration writes it (`unix:/path`, `/path`, `host:port`, `port`).

        None where no pool does, and where more than one does or may.
        """
        found, sure = self._pools_at(parse_address(address))
        return found[0] if sure and len(found) == 1 else None

    def answer(self, address: str, parameters: Mapping[str, str], files: Files) -> FpmAnswer:
        """What runs for a FastCGI request with these parameters (SCRIPT_FILENAME, PATH_INFO, DOCUMENT_ROOT, PHP_ADMIN_VALUE …).

        All parameters that the server sends count: one without REQUEST_METHOD runs nothing, as FPM drops it. `script` has no links.
        """
        asked = parse_address(address)
        found, sure = self._pools_at(asked)
        if not found:
            return self._nobody(address, asked)
        answers = [answer_of_pool(pool, parameters, files) for pool in found]
        first = answers[0]
        if sure and all((other.script, other.undecided) == (first.script, first.undecided) for other in answers):
            return first
        return FpmAnswer(None, f"several PHP-FPM pools may listen at {address}", first.place, undecided=True)

    def _pools_at(self, asked: Address) -> tuple[list[Pool], bool]:
        """The pools that listen there, and whether that is sure."""
        if asked.path:
            wanted = {asked.path, _resolved(self.target, asked.path)}
            return [pool for pool in self.pools if wanted & {_path_of(pool), _resolved(self.target, _path_of(pool))} - {""}], True
        reached = [(pool, may_reach(asked, parse_address(pool.listen))) for pool in self.pools if not _path_of(pool)]
        return [pool for pool, reach in reached if reach is not False], all(reach is not None for _, reach in reached)

    def _nobody(self, address: str, asked: Address) -> FpmAnswer:
        reason = f"no PHP-FPM pool listens at {address}"
        if not asked.path:
            return FpmAnswer(None, f"{reason}: a container or another host may", undecided=True)
        if not self.complete:
            return FpmAnswer(None, f"{reason} of those that could be read", undecided=True)
        others = self.foreign & {asked.path, _resolved(self.target, asked.path), *_OTHER_SERVERS}
        if others:
            return FpmAnswer(None, f"{reason}, but something else may: {min(others)}", undecided=True)
        return FpmAnswer(None, reason, status=502)


def _path_of(pool: Pool) -> str:
    return parse_address(pool.listen).path


def _resolved(target: Target | None, path: str) -> str:
    """The path that the socket's links lead to, whether or not there is a socket now; as far as they can be read."""
    if target is None or not path:
        return path
    files = Files(target, {})
    for _ in range(_MOST_LINKS):
        directory, _, name = path.rpartition("/")
        try:
            path = f"{files.real(directory or '/').rstrip('/')}/{name}"
            path = posixpath.join(path.rpartition("/")[0], target.readlink(path))
        except OSError:  # no link, or none that may be read: the path is compared as it is
            break
    return parse_address(path).path if path.startswith("/") else path


def load_fpm(evidence: Evidence) -> Fpm:
    """The pools of every PHP version installed."""
    pools: list[Pool] = []
    found = FpmPlaces(evidence)
    complete = found.complete
    for place in found.places:
        loaded, understood = load_place(evidence, place)
        pools += [replace(pool, base=replace(pool.base, complete=False)) for pool in loaded] if found.overridden else loaded
        complete = complete and understood
    return Fpm(tuple(pools), complete, _foreign(evidence), evidence.target)


def load_place(evidence: Evidence, place: FpmPlace) -> tuple[list[Pool], bool]:
    """The pools of one php-fpm, and whether its configuration is understood."""
    base = read_ini(evidence, "fpm-fcgi", place.ini_directory, place.scan_directory)

    def variable(name: str) -> str | None:
        setting = base.values.get(name)
        return None if setting is None else setting.value

    configuration = read_fpm(evidence, place.config, place.prefix, variable)
    pools = [pool_of(section, place, base, configuration.refused) for section in configuration.pools]
    return pools, configuration.refused is None


def _foreign(evidence: Evidence) -> frozenset[str]:
    found = {program for program in _OTHER_SERVERS if _exists(evidence, program)}
    if evidence.target.live:
        text = evidence.read_text("/proc/net/unix") or ""
        for line in text.splitlines()[1:]:
            fields = line.split(None, 7)
            if len(fields) == 8 and fields[7].startswith("/"):
                found.add(parse_address(fields[7]).path)
    return frozenset(found)


def _exists(evidence: Evidence, path: str) -> bool:
    try:
        return evidence.target.exists(path)
    except OSError as error:
        evidence.gap_for(error, path)
        return True
