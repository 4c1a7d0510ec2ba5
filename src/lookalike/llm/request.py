"""What is asked and what comes back, as values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lookalike.llm import structured
from lookalike.llm.budget import Spent
from lookalike.llm.dialect import Sent
from lookalike.llm.faults import Fault
from lookalike.llm.ledger import Entry
from lookalike.llm.said import server_message

Messages = str | list[dict[str, Any]]
WHOLE = 0.9  # of the tokens that were allowed: a reply that is cut off sooner met another limit
WINDOW = 256  # tokens
MOST_TOKENS = 1 << 40  # of one call: a server that says more miscounts, and the ledger could not add it up


@dataclass(frozen=True)
class Request:
    """One thing to ask.

    messages: as the chat API takes them, or a text for one message of the user; schema: a JSON schema for
    the reply; sample: tells several replies to the same prompt apart; max_tokens: of the reply;
    temperature: None for the server's own; options: further fields of the chat API (top_p, stop, seed),
    sent as they are; most_tokens: a reply to a schema that is cut off is asked for again with more tokens, up
    to this many (None: max_tokens).
    """

    messages: Messages
    schema: dict[str, Any] | None = None
    sample: int = 0
    max_tokens: int = 1024
    temperature: float | None = None
    options: dict[str, Any] = field(default_factory=dict)
    most_tokens: int | None = None

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
    lost: tuple[structured.Lost, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A request of many that got no usable reply: kind as in `LLMError.kind`, reason as a sentence."""

    kind: str
    reason: str


def key_of(url: str, path: str, body: bytes, sample: int) -> bytes:
    """The name of a request in the ledger: sha256 of the URL, the body (with the model) and the sample."""
    return hashlib.sha256(b"\0".join((f"{url}{path}".encode(), str(sample).encode(), body))).digest()


def read_chat(
    found: dict[str, Any], asked: structured.ReplyForm | None, sent: Sent, most: Spent, whole: bool = True
) -> Entry:
    """The reply in what a chat call answered, checked against the schema.

    most: what the call can have taken, for servers that do not say what it did. whole: a reply that is cut
    off is none; else what is whole in it counts. Raises Fault: "malformed", "cut off", "refused".
    """
    try:
        choice = found["choices"][0]
        message = choice["message"]
        places = _places(message)
        finish = choice.get("finish_reason")
    except (KeyError, IndexError, TypeError, AttributeError):
        raise Fault("malformed", "its answer is not a chat completion", paid=True) from None
    used = Spent(1, *usage_of(found, most))
    finish = finish if isinstance(finish, str) else None
    if finish == "error" or choice.get("error"):
        said = server_message(json.dumps(choice).encode()).text
        raise Fault("server error", f"the reply broke off{said and f', {said!r}'}", True, used)
    refusal = message.get("refusal")
    filtered = finish is not None and finish.lower().startswith(("content_filter", "safety", "refusal"))
    if (isinstance(refusal, str) and refusal and not places[0]) or filtered:
        words = refusal if isinstance(refusal, str) and refusal else f"finish_reason {finish!r}"
        raise Fault("refused", f"it says {str(words)[:300]!r}", True, used)
    text = places[0]
    if asked is not None:
        if finish == "length" and whole and not _is_full(sent, used):
            raise Fault("cut off", _cut_off(sent, used), True, used)
        text = _fitting(places if finish != "length" else places[:1], asked, finish, sent, used)
    return Entry(text, sent.way, finish, used.tokens_in, used.tokens_out)


def _places(message: dict[str, Any]) -> list[str]:
    """Where the answer may stand in a message: its content, the arguments of a tool call, its reasoning."""
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    calls = message.get("tool_calls")
    calls = [call["function"]["arguments"] for call in calls] if isinstance(calls, list) else []
    if isinstance(message.get("function_call"), dict):
        calls.append(message["function_call"].get("arguments"))
    calls = [one if isinstance(one, str) else json.dumps(one) for one in calls if one]
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    found = [content if isinstance(content, str) else "", *calls]
    return (
        [*found, reasoning] if isinstance(reasoning, str) and not any(one.strip() for one in found) else found
    )


def _fitting(
    places: Sequence[str], asked: structured.ReplyForm, finish: str | None, sent: Sent, used: Spent
) -> str:
    """The first place with a value of the schema; it is what the ledger keeps."""
    wrong: structured.Malformed | None = None
    for text in places:
        try:
            asked.parse(text)
            return text
        except structured.Malformed as error:
            wrong = wrong if wrong is not None and not text.strip() else error
    if finish == "length":
        raise Fault("cut off", _cut_off(sent, used), True, used) from None
    raise Fault("malformed", f"the reply {wrong}", True, used) from None


def _cut_off(sent: Sent, used: Spent) -> str:
    if _is_full(sent, used):
        return f"the reply is cut off after {used.tokens_out:,} tokens: the model's context is full"
    return f"the reply is cut off after {sent.tokens_out:,} tokens"


def _is_full(sent: Sent, used: Spent) -> bool:
    """Whether a reply ended where the context of the model does, so that allowing more does not help.

    The window of a context is a multiple of 256.
    """
    off = (used.tokens_in + used.tokens_out + 2) % WINDOW
    return used.tokens_out < WHOLE * sent.tokens_out and off <= 4


def usage_of(found: dict[str, Any], most: Spent) -> tuple[int, int]:
    """Tokens in and out as the server counted them, with those of its thinking; what the call can have taken
    at most where it does not say.
    """
    usage = found.get("usage")
    if not isinstance(usage, dict):
        return most.tokens_in, most.tokens_out
    counts = [usage.get("prompt_tokens"), usage.get("completion_tokens", 0), usage.get("total_tokens", 0)]
    counts[1:] = [0 if count is None else count for count in counts[1:]]
    if not all(type(count) is int and 0 <= count < MOST_TOKENS for count in counts):
        return most.tokens_in, most.tokens_out
    came_in, went_out, total = counts
    return came_in, max(went_out, total - came_in)


def reply_of(entry: Entry, asked: structured.ReplyForm | None, key: bytes, known: bool) -> Reply:
    """A kept reply as its caller sees it; raises `structured.Malformed` where it does not fit the schema."""
    text = str(entry.body)
    found = structured.Parsed(None, False, []) if asked is None else asked.parse(text)
    return Reply(
        text, found.value, entry.way, found.repaired, entry.finish, entry.tokens_in, entry.tokens_out, known,
        key.hex(), tuple(found.lost),
    )  # fmt: skip
