"""The figures of all rows of a table in shards, in the place of those of a sample of its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lookalike.evaluate.adding import Counts, Frame
from lookalike.evaluate.chapters.pairs import of_moments
from lookalike.evaluate.report import Report
from lookalike.evaluate.section import ColumnDetail, Entry, PairMap
from lookalike.evaluate.verdict import verdict

Found = tuple[float, float | None, float | None]


@dataclass(frozen=True)
class Exact:
    """The figures of all rows. shapes, missing, strange: by column name; pairs: (first, second) -> (error, r
    of the real and of the synthetic rows, None where they are no numbers).
    """

    rows: int
    shapes: dict[str, float]
    missing: dict[str, float]
    strange: dict[str, float]
    missing_error: float
    unseen: float | None
    out_of_range: float | None
    pairs: dict[tuple[str, str], Found]


def exact(frame: Frame, counts: Counts) -> Exact:
    """What the counts of all shards together say."""
    names = [str(known.name) for known in frame.columns]
    shapes = {
        name: max(cells.distance(own) for cells, own in zip(known.cells, counts.cells[at], strict=True))
        for at, (name, known) in enumerate(zip(names, frame.columns, strict=True))
        if known.cells
    }
    rows = max(counts.rows, 1)
    missing = [n / rows for n in counts.missing]
    gaps = [abs(own - k.missing) for own, k in zip(missing, frame.columns, strict=True) if own or k.missing]
    share = {kind: n / rows for kind, n in counts.any_strange.items()}
    return Exact(
        counts.rows,
        shapes,
        dict(zip(names, missing, strict=True)),
        {name: n / rows for name, n in zip(names, counts.strange, strict=True)},
        float(np.mean(gaps)) if gaps else 0.0,
        share.get("category"),
        share.get("number"),
        _pairs(frame, counts, names),
    )


def _pairs(frame: Frame, counts: Counts, names: Sequence[str]) -> dict[tuple[str, str], Found]:
    numeric = frame.numeric
    found: dict[tuple[str, str], Found] = {}
    real, own = (of_moments(one.sums) if numeric else np.zeros((0, 0)) for one in (frame.real, counts))
    joint = iter(zip(frame.real.joint, counts.joint, strict=True))
    for i, j in frame.pairs:
        if i in numeric and j in numeric:
            x, y = float(real[numeric[i], numeric[j]]), float(own[numeric[i], numeric[j]])
            if not np.isnan(x):
                error = abs(x - (0.0 if np.isnan(y) else y)) / 2
                found[names[i], names[j]] = (error, x, None if np.isnan(y) else y)
        else:
            p, q = next(joint)
            found[names[i], names[j]] = (float(np.abs(p / p.sum() - q / q.sum()).sum() / 2), None, None)
    return found


def by_column(pairs: Mapping[tuple[str, str], Found]) -> dict[str, float]:
    """The mean error of the pairs of each column."""
    sums: dict[str, list[float]] = {}
    for (first, second), (error, _, _) in pairs.items():
        for name in (first, second):
            sums.setdefault(name, []).append(error)
    return {name: float(np.mean(errors)) for name, errors in sums.items()}


def count_all(report: Report, counted: Exact) -> None:
    """Puts the figures of all rows into the report of a sample.

    Their intervals keep the width that the sample gave them, which is more than all rows would give.
    """
    found = report.figures.found
    fidelity = found.entries.get("fidelity", {})
    errors = [error for error, _, _ in counted.pairs.values()]
    values = {
        "shape_error": float(np.mean([*counted.shapes.values()])) if counted.shapes else None,
        "missing_error": counted.missing_error,
        "unseen": counted.unseen,
        "out_of_range": counted.out_of_range,
        "pair_error": float(np.mean(errors)) if errors else None,
    }
    for key, value in values.items():
        if key in fidelity and value is not None:
            fidelity[key] = _moved(fidelity[key], value)
    for name, detail in found.columns.items():
        found.columns[name] = _detail(name, detail, counted)
    found.pair_errors = by_column(counted.pairs) if found.pair_errors else {}
    for at, pair in enumerate(found.pairs):
        if exactly := counted.pairs.get((pair.first, pair.second)):
            error, real, synthetic = exactly
            found.pairs[at] = replace(pair, error=error, real=real, synthetic=synthetic)
    if found.pair_map is not None:
        error_of = {frozenset(pair): error for pair, (error, _, _) in counted.pairs.items()}
        names = found.pair_map.columns
        square = [[None if a == b else error_of.get(frozenset((a, b))) for b in names] for a in names]
        found.pair_map = PairMap(names, square)
    report.figures.verdict = verdict(report.figures)


def tell(report: Report, rows: int, shards: int, sampled: int, counted: bool) -> None:
    """Says in the report how many rows there are, and which figures are of a sample of them."""
    tables = report.figures.tables
    tables["synthetic"] = replace(tables["synthetic"], rows=rows)
    all_rows = (
        "column shapes, pairs, missing, unseen and out-of-range values count all of them, and all else is"
    )
    report.figures.found.warnings.insert(
        0,
        f"the synthetic table has {rows:,} rows in {shards:,} shards: "
        f"{all_rows if counted else 'the figures are'} of {sampled:,} rows drawn uniformly from them.",
    )


def _moved(entry: Entry, value: float) -> Entry:
    """The figure with another value and an interval of the same width around it."""
    low = high = None
    if entry.low is not None and entry.high is not None:
        half = (entry.high - entry.low) / 2
        low, high = max(0.0, value - half), min(1.0, value + half)
    return replace(entry, value=value, low=low, high=high)


def _detail(name: str, detail: ColumnDetail, counted: Exact) -> ColumnDetail:
    shape = counted.shapes.get(name)
    return replace(
        detail,
        shape_error=detail.shape_error if shape is None else _moved(detail.shape_error, shape),
        missing=detail.missing | {"synthetic": counted.missing[name]},
        strange=detail.strange | {"synthetic": counted.strange[name]},
    )
