"""Ctrl-C as a request: once to finish with what there is, twice to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from lookalike.progress import say


@contextmanager
def finishing(finish: Callable[[], None], text: str) -> Iterator[None]:
    """In the block the first Ctrl-C says `text` and calls `finish`; the next one raises KeyboardInterrupt.

    A handler of the caller's own stays, as does everything outside of the main thread.
    """
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return

    def first(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        say(f"\n{text}")
        finish()

    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
