"""In which order columns are put, and how much is fitted for it."""

from types import SimpleNamespace
from typing import Any

import pytest

from lookalike.difflm.small import chains
from lookalike.difflm.small.chains import Chains, Orders


class Fits:
    """A slot gains by each neighbour below it in number that comes before it."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, frozenset[int]]] = []

    def __call__(self, slot: int, before: list[int]) -> Any:
        self.asked.append((slot, frozenset(before)))
        return SimpleNamespace(gain=1.0 * sum(other < slot for other in before))


def orders(*begun: list[int], last: int | None = None) -> Orders:
    def in_turn(order: list[int]) -> list[int]:
        return order if last is None else [*(c for c in order if c != last), last]

    return Orders(list(begun), lambda order: [slot for slot in order if slot < 9], in_turn)


def test_the_likeliest_of_those_that_are_tried_is_taken() -> None:
    assert Chains(Fits()).likeliest(orders([2, 1, 0], [0, 2, 1]), exchanging=False) == [0, 2, 1]


def test_neighbours_are_exchanged_as_long_as_that_gains() -> None:
    fits = Fits()
    assert Chains(fits).likeliest(orders([3, 2, 1, 0]), exchanging=True) == [0, 1, 2, 3]
    assert len(fits.asked) == len(set(fits.asked))  # none is fitted twice


def test_an_order_that_may_not_be_is_not_tried() -> None:
    found = Chains(Fits()).likeliest(orders([3, 2, 1, 0], last=0), exchanging=True)
    assert found == [1, 2, 3, 0]


def test_so_many_are_fitted_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chains, "FITS", 4)
    fits = Fits()
    Chains(fits).likeliest(orders([5, 4, 3, 2, 1, 0]), exchanging=True)
    assert len(fits.asked) <= 6 + 4 + 1


def test_columns_without_a_fixed_slot_are_passed_over() -> None:
    assert Chains(Fits()).likeliest(orders([9, 1, 0]), exchanging=True) == [9, 0, 1]
