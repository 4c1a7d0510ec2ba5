"""`select`: the rows of a table whose labels would teach most (`select.py`), as a table."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike import arguments
from lookalike.arguments import is_column, listed, shown
from lookalike.curate.auditing import label_names
from lookalike.curate.checks import Rows
from lookalike.curate.points import points
from lookalike.curate.select import NEED_LABELS
from lookalike.curate.select import select as most_useful
from lookalike.curate.views import views_of
from lookalike.defaults import SELECT_METHODS
from lookalike.embed import Embed, check_embedder
from lookalike.errors import DataError, OptionError
from lookalike.progress import stage, working
from lookalike.table import sources
from lookalike.table.inferring import infer, need_texts
from lookalike.table.sources import Table

Array = npt.NDArray[Any]

ROW = "row"  # the column of places, counted from 1
JUDGED = 2000  # rows whose distance to the choice is measured


def select(
    table: Table,
    n: int,
    method: str = SELECT_METHODS[0],
    *,
    text: Any = None,
    label: Any = None,
    embed: str | Embed | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Table:
    """The n rows that a person should label next, the most useful first. A column `row` counts from 1.

    table: rows of any library. Those that have a label are not chosen, but learned from.
    text: the column that is compared. None: whole rows are compared.
    label: the column of labels, empty where a row has none. None: no row is labelled.
    method: "k-means" takes a row of each cluster. "explore", "vote-k" and "random" need no labels either.
        "entropy" and "confidence" take the rows that a classifier of the labelled ones is least sure of.
    embed: what turns texts into points, as `embed.embedder` takes it.
    seed: of what is drawn. progress: False for silence.

    Fewer than n rows come where fewer have no label. Raises OptionError for an option that does not fit, and
    DataError where every row has a label.
    """
    table, origin = sources.taken("the table", table)
    n, method = (
        arguments.whole("n, the number of rows,", n, 1),
        arguments.choice("method", method, SELECT_METHODS),
    )
    _check(table, text, label, embed)
    labelled = _labelled(table, label, method)
    doing = f"choosing rows by '{method}'"
    with stage(f"chose {n:,} of {len(table):,} rows by '{method}'", doing=doing, progress=progress):
        where, words = _seen(table, text, label, embed, seed)
        found = most_useful(where, n, method, labelled=labelled, words=words, seed=seed)
    chosen = table.iloc[found].reset_index(drop=True)
    place: Hashable = ROW
    while place in table.columns:
        place = f"{place}_"
    chosen.insert(0, place, found + 1)
    return origin.back(chosen)


def compared(
    table: pd.DataFrame,
    n: int,
    *,
    text: Any,
    label: Any,
    embed: str | Embed | None,
    seed: int,
    progress: bool,
) -> dict[str, str]:
    """method -> how far rows are from the nearest that it chooses, as a share of what a random choice leaves,
    and how many of its rows "k-means" has chosen, too; those that need labels where there are some.
    """
    table = sources.table("the table", table)
    _check(table, text, label, embed)
    labelled = _labelled(table, label, SELECT_METHODS[0])
    with working("turning the rows into points", progress=progress):
        where, words = _seen(table, text, label, embed, seed)
    some = np.sort(np.random.default_rng(seed).permutation(len(where))[:JUDGED])
    left: dict[str, float] = {}
    chosen: dict[str, Array] = {}
    several = labelled is not None and len(np.unique(labelled[1])) > 1
    for method in SELECT_METHODS:
        if method in NEED_LABELS and not several:
            continue
        doing = f"choosing rows by '{method}'"
        with stage(f"chose rows by '{method}'", doing=doing, progress=progress):
            chosen[method] = most_useful(where, n, method, labelled=labelled, words=words, seed=seed)
        left[method] = _distance(where[some], where[chosen[method]])
    usual, first = left["random"] or 1.0, set(chosen[SELECT_METHODS[0]].tolist())
    told = {}
    for method, one in left.items():
        both = len(first & set(chosen[method].tolist()))
        told[method] = (
            f"leaves {one / usual:.0%} of the distance that a random choice leaves, shares {both:,} of "
            f"{len(chosen[method]):,} rows with '{SELECT_METHODS[0]}'"
        )
    return told


def _distance(points: Array, chosen: Array) -> float:
    """The mean distance of points to the nearest of those chosen."""
    square = (points**2).sum(1)[:, None] + (chosen**2).sum(1)[None] - 2 * points @ chosen.T
    return float(np.sqrt(np.maximum(square.min(1), 0.0)).mean())


def _seen(
    table: pd.DataFrame, text: Any, label: Any, embed: str | Embed | None, seed: int
) -> tuple[Array, Any]:
    """The rows as points, and the words of their texts; None without texts."""
    names = [text] if text is not None else [name for name in table.columns if name != label]
    own = table[names].reset_index(drop=True)
    schema = infer(own)
    texts = [text] if text is not None else [c.name for c in schema.columns if c.is_textual]
    rows = Rows(own, None, schema, texts)
    found, _ = points(rows, embed, seed)
    if not found.shape[1]:
        raise DataError("there is no column to tell rows apart by, but ids: name a column of text (--text).")
    views = views_of(rows, found, None)[0]
    return found, views.parts[1] if len(views.parts) > 1 else None


def _labelled(table: pd.DataFrame, label: Any, method: str) -> tuple[Array, Array] | None:
    """The numbers of the rows that have a label, and their classes, by number; None without any."""
    if label is None:
        if method in NEED_LABELS:
            raise OptionError(f"'{method}' learns from labels: name their column (--label).")
        return None
    names = label_names(table[label])
    known = np.flatnonzero([name is not None and bool(name.strip()) for name in names])
    if len(known) == len(table):
        raise DataError(f"every row has a label in column {shown(label)}: there is nothing to be labelled.")
    if not len(known):
        if method in NEED_LABELS:
            raise OptionError(
                f"no row has a label, which '{method}' learns from: take '{SELECT_METHODS[0]}'."
            )
        return None
    return (known, np.unique(names[known].astype(str), return_inverse=True)[1])


def _check(table: pd.DataFrame, text: Any, label: Any, embed: str | Embed | None) -> None:
    check_embedder(embed)
    if not len(table):
        raise DataError("the table has no rows: give a table with rows.")
    for what, name in (("text", text), ("label", label)):
        if name is not None and not is_column(name, table.columns):
            raise OptionError(
                f"the {what} {shown(name)} is not a column of the table: choose one of "
                f"{listed(table.columns)}."
            )
    if text is not None:
        need_texts(table[text], "the table")
    if text is not None and text == label:
        raise OptionError(f"the column {shown(text)} is named as text and as label: name another column.")
