"""rpm's headers, database and packages, written as rpm keeps them or by rpm's own tools, for every test of what reads them."""

from __future__ import annotations

import os
import sqlite3
import struct
import subprocess

CHAR, INT32, STRING, STRING_ARRAY, I18N = 1, 4, 6, 8, 9
NAME, BASENAMES, DIRNAMES, DIRINDEXES, FILESTATES, OLDFILENAMES = 1000, 1117, 1118, 1116, 1029, 1027
NORMAL, REPLACED, NOTINSTALLED, NETSHARED, WRONGCOLOR = range(5)


def header(tags: dict) -> bytes:
    """A header of {tag: (type, value or list of values)}."""
    entries, store = b"", b""
    for tag, (kind, value) in sorted(tags.items()):
        values = value if isinstance(value, list) else [value]
        if kind == INT32:
            store += b"\0" * (-len(store) % 4)
        entries += struct.pack(">IIiI", tag, kind, len(store), len(values))
        if kind == INT32:
            store += struct.pack(f">{len(values)}I", *values)
        elif kind == CHAR:
            store += bytes(values)
        else:
            store += b"".join((item if isinstance(item, bytes) else item.encode()) + b"\0" for item in values)
    return struct.pack(">II", len(tags), len(store)) + entries + store


def package_tags(name: str, files: dict) -> dict:
    """The tags of a package and its files, {path: state}."""
    parts = [path.rpartition("/") for path in files]
    directories = sorted({directory + "/" for directory, _, _ in parts})
    return {
        NAME: (STRING, name),
        BASENAMES: (STRING_ARRAY, [base for _, _, base in parts]),
        DIRNAMES: (STRING_ARRAY, directories),
        DIRINDEXES: (INT32, [directories.index(directory + "/") for directory, _, _ in parts]),
        FILESTATES: (CHAR, list(files.values())),
    }


def database(root, *blobs, path="/usr/lib/sysimage/rpm/rpmdb.sqlite", journal="delete"):
    """A database of headers below `root`."""
    place = root.write(path, b"")
    connection = sqlite3.connect(place)
    connection.execute(f"PRAGMA journal_mode = {journal}")
    connection.execute("CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
    connection.executemany("INSERT INTO Packages (blob) VALUES (?)", [(blob,) for blob in blobs])
    connection.commit()
    connection.close()
    return place


def run(command: list, home) -> str:
    """The output of one of rpm's tools, which keeps whatever it writes of its own below `home`."""
    environment = {**os.environ, "HOME": str(home), "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout


def build(rpmbuild: str, spec: str, directory) -> str:
    """The package that the real rpmbuild makes of a spec file."""
    directory.mkdir()
    (directory / "package.spec").write_text(spec)
    defined = {"_topdir": directory / "build", "_tmppath": directory, "__os_install_post": "%{nil}"}
    options = [word for name, value in defined.items() for word in ("--define", f"{name} {value}")]
    run([rpmbuild, *options, "-bb", str(directory / "package.spec")], directory)
    (package,) = (directory / "build").rglob("*.rpm")
    return str(package)
