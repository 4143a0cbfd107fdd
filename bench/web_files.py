"""What lies in docroots beside one `find -printf`, and what the files hold beside `grep -rIl '<?php'`, on a docroot of a million files.

The docroot has 20 files a directory and ten directories in each; one file in 100 is PHP, the others are images of a few bytes; one
directory in ten belongs to the web server's user; one image in 10,000 has PHP in it. Measured are queries over a --root with nginx's
configuration, start-up included: the questions that checks ask of `upload_directories`, `cms_installs` and `web_files` without looking into
files, together; and PHP in images and the web-shell rules, together. Exit status 1 when a bound is exceeded.

usage: python bench/web_files.py [--files N …] [--rounds N] [--directory DIR]
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from file_checks import DIRECTORIES_IN_DIRECTORY, FILES_IN_DIRECTORY, FIND_FORMAT, MAX_MIB, MAX_RATIO
from measure import alternate, hardaudit, median, peak, show, tool

WEB_USER = 33
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xd9"
CODE = b"<?" + b"php\necho 'a line of a shop';\n"
CONFIGURATION = "user www-data;\nevents {}\nhttp {\n server {\n  listen 80;\n  server_name shop.example;\n  root /srv/shop;\n }\n}\n"
NAMES = """
SELECT path FROM upload_directories WHERE origin = 'other'
UNION ALL SELECT path FROM cms_installs
UNION ALL SELECT path FROM web_files WHERE upload = 1 AND extension IN ('php', 'phtml', 'phar')
UNION ALL SELECT path FROM web_files WHERE upload = 1 AND extension IN ('htaccess', 'ini')
UNION ALL SELECT path FROM web_files WHERE extension IN ('sql', 'bak', 'old', 'zip', 'gz', 'env', 'git', 'svn')
UNION ALL SELECT path FROM web_files WHERE web_writable = 1 AND upload = 0 AND type = 'regular'
UNION ALL SELECT path FROM web_files WHERE type = 'symlink'
"""
CONTENT = """
SELECT path FROM web_files WHERE contains_php = 1
UNION ALL SELECT path FROM web_files WHERE rule > ''
"""


def make_root(root: Path, files: int) -> None:
    """A root directory with nginx's configuration and a docroot of `files` files."""
    for directory, name, text in (
        ("etc", "passwd", f"root:x:0:0:root:/root:/bin/sh\nwww-data:x:{WEB_USER}:{WEB_USER}::/srv:/bin/false\n"),
        ("etc", "group", f"root:x:0:\nwww-data:x:{WEB_USER}:\n"),
        ("etc", "nsswitch.conf", "passwd: files\ngroup: files\n"),
        ("etc/nginx", "nginx.conf", CONFIGURATION),
    ):
        (root / directory).mkdir(parents=True, exist_ok=True)
        (root / directory / name).write_text(text)
    (root / "srv").mkdir(0o755)
    for number in range(-(-files // FILES_IN_DIRECTORY)):
        directory = directory_path(root, number)
        os.mkdir(directory, 0o755)
        if number % 10 == 7:
            os.chown(directory, WEB_USER, WEB_USER)
        for index in range(number * FILES_IN_DIRECTORY, min((number + 1) * FILES_IN_DIRECTORY, files)):
            write(f"{directory}/file-{index:07}", index)


def write(path: str, index: int) -> None:
    """A script or an image."""
    name, content = (f"{path}.php", CODE) if index % 100 == 99 else (f"{path}.jpg", JPEG + (CODE if index % 10_000 == 5_000 else b""))
    descriptor = os.open(name, os.O_CREAT | os.O_WRONLY, 0o644)
    os.write(descriptor, content)
    os.close(descriptor)


def directory_path(root: Path, number: int) -> str:
    """The path of a directory by its number, parents before children."""
    names = []
    while number > 0:
        names.append(f"directory-{number}")
        number = (number - 1) // DIRECTORIES_IN_DIRECTORY
    return "/".join([str(root), "srv", "shop", *reversed(names)])


def compare(root: Path, files: int, rounds: int) -> tuple[float, float, float]:
    """The commands in turn: the ratio to find without contents, that to grep with them, and the peak in MiB."""

    def query(sql: str) -> tuple[list[str], tuple[int, ...]]:
        return [hardaudit(), "query", sql, "--root", str(root), "--strict"], (0,)

    runs = alternate(
        {
            f"find -xdev -printf, {files:,} files": ([tool("find", "findutils"), str(root), "-xdev", "-printf", FIND_FORMAT], (0,)),
            f"hardaudit, names and modes, {files:,} files": query(NAMES),
            f"grep -rIl, {files:,} files": ([tool("grep", "grep"), "-rIl", "<?" + "php", str(root / "srv")], (0,)),
            f"hardaudit, contents and rules, {files:,} files": query(CONTENT),
        },
        rounds,
    )
    show(runs)
    find, names, grep, contents = runs.values()
    return median(names) / median(find), median(contents) / median(grep), max(peak(names), peak(contents))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, nargs="+", default=[10_000, 1_000_000], help="numbers of files")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--directory", help="where the trees are made for the time being; default: the directory for temporary files")
    options = parser.parse_args()
    measured = []
    with tempfile.TemporaryDirectory(prefix="hardaudit-bench-", dir=options.directory) as directory:
        for files in options.files:
            root = Path(directory, "root")
            make_root(root, files)
            measured.append(compare(root, files, options.rounds))
            shutil.rmtree(root)
    ratio, contents, mib = measured[-1]
    growth = mib - measured[0][2]
    print(f"names and modes: {ratio:.2f} times find (bound: {MAX_RATIO}); contents and rules: {contents:.2f} times grep")
    print(f"peak {mib:.0f} MiB (bound: {MAX_MIB:.0f}); from the smallest to the largest tree it grows by {growth:.1f} MiB")
    return 0 if ratio <= MAX_RATIO and mib <= MAX_MIB else 1


if __name__ == "__main__":
    sys.exit(main())
