"""The plan of SynAlign: how many rows each place brings, which shard asks where, and how places change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lookalike.arguments import number
from lookalike.errors import OptionError
from lookalike.prompting.arms import ABOUT_ROWS, quotas
from lookalike.prompting.checks import text_of
from lookalike.prompting.growth.growing import (
    COVERAGE_ROUNDS,
    FIXED,
    LOCATED,
    ROUNDS,
    Grow,
    Growth,
    checked,
    strategy,
    totals,
)
from lookalike.prompting.growth.known import Known
from lookalike.prompting.prompts import first_number
from lookalike.prompting.source import Located, Source
from lookalike.prompting.work import Work
from lookalike.prompting.written import Row


def checked_growth(
    grow: str | Grow | None, steering: float, method: str, label: Any
) -> tuple[str | Grow, float]:
    """(grow, steering) of `SynAlign`, checked. Raises OptionError where they do not go with the other two."""
    grow, steering = checked(grow), number("steering", steering, 0, 1, above=True)
    if grow in LOCATED and method not in ABOUT_ROWS:
        raise OptionError(
            f"grow={grow!r} asks near real rows, which the method {method} does not: choose one of "
            f"{', '.join(ABOUT_ROWS)}."
        )
    if grow == "errors" and label is None:
        raise OptionError("grow='errors' follows the errors of a classifier: name the label.")
    return grow, steering


def planned(n: int, source: Source, located: Located, size: int, even: bool, seed: int) -> list[Work]:
    """The places with the number of rows that each is to bring, n together.

    size: records a request. even: all classes get the same share, not their real one. Places that growth may
    use later bring none yet.
    """
    wanted = totals("even" if even else "real", source.labels, n)
    counts = quotas(located.places[: located.fixed], wanted, size)
    counts += [0] * (len(located.places) - located.fixed)
    return [
        Work(number, place, count, size)
        for number, (place, count) in enumerate(zip(located.places, counts, strict=True), first_number(seed))
    ]


def grown(n: int, source: Source, located: Located, size: int, grow: str | Grow, seed: int) -> Growth:
    """How n rows grow. grow: the name of a strategy, or the user's function."""
    points = np.zeros((len(source.labels), 1)) if located.points is None else located.points

    def text(row: Row) -> str:
        return text_of(source.form, row.record)

    known = Known(source.labels, points, located.embed, text, n, located.steering, located.fixed)
    wanted = None if callable(grow) else totals("real", source.labels, n)
    rounds = COVERAGE_ROUNDS if grow == "coverage" else ROUNDS
    return Growth(strategy(grow, known), n, size, seed, rounds, wanted)


def dealt(works: Sequence[Work], shards: int, grow: str | Grow) -> list[int]:
    """How many rows each shard is to bring.

    Raises OptionError for more shards than places with rows, and for a plan that grows with its rows.
    """
    if grow not in FIXED:
        raise OptionError(
            f"grow={grow!r} looks at all rows that are there, which no shard knows: leave it out."
        )
    wanted = [work for work in works if work.wanted]
    if shards > len(wanted):
        raise OptionError(
            f"{shards:,} shards cannot share {len(wanted):,} demonstrations: choose at most that many "
            "shards, or more demonstrations."
        )
    return [sum(one.wanted for one in share_of(wanted, shard, shards)) for shard in range(shards)]


def share_of(works: Sequence[Work], shard: int, shards: int) -> list[Work]:
    """The places of one shard of so many, in their order.

    Of the places where rows are wanted it gets every shards-th, and of the spare ones, too. At these places
    it asks what the whole would ask there.
    """
    wanted, spare = ([one for one in works if bool(one.wanted) is has] for has in (True, False))
    return sorted([*wanted[shard::shards], *spare[shard::shards]], key=lambda one: one.number)
