"""Columns of code, JSON and tool calls: does what was made still work?

- parses: share of the values that parse: Python by `ast`, SQL by sqlglot, JSON by `json`.
- schema_valid: of a JSON column, share of the values that satisfy the JSON Schema inferred from the real ones
  (`codec/shape.py`: types, keys, which keys are always there, enums, limits; checked by jsonschema).
- new_keys: of the keys of a JSON column's values, at any depth, the share that no real value has: a schema
  that allows any key does not tell made-up ones. By chance, the share of the real keys that one real value
  alone has.
- calls_fit: of a column of tool calls, share of the rows in which every call names a tool and gives arguments
  that its specification allows. A call is {"name", "arguments"}; the specification is {"name",
  "parameters"} in another column of the row, as a JSON Schema or as {argument: {"type", ...}}.

A column is recognised by its real values. Each figure is the mean over such columns.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.codec.shape import infer_shape
from lookalike.errors import MissingDependency
from lookalike.evaluate.columns import ComparedColumn
from lookalike.evaluate.rows import first
from lookalike.evaluate.section import Entry, Section, Structured, share
from lookalike.evaluate.view import View
from lookalike.texts.syntax import LOOKED_AT, PARSERS, SURE, exact, language, parse_json

Array = npt.NDArray[Any]

SCHEMA_ROWS = 5_000
NAMES = {"python": "Python", "sql": "SQL", "json": "JSON"}


def measure(view: View) -> Section:
    """The entries of all columns of code or JSON together, as far as there are any, and those of each."""
    texts = {
        str(column.name): _texts(column)
        for column in first(view.matched, view.limits.texts)
        if column.texts is not None
    }
    columns: dict[str, Structured] = {}
    notes: list[str] = []
    for name, own in texts.items():
        kind = language([text for text in own["real"] if text])
        if kind is None:
            continue
        columns[name] = Structured(kind, {})
        try:
            for key, found in _column(kind, own):
                columns[name].entries[key] = found
        except MissingDependency as error:
            notes.append(f"column '{name}' holds {NAMES[kind]}: {error}.")
    by_key: dict[str, list[Entry]] = {}
    for column in columns.values():
        for key, found in column.entries.items():
            by_key.setdefault(key, []).append(found)
    of_json = {name: texts[name] for name, column in columns.items() if column.language == "json"}
    for calls, specs in _tools(of_json):
        flags = {
            table: np.array([fits(a, b) for a, b in zip(some, texts[specs][table], strict=True)])
            for table, some in texts[calls].items()
            if table != "real"
        }
        found = share(flags["synthetic"], flags.get("holdout"))
        columns[calls].entries["calls_fit"] = found
        by_key.setdefault("calls_fit", []).append(found)
    return Section(
        {"fidelity": {key: _mean(entries) for key, entries in by_key.items()}},
        structured=columns,
        skipped={"structured": " ".join(notes)} if notes else {},
    )


def _texts(column: ComparedColumn) -> dict[str, list[str]]:
    """table -> the texts of a column, "" where missing."""
    assert column.texts is not None
    labels = np.append(column.texts, "")
    return {table: [str(text) for text in labels[codes]] for table, codes in column.identity.items()}


def _column(kind: str, texts: dict[str, list[str]]) -> Iterator[tuple[str, Entry]]:
    """(key, entry) of a column of this language; raises MissingDependency where a parser is not installed."""
    tests = {"parses": PARSERS[kind]}
    if kind == "json":
        if (new := _new_keys(texts)) is not None:
            yield "new_keys", new
        tests["schema_valid"] = _validator(texts["real"])
    for key, test in tests.items():
        flags = {t: np.array([test(text) for text in texts[t] if text]) for t in texts if t != "real"}
        yield key, share(flags["synthetic"], flags.get("holdout"))


def _mean(entries: list[Entry]) -> Entry:
    """The mean of each number, None where one of them is missing."""

    def mean(key: str) -> float | None:
        values = [getattr(one, key) for one in entries]
        return None if any(value is None for value in values) else float(np.mean(values))

    return Entry(mean("value"), mean("reference"), mean("low"), mean("high"), mean("chance"))


def _new_keys(texts: dict[str, list[str]]) -> Entry | None:
    """The entry `new_keys` of a column of JSON; None where the real or the synthetic values have no keys."""
    keys = {table: [_keys(parse_json(text)) for text in some if text] for table, some in texts.items()}
    spread = Counter(key for some in keys["real"] for key in set(some))
    flags = {
        table: np.array([key not in spread for some in listed for key in some])
        for table, listed in keys.items()
    }
    if not len(flags["real"]) or not len(flags["synthetic"]):
        return None
    once = float(np.mean([spread[key] == 1 for some in keys["real"] for key in some]))
    held = flags.get("holdout")
    return share(flags["synthetic"], held if held is not None and len(held) else None, once)


def _keys(value: Any) -> list[str]:
    """The keys of all objects in a JSON value, each as often as it occurs."""
    if isinstance(value, list):
        return [key for item in value for key in _keys(item)]
    if isinstance(value, dict):
        return [*value, *(key for item in value.values() for key in _keys(item))]
    return []


def _validator(texts: list[str]) -> Callable[[str], bool]:
    """Whether a text satisfies the shape of these ones."""
    try:
        from jsonschema import Draft202012Validator
    except ImportError:
        raise MissingDependency("jsonschema", "code") from None
    known = [value for text in texts[:SCHEMA_ROWS] if (value := parse_json(text)) is not None]
    validator = exact(Draft202012Validator)(infer_shape(known))

    def valid(text: str) -> bool:
        value = parse_json(text)
        return value is not None and validator.is_valid(value)

    return valid


def _listed(text: str) -> list[Any]:
    value = parse_json(text)
    return value if isinstance(value, list) else [] if value is None else [value]


def _tools(texts: dict[str, dict[str, list[str]]]) -> list[tuple[str, str]]:
    """(column of calls, column of specifications), recognised by their keys."""

    def holds(name: str, *keys: str) -> bool:
        some = [_listed(text) for text in texts[name]["real"][:LOOKED_AT] if text]
        fits = [bool(v) and all(isinstance(x, dict) and set(keys) <= x.keys() for x in v) for v in some]
        return bool(fits) and bool(np.mean(fits) >= SURE)

    calls = [name for name in texts if holds(name, "name", "arguments")]
    specs = [name for name in texts if holds(name, "name", "parameters")]
    return [(call, specs[0]) for call in calls if specs]


def fits(calls: str, specs: str) -> bool:
    """Whether every call names a tool of the row and gives it arguments that it takes."""
    tools = {
        tool.get("name"): tool.get("parameters") or {} for tool in _listed(specs) if isinstance(tool, dict)
    }
    made = _listed(calls)
    return bool(made) and all(
        isinstance(call, dict)
        and call.get("name") in tools
        and _takes(tools[call["name"]], call.get("arguments"))
        for call in made
    )


TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,), "string": (str,), "int": (int,), "integer": (int,), "float": (int, float),
    "number": (int, float), "bool": (bool,), "boolean": (bool,), "list": (list,), "array": (list,),
    "dict": (dict,), "object": (dict,),
}  # fmt: skip


def _takes(parameters: dict[str, Any], arguments: Any) -> bool:
    if not isinstance(arguments, dict) or not isinstance(parameters, dict):
        return False
    # the JSON Schema of an object, which BFCL calls a "dict"; {argument: ...} may have a "type", too
    formal = parameters.get("type") in ("object", "dict")
    known = parameters.get("properties", {}) if formal else parameters
    needed = (
        parameters.get("required", [])
        if formal
        else [
            name
            for name, spec in known.items()
            if isinstance(spec, dict)
            and "default" not in spec
            and spec.get("required", "optional" not in str(spec.get("type", "")))
        ]
    )
    if not set(arguments) <= set(known) or not set(needed) <= set(arguments):
        return False
    for name, value in arguments.items():
        spec = known[name] if isinstance(known[name], dict) else {}
        kind = re.split(r"[\[,( ]", str(spec.get("type", "")).lower())[0]
        if kind in TYPES and not isinstance(value, TYPES[kind]):
            return False
        if spec.get("enum") and value not in spec["enum"]:
            return False
    return True
