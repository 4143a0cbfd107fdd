from __future__ import annotations

import gzip
import io
import lzma
import sqlite3
import tarfile
import zipfile

import pytest

from hardaudit_plugins.web.content.sniff import sniffed_type

OPEN = b"<?" + b"php"


def archive_tar():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("x"))
    return buffer.getvalue()


def archive_zip():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("x", "x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "empty"),
        (b"\xff\xd8\xff\xe1", "jpeg"),
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"GIF89a", "gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "data"),
        (b"\x00\x00\x01\x00\x01\x00", "ico"),
        (b"BM\x10\x00\x00\x00\x00\x00\x00\x00", "bmp"),
        (b"BM is a car", "text"),
        (b"%PDF-1.7", "pdf"),
        (b"\x7fELF\x02", "elf"),
        (archive_zip(), "zip"),
        (archive_tar(), "tar"),
        (gzip.compress(b"x"), "gzip"),
        (lzma.compress(b"x"), "xz"),
        (OPEN + b"\necho 1;", "php"),
        (b"\xef\xbb\xbf\n" + OPEN + b" 1;", "php"),
        (b"#!/usr/bin/php\n" + OPEN + b"\n", "php"),
        (b"<?" + b"=1;", "php"),
        (b"#!/bin/sh\n", "script"),
        (b"<!DOCTYPE html>\n<html>", "html"),
        (b"<!-- a -->\n<html lang='en'>", "html"),
        (b"<?xml version='1.0'?>\n<!-- x -->\n<svg xmlns='http://www.w3.org/2000/svg'>", "svg"),
        (b"<svg width='1'/>", "svg"),
        (b"<?xml version='1.0'?><feed/>", "xml"),
        (b"-- MySQL dump 10.13\n", "sql"),
        (b"-- a comment\nCREATE TABLE t (\n", "sql"),
        (b"PGDMP\x01", "sql"),
        (b"hello\n", "text"),
        ("grün".encode(), "text"),
        (b"a\x00b", "data"),
        (b"a" * 5000 + b"\x00", "text"),
    ],
)
def test_a_content_is_known_by_its_start(content, kind):
    assert sniffed_type(content) == kind


def test_a_real_database_is_known(tmp_path):
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("CREATE TABLE t(a)")
    assert sniffed_type((tmp_path / "x.db").read_bytes()) == "sqlite"
