"""Waits are read from headers; calls in flight are as many as the server bears."""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from types import SimpleNamespace

import pytest

from lookalike.llm import throttle, wait
from lookalike.llm.throttle import Throttle, duration, retry_after, used_up


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still unless a test moves it."""
    at = [1_000_000.0]
    stopped = SimpleNamespace(time=lambda: at[0], monotonic=lambda: at[0])
    monkeypatch.setattr(throttle, "time", stopped)
    return at


def test_waits_are_read_from_headers(now: list[float]) -> None:
    assert retry_after({"Retry-After": "2.5"}) == 2.5
    assert retry_after({"retry-after-ms": "250", "Retry-After": "1"}) == 0.25
    assert retry_after({"Retry-After": formatdate(now[0] + 30, usegmt=True)}) == 30
    assert retry_after({"Retry-After": "soon"}) is None and retry_after({}) is None
    assert [duration(text) for text in ("6m0s", "250ms", "1.5", "1h2m3s", "")] == [
        360.0,
        0.25,
        1.5,
        3723.0,
        None,
    ]
    left = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2s"}
    assert used_up(left) == 2.0 and used_up({**left, "x-ratelimit-remaining-requests": "7"}) is None


def test_the_limit_falls_by_a_share_and_rises_by_steps() -> None:
    own = Throttle(64)
    own.limit, own._opening = 64.0, False

    async def calls(outcomes: list[str]) -> None:
        for outcome in outcomes:
            own.release(await own.acquire(), outcome)  # type: ignore[arg-type]

    wait(calls(["pushed back"] * 5 + ["good"] * 95))
    assert own.limit == 64  # a few at random say nothing
    wait(calls(["pushed back"] * 9))
    assert own.limit == pytest.approx(64 * 0.6)
    wait(calls(["good"] * 39))
    assert own.limit == pytest.approx(64 * 0.6 + 4)
    wait(calls(["pushed back"] * 100))
    assert int(own.limit) == 1
    wait(calls(["good"] * 1000))
    assert own.limit == 64


def test_the_limit_opens_until_the_server_has_shown_what_it_bears() -> None:
    def after(outcomes: list[str]) -> list[float]:
        own, limits = Throttle(64), []

        async def calls() -> None:
            for outcome in outcomes:
                own.release(await own.acquire(), outcome)  # type: ignore[arg-type]
                limits.append(own.limit)

        wait(calls())
        return limits

    assert list(dict.fromkeys(after(["good"] * 60))) == [8, 16, 32, 64]
    assert after(["good"] * 8 + ["slow"] * 16 + ["good"] * 16)[7::16] == [16, 16, 20]  # now step by step
    some = ["good"] * 6 + ["pushed back"] * 2  # of a server that refuses a few at random
    assert after(some + ["good"] * 16)[7::16] == [16, 32]
    assert after(["good"] * 5 + ["pushed back"] * 3)[-1] < 16
    assert Throttle(3).limit == 3


def test_slots_are_bounded_and_survive_cancelling() -> None:
    slots = Throttle(3)

    async def one() -> None:
        started = await slots.acquire()
        assert slots.in_flight <= 3
        await asyncio.sleep(0.01)
        slots.release(started, "good")

    async def many() -> None:
        tasks = [asyncio.ensure_future(one()) for _ in range(30)]
        await asyncio.sleep(0.02)
        for task in tasks[20:]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await one()

    wait(many())
    assert slots.in_flight == 0


def test_no_call_starts_in_a_pause(now: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    slots = Throttle(3)

    async def paused() -> None:
        timers = []
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "call_later", lambda *timer: timers.append(timer) or timer)
        slots.pause(0.25)
        tasks = [asyncio.ensure_future(slots.acquire()) for _ in range(2)]
        await asyncio.sleep(0)
        for free in (0, 2):  # the first look is too early
            now[0] += 0.125
            timers[-1][1]()
            assert slots.in_flight == free
        assert [seconds for seconds, _ in timers] == [0.25, 0.125]
        assert await asyncio.gather(*tasks) == [now[0]] * 2

    wait(paused())
