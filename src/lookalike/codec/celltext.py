"""One cell of a record as JSON text, kind by kind: written, read back, and the JSON Schema of it."""

from __future__ import annotations

import decimal
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec import CODECS, datetime, iso, number, structure
from lookalike.codec.shape import canonical
from lookalike.codec.slot import Array, Params
from lookalike.codec.where import Condition
from lookalike.errors import ConditionError
from lookalike.table.column import MADE, Column, plain_values
from lookalike.table.dtypes import restore
from lookalike.table.nested import json_values

CHOICES = ("category", "boolean", "constant", *MADE)  # a few values, each a token of the column's codec
TEXTS = ("text", "code", "json")
PRESENT = "true"  # stands for an id, a key or a pseudonym, where they may be missing
_DIGITS = 9  # a grammar can hold numbers to a grid this fine
_LARGEST = 10**12  # bounds beyond it are left to reading
_EXACT = json.JSONDecoder(parse_float=decimal.Decimal)
JsonSchema = dict[str, Any]


def literal(value: Any) -> str:
    """One cell as JSON text, in the only form that the grammar lets through (compact, not in ASCII)."""
    if isinstance(value, str):
        value = value.encode("utf-8", "ignore").decode()  # lone surrogates cannot be written
    elif isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, (str, bool, int, float, list, dict, type(None))):
        value = str(value)
    if isinstance(value, float):  # grammars write whole numbers without a point
        value = int(value) if value.is_integer() and abs(value) < _LARGEST else value
        value = value if np.isfinite(value) else str(value)
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("\x7f", "\\u007f")


def _distinct(values: Any, write: Callable[[Any], str], missing: Array) -> Array:
    """(rows,) the text of every value, written once for all its rows; null where missing."""
    codes, found = pd.factorize(values)
    texts = np.array([*(write(value) for value in found), "null"], dtype=object)
    return np.where(missing, "null", texts[codes])


# --- categories, booleans, constants, ids, keys, pseudonyms -----------------------------------------------


def _write_choice(params: Params, column: Column, series: pd.Series) -> Array:
    missing = series.isna().to_numpy(bool)
    if column.kind in MADE:
        return np.where(missing, "null", PRESENT).astype(object)
    return _distinct(plain_values(series, column).astype(object), literal, missing)


def literals(params: Params, column: Column) -> list[str]:
    """The text of every token that may be written."""
    if column.kind in MADE:
        return [PRESENT, "null"]
    if column.kind == "constant":
        return [literal(column.value), "null"]
    found = [literal(value) for value in params["values"]]
    if params["rare"] is not None:
        found.append("")
    return found if params["missing"] is None else [*found, "null"]


def _choice_shape(params: Params, column: Column, condition: Condition | None) -> JsonSchema:
    texts = literals(params, column)
    if condition is not None:
        share = CODECS[column.kind].allowed(params, column, condition)
        texts = [text if share[0][token, 0] > 0 else "" for token, text in enumerate(texts)]
    return {"enum": [json.loads(text) for text in dict.fromkeys(texts) if text]}


def choice_tokens(params: Params, column: Column, cells: Array) -> Array:
    """(rows, 1) tokens of cells; those of None are 0."""
    texts = literals(params, column)
    known = {_key(text): token for token, text in reversed(list(enumerate(texts))) if text}
    codes, found = pd.factorize(cells)
    lookup = np.array([*(known.get(_key(text), 0) for text in found), 0], dtype=np.int64)
    return lookup[codes][:, None]


def _key(text: str) -> tuple[bool, Any]:
    """1 and 1.0 are the same value, 1 and true are not."""
    value = json.loads(text)
    return isinstance(value, bool), value


# --- numbers -----------------------------------------------------------------------------------------------

_INFINITE = {number.BELOW: '"-inf"', number.ABOVE: '"inf"'}


def _write_number(params: Params, column: Column, series: pd.Series) -> Array:
    ticks, marks = number.to_ticks(series, column)
    texts = _distinct(ticks, lambda tick: _number(tick, column), marks == number.MISSING)
    for mark, text in _INFINITE.items():
        texts[marks == mark] = text
    return texts


def _number(tick: Any, column: Column) -> str:
    if column.resolution is not None or column.decimals == 0:
        return str(int(tick))
    if column.decimals is None:
        value = float(tick)
        return repr(value) if _unbounded(value) else np.format_float_positional(value, trim="0")
    text = f"{decimal.Decimal(int(tick)).scaleb(-column.decimals):f}"
    return text.rstrip("0").rstrip(".") or "0"


def _unbounded(*ends: float) -> bool:
    """Whether a bound is out of what a grammar can hold numbers to: then only `decode` does."""
    return any(abs(end) > _LARGEST or 0 < abs(end) < 10.0**-_DIGITS for end in ends)


def _number_shape(params: Params, column: Column, condition: Condition | None) -> JsonSchema:
    cells, values = params["cells"], None
    below, above, missing = params["positions"]
    known = number.known(params, column) if condition is None or condition.values is None else None
    pairs: list[tuple[Any, Any]] = [(cells["low"][0], cells["high"][-1])]
    if condition is not None:
        limits = number.condition_ranges(column, condition)
        pairs = pairs if limits is None else [_meet(pair, pairs[0]) for pair in limits]
    if known is not None:
        values = sorted(tick for tick in np.unique(cells["low"]).tolist() if _holds(tick, pairs))
    elif all(low == high for low, high in pairs):
        values = [low for low, _ in pairs]
    choices: list[Any] = []
    for token, mark in ((below, number.BELOW), (above, number.ABOVE)):
        infinity = -np.inf if mark == number.BELOW else np.inf
        wanted = condition is None or _infinite(column, condition, infinity)
        choices += [json.loads(_INFINITE[mark])] if token is not None and wanted else []
    if missing is not None and (condition is None or condition.missing):
        choices.append(None)
    if values is not None and not any(abs(value) > _LARGEST for value in values):
        return {"enum": [*(json.loads(_number(value, column)) for value in values), *choices]}
    shapes = [_range_shape(low, high, column) for low, high in pairs if low <= high]
    return {"anyOf": [*shapes, *([{"enum": choices}] if choices else [])]}


def _meet(pair: tuple[Any, Any], whole: tuple[Any, Any]) -> tuple[Any, Any]:
    return max(pair[0], whole[0]), min(pair[1], whole[1])


def _holds(tick: Any, pairs: list[tuple[Any, Any]]) -> bool:
    return any(low <= tick <= high for low, high in pairs)


def _infinite(column: Column, condition: Condition, infinity: float) -> bool:
    limits = number.condition_ranges(column, condition)
    return limits is None or _holds(infinity, limits)


def _range_shape(low: Any, high: Any, column: Column) -> JsonSchema:
    whole = column.resolution is not None or column.decimals == 0
    shape: JsonSchema = {"type": "integer" if whole else "number"}
    ends = [json.loads(_number(end, column)) for end in (low, high)]
    if not _unbounded(*ends):
        shape |= {"minimum": ends[0], "maximum": ends[1]}
        if not whole and column.decimals is not None and column.decimals < _DIGITS:
            shape["multipleOf"] = float(f"1e-{column.decimals}")
    return shape


def _read_number(params: Params, column: Column, cells: Array, condition: Condition | None) -> pd.Series:
    low, high = params["cells"]["low"][0], params["cells"]["high"][-1]
    limits = None if condition is None else number.condition_ranges(column, condition)
    ranges = [(low, high)] if limits is None else [_meet(pair, (low, high)) for pair in limits]
    codes, found = pd.factorize(cells)
    marks = np.zeros(len(found) + 1, dtype=np.int8)
    ticks = np.zeros(len(found) + 1, dtype=params["cells"]["low"].dtype)
    special = {"null": number.MISSING} | {text: mark for mark, text in _INFINITE.items()}
    for i, text in enumerate(found):
        marks[i] = special.get(text, 0)
        if not marks[i]:
            ticks[i] = _nearest(_tick(text, column), [pair for pair in ranges if pair[0] <= pair[1]])
    marks[-1] = number.MISSING  # cells that are None
    return restore(number.from_ticks(ticks[codes], marks[codes], column), column)


def _tick(text: str, column: Column) -> Any:
    value = _EXACT.decode(text)
    if column.decimals is None and column.resolution is None:
        return float(value)
    scaled = decimal.Decimal(value).scaleb(0 if column.resolution is not None else column.decimals or 0)
    return int(scaled.to_integral_value())


def _nearest(tick: Any, ranges: list[tuple[Any, Any]]) -> Any:
    """The tick, moved into the nearest range."""
    inside = [min(max(tick, low), high) for low, high in ranges]
    return min(inside, key=lambda moved: abs(moved - tick)) if inside else tick


# --- datetimes ---------------------------------------------------------------------------------------------


def _day(params: Params) -> int | None:
    """The one day of a column of times."""
    day: int | None = params["fixed"].get("day")
    return day


def _write_datetime(params: Params, column: Column, series: pd.Series) -> Array:
    ticks, missing = datetime.to_ticks(series, column)
    only, resolution = _day(params) is not None, str(column.resolution)
    return _distinct(ticks, lambda tick: f'"{iso.write_iso(np.array([tick]), resolution, only)[0]}"', missing)


def _datetime_ranges(params: Params, column: Column, condition: Condition | None) -> list[tuple[Any, Any]]:
    limits = None if condition is None else datetime.condition_ranges(column, condition)
    return [datetime.schema_range(column)] if limits is None else limits


def _datetime_shape(params: Params, column: Column, condition: Condition | None) -> JsonSchema:
    ranges = _datetime_ranges(params, column, condition)
    fixed, only = params["fixed"], _day(params) is not None
    pattern = iso.pattern(ranges, str(column.resolution), fixed, only)
    shapes: list[JsonSchema] = [{"type": "string", "pattern": pattern}] if pattern else []
    if datetime.missing_token(params) is not None and (condition is None or condition.missing):
        shapes.append({"type": "null"})
    if not shapes:
        raise ConditionError(
            f"no value of column '{column.name}' lies in {condition.text() if condition else 'its range'}."
        )
    return {"anyOf": shapes}


def _read_datetime(params: Params, column: Column, cells: Array, condition: Condition | None) -> pd.Series:
    ranges = _datetime_ranges(params, column, condition)
    codes, found = pd.factorize(cells)
    missing = np.array([text == "null" for text in found] + [True])
    texts = [json.loads(text) for text in found if text != "null"]
    ticks = np.zeros(len(missing), dtype=np.int64)
    ticks[~missing] = iso.read_iso(texts, str(column.resolution), _day(params))
    for i in np.flatnonzero(~missing):  # within the last second of a range
        ticks[i] = _nearest(int(ticks[i]), ranges)
    return datetime.from_ticks(ticks[codes], missing[codes], column)


# --- texts -------------------------------------------------------------------------------------------------


def _write_text(params: Params, column: Column, series: pd.Series) -> Array:
    missing = series.isna().to_numpy(bool)
    return _distinct(series.astype(object), lambda text: literal(str(text)), missing)


def check_text(column: Column, condition: Condition, facts: dict[str, Any]) -> None:
    if condition.low is not None or condition.high is not None:
        raise ConditionError(f"column '{column.name}' holds text, which has no range: name exact values.")
    if condition.missing and not facts["nullable"]:
        raise ConditionError(f"no value of column '{column.name}' is missing.")


def _text_shape(facts: Params, column: Column, condition: Condition | None) -> JsonSchema:
    if condition is not None and condition.values is not None:
        wanted: list[Any] = [json.loads(literal(str(value))) for value in condition.values]
        return {"enum": [*wanted, *([None] if condition.missing else [])]}
    nullable = facts["nullable"] and (condition is None or condition.missing)
    shape: JsonSchema = {"type": ["string", "null"] if nullable else "string", "maxLength": facts["longest"]}
    return {**shape, "minLength": 1} if facts["shortest"] else shape


def _read_text(params: Params, column: Column, cells: Array, condition: Condition | None) -> pd.Series:
    codes, found = pd.factorize(cells)
    texts = np.array([*(json.loads(text) for text in found), None], dtype=object)
    return restore(pd.Series(texts[codes], dtype=object), column)


# --- JSON --------------------------------------------------------------------------------------------------


def _write_json(params: Params, column: Column, series: pd.Series) -> Array:
    present = series.notna().to_numpy(bool)
    texts = np.full(len(series), "null", dtype=object)
    values = json_values(series[present], column.name, structure.native(column))
    texts[present] = [_canonical(value, params) for value in values]
    return texts


def _canonical(value: Any, params: Params) -> str:
    return canonical(value, json.loads(params["shape"])).replace("\x7f", "\\u007f")


def _json_shape(facts: Params, column: Column, condition: Condition | None) -> JsonSchema:
    if condition is not None and condition.values is not None:
        values = json_values(pd.Series(condition.values, dtype=object), column.name, structure.native(column))
        wanted = [json.loads(_canonical(value, facts)) for value in values]
        return {"enum": [*wanted, *([None] if condition.missing else [])]}
    shape = json.loads(facts["shape"])
    if not facts["nullable"] or (condition is not None and not condition.missing):
        return _moved(shape, f"#/properties/{_pointer(column)}")
    return {"anyOf": [_moved(shape, f"#/properties/{_pointer(column)}/anyOf/0"), {"type": "null"}]}


def _pointer(column: Column) -> str:
    return str(column.name).replace("~", "~0").replace("/", "~1")


def _moved(shape: Any, place: str) -> Any:
    """A schema that stands inside of another one: what refers to its root refers to its place there."""
    if isinstance(shape, list):
        return [_moved(item, place) for item in shape]
    if not isinstance(shape, dict):
        return shape
    found = {key: _moved(item, place) for key, item in shape.items() if key not in ("$schema", "$id")}
    target = shape.get("$ref")
    if isinstance(target, str) and target.startswith("#"):
        found["$ref"] = place + target[1:]
    return found


def _read_json(params: Params, column: Column, cells: Array, condition: Condition | None) -> pd.Series:
    style, values = params["style"], []
    for text in cells:
        value = None if text is None else json.loads(text)
        values.append(value if value is None or style is None else json.dumps(value, **style))
    return restore(pd.Series(values, dtype=object), column)


WRITERS: dict[str, Callable[[Params, Column, pd.Series], Array]] = {
    **dict.fromkeys(CHOICES, _write_choice),
    **dict.fromkeys(("text", "code"), _write_text),
    "json": _write_json,
    "number": _write_number,
    "datetime": _write_datetime,
}
SHAPES: dict[str, Callable[[Params, Column, Condition | None], JsonSchema]] = {
    **dict.fromkeys(CHOICES, _choice_shape),
    **dict.fromkeys(("text", "code"), _text_shape),
    "json": _json_shape,
    "number": _number_shape,
    "datetime": _datetime_shape,
}
READERS: dict[str, Callable[[Params, Column, Array, Condition | None], pd.Series]] = {
    **dict.fromkeys(("text", "code"), _read_text),
    "json": _read_json,
    "number": _read_number,
    "datetime": _read_datetime,
}
