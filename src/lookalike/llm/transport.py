"""HTTP: one POST, its JSON reply or a Fault."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from lookalike.characters import sound
from lookalike.errors import MissingDependency, OptionError
from lookalike.llm.faults import Fault, refused, unreachable
from lookalike.llm.throttle import Throttle, used_up


def aiohttp_or_explain() -> ModuleType:
    """aiohttp; MissingDependency where it is not installed."""
    try:
        import aiohttp
    except ImportError:
        raise MissingDependency("aiohttp", extra="llm") from None
    return aiohttp


class Transport:
    """Connections to one endpoint, belonging to one event loop.

    url: the base, without a slash at its end; key: sent as a bearer token, kept nowhere else; timeout:
    seconds for a whole call, from connecting to the last byte.
    """

    def __init__(
        self, url: str, key: str | None, concurrency: int, timeout: float, throttle: Throttle
    ) -> None:
        aiohttp = aiohttp_or_explain()
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=concurrency, keepalive_timeout=30.0),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=timeout),
        )
        self._errors = (aiohttp.ClientError, OSError, TimeoutError)
        self._url, self._timeout, self._throttle = url, timeout, throttle
        self._proxy = _proxy(url)
        self._secret = key.encode() if key and is_secret(key) else None
        self._answered = False

    async def post(self, path: str, body: bytes) -> dict[str, Any]:
        """The JSON object that the endpoint answers; raises Fault for everything else."""
        try:
            async with self._session.post(
                self._url + path, data=body, allow_redirects=False, proxy=self._proxy
            ) as response:
                raw = await response.read()
        except self._errors as error:
            raise unreachable(error, self._timeout) from None
        if self._secret is not None and self._secret in raw:  # before anything is shortened or kept
            raw = raw.replace(self._secret, b"***")
        headers = response.headers
        if pause := used_up(headers):
            self._throttle.pause(pause)
        if response.status != 200:
            raise refused(response.status, headers, raw)
        try:
            found = sound(json.loads(raw))
        except (ValueError, RecursionError):
            if not self._answered and raw.lstrip().startswith(b"<"):
                raise Fault("endpoint", "it answers with a page, not with JSON") from None
            raise Fault("malformed", "it answers with broken JSON", paid=True) from None
        if not isinstance(found, dict):
            raise Fault("malformed", "it answers with JSON of another shape", paid=True)
        self._answered = True
        return found

    async def models(self) -> list[str]:
        """The names of the models that the endpoint has; none where it does not say."""
        try:
            async with self._session.get(
                self._url + "/models",
                timeout=aiohttp_or_explain().ClientTimeout(total=5.0),
                proxy=self._proxy,
            ) as response:
                found = sound(json.loads(await response.read()))
            return [str(one["id"]) for one in found["data"]]
        except (*self._errors, ValueError, KeyError, TypeError, RecursionError):
            return []

    async def close(self) -> None:
        await self._session.close()


def check_key(key: str | None) -> str | None:
    """A key that can be sent in a header; raises OptionError, without the key in it."""
    if key is not None and not isinstance(key, str):  # not shown: it may be one
        raise OptionError(f"key is of the type {type(key).__name__}: give a string.")
    key = (key or "").strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise OptionError("the key holds characters that no key has: copy it again.")
    return key or None


def is_secret(key: str) -> bool:
    """Whether a key is more than what servers without keys are given ("none", "EMPTY"), which may stand
    anywhere.
    """
    return len(key) >= 8


def check_url(url: str) -> str:
    """The base URL without a slash or /chat/completions at its end; raises OptionError for one that cannot
    be.
    """
    url = url.strip().rstrip("/").removesuffix("/chat/completions")
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        raise OptionError("the URL of the endpoint is not understood: write http://host:port/v1.") from None
    if parts.username or parts.password or parts.query or parts.fragment:
        raise OptionError(
            "the URL of the endpoint may hold no password, query or fragment: give the key as key."
        )
    if not sound:
        raise OptionError(f"{url!r} is not the URL of an endpoint: write http://host:port/v1.")
    return url


def _proxy(url: str) -> str | None:
    """The proxy that the environment names for a URL, looked up once: aiohttp would look for every call."""
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme)
    return None if proxy is None or proxy_bypass(parts.hostname or "") else proxy
