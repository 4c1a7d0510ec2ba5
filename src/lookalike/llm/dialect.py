"""How a server wants its calls to be written, as it turns out; what is asked stays the same."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from lookalike.arguments import choice
from lookalike.llm.faults import Fault
from lookalike.llm.structured import ReplyForm

WAYS = ("response_format", "json_object", "prompt")  # from the best to the one that all servers take
DEAF = 3  # replies in a row against the schema after which a server counts as one that ignores it
FULL, SPARE_SHARE, MOST_TIMES = 0.75, 1.5, 16.0  # of the tokens that replies were thought to need
KEPT = ("model", "messages")  # fields that no server can do without


class Sent(NamedTuple):
    """A call as it was written: tokens_out: the most it can bring; way: how it asks for a schema; the rest:
    as in `Dialect` at that time.
    """

    body: bytes
    tokens_out: int
    way: str = "text"
    renamed: bool = False
    merged: bool = False
    streamed: bool = False
    counted: bool = False
    dropped: frozenset[str] = frozenset()


class Dialect:
    """What a server has been found to want.

    ways: of a schema; renamed: `max_completion_tokens`; merged: the system's text in the user's message;
    streamed, counted: replies come token by token, with their usage; dropped: fields that it does not take;
    most: tokens of a reply that it allows; times: how many of the tokens that were thought enough a reply
    needs. Raises OptionError for an unknown way.
    """

    def __init__(self, structured: str) -> None:
        self.ways = Ways(structured)
        self.renamed = self.merged = False
        self.streamed = self.counted = True
        self.dropped: frozenset[str] = frozenset()
        self.most: float = math.inf
        self.times = 1.0

    def write(self, payload: Mapping[str, Any], asked: ReplyForm | None, tokens: int) -> Sent:
        """The body of a call. payload: as `Request.payload` has it; tokens: of the reply, at most."""
        way = "text" if asked is None else self.ways.now
        written = {name: value for name, value in payload.items() if name not in self.dropped}
        written["max_tokens"] = tokens
        if asked is not None and way != WAYS[0]:
            _in_words(written, asked, way)
        if self.merged:
            written["messages"] = _merged(written["messages"])
        if self.renamed:
            written["max_completion_tokens"] = written.pop("max_tokens")
        if self.streamed:
            written["stream"] = True
            if self.counted:
                written["stream_options"] = {"include_usage": True}
        now = self.renamed, self.merged, self.streamed, self.counted, self.dropped
        return Sent(dumps(written), tokens, way, *now)

    def adapt(self, fault: Fault, sent: Sent) -> bool:
        """Writes calls differently from now on; False where nothing is left to change.

        Of several calls that were refused at once only the first changes anything.
        """
        wanted = fault.adapt or ""
        if wanted == "response_format":
            return self.ways.refused(sent.way)
        if wanted == "max_completion_tokens":
            self.renamed = True
            return not sent.renamed
        if wanted == "system":
            self.merged = True
            return not sent.merged
        if wanted == "stream":
            self.streamed = True
            return not sent.streamed
        if wanted == "no stream":
            self.streamed = False
            return sent.streamed
        if wanted == "stream_options":
            self.counted = False
            return sent.streamed and sent.counted
        if wanted in ("tokens", "room"):
            fewer = fault.limit is not None and fault.limit < sent.tokens_out
            if fewer and wanted == "tokens":
                self.most = min(self.most, fault.limit or 1)
            return fewer
        name = wanted.removeprefix("drop ")
        if not name or name in KEPT or name in sent.dropped:
            return False
        self.dropped |= {name}
        return f'"{name}":' in sent.body.decode()

    def took(self, thought: int, tokens: int) -> None:
        """Learns from a reply how many tokens replies need, where it was nearly too long for what was
        thought.
        """
        if tokens > FULL * thought:
            self.times = max(self.times, min(SPARE_SHARE * tokens / thought, MOST_TIMES))


class Ways:
    """Which way of asking for a schema a server takes, as it turns out (`request.in_words` writes them).

    wanted: one of `WAYS`, or "auto" to begin with the first; now: the way to ask in. Raises OptionError.
    """

    def __init__(self, wanted: str) -> None:
        choice("structured", wanted, ("auto", *WAYS))
        self.now = WAYS[0] if wanted == "auto" else wanted
        self._auto = wanted == "auto"
        self._ignored = 0  # replies in a row; -1 once one has fitted

    def refused(self, way: str) -> bool:
        """Goes on to the next way after the server has refused one; False where none is left."""
        if not self._auto or way not in WAYS[:-1]:
            return False
        if way == self.now:  # of several calls at once only the first changes it
            self.now = WAYS[WAYS.index(way) + 1]
        return True

    def answered(self, way: str, fits: bool) -> None:
        """Learns whether the server follows response_format or only swallows it."""
        if self._auto and way == WAYS[0]:
            self._ignored = -1 if fits or self._ignored < 0 else self._ignored + 1
            if self._ignored >= DEAF:
                self.now = WAYS[-1]


def dumps(payload: Mapping[str, Any]) -> bytes:
    """A body of a call, as it is sent and hashed."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _in_words(payload: dict[str, Any], asked: ReplyForm, way: str) -> None:
    """Asks for a schema in another way than by `response_format`.

    way: "json_object" puts the schema into the last message and beside `response_format`'s older type, where
    llama.cpp's Python server reads it; "prompt" into the message alone.
    """
    payload.pop("response_format", None)
    if way == "json_object":
        payload["response_format"] = {"type": "json_object", "schema": asked.schema}
    *before, last = payload["messages"]
    payload["messages"] = [*before, {**last, "content": _joined(last["content"], asked.instruction)}]


def _merged(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages with what the system says at the head of the user's next one."""
    found: list[dict[str, Any]] = []
    said = ""
    for message in messages:
        if message["role"] in ("system", "developer"):
            said += f"{_joined(message['content'], '')}\n\n"
        elif message["role"] == "user" and said:
            found.append({**message, "content": _joined(message["content"], said, first=True)})
            said = ""
        else:
            found.append(message)
    return [*found, {"role": "user", "content": said.strip()}] if said else found


def _joined(content: Any, more: str, first: bool = False) -> Any:
    """The content of a message, a text or a list of parts, and a text."""
    if not isinstance(content, list):
        return more + content if first else content + more
    part = {"type": "text", "text": more}
    if not more:
        return "".join(str(one.get("text", "")) for one in content if isinstance(one, dict))
    return [part, *content] if first else [*content, part]
