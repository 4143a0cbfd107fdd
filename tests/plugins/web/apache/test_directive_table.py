"""Where directives are allowed, and how many arguments they take."""

from __future__ import annotations

import pytest

from hardaudit_plugins.web.apache.arguments import argument_fault
from hardaudit_plugins.web.apache.directive_table import OVERRIDE_CLASSES, allowed_in_htaccess, lookup

NONE: frozenset[str] = frozenset()


def allowed(name: str, *classes: str, listed: frozenset[str] = NONE) -> bool:
    return allowed_in_htaccess(name, frozenset(classes), listed)


def test_sections_and_directives_are_found_in_any_case() -> None:
    for name in ("FilesMatch", "<filesmatch", "SETHANDLER", "php_admin_flag"):
        assert lookup(name) is not None
    assert lookup("Frobnicate") is None


def test_a_class_of_allowoverride_allows_what_belongs_to_it() -> None:
    assert allowed("SetHandler", "FileInfo")
    assert not allowed("SetHandler", "AuthConfig", "Indexes", "Limit", "Options")
    assert allowed("php_flag", "Options")
    assert allowed("Require", "AuthConfig")
    assert allowed("Order", "Limit")
    assert allowed("<Files", "Indexes")
    assert allowed("<Limit", "AuthConfig")
    assert not allowed("IfModule")


def test_what_only_the_configuration_may_hold_is_never_allowed_by_a_class() -> None:
    for name in ("php_admin_flag", "AllowOverride", "DocumentRoot", "Directory", "Define", "Include", "Frobnicate"):
        assert not allowed_in_htaccess(name, OVERRIDE_CLASSES, NONE)


def test_a_list_allows_by_name_what_directories_may_hold() -> None:
    assert allowed("SetHandler", listed=frozenset({"sethandler"}))
    assert allowed("php_admin_flag", listed=frozenset({"PHP_admin_flag"}))
    assert not allowed("SetHandler", listed=frozenset({"AddType"}))
    assert not allowed("DocumentRoot", listed=frozenset({"DocumentRoot"}))


@pytest.mark.parametrize(
    ("name", "arguments", "fits"),
    [
        ("SetHandler", "a", True),
        ("SetHandler", '"a b"', True),
        ("SetHandler", "a b", False),
        ("SetHandler", "", False),
        ("SetHandler", '""', False),
        ("AddType", "a", False),
        ("AddType", "a b c", True),
        ("RemoveHandler", ".php .x", True),
        ("RemoveHandler", "", False),
        ("php_flag", "engine off", True),
        ("php_flag", "engine", False),
        ("ExpiresActive", "ON", True),
        ("ExpiresActive", "maybe", False),
        ("RewriteRule", "", True),
        ("Frobnicate", "", True),
    ],
)
def test_the_number_of_arguments_is_looked_at(name: str, arguments: str, fits: bool) -> None:
    assert (argument_fault(name, arguments) is None) is fits
