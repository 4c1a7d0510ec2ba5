"""How an endpoint is doing: when a failing call is repeated, and when a request or a run is given up."""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Callable

from lookalike.errors import EndpointError, LLMError
from lookalike.llm.faults import MOST_TRIES, REFUSED, Fault
from lookalike.llm.pace import Pace
from lookalike.llm.sentences import dead, gave_up, hopeless, later, trying
from lookalike.llm.throttle import Throttle
from lookalike.progress import say

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0  # seconds before the first repetition, and at most before a later one
FEW = 3  # failures in a row, at least, before an endpoint counts as dead
UNSEEN = 6.0  # an endpoint that never answered counts as dead this many times sooner
SAME = {"rejected": 3, REFUSED: 6, "malformed": 6, "cut off": 6}  # failures alike in a row that end a run
AFTER_GOOD = 8  # times as many where there was a usable reply before


class Health:
    """The good replies and the failures of an endpoint.

    patience: seconds without any reply after which it counts as dead; total: seconds for which a failing
    request is repeated; pace, throttle: of its calls; clean: takes the key out of a sentence; answered:
    whether there ever was a usable reply; progress: False for silence.
    """

    def __init__(
        self,
        url: str,
        patience: float,
        total: float,
        pace: Pace,
        throttle: Throttle,
        clean: Callable[[str], str],
        answered: bool,
        progress: bool,
    ) -> None:
        self.answered = answered
        self.last_good = 0.0
        self._url, self._patience, self._total = url, patience, total
        self._pace, self._throttle, self._clean, self._progress = pace, throttle, clean, progress
        self._failures = 0  # in a row
        self._alike = ("", 0)  # what the last failures have in common, and how many there were
        self._random = random.Random()  # of the waits only: nothing that is asked depends on it

    def alive(self) -> None:
        """A reply has come, usable or not; or a run begins, before which no silence counts."""
        self.last_good, self._failures = time.monotonic(), 0

    def good(self) -> None:
        """A usable reply has come."""
        self.answered, self._alike = True, ("", 0)

    def wait(self, fault: Fault, tries: Counter[str], since: float) -> float:
        """Seconds to wait before a call is repeated.

        tries: of the call, by kind of fault; since: when it first began. Raises LLMError where the request is
        given up, EndpointError where the run is.
        """
        now, times = time.monotonic(), tries[fault.kind]
        if fault.wait is not None and fault.wait > self._total:
            raise EndpointError(self._clean(later(fault, self._url)), fault.kind) from None
        self._failures += 1
        silent = now - max(self.last_good, self._pace.last)
        bound = self._bound(fault)
        unseen = fault.kind == "connection" and bound < self._patience
        if (unseen or self._failures >= FEW) and silent > bound:
            raise EndpointError(self._clean(dead(fault, self._url, silent)), fault.kind) from None
        longest = bound / 8 if fault.kind == "connection" else LONGEST_WAIT
        wait = self._random.uniform(0.0, min(longest, FIRST_WAIT * 2.0 ** (times - 1)))  # full jitter
        if fault.wait is not None:
            if self._throttle.slowed:
                self._throttle.pause(fault.wait)
            wait = fault.wait + self._random.uniform(0.0, min(1.0, 0.1 * fault.wait))
        late = fault.kind != "timeout" and now + wait - since > self._total
        if late or times >= MOST_TRIES.get(fault.kind, times + 1):
            text = gave_up(fault, self._url, tries.total(), now - since)
            raise LLMError(self._clean(text), fault.kind) from None
        return wait

    def failed(self, fault: Fault) -> None:
        """A request has failed for good; raises EndpointError where so many in a row have failed alike that
        none will do better.
        """
        if fault.kind not in SAME:
            return
        same = fault.kind
        if fault.kind in ("rejected", REFUSED):  # but for numbers, such as that of the request
            same += re.sub(r"[0-9a-f-]{8,}|\d+", "#", fault.reason)
        self._alike = (same, self._alike[1] + 1 if self._alike[0] == same else 1)
        if self._alike[1] >= SAME[fault.kind] * (AFTER_GOOD if self.answered else 1):
            text = hopeless(fault, self._url, self._alike[1])
            raise EndpointError(self._clean(text), fault.kind) from None

    def _bound(self, fault: Fault) -> float:
        """Seconds without any reply after which the endpoint counts as dead."""
        if fault.kind == "connection":
            if self.answered or self._pace.last:
                return self._patience
            bound = self._patience / UNSEEN
            if self._failures == 1:
                say(self._clean(trying(fault, self._url, bound)), progress=self._progress)
            return bound
        if fault.kind == "rate limit":
            return max(self._patience, self._total)
        return self._patience + self._pace.silence
