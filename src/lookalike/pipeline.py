"""The whole story, for every synthesizer: learn a real table, make a synthetic one, curate it where that is
asked for, measure how alike they are.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from lookalike import curation
from lookalike.arguments import listed, shown, switch, table_names
from lookalike.curation import CuratedRows, Curation
from lookalike.decisions import WEIGHT, Decisions
from lookalike.errors import OptionError
from lookalike.helping import no_gain
from lookalike.inputs import Inputs, inputs_of
from lookalike.progress import say, stage, watched
from lookalike.run import Cost, Run
from lookalike.sampled import sampled
from lookalike.synthesizer import Synthesizer, asks, learns, steering
from lookalike.without_real import without_real

if TYPE_CHECKING:
    import pandas as pd

    from lookalike.evaluate import Report
    from lookalike.evaluate.alone import Alone
    from lookalike.table.schema import Schema
    from lookalike.table.sources import Table

TEXT_TO_MEMORY = 4  # a table in memory is about this many times its size as text
COMFORTABLE = 0.2  # of the machine's memory: training needs the rest for tokens, latents and weights
SAMPLE_ROWS = 500_000  # what is learned of a table that is larger than that


def generate(
    real: Table | None,
    n: int | None = None,
    synthesizer: Synthesizer | None = None,
    *,
    schema: Schema | None = None,
    where: Mapping[str, Any] | Sequence[str] | None = None,
    target: str | None = None,
    curate: Curation = False,
    holdout: Table = None,
    run: Run | str | Path | None = None,
    out: str | Path | None = None,
    show_real: bool = False,
    names: Mapping[str, str] | None = None,
    seed: int | None = None,
    progress: bool = True,
    on_fit: Callable[[Synthesizer], object] | None = None,
) -> tuple[Table, Report | Alone]:
    """A synthetic table of `n` rows (default: as many as `real`) and the report that compares it with `real`.

        synthetic, report = lookalike.generate(real, 1_000, lookalike.DiffLM(max_time="60s"))

    real: a table of any library that `table/sources.py` lists; the synthetic table is of the same library. Of
        a DatasetDict the split "train" is learned, and "test" or "validation" is the holdout. None: there is
        no real table, and a `Recipe` writes one; the report then describes the synthetic table alone.
    synthesizer: a DiffLM, a SynAlign, a Recipe, or any object that has `fit(table, schema)` and `sample(n)`.
        It is fitted again. None: `DiffLM()`.
    schema: the kinds of the columns and the rules between them; None: both are found in `real`. A DiffLM
        keeps the rules in every row, and the report checks them and judges each column by its kind.
    where: conditions that every row satisfies, written as for `DiffLM.sample` or as on the command line. Only
        a DiffLM takes them. The report then compares with the real rows that satisfy them.
    target: the column that a model would predict from the others; the report measures how well models learn
        that from the synthetic rows. None: the label of a SynAlign.
    curate: True keeps only the rows that pass the usual checks of `lookalike.curate`. A list names the
        checks, and a dict gives its options: only, without, near, method, embed, text, label. A model that is
        trained here draws more rows until n are left; with a language model fewer rows are left.
        `report.decisions` says why each row was dropped.
    holdout: real rows that are not in `real`; the report shows what they score in the same place.
    run: the folder of the job. After a kill the same call goes on from there. It keeps the checkpoint of a
        training, or all that a language model wrote, and the summary and the report. It keeps the replies
        where they are written to it: `LLM(..., ledger="out.run/ledger.sqlite")`.
    out: a file that the table is written to before it is compared. Where rows were curated, the decisions are
        beside it (`out` + ".decisions.json"), and so are all rows that were drawn (`out` + ".drawn" and the
        suffix): `Decisions.load(...).apply(drawn, without={"near"})` undoes a check.
    show_real, names: what the report shows, as for `evaluate`.
    seed: it decides which rows are drawn and compared. None: the seed of the synthesizer, or 0. What a
        SynAlign writes depends on its own seed alone.
    progress: False for silence.
    on_fit: a function that is called with the synthesizer once it is fitted, before it makes rows.

    Raises a UserError (OptionError, ConditionError, DataError, ...) before any training or call where an
    argument does not fit the table, and LLMError where a language model wrote no row that could be accepted.
    """
    if real is None:
        return without_real(synthesizer, n, run=run, out=out, holdout=holdout, target=target, where=where,
                            curate=curate or None, seed=seed, progress=progress, on_fit=on_fit)  # fmt: skip
    progress, show_real = switch("progress", progress), switch("show_real", show_real)
    names = table_names(names)
    if not (on_fit is None or callable(on_fit)):
        raise OptionError(f"on_fit is {shown(on_fit)}: give a function of the synthesizer, or None.")
    given = inputs_of(real, n, synthesizer, schema, where=where, target=target, curate=curate,
                      holdout=holdout, out=out, seed=seed, progress=progress)  # fmt: skip
    run = run if run is None or isinstance(run, Run) else Run(run)

    begun, parts = perf_counter(), 3 if given.curation is None else 4
    with contextlib.nullcontext() if run is None else run.begun():
        what = f"learning {len(given.real):,} rows of {len(given.real.columns)} columns"
        with stage(what, part=f"1 of {parts}", progress=progress):
            _fit(given, run, progress)
        if on_fit is not None:
            on_fit(given.synthesizer)

        def draw(rows: int) -> pd.DataFrame:
            with stage(f"sampling {rows:,} rows", part=f"2 of {parts}", progress=progress):
                return sampled(given.synthesizer, rows, given.conditions, given.seed, run, begun, out)

        synthetic, curated = _made(given, draw, out, progress)
        with stage("comparing them with the real ones", part=f"{parts} of {parts}", progress=progress):
            report = _compared(given, synthetic, curated, show_real=show_real, names=names, progress=progress)
        cost = Cost.of(given.synthesizer, len(synthetic), perf_counter() - begun)
        say(str(cost), progress=progress)
        if run is not None:
            run.end(given.synthesizer, cost, report)
            if learns(given.synthesizer) and given.synthesizer.stopped:
                going_on(run.folder)
    return given.origin.back(synthetic), report


def going_on(folder: Path) -> None:
    """Says that a training that Ctrl-C has ended can go on."""
    say(f"the same command goes on with the training, from what is kept in {folder}")


def _fit(given: Inputs, run: Run | None, progress: bool) -> None:
    synthesizer = given.synthesizer
    if not learns(synthesizer):
        if run is not None and asks(synthesizer) and synthesizer.llm.ledger is None:
            advice = f"LLM(..., ledger={str(run.ledger)!r})"
            say(f"the replies are not kept, so a kill loses them: give  {advice}", progress=progress)
        synthesizer.fit(given.real, given.schema)
        return
    checkpoint = None if run is None else run.checkpoint
    if checkpoint is not None and checkpoint.exists():
        say(f"going on from the checkpoint in {checkpoint}, if it is of this table", progress=progress)
    synthesizer.fit(given.real, given.schema, checkpoint=checkpoint, codec=given.codec)


def _made(
    given: Inputs, draw: Callable[[int], pd.DataFrame], out: str | Path | None, progress: bool
) -> tuple[pd.DataFrame, CuratedRows | None]:
    """The rows, curated where that is asked for, and what was decided on them; both are written to `out`."""
    from lookalike.files.writing import write_table

    curated = None
    if given.curation is None:
        synthetic = draw(given.n)
    else:
        curated = curation.curated(
            draw, given.n, learns(given.synthesizer), given.real, lambda: _ruled(given), given.curation,
            given.seed, progress,
        )  # fmt: skip
        synthetic = curated.kept
    if out is not None:
        write_table(synthetic, out, given.schema.layout)
        if curated is not None and str(out) != "-":
            curation.save(curated, out, given.schema.layout)
    return synthetic, curated


def _ruled(given: Inputs) -> Schema:
    """The schema with the rules between columns that the synthesizer has found, where it looks for them, and
    with the columns whose kind follows from these.
    """
    if not learns(given.synthesizer):
        return given.schema
    learned = given.synthesizer.codec.schema
    own = {column.name: column for column in learned.columns}
    columns = [own[one.name] if own[one.name].kind != one.kind else one for one in given.schema.columns]
    return dataclasses.replace(given.schema, columns=columns, rules=learned.rules)


def _compared(
    given: Inputs, synthetic: pd.DataFrame, curated: CuratedRows | None, **options: Any
) -> Report | Alone:
    """The report, on the columns that the synthesizer made. options: of `evaluate`."""
    from lookalike.evaluate import evaluate
    from lookalike.evaluate.alone import alone

    real, holdout = given.alike, given.alike_holdout
    texts = given.synthesizer.texts if asks(given.synthesizer) else []
    report: Report | Alone
    # SynAlign makes no keys up, and `curate` adds weights
    columns = [name for name in synthetic.columns if name in real.columns]
    if columns:
        report = evaluate(
            real[columns],
            synthetic[columns],
            holdout=None if holdout is None else holdout[columns],
            text=next((name for name in texts if name in columns), None),
            schema=_ruled(given),
            target=given.target,
            seed=given.seed,
            **options,
        )
        for warning in _warnings(
            given, synthetic, None if curated is None else curated.decisions, options["progress"]
        ):
            report.warn(warning)
    else:
        report = alone(synthetic)
        report.warn("The real table has none of these columns, so nothing is compared with it.")
    if curated is not None:
        report.decisions = curated.decisions
        report.warn(curated.sentence())
    return report


def _warnings(
    given: Inputs, synthetic: pd.DataFrame, decisions: Decisions | None, progress: bool
) -> Iterator[str]:
    """What the figures of the report do not say by themselves. decisions: of what was curated."""
    synthesizer, real = given.synthesizer, given.alike
    known = {*real.columns, WEIGHT}
    more = [name for name in synthetic.columns if name not in known]
    if more:
        yield f"The real table has no {listed(more)}: nothing of it is compared."
    if asks(synthesizer):
        with watched("asking whether the rows help a classifier", progress=progress):
            note = no_gain(real, synthetic, synthesizer, decisions, given.seed)
        if note:
            yield note
        if (steered := len(steering(synthesizer))) and given.alike_holdout is None:
            yield (f"{steered:,} real rows steered what was written, so figures on them are too good: "
                   "compare with rows that did not, by a holdout.")  # fmt: skip
    if learns(synthesizer):
        for note in synthesizer.codec.notes(names=False):
            yield f"{note}."
        if synthesizer.shortfall is not None:
            yield synthesizer.shortfall


def read_real(
    path: str | Path,
    *,
    missing: Collection[Any] = (),
    seed: int = 0,
    comfortable: float | None = None,
    **how: str | None,
) -> pd.DataFrame:
    """The table to learn from: the file, or a sample of its rows (and says so) if it is too large for memory.

    comfortable: bytes that the table may take in memory; default a fifth of the machine's. The sample has
    500,000 rows. how: encoding, sep and decimal as of `read_table`, whose errors are raised.
    """
    from lookalike.files.databases import is_source
    from lookalike.files.reading import read_table, sample_rows

    if is_source(path):
        return read_table(path, missing, progress=False)
    limit = _memory() * COMFORTABLE if comfortable is None else comfortable
    if _size_as_text(path) * TEXT_TO_MEMORY <= limit:
        return read_table(path, missing, **how, progress=False)
    table, total = sample_rows(path, SAMPLE_ROWS, seed, missing, **how)
    say(f"{path} is large for this machine: learning from {len(table):,} of its {total:,} rows")
    return table


def _size_as_text(path: str | Path) -> float:
    """Bytes of a table, its shards or its files, as plain text; 0 for what is not there. Compressed files
    hold about a fifth to a third of it.
    """
    from lookalike.files.place import is_url, size
    from lookalike.files.sharded import shard_files
    from lookalike.files.suffixes import TEXT_KINDS

    if is_url(path) or not os.path.isfile(path):
        files = shard_files(path)
        if not files and os.path.isdir(path):
            files = [str(file) for file in Path(path).rglob("*") if file.is_file()]
        files = files or ([str(path)] if is_url(path) else [])
    else:
        files = [str(path)]
    return float(sum(size(one) * (1 if one.lower().endswith(TEXT_KINDS) else 5) for one in files))


def _memory() -> float:
    """Bytes of memory of this machine; 8 GB where it does not tell."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return 8e9
