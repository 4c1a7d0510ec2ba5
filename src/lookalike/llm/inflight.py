"""What is being asked for already is not asked for again: who comes later waits for the same answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class InFlight(Generic[K, V]):
    """The answers that are on their way, by key; of one event loop."""

    def __init__(self) -> None:
        self._answers: dict[K, asyncio.Future[V]] = {}

    async def join(self, key: K, ask: Callable[[], Awaitable[V]]) -> V:
        """The answer of `ask`, or that of an earlier call with this key which is not answered yet.

        An error of `ask` reaches all who wait for it. Where the one who asks is cancelled, the next who
        waits asks in its place.
        """
        while (other := self._answers.get(key)) is not None:
            try:
                return await asyncio.shield(other)
            except asyncio.CancelledError:
                if not other.cancelled():
                    raise
        mine = asyncio.get_running_loop().create_future()
        self._answers[key] = mine
        try:
            answer = await ask()
        except BaseException as error:
            if isinstance(error, Exception):
                mine.set_exception(error)
                mine.exception()  # nobody has to look at it
            else:
                mine.cancel()
            raise
        else:
            mine.set_result(answer)
            return answer
        finally:
            del self._answers[key]
