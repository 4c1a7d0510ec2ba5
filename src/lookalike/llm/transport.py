"""HTTP: one POST, its JSON reply, whole or token by token, or a Fault."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from lookalike.characters import sound
from lookalike.errors import MissingDependency
from lookalike.llm.address import Address, is_secret
from lookalike.llm.budget import Spent
from lookalike.llm.faults import Fault, inside, refused, unreachable
from lookalike.llm.pace import Pace
from lookalike.llm.stream import Stream
from lookalike.llm.throttle import Throttle, used_up

LOOK = 1.0  # seconds between two looks at whether a call is still alive


def aiohttp_or_explain() -> ModuleType:
    """aiohttp; MissingDependency where it is not installed."""
    try:
        import aiohttp
    except ImportError:
        raise MissingDependency("aiohttp", extra="llm") from None
    return aiohttp


@dataclass
class Call:
    """How far a call is. tokens_out: that it allows; begun, heard: when it began, and when anything of its
    reply last came; sent: whether the server has it; first: seconds until the reply began; tokens: of it.
    """

    tokens_out: int
    begun: float = 0.0
    heard: float = 0.0
    sent: bool = False
    first: float | None = None
    tokens: int = 0

    def used(self, most: Spent) -> Spent:
        """What it has taken at most when it is broken off."""
        return most._replace(tokens_out=self.tokens) if self.tokens else most


class Transport:
    """Connections to one endpoint, belonging to one event loop.

    address: of the endpoint, with its key and headers; pace: decides how long a silence is borne.
    """

    def __init__(self, address: Address, concurrency: int, throttle: Throttle, pace: Pace) -> None:
        aiohttp = aiohttp_or_explain()
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(_sent)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=concurrency, keepalive_timeout=30.0),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=address.sent_headers(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=pace.silence),
            trace_configs=[trace],
        )
        self._errors = (aiohttp.ClientError, OSError, TimeoutError)
        self._address, self._throttle, self._pace = address, throttle, pace
        key = address.key
        self._secret = key.encode() if key and is_secret(key) else None
        self._answered = False

    async def post(self, path: str, body: bytes, call: Call) -> dict[str, Any]:
        """The JSON object that the endpoint answers; raises Fault for everything else.

        A call lives as long as anything of its reply comes; `call` tells how far it was.
        """
        call.begun = call.heard = time.monotonic()
        exchange = asyncio.ensure_future(self._exchange(path, body, call))
        borne = self._pace.silence
        try:
            while True:
                await asyncio.wait({exchange}, timeout=min(LOOK, borne / 4))
                if exchange.done():
                    return exchange.result()
                now = time.monotonic()
                borne = self._pace.borne(now)
                if now - call.heard > borne:
                    raise unreachable(TimeoutError(), borne)
        except self._errors as error:
            raise unreachable(error, borne, self._address.proxy) from None
        finally:
            if not exchange.done():
                exchange.cancel()
                await asyncio.wait({exchange})

    async def _exchange(self, path: str, body: bytes, call: Call) -> dict[str, Any]:
        async with self._session.post(
            self._address.of(path),
            data=body,
            allow_redirects=False,
            proxy=self._address.proxy,
            trace_request_ctx=call,
        ) as response:
            headers = response.headers
            if pause := used_up(headers):
                self._throttle.pause(pause)
            if response.status == 200 and "event-stream" in headers.get("Content-Type", ""):
                found, raw = await self._streamed(response, call), b""
            else:
                raw = self._clean(await self._whole(response, call))
                if response.status != 200:
                    raise refused(response.status, headers, raw, call.tokens_out)
                found = self._loaded(raw)
        if fault := inside(found, headers, raw or json.dumps(found).encode(), call.tokens_out):
            raise fault
        self._answered = True
        return found

    async def _whole(self, response: Any, call: Call) -> bytes:
        parts = []
        async for part in response.content.iter_any():
            self._alive(call)
            parts.append(part)
        return b"".join(parts)

    async def _streamed(self, response: Any, call: Call) -> dict[str, Any]:
        """A reply in server-sent events, put together as if it had come at once."""
        stream = Stream()
        try:
            async for part in response.content.iter_any():
                new = stream.feed(self._clean(part))
                if new:
                    call.tokens += new
                    self._alive(call)
                if stream.over:
                    break
        except ValueError:
            raise Fault("malformed", "it streams broken JSON", paid=True) from None
        found = stream.found()
        if found is None:
            raise Fault("connection", "the reply broke off", paid=True)
        return found

    def _alive(self, call: Call) -> None:
        now = time.monotonic()
        if call.first is None:
            call.first = now - call.begun
        call.heard = self._pace.last = now

    def _loaded(self, raw: bytes) -> dict[str, Any]:
        try:
            found = sound(json.loads(raw))
        except (ValueError, RecursionError):
            if not self._answered and raw.lstrip().startswith(b"<"):
                raise Fault("endpoint", "it answers with a page, not with JSON") from None
            raise Fault("malformed", "it answers with broken JSON", paid=True) from None
        if not isinstance(found, dict):
            raise Fault("malformed", "it answers with JSON of another shape", paid=True)
        return found

    def _clean(self, raw: bytes) -> bytes:
        """Without the key, before anything is shortened or kept."""
        return raw.replace(self._secret, b"***") if self._secret is not None else raw

    async def models(self) -> list[str]:
        """The names of the models that the endpoint has; none where it does not say."""
        try:
            async with self._session.get(
                self._address.of("/models"),
                timeout=aiohttp_or_explain().ClientTimeout(total=5.0),
                proxy=self._address.proxy,
            ) as response:
                found = sound(json.loads(await response.read()))
            return [str(one["id"]) for one in found["data"]]
        except (*self._errors, ValueError, KeyError, TypeError, RecursionError):
            return []

    async def close(self) -> None:
        await self._session.close()


async def _sent(session: Any, context: Any, params: Any) -> None:
    call: Call | Mapping[str, Any] | None = context.trace_request_ctx
    if isinstance(call, Call):
        call.sent = True
