"""How many threads torch computes with: chosen by measuring steps, again and again as the machine changes.

A step of a small model is hundreds of parallel regions of microseconds, at the end of each of which every
thread waits for the others. Where another process keeps a core busy, one waits for the scheduler each time:
two threads are then up to 50 times as slow as one, and on a quiet machine 1.3 times as fast. Nothing but
the time of a step tells which is the case.
"""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import TypeVar

import torch

from lookalike.difflm.norm import one_thread
from lookalike.errors import OptionError

Part = TypeVar("Part")
Desk = TypeVar("Desk")
Made = TypeVar("Made")

WARM = 3  # steps before anything is measured: the first ones take memory
EACH = 5  # steps of each number of threads in a trial, of which the slowest does not count
FIRST, LONGEST = 2.0, 20.0  # seconds to the next trial, doubled as long as trials change nothing
SLOWER = 1.5  # times the measured cost of a step: a trial is due at once
HOPELESS = (2.0, 1.5)  # times the best cost, in one step and in each of several: the trial of it ends
ROUNDS, LOOPS = 40, 25  # of the look whether cores are free: 7 ms, longer than a turn of a core
ALONE = 3  # rounds of it by one thread, of which the quickest counts
EACH_LOOP = 65_536  # numbers that each thread adds to in a loop
COARSE = 0.3  # seconds of a step: before the next one it is worth a look whether the cores are still free
STALLED = 2.0  # times as slow as one thread: a core of the loop is not free
GAIN = 0.97  # of the cost with fewer threads, at most: else the fewer are taken


class Threads:
    """The number of threads, from step to step.

    asked: that number throughout; None: chosen, among 1, 2, 4 ... and the most that torch would take (the
    cores, or OMP_NUM_THREADS). Raises OptionError for what is no number of threads.
    """

    def __init__(self, asked: int | None = None):
        if asked is not None and (isinstance(asked, bool) or not isinstance(asked, int) or asked < 1):
            raise OptionError(f"threads is {asked!r}: choose a whole number of at least 1, or None.")
        most = torch.get_num_threads() if asked is None else asked
        self.counts = [most] if asked is not None else [*(2**k for k in range((most - 1).bit_length())), most]
        self.now, self._looked = self.counts[0], True
        self._begun = self._last = 0.0
        self._forget(WARM)

    def restart(self, warm: int = WARM) -> None:
        """Steps of another kind follow, the first `warm` of which are not measured.

        They begin with as many threads as there are free cores for, of which the first one makes sure.
        """
        self._looked = False
        self._forget(warm)

    @property
    def most(self) -> int:
        """For what is done side by side: threads that do not wait for each other need no free cores."""
        return self.counts[-1]

    def _look(self) -> None:
        """Take as many threads as there are free cores for."""
        self._looked = True
        if len(self.counts) > 1:
            self.now = max(c for c in self.counts if c == self.counts[0] or self._are_free(c))
            self._set(self.now)

    def _forget(self, warm: int) -> None:
        self.cost: dict[int, float] = {}  # number of threads -> seconds of a unit of work in the last trial
        self._trial: list[int] = []  # the numbers of threads of the next steps
        self._took: dict[int, list[float]] = {}
        self._recent = 0.0  # a running mean of the cost of the steps
        self._warm, self._wait, self._due = warm, FIRST, 0.0

    @contextlib.contextmanager
    def used(self) -> Iterator[None]:
        """For a stretch of steps; afterwards torch has the number of threads that it had."""
        before = torch.get_num_threads()
        self._set(self.now)
        try:
            yield
        finally:
            self._set(before)

    def begin(self) -> None:
        """A step begins."""
        if not self._looked:
            self._look()
        elif self._trial:
            self._set(self._trial[0])
        elif self.now > 1 and self._last > COARSE and not self._are_free(self.now):
            self._look()
        self._begun = perf_counter()

    def end(self, work: float = 1.0) -> None:
        """The step is over; work: how much it did, in any unit that its time is in proportion to."""
        if len(self.counts) == 1:
            return
        now = perf_counter()
        self._last = now - self._begun
        cost = self._last / max(work, 1e-9)
        if self._warm:
            self._warm -= 1
        elif self._trial:
            self._tried(cost, now)
        else:
            self._recent = cost if not self._recent else 0.7 * self._recent + 0.3 * cost
            if not self.cost:  # what the later ones are held against
                self.cost, self._due = {self.now: cost}, now + self._wait / 2
            slow = self.now > 1 and self._recent > SLOWER * self.cost.get(self.now, 0.0)
            if now >= (self._due - self._wait + min(self._wait / 4, FIRST) if slow else self._due):
                self._start()

    def _start(self) -> None:
        """A trial begins: of all numbers of threads at first, then of those next to the one in use.

        More threads are tried only where there are cores for them: a single step would take seconds.
        """
        near = self.counts.index(self.now)
        others = self.counts if len(self.cost) < 2 else self.counts[max(0, near - 1) : near + 2]
        tried = [c for c in others if c < self.now or (c > self.now and self._are_free(c))]
        self._trial = [*tried, self.now] * EACH if tried else [self.now]
        self._took = {count: [] for count in self._trial}

    def _are_free(self, count: int) -> bool:
        """Whether so many threads run side by side: loops of microseconds, else stalled by the scheduler.

        A thread that has slept has its first turn of a core at once: the look is longer than a turn. One
        thread may be stalled, too, where there are more processes than cores: its quickest round counts.
        """
        before = torch.get_num_threads()
        try:
            alone = min(self._round(1) for _ in range(ALONE))
            left = STALLED * ROUNDS * max(alone, 1e-9)
            for _ in range(ROUNDS):
                left -= self._round(count)
                if left < 0:
                    return False
            return True
        finally:
            self._set(before)

    def _round(self, count: int) -> float:
        """Seconds of the loops of one round, by so many threads."""
        self._set(count)
        numbers = torch.zeros(count * EACH_LOOP)
        begun = perf_counter()
        for _ in range(LOOPS):
            numbers.add_(1)
        return perf_counter() - begun

    def _tried(self, cost: float, now: float) -> None:
        """A step of a trial is over; after the last one the best number of threads is taken."""
        count = self._trial.pop(0)
        self._took[count].append(cost)
        known = [self._recent] if self._recent else []
        best = min([_mean(costs) for costs in self._took.values() if costs] + known)
        hopeless = {
            c for c, costs in self._took.items() if costs and _mean(costs) > HOPELESS[len(costs) > 1] * best
        }
        self._trial = [c for c in self._trial if c not in hopeless]
        if set(self._trial) - {self.now} or (self._trial and not self._took[self.now]):
            return
        self._trial = []
        self.cost = {count: _mean(costs) for count, costs in self._took.items() if costs}
        before = self.now
        for count in sorted(self.cost):
            if count == min(self.cost) or self.cost[count] < GAIN * self.cost[self.now]:
                self.now = count
        self._wait = FIRST if self.now != before else min(2 * self._wait, LONGEST)
        self._due, self._recent = now + self._wait, 0.0
        self._set(self.now)

    @staticmethod
    def _set(count: int) -> None:
        if torch.get_num_threads() != count:
            torch.set_num_threads(count)


def _mean(costs: list[float]) -> float:
    """The mean of all but the slowest: one hiccup of the machine says nothing of a number of threads."""
    kept = sorted(costs)[: max(1, len(costs) - 1)]
    return sum(kept) / len(kept)


def side_by_side(
    work: Callable[[Part, Desk], Made], parts: Sequence[Part], desk: Callable[[], Desk], threads: int
) -> Iterator[Made]:
    """What is made of each part, in their order, of as many parts at once as there are threads.

    Each part is computed by one thread: those of torch would wait for each other after every operation. A
    thread works at a desk of its own, which holds what only one may use at a time. While the caller looks at
    what is made, torch has one thread.
    """
    count = min(threads, len(parts))
    with one_thread():
        if count < 2:
            own = desk()
            for part in parts:
                yield work(part, own)
            return
        desks: queue.SimpleQueue[Desk] = queue.SimpleQueue()
        for _ in range(count):
            desks.put(desk())

        def at_desk(part: Part) -> Made:
            own = desks.get()
            try:
                return work(part, own)
            finally:
                desks.put(own)

        pool = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,))
        try:
            yield from pool.map(at_desk, parts)
        finally:
            pool.shutdown(cancel_futures=True)
