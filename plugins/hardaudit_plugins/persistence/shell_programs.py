"""What is known of the programs that start others: their options, and where the other program stands in their arguments."""

from __future__ import annotations

import re

KEYWORDS = frozenset(("!", "{", "}", "builtin", "command", "coproc", "do", "elif", "else", "exec", "if", "then", "until", "while"))
"""Words before a command."""

NO_COMMAND = frozenset(("case", "done", "esac", "fi", "for", "function", "select", "[", "[[", "test"))
"""Words that begin something else than the start of a program."""

READERS = frozenset(("base64", "bzcat", "cat", "gunzip", "gzip", "head", "tail", "xz", "xzcat", "zcat"))
"""Programs whose output is what is in their files."""

SHELL = re.compile(r"(?:a|ba|c|da|fi|k|mk|rba|tc|ya|z)?sh[0-9.]*(?:-static)?")
INTERPRETER = re.compile(
    r"(?:awk|bun|deno|expect|gawk|java|lua|luajit|mawk|nawk|node|nodejs|perl|php|php-cgi|pypy|python|Rscript|ruby|tclsh|wish)[0-9.-]*"
)
LOADER = re.compile(r"ld(?:-linux)?[a-z0-9_-]*\.so[.0-9]*|ld-[0-9.]+\.so|ld-musl-[a-z0-9_]+\.so\.1")

CODE_OPTIONS: dict[str, tuple[str, ...]] = {
    "python": ("-c", "-m"),
    "pypy": ("-c", "-m"),
    "perl": ("-e", "-E"),
    "ruby": ("-e",),
    "php": ("-r", "-B", "-R", "-S"),
    "node": ("-e", "-p", "--eval", "--print"),
    "nodejs": ("-e", "-p", "--eval", "--print"),
    "lua": ("-e",),
    "expect": ("-c",),
    "Rscript": ("-e",),
}
"""Options behind which stands code, or a name that is looked up, instead of a script."""

VALUE_OPTIONS: dict[str, tuple[str, ...]] = {
    "python": ("-W", "-X"),
    "perl": ("-I",),
    "ruby": ("-I", "-r"),
    "php": ("-c", "-d", "-z"),
    "node": ("-r", "--require", "--import"),
    "nodejs": ("-r", "--require", "--import"),
    "java": ("-cp", "-classpath", "--class-path", "-p", "--module-path"),
    "ld.so": ("--library-path", "--preload", "--audit", "--argv0"),
    "awk": ("-v", "-F"),
    "gawk": ("-v", "-F"),
    "mawk": ("-v", "-F"),
}
"""Options with a value of their own, whose paths are loaded."""

_SUDO = ("-u", "-g", "-p", "-C", "-h", "-r", "-t", "-T", "-U", "-D", "-R", "--user", "--group", "--chdir", "--chroot", "--host", "--prompt")
_SETPRIV = ("--reuid", "--regid", "--groups", "--inh-caps", "--ambient-caps", "--bounding-set", "--securebits", "--pdeathsig")

WRAPPERS: dict[str, tuple[tuple[str, ...], int]] = {
    "catchsegv": ((), 0),
    "chpst": (("-u", "-U", "-b", "-/", "-n", "-l", "-L", "-m", "-o", "-p"), 0),
    "chronic": ((), 0),
    "chroot": ((), 1),
    "chrt": (("-T", "-P", "-D"), 1),
    "cpulimit": (("-l", "-p", "-e", "-P"), 0),
    "cronic": ((), 0),
    "dbus-run-session": ((), 0),
    "doas": (("-u", "-C", "-a"), 0),
    "env": (("-u", "-C", "--unset", "--chdir"), 0),
    "faketime": (("-f",), 1),
    "flock": (("-w", "-E", "--timeout", "--conflict-exit-code"), 1),
    "gosu": ((), 1),
    "ionice": (("-c", "-n", "--class", "--classdata"), 0),
    "ltrace": (("-o", "-e", "-p", "-u"), 0),
    "nice": (("-n", "--adjustment"), 0),
    "nohup": ((), 0),
    "nsenter": (("-t", "--target", "-S", "-G", "--setuid", "--setgid"), 0),
    "parallel": (("-j", "-a", "-n", "-S"), 0),
    "proot": (("-r", "-b", "-w", "-R", "-S"), 0),
    "runuser": (("-u", "--user", "-g", "--group", "-G", "-s", "--shell"), 0),
    "script": (("-t", "-o", "-T"), 0),
    "setarch": ((), 1),
    "setpriv": (_SETPRIV, 0),
    "setsid": ((), 0),
    "setuidgid": ((), 1),
    "softlimit": (("-m", "-d", "-s", "-l", "-a", "-o", "-p", "-f", "-c", "-r", "-t"), 0),
    "solo": (("-port",), 0),
    "stdbuf": (("-i", "-o", "-e", "--input", "--output", "--error"), 0),
    "strace": (("-o", "-e", "-p", "-s", "-u"), 0),
    "su": (("-s", "--shell", "-g", "--group", "-G", "-w"), 0),
    "sudo": (_SUDO, 0),
    "systemd-cat": (("-t", "-p", "--identifier", "--priority"), 0),
    "systemd-inhibit": ((), 0),
    "systemd-run": (("-u", "-p", "-M", "-H", "-E", "--unit", "--property", "--uid", "--gid", "--slice", "--on-calendar"), 0),
    "taskset": ((), 1),
    "time": (("-f", "-o"), 0),
    "timeout": (("-s", "-k", "--signal", "--kill-after"), 1),
    "torsocks": ((), 0),
    "tsocks": ((), 0),
    "unbuffer": ((), 0),
    "unshare": (("-S", "-G", "-R", "-w", "--root", "--wd"), 0),
    "watch": (("-n", "--interval"), 0),
    "xargs": (("-I", "-n", "-P", "-L", "-s", "-d", "-a", "-E", "--arg-file", "--delimiter", "--max-args", "--max-procs"), 0),
    "xvfb-run": (("-e", "-f", "-n", "-s", "-p", "-w", "--server-args"), 0),
}
"""Programs that start the one named behind their options: the options with a value of their own, and how many words stand in between."""
