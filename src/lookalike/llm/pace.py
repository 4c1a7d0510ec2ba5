"""How long a server takes to begin its replies, and so how long a silence is borne."""

from __future__ import annotations

from collections import deque

SEEN = 20  # first tokens from which on a silence is judged by them
TIMES, LEAST = 10.0, 10.0  # a call is cut off that is silent for so many times the longest of them; seconds
SLOW, NOTICED = 4.0, 2.0  # times the shortest wait, and seconds, from which on a call has stood in a queue


class Pace:
    """What the first tokens of an endpoint's replies have taken.

    silence: seconds that are borne; longest: the same while the server is busy with other calls, whose end a
    call may have to wait for.
    """

    def __init__(self, silence: float, longest: float) -> None:
        self.silence, self.longest = silence, max(silence, longest)
        self.last = 0.0  # when the server last gave a sign of life
        self._waits: deque[float] = deque(maxlen=200)

    def first(self, seconds: float) -> None:
        """A reply has begun so long after its call."""
        self._waits.append(seconds)

    def queued(self, seconds: float) -> bool:
        """Whether a call that waited so long for its first token has stood in a queue."""
        return bool(self._waits) and seconds > max(NOTICED, SLOW * min(self._waits))

    def borne(self, now: float) -> float:
        """Seconds that a call may be silent: `silence`, less where a server has always been much quicker,
        more while it is writing other replies.
        """
        usual = self.longest
        if len(self._waits) >= SEEN:
            usual = max(LEAST, TIMES * max(self._waits))
        busy = now - self.last < self.silence
        return min(usual, self.longest if busy else self.silence)
