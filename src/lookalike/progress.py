"""Telling a waiting user how far it is: bars with the time left, and one line for each finished stage.

Everything goes to stderr, so that stdout stays clean for what was measured.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from time import perf_counter
from typing import Any

from lookalike.arguments import as_number, shown
from lookalike.errors import OptionError

SHOW_AFTER = 2.0  # seconds: what is over sooner needs no bar
EVERY, EVERY_IN_LOG = 0.2, 10.0  # seconds between two drawings, on a terminal and in a log file
UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def bar(total: float | None, label: str, *, unit: str = "rows", progress: bool = True) -> Any:
    """A `tqdm` bar on stderr, shown once the work has taken 2 seconds and wiped when it is done.

    total: the number of steps, None where unknown; progress: False for silence, here as below. Use it as a
    context manager, call `.update(steps)` as they are done and `.set_postfix_str(text)` for figures such as a
    loss; it shows the time left by itself.
    """
    from tqdm import tqdm  # not at the top: it would take a tenth of the start-up time

    one = tqdm(
        total=total,
        desc=label,
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
    """One line on stderr."""
    if progress:
        print(text, file=sys.stderr, flush=True)


@contextmanager
def stage(text: str, *, progress: bool = True) -> Iterator[None]:
    """Say what was done and how long it took when the block ends without an error."""
    start = perf_counter()
    yield
    say(f"{text:<56} {perf_counter() - start:7.1f} s", progress=progress)


def parse_time(value: str | float | None) -> float | None:
    """Seconds from "90s", "5m", "1.5h" or a number of seconds; None stays None (no limit).

    Raises OptionError for anything else, zero and negative times included.
    """
    if value is None:
        return None
    match = re.fullmatch(r"([0-9.]+)\s*([smh]?)", value.strip().lower()) if isinstance(value, str) else None
    try:
        seconds = float(match[1]) * UNITS[match[2]] if match else as_number(value) or 0.0
    except ValueError:  # "1.2.3"
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise OptionError(f"the time {shown(value)} is not understood: write seconds, or 90s, 5m, 1h.")
    return seconds
