"""What a judge said -> figures, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lookalike.agreement import kappa, wilson
from lookalike.evaluate.judging.asking import Rated, Vote
from lookalike.evaluate.judging.bradley_terry import ANCHOR, ELO, Standing, Term, Votes, standing, styles
from lookalike.evaluate.judging.calibration import FEWEST, rate
from lookalike.evaluate.judging.pairs import REAL, Pair
from lookalike.evaluate.judging.rubric import LONGEST
from lookalike.evaluate.section import Entry, JudgedTable, entry

WORDS = {0.0: REAL, 0.5: "tie", 1.0: "synthetic"}  # which row of a pair is preferred


def outcomes(votes: Sequence[Vote]) -> dict[Pair, float]:
    """Pair -> 1 where `other` is preferred in both orders, 0 where `one` is, else 0.5; only where both were
    judged."""
    said: dict[Pair, list[float]] = {}
    for vote in votes:
        said.setdefault(vote.pair, []).append(1 - vote.won)
    both = {pair: some for pair, some in said.items() if len(some) == 2}
    return {pair: some[0] if some[0] == some[1] else 0.5 for pair, some in both.items()}


def of_flags(right: float, of: int) -> Entry:
    """A share with Wilson's interval; no figure of nothing."""
    return Entry(right / of, None, *wilson(right, of)) if of else Entry()


def share(values: Sequence[float]) -> Entry:
    """The mean of values in 0..1; where all are the same, Wilson's interval."""
    some = np.asarray(values, dtype=float)
    if len(some) < 2 or not some.std():
        return of_flags(float(some.sum()), len(some))
    return entry(float(some.mean()), None, float(some.std(ddof=1) / np.sqrt(len(some))))


def controls(votes: Sequence[Vote]) -> tuple[Entry, dict[str, tuple[int, int]]]:
    """The share of right votes on controls, and by how the rows were spoilt: (right, votes)."""
    kinds: dict[str, tuple[int, int]] = {}
    for vote in votes:
        if vote.pair.control:
            right, of = kinds.get(vote.pair.control, (0, 0))
            kinds[vote.pair.control] = right + (vote.won == 1.0), of + 1
    return of_flags(sum(one for one, _ in kinds.values()), sum(of for _, of in kinds.values())), kinds


def consistency(votes: Sequence[Vote]) -> Entry:
    """The share of the pairs of which both orders have the same verdict."""
    said: dict[Pair, list[float]] = {}
    for vote in votes:
        said.setdefault(vote.pair, []).append(vote.won)
    both = [some[0] == some[1] for some in said.values() if len(some) == 2]
    return of_flags(sum(both), len(both))


def first_place(votes: Sequence[Vote]) -> Entry:
    """The share of the votes without ties that prefer the row in the first place."""
    decided = [vote.first for vote in votes if vote.won != 0.5]
    return of_flags(sum(decided), len(decided))


def strengths(votes: Sequence[Vote], names: Sequence[str], seed: int) -> Standing:
    """Bradley-Terry of the votes that are no controls; names: of the tables, the real one first."""
    code = {name: at for at, name in enumerate(names)}
    some = [vote for vote in votes if not vote.pair.control]
    placed = [
        (vote.pair.other, vote.pair.one) if vote.swapped else (vote.pair.one, vote.pair.other)
        for vote in some
    ]
    texts = [vote.pair.texts[::-1] if vote.swapped else vote.pair.texts for vote in some]
    letters = np.array([[min(len(text), LONGEST) for text in pair] for pair in texts], dtype=float)
    real = np.array([letters[at, place.index(REAL)] for at, place in enumerate(placed) if REAL in place])
    usual = float(real.mean()) if len(real) else 1.0
    found = Votes(
        np.array([vote.pair.item for vote in some]),
        np.array([code[first] for first, _ in placed]),
        np.array([code[second] for _, second in placed]),
        np.array([vote.first for vote in some]),
        styles(letters[:, 0], letters[:, 1], real),
        styles(np.array([2 * usual]), np.array([usual]), real)[0],
    )
    return standing(found, len(names), seed)


def endless(votes: Sequence[Vote], names: Sequence[str]) -> dict[str, float]:
    """Of the tables that win or lose every vote against real rows: 1 or 0. Their Elo has no end."""
    won: dict[str, set[float]] = {name: set() for name in names}
    for vote in votes:
        for name, value in ((vote.pair.one, vote.won), (vote.pair.other, 1 - vote.won)):
            if not vote.pair.control and name in won:
                won[name].add(value)
    return {name: some.pop() for name, some in won.items() if some in ({0.0}, {1.0})}


def bound(won: float, pairs: int) -> float:
    """The Elo that a table has at most, if it lost all of so many pairs, or at least, if it won them."""
    low, high = wilson(won * pairs, pairs)
    edge = low if won else high
    return float(ANCHOR + ELO * np.log(edge / (1 - edge)))


def of_term(term: Term) -> Entry:
    return Entry(term.value, None, term.low, term.high)


def scores(rated: Sequence[Rated], names: Sequence[str]) -> dict[str, dict[str, Entry]]:
    """Table -> criterion -> the mean score, beside that of the real rows."""
    given: dict[str, dict[str, list[int]]] = {name: {} for name in names}
    for one in rated:
        for criterion, score in one.scores.items():
            given[one.table].setdefault(criterion, []).append(score)
    real = {criterion: float(np.mean(some)) for criterion, some in given[REAL].items()}
    found: dict[str, dict[str, Entry]] = {}
    for name, by in given.items():
        found[name] = {}
        for criterion, some in by.items():
            spread = float(np.std(some, ddof=1) / np.sqrt(len(some))) if len(some) > 1 else None
            beside = None if name == REAL else real.get(criterion)
            found[name][criterion] = entry(float(np.mean(some)), beside, spread, bounds=(1.0, 5.0))
    return found


def agreement(
    judged: Mapping[str, float], people: Mapping[str, float]
) -> tuple[Entry | None, Entry | None, int]:
    """How often the judge's outcome is that of people, Cohen's kappa of both, and of how many pairs.

    judged, people: key of a pair -> 0, 0.5 or 1.
    """
    both = [key for key in people if key in judged]
    if not both:
        return None, None, 0
    told = [WORDS.get(people[key], "tie") for key in both]
    found = kappa(told, [WORDS[judged[key]] for key in both])
    known = found.kappa == found.kappa
    agreed = of_flags(round(found.share * found.items), found.items)
    return agreed, Entry(found.kappa, None, found.low, found.high) if known else None, found.items


def table(
    pairs: Mapping[Pair, float], elo: Entry, rated: dict[str, Entry], people: Mapping[str, float]
) -> JudgedTable:
    """A table's figures. pairs: its own with real rows, and their outcomes. people: key -> what people
    say."""
    values = list(pairs.values())
    facts: dict[str, Any] = {
        "pairs": len(values),
        "preferred": share(values),
        "ties": float(np.mean(np.equal(values, 0.5))) if values else None,
        "elo": elo,
        "scores": rated,
    }
    seen = [(people[pair.key], value) for pair, value in pairs.items() if pair.key in people]
    if len(seen) >= FEWEST:
        others = [value for pair, value in pairs.items() if pair.key not in people]
        said, own = np.array(seen).T
        found = rate(said, own, np.array(others))
        facts |= {"people": Entry(found.value, None, found.low, found.high), "alone": found.alone}
        facts |= {"trust": found.trust, "answers": found.people}
    return JudgedTable(**facts)
