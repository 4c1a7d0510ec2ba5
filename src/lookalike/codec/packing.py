"""Params <-> JSON values and arrays by name, as a saved model holds them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from lookalike.codec.slot import Array
from lookalike.codec.ticks.cells import Cells
from lookalike.table.kinds import from_json, to_json


def pack(value: Any, name: str, arrays: dict[str, Array]) -> Any:
    """A JSON value; arrays go into `arrays` and leave their name, arrays of Python ints stay as lists,
    and tuples become some.

    A dataclass is packed as the dict of its fields, without those whose metadata say `saved=False`.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        own = [field.name for field in dataclasses.fields(value) if field.metadata.get("saved", True)]
        value = {key: getattr(value, key) for key in own}
    if isinstance(value, Cells):
        value = value._asdict()
    if isinstance(value, dict):
        return {"dict": {key: pack(item, f"{name}.{key}", arrays) for key, item in value.items()}}
    if isinstance(value, tuple):
        value = list(value)
    if isinstance(value, list) and any(map(_is_packed, value)):
        return {"list": [pack(item, f"{name}.{i}", arrays) for i, item in enumerate(value)]}
    if isinstance(value, np.ndarray) and value.dtype == object:
        return {"integers": [int(item) for item in value]}
    if isinstance(value, np.ndarray):
        arrays[name] = value
        return {"array": name}
    return {"value": to_json(value)}


def _is_packed(value: Any) -> bool:
    return isinstance(value, dict | np.ndarray) or dataclasses.is_dataclass(value)


def unpack(packed: dict[str, Any], arrays: dict[str, Array]) -> Any:
    """What `pack` packed, with a dict in place of a dataclass."""
    ((kind, value),) = packed.items()
    if kind == "dict":
        return {key: unpack(item, arrays) for key, item in value.items()}
    if kind == "list":
        return [unpack(item, arrays) for item in value]
    if kind == "integers":
        return np.array([*value, None], dtype=object)[:-1]
    return arrays[value] if kind == "array" else from_json(value)
