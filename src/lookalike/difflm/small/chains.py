"""The order of the columns of a small table: the one that rows are likeliest in, as trees that have not seen
them say.

What a slot is told by its trees depends on which slots come before it, but not on their order: so each is
fitted once for what comes before it, and to exchange two columns that are neighbours takes two more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lookalike.difflm.small.slotbase import SlotBase

FITS = 60  # slots that are fitted for exchanges, at most
LEAST = 0.005  # nats per row that an exchange gains, at least


@dataclass(frozen=True)
class Orders:
    """Which orders of the columns are tried; columns are named by their numbers.

    begun: those that are tried first; slots: of an order, the fixed slots in it; in_turn: of an order, the
    nearest that may be.
    """

    begun: list[list[int]]
    slots: Callable[[list[int]], list[int]]
    in_turn: Callable[[list[int]], list[int]]


class Chains:
    """The bases of slots, each fitted when it is first asked for. fit: of a slot and those before it."""

    def __init__(self, fit: Callable[[int, list[int]], SlotBase]):
        self.fit, self.known = fit, dict[tuple[int, frozenset[int]], SlotBase]()

    def of(self, order: list[int]) -> dict[int, SlotBase]:
        """Slot -> its base, when the slots are in this order."""
        found = {}
        for at, slot in enumerate(order):
            key = slot, frozenset(order[:at])
            if key not in self.known:
                self.known[key] = self.fit(slot, order[:at])
            found[slot] = self.known[key]
        return found

    def gain(self, order: list[int]) -> float:
        """Nats per row over what the slots say each by itself."""
        return sum(found.gain for found in self.of(order).values())

    def likeliest(self, orders: Orders, exchanging: bool) -> list[int]:
        """The best order of the columns.

        exchanging: whether neighbours are exchanged as long as that gains.
        """
        best = max(orders.begun, key=lambda order: self.gain(orders.slots(order)))
        most = len(self.known) + FITS
        moved = exchanging
        while moved:
            moved = False
            for at in range(len(best) - 1):
                other = [*best[:at], best[at + 1], best[at], *best[at + 2 :]]
                if orders.in_turn(other) != other or len(self.known) >= most:
                    continue
                if self.gain(orders.slots(other)) > self.gain(orders.slots(best)) + LEAST:
                    best, moved = other, True
        return best
