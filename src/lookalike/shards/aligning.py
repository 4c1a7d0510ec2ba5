"""`align_shards`: rows of a synthetic table in shards, chosen to be distributed like the real ones.

How far the weights may go is decided once, by `align` on a uniform sample of all rows. Then the rows of each
class are counted shard by shard, so that every shard is told how many rows of a class it gives, and each
shard is weighed against all real rows by itself: what `align` does with blocks of a table that is too large
for its memory. Shards ought to be alike, as those of `sample_shards` are; classes may differ from shard to
shard.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lookalike import arguments
from lookalike.aligning import align, labels_of, points_of
from lookalike.arguments import whole
from lookalike.curate.align import draw
from lookalike.defaults import ALIGN_METHODS, MOST_REPEATS
from lookalike.errors import DataError, OptionError, UserError
from lookalike.files.place import Place
from lookalike.files.reading import read_table, sample_rows
from lookalike.files.sharded import table_files
from lookalike.files.writing import ChunkWriter
from lookalike.sampling import apportion
from lookalike.seed import child_seed
from lookalike.shards.crew import Crew, Made, carried_out
from lookalike.shards.curating import print_of
from lookalike.shards.plan import Plan
from lookalike.shards.sampling import out_of

if TYPE_CHECKING:
    from lookalike.curate.align import Alignment

SAMPLE = 50_000  # rows by which the strength of the weights is chosen, and the figures are measured

Class = str | None


@dataclass(frozen=True)
class Counting:
    """The job: counts the rows of each class in any shard."""

    files: list[str]
    label: str | None
    missing: tuple[Any, ...]
    how: Mapping[str, str | None]

    def open(self) -> Callable[[int], tuple[int, Any]]:
        def count(shard: int) -> tuple[int, dict[Class, int]]:
            table = self.table(shard)
            if self.label is None:
                return len(table), {None: len(table)}
            found = pd.Series(labels_of(self.files[shard], table[self.label])).value_counts()
            return len(table), {str(name): int(rows) for name, rows in found.items()}

        return count

    def table(self, shard: int) -> pd.DataFrame:
        """The rows of a shard. Raises DataError, with its name, where it lacks the label."""
        table = read_table(self.files[shard], self.missing, **self.how)
        if self.label is not None and self.label not in table.columns:
            raise DataError(f"{self.files[shard]} has no column '{self.label}': it needs the label.")
        return table


@dataclass(frozen=True)
class Aligning:
    """The job: chooses rows of any shard, `counts` of each class, and writes them. cap: as of `Alignment`."""

    own: Counting
    out: str
    plan: Plan
    real: pd.DataFrame
    counts: list[dict[Class, int]]
    cap: int
    text: str | None
    embed: str | None
    method: str
    seed: int

    def open(self) -> Callable[[int], tuple[int, Any]]:
        place = Place(self.out)
        return lambda shard: (self._shard(place, shard), None)

    def _shard(self, place: Place, shard: int) -> int:
        file, table, name = self.own.files[shard], self.own.table(shard), self.plan.name(shard)
        counts, kept = self.counts[shard], table.iloc[:0]
        if sum(counts.values()):
            try:
                kept = table.iloc[self._rows(table, counts, shard)].reset_index(drop=True)
            except UserError as error:
                raise DataError(f"{file}: {error}") from None
        with place.writing(name) as partial, ChunkWriter(partial, table.attrs.get("layout")) as writer:
            writer.write(kept)
        place.tidy(name)
        return len(kept)

    def _rows(self, table: pd.DataFrame, counts: Mapping[Class, int], shard: int) -> Any:
        tables = {"real": self.real, "synthetic": table}
        points = points_of(tables, self.text, self.embed, self.seed)
        label = self.own.label
        both = [[None] * len(one) if label is None else labels_of(title, one[label])
                for title, one in tables.items()]  # fmt: skip
        places = {name: at for at, name in enumerate(counts)}
        codes = [np.array([places.get(one, -1) for one in some], np.int64) for some in both]
        return draw(
            points["real"],
            points["synthetic"],
            codes[0],
            codes[1],
            np.array(list(counts.values()), np.int64),
            cap=self.cap,
            method=self.method,
            seed=child_seed(self.seed, "shard", shard),
        )


def align_shards(
    real: pd.DataFrame,
    synthetic: str | Path,
    n: int,
    out: str | Path,
    *,
    text: str | None = None,
    label: str | None = None,
    method: str = ALIGN_METHODS[0],
    embed: str | None = None,
    most_repeats: int = MOST_REPEATS,
    holdout: pd.DataFrame | None = None,
    missing: Collection[Any] = (),
    how: Mapping[str, str | None] | None = None,
    workers: int | None = None,
    engine: str = "processes",
    seed: int = 0,
    progress: bool = True,
) -> tuple[Made, Alignment]:
    """`n` rows of a synthetic table in shards, in as many shards of a folder `out`, and the figures.

        made, alignment = lookalike.align_shards(real, "made/", 10**6, "aligned/", label="class")

    As `align`, but each shard is weighed by itself, in the memory of a shard. The figures are those of
    `align` on 50,000 rows drawn uniformly from all. embed: a name, which every worker knows. synthetic,
    missing, how, workers, engine: as of `curate_shards`; the same call goes on after a kill. All others and
    the errors are those of `align`.
    """
    n, seed = whole("n, the number of rows,", n, 2), whole("seed", seed)
    if not (embed is None or isinstance(embed, str)):
        raise OptionError("an embedder of work in shards is named, so that every worker has it: give a name.")
    crew = Crew(engine, workers)
    files, how = table_files(synthetic), dict(how or {})
    sample, total = sample_rows(synthetic, SAMPLE, seed, missing, **how)
    if n > whole("most_repeats", most_repeats, 1) * total:
        raise OptionError(
            f"{n:,} rows cannot be made of {total:,} that may come {most_repeats} times each: ask for fewer."
        )
    options: dict[str, Any] = {"text": text, "label": label, "method": method, "embed": embed}
    few = max(round(n * len(sample) / total), 2)
    _, alignment = align(
        real, sample, few, **options, most_repeats=most_repeats, holdout=holdout, seed=seed, progress=progress
    )
    facts = {**options, "rows": n, "seed": seed, "cap": alignment.cap, "real": print_of(real),
             "files": [os.path.basename(file) for file in files]}  # fmt: skip
    plan, place = Plan("align", len(files), facts), Place(out)
    there = plan.begin(place)
    todo = [shard for shard in range(len(files)) if shard not in there]
    made = Made(str(out), there=len(there))
    if not todo:
        return made, alignment
    own = Counting([out_of(file) for file in files], label, tuple(missing), how)
    every = list(range(len(files)))
    found = carried_out(own, every, crew, Made(""), total, arguments.switch("progress", progress), "counting")
    shares = _dealt([done.facts for done in found.done], _wanted(real, label, n, alignment), most_repeats)
    job = Aligning(
        own, out_of(out), plan, real, shares, alignment.cap, text, embed, method, seed
    )  # fmt: skip
    rows = sum(sum(shares[shard].values()) for shard in todo)
    return carried_out(job, todo, crew, made, rows, progress, "aligning"), alignment


def _wanted(real: pd.DataFrame, label: str | None, n: int, alignment: Alignment) -> dict[Class, int]:
    """How many rows of each class: the real shares of those that there are synthetic rows of."""
    if label is None:
        return {None: n}
    sizes = pd.Series(labels_of("real", real[label])).value_counts()
    names = [name for name, count in alignment.classes.items() if count["synthetic"]]
    counts = apportion(np.array([sizes[name] for name in names]), n)
    return dict(zip(names, counts.tolist(), strict=True))


def _dealt(
    found: list[dict[Class, int]], wanted: Mapping[Class, int], most_repeats: int
) -> list[dict[Class, int]]:
    """How many rows of each class each shard gives: in proportion to those that it has."""
    shares: list[dict[Class, int]] = [{} for _ in found]
    for name, count in wanted.items():
        rows = np.array([one.get(name, 0) for one in found])
        if count > most_repeats * rows.sum():
            raise OptionError(
                f"{count:,} rows cannot be made of {rows.sum():,} synthetic rows of '{name}' that may come "
                f"{most_repeats} times each: ask for fewer rows, make more, or allow more repeats."
            )
        for own, share in zip(shares, apportion(rows, count).tolist(), strict=True):
            if share:
                own[name] = share
    return shares
