"""Other ways to doubt labels than the audit: each says which are wrong as an `Audit`, which the gate judges.

neighbours   most of the ten nearest rows have another label; no model is trained
dynamics     what the stages of a model of the real rows say of the label: CLLM, for tables and texts
margin       the label stays behind another class while a model learns it: AUM, without real rows
influence    without the row a classifier of the synthetic rows would tell the real ones better
steps        SunGen's steps: a weight for every row, stopped by held-out real rows, so that no gate is needed
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.curate.dynamics import LOW, area_under_margin, dynamics
from lookalike.curate.gate import Doubt
from lookalike.curate.influence import fit, influence, outer_real
from lookalike.curate.labels import Audit, neighbour_labels, noisy_share
from lookalike.curate.views import Views

Array = npt.NDArray[Any]

NEED_REAL = ("dynamics", "influence", "steps")
REASONS = {
    "neighbours": "{right:.0%} of the nearest rows are labelled '{label}'",
    "dynamics": "while a model learns from the real rows, it gives '{label}' a chance of {right:.0%}",
    "margin": "while a model learns this table, the margin of '{label}' is among the lowest",
    "influence": "this '{label}' is among what helps a classifier least to tell the real rows",
}


def doubter(way: str, points: Array, codes: Array, kind: str, seed: int) -> Doubt | None:
    """What the gate asks for a way to doubt; None for "audit", which is its own.

    points: (rows, dims), codes: (rows,) the labels by number, of the synthetic rows; real rows are looked at
    in the first of their views. kind: "table" or "text", which models learn.
    """
    rows = np.arange(len(codes))

    def neighbours(chances: Array, real: Views, real_codes: Array) -> Audit:
        del real, real_codes
        labels, others = nearest()
        votes = np.zeros(chances.shape)
        np.add.at(votes, (rows[:, None], labels), others)
        votes /= np.maximum(votes.sum(1, keepdims=True), 1)
        return _found(votes, votes[rows, codes], "neighbours", votes.max(1) > votes[rows, codes])

    def learned(chances: Array, real: Views, real_codes: Array) -> Audit:
        del chances
        said = dynamics(real.parts[0], real_codes, points, codes, kind=kind, seed=seed)
        hard = said.hard()
        right = np.where(hard, said.confidence, np.maximum(said.confidence, LOW))
        return _found(said.chances, right, "dynamics", hard)

    def margin(chances: Array, real: Views, real_codes: Array) -> Audit:
        del real, real_codes
        margins, below = margins_of()
        return _found(chances, _between(margins), "margin", below & (chances.argmax(1) != codes))

    def worth(chances: Array, real: Views, real_codes: Array) -> Audit:
        model = model_of()
        said = influence(model, codes, outer_real(model, real.parts[0], real_codes))
        harms = (said < 0) & (chances.argmax(1) != codes)
        most = min(noisy_share(chances, codes), float(harms.mean()))
        return _found(chances, _between(said), "influence", harms, most)

    nearest = cache(lambda: neighbour_labels(points, codes))
    margins_of = cache(lambda: area_under_margin(points, codes, seed=seed))
    model_of = cache(lambda: fit(points, codes, int(codes.max()) + 1))
    ways: dict[str, Doubt] = {"neighbours": neighbours, "dynamics": learned}
    return (ways | {"margin": margin, "influence": worth}).get(way)


def _found(chances: Array, right: Array, way: str, wrong: Array, most: float | None = None) -> Audit:
    """All that the way finds is taken, as it was asked for: nothing of it is usual."""
    return Audit(chances, right, way, float(wrong.mean()) if most is None else most, 0.0)


def _between(scores: Array) -> Array:
    """Scores, on which 0 stands between help and harm, in 0..1, where .5 does: they keep their order."""
    return np.asarray(1 / (1 + np.exp(-scores / max(float(scores.std()), 1e-12))))
