"""`[grow]` of a recipe: its places, and what is asked between rounds how many rows each of them gets.

even, real          as many rows of each place, or as many as its share of the real rows: those that lag
                    behind get more
novelty             more where texts were least like those before (growth/novelty.py)
coverage, errors    near real rows, see near_rows.py
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lookalike.arguments import as_number, is_column, shown
from lookalike.defaults import GROW
from lookalike.embed import check_embedder
from lookalike.errors import DataError, OptionError
from lookalike.prompting import arms
from lookalike.prompting.growth.growing import LOCATED
from lookalike.prompting.growth.novelty import weights as newest
from lookalike.prompting.recipes.checks import text_of
from lookalike.prompting.recipes.columns import Drawn, Plan
from lookalike.prompting.recipes.draws import plain
from lookalike.prompting.recipes.functions import function_of, is_named
from lookalike.prompting.written import Row

KEYS = ("by", "dims", "rounds", "embed")
ROUNDS, LOCATED_ROUNDS = 5, 10
MOST_PLACES = 10_000
LEVEL = 100  # rows more a place than the fullest has, which a round aims at
SURELY = 1e9  # rows that weights are brought to, so that any round has as many as it wants

Place = Mapping[str, Any]  # cells that rows of a place have


@dataclass(frozen=True)
class Made:
    """An accepted row: its cells, and the number of the place that it was made for."""

    cells: Mapping[str, Any]
    place: int


Quotas = Callable[[Sequence[Place], Sequence[Mapping[str, Any]], int], Sequence[float]]
Weigh = Callable[[Sequence[Made], int], Sequence[float]]  # accepted rows, seed -> rows of each place


def _none(*args: Any) -> list[int]:
    return []


def _all(made: Sequence[Made], surplus: Sequence[Made]) -> list[int]:
    return list(range(len(made)))


@dataclass(frozen=True)
class Steer:
    """What is asked between the rounds of one run, of the accepted rows. weigh: how many rows of each place;
    doubtful: numbers of those that are rejected after all; giving_way: of those that give way to better ones
    (rows, how many were rejected); chosen: which of all good ones are kept (rows, those that gave way).
    """

    weigh: Weigh
    doubtful: Callable[[Sequence[Made]], list[int]] = _none
    giving_way: Callable[[Sequence[Made], int], list[int]] = _none
    chosen: Callable[[Sequence[Made], Sequence[Made]], list[int]] = _all


@dataclass(frozen=True)
class Growth:
    """How a run grows: between rounds a function of the accepted rows and the seed says how many rows of each
    place the next round makes, at most a `rounds`-th of all. It depends on nothing else, so a run that was
    killed repeats it. begin: for so many rows -> that function and its like, for one run. steering: numbers
    of the real rows whose errors it follows. place: where it stands, for a sentence.
    """

    places: Sequence[Place]
    begin: Callable[[int], Steer]
    rounds: int = ROUNDS
    steering: Sequence[int] = ()
    place: str = "[grow]"


@dataclass(frozen=True)
class Asked:
    """What `[grow]` says, checked without the real table. by: a name of `GROW`, or a function; dims: columns
    whose values are the places; embed: as in `embed.embedder`.
    """

    by: str | Quotas
    dims: tuple[str, ...]
    rounds: int
    embed: str | None
    place: str


def asked(plan: Plan, by: Quotas | None, folder: Path) -> Asked | None:
    """What `[grow]` says, None without it. by: the function in place of the one that is named there, or of
    the table.

    Raises OptionError for keys, dimensions or a function that there are not.
    """
    if plan.grow is None and by is None:
        return None
    given: Mapping[str, Any] = plan.grow or {"by": by}

    def at(key: str) -> str:
        return f"{plan.at('grow', key)}, [grow]"

    for key in given:
        if key not in KEYS:
            raise OptionError(f"{at(key)}: '{key}' is no key of it: the keys are {', '.join(KEYS)}.")
    place = at("by")
    name = function_of(by, place, folder) if by is not None else _named(given["by"], place, folder)
    rounds = given.get("rounds", LOCATED_ROUNDS if name in LOCATED else ROUNDS)
    if type(rounds) is not int or rounds < 1:
        raise OptionError(f"{at('rounds')}: rounds is {shown(rounds)}: write a whole number of at least 1.")
    try:
        check_embedder(given.get("embed"))
    except OptionError as error:
        raise OptionError(f"{at('embed')}: {error}") from None
    if name in LOCATED:
        if "dims" in given:
            raise OptionError(f"{at('dims')}: by = {shown(name)} asks near real rows: leave dims out.")
        return Asked(name, (), rounds, given.get("embed"), place)
    if name == "novelty" and not plan.texts:
        raise OptionError(f"{place}: by = 'novelty' compares texts, and no column that is kept is one.")
    return Asked(name, _dims(plan, given.get("dims"), at("dims")), rounds, None, place)


def growth_of(asked: Asked, plan: Plan, real: pd.DataFrame | None) -> Growth:
    """How a recipe grows by places of its own; near_rows.py has the others.

    Raises OptionError or DataError where the real table lacks what it needs.
    """
    places = _places(plan, asked)
    if asked.by in ("even", "real"):
        shares = np.ones(len(places)) if asked.by == "even" else _shares(places, asked, real)
        return Growth(places, lambda n: Steer(_towards(places, shares)), asked.rounds)
    if asked.by == "novelty":
        return Growth(places, lambda n: Steer(_newest(places, plan.texts)), asked.rounds)
    by = asked.by
    assert callable(by)
    return Growth(
        places,
        lambda n: Steer(lambda made, seed: by(places, [dict(one.cells) for one in made], seed)),
        asked.rounds,
        place=asked.place,
    )


def _named(by: Any, place: str, folder: Path) -> str | Quotas:
    if isinstance(by, str) and by in GROW:
        return by
    if callable(by) or (isinstance(by, str) and is_named(by)):
        return function_of(by, place, folder)
    raise OptionError(
        f'{place}: by is {shown(by)}: write one of {", ".join(GROW)}, or a function "module:name" of '
        "(places, rows, seed)."
    )


def _pools(plan: Plan) -> dict[str, tuple[Any, ...]]:
    """The columns that are drawn from values."""
    return {
        one.name: one.source.pool.values
        for one in plan.columns
        if isinstance(one.source, Drawn) and one.source.pool is not None and one.source.pool.values
        and one.source.several is None
    }  # fmt: skip


def _dims(plan: Plan, dims: Any, place: str) -> tuple[str, ...]:
    drawn = _pools(plan)
    if dims is None:
        dims = [plan.label] if plan.label in drawn else list(drawn)[:1]
    if not isinstance(dims, list) or not dims or any(name not in drawn for name in dims):
        known = ", ".join(drawn) or "none here"
        raise OptionError(f"{place}: dims are columns with a sample of values, {known}: name some of them.")
    found = int(np.prod([float(len(drawn[name])) for name in dims]))
    if found > MOST_PLACES:
        raise OptionError(f"{place}: dims have {found:,} places: name fewer columns.")
    return tuple(dims)


def _places(plan: Plan, asked: Asked) -> list[Place]:
    """Every combination of values of the dimensions."""
    drawn = _pools(plan)
    values = product(*(drawn[name] for name in asked.dims))
    return [dict(zip(asked.dims, one, strict=True)) for one in values]


def _shares(places: Sequence[Place], asked: Asked, real: pd.DataFrame | None) -> np.ndarray:
    """(places,) the share of the real rows that each has."""
    if real is None:
        raise OptionError(f"{asked.place}: by = 'real' needs a real table, and none is given: name one.")
    for name in asked.dims:
        if not is_column(name, real.columns):
            raise DataError(
                f"{asked.place}: the real table has no column '{name}', whose shares by = 'real' keeps."
            )
    cells = ([str(plain(one)) for one in real[name]] for name in asked.dims)
    counts = Counter(zip(*cells, strict=True))
    found = np.array([counts[tuple(map(str, place.values()))] for place in places], dtype=float)
    if not found.sum():
        raise DataError(f"{asked.place}: no real row has a place of {', '.join(asked.dims)}: sample values "
                        "that the real table has.")  # fmt: skip
    return found


def _towards(places: Sequence[Place], shares: np.ndarray) -> Weigh:
    """Rows of each place so that all have their shares."""
    part = shares / shares.sum()

    def weigh(made: Sequence[Made], seed: int) -> Sequence[float]:
        counts = np.bincount([one.place for one in made], minlength=len(places)).astype(float)
        some = part > 0
        level = float(np.max(counts[some] / part[some])) + LEVEL * len(places)
        return np.maximum(level * part - counts, 0.0).tolist()

    return weigh


def _newest(places: Sequence[Place], texts: Sequence[str]) -> Weigh:
    """By the mean novelty of the texts that each place has brought."""
    own = [arms.Place(None) for _ in places]
    grow = newest(lambda row: text_of_row(row.record, texts))

    def weigh(made: Sequence[Made], seed: int) -> Sequence[float]:
        return scaled(grow(own, as_rows(made, own), seed))

    return weigh


def as_rows(made: Sequence[Made], places: Sequence[arms.Place]) -> list[Row]:
    return [as_row(one, places) for one in made]


def as_row(made: Made, places: Sequence[arms.Place]) -> Row:
    """An accepted row as `growth` takes it."""
    return Row(dict(made.cells), places[made.place], None, 0, "")


def text_of_row(cells: Mapping[str, Any], texts: Sequence[str]) -> str:
    return "\n".join(text_of(cells[name]) for name in texts)


def scaled(weights: Any) -> list[float]:
    """Weights as rows; where nothing is better than anything else, the same for all."""
    found = np.asarray(weights, dtype=float)
    total = float(found.sum())
    found = found / total if total > 0 else np.full(len(found), 1 / len(found))
    return (found * SURELY).tolist()


def checked(quotas: Any, growth: Growth) -> list[float]:
    """What a function has said. Raises OptionError where it is no number for each place."""
    several = isinstance(quotas, Sequence) or hasattr(quotas, "tolist")
    found = [as_number(one) for one in quotas] if several else []
    if len(found) != len(growth.places) or any(one is None or not 0 <= one < 1e15 for one in found):
        raise OptionError(
            f"{growth.place}: the function gave {shown(quotas)}: it has to give a number of rows for each of "
            f"the {len(growth.places)} places."
        )
    return [one or 0.0 for one in found]
