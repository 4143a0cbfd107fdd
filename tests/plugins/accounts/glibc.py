"""The C library's own readers of account files, to hold ours against."""

import ctypes
import tempfile


class _Passwd(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("password", ctypes.c_char_p),
        ("uid", ctypes.c_uint32),
        ("gid", ctypes.c_uint32),
        ("gecos", ctypes.c_char_p),
        ("directory", ctypes.c_char_p),
        ("shell", ctypes.c_char_p),
    ]


class _Group(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("password", ctypes.c_char_p),
        ("gid", ctypes.c_uint32),
        ("members", ctypes.POINTER(ctypes.c_char_p)),
    ]


class _Shadow(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("password", ctypes.c_char_p),
        *((name, ctypes.c_long) for name in ("last_change", "minimum", "maximum", "warning", "inactive", "expire")),
        ("flag", ctypes.c_ulong),
    ]


def _members(group):
    found = []
    while group.members and group.members[len(found)]:
        found.append(group.members[len(found)])
    return found


def _read(function, structure, content, convert):
    libc = ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    libc.fclose.argtypes = [ctypes.c_void_p]
    reader = getattr(libc, function)
    reader.restype, reader.argtypes = ctypes.POINTER(structure), [ctypes.c_void_p]
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        stream = libc.fopen(file.name.encode(), b"r")
        try:
            found = []
            while entry := reader(stream):
                found.append(convert(entry.contents))
            return found
        finally:
            libc.fclose(stream)


def passwd(content: bytes):
    return _read("fgetpwent", _Passwd, content, lambda e: (e.name, e.password, e.uid, e.gid, e.gecos, e.directory, e.shell))


def group(content: bytes):
    return _read("fgetgrent", _Group, content, lambda e: (e.name, e.gid, _members(e)))


def shadow(content: bytes):
    return _read(
        "fgetspent",
        _Shadow,
        content,
        lambda e: (e.name, e.password, e.last_change, e.minimum, e.maximum, e.warning, e.inactive, e.expire, e.flag),
    )
