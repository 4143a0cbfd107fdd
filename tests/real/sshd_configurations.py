"""Configurations of sshd for property-based tests: every keyword, every spelling, includes and Match blocks."""

from __future__ import annotations

from hypothesis import strategies as st

FLAGS = st.sampled_from(["yes", "no", "Yes", "NO"])
GLOBAL_FLAGS = (
    "UsePAM IgnoreUserKnownHosts KerberosOrLocalPasswd KerberosTicketCleanup GSSAPICleanupCredentials GSSAPIStrictAcceptorCheck PrintMotd"
    " PrintLastLog StrictModes TCPKeepAlive KeepAlive UseDNS DebianBanner GSSAPIKeyExchange"
).split()
MATCH_FLAGS = (
    "HostbasedAuthentication HostbasedUsesNameFromPacketOnly PubkeyAuthentication KerberosAuthentication GSSAPIAuthentication"
    " PasswordAuthentication KbdInteractiveAuthentication ChallengeResponseAuthentication X11Forwarding X11UseLocalhost PermitTTY PermitUserRC"
    " PermitEmptyPasswords AllowAgentForwarding DisableForwarding StreamLocalBindUnlink ExposeAuthInfo"
).split()
NUMBERS = st.sampled_from(["0", "1", "3", "6", "10", "2147483647", "007"])
TIMES = st.sampled_from(["0", "30", "2m", "1h30m", "1H", "90s", "1d", "2w", "1m30"])
WORDS = st.text(st.sampled_from("abcdkLX019_-.*?@"), min_size=1, max_size=6).filter(
    lambda word: word.strip("@").count("@") <= 1 and word != "any"
)
CIPHERS = "aes128-ctr aes256-ctr aes128-cbc 3des-cbc chacha20-poly1305@openssh.com aes256-gcm@openssh.com aes192-ctr".split()
MACS = "hmac-sha1 hmac-md5 hmac-sha2-256 umac-64@openssh.com hmac-sha2-512-etm@openssh.com hmac-sha1-96".split()
KEX = "curve25519-sha256 diffie-hellman-group14-sha1 diffie-hellman-group1-sha1 ecdh-sha2-nistp256 diffie-hellman-group16-sha512".split()
KEYS = "ssh-rsa ssh-ed25519 rsa-sha2-256 ecdsa-sha2-nistp256 ssh-dss sk-ssh-ed25519@openssh.com rsa-sha2-512-cert-v01@openssh.com".split()
METHODS = st.sampled_from("publickey password keyboard-interactive hostbased publickey,password keyboard-interactive:pam,publickey".split())
TARGETS = st.sampled_from(["localhost:80", "*:22", "[::1]:443", "host.example:*", "10.0.0.1:ssh"])


def several(words: st.SearchStrategy[str], most: int = 3) -> st.SearchStrategy[str]:
    return st.lists(words, min_size=1, max_size=most).map(" ".join)


def algorithms(names: list[str], patterns: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    listed = st.lists(st.sampled_from([*names, *patterns]), min_size=1, max_size=4).map(",".join)
    removed = st.lists(st.sampled_from([*names, "*-cbc", "*sha1*", "!aes*", "*"]), min_size=1, max_size=3).map(",".join)
    return st.one_of(listed, st.tuples(st.sampled_from("+^"), listed).map("".join), removed.map("-{}".format))


def quoted(words: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(words, words.map('"{}"'.format), words.map("'{}'".format))


FORWARD = st.sampled_from("yes no all local remote".split())
PATHS = st.sampled_from(["none", "None", "/etc/issue.net", "/a b", "~/keys", "~bob/keys", "relative/file"]).map(
    lambda path: f'"{path}"' if " " in path else path
)

IN_MATCH: dict[str, st.SearchStrategy[str]] = {
    **dict.fromkeys(MATCH_FLAGS, FLAGS),
    "PermitRootLogin": st.sampled_from("yes no without-password prohibit-password forced-commands-only Prohibit-Password".split()),
    "IgnoreRhosts": st.sampled_from("yes no shosts-only".split()),
    "GatewayPorts": st.sampled_from("yes no clientspecified".split()),
    "AllowTcpForwarding": FORWARD,
    "AllowStreamLocalForwarding": FORWARD,
    **dict.fromkeys(("X11DisplayOffset", "MaxAuthTries", "MaxSessions", "ClientAliveCountMax"), NUMBERS),
    "RequiredRSASize": st.sampled_from(["1024", "2048"]),
    "ClientAliveInterval": TIMES,
    "UnusedConnectionTimeout": st.one_of(TIMES, st.just("none")),
    "StreamLocalBindMask": st.sampled_from(["0177", "022", "0", "777"]),
    "LogLevel": st.sampled_from("quiet fatal error INFO verbose debug DEBUG1 Debug2 debug3".split()),
    **dict.fromkeys(("AllowUsers", "DenyUsers", "AllowGroups", "DenyGroups"), several(quoted(WORDS))),
    "AcceptEnv": several(st.sampled_from(["LANG", "LC_*", "A?", '"X Y"'])),
    "SetEnv": several(st.sampled_from(["A=1", "B=2", '"C=a b"', "A=3", "D='x'"])),
    **dict.fromkeys(
        ("Banner", "TrustedUserCAKeys", "RevokedKeys", "AuthorizedPrincipalsFile", "ChrootDirectory"),
        PATHS.filter(lambda path: path != "None"),
    ),
    "AuthorizedKeysFile": several(st.sampled_from([".ssh/keys", "/etc/keys/%u", "~/x", '"a b"'])),
    "AuthorizedKeysCommandUser": st.sampled_from(["nobody", "root"]),
    "ForceCommand": st.sampled_from(["none", "internal-sftp", "/bin/echo 'a b' # no comment", '"/bin/x y"', "a\\ b"]),
    "PermitTunnel": st.sampled_from("yes no point-to-point ethernet".split()),
    "IPQoS": st.sampled_from(["af21", "af21 cs1", "lowdelay throughput", "0x10", "none", "EF 8", "le 0"]),
    "RekeyLimit": st.sampled_from(["default", "1G", "512M 1h", "default none", "16 3600", "1.5K 2m", "default 10"]),
    "PermitOpen": st.one_of(several(TARGETS), st.sampled_from(["any", "none"])),
    "PermitListen": st.one_of(several(TARGETS), several(st.sampled_from(["8080", "http", "*"])), st.sampled_from(["any", "none"])),
    "PubkeyAuthOptions": st.sampled_from(["none", "touch-required", "verify-required touch-required"]),
    "AuthenticationMethods": several(METHODS),
    "PubkeyAcceptedAlgorithms": algorithms(KEYS, ("ecdsa-*", "*ed25519*")),
    "PubkeyAcceptedKeyTypes": algorithms(KEYS, ("rsa-sha2-*",)),
    "HostbasedAcceptedAlgorithms": algorithms(KEYS, ("*-cert-*",)),
    "CASignatureAlgorithms": algorithms(["ssh-rsa", "ssh-ed25519", "rsa-sha2-256"]),
    "LogVerbose": st.sampled_from(["kex.c:*:1000", "a:b:1 c:d:2", "none"]),
    "ChannelTimeout": st.sampled_from(["session=5m", "x11-connection=1h agent*=30"]),
}
GLOBAL_ONLY: dict[str, st.SearchStrategy[str]] = {
    **dict.fromkeys(GLOBAL_FLAGS, FLAGS),
    "Port": st.sampled_from(["22", "2222", "ssh"]),
    "AddressFamily": st.sampled_from(["any", "ANY"]),
    "ListenAddress": st.sampled_from(["0.0.0.0", "::", "127.0.0.1:2200", "[::1]:22", "::1", "10.1", "[fe80:0::1]"]),
    "LoginGraceTime": TIMES,
    "Compression": st.sampled_from("yes no delayed".split()),
    "FingerprintHash": st.sampled_from(["md5", "SHA256", "sha512"]),
    "PidFile": PATHS.filter(lambda path: path != "None"),
    "ModuliFile": st.just("/etc/ssh/moduli"),
    "XAuthLocation": st.sampled_from(["/usr/bin/xauth", "none"]),
    "HostKey": st.sampled_from([f"/etc/ssh/ssh_host_{kind}_key" for kind in ("rsa", "ecdsa", "ed25519")]),
    "HostKeyAgent": st.just("none"),
    "SecurityKeyProvider": st.sampled_from(["internal", "/lib/sk.so"]),
    "VersionAddendum": st.sampled_from(["none", "a b", "x # y"]),
    "Ciphers": algorithms(CIPHERS),
    "MACs": algorithms(MACS),
    "KexAlgorithms": algorithms(KEX),
    "HostKeyAlgorithms": algorithms(KEYS, ("ssh-*",)),
    "SyslogFacility": st.sampled_from("AUTH authpriv local7 DAEMON".split()),
    "Subsystem": st.sampled_from(["sftp internal-sftp", "sftp /usr/lib/sftp-server -l 'a b'", "other /bin/x"]),
    "MaxStartups": st.sampled_from(["10:30:60", "5", "100:50:100"]),
    "PerSourceMaxStartups": st.sampled_from(["none", "3"]),
    "PerSourceNetBlockSize": st.sampled_from(["32:128", "24:56"]),
    "PermitUserEnvironment": st.sampled_from(["yes", "no", "LANG,LC_*", "Yes"]),
    "Protocol": st.just("2"),
    "UsePrivilegeSeparation": st.just("sandbox"),
    "RhostsRSAAuthentication": FLAGS,
    "Nonsense": FLAGS,
}
DOUBTFUL = [
        "PermitRootLogin maybe", "PermitRootLogin", "PermitRootLogin yes no", "PermitRootLogin yes # why", 'PermitRootLogin "yes', "MaxAuthTries x",
        "LoginGraceTime 1x", "Ciphers nonsense", "Ciphers +", "Ciphers aes128-ctr,,", "MACs hmac*", "KexAlgorithms !curve25519-sha256", "Port 0",
        "Port 65536", "Port -1", "ListenAddress 1.2.3.4:x", "Match", "Match all user x", "Match user", "Match nothing x", "Match address 10.0.0.1/8",
        "Match address 10.0.0.0/33", "Match localport x", "Include", "=PermitRootLogin yes", "PermitRootLogin==yes", "PermitTunnel YES", "IPQoS af99",
        "RekeyLimit 5", "MaxStartups 10:30", "MaxStartups 0", "AuthenticationMethods nonsense", "AuthenticationMethods any publickey",
        "AllowUsers a@10.0.0.1/8", "AllowUsers ''", "AcceptEnv A=B", "SetEnv A", "Subsystem sftp", "Banner ~nosuch/x", "RDomain x",
        "AuthorizedKeysCommand relative", "AuthorizedKeysCommand /bin/x", "PermitOpen host", "PermitListen host:0", "StreamLocalBindMask 9",
        "StreamLocalBindMask 1777", "ChannelTimeout x", "\tPermitRootLogin\tno\t\f", "\fPermitRootLogin no", "HostKey", "X11DisplayOffset -1",
        "UnusedConnectionTimeout 0", "PubkeyAuthOptions x", "LogLevel loud", "Compression maybe", "FingerprintHash crc", "PubkeyAcceptedAlgorithms *x*",
        "PermitRootLogin 'no'", "PermitRootLogin n\\o", 'Per"mitRootLogin" no', "RekeyLimit 1G 1h 1h", "MaxSessions 99999999999", "HostKeyAlgorithms -*",
]  # fmt: skip
"""Lines at the edge of what sshd accepts."""

USERS = st.sampled_from(["root", "alice", "bob", "nosuch"])
HOSTS = st.sampled_from(["client.example.org", "Host.Example.COM", "10.0.0.1"])
ADDRESSES = st.sampled_from(["10.0.0.1", "10.1.2.3", "192.168.1.77", "::1", "fe80::1", "2001:db8::5"])
PORTS = st.sampled_from([22, 2222, 80])
CONNECTIONS = st.fixed_dictionaries({"user": USERS, "host": HOSTS, "address": ADDRESSES, "local_address": ADDRESSES, "local_port": PORTS})


def patterns(*items: str) -> st.SearchStrategy[str]:
    item = st.tuples(st.sampled_from(["", "", "", "!"]), st.sampled_from(items)).map("".join)
    return st.lists(item, min_size=1, max_size=3).map(",".join)


NETWORKS = patterns("10.0.0.0/8", "10.0.0.1", "192.168.1.*", "::1", "fe80::/10", "2001:db8::/32", "*", "0.0.0.0/0", "10.*", "::/0", "10.1")
CRITERIA: dict[str, st.SearchStrategy[str]] = {
    "User": patterns("root", "alice", "a*", "*", "b?b", "nosuch"),
    "Group": patterns("sudo", "admins", "root", "user*", "*", "alice"),
    "Host": patterns("*.example.org", "host.EXAMPLE.com", "client.*", "*", "10.0.0.?"),
    "Address": NETWORKS,
    "LocalAddress": NETWORKS,
    "LocalPort": st.sampled_from(["22", "2222", "http"]),
    "RDomain": st.just("vrf0"),
}


@st.composite
def spelled(draw: st.DrawFn, keyword: str, value: str) -> str:
    """A line, in one of the spellings that mean the same."""
    keyword = draw(st.sampled_from([keyword, keyword, keyword.lower(), keyword.upper(), f'"{keyword}"']))
    separator = " " if keyword.startswith('"') else draw(st.sampled_from([" ", " ", "\t", "  ", "=", " = ", "= "]))
    rest = keyword.strip('"').lower() in ("forcecommand", "versionaddendum", "authorizedkeyscommand")
    end = "" if rest else draw(st.sampled_from(["", "", "", " ", " # comment", "\t#", "\r"]))
    return draw(st.sampled_from(["", "", "  ", "\t"])) + keyword + separator + value + end


@st.composite
def match_line(draw: st.DrawFn) -> str:
    if draw(st.integers(0, 5)) == 0:
        return draw(st.sampled_from(["Match all", "match ALL", "Match all # everyone"]))
    names = draw(st.lists(st.sampled_from(sorted(CRITERIA)), min_size=1, max_size=3))
    joint = draw(st.sampled_from([" ", " ", "=", "\t"]))
    criteria = [f"{draw(st.sampled_from([name, name.lower(), name.upper()]))}{joint}{draw(CRITERIA[name])}" for name in names]
    return "Match " + " ".join(criteria) + draw(st.sampled_from(["", "", " # comment"]))


FILES = {"sshd_config.d/10-a.conf": 1, "sshd_config.d/20-b.conf": 1, "more/c.conf": 2, "more/d": 2}
INCLUDES = st.sampled_from(
    [
        *(
            "/etc/ssh/sshd_config.d/*.conf",
            "sshd_config.d/*.conf",
            "/etc/ssh/sshd_config.d/10-a.conf",
            "more/*",
            "/etc/ssh/more/[c-d]*",
            "more/?",
        ),
        *(
            "/etc/ssh/nothing/*.conf",
            "missing.conf",
            "more/c.conf more/d",
            '"more/d"',
            "/etc/*/sshd_config.d/20*",
            "more",
            "more/\\d",
            "more/[!c]*",
        ),
    ]
)
NESTED = st.sampled_from(["more/*", "/etc/ssh/more/c.conf", "more/[!d]*", "nothing"])


@st.composite
def body(draw: st.DrawFn, depth: int, in_match: bool) -> list[str]:
    """The lines of a file. `in_match`: it may be included from a Match block, where some keywords are not allowed."""
    lines, matched = [], in_match
    for _ in range(draw(st.integers(3 if depth == 0 else 0, 12))):
        kind = draw(st.integers(0, 15))
        if kind < 3:
            lines.append(draw(match_line()))
            matched = True
        elif kind < 5 and depth < 2:
            lines.append(f"Include {draw(INCLUDES if depth == 0 else NESTED)}")
        elif kind == 5:
            lines.append(draw(st.sampled_from(["", "# comment", "   ", "#PermitRootLogin yes"])))
        elif kind == 6 and draw(st.integers(0, 9)) == 0:
            lines.append(
                draw(st.sampled_from([line for line in DOUBTFUL if "~" not in line]))
            )  # `~` is expanded only where the block matches
        else:
            table = IN_MATCH if matched or draw(st.booleans()) else GLOBAL_ONLY
            keyword = draw(st.sampled_from(sorted(table)))
            if keyword != "Nonsense" or draw(st.integers(0, 9)) == 0:
                lines.append(draw(spelled(keyword, draw(table[keyword]))))
    return lines


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, str]:
    files = {"sshd_config": draw(body(0, in_match=False))}
    for name, depth in FILES.items():
        if draw(st.booleans()):
            files[name] = draw(body(depth, in_match=True))
    return {name: "\n".join(lines) + draw(st.sampled_from(["\n", ""])) for name, lines in files.items()}


@st.composite
def blocks(draw: st.DrawFn) -> tuple[list[str], dict[str, tuple[str, ...]], list[str]]:
    """Lines with a Match block for each user, some with a nested file; the criteria of each block with the connection it is about."""

    def settings_of(most: int) -> list[str]:
        keywords = draw(st.lists(st.sampled_from(sorted(IN_MATCH)), min_size=1, max_size=most))
        return [draw(spelled(keyword, draw(IN_MATCH[keyword]))) for keyword in keywords]

    lines = settings_of(4)
    nested = [*settings_of(3), "Match Address 10.0.0.0/8", *settings_of(4)]
    about: dict[str, tuple[str, ...]] = {}
    for user in ("root", "alice", "bob"):
        if draw(st.booleans()):
            lines += ["Match all", *settings_of(2)]
        lines += [f"Match User {user}", *settings_of(5)]
        about[f"User {user}"] = (user, "192.168.1.1")
        if user == "bob":
            lines += ["Include more/c.conf"]
            about["User bob Address 10.0.0.0/8"] = (user, "10.9.9.9")
    return lines, about, nested
