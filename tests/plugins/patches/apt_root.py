"""A private root with APT's configuration, package lists and dpkg's database, which both hardaudit and the real APT can read."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
from email.utils import formatdate

DAY = 86_400

LZ4_COMMAND = ["lz4", "-q", "-c"]


def status(*packages: tuple[str, ...]) -> str:
    """dpkg's status file; a package is name, version, architecture and optionally its Status."""
    paragraphs = []
    for name, version, arch, *rest in packages:
        paragraphs.append(
            f"Package: {name}\nStatus: {rest[0] if rest else 'install ok installed'}\nPriority: optional\nSection: misc\n"
            f"Installed-Size: 1\nMaintainer: M <m@example.org>\nArchitecture: {arch}\nVersion: {version}\nDescription: d\n"
        )
    return "\n".join(paragraphs) + "\n"


def package_list(*packages: tuple[str, str, str]) -> str:
    """A Packages file; a package is name, version and architecture."""
    paragraphs = []
    for name, version, arch in packages:
        digest = hashlib.sha256(f"{name}{version}".encode()).hexdigest()
        paragraphs.append(
            f"Package: {name}\nVersion: {version}\nArchitecture: {arch}\nMaintainer: M <m@example.org>\nInstalled-Size: 1\n"
            f"Filename: pool/{name}_{version}_{arch}.deb\nSize: 1000\nSHA256: {digest}\nDescription: d\n"
        )
    return "\n".join(paragraphs) + "\n" if paragraphs else ""


def release(files: dict[str, str], *, published: float | None = None, **fields: str) -> str:
    """A Release file for the files below its suite."""
    published = time.time() if published is None else published
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    lines.append(f"Date: {formatdate(published, usegmt=True).replace('GMT', 'UTC')}")
    lines.append("SHA256:")
    for path, content in files.items():
        lines.append(f" {hashlib.sha256(content.encode()).hexdigest()} {len(content):8d} {path}")
    return "\n".join(lines) + "\n"


class AptRoot:
    """Writes repositories below the root, and the lists that `apt-get update` would make of them."""

    def __init__(self, root) -> None:
        self.root = root
        root.write("/etc/apt/apt.conf.d/00architecture", 'APT::Architecture "amd64";\n')
        self.sources: list[str] = []

    def repository(self, suite: str, *packages: tuple[str, str, str], options: str = "[trusted=yes]", **fields: str) -> None:
        """A repository with one component on disk, and its line in sources.list."""
        listed = package_list(*packages)
        files = {"main/binary-amd64/Packages": listed}
        fields = {"Origin": "Debian", "Label": "Debian", "Suite": suite, "Codename": suite, "Architectures": "amd64 i386", "Components": "main", **fields}
        for path, content in files.items():
            self.root.write(f"/srv/repo/dists/{suite}/{path}", content)
        self.root.write(f"/srv/repo/dists/{suite}/Release", release(files, **fields))
        self.sources.append(f"deb {options} copy:{self.root.path}/srv/repo {suite} main")
        self.root.write("/etc/apt/sources.list", "\n".join(self.sources) + "\n")

    def list_path(self, suite: str, name: str) -> str:
        """Where APT keeps a file of a suite."""
        quoted = self.root.path.replace("_", "%5f").replace("/", "_")
        return f"/var/lib/apt/lists/{quoted}_srv_repo_dists_{suite}_{name.replace('/', '_')}"

    def fetch(self, suite: str) -> None:
        """What `apt-get update` leaves in /var/lib/apt/lists, without APT."""
        base = self.root.directory / f"srv/repo/dists/{suite}"
        self.root.write(self.list_path(suite, "Release"), (base / "Release").read_bytes())
        self.root.write(self.list_path(suite, "main/binary-amd64/Packages"), (base / "main/binary-amd64/Packages").read_bytes())

    def apt(self, *command: str) -> str:
        """Run a real APT program on this root alone; its standard output."""
        for place in ("var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/log/apt", "etc/apt/preferences.d", "etc/apt/trusted.gpg.d"):
            (self.root.directory / place).mkdir(parents=True, exist_ok=True)
        path = self.root.path
        configuration = self.root.write(
            "/apt-test.conf",
            f'Dir "{path}/";\nDir::State::status "{path}/var/lib/dpkg/status";\nDir::Bin::methods "/usr/lib/apt/methods";\n'
            'APT::Sandbox::User "root";\nAPT::Architectures { "amd64"; };\nAcquire::Languages "none";\nDir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\n',
        )
        environment = os.environ | {"APT_CONFIG": str(configuration), "LC_ALL": "C.UTF-8"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout
