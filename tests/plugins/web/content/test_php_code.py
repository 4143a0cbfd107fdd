from __future__ import annotations

import random
import time

import pytest

from hardaudit_plugins.web.content.php_code import holds_php

OPEN, ECHO, SHORT = b"<?" + b"php", b"<?" + b"=", b"<?"
NOISE = random.Random(7).randbytes(3000).replace(SHORT, b"..")


@pytest.mark.parametrize(
    "code",
    [
        OPEN + b" echo 1;",
        OPEN.upper() + b"\n",
        OPEN + b"\t",
        OPEN,
        ECHO + b"`$_GET[0]`?>",
        ECHO + b"$_GET[0]($_POST[1]);?>",
        ECHO + b" eval($x)",
        ECHO + b"f(1);__HALT_COMPILER();",
        ECHO + b"foo($bar);/* ",
        SHORT + b" eval($_POST[1]); ?>",
        SHORT + b"@system($x);",
        SHORT + b"\n$a = 1; ?>",
        SHORT + b" if ($x) { ?>",
        SHORT + b'echo "x";',
        b"<script language='php'>echo 1;</script>",
        b'<SCRIPT  LANGUAGE = "PHP">',
        b"__HALT_COMPILER(); ?>",
    ],
)
@pytest.mark.parametrize("around", [b"", NOISE])
def test_php_is_found_in_text_and_in_data(code, around):
    tail = around if code != OPEN else b""
    assert holds_php(around + code + tail, is_text=not around)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"plain text",
        b"<?xml version='1.0'?><svg/>",
        b"<?xml-stylesheet href='x'?>",
        b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>',
        b"<?mso-application progid='Excel.Sheet'?>",
        b"<? some words ?>",
        b"<script language='javascript'>",
        b"<script type='text/javascript'>var language = 'php';</script>",
        b"a <?phpx",
    ],
)
@pytest.mark.parametrize("around", [b"", NOISE])
def test_other_content_is_not_php(content, around):
    assert not holds_php(around + content + around, is_text=not around)


def test_the_mark_of_echo_is_enough_in_text_but_not_in_data():
    assert holds_php(b"a " + ECHO + b" b", is_text=True)
    assert not holds_php(NOISE + ECHO + b"\x01\x02" + NOISE, is_text=False)


def test_random_data_holds_no_php():
    generator = random.Random(1)
    for _ in range(400):
        data = bytearray(generator.randbytes(64 * 1024))
        for _ in range(20):  # far more marks than chance would make
            place = generator.randrange(len(data) - 3)
            data[place : place + 3] = ECHO
        assert not holds_php(bytes(data), is_text=False)


@pytest.mark.parametrize(
    "piece",
    [SHORT, ECHO, ECHO + b" ", b"<script ", b"<script language", SHORT + b"$a", b"__halt_compiler ", SHORT + b"/* ", SHORT + b" if("],
)
def test_hostile_repetition_takes_bounded_time(piece):
    started = time.process_time()
    holds_php(piece * (1_000_000 // len(piece)), is_text=False)
    assert time.process_time() - started < 10
