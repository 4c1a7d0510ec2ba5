"""What is asked and what comes back, as values."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from lookalike.llm import structured
from lookalike.llm.budget import Spent
from lookalike.llm.faults import Fault
from lookalike.llm.ledger import Entry

Messages = str | list[dict[str, Any]]
MOST_TOKENS = 1 << 40  # of one call: a server that says more miscounts, and the ledger could not add it up


@dataclass(frozen=True)
class Request:
    """One thing to ask.

    messages: as the chat API takes them, or a text for one message of the user; schema: a JSON schema for
    the reply; sample: tells several replies to the same prompt apart; max_tokens: of the reply;
    temperature: None for the server's own; options: further fields of the chat API (top_p, stop, seed),
    sent as they are.
    """

    messages: Messages
    schema: dict[str, Any] | None = None
    sample: int = 0
    max_tokens: int = 1024
    temperature: float | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def payload(self, model: str, response_format: dict[str, Any] | None) -> dict[str, Any]:
        """The body of the call as the chat API defines it."""
        messages = self.messages
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        payload: dict[str, Any] = {"model": model, "messages": messages, "max_tokens": self.max_tokens}
        if self.temperature is not None:
            payload["temperature"] = self.temperature
        if self.options:
            payload.update(self.options)
        if response_format is not None:
            payload["response_format"] = response_format
        return payload


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer.

    text: as the model wrote it; data: the JSON value in it where a schema was asked for; way: how that was
    ("text" without a schema, else one of `structured.WAYS`); repaired: whether the JSON had to be; finish:
    why the reply ended ("stop", "length"); tokens_in, tokens_out: as the server counted; known: read back
    from the ledger; key: the request's name in the ledger (hex).
    """

    text: str
    data: Any
    way: str
    repaired: bool
    finish: str | None
    tokens_in: int
    tokens_out: int
    known: bool
    key: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A request of many that got no usable reply: kind as in `LLMError.kind`, reason as a sentence."""

    kind: str
    reason: str


def dumps(payload: dict[str, Any]) -> bytes:
    """A body of a call, as it is sent and hashed."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def key_of(url: str, path: str, body: bytes, sample: int) -> bytes:
    """The name of a request in the ledger: sha256 of the URL, the body (with the model) and the sample."""
    return hashlib.sha256(b"\0".join((f"{url}{path}".encode(), str(sample).encode(), body))).digest()


def in_words(
    payload: dict[str, Any], asked: structured.Form | None, way: str, renamed: bool
) -> dict[str, Any]:
    """A payload in another way than `Request.payload` writes it.

    way: "json_object" puts the schema into the last message and beside `response_format`'s older type, where
    llama.cpp's Python server reads it; "prompt" into the message alone. renamed: for a server that wants
    `max_completion_tokens`.
    """
    payload = dict(payload)
    if asked is not None and way != "response_format":
        if way == "json_object":
            payload["response_format"] = {"type": "json_object", "schema": asked.schema}
        else:
            payload.pop("response_format")
        *before, last = payload["messages"]
        content = last["content"]
        if isinstance(content, list):
            content = [*content, {"type": "text", "text": asked.instruction}]
        else:
            content = content + asked.instruction
        payload["messages"] = [*before, {**last, "content": content}]
    if renamed:
        payload["max_completion_tokens"] = payload.pop("max_tokens")
    return payload


def read_chat(found: dict[str, Any], asked: structured.Form | None, way: str, most: Spent) -> Entry:
    """The reply in what a chat call answered, checked against the schema; raises Fault("malformed").

    most: what the call can have taken, for servers that do not say what it did.
    """
    try:
        choice = found["choices"][0]
        message = choice["message"]
        content = message.get("content")
        finish = choice.get("finish_reason")
    except (KeyError, IndexError, TypeError, AttributeError):
        said = found.get("error")
        reason = f"it answers {said!r:.200}" if said else "its answer is no chat completion"
        raise Fault("malformed", reason, paid=True) from None
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    text = content if isinstance(content, str) else ""
    finish = finish if isinstance(finish, str) else None
    tokens_in, tokens_out = usage_of(found, most)
    if asked is not None:
        used = Spent(1, tokens_in, tokens_out)
        if finish == "length":
            reason = f"the reply is cut off after max_tokens={most.tokens_out}: allow more"
            raise Fault("malformed", reason, True, used)
        try:
            asked.parse(text)
        except structured.Malformed as error:
            raise Fault("malformed", f"the reply {error}", True, used) from None
    return Entry(text, way, finish, tokens_in, tokens_out)


def usage_of(found: dict[str, Any], most: Spent) -> tuple[int, int]:
    """Tokens in and out as the server counted them; what the call can have taken at most where it does not
    say.
    """
    usage = found.get("usage")
    if not isinstance(usage, dict):
        return most.tokens_in, most.tokens_out
    counts = usage.get("prompt_tokens"), usage.get("completion_tokens", 0)
    if not all(isinstance(count, int) and 0 <= count < MOST_TOKENS for count in counts):
        return most.tokens_in, most.tokens_out
    return int(counts[0] or 0), int(counts[1] or 0)


def reply_of(entry: Entry, asked: structured.Form | None, key: bytes, known: bool) -> Reply:
    """A kept reply as its caller sees it; raises `structured.Malformed` where it does not fit the schema."""
    text = str(entry.body)
    data, repaired = asked.parse(text) if asked is not None else (None, False)
    return Reply(
        text, data, entry.way, repaired, entry.finish, entry.tokens_in, entry.tokens_out, known, key.hex()
    )
