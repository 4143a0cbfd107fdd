"""sshd's keywords: how each is read, which of several lines wins, whether `Match` may set it, which versions have it.

Source: servconf.c of OpenSSH 7.4 to 10.0, and of Debian's and Red Hat's patched versions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from hardaudit_plugins.ssh import sshd_compound as compound
from hardaudit_plugins.ssh import sshd_values as values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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


def _each(names: str, like: Keyword) -> Iterable[Keyword]:
    return (replace(like, name=name) for name in names.split())


_FORWARDING = values.choice({"yes": "yes", "all": "yes", "no": "no", "remote": "remote", "local": "local"})
_ROOT = {"without-password": "without-password", "prohibit-password": "without-password"}
_OTHER_ROOT = ("forced-commands-only", "yes", "no")
_LEVELS = {name: name.upper() for name in ("fatal", "error", "info", "verbose", "debug", "debug2", "debug3")}
_HASHES = ("md5", "sha1", "sha256", "sha384", "sha512")
_FACILITIES = ("daemon", "user", "auth", "authpriv", *(f"local{number}" for number in range(8)))

_ALL: tuple[Keyword, ...] = (
    Keyword("port", values.port, wins=Wins.ALL, lines=True),
    Keyword("addressfamily", values.choice({"inet": "inet", "inet6": "inet6", "any": "any"})),
    Keyword("listenaddress", compound.listen_address, wins=Wins.ALL, lines=True),
    *_each("usepam ignoreuserknownhosts kerberosorlocalpasswd kerberosticketcleanup gssapicleanupcredentials", Keyword("", values.flag)),
    *_each("gssapistrictacceptorcheck printmotd printlastlog strictmodes tcpkeepalive usedns", Keyword("", values.flag)),
    *_each("hostbasedauthentication hostbasedusesnamefrompacketonly pubkeyauthentication", Keyword("", values.flag, match=True)),
    *_each("kerberosauthentication gssapiauthentication passwordauthentication x11forwarding", Keyword("", values.flag, match=True)),
    *_each(
        "kbdinteractiveauthentication x11uselocalhost permittty permituserrc permitemptypasswords", Keyword("", values.flag, match=True)
    ),
    *_each("allowagentforwarding streamlocalbindunlink", Keyword("", values.flag, match=True)),
    Keyword("disableforwarding", values.flag, match=True, since=(7, 4)),
    Keyword("exposeauthinfo", values.flag, match=True, since=(7, 6)),
    Keyword("refuseconnection", values.flag, match=True, since=(9, 9)),
    Keyword("challengeresponseauthentication", values.flag, until=(8, 7)),
    Keyword("gssapikeyexchange", values.flag, vendor="any"),
    Keyword("gssapistorecredentialsonrekey", values.flag, vendor="any"),
    Keyword("gssapikexalgorithms", values.text, since=(7, 8), vendor="any"),
    Keyword("debianbanner", values.flag, vendor="debian"),
    Keyword("kerberosusekuserok", values.flag, match=True, vendor="rpm"),
    Keyword("gssapienablek5users", values.flag, match=True, vendor="rpm"),
    Keyword("logingracetime", values.duration),
    Keyword("clientaliveinterval", values.duration, match=True),
    Keyword("unusedconnectiontimeout", compound.duration_or_none, match=True, since=(9, 2)),
    *_each("x11displayoffset maxauthtries maxsessions clientalivecountmax", Keyword("", values.number, match=True)),
    Keyword("requiredrsasize", values.number, match=True, since=(9, 1)),
    Keyword("streamlocalbindmask", values.octal, match=True, wins=Wins.LAST),
    Keyword("permitrootlogin", values.choice({**_ROOT, **{name: name for name in _OTHER_ROOT}}), match=True),
    Keyword("ignorerhosts", values.choice({"yes": "yes", "no": "no", "shosts-only": "shosts-only"}), match=True),
    Keyword("compression", values.choice({"yes": "yes", "delayed": "yes", "no": "no"})),
    Keyword("gatewayports", values.choice({"clientspecified": "clientspecified", "yes": "yes", "no": "no"}), match=True),
    *_each("allowtcpforwarding allowstreamlocalforwarding", Keyword("", _FORWARDING, match=True)),
    Keyword("fingerprinthash", values.choice({name: name.upper() for name in _HASHES}), wins=Wins.LAST),
    *_each("pidfile xauthlocation", Keyword("", values.file_name)),
    Keyword("modulifile", values.file_name, since=(8, 5)),
    Keyword("sshdsessionpath", values.file_name, since=(9, 8)),
    Keyword("sshdauthpath", values.file_name, since=(10, 0)),
    *_each("banner trustedusercakeys revokedkeys", Keyword("", values.file_name, match=True)),
    Keyword("securitykeyprovider", values.file_name_or("internal"), since=(8, 2)),
    Keyword("hostkeyagent", values.file_name_or("SSH_AUTH_SOCK")),
    *_each("hostkey hostcertificate", Keyword("", values.file_name, wins=Wins.ALL, lines=True)),
    Keyword("authorizedprincipalsfile", values.expanded_name, match=True),
    Keyword("authorizedkeysfile", values.expanded_names, match=True),
    *_each("chrootdirectory authorizedkeyscommanduser authorizedprincipalscommanduser", Keyword("", values.text, match=True)),
    Keyword("pamservicename", values.text, match=True, since=(9, 8)),
    Keyword("forcecommand", values.rest_of_line, match=True),
    *_each("authorizedkeyscommand authorizedprincipalscommand", Keyword("", values.command, match=True)),
    Keyword("versionaddendum", compound.version_addendum),
    Keyword("ciphers", values.algorithms("ciphers")),
    Keyword("macs", values.algorithms("macs")),
    Keyword("kexalgorithms", values.algorithms("kexalgorithms")),
    Keyword("hostkeyalgorithms", values.algorithms("hostkeyalgorithms")),
    Keyword("casignaturealgorithms", values.algorithms("casignaturealgorithms"), match=True, since=(7, 9)),
    Keyword("hostbasedacceptedalgorithms", values.algorithms("hostbasedacceptedalgorithms"), match=True, since=(8, 5)),
    Keyword("pubkeyacceptedalgorithms", values.algorithms("pubkeyacceptedalgorithms"), match=True, since=(8, 5)),
    Keyword("loglevel", values.choice({"silent": "SILENT", "quiet": "SILENT", "debug1": "DEBUG", **_LEVELS}), match=True),
    Keyword("syslogfacility", values.choice({name: name.upper() for name in _FACILITIES})),
    Keyword("logverbose", compound.log_verbose, match=True, since=(8, 5)),
    *_each("allowusers denyusers", Keyword("", values.user_patterns, match=True, wins=Wins.ALL, lines=True)),
    *_each("allowgroups denygroups", Keyword("", values.words, match=True, wins=Wins.ALL, lines=True)),
    Keyword("acceptenv", compound.accept_env, match=True, wins=Wins.ALL, lines=True),
    Keyword("setenv", compound.set_env, match=True, lines=True, since=(7, 8)),
    Keyword("authenticationmethods", compound.authentication_methods, match=True),
    Keyword("channeltimeout", compound.channel_timeouts, match=True, since=(9, 2)),
    Keyword("subsystem", compound.subsystem, match=True, lines=True, match_since=(9, 5)),
    Keyword("maxstartups", compound.max_startups, wins=Wins.LAST),
    Keyword("persourcemaxstartups", compound.number_or_none, wins=Wins.LAST, since=(8, 5)),
    Keyword("persourcenetblocksize", compound.net_block_size, wins=Wins.LAST, since=(8, 5)),
    Keyword("persourcepenalties", compound.penalties, since=(9, 8)),
    Keyword("persourcepenaltyexemptlist", compound.exempt_list, since=(9, 8)),
    Keyword("permittunnel", values.exact("no", "point-to-point", "ethernet", "yes"), match=True),
    Keyword("ipqos", compound.qos, match=True, wins=Wins.LAST),
    Keyword("rekeylimit", compound.rekey_limit, match=True),
    Keyword("permitopen", compound.forwardings(bare_port=False), match=True),
    Keyword("permitlisten", compound.forwardings(bare_port=True), match=True, since=(7, 8)),
    Keyword("permituserenvironment", values.text),
    Keyword("pubkeyauthoptions", compound.public_key_options, match=True, since=(8, 2)),
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
