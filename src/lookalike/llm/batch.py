"""Many requests at once, their replies in order, and how far they are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from lookalike.errors import EndpointError, LLMError
from lookalike.llm.client import LLM
from lookalike.llm.request import Failure, Reply, Request
from lookalike.progress import bar

WORKERS = 2  # per slot, so that slots are not empty while a request waits to be repeated
GRACE = 5.0  # seconds for calls in flight to arrive when the run has to stop

Watch = Callable[[int, Reply | Failure], str | None]


async def ask_all(
    llm: LLM,
    requests: Sequence[Request],
    *,
    progress: bool = True,
    label: str = "asking",
    watch: Watch | None = None,
) -> list[Reply | Failure]:
    """The replies to requests, in their order; a request that got none is a Failure with its reason.

    Requests that the budget has no room for are Failures of the kind "budget". watch: called with each
    request's place and its result as it arrives; what it returns is shown beside the bar (rows, say).
    Raises EndpointError where no request can be answered and LedgerError; what was answered by then is in
    the ledger.
    """
    results: list[Reply | Failure | None] = [None] * len(requests)
    places = iter(range(len(requests)))
    with bar(len(requests), label, unit="calls", progress=progress) as shown:

        async def work() -> None:
            for place in places:  # shared by the workers: each takes the next one
                try:
                    result: Reply | Failure = await llm.answer(requests[place])
                except EndpointError:
                    raise
                except LLMError as error:
                    result = Failure(error.kind, str(error))
                results[place] = result
                words = watch(place, result) if watch is not None else None
                if shown.update():  # when it was drawn
                    shown.set_postfix_str(", ".join(filter(None, (words, status(llm)))))

        await all_or_first_error([work() for _ in range(min(len(requests), WORKERS * llm.throttle.most))])
    return [result for result in results if result is not None]


def status(llm: LLM) -> str:
    """What a run has spent and met so far: calls, tokens, cost, replies read back, faults by kind."""
    spent = llm.budget.spent
    parts = [f"{spent.calls:,} calls paid", f"{spent.tokens_in + spent.tokens_out:,} tokens"]
    if llm.budget.priced:
        parts.append(f"cost {llm.budget.cost(spent):.4g}")
    if llm.known:
        parts.append(f"{llm.known:,} known")
    parts += [f"{count:,} {kind}" for kind, count in llm.faults.most_common()]
    return ", ".join(parts)


async def worked_off(
    jobs: int,
    workers: int,
    do: Callable[[int], Awaitable[None]],
    *,
    affordable: Callable[[], float],
    over: Callable[[], bool] = lambda: False,
) -> None:
    """Does the jobs by their numbers, so many at once; after the first error none is begun.

    affordable: how many jobs the budget that is left suffices for, so that they do not go on half done; over:
    whether no further one is to be begun. Raises the first error, as `all_or_first_error`.
    """
    numbers, at_work, failed = iter(range(jobs)), 0, False

    async def work() -> None:
        nonlocal at_work, failed
        while not failed and not over():
            if at_work and affordable() <= at_work:
                return  # the last one goes on alone: what the ledger holds costs nothing
            job = next(numbers, None)
            if job is None:
                return
            at_work += 1
            try:
                await do(job)
            except BaseException:
                failed = True  # the others finish what they are at
                raise
            finally:
                at_work -= 1

    await all_or_first_error([work() for _ in range(min(jobs, workers))])


async def all_or_first_error(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Runs all of them; after the first error the others get a moment to bring home what they have paid
    for.
    """
    tasks = [asyncio.ensure_future(one) for one in work]
    if not tasks:
        return
    try:
        done, going = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        errors = [error for task in done if (error := task.exception()) is not None]
        if errors:
            if going:
                await asyncio.wait(going, timeout=GRACE)
            raise errors[0]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
