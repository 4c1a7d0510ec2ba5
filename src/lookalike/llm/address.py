"""Where an endpoint is and what goes to it with every call: URL, key, headers, and the proxy on the way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

from lookalike.arguments import shown
from lookalike.errors import OptionError

ENDS = ("/chat/completions", "/embeddings", "/completions")
SECRETS = re.compile(r"key|token|secret|sig\b|password", re.IGNORECASE)
NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Address(NamedTuple):
    """url: the base, without a slash at its end; query: behind every path ("api-version=2024-10-21"); key:
    kept nowhere else; headers: further ones; proxy: of the environment.
    """

    url: str
    query: str
    key: str | None
    headers: Mapping[str, str]
    proxy: str | None

    def of(self, path: str) -> str:
        return self.url + path + (f"?{self.query}" if self.query else "")

    @property
    def is_azure(self) -> bool:
        """Whether it takes the key in a header of its own."""
        host = urlsplit(self.url).hostname or ""
        return host.endswith(".azure.com") or "api-version" in dict(parse_qsl(self.query))

    def sent_headers(self) -> dict[str, str]:
        """The headers of a call."""
        found = {"Content-Type": "application/json"}
        if self.key and self.is_azure:
            found["api-key"] = self.key
        elif self.key:
            found["Authorization"] = f"Bearer {self.key}"
        return found | dict(self.headers)


def address(url: str, key: str | None, headers: Mapping[str, str] | None = None) -> Address:
    """The address that the arguments of an `LLM` mean; raises OptionError for one that cannot be."""
    base, query = split_url(url)
    return Address(base, query, check_key(key), check_headers(headers), _proxy(base))


def check_key(key: Any) -> str | None:
    """A key that can be sent in a header; raises OptionError, without the key in it."""
    if key is not None and not isinstance(key, str):  # not shown: it may be one
        raise OptionError(f"key is of the type {type(key).__name__}: give a string.")
    key = (key or "").strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise OptionError("the key holds characters that no key has: copy it again.")
    return key or None


def check_headers(headers: Any) -> dict[str, str]:
    """Headers that can be sent; raises OptionError, without their values, which may be secrets."""
    if headers is None:
        return {}
    if not isinstance(headers, Mapping):
        raise OptionError(f"headers is {shown(headers)}: give a dictionary of names and values.")
    for name, value in headers.items():
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise OptionError(
                f"{shown(name)} is not the name of a header: write letters, digits and hyphens."
            )
        if not isinstance(value, str) or not (value.isascii() and value.isprintable()):
            raise OptionError(
                f"the value of the header {name} holds characters that none has: copy it again."
            )
    return dict(headers)


def is_secret(key: str) -> bool:
    """Whether a key is more than what servers without keys are given ("none", "EMPTY"), which may stand
    anywhere.
    """
    return len(key) >= 8


def split_url(url: str) -> tuple[str, str]:
    """The base URL without a slash or /chat/completions at its end, and its query; raises OptionError for one
    that cannot be.
    """
    try:
        parts = urlsplit(url.strip())
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        raise OptionError("the URL of the endpoint is not understood: write http://host:port/v1.") from None
    if parts.username or parts.password or parts.fragment:
        raise OptionError(
            "the URL of the endpoint may hold no password and no fragment: give the key as key."
        )
    if any(SECRETS.search(name) for name, _ in parse_qsl(parts.query)):
        raise OptionError("the URL of the endpoint holds a key, which logs would show: give it as key.")
    path = parts.path.rstrip("/")
    for end in ENDS:
        path = path.removesuffix(end)
    base = urlunsplit((parts.scheme, parts.netloc, path.rstrip("/"), "", ""))
    if not sound:
        raise OptionError(f"{base!r} is not the URL of an endpoint: write http://host:port/v1.")
    return base, parts.query


def _proxy(url: str) -> str | None:
    """The proxy that the environment names for a URL, looked up once: aiohttp would look for every call."""
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme)
    return None if proxy is None or proxy_bypass(parts.hostname or "") else proxy
