"""Plain functions outside, coroutines inside."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from contextvars import ContextVar
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")
_at_end: ContextVar[AsyncExitStack | None] = ContextVar("lookalike_at_end", default=None)


def wait(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine, from plain code anywhere: a script, the command line, a notebook.

    In a notebook an event loop is already running in this thread; the coroutine then gets a loop in a
    thread of its own. Ctrl-C cancels the coroutine, waits until it has cleaned up and raises
    KeyboardInterrupt.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_closing(coroutine))
    return _run_beside(coroutine)


def at_end(close: Callable[[], Awaitable[None]]) -> None:
    """Calls `close` when the `wait` around this task ends; does nothing in a loop of the user's own."""
    stack = _at_end.get()
    if stack is not None:
        stack.push_async_callback(close)


async def _closing(coroutine: Coroutine[Any, Any, T]) -> T:
    async with AsyncExitStack() as stack:
        stack.enter_context(_terminated_as_interrupted())
        stack.enter_context(_interrupted_once())
        _at_end.set(stack)
        return await coroutine
    raise AssertionError  # for mypy: the stack swallows no errors


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Where SIGTERM is to raise KeyboardInterrupt, it goes the way of Ctrl-C: the coroutine is cancelled.

    Raised in the middle of a task, KeyboardInterrupt would end the loop before the others have cleaned up.
    Where SIGINT is ignored, as by a command that a script has put in the background, the task is cancelled
    here.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.default_int_handler:
        yield
        return
    loop, task, ended = asyncio.get_running_loop(), asyncio.current_task(), False

    def terminated(number: int, frame: FrameType | None) -> None:
        nonlocal ended
        if callable(signal.getsignal(signal.SIGINT)):
            signal.raise_signal(signal.SIGINT)
        elif task is not None:
            ended = True
            loop.call_soon_threadsafe(task.cancel)

    signal.signal(signal.SIGTERM, terminated)
    try:
        yield
    except asyncio.CancelledError:
        if ended:
            raise KeyboardInterrupt from None
        raise
    finally:
        signal.signal(signal.SIGTERM, signal.default_int_handler)


@contextlib.contextmanager
def _interrupted_once() -> Iterator[None]:
    """While the first Ctrl-C has the coroutine clean up, which is quick, a second one changes nothing.

    It would end the loop in the middle, and what came in would not be kept. A third one does.
    """
    main = threading.current_thread() is threading.main_thread()
    asyncios = signal.getsignal(signal.SIGINT) if main else None
    if not callable(asyncios) or asyncios is signal.default_int_handler:
        yield
        return
    times = 0

    def interrupted(number: int, frame: FrameType | None) -> None:
        nonlocal times
        times += 1
        if times != 2:
            asyncios(number, frame)

    signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, asyncios)


def _run_beside(coroutine: Coroutine[Any, Any, T]) -> T:
    """`wait` in a thread of its own, for a thread whose loop is already running."""
    results: list[T] = []
    errors: list[BaseException] = []
    ready = threading.Event()
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[T]]] = []

    async def main() -> T:
        task = asyncio.current_task()
        assert task is not None
        running.append((asyncio.get_running_loop(), task))
        ready.set()
        return await _closing(coroutine)

    def work() -> None:
        try:
            results.append(asyncio.run(main()))
        except BaseException as error:
            errors.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=work, name="lookalike-llm", daemon=True)
    thread.start()
    try:
        _join(thread)
    except KeyboardInterrupt:
        ready.wait()
        for loop, task in running:
            if not loop.is_closed():
                loop.call_soon_threadsafe(task.cancel)
        _join(thread)
        raise
    if errors:
        raise errors[0]
    return results[0]


def _join(thread: threading.Thread) -> None:
    """Waits in short turns: a wait without an end would not see Ctrl-C on Windows."""
    while thread.is_alive():
        thread.join(0.2)
