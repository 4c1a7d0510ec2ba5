"""Telling a waiting user how far it is: bars with the time left, and one line for each finished stage.

On a terminal a bar is drawn on stderr, so that stdout stays clean for what was measured. Where stderr is a
file, lines are written to it now and then, from the first seconds on. In a notebook they go to standard
output, since notebooks show stderr in red. What has no bar and no line of its own is `watched`, so that
nothing is silent for long.
"""

import re
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from itertools import pairwise
from time import perf_counter
from types import TracebackType
from typing import Any, Self, TextIO

from lookalike.arguments import as_number, shown
from lookalike.errors import OptionError

SHOW_AFTER = 2.0  # seconds: what is over sooner needs no bar
EVERY = 0.2  # seconds between two drawings of a bar
SELDOM = 10.0  # seconds between two lines of a log; the first ones come sooner
RARELY = 60.0  # the same, once an hour has passed: a day of work is no flood of lines
SHARE = 0.001  # of the work that tells how long all of it takes
UNITS = {"s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0,
         "m": 60.0, "min": 60.0, "mins": 60.0, "minute": 60.0, "minutes": 60.0,
         "h": 3600.0, "hr": 3600.0, "hrs": 3600.0, "hour": 3600.0, "hours": 3600.0,
         "d": 86400.0, "day": 86400.0, "days": 86400.0}  # fmt: skip
_PART = re.compile(r"(\d+\.?\d*|\.\d+)\s*([a-z]+)\s*(?:and|,)?\s*")
_part = ""  # "2 of 3: " in the second of three stages: all bars begin with it
_watched: list["Watch"] = []  # the blocks that must not be silent, the innermost last
_said = 0.0  # when something was last said


def bar(total: float | None, label: str, *, unit: str = "rows", progress: bool = True) -> Any:
    """A bar with the time left, shown once the work has taken 2 seconds and wiped when it is done; lines in a
    log or a notebook.

    total: the number of steps, None where unknown; progress: False for silence, here as below. Use it as a
    context manager, call `.update(steps)` as they are done and `.set_postfix_str(text)` for figures such as a
    loss; it shows the time left by itself.
    """
    if progress and not _terminal():
        return Lines(total, f"{_part}{label}", unit)
    from tqdm import tqdm  # not at the top: it would take a tenth of the start-up time

    one = tqdm(
        total=total,
        desc=f"{_part}{label}",
        unit=unit if unit.startswith(" ") else f" {unit}",
        unit_scale=total is None or total >= 10_000,
        delay=SHOW_AFTER,
        leave=False,
        mininterval=EVERY,
        dynamic_ncols=True,
        file=sys.stderr,
        disable=not progress,
    )
    one.set_postfix_str = partial(one.set_postfix_str, refresh=False)  # shown when the bar is next drawn
    return one


class Lines:
    """What `bar` is where no bar can be drawn: a line after 2, 4, 8, 16 seconds, then six a minute, and one
    a minute once an hour has passed.

    n: the steps that are done. A thread writes the lines, so that they come while a step takes long; it ends
    with the block, and with the object if the block is never left.
    """

    def __init__(self, total: float | None, label: str, unit: str) -> None:
        self.total, self.label, self.unit, self.n = total, label, unit.strip(), 0.0
        self._more, self._begun, self._over = "", perf_counter(), threading.Event()
        self._moved = self._begun  # when a step was last done
        self._written = True
        args = (weakref.ref(self), self._over)
        threading.Thread(target=_write_lines, args=args, daemon=True).start()

    def update(self, steps: float = 1) -> bool:
        """Whether a line was written since the last call, so that other figures are due (as of tqdm)."""
        self.n, self._moved = self.n + steps, perf_counter()
        written, self._written = self._written, False
        return written

    def set_postfix_str(self, text: str, refresh: bool = False) -> None:
        self._more = text

    def refresh(self) -> None:
        """Shows a new `total`: the next line will."""

    def close(self) -> None:
        self._over.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, where: TracebackType | None) -> None:
        self.close()

    def line(self) -> str:
        """How far it is: "training: 40%, 12 s, about 18 s left (loss 2.31)".

        The time left is not said where one step has already taken longer, or longer than all before it: it
        would promise the end again and again. Nor is it at the first thousandth.
        """
        now = perf_counter()
        taken = now - self._begun
        parts = [f"{self.n:,.0f} {self.unit}"] if self.n and not self.total else []
        if self.total:
            parts.append(f"{min(1.0, self.n / self.total):.0%}")
        parts.append(duration(taken))
        left = max(0.0, taken * (self.total / self.n - 1)) if self.total and self.n else 0.0
        still = now - self._moved
        known = (
            self.total
            and self.n / self.total >= SHARE
            and still <= max(self._moved - self._begun, SHOW_AFTER)
        )
        if known and left > still:
            parts.append(f"about {duration(left)} left")
        return f"{self.label}: {', '.join(parts)}{f' ({self._more})' if self._more else ''}"


def _write_lines(of: "weakref.ref[Lines]", over: threading.Event) -> None:
    pause = SHOW_AFTER
    while not over.wait(pause):
        one = of()
        if one is None:
            return
        say(one.line())
        one._written = True
        taken = perf_counter() - one._begun
        pause = min(taken, _patience(taken))
        del one  # or it would live as long as it is waited for


def _patience(taken: float) -> float:
    """Seconds between two lines, of work that has taken so long."""
    return SELDOM if taken < 3600 else RARELY


class Watch:
    """A block that must not be silent. Where nothing was said for 10 seconds (at first: for 3), neither by it
    nor by a bar in it, a line says that it is still at work: so whatever has no line of its own is told, too.

    Of blocks in each other the innermost speaks, and none where that has nothing to say.
    """

    def __init__(self, doing: str) -> None:
        self.doing, self._begun, self._over = doing, perf_counter(), threading.Event()

    def __enter__(self) -> Self:
        _watched.append(self)
        if self.doing:
            threading.Thread(target=self._look_again, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, where: TracebackType | None) -> None:
        self._over.set()
        _watched.remove(self)

    def look(self) -> float:
        """Says a line where one is due. Returns the seconds until the next look."""
        now, begun = perf_counter(), _watched[0]._begun if _watched else 0.0
        patience = (_patience(now - begun) if _said > begun else SHOW_AFTER) + 1  # a bar's line comes first
        silent = now - max(_said, self._begun)
        if silent < patience:
            return patience - silent
        if _watched[-1:] == [self] and not _drawn():
            how = "loading packages" if _importing() else "still at work"
            say(f"{self.doing}: {how}, {duration(now - self._begun)}")
        return patience

    def _look_again(self) -> None:
        pause = SHOW_AFTER + 1
        while not self._over.wait(pause):
            pause = self.look()


def _importing() -> bool:
    """Whether the main thread imports a module now: scikit-learn takes a minute on a busy machine."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    while frame is not None and frame.f_code.co_filename != "<frozen importlib._bootstrap>":
        frame = frame.f_back
    return frame is not None


def watched(doing: str, *, progress: bool = True) -> AbstractContextManager[Any]:
    """A block that has bars and lines of its own, and says what it does where none of them speaks."""
    return Watch(f"{_part}{doing}") if progress else nullcontext()


def waiting() -> AbstractContextManager[Any]:
    """A block that waits for people, whose silence is no work."""
    return Watch("")


def _terminal() -> bool:
    return sys.stderr.isatty() and not _notebook()


def _notebook() -> bool:
    """Whether this is a Jupyter notebook or one of its relatives."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def _place() -> TextIO:
    return sys.stdout if _notebook() else sys.stderr


def say(text: str, *, progress: bool = True) -> None:
    """One line on stderr (on stdout in a notebook), above a bar that is being drawn."""
    global _said
    if not progress:
        return
    drawn = _drawn()
    for one in drawn:
        one.clear()
    print(text, file=_place(), flush=True)
    _said = perf_counter()
    for one in drawn:
        one.refresh()


def _drawn() -> list[Any]:
    """The bars that are on a terminal now."""
    tqdm = sys.modules.get("tqdm")
    made = getattr(tqdm, "tqdm", None)  # it lacks it while another thread is importing it
    bars = list(getattr(made, "_instances", ()))
    return [one for one in bars if one.last_print_t > one.start_t]


def working(doing: str, *, progress: bool = True) -> AbstractContextManager[Any]:
    """A block of unknown length: lines such as "reading real.csv: 4.0 s", on a terminal, too."""
    return Lines(None, f"{_part}{doing}", "") if progress else nullcontext()


@contextmanager
def stage(
    text: str, *, part: str = "", doing: str = "", under: str = "", progress: bool = True
) -> Iterator[None]:
    """Say what was done and how long it took when the block ends without an error.

    part: "2 of 3" for the second of three stages; that is then said when it begins, and by its bars, too.
    doing: what is done, for a block without a bar, of which lines are written while it takes long.
    under: what is done, for a block with bars, where these are silent; without it the text says it.
    """
    global _part
    before, start = _part, perf_counter()
    if part:
        _part = f"{part}: "
        say(f"{_part}{text}", progress=progress)
    try:
        with working(doing, progress=progress) if doing else watched(under or text, progress=progress):
            yield
    finally:
        _part = before
    say(f"{f'{part}: ' if part else ''}{text:<56} {perf_counter() - start:7.1f} s", progress=progress)


def duration(seconds: float) -> str:
    """Seconds as a person says them: "0.4 s", "48 s", "16 min 40 s", "2 h 5 min"."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def parse_time(value: str | float | None) -> float | None:
    """Seconds from "90s", "5m", "1.5h", "1m30s", "2 hours 15 min" or a number of seconds; None stays None (no
    limit).

    Raises OptionError for anything else, zero and negative times included.
    """
    if value is None:
        return None
    text = value.strip().lower() if isinstance(value, str) else ""
    try:
        plain = re.fullmatch(r"[0-9.]+(e[+-]?\d+)?", text)
        seconds = (float(text) if plain else _summed(text)) if text else as_number(value) or 0.0
    except ValueError:  # "1.2.3"
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise OptionError(f"the time {shown(value)} is not understood: write seconds, or 90s, 1m30s, 1.5h.")
    return seconds


def _summed(text: str) -> float:
    """Seconds of numbers with their units, from the largest unit to the smallest; 0 for anything else."""
    parts, end = [], 0
    while match := _PART.match(text, end):
        parts.append((float(match[1]), UNITS.get(match[2], 0.0)))
        end = match.end()
    units = [unit for _, unit in parts]
    if end < len(text) or 0.0 in units or any(a <= b for a, b in pairwise(units)):
        return 0.0
    return sum(number * unit for number, unit in parts)
