"""What sshd is compiled to do when its configuration says nothing, by version.

Source: fill_default_server_options() and pathnames.h of OpenSSH 7.4 to 10.0 and of Debian's and Red Hat's patches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit_plugins.ssh.sshd_keywords import KEYWORDS, OLD_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardaudit_plugins.ssh.sshd_build import Build

_ETC = "/etc/ssh"

_SAME: Mapping[str, str] = {
    **dict.fromkeys(("port",), "22"),
    "addressfamily": "any",
    **dict.fromkeys(("usepam", "ignoreuserknownhosts", "hostbasedauthentication", "hostbasedusesnamefrompacketonly"), "no"),
    **dict.fromkeys(("kerberosauthentication", "gssapiauthentication", "gssapikeyexchange", "gssapistorecredentialsonrekey"), "no"),
    **dict.fromkeys(("x11forwarding", "permitemptypasswords", "usedns", "disableforwarding", "streamlocalbindunlink"), "no"),
    **dict.fromkeys(("exposeauthinfo", "refuseconnection", "gatewayports", "permittunnel", "permituserenvironment"), "no"),
    "gssapienablek5users": "no",
    **dict.fromkeys(("ignorerhosts", "pubkeyauthentication", "kerberosorlocalpasswd", "kerberosticketcleanup"), "yes"),
    **dict.fromkeys(("gssapicleanupcredentials", "gssapistrictacceptorcheck", "kerberosusekuserok", "passwordauthentication"), "yes"),
    **dict.fromkeys(("challengeresponseauthentication", "printmotd", "printlastlog"), "yes"),
    **dict.fromkeys(("x11uselocalhost", "permittty", "permituserrc"), "yes"),
    **dict.fromkeys(("strictmodes", "tcpkeepalive", "compression", "allowtcpforwarding", "allowagentforwarding"), "yes"),
    **dict.fromkeys(("allowstreamlocalforwarding", "debianbanner"), "yes"),
    "logingracetime": "120",
    "x11displayoffset": "10",
    "maxauthtries": "6",
    "maxsessions": "10",
    "clientaliveinterval": "0",
    "clientalivecountmax": "3",
    "requiredrsasize": "1024",
    "streamlocalbindmask": "0177",
    "unusedconnectiontimeout": "none",
    "fingerprinthash": "SHA256",
    "modulifile": f"{_ETC}/moduli",
    **dict.fromkeys(("banner", "forcecommand", "chrootdirectory", "trustedusercakeys", "revokedkeys", "authorizedprincipalsfile"), "none"),
    **dict.fromkeys(("versionaddendum", "hostkeyagent", "authorizedkeyscommand", "authorizedkeyscommanduser"), "none"),
    **dict.fromkeys(("authorizedprincipalscommand", "authorizedprincipalscommanduser", "persourcepenaltyexemptlist"), "none"),
    **dict.fromkeys(("persourcemaxstartups", "pubkeyauthoptions"), "none"),
    "securitykeyprovider": "internal",
    "loglevel": "INFO",
    "syslogfacility": "AUTH",
    "authenticationmethods": "any",
    **dict.fromkeys(("permitopen", "permitlisten"), "any"),
    "maxstartups": "10",
    "maxstartups.rate": "30",
    "maxstartups.full": "100",
    "persourcenetblocksize": "32",
    "persourcenetblocksize.ipv6": "128",
    "rekeylimit": "0",
    "rekeylimit.interval": "0",
    "pamservicename": "sshd",
    "gssapikexalgorithms": (
        "gss-group14-sha256-,gss-group16-sha512-,gss-nistp256-sha256-,gss-curve25519-sha256-,gss-group14-sha1-,gss-gex-sha1-"
    ),
    "persourcepenalties.enabled": "yes",
    **{f"persourcepenalties.{name}": value for name, value in (("crash", "90"), ("authfail", "5"), ("noauth", "1"))},
    **{f"persourcepenalties.{name}": "10" for name in ("grace-exceeded", "refuseconnection")},
    **{f"persourcepenalties.{name}": value for name, value in (("max", "600"), ("min", "15"))},
    **{f"persourcepenalties.{name}": "65536" for name in ("max-sources4", "max-sources6")},
    "persourcepenalties.overflow": "permissive",
}

_CHANGED: Mapping[str, tuple[tuple[tuple[int, int], str], ...]] = {
    "permitrootlogin": (((0, 0), "yes"), ((7, 0), "without-password")),
    "kbdinteractiveauthentication": (((0, 0), "no"), ((8, 7), "yes")),
}
"""Defaults that a version changed; without the version they are not known."""

_ADDED: Mapping[str, tuple[tuple[int, int], str]] = {"channeltimeout": ((10, 0), "none")}
"""Defaults that `sshd -T` prints from some version on."""

_DISTRIBUTORS: Mapping[str, Mapping[str, str]] = {
    "debian": {
        "ipqos": "lowdelay throughput",
        "xauthlocation": "/usr/bin/xauth",
        "pidfile": "/run/sshd.pid",
        "sshdsessionpath": "/usr/lib/openssh/sshd-session",
        "sshdauthpath": "/usr/lib/openssh/sshd-auth",
    },
    "rpm": {
        "xauthlocation": "/usr/bin/xauth",
        "pidfile": "/var/run/sshd.pid",
        "sshdsessionpath": "/usr/libexec/openssh/sshd-session",
        "sshdauthpath": "/usr/libexec/openssh/sshd-auth",
    },
}

_LISTS: Mapping[str, tuple[str, ...]] = {
    "authorizedkeysfile": (".ssh/authorized_keys", ".ssh/authorized_keys2"),
    "hostkey": tuple(f"{_ETC}/ssh_host_{kind}_key" for kind in ("rsa", "ecdsa", "ed25519")),
}

_RPM_ROOT_LOGIN_KNOWN = (8, 0)


def compiled_default(build: Build, setting: str) -> tuple[str, ...] | None:
    """The values a setting has without a line; empty for none at all; None when they are not known for this build."""
    keyword = setting.partition(".")[0]
    if keyword in KEYWORDS and not (build.knows(keyword) or keyword in OLD_NAMES):
        return ()
    if setting in _LISTS:
        return _LISTS[setting]
    value = _SAME.get(setting) or _DISTRIBUTORS.get(build.vendor, {}).get(setting) or _by_version(build, setting)
    if value is not None:
        return (value,)
    listed = build.default_algorithms(setting)
    if listed is not None:
        return (",".join(listed),)
    return None if setting in UNCERTAIN else ()


def _by_version(build: Build, setting: str) -> str | None:
    if setting in _ADDED and build.at_least(*_ADDED[setting][0]):
        return _ADDED[setting][1]
    if build.version is None or setting not in _CHANGED:
        return None
    if setting == "permitrootlogin" and build.vendor == "rpm" and build.version < _RPM_ROOT_LOGIN_KNOWN:
        return None  # Red Hat kept "yes" in its builds for years after upstream had changed
    return [value for since, value in _CHANGED[setting] if since <= build.version][-1]


UNCERTAIN = frozenset(
    {
        *_CHANGED,
        *("ciphers", "macs", "kexalgorithms", "hostkeyalgorithms", "pubkeyacceptedalgorithms", "hostbasedacceptedalgorithms"),
        "casignaturealgorithms",
    }
)
"""Settings whose default may be unknown; that is a gap. Others without a known default have no row."""
