"""`align_shards`: rows of a synthetic table in shards, chosen to be distributed like the real ones.

A uniform sample of all rows decides once how far the weights may go, and what a row weighs as a function of
the row (`curate/tilt.py`). So the weight of a shard is a sum over its rows, and that of the table a sum over
the shards: shards need not be alike. Each is read twice: first its rows are counted and weighed, by class;
then it gives its part of the rows, in proportion to its weight.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike import arguments
from lookalike.aligning import align_tables, labels_of, texts_of
from lookalike.arguments import whole
from lookalike.curate.align import tilts
from lookalike.curate.resample import resample
from lookalike.defaults import ALIGN_METHODS, MOST_REPEATS
from lookalike.embed import embedder
from lookalike.errors import DataError, OptionError, UserError
from lookalike.evaluate.placing import Space
from lookalike.files.place import Place
from lookalike.files.reading import read_shard, sample_rows
from lookalike.files.sharded import table_files
from lookalike.files.writing import ChunkWriter
from lookalike.sampling import apportion
from lookalike.seed import child
from lookalike.shards.crew import Crew, Made, carried_out
from lookalike.shards.curating import print_of
from lookalike.shards.plan import Plan
from lookalike.shards.sampling import out_of

if TYPE_CHECKING:
    from lookalike.curate.align import Alignment
    from lookalike.curate.tilt import Tilt

SAMPLE = 50_000  # rows by which the weights are found, and the figures are measured

Array = npt.NDArray[Any]
Class = str | None


@dataclass(frozen=True)
class Weighing:
    """The job: what the rows of each class of any shard weigh. names: the classes; tilts: of each.

    real, sample: what fixes the points of the rows (`Space`), and of texts.
    """

    files: list[str]
    missing: tuple[Any, ...]
    how: Mapping[str, str | None]
    real: pd.DataFrame
    sample: pd.DataFrame
    text: str | None
    label: str | None
    embed: str | None
    seed: int
    names: list[Class]
    tilts: list[Tilt | None]

    def open(self) -> Callable[[int], tuple[int, Any]]:
        place = self.placed()

        def weigh(shard: int) -> tuple[int, tuple[Array, Array]]:
            table = self.table(shard)
            weights, codes = self.weighed(shard, table, place)
            known, count = codes >= 0, len(self.names)
            rows = np.bincount(codes[known], minlength=count)
            return len(table), (rows, np.bincount(codes[known], weights[known], count))

        return weigh

    def placed(self) -> Callable[[pd.DataFrame], Array]:
        """A table -> the points of its rows; the same for every shard."""
        if self.text is None:
            return Space(self.real, self.sample, self.seed)
        text = self.text
        texts = [texts_of(*table, text) for table in (("real", self.real), ("synthetic", self.sample))]
        vectors = embedder(self.embed, [*texts[0], *texts[1]], self.seed)
        return lambda table: vectors(texts_of("synthetic", table, text))

    def table(self, shard: int) -> pd.DataFrame:
        """The rows of a shard. Raises DataError, with its name, where it lacks a column that is named."""
        table = read_shard(self.files[shard], self.missing, **self.how)
        for what, name in (("label", self.label), ("text", self.text)):
            if name is not None and name not in table.columns:
                raise DataError(f"{self.files[shard]} has no column '{name}': it needs the {what}.")
        return table

    def weighed(
        self, shard: int, table: pd.DataFrame, place: Callable[[pd.DataFrame], Array]
    ) -> tuple[Array, Array]:
        """(rows,) weights and (rows,) numbers of the classes, -1 for others. Raises DataError, with its name,
        for a shard that does not fit.
        """
        if not len(table):
            return np.zeros(0), np.zeros(0, np.int64)
        try:
            codes = codes_of("synthetic", table, self.label, self.names)
            points, weights = place(table), np.ones(len(table))
            for code, own in enumerate(self.tilts):
                if own is not None:
                    weights[codes == code] = own(points[codes == code])
        except UserError as error:
            raise DataError(f"{self.files[shard]}: {error}") from None
        return weights, codes


@dataclass(frozen=True)
class Drawing:
    """The job: chooses rows of any shard by their weights, and writes them.

    counts: how many of each class each shard gives; repeats: how often a row of each class may come.
    """

    own: Weighing
    out: str
    plan: Plan
    counts: list[Array]
    repeats: list[int]

    def open(self) -> Callable[[int], tuple[int, Any]]:
        out, place = Place(self.out), self.own.placed()
        return lambda shard: (self._shard(out, place, shard), None)

    def _shard(self, out: Place, place: Callable[[pd.DataFrame], Array], shard: int) -> int:
        table, name, rows = self.own.table(shard), self.plan.name(shard), [np.zeros(0, np.int64)]
        rng = child(self.own.seed, "shard", shard)
        weights, codes = self.own.weighed(shard, table, place)
        for code, count in enumerate(self.counts[shard].tolist()):
            if count:
                own = np.flatnonzero(codes == code)
                seed = int(rng.integers(2**63))
                rows.append(own[resample(weights[own], count, self.repeats[code], seed)])
        kept = table.iloc[rng.permutation(np.concatenate(rows))].reset_index(drop=True)
        with out.writing(name) as partial, ChunkWriter(partial, table.attrs.get("layout")) as writer:
            writer.write(kept)
        out.tidy(name)
        return len(kept)


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

        made, figures = lookalike.align_shards(real, "made/", 10**6, "aligned/", label="class")

    As `align`, in the memory of a shard. How much a row weighs is a function of the row, which is found on
    50,000 rows drawn uniformly from all. The figures are those of `align` on these rows.

    synthetic: a folder, a pattern such as "made/*.parquet", or their URL.
    out: a folder or its URL. After a kill the same call goes on there.
    embed: a name, as every worker has to know it.
    missing, how: values that mean missing, and the options of `read_table`, for the files.
    workers, engine: as of `sample_shards`.

    All other arguments and the errors are those of `align`.
    """
    n, seed = whole("n, the number of rows,", n, 2), whole("seed", seed)
    if not (embed is None or isinstance(embed, str)):
        raise OptionError("every worker loads the embedder by its name: give a name, not a function.")
    progress = arguments.switch("progress", progress)
    crew = Crew(engine, workers)
    files, how = table_files(synthetic), dict(how or {})
    sample, total = sample_rows(synthetic, SAMPLE, seed, missing, **how)
    if n > whole("most_repeats", most_repeats, 1) * total:
        raise OptionError(
            f"{n:,} rows cannot be made of {total:,} that may come {most_repeats} times each: ask for fewer."
        )
    tables = {"real": real, "synthetic": sample} | ({} if holdout is None else {"holdout": holdout})
    few = max(round(n * len(sample) / total), 2)
    alignment = align_tables(
        tables, few, text, label, method, embed,
        most_repeats=most_repeats, seed=seed, progress=progress, sampled=True,
    )  # fmt: skip
    wanted = _wanted(real, label, n, alignment)
    facts = {"text": text, "label": label, "method": method, "embed": embed, "rows": n, "seed": seed,
             "cap": alignment.cap, "real": print_of(real),
             "files": [os.path.basename(file) for file in files]}  # fmt: skip
    plan, place = Plan("align", len(files), facts), Place(out)
    there = plan.begin(place)
    todo = [shard for shard in range(len(files)) if shard not in there]
    made = Made(str(out), there=len(there))
    if not todo:
        return made, alignment
    own = Weighing(
        [out_of(file) for file in files], tuple(missing), how, real, sample, text, label, embed, seed,
        list(wanted), [],
    )  # fmt: skip
    own = replace(own, tilts=_tilts(own, method, alignment.cap, few))
    every = list(range(len(files)))
    found = carried_out(own, every, crew, Made(""), total, progress, "weighing")
    counts, repeats = _dealt([done.facts for done in found.done], wanted, alignment.cap, most_repeats)
    job = Drawing(own, out_of(out), plan, counts, repeats)
    rows = int(sum(counts[shard].sum() for shard in todo))
    return carried_out(job, todo, crew, made, rows, progress, "aligning"), alignment


def _tilts(own: Weighing, method: str, cap: int, few: int) -> list[Tilt | None]:
    """Of each class what weighs its rows, found on all real rows and the sample."""
    place = own.placed()
    real, sample = (codes_of(title, one, own.label, own.names)
                    for title, one in (("real", own.real), ("synthetic", own.sample)))  # fmt: skip
    counts = apportion(np.bincount(real[real >= 0], minlength=len(own.names)), few)
    points = place(own.real), place(own.sample)
    return tilts(*points, real, sample, counts, cap=cap, method=method, seed=own.seed)


def codes_of(title: str, table: pd.DataFrame, label: str | None, names: Sequence[Class]) -> Array:
    """(rows,) the number of the class of each row, -1 for others."""
    if label is None:
        return np.zeros(len(table), np.int64)
    at = {name: code for code, name in enumerate(names)}
    return np.array([at.get(one, -1) for one in labels_of(title, table[label])], np.int64)


def _wanted(real: pd.DataFrame, label: str | None, n: int, alignment: Alignment) -> dict[Class, int]:
    """How many rows of each class: the real shares of those that there are synthetic rows of."""
    if label is None:
        return {None: n}
    sizes = pd.Series(labels_of("real", real[label])).value_counts()
    names = [name for name, count in alignment.classes.items() if count["synthetic"]]
    counts = apportion(np.array([sizes[name] for name in names]), n)
    return dict(zip(names, counts.tolist(), strict=True))


def _dealt(
    found: list[tuple[Array, Array]], wanted: Mapping[Class, int], cap: int, most_repeats: int
) -> tuple[list[Array], list[int]]:
    """How many rows of each class each shard gives, and how often a row of each class may come.

    found: of each shard the rows and the weight of each class.
    """
    rows, weights = (np.stack([one[at] for one in found]) for at in (0, 1))
    counts, repeats = np.zeros_like(rows), []
    for code, (name, count) in enumerate(wanted.items()):
        of_class = int(rows[:, code].sum())
        if count > most_repeats * of_class:
            what = "" if name is None else f" of '{name}'"
            raise OptionError(
                f"{count:,} rows cannot be made of {of_class:,} synthetic rows{what} that may come "
                f"{most_repeats} times each: ask for fewer rows, make more, or allow more repeats."
            )
        repeats.append(max(cap, -(-count // max(of_class, 1)), 1))
        counts[:, code] = _shared(weights[:, code], rows[:, code] * repeats[-1], count)
    return list(counts), repeats


def _shared(weights: Array, room: Array, count: int) -> Array:
    """(shards,) `count` in proportion to the weights, no shard more than it has room for."""
    given = np.zeros(len(room), np.int64)
    while left := count - int(given.sum()):
        free = np.where(given < room, weights, 0)
        free = free if free.sum() > 0 else room - given
        given = np.minimum(given + apportion(free, left), room)
    return given
