"""How a training goes: the time it has and will take, when it ends, and whether it was cut short."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any

from lookalike.progress import duration, say

FORECAST, SOON = 12, 5.0  # steps after which the time is told, or seconds: the first ones try threads
WORTH_SAYING = 10.0  # seconds: of a shorter training no forecast is made
PASSED = 2  # steps after which the pace is measured: the first ones take memory
LITTLE = 0.25  # of the steps: a model that had fewer is hardly usable


class Clock:
    """Seconds spent on a fit, over all its restarts, and the limit on them (None = no limit).

    asked: the limit that the user knows of, where `limit` leaves time for what follows; drawing: the rows
    that are drawn in that time, 0 where none is left.
    """

    def __init__(self, limit: float | None, spent: float = 0.0):
        self.limit, self.start = limit, time.perf_counter() - spent
        self.asked, self.drawing = limit, 0
        self.stopped = False

    def leave(self, share: float, rows: int) -> None:
        """Leave a share of the limit, where there is one, to draw so many rows in."""
        if self.limit is not None:
            self.limit, self.drawing = self.limit * (1 - share), rows

    def take_back(self) -> None:
        """What was left for rows to be drawn is not needed for that."""
        self.drawing = 0
        if not self.stopped:
            self.limit = self.asked

    def left_for(self, pace: float) -> float:
        """The share of the time left to draw rows in that they take at a pace, rows a second."""
        if not self.drawing or self.limit is None or self.asked is None:
            return 0.0
        return self.drawing / max(pace, 1e-9) / max(self.asked - self.limit, 1e-9)

    def spent(self) -> float:
        return time.perf_counter() - self.start

    def stop(self, kept: float) -> None:
        """The user wants what has been learned by now: what is left is the share `kept` for what follows."""
        now = self.spent() / (1 - kept)
        self.limit, self.stopped = now if self.limit is None else min(now, self.limit), True

    def done(self, share: float, begun: float, kept: float = 0.0) -> float:
        """How much of a stage is over: the share of its steps or of its time, whichever is more.

        begun: seconds spent when it began; kept: the share of the time limit that is left for what follows.
        """
        if self.limit is None:
            return share
        if self.stopped and kept:
            return 1.0
        limit = max(self.limit * (1 - kept), begun + 0.5)
        return max(share, (self.spent() - begun) / (limit - begun))


@dataclass
class Course:
    """One stage of a training, from its first step to its end.

    what: what is trained; steps: as many as it takes without a limit; begun: seconds on the clock when it
    began, over all restarts; kept: as of `Clock.done`; first: the step that this process begins with.
    """

    what: str
    steps: int
    clock: Clock
    begun: float
    kept: float = 0.0
    first: int = 0
    progress: bool = True
    ended: str = "steps"
    told: bool = False
    start: float = field(default_factory=time.perf_counter)
    wanted: int = 0  # steps that were planned before the plan was fitted to the time limit; 0: it never was
    since: tuple[int, float] = (0, 0.0)  # the step from which on the pace is measured, and when it began

    def affordable(self, step: int) -> int:
        """Steps in all that the time limit leaves room for at the pace so far, of those that are wanted."""
        wanted, (first, begun) = self.wanted or self.steps, self.since
        if self.clock.limit is None or step <= first:
            return wanted
        pace = (time.perf_counter() - begun) / (step - first)
        left = self.clock.limit * (1 - self.kept) - self.clock.spent()
        return min(wanted, step + max(1, int(left / max(pace, 1e-9))))

    def plan(self, step: int, steps: int, work: float = 1.0) -> None:
        """Before this step: so many are made in all. work: of a step from now on, over that of one so far."""
        told = bool(self.wanted)
        self.steps, self.wanted = steps, round((self.wanted or self.steps) / work)
        share = steps / self.wanted
        if not told and share < 1 and self.clock.asked is not None:
            little = "; what is learned in them is hardly usable" if share < LITTLE else ""
            say(
                f"training {self.what}: the time limit of {duration(self.clock.asked)} is enough for about "
                f"{share:.0%} of {self.wanted:,} steps: it is planned for {steps:,}{little}",
                progress=self.progress,
            )

    def pace_from(self, step: int) -> None:
        """The pace is measured from this step on, which is about to begin."""
        self.since = (step, time.perf_counter())

    def over(self, step: int, waiting: bool = False) -> bool:
        """Whether the stage ends before this step; waiting: whether validations have stopped improving.

        `ended` then says why: "steps" (all were made), "time", "stopped" (by the user) or "no gain".
        """
        if step <= self.first + PASSED:
            self.pace_from(step)
        if step >= self.steps:
            return True
        if waiting:
            self.ended = "no gain"
        elif self.done(step) >= 1:
            self.ended = "stopped" if self.clock.stopped else "time"
        else:
            taken = time.perf_counter() - self.start
            if not self.told and (step >= self.first + FORECAST or (taken >= SOON and step > self.first)):
                self.told = True
                self._forecast(step)
            return False
        return True

    def done(self, step: int) -> float:
        """How much is over, from 0 to 1: the learning rate follows it."""
        return self.clock.done(step / self.steps, self.begun, self.kept)

    def needed(self, step: int) -> float:
        """Seconds that all the steps take at the pace so far."""
        return (time.perf_counter() - self.start) / max(1, step - self.first) * self.steps

    def _forecast(self, step: int) -> None:
        needed = self.needed(step)
        if self.clock.limit is None or self.clock.asked is None:
            if needed >= WORTH_SAYING:
                text = f"training {self.what}: {self.steps:,} steps, about {duration(needed)} at most"
                say(text, progress=self.progress)
            return
        share = (self.clock.limit * (1 - self.kept) - self.begun) / max(needed, 1e-9)
        if share < 1:
            little = "; what is learned by then is hardly usable" if share < LITTLE else ""
            say(
                f"training {self.what}: the time limit of {duration(self.clock.asked)} is enough for about "
                f"{max(share, 1 / self.steps):.0%} of {self.steps:,} steps, which take about "
                f"{duration(needed)}{little}",
                progress=self.progress,
            )
        elif needed >= WORTH_SAYING:
            say(
                f"training {self.what}: {self.steps:,} steps, about {duration(needed)} at most",
                progress=self.progress,
            )

    def facts(self, step: int) -> dict[str, Any]:
        """What happened, for the history of a model.

        seconds: since this process began with it; needed: seconds for all the steps, if it was cut.
        """
        cut = self.ended in ("time", "stopped")
        return {
            "stage": self.what,
            "steps": step,
            "planned": self.steps,
            "ended": self.ended,
            "seconds": round(time.perf_counter() - self.start, 2),
            "needed": round(self.needed(step), 1) if cut and step > self.first else None,
        }


def shortfall(history: list[dict[str, Any]]) -> str | None:
    """One sentence on a training that was cut short, None where it was not."""
    cut = [one for one in history if one.get("ended") in ("time", "stopped")]
    if not cut:
        return None
    one = cut[0]
    why = "by the time limit" if one["ended"] == "time" else "by Ctrl-C"
    share = one["steps"] / one["planned"]
    needed = "" if one["needed"] is None else f", all of which take about {duration(one['needed'])}"
    little = "; what was learned is hardly usable" if share < LITTLE else ""
    return (
        f"the training was cut short {why}: {one['stage']} had {one['steps']:,} of {one['planned']:,} steps "
        f"({math.floor(100 * share)}%){needed}{little}."
    )
