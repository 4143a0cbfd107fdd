"""osquery's schema: what is bundled, and files of other releases."""

from __future__ import annotations

import json
import os

import pytest

from hardaudit.errors import HardauditError
from hardaudit.model.table import BIGINT, TEXT, Column
from hardaudit.osquery.schema import SchemaColumn, columns_of, load_schema

PUBLISHED = [
    {
        "name": "processes",
        "platforms": ["darwin", "linux", "windows"],
        "evented": False,
        "columns": [
            {"name": "pid", "type": "bigint", "notes": "", "hidden": False, "required": False, "index": True},
            {"name": "upid", "type": "bigint", "hidden": False, "required": False, "index": False, "platforms": ["darwin"]},
            {"name": "cgroup_path", "type": "text", "hidden": True, "required": False, "index": False, "platforms": ["linux"]},
        ],
    },
    {"name": "registry", "platforms": ["windows"], "evented": False, "columns": [{"name": "key", "type": "text"}]},
    {"name": "process_events", "platforms": ["linux"], "evented": True, "columns": [{"name": "pid", "type": "bigint"}]},
]


@pytest.fixture
def write(tmp_path):
    def write(content: object, name: str = "5.12.1.json") -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return str(path)

    return write


def test_the_bundled_schema():
    schema = load_schema()
    assert schema.version == "5.23"
    assert len(schema.tables) == 154
    assert schema.tables["users"].columns["uuid"] == SchemaColumn("uuid", "TEXT", index=True, collate="nocase")
    assert list(schema.tables["file"].columns)[:4] == ["path", "directory", "filename", "inode"]
    assert schema.tables["file"].required == ("path", "directory")
    assert schema.tables["process_events"].event_subscriber
    assert not schema.tables["processes"].event_subscriber
    assert load_schema() is schema


def test_columns_for_a_table_specification():
    tables = load_schema().tables
    path, directory, filename = columns_of(tables["file"])[:3]
    assert path == Column("path", TEXT, "", required=True, index=True, like=True)
    assert directory == Column("directory", TEXT, "", required=True, like=True)
    assert filename == Column("filename", TEXT, "")
    types = {(table.name, column.name): column.type for table in tables.values() for column in columns_of(table)}
    unusual = {column.type: types[table.name, column.name] for table in tables.values() for column in table.columns.values()}
    assert (unusual["UNSIGNED_BIGINT"], unusual["DATETIME"]) == (BIGINT, TEXT)


def test_the_published_form_has_the_tables_and_columns_of_linux(write):
    schema = load_schema(write(PUBLISHED))
    assert schema.version == "5.12.1"
    assert sorted(schema.tables) == ["process_events", "processes"]
    assert schema.tables["processes"].columns == {
        "pid": SchemaColumn("pid", "BIGINT", index=True),
        "cgroup_path": SchemaColumn("cgroup_path", "TEXT", hidden=True),
    }
    assert schema.tables["process_events"].event_subscriber
    assert load_schema(write(PUBLISHED, "osquery-5.9.json")).version == "5.9"
    assert load_schema(write(PUBLISHED, "schema.json")).version == ""


def test_the_bundled_form_from_a_file(write):
    tables = {"t": {"event_subscriber": True, "columns": [{"name": "a", "type": "UNSIGNED BIGINT"}]}}
    schema = load_schema(write({"osquery": "5.30", "platform": "linux", "note": "", "tables": tables}))
    assert (schema.version, columns_of(schema.tables["t"])) == ("5.30", (Column("a", BIGINT, ""),))


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "it is not JSON"),
        (b"\xff\xfe[]", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b"7", "the document is not a JSON object"),
        ({}, '"osquery" is no version'),
        ({"osquery": "5.23'; x", "tables": {}}, '"osquery" is no version'),
        ({"osquery": "5.23", "tables": []}, '"tables" is not a JSON object'),
        ({"osquery": "5.23", "tables": {"t": 1}}, "the table t is not a JSON object"),
        ([], "it has no table of osquery on Linux"),
        ([{"name": "registry", "platforms": ["windows"]}], "it has no table of osquery on Linux"),
        ([1], "item 1 is not a JSON object"),
        ([{"name": "t\x1b[31m", "columns": []}], "a table has no name of letters, digits and _"),
        ([{"name": "t", "platforms": "linux"}], "platforms is not a list"),
        ([{"name": "t"}], "the table t has no list of columns"),
        ([{"name": "t", "columns": [{"name": 'a"; DROP', "type": "text"}]}], "a column of t has no name of letters, digits and _"),
        ([{"name": "t", "columns": [{"name": "a"}]}], "the column t.a has no type"),
        ([{"name": "t", "columns": [{"name": "a", "type": "text", "collate": "x y"}]}], "a collation that is no name"),
        ([{"name": "t", "columns": [{"name": "a", "type": "text"}]}] * 2, "the table t is there twice"),
    ],
)
def test_what_is_no_schema_is_refused_in_one_line(write, content, fault):
    with pytest.raises(HardauditError, match=r"^osquery's schema .*5\.12\.1\.json: ") as caught:
        load_schema(write(content))
    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_read_is_refused(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "huge").write_bytes(b" " * (16 * 2**20 + 1))
    for path, fault in (
        (tmp_path / "none", "No such file or directory"),
        (tmp_path, "Is a directory|not a regular file"),
        (tmp_path / "fifo", "not a regular file"),
        (tmp_path / "huge", "more than 16,777,216 bytes"),
        ("a\0b", "no file can have this name"),
    ):
        with pytest.raises(HardauditError, match=fault):
            load_schema(str(path))
