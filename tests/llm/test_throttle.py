"""Waits are read from headers; calls in flight are as many as the server bears."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate

import pytest

from lookalike.llm import run
from lookalike.llm.throttle import Throttle, duration, retry_after, used_up


def test_waits_are_read_from_headers() -> None:
    assert retry_after({"Retry-After": "2.5"}) == 2.5
    assert retry_after({"retry-after-ms": "250", "Retry-After": "1"}) == 0.25
    seconds = retry_after({"Retry-After": formatdate(time.time() + 30, usegmt=True)})
    assert seconds is not None and 28 < seconds <= 30
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
    throttle = Throttle(64)

    async def calls(outcomes: list[str]) -> None:
        for outcome in outcomes:
            throttle.release(await throttle.acquire(), outcome)  # type: ignore[arg-type]

    run(calls(["pushed back"] * 5 + ["good"] * 95))
    assert throttle.limit == 64  # a few at random say nothing
    run(calls(["pushed back"] * 8))
    assert throttle.limit == pytest.approx(64 * 0.6)
    run(calls(["good"] * 39))
    assert throttle.limit == pytest.approx(64 * 0.6 + 4)
    run(calls(["pushed back"] * 100))
    assert throttle.limit == 1.0
    run(calls(["good"] * 1000))
    assert throttle.limit == 64


def test_slots_are_bounded_paused_and_survive_cancelling() -> None:
    throttle = Throttle(3)

    async def one() -> None:
        started = await throttle.acquire()
        assert throttle.in_flight <= 3
        await asyncio.sleep(0.01)
        throttle.release(started, "good")

    async def many() -> float:
        tasks = [asyncio.ensure_future(one()) for _ in range(30)]
        await asyncio.sleep(0.02)
        for task in tasks[20:]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        throttle.pause(0.2)
        begun = time.monotonic()
        await one()
        return time.monotonic() - begun

    assert run(many()) >= 0.2 and throttle.in_flight == 0
