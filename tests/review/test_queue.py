"""The queue: seven of ten uncertain, two random, one repeated; the random ones are a sample of all rows."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from lookalike.decisions import Decisions
from lookalike.review.queue import MOST_ALIKE, groups, longer, make, uncertain


def decided(rows: int, flagged: int, **more: object) -> Decisions:
    """Row i of the first `flagged` has the score i, the limit is 0: row 0 is the least certain."""
    found = [
        {"row": row, "check": "length", "score": float(row), "limit": 0.0, "action": "drop"} | more
        for row in range(flagged)
    ]
    return Decisions.of(found, rows)


def test_the_shares_and_the_order() -> None:
    items = make(1000, decided(1000, 400), 200)
    parts = Counter((item.part, item.turn) for item in items)
    assert parts["uncertain", 1] == 140 and parts["random", 1] == 40
    assert parts["uncertain", 2] + parts["random", 2] == 20
    assert len({(item.row, item.turn) for item in items}) == 200
    sure = [item.row for item in items if item.part == "uncertain" and item.turn == 1]
    assert sure == sorted(sure)  # the least certain first
    at = {(item.row, item.turn): place for place, item in enumerate(items)}
    repeats = [item.row for item in items if item.turn == 2]
    assert all(at[row, 2] > at[row, 1] + 5 for row in repeats)
    halves = Counter(item.part for item in items[:100] if item.turn == 1)
    assert halves["random"] == pytest.approx(20, abs=4)  # spread evenly, so that one may stop early


def test_the_random_rows_are_a_sample_of_all_rows() -> None:
    """Each row is drawn as often, whether it is flagged or not."""
    drawn, flagged = Counter[int](), decided(50, 20)
    for seed in range(400):
        drawn.update(i.row for i in make(50, flagged, 20, seed) if i.part == "random" and i.turn == 1)
    shares = np.array([drawn[row] for row in range(50)]) / 400
    each = shares.mean()
    assert each == pytest.approx(4 / 50, abs=1e-9)
    assert abs(shares[:20].mean() - shares[20:].mean()) < 3 * np.sqrt(each / 400 / 20 + each / 400 / 30)


@pytest.mark.parametrize("rows", [1, 2, 3, 9, 30])
@pytest.mark.parametrize("flagged", [0, 1, 30])
def test_small_tables_are_seen_whole(rows: int, flagged: int) -> None:
    items = make(rows, decided(rows, min(flagged, rows)), 200)
    assert sorted(item.row for item in items if item.turn == 1) == list(range(rows))
    assert sum(item.turn == 2 for item in items) <= rows // 2
    assert len(make(rows, None, 200)) == len(items)


def test_without_enough_decisions_the_rest_is_random() -> None:
    assert {item.part for item in make(1000, None, 50)} == {"random"}
    parts = Counter(item.part for item in make(1000, decided(1000, 5), 50) if item.turn == 1)
    assert parts["uncertain"] <= 5 and sum(parts.values()) == 45


def test_a_longer_queue_goes_on_from_a_shorter_one() -> None:
    decisions = decided(1000, 400)
    short, long = make(1000, decisions, 50), make(1000, decisions, 100)
    grown = longer(short, long)
    assert [(item.row, item.turn) for item in grown[:50]] == [(item.row, item.turn) for item in short]
    assert {i.row for i in long} <= {i.row for i in grown} and len(grown) == 100
    assert sum(item.turn == 2 for item in grown) == 10
    random = {item.row for item in long if item.part == "random"}
    assert all((item.part == "random") == (item.row in random) for item in grown if item.row in random)


def test_at_most_three_of_a_group_by_the_decisions_and_by_the_texts() -> None:
    near = decided(400, 100, check="near", value=200)
    assert set(groups(near).values()) == {200}
    rows = [item for item in make(400, near, 100) if item.part == "uncertain" and item.turn == 1]
    assert len(rows) == MOST_ALIKE
    texts = ["please tell me when my new card will come to my house"] * 40 + [
        f"{row} {row * 7} {row * 13} something else" for row in range(360)
    ]
    items = make(400, decided(400, 100), 50, texts=texts)
    assert sum(i.row < 40 for i in items if i.part == "uncertain" and i.turn == 1) == MOST_ALIKE


def test_a_group_that_fills_the_first_block_leaves_room_for_others() -> None:
    same = "please tell me when my new card will come to my house"
    texts = [f"{same}{'!' * (row % 3)}" if row < 700 else f"{row} {row * 7} {row * 13}" for row in range(900)]
    items = make(900, decided(900, 900), 100, texts=texts)
    uncertain = [item.row for item in items if item.part == "uncertain" and item.turn == 1]
    assert len(uncertain) == 70 and sum(row < 700 for row in uncertain) <= MOST_ALIKE


def test_each_check_ranks_its_own_rows_and_they_take_turns() -> None:
    found = [
        {"row": row, "check": "length", "score": 100.0 * row, "limit": 0.0, "action": "drop"}
        for row in range(4)
    ] + [{"row": 9 - row, "check": "symbols", "score": row / 100, "limit": 0.0} for row in range(4)]
    found += [{"row": 5, "check": "exact", "action": "drop"}]
    order = uncertain(Decisions.of([{"action": "drop"} | one for one in found], 10), np.arange(10))
    assert [set(order[:2]), set(order[2:4]), order[4]] == [{0, 9}, {1, 8}, 5]
    assert [set(order[5:7]), set(order[7:])] == [{2, 7}, {3, 6}]
