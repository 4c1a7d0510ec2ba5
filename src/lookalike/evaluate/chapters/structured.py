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
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.codec.shape import infer_shape
from lookalike.errors import MissingDependency
from lookalike.evaluate.chapters.fidelity import share
from lookalike.evaluate.columns import Column
from lookalike.texts.syntax import LOOKED_AT, PARSERS, SURE, language, parse_json

Array = npt.NDArray[Any]

SCHEMA_ROWS = 5_000
NAMES = {"python": "Python", "sql": "SQL", "json": "JSON"}


def measure(columns: list[Column]) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """(entries, as far as there is such a column; the entries of each column; notes)."""
    found: dict[str, list[dict[str, Any]]] = {}
    detail: dict[str, Any] = {}
    notes: list[str] = []
    texts: dict[str, dict[str, list[str]]] = {}
    for column in (c for c in columns if c.texts is not None):
        assert column.texts is not None
        labels = np.append(column.texts, "")
        own = {table: [str(text) for text in labels[codes]] for table, codes in column.identity.items()}
        name, kind = str(column.name), language([text for text in own["real"] if text])
        if kind is None:
            continue
        if kind == "json":
            texts[name] = own
        detail[name] = {"language": kind}
        tests = {"parses": PARSERS[kind]}
        if kind == "json" and (new := _new_keys(own)) is not None:
            detail[name]["new_keys"] = new
            found.setdefault("new_keys", []).append(new)
        try:
            if kind == "json":
                tests["schema_valid"] = _validator(own["real"])
            for key, test in tests.items():
                flags = {t: np.array([test(text) for text in own[t] if text]) for t in own if t != "real"}
                detail[name][key] = share(flags["synthetic"], flags.get("holdout"))
                found.setdefault(key, []).append(detail[name][key])
        except MissingDependency as error:
            notes.append(f"column '{name}' holds {NAMES[kind]}: {error}.")
    for calls, specs in _tools(texts):
        flags = {
            table: np.array(
                [_fits(a, b) for a, b in zip(texts[calls][table], texts[specs][table], strict=True)]
            )
            for table in texts[calls]
            if table != "real"
        }
        detail[calls]["calls_fit"] = share(flags["synthetic"], flags.get("holdout"))
        found.setdefault("calls_fit", []).append(detail[calls]["calls_fit"])
    return {key: _mean(entries) for key, entries in found.items()}, detail, notes


def _mean(entries: list[dict[str, Any]]) -> dict[str, Any]:
    def mean(key: str) -> float | None:
        values = [one[key] for one in entries]
        return None if any(value is None for value in values) else float(np.mean(values))

    keys = ("value", "reference", "low", "high")
    return {key: mean(key) for key in (*keys, *(["chance"] if "chance" in entries[0] else []))}


def _new_keys(texts: dict[str, list[str]]) -> dict[str, Any] | None:
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
    validator = Draft202012Validator(infer_shape(known))

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


def _fits(calls: str, specs: str) -> bool:
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
