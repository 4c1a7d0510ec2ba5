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
    return is_rare(float((~kept).mean()), float((~shuffled).mean()), len(kept))


def is_rare(broken: float, by_chance: float, rows: int) -> bool:
    """Whether the share of the rows that break a rule is far below the share that would by chance."""
    return broken <= BY_CHANCE * by_chance and round(by_chance * rows, 6) >= BROKEN
