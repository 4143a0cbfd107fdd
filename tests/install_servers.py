"""Install the real software that tests ask, from Debian's packages. Without root, or off Debian, say so and do nothing: those tests skip.

Services of the packages are kept from starting, by the means Debian has for it: policy-rc.d (invoke-rc.d(8)).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

PROGRAMS = {
    "sshd": "openssh-server",
    "ssh-keygen": "openssh-client",
    "sudo": "sudo",
    "setfattr": "attr",
    "setfacl": "acl",
    "setcap": "libcap2-bin",
    "ip": "iproute2",
    "lsof": "lsof",
    "ps": "procps",
    "unshare": "util-linux",
    "iptables-legacy": "iptables",
    "dpkg-deb": "dpkg",
    "apt-ftparchive": "apt-utils",
    "crontab": "cron",
    "rpm": "rpm",
    "rpmbuild": "rpm",
    "apache2ctl": "apache2",
    "nginx": "nginx-light",
    "php-fpm8.2": "php-fpm",
    "php-cgi": "php-cgi",
}
MODULES = {
    "/usr/lib/apache2/modules/libphp8.2.so": "libapache2-mod-php",
    "/usr/lib/apache2/modules/mod_fcgid.so": "libapache2-mod-fcgid",
}
POLICY = Path("/usr/sbin/policy-rc.d")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


@contextlib.contextmanager
def services_stay_down():
    """Refuse the start of services for as long as packages are installed; a policy of the machine's own is left in force."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def main() -> int:
    programs = {package for program, package in PROGRAMS.items() if shutil.which(program, path=PATH) is None}
    modules = {package for path, package in MODULES.items() if not Path(path).exists()}
    missing = sorted(programs | modules)
    if not missing:
        return 0
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"not installed, so their tests skip: {', '.join(missing)} (needs root on Debian)")
        return 0
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *missing]
    with services_stay_down():
        if subprocess.run(install, env=environment, check=False).returncode != 0:
            subprocess.run(["apt-get", "update", "--quiet"], env=environment, check=True)
            subprocess.run(install, env=environment, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
