"""A reply that comes token by token (server-sent events), put together to what it would have been at once."""

from __future__ import annotations

import json
from typing import Any

from lookalike.characters import sound

JOINED = ("content", "reasoning_content", "reasoning", "refusal")  # texts of a message that come in parts


class Stream:
    """The events of one reply. over: whether it said that it is complete."""

    def __init__(self) -> None:
        self.over = False
        self._rest = b""
        self._texts: dict[str, list[str]] = {}
        self._calls: dict[int, dict[str, str]] = {}
        self._choice: dict[str, Any] = {}
        self._whole: dict[str, Any] = {}  # fields of the reply itself, such as usage
        self._ended = False

    def feed(self, part: bytes) -> int:
        """Takes bytes as they come; returns how many events with something of the reply they end.

        Raises ValueError for an event that is no JSON object.
        """
        *lines, self._rest = (self._rest + part).split(b"\n")
        return sum(self._line(line.strip()) for line in lines)

    def found(self) -> dict[str, Any] | None:
        """The reply as a chat completion; None where it broke off."""
        if self._rest.strip():
            self.feed(b"\n")
        if "error" in self._whole and not self._ended:
            return {"error": self._whole["error"]}
        if not (self.over or self._ended):
            return None
        message: dict[str, Any] = {"content": None}
        message |= {name: "".join(parts) for name, parts in self._texts.items()}
        if self._calls:
            message["tool_calls"] = [{"function": call} for _, call in sorted(self._calls.items())]
        found: dict[str, Any] = sound({**self._whole, "choices": [{**self._choice, "message": message}]})
        return found

    def _line(self, line: bytes) -> int:
        """One line: data counts, comments that keep a connection open and names of events do not."""
        if not line.startswith(b"data:"):
            return 0
        data = line.removeprefix(b"data:").strip()
        if data == b"[DONE]":
            self.over = True
            return 1
        event = json.loads(data)
        if not isinstance(event, dict):
            raise ValueError("no JSON object")
        for name in ("usage", "error"):
            if event.get(name):
                self._whole[name] = event[name]
        choices = event.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            return 0
        self._take(choices[0])
        return 1

    def _take(self, choice: dict[str, Any]) -> None:
        for name in ("finish_reason", "error"):
            if choice.get(name):
                self._choice[name] = choice[name]
                self._ended = True
        delta = choice.get("delta") or choice.get("message")
        if not isinstance(delta, dict):
            return
        for name in JOINED:
            if isinstance(delta.get(name), str):
                self._texts.setdefault(name, []).append(delta[name])
        calls = delta.get("tool_calls")
        for at, call in enumerate(calls if isinstance(calls, list) else []):
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(function, dict):
                index = call.get("index")
                own = self._calls.setdefault(index if isinstance(index, int) else at, {"arguments": ""})
                own["arguments"] += str(function.get("arguments") or "")
