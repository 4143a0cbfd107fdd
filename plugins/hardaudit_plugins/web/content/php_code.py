"""Whether PHP code is in a content whose name does not say so."""

from __future__ import annotations

import re

BY_NAME = frozenset(("php", "php3", "php4", "php5", "php6", "php7", "php8", "phtml", "pht", "phar", "phps"))
"""Extensions that say of a file that it is PHP. `inc`, `module` and the like are not among them: servers hand them out as text."""

# PHP opens code with `<?php` and white space or the end of the file, with `<?=`, and with short_open_tag with `<?` alone; PHP 5 also with
# <script language="php">. Five bytes are no accident in binary content; three are, in one of some hundred files of 128 KiB.
_CERTAIN = re.compile(
    rb"<\?php(?![A-Za-z0-9_\x80-\xff])|<script\s{1,20}[^>]{0,80}?\blanguage\s{0,9}=\s{0,9}[\"']?php\b|__halt_compiler\s{0,9}\(\s{0,9}\)\s{0,9};",
    re.IGNORECASE,
)
_SUPERGLOBAL = rb"\$\{?_(?:GET|POST|REQUEST|COOKIE|SERVER|FILES)\b"
_DANGEROUS = (
    rb"(?:eval|assert|system|exec|passthru|shell_exec|popen|proc_open|phpinfo|include|include_once|require|require_once|file_put_contents|fwrite|"
    rb"base64_decode|gzinflate|str_rot13|create_function|call_user_func|preg_replace|move_uploaded_file|copy|print_r|var_dump|readfile)"
)
_PRINTED = rb"(?:[\t\r\n\x20-;=-\x7e]|<(?!\?))"  # up to the next mark, so that each byte is looked at for one mark only
_ECHO_IN_TEXT = re.compile(rb"<\?=")
_ECHO_IN_DATA = re.compile(
    rb"<\?=\s{0,9}(?:" + _SUPERGLOBAL + rb"|@?" + _DANGEROUS + rb"\s{0,9}[(\"'$]|`[\x20-\x5f\x61-\x7e]{1,400}`"
    rb"|" + _PRINTED + rb"{0,400}?(?:\?>|;\s{0,9}(?:/\*|//|#)))",
    re.IGNORECASE,
)
_SHORT = re.compile(
    rb"<\?\s{0,20}(?:@{0,3}"
    + _DANGEROUS
    + rb"\s{0,9}[(\"'$]|(?:echo|print)\s{0,9}[(\"'$@]|@?"
    + _SUPERGLOBAL
    + rb"|`[\x20-\x5f\x61-\x7e]{1,400}`"
    rb"|\$[a-z_]\w{0,60}\s{0,9}(?:=[^=]|\[|\(|->|\+\+)|(?:if|foreach|while|for|switch)\s{0,9}\(" + _PRINTED + rb"{0,80}\$"
    rb"|/[*/]" + _PRINTED + rb"{1,400}?\$\w)",
    re.IGNORECASE,
)


def may_hold_php(content: bytes) -> bool:
    """Whether anything in a content opens PHP: quick, and often wrong, but only for what holds none."""
    if b"<?" in content:
        return True
    lowered = content.lower()
    return b"<script" in lowered or b"__halt_compiler" in lowered


def holds_php(content: bytes, *, is_text: bool) -> bool:
    """Whether there is PHP code in a content. `is_text`: it is no binary data, in which `<?=` may stand by chance."""
    if not may_hold_php(content):
        return False
    if _CERTAIN.search(content):
        return True
    return bool((_ECHO_IN_TEXT if is_text else _ECHO_IN_DATA).search(content) or _SHORT.search(content))
