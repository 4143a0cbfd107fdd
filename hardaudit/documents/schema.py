"""JSON Schema (Draft 2020-12) for documents, with faults in words, at the place where they stand."""

from __future__ import annotations

import functools
import importlib.resources
import json
import re
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from hardaudit.documents.problems import Choice, quote
from hardaudit.documents.reading import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

    from hardaudit.documents.problems import Problems
    from hardaudit.documents.reading import Document, KeyPath

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}


_FORMATS = {"date": "a date written YYYY-MM-DD", "regex": "a regular expression"}
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
    """A fault at a path; `at_key` when it is the key's."""

    path: KeyPath
    message: str
    at_key: bool = False
    choice: Choice | None = None


class _Violation(NamedTuple):
    """What jsonschema found: `value` at `path`, which messages call `name`, breaks `keyword: operand` of `schema`."""

    keyword: str
    operand: Any
    schema: Mapping[str, Any]
    value: Any
    path: KeyPath
    name: str
    message: str


_Explain: TypeAlias = "Callable[[_Violation], Iterator[_Fault]]"


@functools.cache
def shipped_validator(package: str, file: str) -> Validator:
    """The validator of a schema file in a package."""
    text = importlib.resources.files(package).joinpath(file).read_text("utf-8")
    return validator(json.loads(text))


def validator(schema: Mapping[str, Any]) -> Validator:
    """A validator for which 1.0 is no whole number, and `format: date` means YYYY-MM-DD."""
    made: Validator = _validator_class()(schema, format_checker=_format_checker())
    return made


@functools.cache
def _validator_class() -> Any:
    import jsonschema

    checker = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    )
    return jsonschema.validators.extend(jsonschema.Draft202012Validator, type_checker=checker)  # type: ignore[no-untyped-call]


@functools.cache
def _format_checker() -> Any:
    import jsonschema

    checker = jsonschema.FormatChecker(formats=())
    checker.checks("date", raises=ValueError)(_is_date)
    checker.checks("regex", raises=(re.error, OverflowError, RecursionError))(_is_regex)
    return checker


def _is_date(value: object) -> bool:
    """YYYY-MM-DD alone: `fromisoformat` takes more, from Python 3.11 on."""
    if not isinstance(value, str):
        return True
    return re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value) is not None and bool(date.fromisoformat(value))


def _is_regex(value: object) -> bool:
    return not isinstance(value, str) or bool(re.compile(value))


def hold_against(schema: Validator, document: Document, path: KeyPath, problems: Problems) -> bool:
    """Record how the document's value at `path` breaks the schema; true when it does not."""
    before = len(problems)
    for error in schema.iter_errors(document.get(path)):
        violation = _violation(error, path)
        for fault in _EXPLAIN.get(violation.keyword, _explain_other)(violation):
            problems.add(document, fault.path, fault.message, at_key=fault.at_key, choice=fault.choice)
    return len(problems) == before


def _violation(error: ValidationError, path: KeyPath) -> _Violation:
    of_key = "propertyNames" in list(error.absolute_schema_path)[-2:-1]
    at = (*path, *error.absolute_path)
    name = spelled(at)
    return _Violation(
        keyword="propertyNames" if of_key else str(error.validator),
        operand=error.validator_value,
        schema=error.schema if isinstance(error.schema, dict) else {},
        value=error.instance,
        path=at,
        name=quote(name)[1:-1] if name else "the file",
        message=error.message,
    )


def spelled(path: KeyPath) -> str:
    """A path as messages name it: `checks.web/x.params.allow[0].port`; empty for the document itself."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text if len(text) <= 200 else f"…{text[-199:]}"


def _explain_unknown_keys(fault: _Violation) -> Iterator[_Fault]:
    known = tuple(fault.schema.get("properties", ()))
    for key in fault.value:
        if key not in known:
            where = f" in {fault.name}" if fault.path else ""
            yield _Fault((*fault.path, key), f"unknown key {quote(key)}{where}", at_key=True, choice=Choice(key, known))


def _explain_required(fault: _Violation) -> Iterator[_Fault]:
    for key in fault.operand:  # one error a missing key, each with all the keys: what is recorded twice counts once
        if key not in fault.value:
            yield _Fault(fault.path, f"{fault.name} lacks the key {quote(key)}")


def _explain_type(fault: _Violation) -> Iterator[_Fault]:
    value = fault.value
    types = [fault.operand] if isinstance(fault.operand, str) else fault.operand
    expected = _FORMATS["date"] if fault.schema.get("format") == "date" else " or ".join(_TYPES[kind] for kind in types)
    hint = ""
    if "string" in types and not isinstance(value, (dict, list)) and value is not None:
        hint = ": quote it"
    elif "boolean" in types and isinstance(value, str) and value.lower() in ("yes", "no", "on", "off"):
        hint = f": write {'true' if value.lower() in ('yes', 'on') else 'false'}"
    yield _Fault(fault.path, f"{fault.name} must be {expected}, not {describe(value)}{hint}")


def _explain_enum(fault: _Violation) -> Iterator[_Fault]:
    allowed = tuple(value if isinstance(value, str) else json.dumps(value) for value in fault.operand)
    wrong = fault.value if isinstance(fault.value, str) else ""
    yield _Fault(fault.path, f"{fault.name} cannot be {describe(fault.value)}", choice=Choice(wrong, allowed))


def _explain_form(fault: _Violation) -> Iterator[_Fault]:
    """`pattern` and `format`: the schema's description says the form in words."""
    yield _Fault(fault.path, f"{fault.name} must be {_form(fault)}, not {describe(fault.value)}")


def _explain_key(fault: _Violation) -> Iterator[_Fault]:
    yield _Fault((*fault.path, fault.value), f"the key {quote(fault.value)} in {fault.name} must be {_form(fault)}", at_key=True)


def _form(fault: _Violation) -> str:
    if fault.keyword == "format":
        return _FORMATS[fault.operand]
    return str(fault.schema.get("description") or f"text like {fault.operand}")


def _explain_bound(fault: _Violation) -> Iterator[_Fault]:
    yield _Fault(fault.path, f"{fault.name} must be {_BOUNDS[fault.keyword].format(fault.operand)}, not {describe(fault.value)}")


def _explain_size(fault: _Violation) -> Iterator[_Fault]:
    yield _Fault(fault.path, f"{fault.name} must have {_SIZES[fault.keyword].format(fault.operand)}")


def _explain_other(fault: _Violation) -> Iterator[_Fault]:
    yield _Fault(fault.path, f"{fault.name} is not allowed here: {quote(fault.message)}")


_EXPLAIN: dict[str, _Explain] = {
    "additionalProperties": _explain_unknown_keys,
    "propertyNames": _explain_key,
    "required": _explain_required,
    "type": _explain_type,
    "enum": _explain_enum,
    "pattern": _explain_form,
    "format": _explain_form,
    **dict.fromkeys(_BOUNDS, _explain_bound),
    **dict.fromkeys(_SIZES, _explain_size),
}
