"""Codes that are made afresh, of which a part follows from another column: `SAL-0042` of a department."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from lookalike.codec.made.taken import Taken
from lookalike.rules.codes import part_of_text, parts_in
from lookalike.rules.holds import APART, combined, parts_told
from lookalike.rules.steps import Step
from lookalike.rules.values import Values
from lookalike.table.dtypes import restore
from lookalike.table.rule import Within

TRIES = 100  # numbers after the one of a code that is there already


def stamp_table(own: Step, values: Values, fewest: int) -> list[tuple[Any, Any]]:
    """(number of a rule, text of its parent and a part that goes with it; rows of both)."""
    return [
        (f"{at}{APART}{value}{APART}{part}", rows)
        for at, rule in enumerate(own.rules)
        if isinstance(rule, Within) and not rule.same
        for value, parts in parts_told(rule, values, fewest).items()
        for part, rows in parts.items()
    ]


def real_codes(params: Any) -> Collection[str]:
    """The real ones of codes that are made afresh, as far as they are known. params: of the column."""
    fresh = getattr(params, "fresh", params)
    taken = getattr(fresh, "taken", None)
    return () if taken is None else Taken(fresh.salt, np.asarray(taken))  # type: ignore[return-value]


def stamped(own: Step, values: Values, rng: np.random.Generator, taken: Collection[str]) -> pd.Series:
    """The codes with the parts that their rows say. taken: texts of real codes, as far as they are known; all
    rows of a code keep one, and no two codes become the same where a number of theirs can be another.
    """
    name = own.columns[0]
    there = np.flatnonzero(~values.missing(name))
    whole = combined((name, *own.parents), values)[there]  # a code is made once for what goes with it
    _, first, codes = np.unique(whole, return_index=True, return_inverse=True)
    first = there[first]
    texts = [str(values.texts(name)[row]) for row in first]
    goes = _goes(own)
    done: dict[str, None] = {}
    for at, text in enumerate(texts):
        made = text
        for number, rule in enumerate(own.rules):
            assert isinstance(rule, Within)
            value = (parts_in if rule.same else Values.texts)(values, rule.of)[first[at]]
            part = None if value is None else _part(made, rule, str(value), goes[number], rng)
            made = made if part is None else _with_part(made, rule.part, part)
        if made != text or made in done:
            made = _free(made, own, done, taken)
        texts[at] = made
        done[texts[at]] = None
    cells: list[Any] = [None] * values.rows
    for row, code in zip(there, codes.ravel(), strict=True):
        cells[row] = texts[code]
    return restore(cells, values.column(name)).set_axis(values.table.index)


def _goes(own: Step) -> list[dict[str, dict[str, int]]]:
    """Of each rule: value -> the parts that go with it."""
    goes: list[dict[str, dict[str, int]]] = [{} for _ in own.rules]
    for key, rows in own.table:
        at, value, part = str(key).split(APART)
        goes[int(at)].setdefault(value, {})[part] = rows
    return goes


def _part(
    code: str, rule: Within, value: str, goes: dict[str, dict[str, int]], rng: np.random.Generator
) -> str | None:
    """What the part of a code is to be; None where it is that, or nothing is known."""
    now = part_of_text(code, rule.part)
    if rule.same:
        wanted = value.zfill(len(now)) if value.isdigit() and now.isdigit() else value
        return None if now == wanted else wanted
    known = goes.get(value, {})
    if not known or now in known:
        return None
    share = np.array([*known.values()], dtype=np.float64)
    return str(rng.choice([*known], p=share / share.sum()))


def _with_part(code: str, way: str, part: str) -> str:
    """The code with another part in the place of one."""
    now = part_of_text(code, way)
    if not way.startswith("part"):
        return part + code[len(now) :]
    at = int(way.split()[1])
    pieces = re.split(r"([^\w]+|_)", code)
    if 2 * (at - 1) >= len(pieces):
        return code
    pieces[2 * (at - 1)] = part
    return "".join(pieces)


def _free(code: str, own: Step, done: Collection[str], taken: Collection[str]) -> str:
    """The code, or one whose last number is another, that is neither there nor a real one; the code where
    that number is what a row says.
    """
    parts = [one.part for one in own.rules if isinstance(one, Within)]
    numbers = [*re.finditer(r"\d+", code)]
    for step in range(TRIES) if numbers else ():
        last = numbers[-1]
        number = (int(last[0]) + step) % 10 ** len(last[0])
        found = f"{code[: last.start()]}{number:0{len(last[0])}}{code[last.end() :]}"
        kept = all(part_of_text(found, part) == part_of_text(code, part) for part in parts)
        if kept and found not in done and found not in taken:
            return found
    return code
