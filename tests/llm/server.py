"""An OpenAI-compatible server that behaves like a real one on a bad day: a process of its own, real sockets.

python tests/llm/server.py [--latency 0.1] [--fault 429=0.05] [--fault hang=0.005] [--writer
FILE.py:FUNCTION]

prints its base URL as its first line and serves until it is killed. Everything it does depends only on the
payload, on how often that payload has come (with --sampling and with faults), and on --seed. GET /stats tells
what it has counted.

What it writes comes from `reply(messages, schema, rng) -> str`, or from the function that --writer names.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import importlib.util
import json
import random
import re
import ssl
import sys
import time
from collections import Counter
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

from habits import PLAN, add_options, counted, events, flawed, refusal, shaped

Writer = Callable[[list[dict[str, Any]], dict[str, Any] | None, random.Random], str]
WORDS = (
    "rain",
    "snow",
    "sun",
    "wind",
    "cloud",
    "storm",
    "river",
    "hill",
    "light",
    "dark",
    "warm",
    "cold",
    "wide",
)
DIMS = 32
FAULTS = (
    "429",  # with Retry-After
    "429-bare",  # without
    "500",
    "503",
    "reset",  # the connection is cut off without an answer
    "truncated",  # the body is cut off in the middle of its JSON
    "malformed",  # the reply's JSON is cut off in the middle
    "schema",  # the reply is JSON of another shape
    "sloppy",  # the reply's JSON is fenced, chatty and has a comma too many
    "hang",  # no answer ever
    "ping",  # comments that keep a stream open, and never a token
    "broken-off",  # the stream ends in the middle
    "quota",  # 429 that speaks of a quota and says in its words when to come again
    "error-200",  # a rate limit with the status 200
    "forbidden",  # 403 for this prompt
    "refusal",  # the model declines
    "invalid-json",  # 400, as what the model wrote does not fit the schema
    "filtered",  # a filter takes the reply away
    "slow",  # a few bytes at a time
)


def reply(messages: list[dict[str, Any]], schema: dict[str, Any] | None, rng: random.Random) -> str:
    """What the model writes: a line of words, or a JSON value of the schema."""
    return line(rng) if schema is None else json.dumps(instance(schema, rng))


def line(rng: random.Random) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randint(4, 12)))


def instance(schema: dict[str, Any], rng: random.Random) -> Any:
    """A value of a JSON schema, of the simple ones."""
    if "enum" in schema:
        return rng.choice(schema["enum"])
    kind = schema.get("type", "string")
    if kind == "object":
        return {name: instance(one, rng) for name, one in schema.get("properties", {}).items()}
    if kind == "array":
        return [instance(schema.get("items", {}), rng) for _ in range(schema.get("minItems", 2))]
    if kind in ("integer", "number"):
        return rng.randint(0, 9)
    return rng.random() < 0.5 if kind == "boolean" else line(rng)


def schema_in(text: str) -> dict[str, Any] | None:
    """The JSON schema that a prompt asks for in words."""
    found = re.search(r"JSON schema:\s*(\{.*)", text, re.DOTALL)
    if not found:
        return None
    try:
        return json.JSONDecoder().raw_decode(found[1])[0]
    except ValueError:
        return None


def vector(text: str) -> list[float]:
    """Hashed words, so that texts of the same words lie near each other."""
    row = [0.0] * DIMS
    for word in re.findall(r"\w+", text.lower()):
        digest = hashlib.sha256(word.encode()).digest()
        row[digest[0] % DIMS] += 1.0 if digest[1] % 2 else -1.0
    return row if any(row) else [1.0, *row[1:]]


class Model:
    """Counts what comes, picks the faults and writes the answers."""

    def __init__(self, options: argparse.Namespace, writer: Writer) -> None:
        self.options, self.writer = options, writer
        self.faults = [(name, float(share)) for name, share in (one.split("=") for one in options.fault)]
        self.seen: Counter[bytes] = Counter()
        self.answered: Counter[bytes] = Counter()
        self.statuses: Counter[str] = Counter()
        self.early = 0
        self.not_before: dict[bytes, float] = {}
        self.in_flight = self.most_in_flight = self.tokens_in = self.tokens_out = 0
        self.first = self.last = 0.0
        self.busy = 0
        self.waiting: list[tuple[Connection, str, dict[str, Any], bytes, str | None]] = []

    def next(self) -> None:
        """Answers those that wait, as many at once as there are slots."""
        while self.waiting and self.busy < self.options.slots:
            connection, *call = self.waiting.pop(0)
            self.busy += 1
            asyncio.get_running_loop().call_later(self.options.latency, connection.answer, *call)

    def stats(self) -> dict[str, Any]:
        """calls: paid endpoints asked; repeated: calls whose payload had come before; answered_again: good
        answers to payloads that already had one; early: calls that came before their Retry-After was
        over.
        """
        return {
            "calls": sum(self.seen.values()),
            "repeated": sum(self.seen.values()) - len(self.seen),
            "answered": sum(self.answered.values()),
            "answered_again": sum(self.answered.values()) - len(self.answered),
            "most_times": max(self.seen.values(), default=0),
            "statuses": dict(self.statuses),
            "early": self.early,
            "in_flight": self.in_flight,
            "most_in_flight": self.most_in_flight,
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "seconds": self.last - self.first,
        }

    def fault(self, body: bytes) -> str | None:
        """The fault of this call: by its payload and how often it has come."""
        if not self.faults or (self.options.once and self.seen[body] > 1):
            return None
        draw = self.rng(body, b"fault%d" % self.seen[body]).random()
        for name, share in self.faults:
            draw -= share
            if draw < 0:
                return name
        return None

    def rng(self, body: bytes, what: bytes = b"") -> random.Random:
        body = re.sub(rb',"stream":true|,"stream_options":\{[^}]*\}', b"", body)  # no matter how it is sent
        return random.Random(hashlib.sha256(b"%d %s " % (self.options.seed, what) + body).digest())

    def chat(self, asked: dict[str, Any], body: bytes, fault: str | None) -> dict[str, Any]:
        messages = asked["messages"]
        wanted = asked.get("response_format", {})
        given = wanted.get("json_schema", wanted).get("schema")
        schema = schema_in(str(messages[-1]["content"])) if messages else None  # some probe with none
        if given is not None and self.options.schemas in ("take", "strict", "object"):
            schema = given
        again = fault or self.options.sampling
        text = self.writer(messages, schema, self.rng(body, b"%d" % self.seen[body] if again else b""))
        if self.options.flaw:
            given = re.findall(r"^Every record has (\S+) = ", str(messages[-1]["content"]), re.M)
            text = flawed(text, self.options.flaw, given)
        if fault == "malformed":
            text = text[: len(text) * 2 // 3]
        elif fault == "schema":
            text = json.dumps({"sorry": text})
        elif fault == "sloppy":
            text = f"Sure! Here it is:\n```json\n{text[:-1]},{text[-1]}\n```\nAnything else?"
        tokens_in = sum(len(str(one["content"])) for one in messages) // 4
        most = asked.get("max_tokens", asked.get("max_completion_tokens", 1 << 20))
        room = max(0, most - self.options.think)
        written = int(len(text) * self.options.per_letter)
        cut = written > room
        usage = counted(self.options, tokens_in, written, most)
        self.tokens_in += tokens_in
        self.tokens_out += usage["total_tokens"] - tokens_in
        message = shaped(text, self.options.shape)
        if cut:
            message = {"role": "assistant", "content": text[: int(room / self.options.per_letter)]}
        if fault == "refusal":
            message = {"role": "assistant", "content": None, "refusal": "I can't assist with that."}
        finish = "content_filter" if fault == "filtered" else "length" if cut else "stop"
        return {
            "id": "chatcmpl-" + hashlib.sha256(body).hexdigest()[:16],
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": asked["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
            **({} if self.options.no_usage else {"usage": usage}),
        }

    def embeddings(self, asked: dict[str, Any]) -> dict[str, Any]:
        texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
        tokens = sum(len(text) for text in texts) // 4
        self.tokens_in += tokens
        rows = [
            {"index": at, "object": "embedding", "embedding": vector(text)} for at, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return {"object": "list", "data": rows, "model": asked["model"], "usage": usage}


class Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive and Content-Length, written out by hand: a web framework would be slower
    than the clients that are measured against it.
    """

    def __init__(self, model: Model) -> None:
        self.model, self.buffer, self.transport = model, b"", asyncio.Transport()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            first, *lines = self.buffer[:end].decode("latin-1").split("\r\n")
            headers = {
                name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)
            }
            size = int(headers.get("content-length", 0))
            if len(self.buffer) < end + 4 + size:
                return
            body, self.buffer = self.buffer[end + 4 : end + 4 + size], self.buffer[end + 4 + size :]
            method, path, _ = first.split(" ")
            self.handle(method, path, headers, body)

    def handle(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        model, full = self.model, path
        path = path.removeprefix("/v1").partition("?")[0]
        if method == "GET" and path == "/stats":
            self.send(200, model.stats())
        elif method == "GET" and path == "/models":
            self.send(200, {"object": "list", "data": [{"id": model.options.model or "local"}]})
        elif method == "POST" and path in ("/chat/completions", "/embeddings"):
            self.paid(full, path, headers, body)
        else:
            self.send(404, b"<html>nothing here</html>")

    def paid(self, full: str, path: str, headers: dict[str, str], body: bytes) -> None:
        """A call of the API: refused, spoilt or answered after the latency."""
        model, now, asked = self.model, time.monotonic(), json.loads(body)
        model.first, model.last = model.first or now, now
        model.seen[body] += 1
        model.early += now < model.not_before.get(body, 0.0)
        if wrong := refusal(model.options, full, headers, asked):
            status, message, code = wrong
            self.send(status, {"error": {"message": message, "code": code}})
            return
        fault = model.fault(body)
        model.in_flight += 1
        model.most_in_flight = max(model.most_in_flight, model.in_flight)
        if fault == "hang":
            model.statuses["hang"] += 1
            model.in_flight -= 1
            return
        model.waiting.append((self, path, asked, body, fault))
        model.next()

    def answer(self, path: str, asked: dict[str, Any], body: bytes, fault: str | None) -> None:
        model = self.model
        model.last = time.monotonic()
        if fault in ("forbidden", "quota", "error-200", "invalid-json"):
            self.refuse(fault)
        elif fault in ("429", "429-bare", "500", "503"):
            extra = ""
            if fault == "429":
                wait = model.options.retry_after
                model.not_before[body] = model.last + wait
                value = (
                    formatdate(time.time() + wait + 1, usegmt=True) if model.options.dates else f"{wait:g}"
                )
                extra = f"Retry-After: {value}\r\n"
            self.send(int(fault[:3]), {"error": {"message": "not now"}}, extra)
        elif fault == "reset":
            model.statuses["reset"] += 1
            self.transport.abort()
        else:
            found = model.chat(asked, body, fault) if path.startswith("/chat") else model.embeddings(asked)
            raw = json.dumps(found).encode()
            spoilt = ("truncated", "malformed", "schema", "ping", "broken-off", "refusal", "filtered")
            if fault in spoilt:
                model.statuses[str(fault)] += 1
            else:
                model.answered[body] += 1
            if asked.get("stream") and model.options.stream in ("take", "only") and fault != "truncated":
                self.stream(events(found, "stream_options" in asked), fault)
            elif fault == "slow":
                self.head(200, len(raw))
                self.drip(raw)
            else:
                self.send(200, raw[: len(raw) // 2] if fault == "truncated" else raw)
                self.over()
            return
        self.over()

    def over(self) -> None:
        """The slot of a call is free."""
        self.model.in_flight -= 1
        self.model.busy -= 1
        self.model.next()

    def refuse(self, fault: str) -> None:
        wait = self.model.options.retry_after
        if fault == "forbidden":
            self.send(403, {"error": {"message": "request denied", "code": 403}})
        elif fault == "invalid-json":
            text = "Failed to generate JSON. Please adjust your prompt. See 'failed_generation' for more."
            self.send(400, {"error": {"message": text, "code": "json_validate_failed"}})
        elif fault == "quota":
            text = f"You exceeded your current {PLAN} Please retry in {wait:g}s."
            self.send(429, {"error": {"message": text, "code": 429, "status": "RESOURCE_EXHAUSTED"}})
        else:
            self.send(200, {"error": {"message": f"slow down, retry in {wait:g}s", "code": 429}})

    def stream(self, parts: list[bytes], fault: str | None) -> None:
        """Server-sent events, one after the other at the pace of the server."""
        self.model.statuses["200"] += 1
        self.transport.write(
            b"HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        if fault == "ping":
            parts = [b": still here\n\n"] * 1000
        pace = 0.05 if fault in ("ping", "slow") else self.model.options.pace
        self.event(parts[: len(parts) // 2] if fault == "broken-off" else parts, pace)

    def event(self, parts: list[bytes], pace: float) -> None:
        while parts and not self.transport.is_closing():
            part, *parts = parts
            self.transport.write(b"%x\r\n%s\r\n" % (len(part), part))
            if pace:
                asyncio.get_running_loop().call_later(pace, self.event, parts, pace)
                return
        self.transport.write(b"0\r\n\r\n")
        self.over()

    def drip(self, raw: bytes) -> None:
        if raw and not self.transport.is_closing():
            self.transport.write(raw[:8])
            asyncio.get_running_loop().call_later(0.05, self.drip, raw[8:])
        else:
            self.over()

    def send(self, status: int, found: dict[str, Any] | bytes, extra: str = "") -> None:
        raw = found if isinstance(found, bytes) else json.dumps(found).encode()
        self.head(status, len(raw), extra, raw)

    def head(self, status: int, size: int, extra: str = "", raw: bytes = b"") -> None:
        self.model.statuses[str(status)] += 1
        head = (
            f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n{extra}\r\n"
        )
        if not self.transport.is_closing():
            self.transport.write(head.encode() + raw)


def writer_of(name: str | None) -> Writer:
    """The function that `FILE.py:FUNCTION` names; `reply` without a name."""
    if name is None:
        return reply
    path, _, function = name.rpartition(":")
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # where dataclasses look
    spec.loader.exec_module(module)
    return getattr(module, function)


async def serve(options: argparse.Namespace) -> None:
    model = Model(options, writer_of(options.writer))
    loop = asyncio.get_running_loop()
    tls = None
    if options.tls:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(options.tls)
    server = await loop.create_server(
        lambda: Connection(model), "127.0.0.1", options.port, backlog=1024, ssl=tls
    )
    print(f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before every answer")
    parser.add_argument(
        "--fault", action="append", default=[], help=f"NAME=SHARE; names: {', '.join(FAULTS)}"
    )
    parser.add_argument(
        "--sampling", action="store_true", help="another answer each time that a payload comes"
    )
    parser.add_argument("--once", action="store_true", help="faults only the first time that a payload comes")
    parser.add_argument("--retry-after", type=float, default=1.0, help="seconds, of the fault 429")
    parser.add_argument("--dates", action="store_true", help="Retry-After as a date")
    add_options(parser)
    parser.add_argument("--writer", help="FILE.py:FUNCTION in place of `reply`")
    parser.add_argument("--seed", type=int, default=0)
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
