"""JSON in a table: cells that are dicts and lists, and cells that are JSON text.

A column holds one of the two. Where a cell is a dict or list, every cell is a JSON value, so a string is a
JSON string. Everywhere else a JSON column holds text.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd

from lookalike.arguments import shown
from lookalike.errors import SchemaError, first_line
from lookalike.texts.syntax import SURE, language, parse_json

DEEPEST = 64  # levels of lists and objects in one cell


def holds_values(series: pd.Series) -> bool:
    """Whether a Series has cells that are dicts or lists."""
    return series.dtype == object and any(isinstance(value, (dict, list)) for value in series)


def is_json_text(strings: list[str]) -> bool:
    """Whether strings are meant as JSON objects or lists: nine in ten of them parse as such."""
    if language(strings) != "json":
        return False
    return sum(parse_json(text) is not None for text in strings) >= SURE * len(strings)


def can_read(text: str) -> bool:
    """Whether a text is JSON that `json_values` takes."""
    try:
        read_json(text)
    except ValueError:
        return False
    return True


def json_values(present: pd.Series, name: Any, native: bool) -> pd.Series:
    """The cells as Python values of JSON: dict, list, str, int, float, bool, None. nan becomes None.

    present: without missing values; native: the cells are JSON values, else JSON text. Where nearly all
    native cells are or look like lists and objects, a string that looks like one is read as JSON text.
    Raises SchemaError that names the row (by its index label) and the column `name`, for text that is not
    JSON and for values that JSON cannot hold.
    """
    meant = native and len(present) > 0 and present.map(_meant).mean() >= SURE
    values: list[Any] = []
    for row, cell in present.items():
        try:
            if native and not (meant and isinstance(cell, str) and _meant(cell)):
                values.append(_plain(cell))
            else:
                values.append(read_json(cell))
        except ValueError as error:
            raise SchemaError(
                f"column '{name}' holds JSON, but row {row} does not, {shown(cell)}: {first_line(error)}: "
                "repair it or leave it empty."
            ) from None
    return pd.Series(values, index=present.index, dtype=object)


def json_text(value: Any) -> str:
    """A value as compact JSON, its keys as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def plain_cell(cell: Any) -> Any:
    """A cell as lists and dicts where it has numpy's arrays."""
    if isinstance(cell, dict):
        return {key: plain_cell(item) for key, item in cell.items()}
    if isinstance(cell, (list, tuple, np.ndarray)):
        return [plain_cell(item) for item in cell]
    return cell.item() if isinstance(cell, np.generic) else cell


def flat(cell: Any) -> Any:
    """A cell of lists and objects, or JSON text of them, as JSON with sorted keys; others as they are."""
    value = parse_json(cell) if isinstance(cell, str) else cell
    if not isinstance(value, (dict, list)):
        return cell
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=str)


def keys(value: Any) -> set[str]:
    """The keys of an object, or of the objects of a list."""
    if isinstance(value, list):
        return {key for item in value if isinstance(item, dict) for key in item}
    return set(value) if isinstance(value, dict) else set()


def _meant(cell: Any) -> bool:
    return isinstance(cell, (dict, list)) or (isinstance(cell, str) and cell.lstrip()[:1] in ("{", "["))


def read_json(text: Any) -> Any:
    """The JSON value that a text holds, nan as None; ValueError where it holds none, or one too deep."""
    if not isinstance(text, str):
        raise ValueError(f"a {type(text).__name__} is no JSON text")
    try:
        return _plain(json.loads(text))
    except RecursionError:
        raise ValueError(f"it nests deeper than {DEEPEST} levels") from None


def _plain(value: Any, depth: int = 0) -> Any:
    if depth > DEEPEST:
        raise ValueError(f"it nests deeper than {DEEPEST} levels")
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        return value.encode("utf-8", "ignore").decode()  # lone surrogates cannot be written as UTF-8
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        if math.isinf(value):
            raise ValueError("JSON has no infinity")
        return None if math.isnan(value) else value
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, dict):
        if wrong := next((key for key in value if not isinstance(key, str)), None):
            raise ValueError(f"the key {wrong!r} is no string")
        return {_plain(key): _plain(item, depth + 1) for key, item in value.items()}
    raise ValueError(f"JSON has no {type(value).__name__}")
