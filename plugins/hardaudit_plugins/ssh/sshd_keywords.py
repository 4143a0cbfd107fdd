"""sshd's keywords: how each is read, which of several lines wins, whether `Match` may set it, which versions have it.

Source: servconf.c of OpenSSH 7.4 to 10.0, and of Debian's and Red Hat's patched versions.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypedDict

from hardaudit_plugins.ssh import sshd_compound as compound
from hardaudit_plugins.ssh import sshd_values as values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from typing_extensions import Unpack

    from hardaudit_plugins.ssh.sshd_values import Parser

_NEVER = (999, 0)


class Wins(Enum):
    """Which of several active lines counts: the first, the last, or all of them, one after another."""

    FIRST = "first"
    LAST = "last"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Keyword:
    """A keyword.

    `name` is as `sshd -T` prints it. `match`: allowed in a `Match` block. `lines`: each value is a line of its own in `sshd -T`.
    `since`, `until`: the first version that has it, the first that has it no more. `vendor`: only in that distributor's builds, `any` for
    Debian's and Red Hat's. `match_since`: the first version in which `Match` may set it.
    """

    name: str
    parse: Parser
    match: bool = False
    wins: Wins = Wins.FIRST
    lines: bool = False
    since: tuple[int, int] = (0, 0)
    until: tuple[int, int] = _NEVER
    vendor: str = ""
    match_since: tuple[int, int] = (0, 0)


class _Properties(TypedDict, total=False):
    match: bool
    wins: Wins
    lines: bool
    since: tuple[int, int]


def _keywords(names: str, parse: Parser, **properties: Unpack[_Properties]) -> Iterable[Keyword]:
    return (Keyword(name, parse, **properties) for name in names.split())


_FORWARDING = values.choice({"yes": "yes", "all": "yes", "no": "no", "remote": "remote", "local": "local"})
_ROOT = {"without-password": "without-password", "prohibit-password": "without-password"}
_LEVELS = {name: name.upper() for name in ("fatal", "error", "info", "verbose", "debug", "debug2", "debug3")}
_HASHES = ("md5", "sha1", "sha256", "sha384", "sha512")
_FACILITIES = ("daemon", "user", "auth", "authpriv", *(f"local{number}" for number in range(8)))

_ALL: tuple[Keyword, ...] = (
    *_keywords("port", values.port, wins=Wins.ALL, lines=True),
    *_keywords("addressfamily", values.choice({"inet": "inet", "inet6": "inet6", "any": "any"})),
    *_keywords("listenaddress", compound.listen_address, wins=Wins.ALL, lines=True),
    *_keywords("usepam ignoreuserknownhosts kerberosorlocalpasswd kerberosticketcleanup gssapicleanupcredentials", values.flag),
    *_keywords("gssapistrictacceptorcheck printmotd printlastlog strictmodes tcpkeepalive usedns", values.flag),
    *_keywords("hostbasedauthentication hostbasedusesnamefrompacketonly pubkeyauthentication", values.flag, match=True),
    *_keywords("kerberosauthentication gssapiauthentication passwordauthentication x11forwarding", values.flag, match=True),
    *_keywords("kbdinteractiveauthentication x11uselocalhost permittty permituserrc permitemptypasswords", values.flag, match=True),
    *_keywords("allowagentforwarding streamlocalbindunlink", values.flag, match=True),
    *_keywords("disableforwarding", values.flag, match=True, since=(7, 4)),
    *_keywords("exposeauthinfo", values.flag, match=True, since=(7, 6)),
    *_keywords("refuseconnection", values.flag, match=True, since=(9, 9)),
    Keyword("challengeresponseauthentication", values.flag, until=(8, 7)),
    Keyword("gssapikeyexchange", values.flag, vendor="any"),
    Keyword("gssapistorecredentialsonrekey", values.flag, vendor="any"),
    Keyword("gssapikexalgorithms", values.text, since=(7, 8), vendor="any"),
    Keyword("debianbanner", values.flag, vendor="debian"),
    Keyword("kerberosusekuserok", values.flag, match=True, vendor="rpm"),
    Keyword("gssapienablek5users", values.flag, match=True, vendor="rpm"),
    *_keywords("logingracetime", values.duration),
    *_keywords("clientaliveinterval", values.duration, match=True),
    *_keywords("unusedconnectiontimeout", compound.duration_or_none, match=True, since=(9, 2)),
    *_keywords("x11displayoffset maxauthtries maxsessions clientalivecountmax", values.number, match=True),
    *_keywords("requiredrsasize", values.number, match=True, since=(9, 1)),
    *_keywords("streamlocalbindmask", values.octal, match=True, wins=Wins.LAST),
    *_keywords(
        "permitrootlogin",
        values.choice({**_ROOT, **{name: name for name in ("forced-commands-only", "yes", "no")}}),
        match=True,
    ),
    *_keywords("ignorerhosts", values.choice({"yes": "yes", "no": "no", "shosts-only": "shosts-only"}), match=True),
    *_keywords("compression", values.choice({"yes": "yes", "delayed": "yes", "no": "no"})),
    *_keywords("gatewayports", values.choice({"clientspecified": "clientspecified", "yes": "yes", "no": "no"}), match=True),
    *_keywords("allowtcpforwarding allowstreamlocalforwarding", _FORWARDING, match=True),
    *_keywords("fingerprinthash", values.choice({name: name.upper() for name in _HASHES}), wins=Wins.LAST),
    *_keywords("pidfile xauthlocation", values.file_name),
    *_keywords("modulifile", values.file_name, since=(8, 5)),
    *_keywords("sshdsessionpath", values.file_name, since=(9, 8)),
    *_keywords("sshdauthpath", values.file_name, since=(10, 0)),
    *_keywords("banner trustedusercakeys revokedkeys", values.file_name, match=True),
    *_keywords("securitykeyprovider", values.file_name_or("internal"), since=(8, 2)),
    *_keywords("hostkeyagent", values.file_name_or("SSH_AUTH_SOCK")),
    *_keywords("hostkey hostcertificate", values.file_name, wins=Wins.ALL, lines=True),
    *_keywords("authorizedprincipalsfile", values.expanded_name, match=True),
    *_keywords("authorizedkeysfile", values.expanded_names, match=True),
    *_keywords("chrootdirectory authorizedkeyscommanduser authorizedprincipalscommanduser", values.text, match=True),
    *_keywords("pamservicename", values.text, match=True, since=(9, 8)),
    *_keywords("forcecommand", values.rest_of_line, match=True),
    *_keywords("authorizedkeyscommand authorizedprincipalscommand", values.command, match=True),
    *_keywords("versionaddendum", compound.version_addendum),
    *_keywords("ciphers", values.algorithms("ciphers")),
    *_keywords("macs", values.algorithms("macs")),
    *_keywords("kexalgorithms", values.algorithms("kexalgorithms")),
    *_keywords("hostkeyalgorithms", values.algorithms("hostkeyalgorithms")),
    *_keywords("casignaturealgorithms", values.algorithms("casignaturealgorithms"), match=True, since=(7, 9)),
    *_keywords("hostbasedacceptedalgorithms", values.algorithms("hostbasedacceptedalgorithms"), match=True, since=(8, 5)),
    *_keywords("pubkeyacceptedalgorithms", values.algorithms("pubkeyacceptedalgorithms"), match=True, since=(8, 5)),
    *_keywords("loglevel", values.choice({"silent": "SILENT", "quiet": "SILENT", "debug1": "DEBUG", **_LEVELS}), match=True),
    *_keywords("syslogfacility", values.choice({name: name.upper() for name in _FACILITIES})),
    *_keywords("logverbose", compound.log_verbose, match=True, since=(8, 5)),
    *_keywords("allowusers denyusers", values.user_patterns, match=True, wins=Wins.ALL, lines=True),
    *_keywords("allowgroups denygroups", values.words, match=True, wins=Wins.ALL, lines=True),
    *_keywords("acceptenv", compound.accept_env, match=True, wins=Wins.ALL, lines=True),
    *_keywords("setenv", compound.set_env, match=True, lines=True, since=(7, 8)),
    *_keywords("authenticationmethods", compound.authentication_methods, match=True),
    *_keywords("channeltimeout", compound.channel_timeouts, match=True, since=(9, 2)),
    Keyword("subsystem", compound.subsystem, match=True, lines=True, match_since=(9, 5)),
    *_keywords("maxstartups", compound.max_startups, wins=Wins.LAST),
    *_keywords("persourcemaxstartups", compound.number_or_none, wins=Wins.LAST, since=(8, 5)),
    *_keywords("persourcenetblocksize", compound.net_block_size, wins=Wins.LAST, since=(8, 5)),
    *_keywords("persourcepenalties", compound.penalties, since=(9, 8)),
    *_keywords("persourcepenaltyexemptlist", compound.exempt_list, since=(9, 8)),
    *_keywords("permittunnel", values.exact("no", "point-to-point", "ethernet", "yes"), match=True),
    *_keywords("ipqos", compound.qos, match=True, wins=Wins.LAST),
    *_keywords("rekeylimit", compound.rekey_limit, match=True),
    *_keywords("permitopen", compound.forwardings(bare_port=False), match=True),
    *_keywords("permitlisten", compound.forwardings(bare_port=True), match=True, since=(7, 8)),
    *_keywords("permituserenvironment", values.text),
    *_keywords("pubkeyauthoptions", compound.public_key_options, match=True, since=(8, 2)),
)

KEYWORDS: Mapping[str, Keyword] = {keyword.name: keyword for keyword in _ALL}
"""Every keyword that sets something, by name."""

ALIASES: Mapping[str, tuple[str, tuple[int, int]]] = {
    "hostdsakey": ("hostkey", (0, 0)),
    "dsaauthentication": ("pubkeyauthentication", (0, 0)),
    "keepalive": ("tcpkeepalive", (0, 0)),
    "gssapicleanupcreds": ("gssapicleanupcredentials", (0, 0)),
    "pubkeyacceptedkeytypes": ("pubkeyacceptedalgorithms", (0, 0)),
    "hostbasedacceptedkeytypes": ("hostbasedacceptedalgorithms", (0, 0)),
    "challengeresponseauthentication": ("kbdinteractiveauthentication", (8, 7)),
    "skeyauthentication": ("kbdinteractiveauthentication", (8, 7)),
    "rsaminsize": ("requiredrsasize", (0, 0)),
}
"""Other names, with the first version in which they stand for the keyword."""

OLD_NAMES: Mapping[str, str] = {
    "pubkeyacceptedalgorithms": "pubkeyacceptedkeytypes",
    "hostbasedacceptedalgorithms": "hostbasedacceptedkeytypes",
}
"""What `sshd -T` calls the keyword in versions that do not have the name yet."""

GLOBAL_ALIASES = frozenset({"hostdsakey", "dsaauthentication", "keepalive"})
"""Other names that `Match` does not allow, whatever they stand for."""

WITHOUT_EFFECT = frozenset(
    {
        *("pamauthenticationviakbdint", "serverkeybits", "keyregenerationinterval", "rhostsauthentication", "rhostsrsaauthentication"),
        *("rsaauthentication", "kerberosgetafstoken", "kerberostgtpassing", "afstokenpassing", "gssusesessionccache"),
        *("gssapiusesessioncredcache", "skeyauthentication", "checkmail", "permitblacklistedkeys", "uselogin", "protocol"),
        *("verifyreversemapping", "reversemappingcheck", "authorizedkeysfile2", "useprivilegeseparation"),
    }
)
"""Keywords that sshd accepts and ignores."""

IGNORED_IN_MATCH = frozenset({"rhostsrsaauthentication", "rsaauthentication", "authorizedkeysfile2"})
"""Those of them that `Match` allows too."""


def exists(keyword: Keyword, version: tuple[int, int], vendor: str) -> bool:
    """Whether a version of OpenSSH, as a distributor builds it, has the keyword. `vendor`: `debian`, `rpm` or empty."""
    return keyword.since <= version < keyword.until and (keyword.vendor in ("", vendor) or (keyword.vendor == "any" and bool(vendor)))


SUBORDINATE = (
    *("rekeylimit.interval", "maxstartups.rate", "maxstartups.full", "persourcenetblocksize.ipv6", "persourcepenalties.enabled"),
    *(f"persourcepenalties.{name}" for name in ("crash", "authfail", "noauth", "grace-exceeded", "refuseconnection", "max", "min")),
    *("persourcepenalties.max-sources4", "persourcepenalties.max-sources6", "persourcepenalties.overflow"),
)
"""Settings that a keyword has besides the one of its own name, each with its own default."""
