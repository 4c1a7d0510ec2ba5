"""Codes of which a part is another column, or tells one: `E11.9` beside `E11`, a SKU beside its category."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.slot import Array
from lookalike.rules.chance import BROKEN, BY_CHANCE, LEAST_ROWS, LEAST_SUPPORT
from lookalike.rules.values import Values, columns_of, is_text
from lookalike.table.column import Column
from lookalike.table.kind_groups import CATEGORICAL, NUMBER
from lookalike.table.rule import OF_CODES, Function, Joined, Rule, Within

FEW = 40  # rows in which a part is sought
KINDS = ("category", "compound", "text", "number", "id", "key")  # of columns that may be codes
SEVERAL = 20  # values of a code, at least
LETTERS, PARTS = 6, 4  # of a code that are looked at
DIGITS = 15  # of a number, at most
A_PART = 3  # values of a code to each part that tells another column, on average
RUN = "first run of"  # of letters, or of digits
WAY = re.compile(OF_CODES)
_CUT, _RUNS = re.compile(r"[^\w]+|_"), re.compile(r"[^\W\d_]+|\d+")


def part_of_text(text: str, way: str) -> str:
    """The part of a code; "" where it has none."""
    if way == RUN:
        run = _RUNS.match(text)
        return run[0] if run else ""
    number = int(way.split()[1])
    if way.startswith("first"):
        return text[:number]
    parts = _CUT.split(text)
    return parts[number - 1] if len(parts) >= number else ""


def is_of_code(rule: Rule) -> bool:
    """Whether a column is a part of a code, or is told by one."""
    if isinstance(rule, Joined):
        return WAY.fullmatch(rule.template[0][0]) is not None
    return isinstance(rule, Function) and WAY.fullmatch(rule.part) is not None


def plain(text: str) -> str | None:
    """A whole number, without zeros ahead; None of any other text, and of more digits than floats hold."""
    if not (text.isascii() and text.isdigit()):
        return None
    return text.lstrip("0").zfill(1) if len(text.lstrip("0")) <= DIGITS else None


def said(text: str, way: str, column: Column) -> str | None:
    """The part of a code, as `parts_in` has the cells of the column that it is to be; None where it is no
    number, but the column is one.
    """
    part = part_of_text(text, way)
    return plain(part) if column.is_number else part


def parts_in(values: Values, name: Any) -> Array:
    """(rows,) str: the cells of a column that are parts of codes; of numbers, the whole ones as `plain` has
    them. None where they are missing, or cannot be.
    """
    if not values.column(name).is_number:
        return values.texts(name)
    numbers = values.numbers(name)
    if numbers is None or not values.column(name).integer:
        return np.full(values.rows, None, dtype=object)
    return np.array([None if np.isnan(one) else f"{one:.0f}" for one in numbers], dtype=object)


def _may_be_part(column: Column) -> bool:
    """Whether the cells of a column can be written from the text of a part: of numbers, only whole ones in
    one format, as others say more than their digits.
    """
    plainly = column.integer and column.resolution is None and len(column.formats) < 2
    return not column.is_number or (plainly and not column.exceptions)


def parts_of(values: Values, name: Any, way: str) -> tuple[Array, pd.Index]:
    """(rows,) the number of the part of each code, -1 where there is none; and the parts."""
    codes, found = values.codes(name)
    said = [part_of_text(str(value), way) or None for value in found]
    own, parts = pd.factorize(np.array([*said, None], dtype=object))
    return own[codes], pd.Index(parts)


def codes_with_parts(values: Values, kept: list[Any]) -> Iterator[Joined | Function | Within]:
    """Columns that are a part of a code, or follow from one. Where the codes are made afresh, the rule is
    one on the code.
    """
    others = columns_of(values, kept, (*CATEGORICAL, NUMBER, "compound", "text"))
    cells: dict[Any, Array] = {}
    for of in kept:
        column = values.column(of)
        if not is_text(column) or column.kind not in KINDS:
            continue
        found = values.codes(of)[1]
        some = [str(one) for one in found[:FEW]]
        if len(found) < SEVERAL or not _are_codes(some) or (column.is_number and not _are_lettered(some)):
            continue
        made = column.is_made
        if made and column.check is not None:
            continue
        parts = _parts(found, made)
        taken: set[str] = set()
        for own in others:
            height = len(values.codes(own)[1])
            if own == of or height >= len(found) or _is_part_of(values, own, of):
                continue
            way = None
            if _may_be_part(values.column(own)):
                cells[own] = cells[own] if own in cells else parts_in(values, own)
                way = _same(values, own, of, cells[own])
            if way is not None and made:
                if way not in taken:
                    taken.add(way)
                    yield Within(of, own, way, True)
            elif way is not None:
                yield Joined(own, ((way, of),))
            elif (way := _told(values, own, of, parts)) is not None:
                if not made:
                    yield Function(own, of, part=way)
                elif way not in taken:
                    taken.add(way)
                    yield Within(of, own, way)


def _are_codes(some: list[str]) -> bool:
    """Whether most texts have a digit and no more than one word."""
    return float(np.mean([bool(re.search(r"\d", one)) and len(one.split()) < 3 for one in some])) > 0.8


def _are_lettered(some: list[str]) -> bool:
    """Whether one or two letters stand before the digits of each text: it is a code, not a number."""
    return all(re.match(r"[A-Za-z]{1,2}\d", one) for one in some)


def _is_part_of(values: Values, own: Any, of: Any) -> bool:
    """Whether a code is nothing but a number with a unit, of which the other column is the number."""
    numbers = values.numbers(of)
    return numbers is not None and not values.column(of).is_categorical and values.numbers(own) is not None


def _same(values: Values, own: Any, of: Any, texts: Array) -> str | None:
    """How the texts of a column, as `parts_in` has them, are a part of those of another; None where they are
    not.
    """
    codes, column = values.texts(of), values.column(own)
    rows = np.flatnonzero(pd.notna(texts) & pd.notna(codes))
    if len(rows) < LEAST_ROWS:
        return None
    few = rows[:: max(1, len(rows) // FEW)]
    for way in _ways(str(codes[few[0]]), texts[few[0]], column):
        if np.mean([said(codes[row], way, column) == texts[row] for row in few]) < LEAST_SUPPORT:
            continue
        parts = np.array([said(codes[row], way, column) for row in rows], dtype=object)
        kept = parts == texts[rows]
        shuffled = parts == np.random.default_rng(0).permutation(texts[rows])
        wrong, by_chance = np.count_nonzero(~kept), np.count_nonzero(~shuffled)
        if wrong <= min((1 - LEAST_SUPPORT) * len(rows), BY_CHANCE * by_chance) and by_chance >= BROKEN:
            return way
    return None


def _ways(code: str, text: str, column: Column) -> Iterator[str]:
    """The ways in which a code says a text of a column, the plainest first."""
    parts, run = _CUT.split(code), _RUNS.match(code)
    ways = [f"part {at + 1} of" for at in range(len(parts))] if len(parts) > 1 else []
    ways += [RUN] if run and run[0] != code else []
    ways += [f"first {len(text)} letters of"] if 0 < len(text) < len(code) else []
    yield from (way for way in ways if said(code, way, column) == text)


def _parts(found: pd.Index, made: bool) -> dict[str, Array]:
    """Way -> (values,) the number of the part of each value of a code, the plainest way first."""
    texts = np.array([str(one) for one in found], dtype=object)
    # the tens of a running number tell what the order of the rows tells
    lengths = [n for n in range(1, LETTERS + 1) if not (made and _cuts_number(texts, n))]
    ways = [*(f"part {at} of" for at in range(1, PARTS)), RUN, *(f"first {n} letters of" for n in lengths)]
    found_parts = {}
    for way in ways:
        found_parts[way] = pd.factorize(np.array([part_of_text(one, way) for one in texts], dtype=object))[0]
    return found_parts


def _told(values: Values, own: Any, of: Any, parts: dict[str, Array]) -> str | None:
    """The part of a code, the plainest that does, from which a column follows: as its values say, each once,
    not only its rows. parts: as `_parts` has them.
    """
    codes, found = values.codes(of)
    told, height = values.codes(own)[0], len(values.codes(own)[1])
    there = (codes >= 0) & (told >= 0)
    if height > len(found) / A_PART or there.sum() < LEAST_ROWS:
        return None
    pairs = np.unique(codes[there].astype(np.int64) * height + told[there])
    of_value, said = pairs // height, pairs % height
    if len(pairs) > (2 - LEAST_SUPPORT) * len(np.unique(of_value)):
        return None  # the code itself does not tell it
    mixed = np.random.default_rng(0).permutation(said)
    for way, numbers in parts.items():
        keys = numbers[of_value]
        many = int(np.count_nonzero(np.bincount(keys)))
        if not 2 <= many <= len(pairs) / A_PART or many < height:
            continue
        wrong, by_chance = (_wrong(keys, one, height) for one in (said, mixed))
        if wrong <= min((1 - LEAST_SUPPORT) * len(keys), BY_CHANCE / 2 * by_chance) and by_chance >= BROKEN:
            return way
    return None


def _cuts_number(texts: Array, letters: int) -> bool:
    """Whether the first letters of most texts end within a number."""
    return (
        float(np.mean([one[letters - 1 : letters + 1].isdigit() and len(one) > letters for one in texts]))
        > 0.5
    )


def _wrong(keys: Array, said: Array, height: int) -> int:
    """How many values are not that of most of their key."""
    pair, counts = np.unique(keys.astype(np.int64) * height + said, return_counts=True)
    best = np.zeros(int(keys.max()) + 1, dtype=np.int64)
    np.maximum.at(best, pair // height, counts)
    return int(len(keys) - best.sum())
