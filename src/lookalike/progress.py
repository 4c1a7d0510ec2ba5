"""Telling a waiting user how far it is: bars with the time left, and one line for each finished stage.

Everything goes to stderr, so that stdout stays clean for what was measured.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from time import perf_counter
from typing import Any

from lookalike.arguments import as_number, shown
from lookalike.errors import OptionError

SHOW_AFTER = 2.0  # seconds: what is over sooner needs no bar
EVERY, EVERY_IN_LOG = 0.2, 10.0  # seconds between two drawings, on a terminal and in a log file
UNITS = {"s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0,
         "m": 60.0, "min": 60.0, "mins": 60.0, "minute": 60.0, "minutes": 60.0,
         "h": 3600.0, "hr": 3600.0, "hrs": 3600.0, "hour": 3600.0, "hours": 3600.0,
         "d": 86400.0, "day": 86400.0, "days": 86400.0}  # fmt: skip
_PART = re.compile(r"(\d+\.?\d*|\.\d+)\s*([a-z]+)\s*(?:and|,)?\s*")
_part = ""  # "2 of 3: " in the second of three stages: all bars begin with it


def bar(total: float | None, label: str, *, unit: str = "rows", progress: bool = True) -> Any:
    """A `tqdm` bar on stderr, shown once the work has taken 2 seconds and wiped when it is done.

    total: the number of steps, None where unknown; progress: False for silence, here as below. Use it as a
    context manager, call `.update(steps)` as they are done and `.set_postfix_str(text)` for figures such as a
    loss; it shows the time left by itself.
    """
    from tqdm import tqdm  # not at the top: it would take a tenth of the start-up time

    one = tqdm(
        total=total,
        desc=f"{_part}{label}",
        unit=unit if unit.startswith(" ") else f" {unit}",
        unit_scale=total is None or total >= 10_000,
        delay=SHOW_AFTER,
        leave=False,
        mininterval=EVERY if sys.stderr.isatty() else EVERY_IN_LOG,
        dynamic_ncols=True,
        file=sys.stderr,
        disable=not progress,
    )
    one.set_postfix_str = partial(one.set_postfix_str, refresh=False)  # shown when the bar is next drawn
    return one


def say(text: str, *, progress: bool = True) -> None:
    """One line on stderr, above a bar that is being drawn."""
    if not progress:
        return
    tqdm = sys.modules.get("tqdm")
    bars = [] if tqdm is None else list(getattr(tqdm.tqdm, "_instances", ()))
    drawn = [one for one in bars if one.last_print_t > one.start_t]
    for one in drawn:
        one.clear()
    print(text, file=sys.stderr, flush=True)
    for one in drawn:
        one.refresh()


@contextmanager
def stage(text: str, *, part: str = "", progress: bool = True) -> Iterator[None]:
    """Say what was done and how long it took when the block ends without an error.

    part: "2 of 3" for the second of three stages; that is then said when it begins, and by its bars, too.
    """
    global _part
    before, start = _part, perf_counter()
    if part:
        _part = f"{part}: "
        say(f"{_part}{text}", progress=progress)
    try:
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
