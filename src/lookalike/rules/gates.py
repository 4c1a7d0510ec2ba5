"""Numbers that are another one where a flag is 1, and else 0: a discount with a coupon, both of two flags.

A product is sought by logarithms (`products.py`), which say nothing of 0: here the rows say which are 0.
"""

from __future__ import annotations

import numpy as np

from lookalike.rules.chance import BROKEN
from lookalike.rules.fits import EXACT, Searched, judged
from lookalike.table.rule_formulas import Power, Product


def gates(of: Searched) -> list[Product]:
    """x = y * g and x = y * (1 - g), with a column g of 0 and 1."""
    found: list[Product] = []
    flags = [at for at in of.plain if of.distinct[at] == 2 and set(np.unique(_known(of.x[:, at]))) == {0, 1}]
    for own in of.plain if flags else ():
        target = of.x[:, own]
        here, gone = target != 0, target == 0
        if min(np.count_nonzero(here & ~np.isnan(target)), np.count_nonzero(gone)) < BROKEN:
            continue
        near = of.near(own, target)
        for at in of.plain:
            number = of.x[:, at]
            there = ~np.isnan(target + number) & (number != 0)
            if at == own or np.count_nonzero(there & gone) < BROKEN:
                continue
            if not (np.abs(number - target) <= near)[here & ~np.isnan(target + number)].all():
                continue
            after = [flag for flag in flags if flag > at or at not in flags]  # of two the first is the number
            for flag in (one for one in after if one not in (own, at)):
                known = there & ~np.isnan(of.x[:, flag])
                on = of.x[known, flag] == 1
                parts: list[Power] = [(of.names[at], 1, 0.0)]
                if (on == here[known]).all() and _vary(of, at, flag, flags):
                    parts.append((of.names[flag], 1, 0.0))
                elif (on == gone[known]).all() and at not in flags:
                    parts.append((of.names[flag], 1, -1.0))
                if len(parts) == 2:
                    rule = judged(Product(of.names[own], ((1.0, tuple(parts)),)), of.values)
                    found += [rule] if rule is not None and rule.support >= EXACT else []
    return found


def _vary(of: Searched, number: int, flag: int, flags: list[int]) -> bool:
    """Whether the flag is often 1 where the number is 0: of two flags each says something."""
    if number not in flags:
        return True
    return int(np.count_nonzero((of.x[:, number] == 0) & (of.x[:, flag] == 1))) >= BROKEN


def _known(numbers: np.ndarray) -> np.ndarray:
    return numbers[~np.isnan(numbers)]
