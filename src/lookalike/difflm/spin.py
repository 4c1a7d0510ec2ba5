"""How long a thread of torch waits before it gives its core away."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

SPIN = "GOMP_SPINCOUNT"  # of the OpenMP that comes with torch, which reads it once, when it is loaded
TURNS = "10000"  # tens of microseconds, a few parallel regions; the default is thirty times as long


@contextlib.contextmanager
def short_spin() -> Iterator[None]:
    """While torch is imported: a thread that waits for another one gives its core away soon.

    Beside other processes one of several threads often has no core, and the others would keep theirs busy for
    nothing. What the user has set stays; nothing changes where torch has been imported before.
    """
    if SPIN in os.environ:
        yield
        return
    os.environ[SPIN] = TURNS
    try:
        yield
    finally:
        del os.environ[SPIN]
