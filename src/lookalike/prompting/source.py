"""The real rows as SynAlign reads them: what is used of them, and the places where more are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lookalike.embed import Embed
from lookalike.prompting.arms import ABOUT_ROWS, Array, Place, places, places_about
from lookalike.prompting.checks import text_of
from lookalike.prompting.facts import Facts
from lookalike.prompting.growth.errors import steering_rows
from lookalike.prompting.record import Form, as_json, form_of, with_text
from lookalike.table.inferring import infer
from lookalike.table.schema import Schema, check_schema


@dataclass(frozen=True)
class Source:
    """The real rows that are used, numbered from 0.

    numbers: of those rows in the real table. texts, labels: of each row, as records write them; label None
    without a class. column_texts: column of texts -> its texts. notes: sentences on what is left out.
    """

    form: Form
    numbers: Array
    rows: pd.DataFrame
    texts: list[str]
    labels: list[str | None]
    column_texts: dict[str, list[str]]
    facts: Facts
    notes: list[str]


def read(real: pd.DataFrame, texts: Sequence[Any], label: Any | None, schema: Schema | None) -> Source:
    """texts, label: columns; schema: None infers it. Raises DataError for a table that cannot be used."""
    filled = with_text(real, texts, label)
    schema = schema or infer(real.iloc[filled], source="the real table")
    check_schema(schema, real)
    form = form_of(real.iloc[filled], texts, label, schema)
    numbers = filled
    if form.label is not None:  # a class of a single row would be shown with that row
        kept = real[label].iloc[filled].astype(object).map(str).isin(form[form.label].values)
        numbers = filled[kept.to_numpy(bool)]
    rows = real.iloc[numbers].reset_index(drop=True)
    records = as_json(form, rows[form.order])
    own = [text_of(form, record) for record in records]
    labels = [None if form.label is None else str(record[form.label]) for record in records]
    by_column = {
        name: [str(record[name]) for record in records if record[name] is not None] for name in form.texts
    }
    notes = [*schema.notes(), *form.notes]
    if empty := len(real) - len(filled):
        notes.append(f"{empty:,} of {len(real):,} real rows have no text and are left out.")
    return Source(form, numbers, rows, own, labels, by_column, Facts(own, labels), notes)


Picks = tuple[list[Place], Array | None]  # places, and the variance that is left after each


@dataclass(frozen=True)
class Located:
    """The places that records are asked for at, in their order.

    fixed: how many of them, the first ones, a plan has before the first reply; the others are about the
    `steering` rows, whose errors steer. coverage: the variance that is left after each of the fixed ones.
    points: (rows, dims) of the real rows by `embed`, where the method needs them.
    """

    places: list[Place]
    fixed: int
    steering: list[int]
    coverage: Array | None
    points: Array | None
    embed: Embed


def locate(
    source: Source,
    method: str,
    embed: Embed,
    demonstrations: int,
    steering: float | None,
    seed: int,
    picks: Picks | None = None,
) -> Located:
    """steering: the share of the rows whose errors steer; None: no errors do. picks: what another process
    picked of the same rows, which is then not picked again.
    """
    points = embed(source.texts) if method in ABOUT_ROWS and picks is None else None
    found, coverage = picks or places(method, source.labels, points, demonstrations, seed)
    found = list(found)
    fixed, some = len(found), list[int]()
    if steering is not None:
        assert points is not None
        some = steering_rows(source.labels, steering, seed)
        found += places_about(method, source.labels, points, some, found)
    return Located(found, fixed, some, coverage, points, embed)
