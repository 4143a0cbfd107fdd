"""Every shipped check as osquery would run it: the exported SQL over the rows of the check's own examples comes to the example's state."""

from __future__ import annotations

import sqlite3

import pytest

from hardaudit.audit.registry import Registry
from hardaudit.engine.versions import COLLATIONS
from hardaudit.export import fleet_policies, osquery_pack
from hardaudit.export.dialect import GAPS
from hardaudit.export.queries import check_sql
from hardaudit.export.rehearsal import rehearse
from hardaudit.export.sql_text import CannotExportError
from hardaudit.model.policy import Selection
from hardaudit.osquery.schema import load_schema

CHECKS = Registry().checks
OSQUERYS = load_schema().tables.keys()

LEFT_OUT = {
    "accounts/sudoers_writable",
    "filesystem/setuid_interpreters",
    "filesystem/unowned_files",
    "filesystem/unpackaged_setuid",
    "filesystem/world_writable_directories",
    "filesystem/world_writable_files",
    "persistence/executables_in_temporary_directories",
}
"""Checks that osquery's planner would run without a required column."""

DIFFERENT = {
    ("accounts/privileged_group_members", "groups without members"),
    ("accounts/privileged_group_members", "members by name and by primary group"),
    ("accounts/privileged_group_members", "groups come from a directory that is not read"),
    ("patches/security_repository_configured", "configured by code name"),
    ("patches/security_repository_configured", "configured as stable-security, which is this release"),
    ("patches/security_repository_configured", "an entry could not be read"),
    ("persistence/writable_scheduled_programs", "programs that others may change"),
    ("web/php_allow_url_fopen", "by default in two pools, in a pool's file, and where it is allowed"),
    ("web/php_allow_url_include", "by default in two pools, in a pool's file, and where it is allowed"),
    ("web/php_as_root", "no PHP"),
    ("web/php_cgi_force_redirect", "by default in two pools, in a pool's file, and where it is allowed"),
    ("web/php_disable_functions", "none by default, some, and other spellings that PHP does not take"),
    ("web/php_display_errors", "off, and startup errors as PHP has them"),
    ("web/php_display_errors", "in php.ini, in one directory, and by default"),
    ("web/php_enable_dl", "by default in two pools, in a pool's file, and where it is allowed"),
    ("web/php_expose_php", "by default in two pools, in a pool's file, and where it is allowed"),
    ("web/php_log_errors", "by default in two pools, in a pool's file, and where it is allowed"),
    ("web/php_log_errors", "no value at all"),
    ("web/php_open_basedir", "by default in two pools, in a pool's file, and where it is allowed"),
    ("web/php_open_basedir", "a site of the same name that only redirects, and one that serves content too"),
    ("web/php_open_basedir", "no value at all"),
    ("web/php_session_httponly", "by default in two pools, in a pool's file, and where it is allowed"),
    ("web/php_session_httponly", "no value at all"),
    ("web/php_session_ids", "all three"),
    ("web/php_session_samesite", "by default in two pools, in a pool's file, and where it is allowed"),
    ("web/php_session_samesite", "no value at all"),
    ("web/php_session_secure", "on, and a site without TLS"),
    ("web/php_unused_uploads", "on without one"),
    ("web/php_user_groups", "no PHP"),
    ("web/server_as_root", "by default on two sites, and in a file that is allowed"),
    ("web/server_signature", "by default on two sites, and in a file that is allowed"),
    ("web/shared_php_user", "no PHP"),
    ("web/trace_method", "by default on two sites, and in a file that is allowed"),
    ("web/uploads_in_docroot", "outside"),
    ("web/version_disclosure", "by default on two sites, and in a file that is allowed"),
}
"""Check and example where a NULL that osquery shows as the empty text changes what comes out."""

REFUSED = {
    "accounts/privileged_group_members": "'groups without members' comes to fail instead of pass",
    "patches/security_repository_configured": "'configured by code name' comes to fail instead of pass",
    "persistence/writable_scheduled_programs": "'programs that others may change' comes to 3 findings instead of 4",
    "web/php_as_root": "'no PHP' comes to pass instead of not_applicable",
    "web/php_display_errors": "'off, and startup errors as PHP has them' comes to fail instead of pass",
    "web/php_session_secure": "'on, and a site without TLS' comes to fail instead of pass",
    "web/php_unused_uploads": "'on without one' comes to pass instead of fail",
    "web/php_user_groups": "'no PHP' comes to pass instead of not_applicable",
    "web/shared_php_user": "'no PHP' comes to pass instead of not_applicable",
    "web/uploads_in_docroot": "'outside' comes to fail instead of pass",
}
"""Those of which the verdict changes, and which are not exported therefore."""


def compare(check, example, host, dialect):
    """What osquery hears other than the example says, or None."""
    exported = check_sql(check, Selection(check.severity, {**check.defaults, **example.params}), dialect)
    heard = host(example.tables, {table: reason.value for table, reason in example.gaps.items()}).hear(exported)
    if heard.state != example.state or (heard.state == "fail" and heard.subjects != sorted(example.subjects)):
        return heard
    assert heard.passes == (example.state in ("pass", "not_applicable"))
    return None


@pytest.mark.parametrize("name", sorted(CHECKS.keys() - LEFT_OUT))
def test_the_states_of_the_examples(name, host, dialect):
    check = CHECKS[name]
    # What osquery's own tables could not read, osquery does not tell.
    told = [example for example in check.examples if not example.gaps.keys() & OSQUERYS]
    different = {(name, example.name): heard for example in told if (heard := compare(check, example, host, dialect))}
    assert set(different) == {entry for entry in DIFFERENT if entry[0] == name}, different


@pytest.mark.parametrize("name", sorted(LEFT_OUT))
def test_a_check_that_loses_rows_is_left_out(name, dialect):
    check = CHECKS[name]
    with pytest.raises(CannotExportError, match=r"osquery may read it before the query tells it (root|path or directory)"):
        check_sql(check, Selection(check.severity, check.defaults), dialect)


def test_a_check_of_which_the_verdict_changes_is_left_out(dialect):
    specs = {name: table.spec for name, table in Registry().tables.items()}
    refused = {}
    for name in CHECKS.keys() - LEFT_OUT:
        try:
            rehearse(CHECKS[name], dialect, specs)
        except CannotExportError as error:
            refused[name] = str(error).removeprefix("osquery shows NULL as empty text, with which its example ")
    assert refused == REFUSED


def test_an_older_sqlite_reads_every_statement(dialect):
    """That of Python, with ordinary tables; osquery's is older than what the engine uses."""
    connection = sqlite3.connect(":memory:")
    for spec in (*(table.spec for table in Registry().tables.values()), GAPS):
        columns = [f'"{column.name}" {column.type.value}' for column in spec.columns]
        connection.execute(f"CREATE TABLE {spec.name}({', '.join(columns)})")
    for name in ("regex_match", "regex_split", "split", "in_cidr_block", "version_compare", "concat", "concat_ws"):
        connection.create_function(name, -1, lambda *_: None)
    for name in COLLATIONS:
        connection.create_collation(name, lambda one, other: (one > other) - (one < other))
    count = 0
    for name in sorted(CHECKS.keys() - LEFT_OUT):
        exported = check_sql(CHECKS[name], Selection(CHECKS[name].severity, CHECKS[name].defaults), dialect)
        for statement in (*osquery_pack.statements(exported), *fleet_policies.statements(exported)):
            connection.execute(f"EXPLAIN {statement}")
            count += 1
    assert count > 300
