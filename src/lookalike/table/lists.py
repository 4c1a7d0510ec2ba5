"""Lists: cells that hold several *items* of a vocabulary, such as `Drama|Crime` or `python; sql; excel`.

The format of such a column shows what stands around and between the items: `{item}|{item}`, `['{item}',
'{item}']`. No cell holds an item twice. Where all cells have their items in one order, that is kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.errors import SchemaError
from lookalike.table.column import Column

Array = npt.NDArray[Any]

ITEM = "{item}"
BETWEEN = ("|", " | ", ";", "; ", ", ", ",", " / ", "/", " + ", "+", " & ", " \u00b7 ", "\n", " ")
_AROUND = (
    ("['", "', '", "']"),
    ('["', '", "', '"]'),
    ('["', '","', '"]'),
    ("{", ",", "}"),
    ("[", ", ", "]"),
    ("[", ",", "]"),
)
_NUMBERED = ("|", " | ", ";", "; ", ", ", ",", "[, ]", "[,]", "{,}")  # what may stand between numbers
SEVERAL = 20  # distinct cells, at least
FEWEST, MOST = 3, 300  # items of a vocabulary
LONGEST = 40  # items of a cell, at most
KNOWN = 0.9  # the share of the cells that have no item of few rows, at least
TWICE = 0.002  # the share of the cells that hold an item twice, at most
TOGETHER = 0.1  # the share of the cells that hold several items, at least
SIZES = 0.05  # the share of these that do not hold as many as most, at least
FIXED, MOVED = 0.95, 0.4  # an item stands still that has one place so often; the share that may not, at least
ORDERED = 0.99  # the share of the pairs of items that stand in the usual order, where cells are ordered
MEMBERS = 12  # items by which two tables are compared, at most


def check_format(column: Column) -> None:
    """Raises SchemaError unless the format of a list shows what stands between two items."""
    pieces = str(column.format).split(ITEM)
    if not isinstance(column.format, str) or len(pieces) != 3 or not pieces[1]:
        raise SchemaError(
            f"column '{column.name}' is a list of the format {column.format!r}: write the item twice, with "
            "what stands between two of them, such as '{item}, {item}' or '[{item};{item}]'."
        )


def split(cells: Sequence[Any] | Array, text: str) -> list[list[str] | None]:
    """The items of cells; None where a cell is missing or not written so. Writing them gives the cell."""
    head, between, tail = text.split(ITEM)
    found: list[list[str] | None] = []
    for cell in cells:
        own = None
        if (
            isinstance(cell, str)
            and len(cell) > len(head) + len(tail)
            and cell.startswith(head)
            and cell.endswith(tail)
        ):
            own = cell[len(head) : len(cell) - len(tail)].split(between)
            if not all(item and item == item.strip() for item in own):
                own = None
        found.append(own)
    return found


def join(items: Sequence[Sequence[str] | None], text: str) -> Array:
    """(cells,) the cells of items, None for none."""
    head, between, tail = text.split(ITEM)
    out = np.empty(len(items), dtype=object)
    out[:] = [None if not own else head + between.join(own) + tail for own in items]
    return out


def empty(text: str) -> str:
    """How a list without items is written: `[]`; "" where nothing stands around the items."""
    head, _, tail = text.split(ITEM)
    return head.rstrip("'\"") + tail.lstrip("'\"") if head else ""


def written(counts: pd.Series, least: int) -> tuple[str, list[str] | None] | None:
    """(format, exceptions) of cells that are lists; None of others.

    counts: the rows of each distinct string; least: rows that an item needs to be reproduced.
    """
    cells, rows = [str(cell) for cell in counts.index], counts.to_numpy()
    if len(cells) < SEVERAL:
        return None
    best: tuple[float, str] | None = None
    for text in _formats(cells):
        known = _known(cells, rows, text, least)
        if known is not None and (best is None or known > best[0]):
            best = known, text
    if best is None:
        return None
    none = empty(best[1])
    return best[1], [none] if none and int(counts.get(none, 0)) >= least else None


def _formats(cells: list[str]) -> list[str]:
    """The formats that the cells may have, by what stands in some of them."""
    some = cells[:: max(1, len(cells) // 200)]
    found = []
    for head, between, tail in _AROUND:
        around = (head.rstrip("'\""), tail.lstrip("'\""))
        if all(cell.startswith(around[0]) and cell.endswith(around[1]) for cell in some):
            found.append((head, between, tail))
    if not found:
        for between in BETWEEN:
            if 2 * sum(between in cell for cell in some) >= TOGETHER * len(some):
                last = between.strip()
                ends = bool(last) and all(cell.endswith(last) for cell in some)
                found.append(("", between, last if ends else ""))
    return [head + ITEM + between + ITEM + tail for head, between, tail in found]


def _known(cells: list[str], rows: Array, text: str, least: int) -> float | None:
    """The share of the cells that are lists of items that come again; None where the cells are no lists."""
    lists = split(cells, text)
    held, places, sizes = Counter[str](), dict[str, Counter[int]](), Counter[int]()
    twice = 0
    none = empty(text)
    for cell, own, n in zip(cells, lists, rows.tolist(), strict=True):
        if own is None:
            sizes[0 if none and cell == none else -1] += n
            continue
        sizes[len(own)] += n
        twice += n * (len(set(own)) < len(own))
        for place, item in enumerate(own):
            held[item] += n
            if len(own) > 1:
                places.setdefault(item, Counter())[place] += n
    total = int(rows.sum())
    several = {size: n for size, n in sizes.items() if size > 1}
    often = sum(several.values())
    if often < TOGETHER * total or twice > TWICE * total or often - max(several.values()) < SIZES * often:
        return None
    if sum(n for size, n in sizes.items() if size > LONGEST) > 0.01 * total:
        return None
    vocabulary = {item for item, n in held.items() if n >= max(least, 2)}
    if not FEWEST <= len(vocabulary) <= MOST or not _are_items(vocabulary, text):
        return None
    moved = sum(own.total() for item, own in places.items() if max(own.values()) <= FIXED * own.total())
    if moved < MOVED * sum(own.total() for own in places.values()):
        return None  # a path, or a town and its country
    good = [
        n
        for own, n in zip(lists, rows.tolist(), strict=True)
        if own is not None and vocabulary.issuperset(own)
    ]
    known = (sum(good) + sizes[0]) / total
    return known if known >= KNOWN else None


def _are_items(vocabulary: set[str], text: str) -> bool:
    """Whether items may be such: numbers only in a list whose marks stand in no number, and no single words
    of a sentence.
    """
    between = text.replace(ITEM, "")
    numbers = sum(bool(re.fullmatch(r"[\d.,:%+\- ]+", item)) for item in vocabulary)
    if 2 * numbers > len(vocabulary):
        return between in _NUMBERED and all(item.isdigit() and item[0] != "0" for item in vocabulary)
    if not any(re.search(r"[^\W\d_]", item) for item in vocabulary):
        return False
    return between != " " or all(re.fullmatch(r"[#@]\w+|[\w-]*[_-][\w-]*", item) for item in vocabulary)


def vocabulary(lists: Sequence[Sequence[str] | None], least: int) -> list[str]:
    """The items that at least so many of the lists hold, most frequent first."""
    held = Counter(item for own in lists if own is not None for item in dict.fromkeys(own))
    return [item for item, n in held.most_common() if n >= least]


def order(lists: Sequence[Sequence[str] | None], items: Sequence[str]) -> list[str] | None:
    """The items in the order in which the lists hold them; None where they have none."""
    number = {item: at for at, item in enumerate(items)}
    before = np.zeros((len(items), len(items)))
    for own in lists:
        at = [number[item] for item in own or () if item in number]
        for place, one in enumerate(at):
            before[one, at[place + 1 :]] += 1
    both = before + before.T
    if np.maximum(before, before.T).sum() < ORDERED * both.sum():
        return None
    wins = np.divide(before, both, out=np.full_like(before, 0.5), where=both > 0)
    first = np.array(sorted(range(len(items)), key=lambda i: items[i]))
    for ranked in (first, np.argsort(-wins.mean(1), kind="stable")):
        if np.triu(before[np.ix_(ranked, ranked)]).sum() >= ORDERED * both.sum() / 2:
            return [items[i] for i in ranked]
    return None


def describe(present: pd.Series, column: Column, least: int) -> None:
    """Sets the format and the items of a list, where they are not set. Raises SchemaError for cells that are
    no lists.
    """
    if column.format is None:
        found = written(present.value_counts(), least)
        column.format, column.exceptions = found or (None, None)
    check_format(column)
    if column.items is None:
        column.items = vocabulary(split(present.astype(object).to_numpy(), str(column.format)), least)


def columns_of(column: Column) -> list[Column]:
    """A column for how many items there are, and one for each of the most frequent: whether it is there."""
    name, nullable = column.name, column.nullable
    found = [Column(f"{name} [items]", "number", "object", nullable, "str")]
    return found + [
        Column(f"{name} [{item}]", "category", "object", nullable, "str", min_rows=1)
        for item in (column.items or [])[:MEMBERS]
    ]


def parts(cells: Sequence[Any] | Array, column: Column) -> list[Array]:
    """(cells,) of each of `columns_of`, as strings; None where the cell is missing or no list."""
    lists = split(cells, str(column.format))
    special = set(column.exceptions or ())
    known = [
        set() if cell in special else None if own is None else set(own)
        for own, cell in zip(lists, cells, strict=True)
    ]
    made = [[None if own is None else str(len(own)) for own in known]]
    made += [
        [None if own is None else "yes" if item in own else "no" for own in known]
        for item in (column.items or [])[:MEMBERS]
    ]
    out = []
    for values in made:
        out.append(np.array([*values, None], dtype=object)[:-1])
    return out
