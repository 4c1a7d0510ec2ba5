"""What a rule has to be to be found: kept by nearly all rows, and not by chance."""

from __future__ import annotations

from lookalike.codec.slot import Array

LEAST_ROWS = 40  # that a rule is found in
LEAST_SUPPORT = 0.98
LEAST_FORMULA = 0.95  # of a formula, whose numbers hardly ever agree by chance
BY_CHANCE = 0.1  # of the rows that a shuffled column would break, at most so many may break the rule
BROKEN = 15  # rows that a shuffled column breaks at least


def beats_chance(kept: Array, shuffled: Array) -> bool:
    """Whether far fewer rows break a rule than with a column shuffled. Both are (rows,) bool."""
    broken, by_chance = float((~kept).mean()), float((~shuffled).mean())
    return broken <= BY_CHANCE * by_chance and int((~shuffled).sum()) >= BROKEN
