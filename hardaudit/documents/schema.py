"""JSON Schema (Draft 2020-12) for documents, with faults in words, at the place where they stand."""

from __future__ import annotations

import functools
import importlib.resources
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from hardaudit.documents.problems import quote
from hardaudit.documents.reading import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

    from hardaudit.documents.problems import Problems
    from hardaudit.documents.reading import Document, JsonValue, KeyPath

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}


_BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
}
_SIZES = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "minProperties": "at least {} keys",
    "maxProperties": "at most {} keys",
    "uniqueItems": "no item twice",
}


class _Fault(NamedTuple):
    """A fault at a path; `at_key` when it is the key's. `wrong` and `allowed` are as `Problems.add` takes them."""

    path: KeyPath
    message: str
    at_key: bool = False
    wrong: str = ""
    allowed: tuple[str, ...] = ()


_Explain: TypeAlias = "Callable[[ValidationError, KeyPath, str], Iterator[_Fault]]"


@functools.cache
def shipped_validator(package: str, file: str) -> Validator:
    """The validator of a schema file in a package."""
    text = importlib.resources.files(package).joinpath(file).read_text("utf-8")
    return validator(json.loads(text))


def validator(schema: Mapping[str, Any]) -> Validator:
    """A validator for which 1.0 is no whole number, and `format: date` means YYYY-MM-DD."""
    return _validator_class()(schema, format_checker=_date_checker())


@functools.cache
def _validator_class() -> Any:
    import jsonschema  # noqa: PLC0415 - takes 80 ms to import, and many commands read no document

    checker = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    )
    return jsonschema.validators.extend(jsonschema.Draft202012Validator, type_checker=checker)


@functools.cache
def _date_checker() -> Any:
    import jsonschema  # noqa: PLC0415 - as above

    return jsonschema.FormatChecker(formats=["date"])


def hold_against(schema: Validator, document: Document, path: KeyPath, problems: Problems) -> bool:
    """Record how the document's value at `path` breaks the schema; true when it does not."""
    before = len(problems)
    for error in schema.iter_errors(document.get(path)):
        at = (*path, *error.absolute_path)
        of_key = "propertyNames" in list(error.absolute_schema_path)[-2:-1]
        explain = _explain_key if of_key else _EXPLAIN.get(error.validator, _explain_other)
        for fault in explain(error, at, spelled(at)):
            position = document.at_key(fault.path) if fault.at_key else document.at(fault.path)
            problems.add(document.file, position, fault.message, wrong=fault.wrong, allowed=fault.allowed)
    return len(problems) == before


def accepts(schema: Validator, value: JsonValue) -> bool:
    """Whether a value keeps to the schema."""
    return bool(schema.is_valid(value))


def spelled(path: KeyPath) -> str:
    """A path as messages name it: `checks.web/x.params.allow[0].port`; empty for the document itself."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text if len(text) <= 200 else f"…{text[-199:]}"


def _subject(name: str) -> str:
    return quote(name)[1:-1] if name else "the file"


def _explain_unknown_keys(error: ValidationError, path: KeyPath, name: str) -> Iterator[_Fault]:
    known = tuple(error.schema.get("properties", ()))
    patterns = tuple(error.schema.get("patternProperties", ()))
    for key in error.instance:
        if key not in known and not any(re.search(pattern, key) for pattern in patterns):
            where = f" in {_subject(name)}" if name else ""
            yield _Fault((*path, key), f"unknown key {quote(key)}{where}", at_key=True, wrong=key, allowed=known)


def _explain_required(error: ValidationError, path: KeyPath, name: str) -> Iterator[_Fault]:
    for key in error.validator_value:  # one error a missing key, each with all the keys: what is recorded twice counts once
        if key not in error.instance:
            yield _Fault(path, f"{_subject(name)} lacks the key {quote(key)}")


def _explain_type(error: ValidationError, path: KeyPath, name: str) -> Iterator[_Fault]:
    value, wanted = error.instance, error.validator_value
    types = [wanted] if isinstance(wanted, str) else wanted
    if error.schema.get("format") == "date":
        expected = "a date written YYYY-MM-DD"
    else:
        expected = " or ".join(_TYPES[kind] for kind in types)
    hint = ""
    if "string" in types and not isinstance(value, (dict, list)) and value is not None:
        hint = ": quote it"
    elif "boolean" in types and isinstance(value, str) and value.lower() in ("yes", "no", "on", "off"):
        hint = f": write {'true' if value.lower() in ('yes', 'on') else 'false'}"
    yield _Fault(path, f"{_subject(name)} must be {expected}, not {describe(value)}{hint}")


def _explain_enum(error: ValidationError, path: KeyPath, name: str) -> Iterator[_Fault]:
    allowed = tuple(value if isinstance(value, str) else json.dumps(value) for value in error.validator_value)
    wrong = error.instance if isinstance(error.instance, str) else ""
    yield _Fault(path, f"{_subject(name)} cannot be {describe(error.instance)}", wrong=wrong, allowed=allowed)


def _explain_form(error: ValidationError, path: KeyPath, name: str) -> Iterator[_Fault]:
    """`pattern` and `format`: the schema's description says the form in words."""
    if error.validator == "format":
        form = "a date written YYYY-MM-DD"
    else:
        form = str(error.schema.get("description") or f"text like {error.validator_value}")
    yield _Fault(path, f"{_subject(name)} must be {form}, not {describe(error.instance)}")


def _explain_key(error: ValidationError, path: KeyPath, name: str) -> Iterator[_Fault]:
    form = error.schema.get("description") or f"like {error.validator_value}"
    yield _Fault((*path, error.instance), f"the key {quote(error.instance)} in {_subject(name)} must be {form}", at_key=True)


def _explain_bound(error: ValidationError, path: KeyPath, name: str) -> Iterator[_Fault]:
    yield _Fault(path, f"{_subject(name)} must be {_BOUNDS[error.validator].format(error.validator_value)}, not {describe(error.instance)}")


def _explain_size(error: ValidationError, path: KeyPath, name: str) -> Iterator[_Fault]:
    yield _Fault(path, f"{_subject(name)} must have {_SIZES[error.validator].format(error.validator_value)}")


def _explain_other(error: ValidationError, path: KeyPath, name: str) -> Iterator[_Fault]:
    yield _Fault(path, f"{_subject(name)} is not allowed here: {quote(error.message)}")


_EXPLAIN: dict[str, _Explain] = {
    "additionalProperties": _explain_unknown_keys,
    "required": _explain_required,
    "type": _explain_type,
    "enum": _explain_enum,
    "pattern": _explain_form,
    "format": _explain_form,
    **dict.fromkeys(_BOUNDS, _explain_bound),
    **dict.fromkeys(_SIZES, _explain_size),
}
