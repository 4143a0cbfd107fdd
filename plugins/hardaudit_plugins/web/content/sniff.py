"""The kind of a content by its first bytes."""

from __future__ import annotations

import re

SNIFF_BYTES = 4096
"""Bytes of a file's start that decide."""

_MAGIC = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"\x00\x00\x01\x00", "ico"),
    (b"BM", "bmp"),
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\x7fELF", "elf"),
    (b"SQLite format 3\x00", "sqlite"),
    (b"PGDMP", "sql"),
)
_TAR_MAGIC, _TAR_AT = b"ustar", 257
_BMP_RESERVED = slice(6, 10)  # four zero bytes
_TEXT_BYTES = bytes([*b"\t\n\f\r\x1b", *range(0x20, 0x7F), *range(0x80, 0x100)])
_PHP = re.compile(rb"\s{0,1000}(?:#![^\n]{0,200}\n\s{0,1000})?<\?(?:php\b|=)", re.IGNORECASE)
_SCRIPT = re.compile(rb"#![ \t]{0,20}/")
_XML = re.compile(rb"\s{0,1000}<\?xml\b", re.IGNORECASE)
_SVG = re.compile(rb"<svg[\s>]", re.IGNORECASE)
_HTML = re.compile(
    rb"\s{0,1000}(?:<!--[^>]{0,1000}-->\s{0,1000})?<(?:!doctype\s{1,20}html|html|head|body|script|title|meta|table|div)\b", re.IGNORECASE
)
_SQL = re.compile(
    rb"^(?:-- (?:MySQL|MariaDB|PostgreSQL database|phpMyAdmin SQL|Adminer) |/\*![0-9]{5} SET "
    rb"|(?:CREATE TABLE|INSERT INTO|DROP TABLE) [^\n]{1,200}(?:\(|;|$))",
    re.IGNORECASE | re.MULTILINE,
)
_TEXTS = ((_PHP, "php"), (_SCRIPT, "script"), (_HTML, "html"))


def sniffed_type(start: bytes) -> str:
    """The kind of a file that begins with `start`, its first 4 KiB: empty, text and data where nothing says more."""
    start = start[:SNIFF_BYTES]
    if not start:
        return "empty"
    for magic, kind in _MAGIC:
        if start.startswith(magic) and (kind != "bmp" or start[_BMP_RESERVED] == bytes(4)):
            return kind
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return "webp"
    if start[_TAR_AT : _TAR_AT + len(_TAR_MAGIC)] == _TAR_MAGIC:
        return "tar"
    return _text_type(start.removeprefix(b"\xef\xbb\xbf"))


def _text_type(start: bytes) -> str:
    for pattern, kind in _TEXTS:
        if pattern.match(start):
            return kind
    if start.translate(None, _TEXT_BYTES):
        return "data"
    if _XML.match(start) or start.lstrip()[:1] == b"<":
        return "svg" if _SVG.search(start) else "xml" if _XML.match(start) else "text"
    return "sql" if _SQL.search(start) else "text"
