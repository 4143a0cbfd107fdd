"""php-cgi, started through mod_fcgid or by an Action: what it runs for a request (sapi/cgi/cgi_main.c).

It looks for the script as FPM does, but knows no security.limit_extensions, no PHP_VALUE and no addresses before SCRIPT_FILENAME.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from hardaudit.model.gap import GapReason
from hardaudit.target.walk import canonical
from hardaudit_plugins.web.php.fpm_request import DEFAULTS, FpmAnswer, check_lengths, open_script
from hardaudit_plugins.web.php.ini_files import IniConfiguration, is_on, read_ini
from hardaudit_plugins.web.php.pool import Pool
from hardaudit_plugins.web.php.script import UndecidedError, View, choose_script
from hardaudit_plugins.web.verdict import Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardaudit_plugins.web.evidence import Evidence
    from hardaudit_plugins.web.files import Files

_DEBIAN = re.compile(r"/usr/(?:bin/php-cgi|lib/cgi-bin/php)([0-9]{1,2}\.[0-9]{1,2})\Z")
_ELSEWHERE = {
    "/usr/bin/php-cgi": ("/etc", "/etc/php.d"),
    "/usr/local/bin/php-cgi": ("/usr/local/etc/php", "/usr/local/etc/php/conf.d"),
}


_loaded: WeakKeyDictionary[Evidence, dict[str, Cgi]] = WeakKeyDictionary()
"""Of each run; many requests ask for the same program."""


@dataclass(frozen=True, slots=True)
class Cgi:
    """A php-cgi: its program, the version (`8.2`, empty if not known), and the ini files that it reads."""

    program: str
    version: str
    base: IniConfiguration = field(repr=False)

    def answer(self, parameters: Mapping[str, str], files: Files, *, fastcgi: bool) -> FpmAnswer:
        """What runs for a request with these parameters (SCRIPT_FILENAME, PATH_TRANSLATED, REDIRECT_STATUS …).

        `fastcgi`: started by mod_fcgid and the like; otherwise as a CGI program, which wants to know that it was reached by an Action.
        """
        pool = Pool(
            "", self.version, "", "", "", "", (), {}, {}, Place(self.base.files[0] if self.base.files else self.program, 1), self.base
        )
        try:
            check_lengths(parameters)
            answer = self._answer(pool, parameters, files, fastcgi=fastcgi)
            if answer.script is None and not self.base.complete:
                raise UndecidedError(f"not every ini file of {self.program} could be read")
        except UndecidedError as error:
            return FpmAnswer(None, str(error), pool.place, undecided=True)
        except OSError as error:
            return FpmAnswer(None, f"{error.filename or 'a file'}: {error.strerror or error}", pool.place, undecided=True)
        return answer

    def _answer(self, pool: Pool, parameters: Mapping[str, str], files: Files, *, fastcgi: bool) -> FpmAnswer:
        if not fastcgi and is_on(pool.setting("cgi.force_redirect", "1")):
            named = pool.setting("cgi.redirect_status_env", "")
            if (named or "REDIRECT_STATUS") not in parameters:
                if "REDIRECT_STATUS" in parameters or "HTTP_REDIRECT_STATUS" in parameters:
                    raise UndecidedError("cgi.force_redirect: a php-cgi from before 2024-09 (CVE-2024-8927) takes this for a redirect")
                return FpmAnswer(None, "cgi.force_redirect: php-cgi runs nothing that no Action led to", pool.place)
        view = View(files, "")
        chosen = choose_script(parameters, lambda name: pool.setting(name, DEFAULTS[name]), view, cgi=True)
        return open_script(pool, chosen, {}, parameters.get("DOCUMENT_ROOT"), files)


def load_cgi(evidence: Evidence, program: str) -> Cgi:
    """The php-cgi at a path, read once. One that is a script, or in no known place, makes a gap: which ini files it reads is not known."""
    loaded = _loaded.setdefault(evidence, {})
    if program not in loaded:
        loaded[program] = _load(evidence, program)
    return loaded[program]


def _load(evidence: Evidence, program: str) -> Cgi:
    try:
        real = canonical(evidence.target, program)
    except OSError as error:
        evidence.gap_for(error, program)
        return Cgi(program, "", IniConfiguration(complete=False))
    debian = _DEBIAN.match(real)
    if debian:
        directory = f"/etc/php/{debian.group(1)}/cgi"
        return Cgi(program, debian.group(1), read_ini(evidence, "cgi-fcgi", directory, f"{directory}/conf.d"))
    if real in _ELSEWHERE:
        return Cgi(program, "", read_ini(evidence, "cgi-fcgi", *_ELSEWHERE[real]))
    evidence.gap(GapReason.UNSUPPORTED, f"{program}: which ini files this program reads is not known")
    return Cgi(program, "", IniConfiguration(complete=False))
