"""Whose turn it is: the class that the next request is for, so that a budget that ends leaves the classes in
their shares.

A model's records are rejected more often in one class than in another. So a round is not planned to its end
before the first reply: it asks for as much as all rounds before it, and each of its requests is for the class
that is furthest behind its share of the accepted rows, with what the requests before it in the round will
probably bring. Rounds depend on counts alone, never on the budget, so that a run with a larger one goes on in
the same way.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Mapping, Sequence

from lookalike.arguments import brief
from lookalike.prompting.work import Work

FIRST = 24  # requests of the first round, where there are several classes
DEAREST = 4.0  # times the records of the best class that are asked for a row of a class, at most
BEFOREHAND = 10.0  # records at the common rate that each class begins with
NOTICED = 0.1  # of its share: a class that lacks more is told of

Ask = tuple[Work, int]  # a place, and how many records it is asked for


def in_turn(works: Sequence[Work], asks: Sequence[Ask], before: int) -> list[Ask]:
    """The requests of a round, in the order in which they are made; the others wait for a later round.

    works: all places; asks: what they lack, the most urgent of each class first; before: requests that were
    made in earlier rounds.
    """
    queues: dict[str | None, deque[Ask]] = {}
    for ask in asks:
        queues.setdefault(ask[0].place.label, deque()).append(ask)
    if len(queues) < 2:
        return list(asks)
    share = wanted(works)
    ahead, rates = _standing(works)
    order = {name: at for at, name in enumerate(queues)}
    heap = [(ahead[name] / share[name], order[name], name) for name in queues]
    heapq.heapify(heap)
    found: list[Ask] = []
    while heap and len(found) < max(FIRST, before):
        _, _, name = heapq.heappop(heap)
        found.append(queues[name].popleft())
        ahead[name] += found[-1][1] * rates[name]
        if queues[name]:
            heapq.heappush(heap, (ahead[name] / share[name], order[name], name))
    return found


def _standing(works: Sequence[Work]) -> tuple[dict[str | None, float], dict[str | None, float]]:
    """Of each class how many rows it has, and how many a record that is asked for brings.

    A class of which little is accepted counts as if a quarter of what the best class brings were, so that it
    does not use up the budget.
    """
    made, asked, good = (Counter[str | None]() for _ in range(3))
    for work in works:
        name = work.place.label
        made[name] += work.made
        asked[name] += work.total_asked
        good[name] += work.total_good
    usual = (good.total() + 1) / (asked.total() + 1)
    rates = {name: (good[name] + BEFOREHAND * usual) / (asked[name] + BEFOREHAND) for name in made}
    least = max(rates.values()) / DEAREST
    ahead = {name: max(float(made[name]), asked[name] * least) for name in made}
    return ahead, {name: max(rate, least) for name, rate in rates.items()}


def wanted(works: Sequence[Work]) -> Counter[str | None]:
    """How many rows of each class the places are to bring."""
    found: Counter[str | None] = Counter()
    for work in works:
        found[work.place.label] += work.wanted
    return found


def behind(share: Mapping[str | None, int], made: Mapping[str | None, int]) -> str | None:
    """The class that lacks most of its share of the rows that were made, in a sentence; None where each has
    about its share.
    """
    total, whole = sum(made.values()), sum(share.values())
    lack = {name: count / whole * total - made.get(name, 0) for name, count in share.items() if count}
    if len(lack) < 2 or not total:
        return None
    name = max(lack, key=lambda one: lack[one])
    own = lack[name] + made.get(name, 0)
    if lack[name] < max(NOTICED * own, 1.0):
        return None
    return (
        f"the classes are not in their shares: '{brief(name)}' has {made.get(name, 0):,} of {total:,} rows; "
        f"its share would be {own:,.0f}."
    )
