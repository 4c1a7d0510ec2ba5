"""Coroutines called from plain code: a polite kill ends them as Ctrl-C does."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator

import pytest

from lookalike.llm import wait


@pytest.fixture
def polite() -> Iterator[None]:
    """SIGTERM raises KeyboardInterrupt, as the command line has it."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_inside_a_task_cancels_all_of_them(polite: None, sent: signal.Signals) -> None:
    cleaned = []

    async def waiting(name: str) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)  # what cleaning up may need: a loop that is still running
            cleaned.append(name)

    async def killed() -> None:
        await asyncio.sleep(0.01)
        signal.raise_signal(sent)

    async def work() -> None:
        await asyncio.gather(waiting("a"), waiting("b"), killed())

    with pytest.raises(KeyboardInterrupt):
        wait(work())
    assert sorted(cleaned) == ["a", "b"]
    assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler


def test_a_polite_kill_ends_what_runs_in_the_background_of_a_script(polite: None) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell starts what is followed by &
    cleaned = []

    async def work() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
            await asyncio.sleep(60)
        finally:
            cleaned.append("all")

    try:
        with pytest.raises(KeyboardInterrupt):
            wait(work())
    finally:
        signal.signal(signal.SIGINT, before)
    assert cleaned == ["all"]
