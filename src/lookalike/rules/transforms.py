"""Numbers that are a function of another: lwage = log(wage), agesq = square(age) / 100."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lookalike.codec.slot import Array
from lookalike.rules.chance import LEAST_ROWS
from lookalike.rules.fits import Searched, all_count, judged, varies
from lookalike.rules.holds import transformed
from lookalike.rules.sums import DISTINCT
from lookalike.table.rule_formulas import TRANSFORMS, Transform

FEW = 48  # rows that candidates are sought in
TOLD = 16  # of these, that tell a candidate
GLANCED = 0.85  # of those, that it holds in
FACTORS = (1.0, 10.0, 100.0, 1000.0, 0.1, 0.01, 0.001, 1e-4)  # of a function's values


def transforms(of: Searched) -> Iterator[Transform]:
    """The functions that hold: of each column the first one."""
    x, names, plain = of.x, of.names, of.plain
    for own in plain:
        rows = np.flatnonzero(~np.isnan(x[:, own]))
        if of.distinct[own] < DISTINCT or len(rows) < LEAST_ROWS:
            continue
        rows = rows[np.linspace(0, len(rows) - 1, FEW).astype(int)]
        others = plain[(plain != own) & (of.distinct[plain] >= DISTINCT)]
        target = x[rows, own][:, None]
        candidates = _seen(x[np.ix_(rows, others)], target, of.near(own, target, least=1.0))
        rules = (Transform(names[own], names[others[at]], *facts) for at, facts in candidates)
        fits = (judged(rule, of.values) for rule in rules)
        likely = (one for one in fits if one is not None and varies(one, of.values))
        rule = next((one for one in likely if all_count(one, of.values, of.many)), None)
        if rule is not None:
            yield rule


def _seen(some: Array, target: Array, near: Array) -> Iterator[tuple[int, tuple[str, float, float]]]:
    """(column, (function, what is added to the column before, factor)) of what holds in a few rows.

    some: (rows, columns); target, near: (rows, 1).
    """
    for name in TRANSFORMS:
        for shift in (0.0, 1.0) if name.startswith("log") else (0.0,):
            said = transformed(name, some + shift)
            for factor in FACTORS if not name.startswith("log") else (1.0,):
                with np.errstate(invalid="ignore", over="ignore"):
                    fits = (np.abs(factor * said - target) <= near).sum(0)
                told = (~np.isnan(said)).sum(0)
                for at in np.flatnonzero((fits >= GLANCED * told) & (told >= TOLD)):
                    yield int(at), (name, shift, factor)
