"""The whole story, for every synthesizer: learn a real table, make a synthetic one, curate it where that is
asked for, measure how alike they are.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from lookalike import curation as curating
from lookalike.arguments import is_column, listed, path, shown, switch, table_names, whole
from lookalike.curation import Asked
from lookalike.decisions import WEIGHT, Decisions
from lookalike.errors import ConditionError, DataError, OptionError
from lookalike.helping import no_gain
from lookalike.progress import say, stage, watched
from lookalike.run import Cost, Run
from lookalike.sampled import sampled
from lookalike.synthesizer import Synthesizer, asks, learns, steering
from lookalike.without_real import without_real

if TYPE_CHECKING:
    import pandas as pd

    from lookalike.codec import RecordCodec
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
    curate: Asked = False,
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

    real: a table of any library, as `table/sources.py` lists them; the synthetic one is of the same. Of a
        DatasetDict the split "train" is learned, and "test" or "validation" is the holdout. None where there
        is none, for a `Recipe`: the report then looks at the synthetic table alone.
    synthesizer: a DiffLM, a SynAlign, a Recipe, or any object with their `fit(table, schema)` and
        `sample(n)`; None: a DiffLM as it is. It is fitted anew.
    schema: default is the inferred one. It also decides how the report judges each column. Its `rules`
        between columns are kept by a DiffLM and looked at by the report; None: those that are found.
    where: conditions that every row satisfies, as for `DiffLM.sample` or as on the command line; the report
        then compares with the real rows that satisfy them. For a DiffLM.
    target: the column that a downstream model would predict, for the utility part of the report; None: the
        label of a SynAlign.
    curate: True keeps only the rows that pass the usual checks of `lookalike.curate`; or the names of some,
        or a dict of its options (only, without, near, method, embed, text, label; the label is that of the
        synthesizer, or the target). A model that is trained here draws as many rows as it takes for n to be
        left; else fewer are. `report.decisions` says why each was dropped.
    holdout: real rows that are not in `real`; the report shows what they score, too.
    run: the folder of the job, from which the same call goes on after a kill. A model that is trained here
        keeps its checkpoint there; a language model everything that it wrote, and its replies where its
        ledger is that of the folder: `LLM(..., ledger="out.run/ledger.sqlite")`. The summary and the report
        are written there, too.
    out: a file that the table is written to before it is compared. Beside one that was
        curated are the decisions (`out` + ".decisions.json") and the rows as they were drawn (`out` +
        ".drawn" and its suffix): `Decisions.load(...).apply(drawn, without={"near"})` undoes a check.
    show_real, names: of the report, as for `evaluate`.
    seed: of what is sampled and compared; None: the synthesizer's own, else 0. What a SynAlign writes depends
        on its own alone.
    on_fit: called with the synthesizer when it is fitted, before it makes rows.

    Raises a UserError (OptionError, ConditionError, DataError, ...) before any training or call where an
    argument does not fit the table, and LLMError where a language model wrote no row that could be accepted.
    """
    from lookalike.files.writing import check_target, write_table
    from lookalike.table.column import MADE
    from lookalike.table.inferring import infer
    from lookalike.table.schema import given_schema
    from lookalike.table.sources import parted, table, taken

    if real is None:
        return without_real(synthesizer, n, run=run, out=out, holdout=holdout, target=target, where=where,
                            curate=curate or None, seed=seed, progress=progress, on_fit=on_fit)  # fmt: skip
    real, holdout = parted("the real table", real, holdout)
    real, origin = taken("the real table", real)
    holdout = None if holdout is None else table("the holdout", holdout)
    n = len(real) if n is None else whole("the number of rows", n, 1)
    schema = given_schema(schema) or infer(real)
    progress, seed = switch("progress", progress), None if seed is None else whole("seed", seed)
    show_real = switch("show_real", show_real)
    if not (on_fit is None or callable(on_fit)):
        raise OptionError(f"on_fit is {shown(on_fit)}: give a function of the synthesizer, or None.")
    names = table_names(names)
    if out is not None:
        check_target(path("out", out), real)
    synthesizer = _synthesizer(synthesizer, seed, progress)
    own = getattr(synthesizer, "seed", None)
    seed = seed if seed is not None else own if isinstance(own, int) and own >= 0 else 0
    real = real.drop(columns=schema.dropped)
    holdout = None if holdout is None else holdout.drop(columns=schema.dropped, errors="ignore")
    if target is None and asks(synthesizer) and is_column(synthesizer.label, real.columns):
        target = synthesizer.label
    check(real, n, target, holdout)
    if target is not None and schema[target].kind in MADE:
        raise OptionError(f"the target {shown(target)} is a column of ids, which no model predicts.")
    texts = synthesizer.texts if asks(synthesizer) else None
    curation = curating.options_of(curate, schema, target, texts)
    codec, conditions = _conditions(where, real, schema, synthesizer)
    alike, alike_holdout = _satisfying_both(codec, conditions, real, holdout)
    run = run if run is None or isinstance(run, Run) else Run(run)

    begun, parts = perf_counter(), 3 if curation is None else 4
    with contextlib.nullcontext() if run is None else run.begun():
        with stage(
            f"learning {len(real):,} rows of {len(real.columns)} columns",
            part=f"1 of {parts}", progress=progress,
        ):  # fmt: skip
            _fit(synthesizer, real, schema, codec, run, progress)
        if on_fit is not None:
            on_fit(synthesizer)

        def draw(rows: int) -> pd.DataFrame:
            with stage(f"sampling {rows:,} rows", part=f"2 of {parts}", progress=progress):
                return sampled(synthesizer, rows, conditions, seed, run, begun, out)

        found = None
        if curation is None:
            synthetic = draw(n)
        else:
            cheap = learns(synthesizer)
            found = curating.curated(
                draw, n, cheap, real, lambda: _ruled(synthesizer, schema), curation, seed, progress
            )
            synthetic = found.kept
        if out is not None:
            write_table(synthetic, out, schema.layout)
            if found is not None and str(out) != "-":
                curating.save(found, out, schema.layout)
        with stage("comparing them with the real ones", part=f"{parts} of {parts}", progress=progress):
            report = _compared(
                alike, synthetic, alike_holdout, synthesizer, schema,
                decisions=None if found is None else found.decisions, target=target, seed=seed,
                show_real=show_real, names=names, progress=progress,
            )  # fmt: skip
        if found is not None:
            report.decisions = found.decisions
            report.warn(found.sentence())
        cost = Cost.of(synthesizer, len(synthetic), perf_counter() - begun)
        say(str(cost), progress=progress)
        if run is not None:
            run.end(synthesizer, cost, report)
            if learns(synthesizer) and synthesizer.stopped:
                going_on(run.folder)
    return origin.back(synthetic), report


def going_on(folder: Path) -> None:
    """Says that a training that Ctrl-C has ended can go on."""
    say(f"the same command goes on with the training, from what is kept in {folder}")


def check(real: pd.DataFrame, n: int, target: str | None, holdout: pd.DataFrame | None) -> None:
    """Raises OptionError or DataError for what the report would find wrong after hours of work."""
    if n < 1:
        raise OptionError(f"{n} rows were asked for: ask for at least 1.")
    if target is not None and not is_column(target, real.columns):
        names = listed(real.columns)
        raise OptionError(f"the target {shown(target)} is not a column: choose one of {names}.")
    if holdout is not None and not len(holdout):
        raise DataError("the holdout has no rows: give a table that has some, or leave it out.")
    if holdout is not None and set(holdout.columns) != set(real.columns):
        odd = sorted(map(str, set(holdout.columns) ^ set(real.columns)))
        raise DataError(
            f"the holdout and the real table differ in these columns: {listed(odd)}: give a holdout with the "
            "columns of the real table."
        )


def _synthesizer(given: Synthesizer | None, seed: int | None, progress: bool) -> Synthesizer:
    """The one that was given; without one, a DiffLM of this seed."""
    if given is None:
        from lookalike.difflm import DiffLM

        return DiffLM(seed=seed or 0, progress=progress)
    if isinstance(given, type) or not all(callable(getattr(given, name, None)) for name in ("fit", "sample")):
        raise OptionError(
            f"the synthesizer is {shown(given)}: give one such as lookalike.DiffLM(), with fit and sample."
        )
    return given


def _conditions(
    where: Mapping[str, Any] | Sequence[str] | None,
    real: pd.DataFrame,
    schema: Schema,
    synthesizer: Synthesizer,
) -> tuple[RecordCodec | None, Mapping[str, Any] | None]:
    """The codec that a model is to be trained with, and the conditions as it knows them."""
    from lookalike.codec import RecordCodec
    from lookalike.codec.where import as_where

    if where is None:
        return None, None
    if not learns(synthesizer):
        raise OptionError(
            f"where is {shown(where)}: conditions are for a model that is trained here, such as DiffLM."
        )
    codec = RecordCodec.fit(real, schema, seed=synthesizer.seed)
    return codec, as_where(where, schema, codec.known())


def _satisfying_both(
    codec: RecordCodec | None,
    conditions: Mapping[str, Any] | None,
    real: pd.DataFrame,
    holdout: pd.DataFrame | None,
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """The real rows that the synthetic ones should look like, and those of the holdout, None without any."""
    if codec is None or not conditions:
        return real, holdout
    alike = _satisfying(codec, real, conditions)
    if alike.empty:
        raise ConditionError("no real row satisfies all the conditions at once: leave one of them out.")
    if holdout is not None:
        holdout = _satisfying(codec, holdout, conditions)
    return alike, None if holdout is None or holdout.empty else holdout


def _satisfying(codec: RecordCodec, table: pd.DataFrame, where: Mapping[str, Any]) -> pd.DataFrame:
    """The rows that satisfy the conditions, and of a cell that a range cuts all rows.

    Raises ConditionError for a value or a range that never occurs.
    """
    tokens, cells = codec.encode(table)
    keep = tokens[:, 0] == tokens[:, 0]
    for slot, share in codec.allowed(where).items():
        keep &= (tokens[:, slot] < 0) | (share[tokens[:, slot], cells[:, slot]] > 0)
    return table[keep]


def _fit(
    synthesizer: Synthesizer,
    real: pd.DataFrame,
    schema: Schema,
    codec: RecordCodec | None,
    run: Run | None,
    progress: bool,
) -> None:
    if not learns(synthesizer):
        if run is not None and asks(synthesizer) and synthesizer.llm.ledger is None:
            advice = f"LLM(..., ledger={str(run.ledger)!r})"
            say(f"the replies are not kept, so a kill loses them: give  {advice}", progress=progress)
        synthesizer.fit(real, schema)
        return
    checkpoint = None if run is None else run.checkpoint
    if checkpoint is not None and checkpoint.exists():
        say(f"going on from the checkpoint in {checkpoint}, if it is of this table", progress=progress)
    synthesizer.fit(real, schema, checkpoint=checkpoint, codec=codec)


def _ruled(synthesizer: Synthesizer, schema: Schema) -> Schema:
    """The schema with the rules between columns that the synthesizer has found, where it looks for them."""
    if learns(synthesizer):
        return dataclasses.replace(schema, rules=synthesizer.codec.schema.rules)
    return schema


def _compared(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    holdout: pd.DataFrame | None,
    synthesizer: Synthesizer,
    schema: Schema,
    decisions: Decisions | None,
    **options: Any,
) -> Report | Alone:
    """The report, on the columns that the synthesizer made. decisions: of what was curated; options: of
    `evaluate`.
    """
    from lookalike.evaluate import evaluate
    from lookalike.evaluate.alone import alone

    schema = _ruled(synthesizer, schema)
    # SynAlign makes no keys up, and `curate` adds weights
    columns = [name for name in synthetic.columns if name in real.columns]
    more = [name for name in synthetic.columns if name not in (*real.columns, WEIGHT)]
    if not columns:
        report_alone = alone(synthetic)
        report_alone.warn("The real table has none of these columns, so nothing is compared with it.")
        return report_alone
    report = evaluate(
        real[columns],
        synthetic[columns],
        holdout=None if holdout is None else holdout[columns],
        text=next((one for one in synthesizer.texts if one in columns), None) if asks(synthesizer) else None,
        schema=schema,
        **options,
    )
    if more:
        report.warn(f"The real table has no {listed(more)}: nothing of it is compared.")
    if asks(synthesizer):
        with watched("asking whether the rows help a classifier", progress=options["progress"]):
            note = no_gain(real, synthetic, synthesizer, decisions, options["seed"])
        if note:
            report.warn(note)
        if (steered := len(steering(synthesizer))) and holdout is None:
            report.warn(f"{steered:,} real rows steered what was written, so figures on them are too good: "
                        "compare with rows that did not, by a holdout.")  # fmt: skip
    if learns(synthesizer):
        for note in synthesizer.codec.notes(names=False):
            report.warn(f"{note}.")
        if synthesizer.shortfall is not None:
            report.warn(synthesizer.shortfall)
    return report


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
        return read_table(path, missing)
    limit = _memory() * COMFORTABLE if comfortable is None else comfortable
    if _size_as_text(path) * TEXT_TO_MEMORY <= limit:
        return read_table(path, missing, **how)
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
