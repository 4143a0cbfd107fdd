from __future__ import annotations

import os
import struct
import zlib

import pytest

from hardaudit.model.gap import GapReason
from hardaudit.target.target import Target
from hardaudit_plugins.web.content.inspection import Inspector

CODE = b"<?" + b"php echo 1;"
FAR = b"\x00" * 300_000


def segment(marker, data):
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def jpeg(*segments):
    return b"\xff\xd8" + b"".join(segments) + b"\xff\xda\x00\x02" + FAR + b"\xff\xd9"


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*chunks):
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes(13)) + b"".join(chunks) + chunk(b"IEND", b"")


def webp(*chunks):
    body = b"WEBP" + b"".join(kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) & 1) for kind, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.fixture
def look(root):
    def inspect(name, content, expected_gaps=()):
        root.write(f"/srv/{name}", content)
        gaps = []
        with Target.directory(root.path) as target:
            inspector = Inspector(target, lambda reason, detail: gaps.append((reason, detail)))
            try:
                answer = inspector.holds_php("/srv/", name)
            finally:
                inspector.close()
        assert gaps == list(expected_gaps)
        return answer

    return inspect


@pytest.mark.parametrize(
    "content",
    [
        jpeg(segment(0xFE, CODE)),
        jpeg(segment(0xE1, b"Exif\x00\x00" + CODE)),
        jpeg(*[segment(0xE2, bytes(60_000)) for _ in range(4)], segment(0xFE, CODE)),
        jpeg() + CODE,
        png(chunk(b"tEXt", b"Comment\0" + CODE)),
        png(chunk(b"zTXt", b"Comment\0\0" + zlib.compress(CODE))),
        png(chunk(b"iTXt", b"Comment\0\1\0en\0\0" + zlib.compress(CODE))),
        png(chunk(b"iTXt", b"Comment\0\0\0en\0\0" + CODE)),
        png(chunk(b"IDAT", FAR), chunk(b"tEXt", b"Comment\0" + CODE), chunk(b"IDAT", FAR)),
        png(chunk(b"IDAT", FAR), chunk(b"zTXt", b"C\0\0" + zlib.compress(CODE)), chunk(b"IDAT", FAR)),
        webp((b"VP8 ", FAR), (b"EXIF", CODE), (b"ALPH", FAR)),
        webp((b"VP8 ", FAR + b"x"), (b"XMP ", CODE), (b"ALPH", FAR)),
        b"GIF89a" + bytes(7) + b"!\xfe" + bytes([len(CODE)]) + CODE + b"\0;",
        b"<svg>" + b" " * 500_000 + CODE + b" " * 400_000,
        b"\x00\x00\x01\x00" + FAR + CODE + FAR,
        b"words " * 50_000 + CODE + b" words" * 50_000,
    ],
)
def test_php_is_found_where_images_and_texts_can_hide_it(look, content):
    assert look("x", content) is True


@pytest.mark.parametrize(
    "content",
    [
        b"",
        jpeg(segment(0xFE, b"holiday")),
        png(chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"holiday"))),
        png(chunk(b"zTXt", b"Comment\0\0not compressed")),
        webp((b"VP8 ", FAR), (b"EXIF", b"x")),
        b"\xff\xd8\xff\xff\xff\xff" + FAR,
        b"\x89PNG\r\n\x1a\n\xff\xff\xff\xfftEXt" + FAR,
        b"RIFF\x00\x00\x00\x00WEBPEXIF\xff\xff\xff\xff" + FAR,
        FAR + CODE + FAR,  # no metadata, and neither head nor tail: the documented bound
    ],
)
def test_other_content_is_not_taken_for_it(look, content):
    assert look("x", content) is False


def test_a_small_chunk_that_inflates_to_much_is_cut(look):
    bomb = zlib.compress(bytes(200 * 2**20), 9)
    assert look("x.png", png(chunk(b"zTXt", b"C\0\0" + bomb))) is False


def test_a_link_in_place_of_the_file_is_not_followed(root):
    root.write("/srv/secret", CODE)
    root.symlink("/srv/x.jpg", "secret")
    gaps = []
    with Target.directory(root.path) as target:
        inspector = Inspector(target, lambda reason, detail: gaps.append((reason, detail)))
        assert inspector.holds_php("/srv/", "x.jpg") is None
        inspector.close()
    assert gaps == [(GapReason.UNSUPPORTED, "/srv/x.jpg: not a regular file")]


def test_a_fifo_in_place_of_the_file_is_not_waited_for(root):
    root.mkdir("/srv")
    os.mkfifo(root.directory / "srv/x.jpg")
    gaps = []
    with Target.directory(root.path) as target:
        inspector = Inspector(target, lambda reason, detail: gaps.append((reason, detail)))
        assert inspector.kind("/srv/", "x.jpg") is None
        inspector.close()
    assert gaps == [(GapReason.UNSUPPORTED, "/srv/x.jpg: not a regular file")]


def test_a_file_that_was_removed_says_nothing(root):
    root.mkdir("/srv")
    gaps = []
    with Target.directory(root.path) as target:
        inspector = Inspector(target, lambda reason, detail: gaps.append((reason, detail)))
        assert inspector.kind("/srv/", "gone.jpg") is None
        inspector.close()
    assert gaps == []
