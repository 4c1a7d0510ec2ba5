"""What a server says in the body of an error: its sentence, how long to wait, what to write differently."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from lookalike.characters import sound
from lookalike.errors import first_line
from lookalike.llm.throttle import duration

TOO_LONG = (
    "context length", "context_length", "context window", "context size", "context_window", "too long",
    "too many tokens", "prompt is too large", "maximum context",
)  # fmt: skip
NO_FORMAT = ("response_format", "json_schema", "guided", "structured output", "response_schema", "json mode")
NO_SCHEMA = re.compile(r"\bjson schemas?\b|\bgrammars?\b")  # said by what compiles schemas to grammars
NO_SCHEMA_SHAPE = re.compile(r"\bschemas?\b.{0,100}\b(support|invalid|too (many|large|complex|deep))")
NOT_FITTING = "json_validate_failed"  # what the model wrote does not fit the schema
NO_SYSTEM = re.compile(
    r"system (role|message|prompt|instruction)s?\b.{0,40}\b(not|unsupported)|developer instruction"
    r"|roles? must alternate|only user and assistant roles|unsupported role|role\W+system\W.{0,40}\bnot"
    r"|(does not|doesn't|not) support.{0,20}\bsystem\b",
)
NOT_TAKEN = re.compile(
    r"support|not allowed|not permitted|unknown|unrecogni[sz]ed|unexpected|deprecated|extra (inputs|fields)"
    r"|only the default|only 1\b|is allowed|unsupported_"
)
LARGE = re.compile(r"too large|at most|maximum|less than|exceed|range|between|<=|>|up to|must be (<|no more)")
SPARE = {"temperature", "top_p", "top_k", "min_p", "stop", "seed", "frequency_penalty", "presence_penalty",
         "repetition_penalty", "logprobs", "top_logprobs", "logit_bias", "n", "user"}  # fmt: skip
LEAST_ROOM = 64  # tokens: for less of a reply it is not worth asking
HINT = re.compile(r"(?:retry|try again|wait|available again)\b[^0-9]{0,30}?(\d[\d.hms ]*)\s*"
                  r"(ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?)?\b")  # fmt: skip
UNITS = {"ms": 0.001, "mi": 60.0, "m": 60.0, "h": 3600.0, "s": 1.0}


class Said(NamedTuple):
    """text: the sentence, shortened; code, param: as the server names them; delay: a wait in a field of its
    own.
    """

    text: str
    code: str = ""
    param: str = ""
    delay: str = ""

    @property
    def too_long(self) -> bool:
        return any(word in f"{self.text} {self.code}".lower() for word in TOO_LONG)


def server_message(body: bytes) -> Said:
    """The error in a body, in the shapes that servers use; texts are shortened."""
    try:
        found: Any = sound(json.loads(body))
    except (ValueError, RecursionError):
        text = sound(body[:200].decode("utf-8", "replace")).strip()
        return Said("" if text.startswith("<") else first_line(ValueError(text)) if text else "")
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if isinstance(found, dict):
        found = found.get("error") or found.get("errors") or found
    if isinstance(found, list) and found:
        found = found[0]
    if not isinstance(found, dict):
        return Said(str(found)[:300].rstrip("."))
    said = found.get("message") or found.get("detail") or found.get("msg") or found.get("error") or ""
    param = str(found.get("param") or "")
    if isinstance(said, list) and said and isinstance(said[0], dict):  # FastAPI: where, and what is wrong
        place = [str(step) for step in said[0].get("loc", ()) if step != "body"]
        said, param = f"{'.'.join(place)}: {said[0].get('msg', '')}", place[0] if place else ""
    more = found.get("metadata")
    if isinstance(more, dict) and more.get("raw"):  # OpenRouter: the words of the provider behind it
        said = f"{said}: {more['raw']}"
    details = found.get("details")
    delay = next((str(one["retryDelay"]) for one in details if isinstance(one, dict) and "retryDelay" in one),
                 "") if isinstance(details, list) else ""  # fmt: skip
    code = str(found.get("code") or found.get("type") or found.get("status") or "")
    return Said(str(said)[:300].rstrip("."), code, param, delay)


def wait_in(said: Said) -> float | None:
    """Seconds that the server asks to wait in its words ("retry in 1.2s", "try again in 6m0s")."""
    if said.delay and (seconds := duration(said.delay)) is not None:
        return seconds
    found = HINT.search(said.text.lower())
    if found is None:
        return None
    whole, unit = found[1].replace(" ", "").rstrip("."), found[2] or ""
    number = whole + unit if re.search(r"[hms]", whole) else whole
    seconds = duration(number)
    if seconds is not None and number == whole and unit:
        return seconds * next(size for name, size in UNITS.items() if unit.startswith(name))
    return seconds


def dialect(said: Said, asked: int, broken: bool = False) -> tuple[str | None, int | None]:
    """What a server wants to be written differently, and the most tokens of a reply that it takes.

    asked: tokens that the call allowed. broken: the status says that the server failed, so only what is known
    to be said so counts. The first is one of "stream", "no stream", "stream_options", "tokens" (fewer, for
    all), "room" (fewer, for this request), "max_completion_tokens", "response_format", "system",
    "drop NAME"; None where the words name nothing.
    """
    text = f"{said.text} {said.code} {said.param}".lower()
    if said.param.lower() not in SPARE and _of_the_format(text, broken):
        return "response_format", None
    if NO_SYSTEM.search(text):
        return "system", None
    if broken:
        return None, None
    if "stream_options" in text:
        return "stream_options", None
    if re.search(r"\bstream", text) and re.search(r"only|must|requires?\b|enable", text):
        return "stream", None
    if re.search(r"\bstream", text) and NOT_TAKEN.search(text):
        return "no stream", None
    if said.too_long and asked:
        room = _room(text, asked)
        return ("room", room) if room is not None else (None, None)
    if re.search(r"max_(completion_|output_|new_)?tokens|maxoutputtokens|maximum.{0,20}output tokens", text):
        if LARGE.search(text) and asked:
            limits = [one for one in map(int, re.findall(r"\d+", text)) if 1 < one < asked]
            return "tokens", max(limits, default=asked // 2)
        if "max_completion_tokens" in text:
            return "max_completion_tokens", None
    names = {said.param.lower()} | set(re.findall(r"\w+", text))
    if NOT_TAKEN.search(text):
        for name in sorted(names & SPARE, key=text.find):
            if len(name) > 1 or name == said.param:
                return f"drop {name}", None
    return None, None


def _of_the_format(text: str, broken: bool) -> bool:
    """Whether a server speaks of how the form of a reply was asked for."""
    known = NO_FORMAT[: 2 if broken else None]
    return any(word in text for word in known) or bool(
        NO_SCHEMA.search(text) or (not broken and NO_SCHEMA_SHAPE.search(text))
    )


def _room(text: str, asked: int) -> int | None:
    """Tokens that a context leaves for a reply to this prompt, where the server counts both."""
    window = re.search(r"(?:context (?:length|window|size)|limit)\D{0,20}(\d+)", text)
    prompt = re.search(r"(\d+) (?:tokens )?in the (?:messages|prompt)|has (\d+) input tokens|"
                       r"prompt (?:contains|has)(?: at least)? (\d+)", text)  # fmt: skip
    if window is None or prompt is None:
        return None
    room = int(window[1]) - int(next(one for one in prompt.groups() if one)) - 1
    return room if LEAST_ROOM <= room < asked else None
