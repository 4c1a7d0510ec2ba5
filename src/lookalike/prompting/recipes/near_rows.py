"""Growth of a recipe near real rows, by coverage or errors: a place is a real row, which the columns with
`real` show, those of several rows with its nearest ones of the class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lookalike.defaults import DEMONSTRATIONS
from lookalike.embed import embedder
from lookalike.errors import DataError, OptionError
from lookalike.prompting import arms
from lookalike.prompting.growth import growing
from lookalike.prompting.growth.errors import STEERING, steering_rows
from lookalike.prompting.growth.growing import strategy
from lookalike.prompting.growth.known import Array, Known
from lookalike.prompting.recipes.columns import Drawn, Plan, Taken
from lookalike.prompting.recipes.draws import plain
from lookalike.prompting.recipes.grown import Asked, Growth, Made, Place, Steer, as_rows, scaled, text_of_row
from lookalike.prompting.record import with_text

METHOD = "nearest"  # of the places: a real row, and its nearest ones


def near_rows(asked: Asked, plan: Plan, real: pd.DataFrame | None, seed: int) -> Growth:
    """Raises OptionError or DataError where the recipe or the real table lacks what it needs."""
    by = str(asked.by)
    why = f"{asked.place}: by = '{by}'"
    if real is None:
        raise OptionError(f"{why} asks near real rows, and there is no real table: name one.")
    taken = plan.of(Taken)
    if not any(one.name != plan.label for one in taken):
        raise OptionError(
            f'{why} asks near real rows, and no column shows one: add a column with real = "COLUMN" and '
            "name it in a prompt."
        )
    texts = [name for name in plan.texts if name in real.columns]
    if not texts:
        raise DataError(
            f"{why} compares the texts of the recipe with real ones, and the real table has none of its text "
            f"columns ({', '.join(plan.texts) or 'it has none'}): name one as there."
        )
    label = _label(plan, real, by, why)
    try:
        rows = with_text(real, texts, label)
    except DataError as error:
        raise DataError(f"{why}: {error}") from None
    found = real.iloc[rows]
    labels = [None if label is None else str(plain(one)) for one in (found[label] if label else rows)]
    cells = found[texts].astype(object).map(plain).to_dict("records")
    written = [text_of_row(one, texts) for one in cells]
    embed = embedder(asked.embed, written, seed)
    points = embed(written)
    places, _ = arms.places(METHOD, labels, points, DEMONSTRATIONS, seed)
    fixed, steering = len(places), list[int]()
    if by == "errors":
        steering = steering_rows(labels, STEERING, seed)
        places += arms.places_about(METHOD, labels, points, steering, places)

    def begin(n: int) -> Steer:
        known = Known(labels, points, embed, lambda row: text_of_row(row.record, texts), n, steering, fixed)
        return _steered(
            growing.Growth(strategy(by, known), n, 1, seed), places, growing.totals("real", labels, n)
        )

    numbers = [int(rows[at]) for at in steering]
    return Growth([_cells(one, plan, found, label) for one in places], begin, asked.rounds, numbers)


def _steered(growth: growing.Growth, places: Sequence[arms.Place], wanted: Mapping[str | None, int]) -> Steer:
    """As growth of SynAlign (growth/growing.py), of a recipe's rows. wanted: how many of each class."""

    def weigh(made: Sequence[Made], seed: int) -> Sequence[float]:
        weights = np.asarray(growth.by.weights(places, as_rows(made, places), seed), dtype=float)
        return scaled(_by_class(weights, places, made, wanted))

    return Steer(
        weigh,
        lambda made: growth.doubtful(as_rows(made, places)),
        lambda made, rejected: growth.giving_way(places, as_rows(made, places), rejected),
        lambda made, surplus: growth.chosen(as_rows(made, places), as_rows(surplus, places)),
    )


def _by_class(
    weights: Array, places: Sequence[arms.Place], made: Sequence[Made], wanted: Mapping[str | None, int]
) -> Array:
    """The weights of the places of each class in proportion, of all of them what the class lacks."""
    names = [place.label for place in places]
    got = Counter(names[one.place] for one in made)
    found = np.zeros(len(places))
    for name, most in wanted.items():
        own = np.array([one == name for one in names])
        some = np.where(own, weights, 0.0)
        some = some if some.sum() > 0 else own.astype(float)
        found += max(most - got[name], 0) * some / max(some.sum(), 1.0e-12)
    return found


def _label(plan: Plan, real: pd.DataFrame, by: str, why: str) -> str | None:
    """The column of the class, which a place gives to its rows; None for one class."""
    name = plan.label
    if name is None and by == "errors":
        raise OptionError(f"{why} follows the errors of a classifier: name the label of the recipe.")
    if name is None:
        return None
    if not isinstance(plan[name].source, Drawn | Taken):
        raise OptionError(
            f"{why} asks for rows of a class, and '{name}' is written: sample it, or take it from real rows."
        )
    if name not in real.columns:
        raise DataError(f"{why} needs the class of the real rows, and they have no column '{name}'.")
    if by == "errors" and real[name].nunique() < 2:
        raise DataError(f"{why} needs at least two classes: the real column '{name}' has one.")
    return name


def _cells(place: arms.Place, plan: Plan, real: pd.DataFrame, label: str | None) -> Place:
    """The cells that rows of a place have: of its real row, and of the nearest ones."""
    found: dict[str, Any] = {}
    near = [place.row, *(one for one in place.shown if one != place.row)]
    for column in plan.of(Taken):
        source = column.source
        assert isinstance(source, Taken)
        some = real[source.column]
        if source.several is None:
            found[column.name] = plain(some.iloc[place.row])
        else:
            found[column.name] = [plain(some.iloc[at]) for at in near[: source.several]]
    if label is not None:
        found[label] = plain(real[label].iloc[place.row])
    return found
