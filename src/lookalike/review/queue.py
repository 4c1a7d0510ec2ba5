"""Which rows people see, and in which order: a finite queue of uncertain, random and repeated rows.

Of ten items seven are the rows of which the checks are least certain, two are drawn at random, and one is a
row that comes a second time. Only the random ones estimate the share of errors of the table, as the others
were chosen because they look wrong; only the repeated ones tell how far reviewers agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from lookalike.decisions import Decisions
from lookalike.seed import child
from lookalike.texts.near import leaders

UNCERTAIN, RANDOM, TWICE = 0.7, 0.2, 0.1
MOST_ALIKE = 3  # uncertain rows of one group of near-duplicates
BLOCK, LOOKED_AT = 500, 4000  # uncertain rows whose texts are compared at once, and in all
EARLY, LATE = 0.5, 0.6  # of the queue: rows that come twice come first before the one, then after the other


class Item(NamedTuple):
    """A row in the queue. turn: 1, or 2 where it comes again. part: "uncertain" or "random"."""

    row: int
    turn: int
    part: str


def make(
    rows: int,
    decisions: Decisions | None,
    wanted: int,
    seed: int = 0,
    texts: Sequence[str] | None = None,
) -> list[Item]:
    """The queue of a table of `rows` rows: at most `wanted` items, no row more than twice.

    Where the decisions are on too few rows, or there are none, more rows are drawn at random. texts: (rows,)
    of which near-duplicates are found. The random rows are the first of one order of all rows, so that those
    of a longer queue include those of a shorter one.
    """
    rng = child(seed, "review", "queue")
    order = rng.permutation(rows)
    twice = round(TWICE * wanted)
    once = min(wanted - twice, rows)
    twice = min(twice, round(once * TWICE / (1 - TWICE)), once // 2)
    flagged = [] if decisions is None else _spread(uncertain(decisions, order), decisions, texts, once)
    drawn = round(once * RANDOM / (RANDOM + UNCERTAIN))
    left = set(flagged) - set(order[:drawn].tolist())
    while drawn + min(len(left), once - drawn) < once:
        left.discard(int(order[drawn]))
        drawn += 1
    random = order[:drawn].tolist()
    chosen = [row for row in flagged if row in left][: once - drawn]
    turns: list[tuple[float, Item]] = []
    for part, some in (("uncertain", chosen), ("random", random)):
        turns += [((at + 0.5) / len(some), Item(row, 1, part)) for at, row in enumerate(some)]
    turns.sort(key=lambda turn: turn[0])
    early = [item for at, item in turns if at < EARLY] or [item for _, item in turns]
    again = [early[at] for at in np.sort(rng.permutation(len(early))[:twice])]
    turns += [
        (LATE + (1 - LATE) * (at + 0.5) / twice, item._replace(turn=2)) for at, item in enumerate(again)
    ]
    return [item for _, item in sorted(turns, key=lambda turn: turn[0])]


def longer(items: Sequence[Item], wanted: Sequence[Item]) -> list[Item]:
    """A queue that was begun, followed by what a longer one has beyond it."""
    part = {item.row: item.part for item in wanted}
    kept = [item._replace(part=part.get(item.row, item.part)) for item in items]
    known = {(item.row, item.turn) for item in items}
    fresh = [item for item in wanted if (item.row, item.turn) not in known]
    repeats = max(0, len(wanted) - len(kept) - sum(item.turn == 1 for item in fresh))
    again = [item for item in fresh if item.turn > 1][:repeats]
    return kept + [item for item in fresh if item.turn == 1 or item in again]


def uncertain(decisions: Decisions, order: Any) -> list[int]:
    """The rows of decisions, least certain first.

    A check is least certain of the rows whose score is nearest its limit. Checks measure in units of their
    own, so each ranks its own rows and they take turns by the share of the rank. Rows without a score stand
    in an order by chance.
    """
    rank = np.empty(decisions.rows)
    rank[order] = np.arange(decisions.rows)
    table = decisions.table
    table = table.assign(apart=(table["score"] - table["limit"]).abs(), chance=rank[table["row"]])
    best: dict[int, float] = {}
    for _, own in table.groupby("check", sort=True):
        own = own.sort_values(["apart", "chance"], na_position="last").drop_duplicates("row")
        for at, row in enumerate(own["row"].tolist()):
            share = (at + 0.5) / len(own)
            best[row] = min(share, best.get(row, 1.0))
    return sorted(best, key=lambda row: (best[row], rank[row]))


def _spread(rows: list[int], decisions: Decisions, texts: Sequence[str] | None, most: int) -> list[int]:
    """The first rows without those beyond three of a group of near-duplicates, at most twice `most`."""
    group = groups(decisions)
    leading: list[int] = []  # rows whose texts stand for others
    seen: Counter[int] = Counter()
    found: list[int] = []
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        if texts is not None and start < LOOKED_AT:
            followed, _ = leaders([texts[r] for r in block], against=[texts[r] for r in leading])
            known = [*block, *leading]
            for row, leader in zip(block, followed.tolist(), strict=True):
                if leader >= 0:
                    group[row] = group.get(known[leader], known[leader])
            leading += [row for row, leader in zip(block, followed.tolist(), strict=True) if leader < 0]
        for row in block:
            of = group.get(row, row)
            seen[of] += 1
            if seen[of] <= MOST_ALIKE:
                found.append(row)
        if len(found) >= 2 * most:  # some of them are among the random ones
            break
    return found


def groups(decisions: Decisions) -> dict[int, int]:
    """row -> the row that it repeats, of decisions on repeats."""
    table = decisions.table
    repeats = table[table["check"].isin(REPEATS)]
    pairs = zip(repeats["row"].tolist(), repeats["value"].tolist(), strict=True)
    found = {row: other for row, value in pairs if (other := whole(value, decisions.rows)) is not None}
    return {row: _leader(row, found) for row in found}


REPEATS = ("near", "conflict", "semantic", "exact")  # checks whose value is the row that is repeated


def whole(value: Any, below: int) -> int | None:
    """A value of a decision as the number of a row, None for what is none."""
    number = isinstance(value, int | float | np.integer) and not isinstance(value, bool)
    return int(value) if number and value == value and 0 <= value < below else None


def _leader(row: int, found: Mapping[int, int]) -> int:
    seen = {row}
    while row in found and found[row] not in seen:
        row = found[row]
        seen.add(row)
    return row
