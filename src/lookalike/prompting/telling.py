"""Whether what a model says of real rows tells which rows it speaks of.

SynAlign's call for records knows a real row by its attributes alone. Where a model's attributes would fit any
row, its records lie anywhere and carry any label; such a model writes better beside the rows themselves. So a
run with the method "auto" begins with a few descriptions, which `synalign` needs anyway, and looks where they
lie among the real rows. By the attributes that Qwen2.5-Coder-0.5B wrote (bench/RESULTS.md) this is .81 to .93
on questions to a bank, where records of `synalign` teach most, and .49 to .62 on sentences of film reviews,
where 7 of 10 have their label and 9 of 10 have it that are written beside real rows.

One description says little: around these means they spread by .16 to .36, and the mean of eight by a tenth.
So there are several looks, each at more rows, and the first that is sure ends them. Where none is, the method
is `steered`. It is, too, where a run has fewer places or less budget than such looks take; then nothing is
described.

What was decided is kept in the ledger. A description that fails by a passing fault is asked for again when
the run is resumed; its answer must not change the method, as there are records that were asked for with it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lookalike.errors import EndpointError
from lookalike.llm.budget import NOTHING
from lookalike.llm.client import LLM
from lookalike.llm.ledger import Entry
from lookalike.llm.request import Failure, Request
from lookalike.llm.sync import wait
from lookalike.progress import say
from lookalike.prompting.arms import Place
from lookalike.prompting.asking import LOOKS, Asking
from lookalike.prompting.facts import COMPUTED
from lookalike.prompting.prompts import ATTRIBUTES
from lookalike.prompting.source import Located
from lookalike.prompting.written import Written

Array = npt.NDArray[Any]

TELLS = 2 / 3  # from which on descriptions are good enough to write from
FEWEST = LOOKS[1]  # descriptions that can show it
SURE, HOPELESS = 1.28, 0.5  # standard errors above and below: nine in ten are less far off
LEAST_SPREAD = 0.25  # of descriptions, as that of four says little
UNTOLD = ("malformed", "cut off")  # what a model that cannot describe fails by: it may write records yet
WAY = "settled"  # of the ledger's entry of what was decided, among those of the replies
NEAREST = 3  # rows of a class that a description is compared with


class Settled(NamedTuple):
    """names: of the attributes; method: that "auto" took; told: how well the model describes, None where it
    was not looked at; described: how many real rows that was seen on.
    """

    names: list[str]
    method: str
    told: float | None
    described: int


UNSEEN = Settled([], "steered", None, 0)  # what a run takes that did not look


def settle(asking: Asking, located: Located, rows: Sequence[int], written: Written) -> Settled:
    """Has the model describe some real rows; the method that suits it, and how well it told. What the ledger
    holds of an earlier run stands.

    rows: as `probes` has them; written: counts the replies.
    """
    if not rows:
        return UNSEEN
    first = [asking.prompts.attributes(ATTRIBUTES, row, 0) for row in rows[:FEWEST]]
    key = _key_of(asking.llm, first, asking.attributes)
    found = _known(asking.llm, key)
    if found is None:
        found = _kept(asking.llm, key, _looked(asking, located, rows, written))
    elif found.described:
        asking.recall(found.names, rows[: found.described], written)
    if found.told is not None:
        count = f"the model described {found.described:,} real rows"
        line = f"{count}; how well that fits these rows: {found.told:.2f} (chance: 0.5, best: 1)."
        say(f"{line} It writes by the method {found.method}.", progress=asking.progress)
    return found


def sure(told: Array) -> bool | None:
    """Whether descriptions are good enough to write from; None where that is not sure.

    told: (descriptions,) how well each tells its row.
    """
    mean, count = float(told.mean()), len(told)
    spread = float(told.std(ddof=1)) if count > 1 else 0.0
    error = max(spread, LEAST_SPREAD) / math.sqrt(count)
    if count >= FEWEST and mean - SURE * error >= TELLS:
        return True
    return False if mean + HOPELESS * error < TELLS else None


def places_for(method: str, places: list[Place]) -> list[Place]:
    """The places of "auto" for the method that it took."""
    if method == "synalign":  # which shows no text
        return [replace(place, shown=[], now_and_then=False) for place in places]
    return places


def _looked(asking: Asking, located: Located, rows: Sequence[int], written: Written) -> Settled:
    """The method that suits the model, by as many descriptions as that takes."""
    rows = asking.probed(rows, located.places[0])
    if len(rows) < FEWEST:
        return UNSEEN
    names, source, embed = asking.names(written), asking.source, located.embed
    points = embed(source.texts) if located.points is None else located.points
    verdict, values, said = None, np.zeros(0), list[str]()
    for look in sorted({min(look, len(rows)) for look in LOOKS}):
        said += _described(asking, names, rows[len(said) : look], written)
        found = np.zeros((look, points.shape[1]))
        if some := [at for at, one in enumerate(said) if one]:
            found[some] = embed([said[at] for at in some])
        values = told(found, rows[:look], points, source.labels)
        verdict = sure(values)
        if verdict is not None:
            break
    method = "synalign" if verdict else "steered"
    return Settled(names, method, round(float(values.mean()), 3), len(said))


def _described(asking: Asking, names: list[str], rows: Sequence[int], written: Written) -> list[str]:
    """What the model says of some real rows, a line each; empty where it says nothing."""
    try:
        return [line_of(one) for one in asking.described(names, rows, written)]
    except EndpointError as error:
        if error.kind not in UNTOLD:
            raise
        written.failed(Failure(error.kind, str(error)))
        return [""] * len(rows)


def line_of(attributes: dict[str, str]) -> str:
    """What a model said of a row, without what was computed of it."""
    return " ".join(value for name, value in attributes.items() if name not in COMPUTED)


def told(said: Array, rows: Sequence[int], points: Array, labels: Sequence[str | None]) -> Array:
    """(descriptions,) how well each description tells its row, 0..1; .5 is chance.

    It is the share of the other rows that lie further from a description than its own row does and, where
    there are classes, averaged with the share of the other classes that do: a class lies where its three
    nearest rows do, without the row that is described.

    said: (descriptions, dims), zeros where nothing was said; rows: the row of each; points: (rows, dims) of
    the real rows; labels: theirs.
    """
    close = said @ points.T
    names = np.array([str(label) for label in labels])
    found = []
    for near, row in zip(close, rows, strict=True):
        both = [_ahead(near[row], np.delete(near, row))]
        if len(set(names)) > 1:
            both.append(_class(near, row, names))
        usable = [one for one in both if one is not None]
        found.append(float(np.mean(usable)) if usable else 0.5)
    return np.array(found)


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


def _key_of(llm: LLM, requests: Sequence[Request], wanted: str | list[str]) -> bytes:
    """The name of a decision in the ledger: of the model, what it was to describe, and the attributes that
    were wanted.
    """
    asked = [[request.payload(llm.model, None), request.sample] for request in requests]
    said = json.dumps([WAY, llm.account, wanted, asked], sort_keys=True)
    return hashlib.sha256(said.encode()).digest()


def _known(llm: LLM, key: bytes) -> Settled | None:
    """What the ledger holds, None for nothing and without a ledger."""
    entry = None if llm.ledger is None else llm.ledger.get(key)
    return None if entry is None else Settled(*json.loads(entry.body))


def _kept(llm: LLM, key: bytes, settled: Settled) -> Settled:
    """Keeps a decision; the one that holds, where another process was first."""
    if llm.ledger is None:
        return settled
    entry = Entry(json.dumps(settled), WAY, None, 0, 0)
    return Settled(*json.loads(wait(llm.keep({key: entry}, NOTHING))[key].body))
