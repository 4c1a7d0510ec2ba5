"""Whether the rows of a language model help to learn the label, for the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lookalike.decisions import Decisions
from lookalike.synthesizer import Asker, shown_to, steering

if TYPE_CHECKING:
    import pandas as pd


def no_gain(
    real: pd.DataFrame, synthetic: pd.DataFrame, asker: Asker, decisions: Decisions | None, seed: int
) -> str | None:
    """Says that the rows of a language model do not help to learn the label, where that is so.

    synthetic: what is left of the last `sample` by the decisions, None where it was not curated. None, too,
    where it is not known which real rows a row was written from: copies of these would help too much.
    """
    import numpy as np

    from lookalike.embed import embedder
    from lookalike.learn import gain

    text, label, seen = next(iter(asker.texts), None), asker.label, shown_to(asker)
    if seen is None or any(name not in one.columns for one in (real, synthetic) for name in (text, label)):
        return None
    if decisions is not None:
        seen = [seen[row] for row in decisions.left()]
    sides, rows = [], []
    for one in (real, synthetic):
        usable = (one[text].notna() & one[label].notna()).to_numpy(bool, copy=True)
        if one is real:
            usable[sorted(steering(asker))] = False
        rows.append(np.flatnonzero(usable).tolist())
        some = one.iloc[rows[-1]]
        sides.append((some[text].map(str).tolist(), some[label].astype(object).map(str).tolist()))
    if not sides[0][0]:
        return None
    place = {row: at for at, row in enumerate(rows[0])}
    shown = [[place[one] for one in seen[row] if one in place] for row in rows[1]]
    found = gain(embedder(None, sides[0][0], seed), sides[0], sides[1], seed, shown)
    return None if found is None or found.helps else found.sentence(str(label))
