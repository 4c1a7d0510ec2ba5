"""The figures that add up over the shards of a synthetic table: counts on edges that the real table fixes.

Column shapes, missing, unseen and out-of-range values (`chapters/fidelity.py`) and pairs
(`chapters/pairs.py`) are made of counts, contingency tables and sums of products. Counted shard by shard and
added, they are those of all rows. A number of more than 4,096 distinct real values is counted between 4,096
of their quantiles, which moves its distance by less than 1/4,096.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.evaluate import compound
from lookalike.evaluate.chapters.pairs import BINS, COMMON, MOST_PAIRS, moments
from lookalike.evaluate.columns import (
    MISSING,
    UNREADABLE,
    ComparedColumn,
    described_as,
    flattened,
    read_as,
    without_dropped,
)
from lookalike.evaluate.compound import Member
from lookalike.evaluate.parts import Part, pair_of
from lookalike.seed import child
from lookalike.table.kind_groups import NUMBER, OfAKind
from lookalike.table.schema import Schema

Array = npt.NDArray[Any]

EDGES = 4096  # of a number, at most
HEAD = 50  # real rows that go along with a shard, for their dtypes


@dataclass(frozen=True)
class Cells:
    """The cells that a part of a column is counted in, and the counts of the real table.

    edges: of an ordered part: a cell for each edge and for each space between two; else None. names: of
    others: value -> cell; the last cell is of all others. share: of the real rows, by cell.
    """

    name: str
    edges: Array | None
    names: dict[Any, int]
    share: Array
    scale: float = 1.0

    def place(self, part: Part | None, column: ComparedColumn, table: str) -> Array:
        """(rows that are not missing,) the cell of each."""
        if self.name == "letters":
            texts = column.texts if column.texts is not None else np.empty(0, object)
            codes = column.identity[table]
            rare = self._at("")  # as `text_parts` calls a pair that few real texts have
            of_text = np.array([self.names.get(pair_of(str(text)), rare) for text in texts], np.int64)
            return of_text[codes[codes >= 0]]
        if part is None:  # no exception in these rows
            return np.full(len(column.identity[table]), self._at("0"), np.int64)
        codes = part.codes[table]
        if self.edges is not None:
            assert part.values is not None
            values = part.values[table][codes >= 0] * (part.scale / self.scale)
            return np.searchsorted(self.edges, values, "left") + np.searchsorted(self.edges, values, "right")
        assert part.labels is not None
        of_label = np.array([self._at(_plain(one)) for one in part.labels.tolist()], np.int64)
        return of_label[codes[codes >= 0]]

    def _at(self, value: Any) -> int:
        return self.names.get(value, len(self.names))

    @property
    def count(self) -> int:
        return len(self.names) + 1 if self.edges is None else 2 * len(self.edges) + 1

    def distance(self, counts: Array) -> float:
        """As `fidelity.distance`, of the real table and one of these counts."""
        total = counts.sum()
        if not total or not self.share.any():
            return float(bool(total) != bool(self.share.any()))
        gap = self.share - counts / total
        return float(np.abs(np.cumsum(gap)).max() if self.edges is not None else np.abs(gap).sum() / 2)


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, int | float) else value


@dataclass(frozen=True)
class Known(OfAKind):
    """What is known of a real column: its cells, its range, and how it enters pairs.

    low, high: of its numbers; nan without one. names: of categories. centre, spread: of a number that is
    correlated; bins: of one in joint frequencies, or common value -> code.
    """

    name: Any
    kind: str
    cells: list[Cells]
    missing: float
    low: float
    high: float
    names: frozenset[str]
    size: float
    centre: float
    spread: float
    bins: Array | None
    codes: dict[Any, int]


@dataclass
class Frame:
    """What a shard is counted by; made of the real table once, and sent to every worker.

    own: the schema of the real table; described: with a column for each member of a compound, which
    `members` holds; head: rows of the real table.
    """

    own: Schema
    described: Schema
    members: dict[Any, Member]
    head: pd.DataFrame
    columns: list[Known]
    pairs: list[tuple[int, int]]
    schema: Schema | None = None
    real: Counts = field(default_factory=lambda: Counts())

    @classmethod
    def of(
        cls,
        real: pd.DataFrame,
        text: str | None = None,
        ids: Collection[Any] = (),
        schema: Schema | None = None,
        seed: int = 0,
        target: Any = None,
    ) -> Frame:
        """The arguments are those of `evaluate`."""
        real = without_dropped({"real": real}, schema)["real"]
        own = described_as(real, text, ids, schema)
        plain = flattened({"real": real})
        tables, described, members = compound.members(plain, own, target)
        columns = [_known(one) for one in read_as(tables, described)]
        kept = [at for at, one in enumerate(columns) if one.cells]
        pairs = list(combinations(kept, 2))
        if len(pairs) > MOST_PAIRS:
            rng = child(seed, "shards", "pairs")
            pairs = [pairs[at] for at in sorted(rng.choice(len(pairs), MOST_PAIRS, replace=False))]
        frame = cls(own, described, members, plain["real"].head(HEAD), columns, pairs, schema)
        frame.real = frame.counted(real)
        return frame

    def counted(self, table: pd.DataFrame) -> Counts:
        """The counts of a table or shard. Raises DataError where most values of a column do not fit."""
        tables = {"real": self.head, "synthetic": without_dropped({"x": table}, self.schema)["x"]}
        tables = flattened({name: one[list(self.head.columns)] for name, one in tables.items()})
        if self.members:
            tables = compound.apart(tables, self.own, self.described, self.members)
        columns = read_as(tables, self.described)
        found = Counts(rows=len(table))
        strange: dict[str, Array] = {}
        for own, known in zip(columns, self.columns, strict=True):
            parts = {part.name: part for part in own.parts}
            found.cells.append(
                [
                    np.bincount(cells.place(parts.get(cells.name), own, "synthetic"), minlength=cells.count)
                    for cells in known.cells
                ]
            )
            codes = own.identity["synthetic"]
            odd = _strange(own, known)
            found.missing.append(int((codes == MISSING).sum()))
            found.strange.append(int(odd.sum()))
            kind = NUMBER if known.is_date else known.kind
            strange[kind] = strange.get(kind, np.zeros(len(table), bool)) | odd
        found.any_strange = {kind: int(odd.sum()) for kind, odd in strange.items()}
        self._count_pairs(found, columns)
        return found

    def _count_pairs(self, found: Counts, columns: Sequence[ComparedColumn]) -> None:
        codes = [_codes(own, known) for own, known in zip(columns, self.columns, strict=True)]
        numeric = self.numeric
        for i, j in self.pairs:
            if not (i in numeric and j in numeric):
                (left, width), (right, height) = codes[i], codes[j]
                joint = np.bincount(left * height + right, minlength=width * height)
                found.joint.append(joint.astype(np.int64))
        if numeric:
            values = np.stack([_scaled(columns[at], self.columns[at]) for at in numeric], axis=1)
            found.sums = moments(values)

    @property
    def numeric(self) -> dict[int, int]:
        """Column number -> place among those that are correlated."""
        some = [at for at, one in enumerate(self.columns) if one.bins is not None]
        return {at: place for place, at in enumerate(some)}


@dataclass
class Counts:
    """What was counted of some rows; `add` adds those of others.

    cells: for each column and part, (cells,) rows. missing, strange: rows of each column. any_strange: kind
    -> rows with a strange value in any column of it. joint: of each pair that is not correlated, the
    contingency table, flat. sums: the `moments` of the standardised numbers.
    """

    rows: int = 0
    cells: list[list[Array]] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    strange: list[int] = field(default_factory=list)
    any_strange: dict[str, int] = field(default_factory=dict)
    joint: list[Array] = field(default_factory=list)
    sums: list[Array] = field(default_factory=list)

    def add(self, other: Counts) -> None:
        if not self.rows:
            vars(self).update(vars(other))
            return
        self.rows += other.rows
        self.cells = [
            [a + b for a, b in zip(*two, strict=True)] for two in zip(self.cells, other.cells, strict=True)
        ]
        self.missing = [a + b for a, b in zip(self.missing, other.missing, strict=True)]
        self.strange = [a + b for a, b in zip(self.strange, other.strange, strict=True)]
        kinds = {**self.any_strange, **other.any_strange}
        self.any_strange = {
            kind: self.any_strange.get(kind, 0) + other.any_strange.get(kind, 0) for kind in kinds
        }
        self.joint = [a + b for a, b in zip(self.joint, other.joint, strict=True)]
        self.sums = [a + b for a, b in zip(self.sums, other.sums, strict=True)]


# --- what is known of a real column ----------------------------------------------------------------------


def _known(column: ComparedColumn) -> Known:
    parts = column.parts[: column.compared]
    first = parts[0] if parts else None
    values = np.zeros(0) if first is None or first.values is None else first.values["real"]
    finite = values[np.isfinite(values)]
    number = column.is_number_or_date
    bins, size, centre, spread = None, 1.0, 0.0, 1.0
    if first is not None and first.ordered and len(finite):
        bins = np.linspace(finite.min(), finite.max(), BINS + 1)
        size = max(float(np.abs(finite).max()), 1e-300)
        centre = float((finite / size).mean())
        spread = float((finite / size).std()) or 1.0
    names = (
        frozenset() if first is None or first.labels is None else frozenset(map(str, first.labels.tolist()))
    )
    present = values[~np.isnan(values)]
    return Known(
        column.name,
        column.kind,
        [_cells(column, part) for part in parts],
        float((column.identity["real"] == MISSING).mean()),
        float(present.min()) if number and len(present) else np.nan,
        float(present.max()) if number and len(present) else np.nan,
        names if column.is_categorical else frozenset(),
        size,
        centre,
        spread,
        bins,
        {} if first is None or bins is not None else _common(first),
    )


def _common(part: Part) -> dict[Any, int]:
    """The commonest values -> their codes."""
    assert part.labels is not None
    codes = part.codes["real"]
    order = np.argsort(-np.bincount(codes[codes >= 0], minlength=part.support), kind="stable")[:COMMON]
    return {_plain(part.labels[at]): place for place, at in enumerate(order.tolist())}


def _cells(column: ComparedColumn, part: Part) -> Cells:
    if part.ordered:
        assert part.values is not None
        values = part.values["real"]
        distinct = np.unique(values[~np.isnan(values)])
        if len(distinct) > EDGES:
            ranked = np.sort(values[~np.isnan(values)])
            distinct = np.unique(ranked[np.linspace(0, len(ranked) - 1, EDGES).astype(np.int64)])
        empty = Cells(part.name, distinct, {}, np.zeros(0), part.scale)
    else:
        assert part.labels is not None
        names = {_plain(one): at for at, one in enumerate(part.labels.tolist())}
        empty = Cells(part.name, None, names, np.zeros(0))
    counts = np.bincount(empty.place(part, column, "real"), minlength=empty.count)
    return Cells(empty.name, empty.edges, empty.names, counts / max(counts.sum(), 1), empty.scale)


def _strange(own: ComparedColumn, known: Known) -> Array:
    """As `fidelity.strange`, by what is known of the real column."""
    codes = own.identity["synthetic"]
    rows = codes == UNREADABLE
    if known.is_number_or_date:
        part = own.parts[0]
        assert part.values is not None
        values = part.values["synthetic"] * (part.scale / known.cells[0].scale)
        if np.isnan(known.low):
            return rows | ~np.isnan(values)
        with np.errstate(invalid="ignore"):
            return rows | (values < known.low) | (values > known.high)
    if known.is_categorical:
        labels = own.parts[0].labels
        assert labels is not None
        odd = np.array([str(one) not in known.names for one in labels.tolist()] or [False])
        return (codes >= 0) & odd[np.maximum(codes, 0)]
    return rows


def _scaled(own: ComparedColumn, known: Known) -> Array:
    """(rows,) a number centred and scaled as the real ones; nan where missing or infinite."""
    part = own.parts[0]
    assert part.values is not None
    values = part.values["synthetic"] * (part.scale / known.cells[0].scale)
    with np.errstate(invalid="ignore"):
        return (np.where(np.isfinite(values), values, np.nan) / known.size - known.centre) / known.spread


def _codes(own: ComparedColumn, known: Known) -> tuple[Array, int]:
    """(code of each row, how many there are), as `pairs._few`."""
    if not own.parts:
        return np.zeros(0, np.int64), 0
    part = own.parts[0]
    if known.bins is not None:
        assert part.values is not None
        values = part.values["synthetic"] * (part.scale / known.cells[0].scale)
        return np.where(np.isnan(values), BINS + 2, np.digitize(values, known.bins)), BINS + 3
    assert part.labels is not None
    count = len(known.codes)
    place = np.array([known.codes.get(_plain(one), count) for one in part.labels.tolist()] + [count + 1])
    return place[part.codes["synthetic"]], count + 2
