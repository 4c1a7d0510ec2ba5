"""The run of `bench.recipes.killed` on a clock that only the server moves: what the program itself waits.

    python -m bench.recipes.clock --out bench/results/recipes-clock.json

The same recipe, faults, slots and latency, in one process: when nothing is left to compute the clock jumps
to the next event, so neither the load of the machine nor the speed of Python counts. The first run is cut
off at half of the calls, a second one goes on with its ledger. Calls that fail hold a slot as long as good
ones, as on the simulated server.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import selectors
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

import lookalike
from bench.command import count, parser
from bench.recipes.killed import LATENCY, RECIPE, ROWS, SLOTS, WRITTEN
from bench.recipes.writer import write
from lookalike.llm import LLM, client
from lookalike.llm.faults import Fault
from lookalike.llm.ledger import Ledger

RATES = (("rate limit", 0.05, 0.5), ("server", 0.02, None))  # kind, share of the calls, Retry-After
SILENT = 0.05  # real seconds for which the ledger's thread is waited for at a time


class Clock(selectors.DefaultSelector):
    """Sleeps by moving the time on; while the ledger writes, time stands."""

    now, writing = 0.0, 0

    def select(self, timeout: float | None = None) -> Any:
        if Clock.writing:
            return super().select(SILENT)
        found = super().select(0)
        if not found and timeout:
            Clock.now += timeout
        return found


class Loop(asyncio.SelectorEventLoop):
    """An event loop of that clock."""

    def __init__(self) -> None:
        super().__init__(Clock())

    def time(self) -> float:
        return Clock.now


class Server:
    """Slots, faults and answers. calls, refused, answered: how many; stop: answered calls after which the run
    is cut off.
    """

    calls = refused = answered = 0
    stop: int | None = None
    latency = LATENCY
    waiting: asyncio.Semaphore
    seen: dict[bytes, int] = {}  # noqa: RUF012

    def __init__(self, *_: Any) -> None:
        Server.waiting = asyncio.Semaphore(SLOTS)

    async def post(self, path: str, body: bytes, call: Any) -> dict[str, Any]:
        call.sent = True
        async with Server.waiting:
            await asyncio.sleep(Server.latency)
        times = Server.seen[body] = Server.seen.get(body, 0) + 1
        rng = random.Random(hashlib.sha256(b"%d " % times + body).digest())
        Server.calls += 1
        draw = rng.random()
        for kind, share, wait in RATES:
            draw -= share
            if draw < 0:
                Server.refused += 1
                raise Fault(kind, "not now", wait=wait)
        Server.answered += 1
        if Server.stop is not None and Server.answered >= Server.stop:
            raise KeyboardInterrupt
        asked = json.loads(body)
        given = asked.get("response_format", {}).get("json_schema", {}).get("schema")
        message = {"role": "assistant", "content": write(asked["messages"], given, rng)}
        usage = {"prompt_tokens": 20, "completion_tokens": 16, "total_tokens": 36}
        return {"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}

    async def close(self) -> None:
        return None


def measured(rows: int, latency: float) -> dict[str, Any]:
    """The figures of a run that was cut off once."""
    Server.latency, Server.stop = latency, rows * WRITTEN // 2
    seconds = []
    with tempfile.TemporaryDirectory() as name:
        for _ in range(2):
            begun = Clock.now
            llm = LLM("m", "http://127.0.0.1:9/v1", ledger=Path(name) / "ledger.sqlite", concurrency=SLOTS)
            llm.progress = False
            recipe = lookalike.Recipe(tomllib.loads(RECIPE), llm, progress=False).fit(None)
            try:
                made = len(recipe.sample(rows))
            except KeyboardInterrupt:
                made = 0
            Server.stop = None
            seconds.append(Clock.now - begun)
            assert llm.ledger is not None
            llm.ledger.close()
    ideal = rows * WRITTEN * latency / SLOTS
    busy = Server.calls * latency / SLOTS
    return {
        "rows": made,
        "calls": Server.calls,
        "refused": Server.refused,
        "seconds": [round(one, 1) for one in seconds],
        "ideal_seconds": round(ideal, 1),
        "seconds_of_all_calls": round(busy, 1),
        "ratio_to_ideal": round(sum(seconds) / ideal, 3),
        "ratio_to_all_calls": round(sum(seconds) / busy, 3),
    }


def main() -> None:
    one = parser("bench.recipes.clock", __doc__)
    one.add_argument("--rows", type=count, default=ROWS)
    one.add_argument("--latency", type=float, default=1.0, help="seconds of a call")
    one.add_argument("--out", type=Path, help="write the figures to this .json file")
    args = one.parse_args()
    put = Ledger.put

    def counted(self: Ledger, *given: Any) -> asyncio.Future[Any]:
        Clock.writing += 1
        found = put(self, *given)
        found.add_done_callback(lambda _: setattr(Clock, "writing", Clock.writing - 1))
        return found

    Ledger.put = counted  # type: ignore[method-assign]
    client.Transport = Server  # type: ignore[misc, assignment]
    time.monotonic = lambda: Clock.now
    asyncio.new_event_loop = Loop  # type: ignore[assignment]
    asyncio.events.new_event_loop = Loop  # type: ignore[assignment]
    found = measured(args.rows, args.latency)
    print(json.dumps(found, indent=1))
    if args.out:
        args.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
