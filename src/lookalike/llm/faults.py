"""What can go wrong with a call, told apart by what helps: waiting, asking again, changing the request, or
nothing.

kind               what helps
rate limit         429, 503, 529: the same call later, as late as the server says
server error       408, 409, 425, other 5xx: the same call again
timeout            the same call again
connection         the same call again, until the endpoint counts as dead
malformed          the same call again, a few times: the model may do better
cut off            the same request with more tokens for the reply
dialect            the same request, written as this server wants it
rejected, too long, refused   nothing: this request fails
forbidden          403: the key, or, after good answers, this request alone
key, model, quota, endpoint, proxy, certificate   nothing: the run stops
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lookalike.characters import sound
from lookalike.errors import first_line
from lookalike.llm.budget import Spent
from lookalike.llm.said import NOT_FITTING, Said, dialect, server_message, wait_in
from lookalike.llm.throttle import Outcome, retry_after

PUSHED_BACK = (429, 503, 529)
AGAIN = (408, 409, 425)
STOPS = ("key", "model", "quota", "endpoint", "proxy", "certificate")
REFUSED = "refused"  # by the model or a filter: such a request is kept, so that it is asked once
FAILS = ("rejected", "too long", REFUSED)
MOST_TRIES = {"malformed": 4, "server error": 6, "timeout": 4}  # the others end with the time they may take
NO_CREDIT = ("insufficient_quota", "billing_hard_limit", "billing", "credit", "balance")
NO_MORE_TODAY = ("per day", "perday", "per_day", "daily", "per month", "monthly")
KEY_WORDS = ("api key", "api-key", "api_key", "apikey", "authentication", "unauthorized", "credentials")
KEY_WRONG = ("invalid", "not valid", "incorrect", "missing", "expired", "wrong", "not found", "no ", "fail")
MODERATED = (
    "content_filter", "content filter", "content management policy", "content_policy", "content policy",
    "moderation", "flagged", "safety system", "usage policies", "prohibited",
)  # fmt: skip
CODES = {  # of errors that come with the status 200
    "rate_limit": 429, "too_many_requests": 429, "resource_exhausted": 429, "insufficient_quota": 429,
    "overloaded": 503, "unavailable": 503, "timeout": 504, "invalid_api_key": 401, "authentication": 401,
    "permission": 403, "payment": 402, "model_not_found": 404, "not_found": 404, "invalid_request": 400,
    "context_length": 400, "content_filter": 400, "bad_request": 400, "badrequest": 400,
    "invalid_argument": 400,
}  # fmt: skip


@dataclass
class Fault(Exception):
    """A call that brought no usable reply.

    reason: a part of a sentence; paid: whether the server may have charged for it; used: what it said it
    took; wait: seconds it asked to wait; adapt: what is to be written differently (see `said.dialect`);
    limit: the most tokens of a reply that it takes.
    """

    kind: str
    reason: str
    paid: bool = False
    used: Spent | None = None
    wait: float | None = None
    adapt: str | None = None
    limit: int | None = None

    @property
    def outcome(self) -> Outcome:
        """What the throttle learns from it."""
        return "pushed back" if self.kind in ("rate limit", "timeout", "connection") else "neither"


def refused(status: int, headers: Mapping[str, str], body: bytes, asked: int = 0) -> Fault:
    """What an HTTP status other than 200 means, with what the server says about it.

    asked: the tokens that the call allowed for its reply.
    """
    said = server_message(body)
    text = f"{said.text} {said.code}".lower()
    reason = f"it answers {status}" + (f", {said.text!r}" if said.text else "")
    if status == 407:
        return Fault("proxy", reason)
    if status in PUSHED_BACK:
        return _pushed_back(status, headers, said, text, reason)
    if status in (400, 403, 422, 451) and any(word in text for word in MODERATED):
        return Fault(REFUSED, reason)
    if status == 401 or _of_the_key(status, text):
        return Fault("key", reason)
    if status == 403:
        return Fault("forbidden", reason)
    if status == 402:
        return Fault("quota", reason)
    if 300 <= status < 400:
        there = sound(headers.get("Location", "another address"))
        return Fault("endpoint", f"it sends calls on to {there}")
    if said.code == NOT_FITTING:
        return Fault("malformed", reason, paid=True)
    adapt, limit = dialect(said, asked, broken=status >= 500)
    if adapt is not None:
        return Fault("dialect", reason, adapt=adapt, limit=limit)
    if status in (404, 405, 501):
        return Fault("model" if "model" in text else "endpoint", reason)
    if status >= 500 or status in AGAIN:
        return Fault("server error", reason, wait=retry_after(headers))
    if status == 413 or said.too_long:
        return Fault("too long", reason)
    if said.code == "model_not_found" or ("model" in text and "not exist" in text):
        return Fault("model", reason)
    return Fault("rejected", reason)


def inside(found: Mapping[str, Any], headers: Mapping[str, str], body: bytes, asked: int = 0) -> Fault | None:
    """The fault in an answer with the status 200, by its own code; None where there is none."""
    error = found.get("error")
    if not error or "choices" in found or "data" in found:
        return None
    code = error.get("code") or error.get("status") or error.get("type") if isinstance(error, dict) else None
    status = int(str(code)) if str(code).isdigit() else 0
    if not 400 <= status < 600:
        words = f"{code} {error.get('type', '')}".lower() if isinstance(error, dict) else str(error).lower()
        status = next((one for word, one in CODES.items() if word in words.replace(" ", "_")), 500)
    return refused(status, headers, body, asked)


def unreachable(error: BaseException, silence: float, proxy: str | None = None) -> Fault:
    """What an error of the transport means. silence: seconds without a sign of life that were borne."""
    import aiohttp

    if isinstance(error, TimeoutError):
        return Fault("timeout", f"no reply within {silence:.3g} s", paid=True)
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return Fault("proxy", f"no connection to it ({_os_words(error)})")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return Fault("proxy", f"it answers {error.status}")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return Fault("certificate", first_line(error.certificate_error))
    if isinstance(error, aiohttp.ClientSSLError):
        return Fault("endpoint", f"it does not speak https ({_os_words(error)})")
    if isinstance(error, aiohttp.ClientConnectorError):  # nothing was sent
        where = f" through the proxy {proxy}" if proxy is not None else ""
        return Fault("connection", f"no connection{where} ({_os_words(error)})")
    return Fault("connection", f"the connection broke ({type(error).__name__})", paid=True)


def _pushed_back(status: int, headers: Mapping[str, str], said: Said, text: str, reason: str) -> Fault:
    """A rate limit, with the wait that the server names; or a credit that is used up."""
    wait = retry_after(headers)
    wait = wait_in(said) if wait is None else wait
    if status == 429 and any(word in text for word in NO_MORE_TODAY):
        return Fault("quota", reason)
    spent = said.code == "insufficient_quota" or (wait is None and any(word in text for word in NO_CREDIT))
    if status == 429 and spent:
        return Fault("quota", reason)
    return Fault("rate limit", reason, wait=wait)


def _of_the_key(status: int, text: str) -> bool:
    """Whether a server that has another status for it complains about the key."""
    named = status in (400, 403, 404, 422, 500) and any(word in text for word in KEY_WORDS)
    return named and any(word in text for word in KEY_WRONG)


def _os_words(error: Any) -> str:
    return error.os_error.strerror or first_line(error.os_error)
