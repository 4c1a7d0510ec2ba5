"""The check "labels" with an annotator, such as a language model: it is asked about the labels that a student
doubts (`relabel.py`), and where its answers differ between forms of the prompt a person is to decide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.arguments import brief, shown
from lookalike.curate.checks import Decision, Rows
from lookalike.curate.relabel import Relabelled, allocate, relabel
from lookalike.errors import DataError
from lookalike.learn import classifier

Array = npt.NDArray[Any]
Record = dict[str, str]
# records, the labelled ones that each is shown with, the classes -> for each record an answer a form of the
# prompt, None where there is none
Annotate = Callable[
    [Sequence[Record], Sequence[Sequence[tuple[Record, str]]], Sequence[str]], Sequence[Sequence[str | None]]
]

ROUNDS = 2
LETTERS = 2000  # of a cell that the annotator sees


def annotated(
    rows: Rows,
    some: Array,
    classes: pd.Index[Any],
    codes: Array,
    points: tuple[Array, Array | None],
    real_codes: Array | None,
    annotate: Annotate,
    people: float,
    values: Sequence[Any],
    seed: int,
) -> tuple[list[Decision], list[str]]:
    """Decisions on the labels of the rows `some`, and notes.

    codes: (some,) their labels, numbers of `classes`; values: the label of each class as the table has it.
    points: of all rows and of the real ones; real_codes: (real,) -1 for other classes; None without real
    rows: they judge whether the new labels teach more. people: the share of the rows asked about, those on
    which the answers differ most, that is left to people.
    """
    asker = _Asker(rows, some, classes, annotate)
    own = points[0][some]
    found = relabel(own, asker, len(classes), codes=codes, rounds=ROUNDS, seed=seed)
    asked = np.array(sorted(asker.votes), dtype=np.int64)
    notes = [
        f"{len(asked):,} labels were asked about, with {asker.answers:,} answers"
        + (f"; {asker.silent:,} got none, and stay" if asker.silent else "")
        + "."
    ]
    if not len(asked):
        return [], notes
    votes = np.array([asker.votes[one] for one in asked.tolist()])
    said = allocate(votes, None, people, len(classes))
    left = asked[(said.who == "person") & (said.entropy > 0)]
    entropy = dict(zip(asked.tolist(), said.entropy.tolist(), strict=True))
    new = found.codes.copy()
    new[left] = codes[left]
    changed = np.flatnonzero(new != codes)
    action = "relabel"
    if real_codes is not None and points[1] is not None and len(changed):
        worse, note = _judged(own, codes, new, points[1], real_codes)
        notes.append(note)
        action = "report" if worse else action
    decisions = [
        _decision(rows, some[one], classes, codes[one], new[one], values[new[one]], entropy[int(one)], action)
        for one in changed.tolist()
    ]
    for one in left.tolist():
        reason = f"the answers differ between forms of the prompt: {_told(asker.votes[one], classes)}"
        decisions.append(
            _fact(rows, some[one], entropy[one], "report") | {"reason": f"{reason}; a person is to decide"}
        )
    if len(left):
        notes.append(f"{len(left):,} labels are left to people:  lookalike review --decisions  shows them.")
    notes.append(_summary(found, len(changed), action))
    return decisions, notes


class _Asker:
    """`relabel.Ask` of an annotator: the answer of most forms. votes: row -> its last answers, by number."""

    def __init__(self, rows: Rows, some: Array, classes: pd.Index[Any], annotate: Annotate) -> None:
        self._rows, self._some, self._classes, self._annotate = rows, some, classes, annotate
        self._names = [name for name in rows.synthetic.columns if name != rows.label]
        self.votes: dict[int, list[int]] = {}
        self.answers = self.silent = 0

    def __call__(self, asked: Array, near: Array, labels: Array) -> Array:
        records = [self._record(row) for row in asked.tolist()]
        shown_with = [
            [(self._record(row), str(self._classes[code])) for row, code in zip(some, codes, strict=True)]
            for some, codes in zip(near.tolist(), labels.tolist(), strict=True)
        ]
        told = self._annotate(records, shown_with, [str(name) for name in self._classes])
        if len(told) != len(asked):
            raise DataError(f"the annotator answered {len(told):,} of {len(asked):,} records: answer each.")
        found = np.full(len(asked), -1, dtype=np.int64)
        for at, (row, answers) in enumerate(zip(asked.tolist(), told, strict=True)):
            votes = [self._code(answer) for answer in answers]
            known = [vote for vote in votes if vote >= 0]
            self.answers += len(known)
            self.silent += not known
            if known:
                self.votes[row] = votes
                found[at] = max(dict.fromkeys(known), key=known.count)
        return found

    def _code(self, answer: str | None) -> int:
        if answer is None:
            return -1
        try:
            return int(self._classes.get_loc(answer))
        except KeyError:
            raise DataError(
                f"the annotator answered {shown(answer)}, which is not a label of the table: give one "
                "of these, or None."
            ) from None

    def _record(self, place: int) -> Record:
        row = self._rows.synthetic.iloc[int(self._some[place])]
        return {str(name): str(row[name])[:LETTERS] for name in self._names if pd.notna(row[name])}


def _judged(own: Array, codes: Array, new: Array, real: Array, real_codes: Array) -> tuple[bool, str]:
    """Whether the new labels teach a classifier of the real rows less, beyond chance; and the figures."""
    told = real_codes >= 0
    right = [
        classifier().fit(own, some).predict(real[told]) == real_codes[told]
        for some in (codes, new)
        if len(np.unique(some)) > 1
    ]
    if len(right) < 2 or not told.any():
        return False, "the new labels could not be judged: all rows have the same one."
    gain = right[1].astype(float) - right[0]
    error = float(gain.std(ddof=1) / np.sqrt(len(gain))) if len(gain) > 1 else 0.0
    worse = gain.mean() < -error
    figures = (
        f"a classifier of these rows tells {right[1].mean():.1%} of {len(gain):,} real rows right with the "
        f"new labels, {right[0].mean():.1%} with the old (standard error of the difference {error:.1%})"
    )
    return bool(worse), f"{figures}{': the new ones are only reported' if worse else ''}."


def _summary(found: Relabelled, changed: int, action: str) -> str:
    share = float(found.clean.mean())
    done = "changed" if action == "relabel" else "suspected"
    return f"{changed:,} labels were {done}; the student finds {share:.0%} of the rows clean."


def _told(votes: Sequence[int], classes: pd.Index[Any]) -> str:
    """The answers, the most frequent first."""
    known = [vote for vote in votes if vote >= 0]
    names = sorted(dict.fromkeys(known), key=lambda vote: -known.count(vote))
    return ", ".join(f"{known.count(vote)} '{brief(classes[vote])}'" for vote in names)


def _decision(
    rows: Rows,
    row: int,
    classes: pd.Index[Any],
    old: int,
    new: int,
    value: Any,
    entropy: float,
    action: str,
) -> Decision:
    reason = f"the annotator and the student say '{brief(classes[new])}', not '{brief(classes[old])}'"
    return _fact(rows, row, entropy, action) | {"value": value, "reason": reason}


def _fact(rows: Rows, row: int, entropy: float, action: str) -> Decision:
    """score: the entropy of the answers, 0 where all forms agree."""
    facts = {"row": int(row), "check": "labels", "column": rows.label, "score": entropy}
    return facts | {"action": action}
