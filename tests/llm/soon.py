"""For tests that must not hang: an answer within half a minute, or TimeoutError."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from lookalike.llm import Ledger, wait
from lookalike.llm.budget import Spent
from lookalike.llm.ledger import Entry

SOON = 30.0  # seconds: what takes longer hangs


def soon(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return wait(asyncio.wait_for(coroutine, SOON))


async def put(ledger: Ledger, entry: Entry) -> Any:
    return await ledger.put("a", {b"k": entry}, Spent(1, entry.tokens_in, entry.tokens_out))
