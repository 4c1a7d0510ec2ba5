"""`evaluate_shards`: a real table and a synthetic one in shards -> the report, in the memory of a shard."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from lookalike import arguments
from lookalike.arguments import whole
from lookalike.errors import DataError, UserError
from lookalike.evaluate import Report, evaluate
from lookalike.evaluate.adding import Counts, Frame
from lookalike.evaluate.whole import count_all, exact, tell
from lookalike.files.reading import read_shard, sample_rows
from lookalike.files.sharded import table_files
from lookalike.progress import bar, working
from lookalike.shards.crew import Crew
from lookalike.table.schema import Schema, given_schema

SAMPLE = 100_000  # rows that all but counts is measured on


@dataclass(frozen=True)
class Counting:
    """The job: counts the rows of any shard. how: of `read_table`."""

    files: list[str]
    frame: Frame
    missing: Collection[Any]
    how: Mapping[str, str | None]

    def open(self) -> Callable[[int], tuple[int, Any]]:
        def count(shard: int) -> tuple[int, Any]:
            file = self.files[shard]
            table = read_shard(file, self.missing, **self.how)
            if not len(table):
                return 0, None
            try:
                counts = self.frame.counted(table)
            except KeyError as error:
                raise DataError(f"{file} has no column {error}: it needs those of the real table.") from None
            except UserError as error:
                raise DataError(f"{file}: {error}") from None
            return len(table), counts

        return count


def evaluate_shards(
    real: pd.DataFrame,
    synthetic: str | Path,
    holdout: pd.DataFrame | None = None,
    target: str | None = None,
    text: str | None = None,
    seed: int = 0,
    *,
    schema: Schema | None = None,
    ids: Collection[Any] = (),
    only: Collection[str] | None = None,
    quick: bool = False,
    show_real: bool = False,
    names: Mapping[str, str] | None = None,
    missing: Collection[Any] = (),
    how: Mapping[str, str | None] | None = None,
    workers: int | None = None,
    engine: str = "processes",
    progress: bool = True,
) -> Report:
    """Compare a synthetic table in shards, larger than memory, with the real one it was learned from.

        report = lookalike.evaluate_shards(real, "s3://bucket/made/", holdout)

    Some figures are those of all rows: shapes of columns, pairs of columns, missing, unseen and out-of-range
    values. They are counted in every shard on edges that `real` fixes, and added (`evaluate/adding.py`).
    Detection, diversity, utility and privacy see 100,000 rows, drawn uniformly from all; the report says so.

    synthetic: a folder, a pattern such as "made/*.parquet", or their URL.
    missing, how: values that mean missing, and the options of `read_table`, for the files.
    workers, engine: as of `sample_shards`.

    All other arguments and the errors are those of `evaluate`.
    """
    seed, progress = whole("seed", seed), arguments.switch("progress", progress)
    crew = Crew(engine, workers)
    files, how, schema = table_files(synthetic), dict(how or {}), given_schema(schema)
    with working("reading a sample of the shards", progress=progress):
        sample, total = sample_rows(synthetic, SAMPLE, seed, missing, **how)
    options: dict[str, Any] = {"only": only, "quick": quick, "show_real": show_real, "names": names}
    report = evaluate(
        real, sample, holdout, target, text, seed, schema=schema, ids=ids, progress=progress, **options
    )
    if total <= SAMPLE:
        return report
    counted = "fidelity" in report.figures.found.entries
    if counted:
        frame = Frame.of(real, text, ids, schema, seed, target)
        job = Counting(files, frame, tuple(missing), how)
        counts = _added(crew, job, total, progress)
        count_all(report, exact(frame, counts))
    tell(report, total, len(files), len(sample), counted)
    return report


def _added(crew: Crew, job: Counting, total: int, progress: bool) -> Counts:
    """The counts of all shards, added in their order: sums of fractions depend on it in their last bits."""
    counts, waiting, following = Counts(), dict[int, Counts | None](), 0
    with bar(total, "counting", progress=progress) as shown:
        for done in crew.does(job, range(len(job.files))):
            waiting[done.shard] = done.facts
            while following in waiting:
                own = waiting.pop(following)
                if own is not None:
                    counts.add(own)
                following += 1
            shown.update(done.rows)
    return counts
