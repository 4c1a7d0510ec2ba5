"""The whole story: learn a real table, make a synthetic one, measure how alike they are."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from lookalike.arguments import choice, is_column, shown, switch, table, whole
from lookalike.errors import ConditionError, DataError, OptionError, SchemaError
from lookalike.progress import duration, say, stage

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from lookalike.codec import RecordCodec
    from lookalike.curate import Alignment
    from lookalike.difflm import DiffLM
    from lookalike.embed import Embed
    from lookalike.evaluate import Report
    from lookalike.table.schema import Schema

    Array = npt.NDArray[np.float32]

TEXT_TO_MEMORY = 4  # a table in memory is about this many times its size as text
COMFORTABLE = 0.2  # of the machine's memory: training needs the rest for tokens, latents and weights
SAMPLE_ROWS = 500_000  # what is learned of a table that is larger than that


def generate(
    real: pd.DataFrame,
    n: int | None = None,
    *,
    schema: Schema | None = None,
    where: Mapping[str, Any] | Sequence[str] | None = None,
    target: str | None = None,
    holdout: pd.DataFrame | None = None,
    max_time: str | float | None = None,
    seed: int = 0,
    device: str = "auto",
    backbone: str | None = None,
    lora: bool | int = False,
    threads: int | None = None,
    checkpoint: str | Path | None = None,
    out: str | Path | None = None,
    show_real: bool = False,
    names: Mapping[str, str] | None = None,
    progress: bool = True,
) -> tuple[pd.DataFrame, Report]:
    """A synthetic table of `n` rows (default: as many as `real`) and the report that compares it with `real`.

    schema: default is the inferred one. What it drops is not compared either; keys and pseudonyms count as
        ids there.
    where: conditions that every row satisfies, as for `DiffLM.sample` or as on the command line; the report
        then compares with the real rows that satisfy them.
    target: the column that a downstream model would predict, for the utility part of the report.
    holdout: real rows that are not in `real`; the report shows what they score, too.
    max_time: for preparing and training ("90s", "5m" or seconds); sampling and measuring come on top.
    backbone, lora, threads: as for `DiffLM`.
    checkpoint: a folder where an interrupted run goes on from; removed at the end, but kept where Ctrl-C
        ended the training, so that the same call goes on with it.
    out: a file that the table is written to before it is compared.
    show_real, names: of the report, as for `evaluate`.

    Raises a UserError (OptionError, ConditionError, DataError) before any training where an argument does not
    fit the table.
    """
    from lookalike.codec import RecordCodec
    from lookalike.codec.where import as_where
    from lookalike.evaluate import evaluate
    from lookalike.files.writing import write_table
    from lookalike.table.inferring import infer
    from lookalike.table.schema import Schema

    real = table("the real table", real)
    holdout = None if holdout is None else table("the holdout", holdout)
    n = len(real) if n is None else whole("the number of rows", n, 1)
    if not (schema is None or isinstance(schema, Schema)):
        raise SchemaError(f"the schema is {shown(schema)}: give what lookalike.infer made, or leave it out.")
    schema = infer(real) if schema is None else schema
    seed, progress = whole("seed", seed), switch("progress", progress)
    dropped = [name for name in schema.names if name not in schema.kept]
    real = real.drop(columns=dropped)
    holdout = None if holdout is None else holdout.drop(columns=dropped, errors="ignore")
    check(real, n, target, holdout)
    conditions: Mapping[str, Any] | None = None
    alike, alike_holdout = real, holdout  # the rows that the synthetic ones should look like
    if where is not None:
        codec = RecordCodec.fit(real, schema, seed=seed)
        conditions = as_where(where, schema, codec.known())
    if conditions:
        alike = _satisfying(codec, real, conditions)
        if alike.empty:
            raise ConditionError("no real row satisfies all the conditions at once: leave one of them out.")
        if holdout is not None:
            alike_holdout = _satisfying(codec, holdout, conditions)
            alike_holdout = None if alike_holdout.empty else alike_holdout

    from lookalike.difflm import DiffLM

    begun = perf_counter()
    rows = f"{len(real):,} rows of {len(real.columns)} columns"
    with stage(f"learning {rows}", part="1 of 3", progress=progress):
        model = DiffLM(
            max_time=max_time,
            seed=seed,
            device=device,
            backbone=backbone,
            lora=lora,
            threads=threads,
            progress=progress,
        )
        model.fit(real, schema=schema, checkpoint=checkpoint)
    with stage(f"sampling {n:,} rows", part="2 of 3", progress=progress):
        synthetic = model.sample(n, where=conditions, seed=seed)
    if out is not None:
        write_table(synthetic, out, schema.layout)
    with stage("comparing them with the real ones", part="3 of 3", progress=progress):
        report = evaluate(
            alike,
            synthetic,
            holdout=alike_holdout,
            target=target,
            seed=seed,
            ids=[column.name for column in schema.columns if column.kind in ("key", "pseudonym")],
            show_real=show_real,
            names=names,
            progress=progress,
        )
    for name, lost in model.codec.dropped().items():
        report.warn(
            f"column '{name}': {lost['values']:,} of {lost['of_values']:,} values (in {lost['rows']:,} of "
            f"{lost['of_rows']:,} real rows) were too rare to be reproduced."
        )
    if model.shortfall is not None:
        report.warn(model.shortfall)
    say(f"{duration(perf_counter() - begun)} in all", progress=progress)
    if checkpoint is not None:
        close(Path(checkpoint), model)
    return synthetic, report


def close(checkpoint: Path, model: DiffLM) -> None:
    """Removes a checkpoint that is needed no more; after Ctrl-C it stays, and that is said."""
    if model.stopped:
        say(f"the same command goes on with the training, from what is kept in {checkpoint}")
    elif checkpoint.is_dir():
        shutil.rmtree(checkpoint)


def align(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    n: int,
    *,
    text: str | None = None,
    label: str | None = None,
    method: str = "exact",
    embed: str | Embed | None = None,
    most_repeats: int = 5,
    holdout: pd.DataFrame | None = None,
    seed: int = 0,
    progress: bool = True,
) -> tuple[pd.DataFrame, Alignment]:
    """`n` rows of the synthetic table, chosen to be distributed like the real ones, and the figures.

    text: the column of text that is compared, as `embed` sees it; None compares whole rows, as
    `evaluate/space.py` does, for which both tables need the same columns. label: a column of classes; each is
    aligned by itself and gets the share that it has in the real table. method: "exact" matches the
    distributions, "linear" their means (`curate/weights.py`). embed: what `embed.embedder` takes.
    most_repeats: how often a row may come at most. holdout: real rows to judge by; None holds out a fifth.

    Raises OptionError for an option that does not fit, DataError for a table that does not: missing columns,
    empty texts, missing labels, or no class of which there are both real and synthetic rows. Classes without
    synthetic rows get none: the alignment's `notes` name them.
    """
    from lookalike import curate
    from lookalike.curate.weights import METHODS

    real, synthetic = table("the real table", real), table("the synthetic table", synthetic)
    n, most_repeats = whole("n, the number of rows,", n, 2), whole("most_repeats", most_repeats, 1)
    seed, progress = whole("seed", seed), switch("progress", progress)
    method = choice("method", method, METHODS)
    tables = {"real": real, "synthetic": synthetic}
    if holdout is not None:
        tables["holdout"] = table("the holdout", holdout)
    if embed is not None and text is None:
        raise OptionError("an embedder embeds a column of text: name the column as text.")
    for what, name in (("text", text), ("label", label)):
        for title, own in tables.items():
            if name is not None and not is_column(name, own.columns):
                names = _names(own.columns)
                raise OptionError(
                    f"the {what} {shown(name)} is not a column of the {title} table: choose one of {names}."
                )
    labels = None if label is None else (_labels("real", real[label]), _labels("synthetic", synthetic[label]))
    with stage("turned the rows into points", progress=progress):
        points = _row_points(tables, seed) if text is None else _text_points(tables, text, embed, seed)
    with stage(f"aligned {len(synthetic):,} rows with {len(real):,}", progress=progress):
        alignment = curate.align(
            points["real"],
            points["synthetic"],
            n,
            labels=labels,
            method=method,
            most_repeats=most_repeats,
            holdout=points.get("holdout"),
            seed=seed,
            progress=progress,
        )
    return synthetic.iloc[alignment.rows].reset_index(drop=True), alignment


def _row_points(tables: dict[str, pd.DataFrame], seed: int) -> dict[str, Array]:
    """table -> (rows, dims) float32, of whole rows."""
    from lookalike.evaluate.columns import read_columns
    from lookalike.evaluate.space import points

    columns = read_columns(tables)
    if all(column.kind == "id" for column in columns):
        raise DataError("every column holds unique ids, which have no distribution: name the column of text.")
    return points(columns, seed)[0]


def _text_points(
    tables: dict[str, pd.DataFrame], text: str, embed: str | Embed | None, seed: int
) -> dict[str, Array]:
    """table -> (rows, dims) float32 of length 1, of one column of text."""
    from lookalike.embed import embedder

    texts: dict[str, list[str]] = {}
    for title, own in tables.items():
        if not len(own):
            raise DataError(f"the {title} table has no rows: give a table with rows.")
        texts[title] = own[text].astype(object).where(own[text].notna(), "").map(str).tolist()
        empty = [row for row, one in enumerate(texts[title], 1) if not one.strip()]
        if empty:
            raise DataError(
                f"the {title} table has {len(empty):,} empty texts in column '{text}' (the first in row "
                f"{empty[0]:,}): fill them in, or leave those rows out."
            )
    vectors = embedder(embed, texts["real"], seed)
    return {title: vectors(some) for title, some in texts.items()}


def _labels(title: str, column: pd.Series) -> list[str]:
    """The labels as strings, 1 and 1.0 alike."""
    missing = int(column.isna().sum())
    if missing:
        raise DataError(
            f"the {title} table has {missing:,} missing labels in column '{column.name}': fill them in, or "
            "leave those rows out."
        )
    return [f"{v:.0f}" if isinstance(v, float) and v.is_integer() else str(v) for v in column.tolist()]


def check(real: pd.DataFrame, n: int, target: str | None, holdout: pd.DataFrame | None) -> None:
    """Raises OptionError or DataError for what the report would find wrong after hours of work."""
    if n < 1:
        raise OptionError(f"{n} rows were asked for: ask for at least 1.")
    if target is not None and not is_column(target, real.columns):
        names = _names(real.columns)
        raise OptionError(f"the target {shown(target)} is not a column: choose one of {names}.")
    if holdout is not None and set(holdout.columns) != set(real.columns):
        odd = sorted(map(str, set(holdout.columns) ^ set(real.columns)))
        raise DataError(f"the holdout has not the columns of the real table: {_names(odd)} differ.")


def _satisfying(codec: RecordCodec, table: pd.DataFrame, where: Mapping[str, Any]) -> pd.DataFrame:
    """The rows that satisfy the conditions, and of a cell that a range cuts all rows.

    Raises ConditionError for a value or a range that never occurs.
    """
    tokens, cells = codec.encode(table)
    keep = tokens[:, 0] == tokens[:, 0]
    for slot, share in codec.allowed(where).items():
        keep &= (tokens[:, slot] < 0) | (share[tokens[:, slot], cells[:, slot]] > 0)
    return table[keep]


def _names(columns: Iterable[object]) -> str:
    names = [f"'{name}'" for name in columns]
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


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
    500,000 rows. how: encoding, sep and decimal as of `io.read_table`, whose errors are raised.
    """
    from lookalike.files.reading import read_table, sample_rows

    limit = _memory() * COMFORTABLE if comfortable is None else comfortable
    if not os.path.exists(path) or _size_as_text(Path(path)) * TEXT_TO_MEMORY <= limit:
        return read_table(path, missing, **how)
    table, total = sample_rows(path, SAMPLE_ROWS, seed, missing, **how)
    say(f"{path} is large for this machine: learning from {len(table):,} of its {total:,} rows")
    return table


def _size_as_text(path: Path) -> float:
    """Bytes of a table file written as plain text; compressed files hold about a fifth to a third of it."""
    if path.is_dir():
        return float(sum(file.stat().st_size for file in path.rglob("*") if file.is_file()))
    from lookalike.files.suffixes import TEXT_KINDS

    return path.stat().st_size * (1 if path.suffix.lower() in TEXT_KINDS else 5)


def _memory() -> float:
    """Bytes of memory of this machine; 8 GB where it does not tell."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return 8e9
