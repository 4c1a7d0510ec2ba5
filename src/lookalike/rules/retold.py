"""Numbers and dates written again where their sign or format does not go with their category."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lookalike.codec.slot import Array
from lookalike.rules.steps import Step
from lookalike.rules.traits import fits, traits_of
from lookalike.rules.values import Values, written
from lookalike.table.rule import Trait

ROUNDED = 1e-9  # what a sum of shares may be off


def with_traits(own: Step, drawn: pd.Series, values: Values, rng: np.random.Generator) -> pd.Series:
    """The step's column; of each category as many rows as break its rules in the real table may do so."""
    for rule, known in own.traits:
        table = pd.DataFrame({rule.column: drawn, rule.of: values.table[rule.of]})
        now = Values(table, values.schema)
        kept, speaks = fits(rule, now, known)
        wrong = ~kept & speaks
        codes, found = now.codes(rule.of)
        for code in np.unique(codes[wrong]):
            mine = codes == code
            broken, share = 1 - sum(known[str(found[code])].values()), wrong[mine].mean()
            if broken > ROUNDED:
                wrong[mine] &= rng.random(int(mine.sum())) * max(share, broken) >= broken
        if wrong.any():
            if rule.trait == "sign":
                made = _signed(rule, known, wrong, speaks & kept, own.ends, now, rng)
            else:
                made = _formatted(rule, known, wrong, now, rng)
            drawn = drawn.where(pd.Series(~wrong), made)
    return drawn


def _signed(
    rule: Trait,
    known: dict[str, dict[int, float]],
    wrong: Array,
    right: Array,
    ends: tuple[float, ...],
    now: Values,
    rng: np.random.Generator,
) -> pd.Series:
    """Numbers of the other sign; where that is out of range, those of other rows of the category."""
    column, keys = now.column(rule.column), now.texts(rule.of)
    found = np.array(now.numbers(rule.column), dtype=np.float64)
    low, high = ends or (-np.inf, np.inf)
    for row in np.flatnonzero(wrong):
        goes, other = known[str(keys[row])], -found[row]
        if other and np.sign(other) in goes and low <= other <= high:
            found[row] = other
            continue
        pool = np.flatnonzero(right & (keys == keys[row]))
        likely = max(goes, key=lambda sign: goes[sign])
        found[row] = found[rng.choice(pool)] if len(pool) else likely * abs(found[row])
    return written(found, column, _forms(now, rule))


def _formatted(
    rule: Trait, known: dict[str, dict[int, float]], wrong: Array, now: Values, rng: np.random.Generator
) -> pd.Series:
    """The same numbers or dates, in a format that goes with the category."""
    keys, forms = now.texts(rule.of), _forms(now, rule)
    for row in np.flatnonzero(wrong):
        goes = known[str(keys[row])]
        share = np.array([*goes.values()])
        forms[row] = str(rng.choice([*goes], p=share / share.sum()))
    found = now.numbers(rule.column)
    assert found is not None
    return written(found, now.column(rule.column), forms)


def _forms(now: Values, rule: Trait) -> Array:
    """(rows,) str: the number of the format of each cell, 0 where it has none."""
    formats = traits_of(Trait(rule.column, rule.of, "format"), now)
    return np.array([str(max(one, 0)) for one in formats], dtype=object)
