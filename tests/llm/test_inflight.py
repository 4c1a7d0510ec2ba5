"""One answer for all who ask for the same at once."""

from __future__ import annotations

import asyncio

import pytest

from lookalike.llm.inflight import InFlight


class Asked:
    """Answers after a moment and counts how often it was asked."""

    def __init__(self, error: Exception | None = None) -> None:
        self.times, self.error = 0, error

    async def __call__(self) -> int:
        self.times += 1
        now = self.times
        await asyncio.sleep(0.01)
        if self.error is not None:
            raise self.error
        return now


def test_one_answer_serves_all_who_ask_at_once_and_none_who_ask_later() -> None:
    asked, other = Asked(), Asked()

    async def many() -> list[int]:
        answers: InFlight[str, int] = InFlight()
        first = await asyncio.gather(*(answers.join("a", asked) for _ in range(5)), answers.join("b", other))
        return [*first, await answers.join("a", asked)]

    assert asyncio.run(many()) == [1, 1, 1, 1, 1, 1, 2]
    assert (asked.times, other.times) == (2, 1)


def test_an_error_reaches_all_who_wait() -> None:
    asked = Asked(ZeroDivisionError("none"))

    async def many() -> list[int | BaseException]:
        answers: InFlight[str, int] = InFlight()
        return await asyncio.gather(*(answers.join("a", asked) for _ in range(3)), return_exceptions=True)

    assert [str(error) for error in asyncio.run(many())] == ["none"] * 3
    assert asked.times == 1


def test_who_waits_asks_in_the_place_of_one_who_was_cancelled() -> None:
    asked = Asked()

    async def two() -> int:
        answers: InFlight[str, int] = InFlight()
        first, second = (asyncio.ensure_future(answers.join("a", asked)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        found = await second
        with pytest.raises(asyncio.CancelledError):
            await first
        return found

    assert asyncio.run(two()) == 2 and asked.times == 2


def test_one_who_waits_can_be_cancelled_alone() -> None:
    asked = Asked()

    async def two() -> int:
        answers: InFlight[str, int] = InFlight()
        first, second = (asyncio.ensure_future(answers.join("a", asked)) for _ in range(2))
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        return await first

    assert asyncio.run(two()) == 1 and asked.times == 1
