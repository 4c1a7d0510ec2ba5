"""How many calls may be in flight: additive increase, multiplicative decrease, and the server's own wishes.

The rule is that of TCP (Chiu and Jain 1989) with one change: what slows it down is the share of calls that
the server pushes back in a round of `limit` calls, not a single one, because a few refusals at random say
nothing about the load, and would hold a wide run down to a handful of calls. It begins with a few calls and
doubles them (TCP's slow start), until the server pushes back or has calls wait in a queue.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Literal

Outcome = Literal["good", "slow", "pushed back", "neither"]  # slow: good, but it stood in a queue there

TOLERATED = 0.1  # share of a round that may be pushed back before the limit falls
CHANCE = (
    1  # calls of a round more that may be refused by chance before the limit stays; twice before it falls or
    # no longer doubles
)
DECREASE = 0.6
STEPS = 16  # rounds without trouble from nothing to the full concurrency
FIRST = 8  # calls at once to begin with: twice as many after each round of good answers
LONGEST_PAUSE = 600.0  # seconds that one reply's headers may hold up everybody
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Throttle:
    """Slots for calls, first come, first served; between 1 and `concurrency` of them, as the server bears
    it.
    """

    def __init__(self, concurrency: int) -> None:
        self.most = concurrency
        self.limit = float(min(FIRST, concurrency))
        self.in_flight = 0
        self._resume = 0.0  # time before which no call starts
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._changed = 0.0  # when the limit last fell: calls from before say nothing about the new one
        self._good = self._slow = self._bad = 0
        self._opening = True  # until the server has shown what it bears

    async def acquire(self) -> float:
        """Waits for a slot; returns the time (`time.monotonic`) at which the call may start."""
        if not self._waiting and self._free():
            self.in_flight += 1
            return time.monotonic()
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._wake()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # the slot had just been given to this one
                self.in_flight -= 1
                self._wake()
            raise
        return time.monotonic()

    def release(self, started: float, outcome: Outcome) -> None:
        """Gives the slot back and learns from how the call went."""
        self.in_flight -= 1
        if outcome != "neither" and started >= self._changed:
            self._good += outcome == "good"
            self._slow += outcome == "slow"
            self._bad += outcome == "pushed back"
            calls = self._good + self._slow + self._bad
            if self._bad > TOLERATED * max(calls, self.limit) + 2 * CHANCE:
                self._set(max(1.0, self.limit * DECREASE), opening=False)
            elif calls >= self.limit:
                chance = 2 * CHANCE if self._opening else CHANCE  # a first round is a few calls
                if max(self._bad, self._slow) > TOLERATED * calls + chance:
                    self._set(self.limit, opening=False)
                else:
                    step = self.limit if self._opening else max(1.0, self.most / STEPS)
                    self._set(min(float(self.most), self.limit + step), self._opening)
        self._wake()

    def _set(self, limit: float, opening: bool) -> None:
        """A new round with this limit."""
        if limit < self.limit:
            self._changed = time.monotonic()
        self.limit, self._opening = limit, opening
        self._good = self._slow = self._bad = 0

    def pause(self, seconds: float) -> None:
        """No call starts for so long."""
        self._resume = max(self._resume, time.monotonic() + min(seconds, LONGEST_PAUSE))

    def restart(self) -> None:
        """Forgets the calls of an event loop that has ended; what was learned of the server stays."""
        self.in_flight = 0
        self._waiting.clear()
        self._timer = None

    @property
    def slowed(self) -> bool:
        """Whether the server has been pushing back, so that one call's Retry-After is meant for all."""
        return self.limit < self.most and not self._opening

    def _free(self) -> bool:
        return self.in_flight < int(self.limit) and (not self._resume or time.monotonic() >= self._resume)

    def _wake(self) -> None:
        """Gives free slots to those who wait, or looks again when the pause is over."""
        while self._waiting and self._free():
            turn = self._waiting.popleft()
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)
        rest = self._resume - time.monotonic() if self._resume else 0.0
        if self._waiting and rest > 0 and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(rest, self._look_again)

    def _look_again(self) -> None:
        self._timer = None
        self._wake()


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by `Retry-After` (seconds or a date, RFC 9110 10.2.3) or `retry-after-ms`; None
    without.
    """
    for name, unit in (("retry-after-ms", 0.001), ("Retry-After", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            return max(0.0, float(value) * unit)
        except ValueError:
            try:
                return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
            except (ValueError, TypeError):
                continue
    return None


def used_up(headers: Mapping[str, str]) -> float | None:
    """Seconds until the limit is set back, where `x-ratelimit-remaining-*` says that none is left."""
    longest = None
    for what in ("requests", "tokens"):
        if headers.get(f"x-ratelimit-remaining-{what}") == "0":
            seconds = duration(headers.get(f"x-ratelimit-reset-{what}", ""))
            if seconds is not None:
                longest = max(longest or 0.0, seconds)
    return longest


def duration(text: str) -> float | None:
    """Seconds from "1s", "6m0s", "250ms", or a number of them; None for anything else."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[smhd])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * UNITS[unit] for number, unit in parts)
