"""The check "labels": suspected labels, and what the gate decides to do with them; classes out of balance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.arguments import brief
from lookalike.curate.annotating import Annotate, annotated
from lookalike.curate.checks import Decision, Rows
from lookalike.curate.doubting import REASONS, doubter
from lookalike.curate.gate import FOLDS, Verdict, decide
from lookalike.curate.influence import reweigh
from lookalike.curate.labels import audit, neighbour_votes, prune, worst
from lookalike.curate.views import Views, out_of_fold, views_of

Array = npt.NDArray[Any]

LEAST = FOLDS  # rows of a class, synthetic and real, that its labels are looked at
MOST_CLASSES = 200  # that classifiers are learned of
MOST_ROWS = 200_000
METHODS = ("weigh", "drop", "relabel")
NAMED = 3  # classes that a note names
OFF = 4.0  # standard errors, from which the share of a class is not that of the real rows


@dataclass
class Found:
    """Decisions on labels, and sentences on what was not done or what was measured."""

    decisions: list[Decision] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def check_labels(
    rows: Rows,
    order: Array,
    method: str,
    doubt: str,
    points: Callable[[], tuple[Array, Array | None]],
    seed: int,
    annotate: Annotate | None = None,
    people: float = 0.0,
) -> Found:
    """What is wrong with the labels of the rows of `order`, and what follows.

    method: "auto", or one of `METHODS`. doubt: how labels are doubted, of `defaults.DOUBTS`. points: the rows
    as points (`points.py`), made when they are needed. annotate: is asked about the labels that are doubted,
    a share `people` of which is left to people (`annotating.py`).

    With real rows the gate decides (`gate.py`). Without them nothing can judge, so the labels that are
    suspected are reported, or with a method other than "auto" changed.
    """
    found = Found()
    names = label_names(rows.synthetic[rows.label])
    real_names = None if rows.real is None else label_names(rows.real[rows.label])
    _balance(rows, names, real_names, found)
    some, classes, reason = _looked_at(rows.label, names, real_names, order)
    if reason:
        found.notes.append(f"the labels were not checked: {reason}.")
        return found
    left_out = len(order) - len(some)
    if left_out:
        whose = (
            f"the labels of {left_out:,} rows were not checked: they are missing, or their"
            if left_out > 1
            else "the label of one row was not checked: it is missing, or its"
        )
        found.notes.append(
            f"{whose} class has fewer than {LEAST} rows"
            f"{'' if real_names is None else ' here or in the real table'}."
        )
    codes = classes.get_indexer(names[some])
    own, real = points()
    if not own.shape[1]:
        found.notes.append("the labels were not checked: there is no other column to tell them by.")
    elif annotate is not None:
        told = None if real_names is None else classes.get_indexer(real_names)
        values = _values(rows, classes)
        both = (own, real)
        decided, notes = annotated(rows, some, classes, codes, both, told, annotate, people, values, seed)
        found.decisions += decided
        found.notes += notes
    elif len(classes) > MOST_CLASSES:
        _by_neighbours(rows, some, classes, codes, own[some], found)
    elif real is None or real_names is None:
        seen, _ = views_of(rows, own, None)
        _alone(rows, some, classes, codes, seen[some], method, doubt, seed, found)
    elif doubt == "steps":
        told = np.flatnonzero(np.isin(real_names, classes))
        known = (real[told], classes.get_indexer(real_names[told]))
        _by_steps(rows, some, classes, codes, own[some], known, seed, found)
    else:
        told = np.flatnonzero(np.isin(real_names, classes))
        seen, held = views_of(rows, own, real)
        assert held is not None
        verdict = decide(
            seen[some],
            codes,
            held[told],
            classes.get_indexer(real_names[told]),
            methods=_methods(method, rows, found),
            doubt=doubter(doubt, own[some], codes, _kind(rows), seed),
            seed=seed,
        )
        _follow(rows, some, classes, codes, verdict, found)
    return found


def label_names(column: pd.Series) -> Array:
    """(rows,) the labels as strings, 1 and 1.0 alike; None where one is missing."""
    return np.array(
        [
            None if pd.isna(v) else f"{v:.0f}" if isinstance(v, float) and v.is_integer() else str(v)
            for v in column.astype(object).tolist()
        ],
        dtype=object,
    )


def _looked_at(
    label: Any, names: Array, real_names: Array | None, order: Array
) -> tuple[Array, pd.Index[Any], str]:
    """(rows, their classes, why none): the rows of `order` whose class has rows enough."""
    counts = pd.Series(names[order], dtype=object).value_counts()
    enough = set(counts.index[counts >= LEAST])
    if real_names is not None:
        real = pd.Series(real_names, dtype=object).value_counts()
        enough &= set(real.index[real >= LEAST])
    classes = pd.Index(sorted(enough), dtype=object)
    some = order[np.isin(names[order], classes)]
    reason = ""
    if len(order) > MOST_ROWS:
        reason = f"there are {len(order):,} rows, and up to {MOST_ROWS:,} can be looked at"
    elif len(classes) < 2:
        where = "" if real_names is None else " here and in the real table"
        one = "there is only one value" if len(counts) == 1 else "there is no value"
        reason = (
            f"{one} in column '{label}'"
            if len(counts) < 2
            else (
                f"the column '{label}' has {len(counts):,} different values, of which {len(classes)} have "
                f"{LEAST} or more rows{where}"
            )
        )
    return some, classes, reason


def _kind(rows: Rows) -> str:
    """What learns the rows: see `dynamics`."""
    return "text" if rows.texts else "table"


def _methods(method: str, rows: Rows, found: Found) -> tuple[str, ...]:
    if method != "auto":
        return (method,)
    if "weight" not in rows.synthetic.columns:
        return METHODS
    found.notes.append("the table has a column 'weight', so that labels cannot be weighed: rename it.")
    return METHODS[1:]


def _follow(
    rows: Rows, some: Array, classes: pd.Index[Any], codes: Array, verdict: Verdict, found: Found
) -> None:
    """Decisions by what the gate says; where it changes nothing the suspected labels are reported."""
    found.notes.append(verdict.sentence(rows.label))
    likely, right = verdict.audit.chances.argmax(1), verdict.audit.right
    if verdict.method == "weigh":
        at = np.flatnonzero(verdict.weights < 1)
    else:
        at = worst(verdict.audit, codes, verdict.part or 1.0)
    action = "report" if verdict.method == "nothing" else verdict.method
    limit = float(right[at].max()) if len(at) else np.nan
    values = _values(rows, classes)
    for one in np.sort(at):
        value = {"weigh": float(verdict.weights[one]), "relabel": values[likely[one]]}.get(action)
        found.decisions.append(
            _decision(
                *(rows, some[one], classes, codes[one], likely[one], right[one], limit, action, value),
                verdict.audit.posterior,
            )
        )


def _by_steps(
    rows: Rows,
    some: Array,
    classes: pd.Index[Any],
    codes: Array,
    own: Array,
    told: tuple[Array, Array],
    seed: int,
    found: Found,
) -> None:
    """A weight for every row, as SunGen's steps make them. told: the real rows and their classes."""
    if "weight" in rows.synthetic.columns:
        found.notes.append("the table has a column 'weight', so that no row was weighed: rename it.")
        return
    said = reweigh(own, codes, *told, len(classes), seed=seed)
    if not said.steps:
        found.notes.append(
            f"no row was weighed: no step helps beyond chance by {len(told[1]):,} held-out real rows."
        )
        return
    for row, weight in zip(some.tolist(), said.weights.tolist(), strict=True):
        reason = "a classifier of the real rows gains by it" if weight > 1 else "it helps less than others"
        facts = {"row": row, "check": "labels", "column": rows.label, "score": weight, "limit": 1.0}
        found.decisions.append(facts | {"action": "weigh", "value": weight, "reason": reason})
    outer = "the real rows" if said.outer == "real" else "the reverse cross-entropy of the rows themselves"
    found.notes.append(
        f"{len(some):,} rows were weighed in {said.steps} steps along {outer}; {len(told[1]):,} real rows, "
        "held out in turn, say when to stop. The mean weight is 1."
    )


def _alone(
    rows: Rows,
    some: Array,
    classes: pd.Index[Any],
    codes: Array,
    own: Views,
    method: str,
    doubt: str,
    seed: int,
    found: Found,
) -> None:
    chances = out_of_fold(own, codes, FOLDS, seed)
    way = doubter(doubt, own.parts[0], codes, _kind(rows), seed)
    said = audit(chances, codes) if way is None else way(chances, own[np.arange(0)], codes[:0])
    at = np.flatnonzero(prune(chances, codes)) if way is None else np.sort(worst(said, codes))
    action = "report" if method == "auto" else method
    limit = float(said.right[at].max()) if len(at) else np.nan
    values = _values(rows, classes)
    for one in at:
        likely = int(said.chances[one].argmax())
        ratio = float(min(said.right[one] / said.chances[one, likely], 1.0))
        value = {"weigh": ratio, "relabel": values[likely]}.get(action)
        found.decisions.append(
            _decision(
                *(rows, some[one], classes, codes[one], likely, said.right[one], limit, action, value),
                said.posterior,
            )
        )
    found.notes.append(
        f"{len(at):,} labels are suspected; without real rows nothing can judge whether changing them helps"
        f"{', so they are only reported' if action == 'report' else ''}."
    )


def _by_neighbours(
    rows: Rows, some: Array, classes: pd.Index[Any], codes: Array, own: Array, found: Found
) -> None:
    votes = neighbour_votes(own, codes)
    for one in np.flatnonzero(votes == 0):
        found.decisions.append(
            {
                **{"row": int(some[one]), "check": "labels", "column": rows.label, "score": 0.0},
                **{"limit": 0.0, "action": "report"},
                "reason": f"none of the nearest rows is labelled '{brief(classes[codes[one]])}'",
            }
        )
    found.notes.append(
        f"there are {len(classes):,} classes, too many for a classifier: labels that none of the 10 nearest "
        "rows has are reported."
    )


def _decision(
    rows: Rows,
    row: int,
    classes: pd.Index[Any],
    code: int,
    likely: int,
    right: float,
    limit: float,
    action: str,
    value: Any,
    way: str,
) -> Decision:
    told = REASONS.get(way, "'{label}' is right with a chance of {right:.0%}")
    reason = told.format(label=brief(classes[code]), right=right)
    if likely != code:
        reason += f", the likeliest is '{brief(classes[likely])}'"
    return {
        **{"row": int(row), "check": "labels", "column": rows.label, "score": float(right)},
        **{"limit": limit, "action": action, "value": value, "reason": reason},
    }


def _values(rows: Rows, classes: pd.Index[Any]) -> list[Any]:
    """The label of each class as the synthetic table writes it."""
    column = rows.synthetic[rows.label]
    names = label_names(column)
    first = {name: column.iloc[row] for row, name in reversed(list(enumerate(names)))}
    return [first[name] for name in classes]


def _balance(rows: Rows, names: Array, real_names: Array | None, found: Found) -> None:
    """A note on classes whose share is not that of the real rows, beyond chance."""
    if real_names is None or not len(real_names):
        return
    own = pd.Series(names, dtype=object).value_counts(normalize=True)
    real = pd.Series(real_names, dtype=object).value_counts(normalize=True)
    shares = pd.DataFrame({"own": own, "real": real}).fillna(0.0)
    both = (shares.own * len(names) + shares.real * len(real_names)) / (len(names) + len(real_names))
    error = np.sqrt(both * (1 - both) * (1 / len(names) + 1 / len(real_names)))
    off = ((shares.own - shares.real).abs() / error.clip(lower=1e-12)).sort_values(ascending=False)
    off = off[off > OFF]
    if len(off):
        named = ", ".join(
            f"'{brief(name)}' {shares.own[name]:.1%} instead of {shares.real[name]:.1%}"
            for name in off.index[:NAMED]
        )
        more = f" and {len(off) - NAMED:,} more" if len(off) > NAMED else ""
        found.notes.append(f"classes are not as frequent as in the real rows: {named}{more}.")
