"""What a column is drawn from: values with shares, or a range."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lookalike.arguments import as_number, shown

RANGE = {"low", "high", "decimals"}


@dataclass(frozen=True)
class Pool:
    """Values to draw from, with their shares; or every value of a range.

    values: of a list; shares: of each, they sum to 1. low, high: of a range, both included; decimals: of its
    numbers, None for dates (days).
    """

    values: tuple[Any, ...] = ()
    shares: tuple[float, ...] = ()
    low: float = 0.0
    high: float = 0.0
    decimals: int | None = 0

    def draw(self, rng: np.random.Generator, several: int | None = None) -> Any:
        """One value, or a list of several different ones."""
        if several is not None:
            size = min(several, sum(share > 0 for share in self.shares))
            found = rng.choice(len(self.values), size, replace=False, p=self.shares)
            return [self.values[at] for at in found.tolist()]
        if self.values:
            return self.values[int(rng.choice(len(self.values), p=self.shares))]
        if self.decimals is None:
            day = datetime.date.fromordinal(int(rng.integers(int(self.low), int(self.high) + 1)))
            return day.isoformat()
        step = 10.0**-self.decimals
        count = int(rng.integers(0, round((self.high - self.low) / step) + 1))
        value = round(self.low + count * step, self.decimals)
        return int(value) if self.decimals == 0 else value


def pool_of(value: Any, wrong: Callable[[str], Exception]) -> Pool:
    """What `sample` says as a pool; wrong: a sentence's end -> the error that is raised for it."""
    if isinstance(value, list) and value:
        return Pool(tuple(value), (1 / len(value),) * len(value))
    if isinstance(value, Mapping) and {"low", "high"} <= set(value) <= RANGE:
        return _range(value, wrong)
    if isinstance(value, Mapping) and value:
        shares = [as_number(one) for one in value.values()]
        if any(one is None or not 0 <= one < math.inf for one in shares) or not sum(filter(None, shares)):
            raise wrong("shares are numbers of at least 0, of which one is above 0")
        total = sum(one or 0.0 for one in shares)
        return Pool(tuple(value), tuple((one or 0.0) / total for one in shares))
    raise wrong(
        f"sample is {shown(value)}: give a list, shares such as {{ yes = 0.7, no = 0.3 }}, a range such as "
        '{ low = 1, high = 9 }, "real" or "model:FOLDER"'
    )


def _range(value: Mapping[str, Any], wrong: Callable[[str], Exception]) -> Pool:
    low, high = value["low"], value["high"]
    if all(isinstance(one, datetime.date) and "decimals" not in value for one in (low, high)):
        first, last, decimals = float(low.toordinal()), float(high.toordinal()), None
    else:
        numbers = as_number(low), as_number(high)
        whole = all(isinstance(one, int) for one in (low, high))
        decimals = value.get("decimals", 0 if whole else 2)
        if not all(one is not None and math.isfinite(one) for one in numbers) or decimals not in range(10):
            raise wrong("low and high are two numbers or two dates, decimals a whole number from 0 to 9")
        first, last = float(low), float(high)
    if first > last:
        raise wrong(f"low is {shown(low)} and high is {shown(high)}: low must not be above high")
    return Pool(low=first, high=last, decimals=decimals)
