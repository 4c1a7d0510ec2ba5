"""Amounts with a sign beside a column for each side: amount = credit - debit, of which one is filled."""

from __future__ import annotations

from typing import Any

import numpy as np

from lookalike.rules.fits import EXACT, Searched, judged
from lookalike.table.rule_formulas import Linear


def with_sides(rules: list[Any], of: Searched) -> list[Any]:
    """The rules, with the sum of the sides in place of the rules that each of them is the amount, or that
    with the other sign, where it is there: these say neither which side is empty nor that none is below zero.
    """
    sides: dict[Any, list[tuple[Any, float]]] = {}
    for rule in rules:
        if _is_a_side(rule, of):
            sides.setdefault(rule.of[0][0], []).append((rule.column, rule.of[0][1]))
    found: list[Linear] = []
    for amount, parts in sides.items():
        if len(parts) == 2 and (np.sum([_there(name, of) for name, _ in parts], axis=0) == 1).all():
            own = Linear(amount, tuple(sorted(parts, key=lambda part: -part[1])), zeros=True)
            found += [] if (rule := judged(own, of.values)) is None else [rule]
    gone = [{rule.column, name} for rule in found for name, _ in rule.of]
    return [rule for rule in rules if {*rule.columns} not in gone] + found


def _is_a_side(rule: Any, of: Searched) -> bool:
    """Whether a rule is that a column, where it is there, is another one that always is, or -1 times that."""
    plain = isinstance(rule, Linear) and len(rule.of) == 1 and not (rule.constant or rule.clipped)
    return (
        plain
        and rule.divisor == 1
        and abs(rule.of[0][1]) == 1
        and rule.support >= EXACT
        and bool(_there(rule.of[0][0], of).all())
        and not _there(rule.column, of).all()
    )


def _there(name: Any, of: Searched) -> Any:
    """(rows,) bool."""
    return ~np.isnan(of.x[:, of.names.index(name)])
