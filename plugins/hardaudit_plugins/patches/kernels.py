"""Installed kernels, and which of them runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.target.errors import gap_reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.target.table import TableContext

_IMAGE = re.compile(r"vmlinu[xz]-([0-9]+\.[0-9A-Za-z._~+-]+)")
_LEFTOVER = re.compile(r"\.(?:old|bak|dpkg-[a-z]+|rpm[a-z]+)$")
_BACKPORT = re.compile(r"\.(?:deb|bpo)[0-9]+(?=[.-])")
_NUMBERS = re.compile(r"[0-9]+")
_FLAVOUR = re.compile(r"[-.+_]*[A-Za-z].*")
_MAX_RELEASE = 64  # bytes of uname's release, uname(2)


@dataclass(frozen=True, slots=True)
class Kernel:
    """An installed kernel. `flavour`: what sets it apart from others of the same age, such as -amd64 or -cloud-amd64, without numbers.

    `package` and `package_version`: the Debian package that brought it, None when none did.
    """

    release: str
    path: str
    package: str | None = None
    package_version: str | None = None

    @property
    def flavour(self) -> str:
        """See above."""
        return flavour_of(self.release)

    @property
    def age(self) -> tuple[int, ...]:
        """For comparing kernels of one flavour: the numbers of the release, newer ones greater."""
        return age_of(self.release)


def flavour_of(release: str) -> str:
    """The flavour of a kernel release: 6.1.0-18-cloud-amd64 is a -cloud-amd, as is 6.1.0-21-cloud-amd64."""
    match = _FLAVOUR.search(_BACKPORT.sub("", release))
    return _NUMBERS.sub("", match[0]).replace("_", "") if match else ""


def age_of(release: str) -> tuple[int, ...]:
    """The numbers before the flavour."""
    release = _BACKPORT.sub("", release)
    match = _FLAVOUR.search(release)
    return tuple(int(number[:9]) for number in _NUMBERS.findall(release[: match.start()] if match else release))


def installed_kernels(context: TableContext) -> list[Kernel]:
    """The kernels in /boot and, where modules and image are kept together, in /lib/modules; by flavour, oldest first."""
    found: dict[str, str] = {}
    for name in context.list_directory("/boot", optional=True):
        match = _IMAGE.fullmatch(name)
        if match and len(match[1]) <= _MAX_RELEASE and not _LEFTOVER.search(name):
            found[match[1]] = f"/boot/{name}"
    for release in context.list_directory("/lib/modules", optional=True):
        if (
            release not in found
            and release[:1].isdigit()
            and len(release) <= _MAX_RELEASE
            and _exists(context, f"/lib/modules/{release}/vmlinuz")
        ):
            found[release] = f"/lib/modules/{release}/vmlinuz"
    packages = dict(_kernel_packages(context)) if found else {}
    kernels = [Kernel(release, path, *packages.get(release, (None, None))) for release, path in found.items()]
    return sorted(kernels, key=lambda kernel: (kernel.flavour, kernel.age))


def _exists(context: TableContext, path: str) -> bool:
    try:
        return context.target.exists(path)
    except OSError as error:
        context.gap(gap_reason(error), f"{path}: {error.strerror}")
        return False


def _kernel_packages(context: TableContext) -> Iterator[tuple[str, tuple[str, str]]]:
    """The installed Debian packages of kernel images, by the release they are for. A host without dpkg has none."""
    try:
        if not context.target.exists("/var/lib/dpkg/status"):
            return
    except OSError as error:
        context.gap_for(error, "/var/lib/dpkg/status")
        return
    for row in context.rows("deb_packages"):
        name = str(row["name"])
        if name.startswith("linux-image-") and str(row["status"]).endswith(" installed"):
            release = name.removeprefix("linux-image-").removeprefix("unsigned-")
            yield release, (name, str(row["version"]))


@dataclass(frozen=True, slots=True)
class RebootReason:
    """Why a reboot is due: a file that says so, or a kernel that is installed and does not run."""

    reason: str
    subject: str
    detail: str


_FLAG_FILES = ("/run/reboot-required", "/var/run/reboot-required")


def reboot_reasons(context: TableContext, running: str, running_build: str) -> Iterator[RebootReason]:
    """The reasons on a live host; `running` and `running_build` are uname's release and version."""
    for path in _FLAG_FILES:
        if _exists(context, path):
            packages = (context.read_text(f"{path}.pkgs", optional=True) or "").split()
            yield RebootReason("flag_file", path, f"packages: {', '.join(sorted(set(packages))[:20]) or 'not named'}")
            break
    kernels = installed_kernels(context)
    same = [kernel for kernel in kernels if kernel.flavour == flavour_of(running)]
    if kernels and not same:
        context.gap(
            GapReason.UNDECIDABLE,
            f"the running kernel {running} is of none of the installed kernels' kinds: whether one is newer is not told",
        )
    if not same:
        return
    newest = same[-1]
    if newest.age > age_of(running):
        yield RebootReason("kernel", newest.release, f"{newest.path} is installed, {running} runs")
        return
    built = built_version(running_build)
    for kernel in same:
        if kernel.release == running and built and kernel.package_version and not _same_build(kernel.package_version, built):
            yield RebootReason("kernel", kernel.release, f"{kernel.package} {kernel.package_version} is installed, {built} runs")


def built_version(build: str) -> str | None:
    """What uname's version says of the package that the running kernel is from: Debian's version, or Ubuntu's upload number."""
    words = build.split()
    if "Debian" in words[:-1]:
        return words[words.index("Debian") + 1]
    first = words[0] if words else ""
    return first[1 : -len("-Ubuntu")] if first.startswith("#") and first.endswith("-Ubuntu") else None


def _same_build(package_version: str, built: str) -> bool:
    """Debian's version is the package's; Ubuntu's upload number is its last part: 5.15.0-91.101 was built as #101."""
    return package_version == built or package_version.endswith(f".{built}") or package_version.startswith(f"{built}+")
