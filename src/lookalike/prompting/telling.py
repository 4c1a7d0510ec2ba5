"""Whether what a model says of real rows tells which rows it speaks of.

SynAlign's call for records knows a real row by its attributes alone. Where a model's attributes would fit any
row, its records lie anywhere and carry any label; such a model writes better beside the rows themselves. So a
run with the method "auto" begins with a few descriptions, which `synalign` needs anyway, and looks where they
lie among the real rows. By the attributes that Qwen2.5-Coder-0.5B wrote (bench/RESULTS.md) this is .80 to .94
on questions to a bank, where records of `synalign` teach most, and .50 to .53 on sentences of film reviews,
where 7 of 10 have their label and 9 of 10 have it that are written beside real rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.errors import EndpointError
from lookalike.llm.request import Failure
from lookalike.progress import say
from lookalike.prompting.arms import Place
from lookalike.prompting.asking import Asking
from lookalike.prompting.facts import COMPUTED
from lookalike.prompting.prompts import ATTRIBUTES
from lookalike.prompting.settled import Settled, kept, key_of, known
from lookalike.prompting.source import Located
from lookalike.prompting.written import Written

Array = npt.NDArray[Any]

TELLS = 2 / 3  # from which on descriptions are good enough to write from
UNTOLD = ("malformed", "cut off")  # what a model that cannot describe fails by: it may write records yet
NEAREST = 3  # rows of a class that a description is compared with


def settle(asking: Asking, located: Located, rows: Sequence[int], written: Written) -> Settled:
    """Has the model describe some real rows; the method that suits it, and how well it told. What the ledger
    holds of an earlier run stands.

    rows: as `probes` has them, fewer where the budget would have no record left to pay for; written: counts
    the replies.
    """
    probed = [asking.prompts.attributes(ATTRIBUTES, row, 0) for row in rows]
    key = key_of(asking.llm, probed, asking.attributes)
    found = known(asking.llm, key)
    if found is None:
        names = asking.names(written)
        rows = asking.affordable_of(names, rows, located.places[0])
        told = _described(asking, located, names, rows, written)
        method = "synalign" if told >= TELLS else "steered"
        found = kept(asking.llm, key, Settled(names, method, told, len(rows)))
    else:
        asking.recall(found.names, rows, written)
    if found.described:
        count = f"the model described {found.described:,} real rows"
        line = f"{count}; how well that fits these rows: {found.told:.2f} (chance: 0.5, best: 1)."
        say(f"{line} It writes by the method {found.method}.", progress=asking.progress)
    return found


def places_for(method: str, places: list[Place]) -> list[Place]:
    """The places of "auto" for the method that it took."""
    if method == "synalign":  # which shows no text
        return [replace(place, shown=[], now_and_then=False) for place in places]
    return places


def _described(
    asking: Asking, located: Located, names: list[str], rows: Sequence[int], written: Written
) -> float:
    """How well the model's descriptions tell some real rows."""
    source, embed = asking.source, located.embed
    try:
        said = [line_of(one) for one in asking.described(names, rows, written)]
    except EndpointError as error:
        if error.kind not in UNTOLD:
            raise
        written.failed(Failure(error.kind, str(error)))
        said = [""] * len(rows)
    points = embed(source.texts) if located.points is None else located.points
    found = np.zeros((len(rows), points.shape[1]))
    if some := [at for at, one in enumerate(said) if one]:
        found[some] = embed([said[at] for at in some])
    return round(told(found, rows, points, source.labels), 3)


def line_of(attributes: dict[str, str]) -> str:
    """What a model said of a row, without what was computed of it."""
    return " ".join(value for name, value in attributes.items() if name not in COMPUTED)


def told(said: Array, rows: Sequence[int], points: Array, labels: Sequence[str | None]) -> float:
    """How well descriptions tell their rows, 0..1; .5 is chance.

    It is the share of the other rows that lie further from a description than its own row does and, where
    there are classes, averaged with the share of the other classes that do: a class lies where its three
    nearest rows do, without the row that is described.

    said: (descriptions, dims), zeros where nothing was said; rows: the row of each; points: (rows, dims) of
    the real rows; labels: theirs.
    """
    close = said @ points.T
    own = close[np.arange(len(rows)), list(rows)]
    found = [_ahead(own[at], np.delete(close[at], row)) for at, row in enumerate(rows)]
    names = np.array([str(label) for label in labels])
    if len(set(names)) > 1:
        found += [_class(close[at], row, names) for at, row in enumerate(rows)]
    usable = [one for one in found if one is not None]
    return float(np.mean(usable)) if usable else 0.5


def _class(close: Array, row: int, names: Array) -> float | None:
    """The share of the other classes that lie further away than the own one; None for a class of one row."""
    rest = np.arange(len(names)) != row
    near = {
        name: np.sort(close[rest & (names == name)])[-NEAREST:].mean() for name in dict.fromkeys(names[rest])
    }
    if names[row] not in near:
        return None
    own = near.pop(names[row])
    return _ahead(own, np.array(list(near.values())))


def _ahead(own: float, others: Array) -> float | None:
    """The share of others that are less close, equal ones by half; None without others."""
    if not len(others):
        return None
    equal = np.isclose(others, own)
    return float(((others < own) & ~equal).mean() + equal.mean() / 2)
