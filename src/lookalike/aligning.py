"""Rows of a synthetic table, chosen to be distributed like the real ones: tables -> points -> `curate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lookalike.arguments import choice, is_column, listed, shown, switch, whole
from lookalike.defaults import ALIGN_METHODS, MOST_REPEATS
from lookalike.errors import DataError, OptionError
from lookalike.progress import stage

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from lookalike.curate import Alignment
    from lookalike.embed import Embed
    from lookalike.table.sources import Table

    Array = npt.NDArray[np.float32]


def align(
    real: Table,
    synthetic: Table,
    n: int,
    *,
    text: str | None = None,
    label: str | None = None,
    method: str = ALIGN_METHODS[0],
    embed: str | Embed | None = None,
    most_repeats: int = MOST_REPEATS,
    holdout: Table = None,
    seed: int = 0,
    progress: bool = True,
) -> tuple[Table, Alignment]:
    """`n` rows of the synthetic table, chosen to be distributed like the real ones, and the figures.

        aligned, figures = lookalike.align(real, synthetic, 1_000, text="text", label="label")

    real, synthetic: tables of any library (`table/sources.py`). The kind of the synthetic one comes back. Of
        a DatasetDict the split "train" is the real table, and "test" or "validation" the holdout.
    text: the column of text that is compared, as points made by `embed`. None: whole rows are compared
        (`evaluate/space.py`), for which both tables need the same columns.
    label: a column of classes. Each class is aligned by itself, and gets the share that it has in the real
        table. A class without synthetic rows gets none, and the `notes` of the figures name it. Fewer than
        200 real rows are too few to weigh others by: then no row comes twice, as far as there are enough.
    method: "exact" matches the distributions, "linear" only their means (`curate/weights.py`).
    embed: what turns texts into points, as `embed.embedder` takes it.
    most_repeats: how often a row may come, at most.
    holdout: real rows that the result is measured on. None: a fifth of the real rows is held out for that.
    seed: of what is held out and drawn. progress: False for silence.

    Raises OptionError for an option that does not fit. Raises DataError for missing columns, empty texts,
    missing labels, or where no class has both real and synthetic rows.
    """
    from lookalike.table.sources import parted, table, taken

    real, holdout = parted("the real table", real, holdout)
    real, (synthetic, origin) = table("the real table", real), taken("the synthetic table", synthetic)
    n, most_repeats = whole("n, the number of rows,", n, 2), whole("most_repeats", most_repeats, 1)
    seed, progress = whole("seed", seed), switch("progress", progress)
    tables = {"real": real, "synthetic": synthetic}
    if holdout is not None:
        tables["holdout"] = table("the holdout", holdout)
    alignment = align_tables(
        tables, n, text, label, method, embed, most_repeats=most_repeats, seed=seed, progress=progress
    )
    return origin.back(synthetic.iloc[alignment.rows].reset_index(drop=True)), alignment


def align_tables(
    tables: dict[str, pd.DataFrame],
    n: int,
    text: str | None,
    label: str | None,
    method: str,
    embed: str | Embed | None,
    *,
    most_repeats: int,
    seed: int,
    progress: bool,
    sampled: bool = False,
) -> Alignment:
    """`align` of "real", "synthetic" and perhaps "holdout", of pandas.

    sampled: the synthetic table is a sample of a larger one, whose rows are to be weighed alike.
    """
    from lookalike.curate import tilt, weights
    from lookalike.curate.align import align as align_points

    method = choice("method", method, ALIGN_METHODS)
    if embed is not None and text is None:
        raise OptionError("an embedder embeds a column of text: name the column as text.")
    for what, name in (("text", text), ("label", label)):
        for title, own in tables.items():
            if name is not None and not is_column(name, own.columns):
                names = listed(own.columns)
                raise OptionError(
                    f"the {what} {shown(name)} is not a column of the {title} table: choose one of {names}."
                )
    real, synthetic = tables["real"], tables["synthetic"]
    labels = (
        None if label is None else (labels_of("real", real[label]), labels_of("synthetic", synthetic[label]))
    )
    with stage("turned the rows into points", doing="turning the rows into points", progress=progress):
        points = points_of(tables, text, embed, seed)
        second = None if text is None else _letters(tables, text, seed)
    with stage(f"aligned {len(synthetic):,} rows with {len(real):,}", under="aligning", progress=progress):
        return align_points(
            points["real"],
            points["synthetic"],
            n,
            labels=labels,
            method=method,
            most_repeats=most_repeats,
            holdout=points.get("holdout"),
            second=second,
            weigher=tilt.weigh if sampled else weights.weigh,
            seed=seed,
            progress=progress,
        )


def points_of(
    tables: dict[str, pd.DataFrame], text: str | None, embed: str | Embed | None, seed: int
) -> dict[str, Array]:
    """table -> (rows, dims) float32: of one column of text, or else of whole rows."""
    return _row_points(tables, seed) if text is None else _text_points(tables, text, embed, seed)


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
    """table -> (rows, dims) float32 of length 1, of one column of text.

    The built-in embedding is fitted on the texts of all tables: one that was fitted on the real ones alone
    knows these better than others, which the weights would make up for.
    """
    from lookalike.embed import embedder

    texts = {title: texts_of(title, own, text) for title, own in tables.items()}
    vectors = embedder(embed, [one for own in texts.values() for one in own], seed)
    return {title: vectors(some) for title, some in texts.items()}


def texts_of(title: str, table: pd.DataFrame, text: str) -> list[str]:
    """The texts of a column. Raises DataError where there are none, or some are empty, and OptionError for
    numbers and other values that are no strings.
    """
    from lookalike.table.inferring import need_texts

    if not len(table):
        raise DataError(f"the {title} table has no rows: give a table with rows.")
    need_texts(table[text], f"the {title} table")
    texts = [str(one) for one in table[text].astype(object).where(table[text].notna(), "").tolist()]
    empty = [row for row, one in enumerate(texts, 1) if not one.strip()]
    if empty:
        raise DataError(
            f"the {title} table has {len(empty):,} empty texts in column '{text}' (the first in row "
            f"{empty[0]:,}): fill them in, or leave those rows out."
        )
    return texts


def _letters(tables: dict[str, pd.DataFrame], text: str, seed: int) -> tuple[Array, Array]:
    """The real and the synthetic texts in a second embedding: by their pieces of letters."""
    from lookalike.embed import DIMS, fit_tfidf

    real, synthetic = (tables[title][text].map(str).tolist() for title in ("real", "synthetic"))
    vectors = fit_tfidf([*real, *synthetic], DIMS, seed, letters=True)
    return vectors(real), vectors(synthetic)


def labels_of(title: str, column: pd.Series) -> list[str]:
    """The labels as strings, 1 and 1.0 alike."""
    missing = int(column.isna().sum())
    if missing:
        raise DataError(
            f"the {title} table has {missing:,} missing labels in column '{column.name}': fill them in, or "
            "leave those rows out."
        )
    return [f"{v:.0f}" if isinstance(v, float) and v.is_integer() else str(v) for v in column.tolist()]
