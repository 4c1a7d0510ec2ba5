"""The shape of JSON values as a JSON Schema: inferred from values, or given and checked against them.

An inferred shape holds for every value that it was inferred from, and repeats no string or key of fewer than
`rare` rows: limits are rounded outwards, and what is rare is free text. It ends: it is as deep as the values.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

import pandas as pd

from lookalike.errors import MissingDependency, SchemaError, first_line
from lookalike.texts.syntax import exact

DEEPEST = 24  # levels; below them any JSON is allowed
ENUM = 64  # most distinct strings that are listed
ENUM_LETTERS = 100  # of each: a longer text is no name
PROPERTIES = 128  # most keys that are listed
_MAP_KEYS = 8  # an object of more keys than this, few of them at a time, is a map
_WALKED = 200  # values of a column that are tried in the grammar of its schema
_EXACT = 2**53  # integers beyond this have no limits
_DECIMALS = 8  # of numbers, at most, that are decimal fractions


def infer_shape(values: list[Any], rare: int = 5) -> dict[str, Any]:
    """The JSON Schema of JSON values, one per row: dict, list, str, int, float (finite), bool, None.

    rare: strings and keys of fewer rows than this are not listed (where there are fewer rows in all: of fewer
    than all). Of objects, the keys in the order in which they are first seen: those of every object are
    required. Objects that have few of many keys at a time are maps: any key, one shape for all their values.
    Strings of at most `ENUM` distinct values, none of them rare, are an enum. Limits of numbers, of lengths
    and of items are rounded outwards to two digits. Numbers with a point have as many decimals as the values,
    at most.
    """
    rows = list(range(len(values)))
    return _shape(values, rows, min(rare, len(values)), 0)


def _shape(values: list[Any], rows: list[int], needed: int, depth: int) -> dict[str, Any]:
    """The shape of values, each of which stands in one of the `rows`."""
    if depth >= DEEPEST:
        return {}
    found: dict[str, tuple[list[Any], list[int]]] = {}
    for value, row in zip(values, rows, strict=True):
        group = found.setdefault(_type(value), ([], []))
        group[0].append(value)
        group[1].append(row)
    if "number" in found and "integer" in found:
        whole = found.pop("integer")
        found["number"] = (found["number"][0] + whole[0], found["number"][1] + whole[1])
    options: list[dict[str, Any]] = []
    for kind, (own, places) in found.items():
        if kind in ("integer", "number"):
            options.append({"type": kind} | _range(own))
        elif kind == "string":
            options.append(_string(own, places, needed))
        elif kind == "array":
            options.append(_array(own, places, needed, depth))
        elif kind == "object":
            options.append(_object(own, places, needed, depth))
        else:
            options.append({"type": kind})
    return options[0] if len(options) == 1 else {"anyOf": options} if options else {}


def _type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    names = {int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names[type(value)]


def _range(values: list[Any]) -> dict[str, Any]:
    low, high = min(values), max(values)
    whole = all(isinstance(value, int) for value in values)
    inexact = any(value and not 1e-6 <= abs(value) < 1e15 for value in values)
    if inexact if not whole else max(-low, high) >= _EXACT:
        return {}
    found = {"minimum": _outwards(low, up=False), "maximum": _outwards(high, up=True)}
    if whole:
        return found
    if found["maximum"] in (0, found["minimum"]):  # 0.0 is not below 0 to the grammar, nor 3.0 from 3 to 3
        found["maximum"] = _outwards(found["maximum"] + 0.1, up=True)
    decimals = max(-int(Decimal(repr(value)).as_tuple().exponent) for value in values)
    if decimals <= _DECIMALS:
        found["multipleOf"] = float(f"1e-{max(decimals, 1)}")  # 3.0 is no multiple of 1 to the grammar
    return found


def _outwards(value: float, up: bool) -> int | float:
    """The next number of two digits: 1234 -> 1300 or 1200. Of integers, two digits stay what they are; others
    have one decimal at most, as to the grammar library 0.2 is not below 0.25.
    """
    if value == 0:
        return 0
    exact = Decimal(repr(value))
    digits = max(0 if isinstance(value, int) else -1, exact.adjusted() - 1)
    step = Decimal(1).scaleb(digits)
    rounded = (exact / step).to_integral_value(ROUND_CEILING if up else ROUND_FLOOR) * step
    return int(rounded) if rounded == rounded.to_integral_value() else float(rounded)


def _string(values: list[str], rows: list[int], needed: int) -> dict[str, Any]:
    counts = Counter(text for text, _ in set(zip(values, rows, strict=True)))
    # the grammar library writes a delete character in an enum otherwise than in a string
    longest = max(map(len, values))
    few = len(counts) <= ENUM and longest <= ENUM_LETTERS and len(set(rows)) >= 2 * len(counts)
    if few and min(counts.values()) >= needed and "\x7f" not in "".join(counts):
        return {"enum": sorted(counts, key=lambda text: (-counts[text], text))}
    return {"type": "string", "maxLength": int(_outwards(longest, up=True))}


def _array(values: list[list[Any]], rows: list[int], needed: int, depth: int) -> dict[str, Any]:
    items = [item for value in values for item in value]
    places = [row for value, row in zip(values, rows, strict=True) for _ in value]
    lengths = [len(value) for value in values]
    shape: dict[str, Any] = {"type": "array", "items": _shape(items, places, needed, depth + 1)}
    if low := int(_outwards(min(lengths), up=False)):
        shape["minItems"] = low
    return shape | {"maxItems": int(_outwards(max(lengths), up=True))}


def _object(values: list[dict[str, Any]], rows: list[int], needed: int, depth: int) -> dict[str, Any]:
    counts = Counter(key for value in values for key in value)  # in the order of first sight
    seen: dict[str, set[int]] = {key: set() for key in counts}
    for value, row in zip(values, rows, strict=True):
        for key in value:
            seen[key].add(row)
    listed = [key for key in counts if len(seen[key]) >= needed and "\x7f" not in key]
    sizes = [len(value) for value in values]
    common = max(counts.values(), default=0) >= 0.9 * len(values)
    if not common and len(counts) > max(_MAP_KEYS, 4 * sum(sizes) / len(values)):
        listed = []
    listed = sorted(sorted(listed, key=lambda key: -counts[key])[:PROPERTIES], key=list(counts).index)
    known = set(listed)
    shape: dict[str, Any] = {
        "type": "object",
        "properties": {},
        "required": [],
        "additionalProperties": False,
    }
    for key in listed:
        own = [(value[key], row) for value, row in zip(values, rows, strict=True) if key in value]
        shape["properties"][key] = _shape([v for v, _ in own], [r for _, r in own], needed, depth + 1)
        if counts[key] == len(values):
            shape["required"].append(key)
    if len(known) < len(counts):
        own = [
            (v, row)
            for value, row in zip(values, rows, strict=True)
            for k, v in value.items()
            if k not in known
        ]
        shape["additionalProperties"] = _shape([v for v, _ in own], [r for _, r in own], needed, depth + 1)
        # the grammar library counts keys only where none is optional
        if len(shape["required"]) == len(listed):
            shape["maxProperties"] = int(_outwards(max(sizes), up=True))
    return shape


# --- writing -------------------------------------------------------------------------------------------


def canonical(value: Any, schema: dict[str, Any]) -> str:
    """Compact JSON of a value, its keys in the schema's order: what the grammar of the schema accepts.

    Keys that the schema does not list come last, in their own order. Numbers that have limits are written
    without an exponent, and a whole float where the schema wants an integer without its point.
    """
    return _write(value, schema, schema)


def _write(value: Any, schema: Any, root: dict[str, Any]) -> str:
    parts = list(_parts(schema, root))
    if isinstance(value, (dict, list)):
        fixed = [item for part in parts for item in [*part.get("enum", []), part.get("const")]]
        if value in fixed:
            return json.dumps(fixed[fixed.index(value)], ensure_ascii=False, separators=(",", ":"))
    if isinstance(value, dict):
        order: dict[str, Any] = {}
        other: Any = None
        for part in parts:
            for key, shape in part.get("properties", {}).items():
                order.setdefault(key, shape)
            other = part.get("additionalProperties") if other is None else other
        keys = [key for key in order if key in value] + [key for key in value if key not in order]
        items = (f"{_quoted(key)}:{_write(value[key], order.get(key, other), root)}" for key in keys)
        return "{" + ",".join(items) + "}"
    if isinstance(value, list):
        shapes = next((part["items"] for part in parts if "items" in part), None)
        first: list[Any] = next((part["prefixItems"] for part in parts if "prefixItems" in part), [])
        shape_of = [*first, *[shapes] * max(0, len(value) - len(first))]
        return "[" + ",".join(_write(v, s, root) for v, s in zip(value, shape_of, strict=False)) + "]"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, float):
        return _float(value, parts)
    return json.dumps(value)


def _parts(schema: Any, root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A schema and those that it is put together from."""
    waiting, seen = [schema], list[dict[str, Any]]()
    while waiting:
        part = waiting.pop(0)
        if not isinstance(part, dict) or any(part is other for other in seen):
            continue
        seen.append(part)
        yield part
        if isinstance(target := part.get("$ref"), str) and target.startswith("#"):
            waiting.append(_pointed(root, target))
        for word in ("allOf", "anyOf", "oneOf"):
            waiting += part.get(word, [])


def _pointed(root: Any, target: str) -> Any:
    for step in target[1:].split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        root = root[int(step)] if isinstance(root, list) else root.get(step)
    return root


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _float(value: float, parts: list[dict[str, Any]]) -> str:
    types = {kind for part in parts for kind in _listed(part.get("type"))}
    if value.is_integer() and "integer" in types and "number" not in types:
        return str(int(value))
    if any(word in part for part in parts for word in ("minimum", "maximum")):
        return "0.0" if value == 0 else f"{Decimal(repr(value)):f}"
    return repr(value)


def _listed(kind: Any) -> list[str]:
    return kind if isinstance(kind, list) else [kind]


# --- a schema that is given ----------------------------------------------------------------------------


def check_shape(values: pd.Series, schema: dict[str, Any], column: Any) -> None:
    """Checks JSON values, by row label, against a schema that was given for a column.

    Raises SchemaError that names the column, and the row, the path in the value and the value that
    contradicts; or what in the schema is not JSON Schema (draft 2020-12), or beyond the grammar library.
    """
    try:
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import SchemaError as NoSchema
        from referencing.exceptions import Unresolvable
    except ImportError as error:
        raise MissingDependency((error.name or "jsonschema").partition(".")[0]) from None
    try:
        Draft202012Validator.check_schema(schema)
    except NoSchema as error:
        raise SchemaError(
            f"the JSON schema of column '{column}' is not a valid JSON Schema at {error.json_path}: "
            f"{_brief(error)}: correct it."
        ) from None
    if word := _inexact(schema):
        raise SchemaError(
            f"the JSON schema of column '{column}' has {word} for numbers, which the grammar library does "
            "not keep exactly: use minimum and maximum, or the type integer."
        )
    rules = _byte_grammar(schema, column)
    validator = exact(Draft202012Validator)(schema)
    for number, (row, value) in enumerate(values.items()):
        try:
            wrong = next(validator.iter_errors(value), None)
        except Unresolvable as error:
            raise SchemaError(
                f"the JSON schema of column '{column}' names {first_line(error)}, which it does not hold: "
                "put it into the schema."
            ) from None
        if wrong is not None:
            raise SchemaError(
                f"column '{column}' contradicts its JSON schema in row {row} at {wrong.json_path}: "
                f"{_brief(wrong)}: correct the value or the schema."
            )
        if number < _WALKED:
            text = canonical(value, schema).encode()
            matcher = rules.start.deep_copy()
            taken = matcher.try_consume_tokens([byte + 1 for byte in text])
            if taken < len(text) or not matcher.is_accepting():
                said = text[max(0, taken - 30) : taken + 10].decode("utf-8", "replace")
                raise SchemaError(
                    f"column '{column}' satisfies its JSON schema in row {row}, but the grammar library does "
                    f"not let {said!r} through: simplify the schema."
                )


def _byte_grammar(schema: dict[str, Any], column: Any) -> Any:
    """The grammar over single bytes: token 0 stops, token 1 + b is the byte b."""
    from lookalike.codec.grammar import Grammar, byte_tokenizer

    letters = [bytes([byte]) for byte in range(256)]
    tokenizer = byte_tokenizer([b"", *letters], 0, [0], lambda text: [byte + 1 for byte in text])
    try:
        return Grammar(schema, tokenizer, 257)
    except SchemaError as error:
        raise SchemaError(f"column '{column}': {error}") from None


def _inexact(schema: Any) -> str | None:
    """A limit that llguidance (1.9) lets the limit itself pass."""
    if isinstance(schema, list):
        return next((word for part in schema if (word := _inexact(part))), None)
    if not isinstance(schema, dict):
        return None
    for word in ("exclusiveMinimum", "exclusiveMaximum"):
        if isinstance(schema.get(word), (int, float)) and schema.get("type") != "integer":
            return word
    return _inexact(list(schema.values()))


def _brief(error: Any) -> str:
    said = first_line(Exception(error.message))
    return said if len(said) <= 120 else said[:117] + "..."
