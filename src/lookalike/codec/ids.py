"""Unique ids: no slots, never modelled. Decoding makes fresh ones of the same shape, none a real one.

Integers go on after the largest real one. Strings keep their shape and count on in their last run of digits,
beyond the largest number that stands there; long hexadecimal strings (UUIDs) and other keys of one length and
no few shapes are random; of web addresses see urls.py. An id that may be missing has one slot of two tokens,
present and missing, as a constant has.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec import constant, urls
from lookalike.codec.constant import encode, slots
from lookalike.codec.slot import Array, Params
from lookalike.codec.where import Condition
from lookalike.errors import ConditionError, DataError
from lookalike.table.column import Column
from lookalike.table.dtypes import as_numbers, restore
from lookalike.table.kinds import URL, is_random_key

__all__ = ["allowed", "analyse", "decode", "encode", "slots"]

_SHAPES = 100
_HEX = re.compile(r"[0-9a-f-]{16,}|[0-9A-F-]{16,}")


def analyse(series: pd.Series, column: Column, rare: int) -> Params:
    """next: the first fresh number; shapes: [{share, head, width, tail}], the letters of every position."""
    params = constant.analyse(series, column, rare)
    present = series.dropna()
    if pd.api.types.is_numeric_dtype(present.dtype) or column.python == "int":
        values, _ = as_numbers(present)
        return {**params, "form": "integer", "next": int(values.max()) + 1}
    strings = [str(value) for value in present]
    lengths = {len(s) for s in strings}
    if (
        len(lengths) == 1
        and all(_HEX.fullmatch(s) for s in strings)
        and re.search("[a-fA-F]", "".join(strings[:50]))
    ):
        return {**params, "form": "hex", "shapes": [_shape(strings, 0, rare)]}
    if all(re.match(URL, s) for s in strings):
        last = max((int(number) for s in strings for number in re.findall(r"\d{1,12}", s)), default=0)
        return {**params, "form": "url", "next": last + 1, "templates": urls.learn(strings, rare)}
    if is_random_key(strings):
        return {**params, "form": "random", "shapes": [_shape(strings, 0, rare)]}
    matches = [re.search(r"\d+(?=\D*$)", s) for s in strings]
    largest = max((int(m[0]) for m in matches if m), default=0)
    shapes = [_shape(group, len(strings), rare) for group in alike(strings, rare)]
    return {**params, "form": "counted", "next": largest + 1, "shapes": shapes}


def alike(strings: list[str], rare: int) -> list[list[str]]:
    """Groups of strings that differ in digits and letters alone, of `rare` or more, largest first."""
    groups: dict[str, list[str]] = {}
    for s in strings:
        groups.setdefault(re.sub("[A-Z]", "A", re.sub("[a-z]", "a", re.sub(r"\d", "9", s))), []).append(s)
    common = sorted(groups.values(), key=len, reverse=True)[:_SHAPES]
    return [group for group in common if len(group) >= rare] or common[:1]


def _shape(group: list[str], rows: int, rare: int) -> dict[str, Any]:
    """Letters for every position before and after the counter; without `rows` there is no counter."""
    match = re.search(r"\d+(?=\D*$)", group[0]) if rows else None
    start, stop = match.span() if match else (len(group[0]), len(group[0]))
    found = positions(group, rare)
    return {"share": len(group), "head": found[:start], "width": stop - start, "tail": found[stop:]}


def positions(group: list[str], rare: int) -> list[str]:
    """The letters seen in at least `rare` strings, for every position of strings of one length.

    Where no letter is that frequent, the whole class of the letter (digits, upper or lower case) is used.
    """
    found = []
    for position in zip(*group, strict=True):
        seen, counts = np.unique(np.array(position), return_counts=True)
        common = "".join(seen[counts >= rare])
        found.append(common or class_of(str(seen[0])))
    return found


def class_of(letter: str) -> str:
    """All digits, small or capital letters, as the letter is one; of others the letter alone."""
    for letters in ("0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
        if letter in letters:
            return letters
    return letter


def decode(
    params: Params, column: Column, tokens: Array, cells: Array, rng: np.random.Generator, offset: int = 0
) -> pd.Series:
    rows = len(tokens)
    if params["form"] == "integer":
        values = _integers(params["next"] + offset, rows, column)
    elif params["form"] == "hex":
        values = pd.Series(_hex(params["shapes"][0]["head"], rows, offset, rng), dtype=object)
    elif params["form"] == "random":
        values = pd.Series(letters(params["shapes"][0]["head"], rows, rng), dtype=object)
    elif params["form"] == "url":
        made = urls.make(params["templates"], params["next"] + offset, rows, rng)
        values = pd.Series(made, dtype=object)
    else:
        values = pd.Series(_counted(params, rows, offset, rng), dtype=object)
    absent = constant.absent(params, tokens) if rows else np.zeros(0, dtype=bool)
    if absent.any():
        values = values.astype(object).mask(absent)
    return restore(values, column)


def _integers(first: int, rows: int, column: Column) -> pd.Series:
    limit = re.search(r"(u?)int(\d+)", column.dtype.lower())
    top = 2 ** (int(limit[2]) - (not limit[1])) if limit else None
    if top is not None and first + rows > top:
        raise DataError(
            f"column '{column.name}' holds ids of the dtype {column.dtype}, which has no {rows} fresh ones: "
            "give it a wider dtype."
        )
    if first + rows < 2**63:
        return pd.Series(np.arange(first, first + rows, dtype=np.int64))
    return pd.Series(list(range(first, first + rows)), dtype=object)


def letters(places: list[str], rows: int, rng: np.random.Generator) -> Array:
    """(rows,) object strings: a random letter of every position."""
    if not places:
        return np.full(rows, "", dtype=object)
    drawn = np.stack([np.array(list(p))[rng.integers(len(p), size=rows)] for p in places], axis=1)
    return np.ascontiguousarray(drawn).view(f"U{len(places)}")[:, 0].astype(object)


def _counted(params: Params, rows: int, offset: int, rng: np.random.Generator) -> Array:
    shapes = params["shapes"]
    shares = np.array([shape["share"] for shape in shapes], dtype=np.float64)
    which = rng.choice(len(shapes), size=rows, p=shares / shares.sum())
    values = np.full(rows, "", dtype=object)
    first = params["next"] + offset
    for i, shape in enumerate(shapes):
        own = np.flatnonzero(which == i)
        numbers = np.array(
            [str(first + int(row)).zfill(shape["width"]) for row in own] + [None], dtype=object
        )[:-1]
        values[own] = letters(shape["head"], len(own), rng) + numbers + letters(shape["tail"], len(own), rng)
    return values


def _hex(places: list[str], rows: int, offset: int, rng: np.random.Generator) -> list[str]:
    """Random strings whose last eight digits are a permutation of the row numbers: none comes twice."""
    free = [i for i, some in enumerate(places) if len(some) > 1][-8:]
    upper = any(letter in "ABCDEF" for some in places for letter in some)
    codes = (
        np.arange(offset, offset + rows, dtype=np.uint64) * np.uint64(2654435761) + np.uint64(97)
    ) % np.uint64(2**32)
    base = letters(places, rows, rng)
    values = []
    for text, code in zip(base, codes.tolist(), strict=True):
        digits = list(text)
        for i, digit in zip(free, f"{code:08X}" if upper else f"{code:08x}", strict=True):
            digits[i] = digit
        values.append("".join(digits))
    return values


def allowed(params: Params, column: Column, condition: Condition) -> dict[int, Array]:
    if condition.values or condition.low is not None or condition.high is not None:
        what = {"id": "an id"}.get(column.kind, f"a {column.kind}")
        raise ConditionError(
            f"column '{column.name}' is {what}: its values are made afresh and cannot be asked for."
        )
    wanted = [condition.values is None and params["rows"][0] > 0, condition.missing and params["rows"][1] > 0]
    if not any(wanted):
        raise ConditionError(f"no value of column '{column.name}' is missing.")
    return {0: np.array(wanted, dtype=np.float64)[:, None]} if all(params["rows"]) else {}
