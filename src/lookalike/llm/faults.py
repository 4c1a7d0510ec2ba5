"""What can go wrong with a call, told apart by what helps: waiting, asking again, changing the request, or
nothing.

kind               what helps
rate limit         429, 503, 529: the same call later, as late as the server says
server error       408, 409, 425, other 5xx: the same call again
timeout            the same call again
connection         the same call again, until the endpoint counts as dead
malformed          the same call again, a few times: the model may do better
dialect            the same request, written as this server wants it
rejected, too long nothing: this request fails
key, model, quota, endpoint   nothing: the run stops
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lookalike.characters import sound
from lookalike.errors import first_line
from lookalike.llm.budget import Spent
from lookalike.llm.throttle import Outcome, retry_after

PUSHED_BACK = (429, 503, 529)
AGAIN = (408, 409, 425)
STOPS = ("key", "model", "quota", "endpoint")
FAILS = ("rejected", "too long")
MOST_TRIES = {"malformed": 4, "server error": 6}  # the others are bounded by the time a request may take
TOO_LONG = (
    "context length",
    "context_length",
    "context window",
    "context size",
    "too long",
    "too many tokens",
)
NO_FORMAT = ("response_format", "json_schema", "guided", "structured output")
NO_CREDIT = ("insufficient_quota", "billing", "credit balance")


@dataclass
class Fault(Exception):
    """A call that brought no usable reply.

    reason: a part of a sentence; paid: whether the server may have charged for it; used: what it said it
    took; wait: seconds it asked to wait; adapt: what is to be written differently ("response_format",
    "max_tokens"); way: how the call had asked for a schema.
    """

    kind: str
    reason: str
    paid: bool = False
    used: Spent | None = None
    wait: float | None = None
    adapt: str | None = None
    way: str = ""

    @property
    def outcome(self) -> Outcome:
        """What the throttle learns from it."""
        return "pushed back" if self.kind in ("rate limit", "timeout", "connection") else "neither"


def refused(status: int, headers: Mapping[str, str], body: bytes) -> Fault:
    """What an HTTP status other than 200 means, with what the server says about it."""
    said, code = server_message(body)
    text = f"{said} {code}".lower()
    reason = f"it answers {status}" + (f", {said!r}" if said else "")
    if status in PUSHED_BACK:
        if status == 429 and any(word in text for word in NO_CREDIT):
            return Fault("quota", reason)
        return Fault("rate limit", reason, wait=retry_after(headers))
    if status in (401, 403):
        return Fault("key", reason)
    if status == 402:
        return Fault("quota", reason)
    if status in (404, 405, 501):
        return Fault("model" if "model" in text else "endpoint", reason)
    if 300 <= status < 400:
        there = sound(headers.get("Location", "another address"))
        return Fault("endpoint", f"it sends calls on to {there}")
    if status == 500 and any(word in text for word in NO_FORMAT[:2]):  # as llama.cpp's Python server says it
        return Fault("dialect", reason, adapt="response_format")
    if status >= 500 or status in AGAIN:
        return Fault("server error", reason, wait=retry_after(headers))
    if status == 413 or any(word in text for word in TOO_LONG):
        return Fault("too long", reason)
    if "max_completion_tokens" in text:
        return Fault("dialect", reason, adapt="max_tokens")
    if any(word in text for word in NO_FORMAT):
        return Fault("dialect", reason, adapt="response_format")
    if code == "model_not_found" or ("model" in text and "not exist" in text):
        return Fault("model", reason)
    return Fault("rejected", reason)


def server_message(body: bytes) -> tuple[str, str]:
    """The sentence and the code in an error's body, in the shapes that servers use; the sentence is
    shortened.
    """
    try:
        found: Any = sound(json.loads(body))
    except (ValueError, RecursionError):
        text = sound(body[:200].decode("utf-8", "replace")).strip()
        return ("" if text.startswith("<") else first_line(ValueError(text)) if text else ""), ""
    if isinstance(found, dict):
        found = found.get("error", found)
    if isinstance(found, dict):
        said = found.get("message") or found.get("detail") or ""
        return str(said)[:300].rstrip("."), str(found.get("code") or found.get("type") or "")
    return str(found)[:300].rstrip("."), ""


def unreachable(error: BaseException, timeout: float) -> Fault:
    """What an error of the transport means."""
    import aiohttp

    if isinstance(error, TimeoutError):
        return Fault("timeout", f"no reply within {timeout:g} s", paid=True)
    if isinstance(error, aiohttp.ClientSSLError):
        return Fault("endpoint", f"its certificate is not accepted ({first_line(error)})")
    if isinstance(error, aiohttp.ClientConnectorError):  # nothing was sent
        return Fault("connection", f"no connection ({error.os_error.strerror or first_line(error.os_error)})")
    return Fault("connection", f"the connection broke ({type(error).__name__})", paid=True)
