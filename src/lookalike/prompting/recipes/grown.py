"""`[grow]` of a recipe: its places, and the function that is asked between rounds how many rows each of them
gets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from lookalike.arguments import as_number, shown
from lookalike.errors import OptionError
from lookalike.prompting.recipes.columns import Drawn, Plan
from lookalike.prompting.recipes.functions import function_of, is_named

KEYS = ("by", "dims", "rounds")
ROUNDS = 5
MOST_PLACES = 10_000
LEVEL = 100  # rows more than the fullest place has, which an even round aims at

Place = Mapping[str, Any]  # cells that rows of a place have
Quotas = Callable[[Sequence[Place], Sequence[Mapping[str, Any]], int], Sequence[float]]


@dataclass(frozen=True)
class Growth:
    """How a run grows: between rounds `quotas(places, accepted rows, seed)` says how many rows of each place
    the next round makes, at most a `rounds`-th of all. It depends on nothing else, so a run that was killed
    repeats it.
    """

    places: Sequence[Place]
    quotas: Quotas
    rounds: int = ROUNDS


def growth_of(plan: Plan, by: Quotas | None, folder: Path) -> Growth | None:
    """What `[grow]` says, None without it. by: the function in place of the one that is named there.

    Raises OptionError for keys, dimensions or a function that there are not.
    """
    given = plan.grow
    if given is None:
        return None
    place = f"{plan.place}, [grow]"
    for key in given:
        if key not in KEYS:
            raise OptionError(f"{place}: '{key}' is no key of it: the keys are {', '.join(KEYS)}.")
    rounds = given.get("rounds", ROUNDS)
    if type(rounds) is not int or rounds < 1:
        raise OptionError(f"{place}: rounds is {shown(rounds)}: write a whole number of at least 1.")
    return Growth(_places(plan, given.get("dims"), place), by or _named(given["by"], place, folder), rounds)


def _named(by: Any, place: str, folder: Path) -> Quotas:
    if by == "even":
        return even
    if callable(by) or (isinstance(by, str) and is_named(by)):
        return function_of(by, place, folder)
    raise OptionError(
        f'{place}: by is {shown(by)}: write "even" or a function "module:name" of (places, rows, seed).'
    )


def _places(plan: Plan, dims: Any, place: str) -> list[Place]:
    """Every combination of values of the dimensions, which are columns that are drawn from values."""
    drawn = {
        one.name: one.source.pool.values
        for one in plan.columns
        if isinstance(one.source, Drawn) and one.source.pool is not None and one.source.pool.values
        and one.source.several is None
    }  # fmt: skip
    if dims is None:
        dims = [plan.label] if plan.label in drawn else list(drawn)[:1]
    if not isinstance(dims, list) or not dims or any(name not in drawn for name in dims):
        known = ", ".join(drawn) or "none here"
        raise OptionError(f"{place}: dims are columns with a sample of values, {known}: name some of them.")
    found: list[Place] = [
        dict(zip(dims, values, strict=True)) for values in product(*(drawn[name] for name in dims))
    ]
    if len(found) > MOST_PLACES:
        raise OptionError(f"{place}: dims have {len(found):,} places: name fewer columns.")
    return found


def even(places: Sequence[Place], rows: Sequence[Mapping[str, Any]], seed: int) -> list[float]:
    """As many rows of each place: those that lag behind get more."""
    made = Counter(tuple(row.get(name) for name in places[0]) for row in rows)
    counts = [made[tuple(place.values())] for place in places]
    return [max(counts) + LEVEL - count for count in counts]


def checked(quotas: Any, growth: Growth) -> list[float]:
    """What a function has said. Raises OptionError where it is no number for each place."""
    several = isinstance(quotas, Sequence) or hasattr(quotas, "tolist")
    found = [as_number(one) for one in quotas] if several else []
    if len(found) != len(growth.places) or any(one is None or not 0 <= one < 1e15 for one in found):
        raise OptionError(
            f"the function of [grow] gave {shown(quotas)}: it has to give a number of rows for each of the "
            f"{len(growth.places)} places."
        )
    return [one or 0.0 for one in found]
