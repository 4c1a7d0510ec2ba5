"""Labels by an annotator that errs, such as a language model: what a small model learns of them goes back.

`relabel` is the loop of FreeAL (Xiao et al., "FreeAL: towards human-free active learning in the era of large
language models", 2023): a student learns from all labels and tells the clean ones; rows that are clean keep
what the student says; the annotator is asked again about the others, and is shown clean rows that are near.

`allocate` says who labels (Li et al., "CoAnnotating: uncertainty-guided work allocation between human and
large language models for data annotation", 2023): the same row is asked in several forms of the prompt, and
the entropy of the answers says where the annotator is not to be trusted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.arguments import shown
from lookalike.curate.labels import prune
from lookalike.errors import DataError, OptionError
from lookalike.learn import classifier, folds_of

Array = npt.NDArray[Any]
Ask = Callable[[Array, Array, Array], Array]

SHOWN = 10  # demonstrations of a row
CONFIDENT = 0.2  # share of the clean rows of each class, the surest, that are shown
ASKED_AGAIN = 0.25  # share of the rows, the least sure, that a round asks about at most
FOLDS = 5
WHO = ("model", "llm", "person")


@dataclass(frozen=True)
class Relabelled:
    """codes: (rows,) the labels. asked: (rows,) how often the annotator was asked about each row. clean:
    (rows,) bool, those that the student said were right at last. changed: rows whose label is another now,
    after each round.
    """

    codes: Array
    asked: Array
    clean: Array
    changed: list[int]


def relabel(
    points: Array, ask: Ask, classes: int, *, codes: Array | None = None, rounds: int = 2, seed: int = 0
) -> Relabelled:
    """Labels of all rows, by an annotator and what a student learns of it.

    points: (rows, dims), in which rows that are alike are near. ask: from (m,) row numbers, (m, k) the
    numbers of the rows that each is shown with (k is 0 where none are known yet, else up to 10), and their
    labels, (m, k), to (m,) labels, 0 to classes - 1; -1 is no answer, and the label stays. It is called once
    before the rounds, unless codes, (rows,), are the labels to begin with, and once in each round. Which rows
    it is asked about depends on the seed and its answers alone: a ledger can answer again.

    A round asks about a quarter of the rows at most, those whose label the student finds least likely.
    Raises OptionError for rounds below 1, DataError for an answer that is no label, or fewer than 2 classes
    among the labels.
    """
    if rounds < 1:
        raise OptionError(f"{shown(rounds)} rounds were asked for: ask for 1 or more.")
    rows = np.arange(len(points))
    asked = np.zeros(len(points), dtype=np.int64)
    nothing = np.empty((len(points), 0), dtype=np.int64)
    if codes is None:
        codes = _answers(ask(rows, nothing, nothing), len(points), classes)
        asked += 1
        if (codes < 0).any():
            raise DataError(f"{int((codes < 0).sum()):,} rows have no first label: ask for them again.")
    now, changed = np.array(codes, dtype=np.int64), []
    clean = np.zeros(len(points), dtype=bool)
    for turn in range(rounds):
        chances = _student(points, now, classes, seed + turn)
        guess = chances.argmax(1)
        clean = ~prune(chances, now) & (guess == now)
        rest = np.flatnonzero(~clean)
        doubt = np.argsort(chances[rest, now[rest]], kind="stable")
        rest = np.sort(rest[doubt[: max(1, int(ASKED_AGAIN * len(points)))]])
        before = now.copy()
        if len(rest):
            near = _demonstrations(points, now, chances, clean, rest)
            answers = _answers(ask(rest, near, now[near]), len(rest), classes)
            asked[rest] += 1
            now[rest] = _agreed(chances[rest], answers, before[rest])
        changed.append(int((now != before).sum()))
    return Relabelled(now, asked, clean, changed)


def _student(points: Array, codes: Array, classes: int, seed: int) -> Array:
    """(rows, classes) out of fold, each row by a model that has not learned from it; 0 for absent classes."""
    if len(np.unique(codes)) < 2:
        raise DataError("all rows have the same label: there is nothing that a student could learn.")
    chances = np.zeros((len(codes), classes))
    for learned, held in folds_of(codes, FOLDS, seed):
        model = classifier().fit(points[learned], codes[learned])
        chances[np.ix_(held, model.classes_)] = model.predict_proba(points[held])
    return chances


def _demonstrations(points: Array, codes: Array, chances: Array, clean: Array, rest: Array) -> Array:
    """(rest, k) the nearest of the surest clean rows of each class."""
    from sklearn.neighbors import NearestNeighbors

    pool: list[int] = []
    for code in np.unique(codes[clean]):
        own = np.flatnonzero(clean & (codes == code))
        order = own[np.argsort(-chances[own, code], kind="stable")]
        pool += order[: max(SHOWN, int(CONFIDENT * len(own)))].tolist()
    if not pool:
        return np.empty((len(rest), 0), dtype=np.int64)
    some = np.array(sorted(pool), dtype=np.int64)
    near = NearestNeighbors(n_neighbors=min(SHOWN, len(some))).fit(points[some])
    return some[near.kneighbors(points[rest], return_distance=False)]


def _agreed(chances: Array, answers: Array, before: Array) -> Array:
    """The label of each row that was asked about again: the most supported of the answer, the label that it
    had, and the student's guess. Each answer of the annotator counts as a vote of 1, the student's as its
    chance of each class, so that it decides where two answers differ.
    """
    votes, rows = chances.copy(), np.arange(len(before))
    votes[rows, before] += 1
    given = answers >= 0
    votes[rows[given], answers[given]] += 1
    return np.asarray(votes.argmax(1))


def _answers(answers: Any, count: int, classes: int) -> Array:
    found = np.asarray(answers)
    if found.shape != (count,) or not np.isin(found, np.arange(-1, classes)).all():
        raise DataError(
            f"ask gave {shown(answers)} for {count:,} rows: give each row a label from 0 to {classes - 1}, "
            "-1 for none."
        )
    return found.astype(np.int64)


def vote_entropy(votes: Array, classes: int) -> Array:
    """(rows,) the entropy of the answers to several forms of the prompt, 0 (all agree) to 1.

    votes: (rows, forms) labels, 0 to classes - 1; -1 is no answer, and counts as an answer of its own.
    """
    shares = np.stack([(votes == code).mean(1) for code in range(-1, classes)], axis=1)
    entropy = -(shares * np.log(np.maximum(shares, 1e-300))).sum(1)
    return np.asarray(entropy / np.log(max(min(votes.shape[1], classes + 1), 2)))


@dataclass(frozen=True)
class Allocated:
    """who: (rows,) one of `WHO`, who labels each row. codes: (rows,) the label so far: the student's where
    the model labels, else the answer of most forms; a person is to replace it. entropy: (rows,) 0..1.
    """

    who: Array
    codes: Array
    entropy: Array


def allocate(votes: Array, chances: Array | None, people: float, classes: int) -> Allocated:
    """Who labels each row: a share of people, 0..1, those on which the answers differ most; of the others the
    model where it is surer of its guess than the forms agree, else the annotator.

    votes: (rows, forms) as `vote_entropy`; chances: (rows, classes) of a student, out of fold, None where
    there is none: it decides between rows of the same entropy, too.
    """
    if not 0 <= people <= 1:
        raise OptionError(f"the share of people is {shown(people)}: choose a number from 0 to 1.")
    rows = np.arange(len(votes))
    counts = np.stack([(votes == code).sum(1) for code in range(classes)], axis=1)
    major, entropy = counts.argmax(1), vote_entropy(votes, classes)
    doubt = np.zeros(len(votes)) if chances is None else 1 - chances[rows, major]
    who = np.full(len(votes), WHO[1], dtype=object)
    codes = major.copy()
    if chances is not None:
        surer = chances.max(1) > counts.max(1) / votes.shape[1]
        who[surer], codes[surer] = WHO[0], chances[surer].argmax(1)
    worst = np.lexsort((-doubt, -entropy))[: round(people * len(votes))]
    who[worst], codes[worst] = WHO[2], major[worst]
    return Allocated(who, codes, entropy)
