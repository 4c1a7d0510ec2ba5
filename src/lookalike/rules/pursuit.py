"""Which few of many columns a number is a sum of: orthogonal least squares, column by column.

S. Chen, S. A. Billings, W. Luo: Orthogonal least squares methods and their application to non-linear system
identification, 1989.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lookalike.codec.slot import Array
from lookalike.rules.chance import LEAST_ROWS

HOLDS = 0.85  # of the rows, that a sum is near enough in
TRIMMED = 0.9  # of the rows, by which a sum is fitted again: the others may leave it
LOOSE = 1.5  # times as far off as a rounded number is, as the factors are fitted to few rows
LEFT = 0.3  # of a middle row, that is left after `FIRST` steps where there is a sum of few
ALL = 0.995  # of the rows, that need no further column
FIRST = 3
SUREST = 1e-3  # of how far a middle number may be off, as little as the surest one counts for
SAME = 0.01  # of the variance of a column, that counts where the chosen ones say all of it
FAR = 4.0  # times as far off as a middle row, as a row counts at most


@dataclass(frozen=True)
class Atoms:
    """The columns that a sum may be of. x: (rows, columns), nan where missing; unit: the same without their
    mean, and of length 1, 0 where missing.
    """

    x: Array
    unit: Array

    @classmethod
    def of(cls, x: Array) -> Atoms:
        there = ~np.isnan(x)
        mean = np.where(there, x, 0).sum(0) / np.maximum(there.sum(0), 1)
        centred = np.where(there, x - mean, 0)
        size = np.sqrt((centred * centred).sum(0))
        return cls(x, centred / np.where(size > 0, size, np.inf))


def pursued(atoms: Atoms, free: Array, y: Array, near: Array, most: int) -> tuple[list[int], Array] | None:
    """(columns, their factors and a constant) of a sum that comes to y in most rows; None for no sum.

    free: (columns,) bool, which the sum may be of; y, near: (rows,) how far the sum may be off; most:
    columns of a sum.
    """
    whole, x = y - y.mean(), atoms.x
    unit = atoms.unit if free.all() else np.where(free, atoms.unit, 0)
    chosen, found = list[int](), None
    while len(chosen) < min(most, int(free.sum())) and found is None:
        chosen.append(_best(unit, whole, chosen))
        if _left(unit, whole, chosen) > LEFT:
            if len(chosen) >= FIRST:
                return None
            continue
        found = fitted(x, y, near, chosen)
        for at in range(len(chosen) - 1) if len(chosen) >= FIRST else ():
            if found is not None:
                break  # of what is alike, another may be right beside what came later
            chosen[at] = _best(unit, whole, [*chosen[:at], *chosen[at + 1 :]])
            found = fitted(x, y, near, chosen)
    if found is None:
        return None
    while found[1] < ALL and len(chosen) < most:  # a part may be at work in few rows
        more = [*chosen, _best(unit, whole, chosen, np.inf)]
        wider = fitted(x, y, near, more)
        if wider is None or 1 - wider[1] > (1 - found[1]) / 2:
            break
        chosen, found = more, wider
    for at in list(chosen):
        fewer = [one for one in chosen if one != at]
        simpler = fitted(x, y, near, fewer) if fewer else None
        if simpler is not None and simpler[1] >= found[1] - (1 - ALL):
            chosen, found = fewer, simpler
    return chosen, found[0]


def _best(unit: Array, whole: Array, chosen: list[int], far: float = FAR) -> int:
    """The column that says the most of what the chosen ones leave, of which rows far off count for little.

    far: times as far off as a middle row, as a row counts at most.
    """
    left, basis = _beyond(unit, whole, chosen)
    far *= float(np.median(np.abs(left)))
    score = np.abs((np.clip(left, -far, far) if far > 0 else left) @ unit)
    own = basis.T @ unit  # what the chosen ones say of a column
    score = score / np.sqrt(np.maximum(1 - (own * own).sum(0), SAME))
    score[chosen] = -1
    return int(score.argmax())


def _left(unit: Array, whole: Array, chosen: list[int]) -> float:
    """How much the chosen columns leave of a middle row."""
    size = float(np.median(np.abs(whole)))
    return float(np.median(np.abs(_beyond(unit, whole, chosen)[0]))) / size if size else 0.0


def _beyond(unit: Array, whole: Array, chosen: list[int]) -> tuple[Array, Array]:
    """(rows,) what the chosen columns leave, and (rows, chosen) these at right angles."""
    basis = np.asarray(np.linalg.qr(unit[:, chosen])[0])
    return whole - basis @ (basis.T @ whole), basis


def fitted(x: Array, y: Array, near: Array, chosen: list[int]) -> tuple[Array, float] | None:
    """(columns + 1,) factors and a constant by least squares, perhaps without the rows that leave the sum of
    nearly all, and the share of the rows that are near enough to it; None where these are few.
    """
    x = x[:, chosen]
    there = ~np.isnan(x).any(1)
    x, y, near = x[there], y[there], near[there]
    if len(y) < LEAST_ROWS:
        return None
    size = np.maximum(np.abs(x).max(0), 1e-300)
    whole = np.column_stack([x / size, np.ones(len(x))])
    sure = near[near > 0]  # a number may be as exact as it is small, or 0
    weights = 1 / np.maximum(near, SUREST * np.median(sure)) if len(sure) else np.ones(len(y))
    factors = np.linalg.lstsq(whole, y, rcond=None)[0]
    best, most = factors, 0.0
    for last in (False, False, True):
        off = np.abs(whole @ factors - y)
        held = float((off <= LOOSE * near).mean())
        best, most = (factors, held) if held > most else (best, most)
        if not last:  # rows that are told more exactly count for more
            rows = off <= np.quantile(off, TRIMMED)
            weight = weights[rows]
            factors = np.linalg.lstsq(whole[rows] * weight[:, None], y[rows] * weight, rcond=None)[0]
    return (np.asarray(best / np.append(size, 1.0)), most) if most >= HOLDS else None
