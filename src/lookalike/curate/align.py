"""`align`: synthetic rows -> rows that are distributed like the real ones, and how much that helped."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.atomic import replace_text
from lookalike.curate.kernel import TEST_ROWS, mmd2_test
from lookalike.curate.resample import resample
from lookalike.curate.strength import caps, choose
from lookalike.curate.tilt import Tilt, tilt
from lookalike.curate.weights import METHODS, steps, weigh
from lookalike.defaults import MOST_REPEATS
from lookalike.errors import DataError, OptionError, file_errors
from lookalike.progress import bar
from lookalike.sampling import apportion, median_distance

Array = npt.NDArray[Any]
Found = TypeVar("Found")

HELD_OUT = 5  # every fifth real row is held out where no holdout is given
FEWEST = 10  # real rows, so that at least two can be
NAMED = 5  # classes without synthetic rows that a note names
FEW = 50  # real rows of a class, below which their chance shows in the weights
LEAST_ROWS = 200  # real rows: by 20 to 100 nothing is weighed, as rows aligned to them taught less


@dataclass
class Alignment:
    """How synthetic rows were weighted, drawn and judged; `print(alignment)` shows a short table.

    weights: (m,) float64, of all synthetic rows, sum 1. rows: (n,) row numbers of the aligned table.
    mmd2, p: {"before", "after", "real"}: MMD^2 (unbiased, so it may fall below zero; 0..2, see `kernel.py`)
    to real rows that were held out, and the p-value of its permutation test: of the synthetic rows as they
    came, of the aligned rows (their repeats count), and of the real rows that were matched, as yardstick.
    tested: {"holdout", "before", "after", "real"}: rows that this was measured on, drawn at random.
    held_out: real rows held out. effective: 1/sum w^2, the effective sample size, 1..m.
    most_repeated: how often the most frequent row comes; repeats: the share of rows that were there before,
    0..1. classes: label -> {"real", "synthetic", "aligned"} rows; empty without labels. cap: how often a row
    may come, as was chosen (`strength.py`); 0 where all rows of a class weigh alike, as no weights helped.
    few: whether the real rows were too few to weigh by, so that distinct rows were drawn.
    """

    method: str
    weights: Array
    rows: Array
    mmd2: dict[str, float]
    p: dict[str, float]
    tested: dict[str, int]
    held_out: int
    effective: float
    most_repeated: int
    repeats: float
    classes: dict[str, dict[str, int]]
    cap: int
    few: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Every figure as JSON values, without the weights and the rows."""
        figures = asdict(self)
        return {name: value for name, value in figures.items() if name not in ("weights", "rows")}

    @property
    def notes(self) -> list[str]:
        """What speaks against using the aligned rows, as sentences."""
        found = []
        absent = {label: count["real"] for label, count in self.classes.items() if not count["synthetic"]}
        if absent:
            named = ", ".join(f"'{label}' ({rows:,})" for label, rows in list(absent.items())[:NAMED])
            more = f" and {len(absent) - NAMED:,} more" if len(absent) > NAMED else ""
            share = sum(absent.values()) / sum(count["real"] for count in self.classes.values())
            found.append(
                f"no synthetic row is of {len(absent):,} of {len(self.classes):,} classes, which get none "
                f"(with their real rows): {named}{more}; the others take their {share:.1%} of the rows."
            )
        if self.mmd2["after"] > self.mmd2["before"]:
            found.append(
                "the aligned rows are further from the real rows held out than the synthetic ones as they "
                "came: use those."
            )
        if self.few:
            found.append(
                f"fewer than {LEAST_ROWS} real rows say too little of how to weigh others: no row comes "
                "twice where there are enough"
                f"{', so that a class may miss its real share' if self.classes else ''}."
            )
        elif not self.cap:
            found.append(
                "no weights brought the rows nearer to real rows that were not matched: all rows "
                f"{'of a class ' if self.classes else ''}weigh alike."
            )
        few = self.tested["real"] < FEW * max(len(self.classes), 1)
        if few and self.effective < len(self.weights) / 2:
            found.append(
                f"{self.tested['real']:,} real rows are few to align to: the weights follow their chance, "
                "and much of what the synthetic rows say is lost; give more real rows, or use all of them."
            )
        return found

    def save(self, path: str | Path) -> None:
        """Write the figures of `to_dict` to a .json file. Raises DataError if it cannot be written."""
        with file_errors(path, "written"):
            replace_text(path, json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n")

    def __repr__(self) -> str:
        head = f"{'to ' + format(self.held_out, ',') + ' real rows held out':28}{'MMD^2':>10}{'p-value':>10}"
        titles = {"before": "synthetic rows as they came", "after": "aligned rows", "real": "real rows"}
        lines = [head, *(f"{t:28}{self.mmd2[k]:10.5f}{self.p[k]:10.3f}" for k, t in titles.items())]
        lines += [
            "",
            f"effective sample size       {self.effective:10,.0f} of {len(self.weights):,} rows",
            f"most frequent row           {self.most_repeated:10,} times",
            f"rows that repeat another    {self.repeats:10.1%}",
        ]
        lines += ["", *(f"note: {note}" for note in self.notes)] if self.notes else []
        if self.classes:
            lines += ["", f"{'class':28}{'real':>10}{'synthetic':>10}{'aligned':>10}"]
            for label, count in list(self.classes.items())[:20]:
                lines.append(
                    f"{label[:27]:28}{count['real']:10,}{count['synthetic']:10,}{count['aligned']:10,}"
                )
            if len(self.classes) > 20:
                lines.append(f"and {len(self.classes) - 20} more classes")
        return "\n".join(lines)


def align(
    real: Array,
    synthetic: Array,
    n: int,
    *,
    labels: tuple[Sequence[Any], Sequence[Any]] | None = None,
    method: str = "exact",
    most_repeats: int = MOST_REPEATS,
    holdout: Array | None = None,
    second: tuple[Array, Array] | None = None,
    weigher: Callable[..., Array] = weigh,
    seed: int = 0,
    progress: bool = False,
) -> Alignment:
    """Weights for synthetic points that match the real ones, and n rows drawn by them.

    real: (rows, dims), synthetic: (m, dims) points, finite floats, in memory once (float32 is enough).
    labels: those of the real and of the synthetic rows, strings or numbers: each class is matched by itself,
    and the classes of the n rows have the shares of the real ones; classes without synthetic rows get none,
    which `notes` says, and the others take their share. Fewer than 200 real rows weigh nothing: n distinct
    rows are drawn, where there are so many, of each class its share as far as it has rows. method: "exact" or
    "linear", as in `weights.py`. most_repeats: how often a row may come at most; how often one does, real
    rows that were not matched decide (`strength.py`). holdout: (rows, dims) real points to judge by; None
    holds every fifth real row out of the matching, drawn at random in each class. second: the real and the
    synthetic rows in another embedding, (rows, dims) and (m, dims), in which the strength is chosen; None
    takes the same points. weigher: `weights.weigh`, or `tilt.weigh`. progress: a bar.

    Raises OptionError for n below 2 or most_repeats below 1, an unknown method, or more rows than the cap
    allows (of a class, which is named); DataError for fewer than 10 real rows, points that are not finite, a
    missing label, and where no class has both real and synthetic rows.
    """
    _check(real, synthetic, holdout, n, method, most_repeats)
    names, codes, codes_synthetic = _classes(labels, len(real), len(synthetic))
    rng = np.random.default_rng(seed)
    held = np.zeros(len(real), dtype=bool) if holdout is not None else _hold_out(codes, rng)
    judged = real[held] if holdout is None else holdout
    if len(judged) < 2:
        raise DataError("no class has enough real rows for some to be held out: give a holdout of real rows.")
    sizes = np.bincount(codes, minlength=len(names))
    rows_of = [np.flatnonzero(codes_synthetic == code) for code in range(len(names))]
    left = np.where([len(own) > 0 for own in rows_of], sizes, 0)  # real rows of the classes that get some
    counts = apportion(left, n) if left.any() else left
    few = len(real) < LEAST_ROWS
    if few:
        counts = _distinct(counts, np.where(left > 0, [len(own) for own in rows_of], 0))
    _check_rows(names, counts, rows_of, most_repeats)

    matching = _Matching(real, synthetic, codes, rows_of, left, counts, method, seed, weigher)
    needed = [-(-int(count) // max(len(own), 1)) for count, own in zip(counts, rows_of, strict=True)]
    tried = [0] if few else caps(most_repeats, max(needed))
    total = sum(steps(len(own)) for own in rows_of) * (len(tried) if len(tried) > 1 else 1)
    with bar(total, "aligning", unit="steps", progress=progress) as shown:
        aside = ~held & _hold_out(np.where(held, -1, codes), rng)
        others = (real, synthetic) if second is None else second

        def drawn_by(cap: int) -> Array:
            return matching.draw(~held & ~aside, cap, shown.update)[1]

        cap = choose(tried, drawn_by, others[1], others[0][aside], rng)
        weights, drawn = matching.draw(~held, cap, shown.update)
    matched = real[~held]
    length = median_distance(matched, rng)
    tables = {"before": synthetic, "after": synthetic[_some(drawn, rng)], "real": matched}
    tests = {name: mmd2_test(judged, table, length, rng) for name, table in tables.items()}
    repeated = np.bincount(drawn)
    return Alignment(
        method,
        weights,
        drawn,
        {name: value for name, (value, _) in tests.items()},
        {name: p for name, (_, p) in tests.items()},
        {name: min(len(t), TEST_ROWS) for name, t in {"holdout": judged, **tables}.items()},
        len(judged),
        float(1 / (weights**2).sum()),
        int(repeated.max()),
        1 - float((repeated > 0).sum()) / n,
        {} if labels is None else _by_class(names, sizes, [len(own) for own in rows_of], counts),
        cap,
        few,
    )


def _distinct(counts: Array, sizes: Array) -> Array:
    """As many rows of the classes, none of which has to come twice: what a class lacks the others bring.
    Where they are not enough either, the same.

    counts: (classes,) rows that are wanted; sizes: (classes,) rows that there are.
    """
    if counts.sum() > sizes.sum():
        return counts
    found = np.minimum(counts, sizes)
    lacking = int(counts.sum() - found.sum())
    return found + apportion(sizes - found, lacking) if lacking else found


def _by_class(
    names: Sequence[Any], real: Array, synthetic: Sequence[int], aligned: Array
) -> dict[str, dict[str, int]]:
    """How many rows of each class there are in every table."""
    counts = zip(names, real.tolist(), synthetic, aligned.tolist(), strict=True)
    return {str(name): {"real": a, "synthetic": b, "aligned": int(c)} for name, a, b, c in counts}


def tilts(
    real: Array,
    synthetic: Array,
    codes: Array,
    codes_synthetic: Array,
    counts: Array,
    *,
    cap: int,
    method: str,
    seed: int,
) -> list[Tilt | None]:
    """Of each class the function that weighs its rows (`tilt.py`); None: they weigh alike.

    synthetic: a sample. codes, codes_synthetic: of the class of each row, -1 for others. counts: how many
    rows of each class the sample would give; cap: as of `Alignment`.
    """
    rng = np.random.default_rng(seed)
    length = median_distance(real[codes >= 0], rng)
    found: list[Tilt | None] = []
    for code, count in enumerate(counts.tolist()):
        chosen, own = real[codes == code], synthetic[codes_synthetic == code]
        if not (cap and len(chosen) and len(own)):
            found.append(None)
            continue
        most = max(cap / max(count, cap), 1 / len(own))
        found.append(_of_class(chosen, own, length, method, most, rng, tilt))
    return found


@dataclass
class _Matching:
    """What is matched: points, their classes, and how many rows each class is to have."""

    real: Array
    synthetic: Array
    codes: Array
    rows_of: list[Array]
    left: Array
    counts: Array
    method: str
    seed: int
    weigher: Callable[..., Array]

    def draw(self, matched: Array, cap: int, tick: Callable[[int], object]) -> tuple[Array, Array]:
        """(m,) weights and (n,) rows. matched: (real rows,) bool; cap: how often a row may come, 0: all rows
        of a class alike.
        """
        rng = np.random.default_rng(self.seed)
        length = median_distance(self.real[matched], rng)
        weights, rows = np.zeros(len(self.synthetic)), []
        for code in np.flatnonzero(self.left):
            own, count = self.rows_of[code], int(self.counts[code])
            chosen = self.real[matched & (self.codes == code)] if len(self.left) > 1 else self.real[matched]
            if cap and len(chosen):
                alone = len(own) == len(self.synthetic)  # no copy of the only class
                points = self.synthetic if alone else self.synthetic[own]
                most = max(cap / max(count, cap), 1 / len(own))
                weigher = partial(self.weigher, tick=tick)
                found = _of_class(chosen, points, length, self.method, most, rng, weigher)
            else:
                found = np.full(len(own), 1 / len(own))
                tick(steps(len(own)))
            weights[own] = found * self.left[code] / self.left.sum()
            least = -(-count // len(own))  # how often a row has to come
            rows.append(own[resample(found, count, max(cap, least, 1), int(rng.integers(2**63)))])
        return weights, rng.permutation(np.concatenate(rows))


def _of_class(
    real: Array,
    synthetic: Array,
    length: float,
    method: str,
    most: float,
    rng: np.random.Generator,
    weigher: Callable[..., Found],
) -> Found:
    """What `weigher` finds of one class; its own median distance is its kernel's, if it has rows enough to
    tell.
    """
    if len(real) >= FEWEST:
        length = median_distance(real, rng)
    seed = int(rng.integers(2**63))
    return weigher(real, synthetic, length, method=method, most=most, seed=seed)


def _some(rows: Array, rng: np.random.Generator) -> Array:
    """As many row numbers as are tested: the points of all of them might not fit in memory."""
    return rows[rng.permutation(len(rows))[:TEST_ROWS]]


def _hold_out(codes: Array, rng: np.random.Generator) -> Array:
    """(rows,) bool: every fifth row of each class, drawn at random, but never a whole class. Rows of a class
    below 0 are left out.
    """
    order = rng.permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]
    held = np.zeros(len(codes), dtype=bool)
    held[order[HELD_OUT - 1 :: HELD_OUT]] = True
    held &= codes >= 0
    kept = np.bincount(codes[~held & (codes >= 0)], minlength=codes.max() + 1) > 0
    return held & kept[codes]


def _classes(
    labels: tuple[Sequence[Any], Sequence[Any]] | None, n: int, m: int
) -> tuple[list[Any], Array, Array]:
    """(labels of the real rows, number of the label of each real row, of each synthetic row or -1)."""
    if labels is None:
        return [None], np.zeros(n, dtype=np.int64), np.zeros(m, dtype=np.int64)
    for title, some, rows in zip(("real", "synthetic"), labels, (n, m), strict=True):
        if len(some) != rows:
            raise DataError(f"there are {len(some):,} labels of {rows:,} {title} rows: give each row one.")
        if missing := int(pd.isna(pd.Series(list(some), dtype=object)).sum()):
            raise DataError(f"{missing:,} {title} rows have no label: fill it in, or leave them out.")
    codes, names = pd.factorize(pd.Series(list(labels[0]), dtype=object))
    return (
        list(names),
        codes.astype(np.int64),
        pd.Index(names).get_indexer(pd.Index(list(labels[1]), dtype=object)),
    )


def _check(
    real: Array, synthetic: Array, holdout: Array | None, n: int, method: str, most_repeats: int
) -> None:
    if n < 2 or most_repeats < 1:
        raise OptionError(
            f"{n} rows, each at most {most_repeats} times, were asked for: ask for at least 2 rows, and let "
            "each come at least once."
        )
    if method not in METHODS:
        raise OptionError(f"there is no method '{method}': choose one of {', '.join(METHODS)}.")
    if len(real) < FEWEST:
        raise DataError(f"there are {len(real)} real rows: give at least {FEWEST}, some are held out.")
    if len(synthetic) < 2 or (holdout is not None and len(holdout) < 2):
        raise DataError("the synthetic table or the holdout has fewer than 2 rows: give a larger one.")
    for title, points in (("real", real), ("synthetic", synthetic), ("holdout", holdout)):
        if points is None:
            continue
        if points.ndim != 2 or points.shape[1] != real.shape[1]:
            raise DataError(
                f"the {title} points do not have the {real.shape[1]} dimensions of the real ones: embed "
                "all of them alike."
            )
        for start in range(0, len(points), 100_000):
            if not np.isfinite(points[start : start + 100_000]).all():
                raise DataError(f"the {title} points hold nan or infinite numbers: leave those rows out.")


def _check_rows(names: list[Any], counts: Array, rows_of: list[Array], most_repeats: int) -> None:
    """A class has to be left, and each that is to have synthetic rows enough for its share."""
    if not counts.any():
        shown = ", ".join(map(repr, map(str, names[:NAMED])))
        raise DataError(
            f"no synthetic row has a label of the real ones, such as {shown}: name their column, "
            "or make rows of them."
        )
    for name, count, own in zip(names, counts, rows_of, strict=True):
        if count > most_repeats * len(own):
            what = "synthetic rows" if name is None else f"synthetic rows of '{name}'"
            raise OptionError(
                f"{count:,} rows cannot be made of {len(own):,} {what} that may come {most_repeats} times "
                "each: ask for fewer rows, make more, or allow more repeats."
            )
