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
import sys
import time
from collections import Counter
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

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
    "slow",  # a byte at a time
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
        return random.Random(hashlib.sha256(b"%d %s " % (self.options.seed, what) + body).digest())

    def refusal(self, headers: dict[str, str], asked: dict[str, Any]) -> tuple[int, str, str] | None:
        """Status, message and code for a call that a real server would refuse."""
        options = self.options
        sent = headers.get("authorization", "")
        if options.key and sent != f"Bearer {options.key}":
            return 401, f"Incorrect API key provided: {sent}", "invalid_api_key"  # quotes it, as some do
        if options.model and asked.get("model") != options.model:
            return 404, f"The model `{asked.get('model')}` does not exist", "model_not_found"
        if options.schemas == "refuse" and "response_format" in asked:
            return 400, "Unknown field: response_format", "invalid_request_error"
        if options.schemas == "object" and asked.get("response_format", {}).get("type") == "json_schema":
            return 500, "response_format: Input should be 'text' or 'json_object'", "internal_server_error"
        if options.no_system and any(one["role"] == "system" for one in asked.get("messages", ())):
            return 400, "System role not supported", "BadRequestError"
        if options.renamed and "max_tokens" in asked:
            return 400, "Unsupported: use 'max_completion_tokens' instead.", "unsupported_parameter"
        if options.context and len(json.dumps(asked.get("messages", ""))) // 4 > options.context:
            text = f"This model's maximum context length is {options.context} tokens"
            return 400, text, "context_length_exceeded"
        return None

    def chat(self, asked: dict[str, Any], body: bytes, fault: str | None) -> dict[str, Any]:
        messages = asked["messages"]
        wanted = asked.get("response_format", {})
        given = wanted.get("json_schema", wanted).get("schema")
        schema = schema_in(str(messages[-1]["content"])) if messages else None  # some probe with none
        if given is not None and self.options.schemas in ("take", "object"):
            schema = given
        again = fault or self.options.sampling
        text = self.writer(messages, schema, self.rng(body, b"%d" % self.seen[body] if again else b""))
        if fault == "malformed":
            text = text[: len(text) * 2 // 3]
        elif fault == "schema":
            text = json.dumps({"sorry": text})
        elif fault == "sloppy":
            text = f"Sure! Here it is:\n```json\n{text[:-1]},{text[-1]}\n```\nAnything else?"
        tokens_in = sum(len(str(one["content"])) for one in messages) // 4
        most = asked.get("max_tokens", asked.get("max_completion_tokens", 1 << 20))
        tokens_out = min(len(text) // 4, most)
        self.tokens_in += tokens_in
        self.tokens_out += tokens_out
        cut = len(text) // 4 > most
        return {
            "id": "chatcmpl-" + hashlib.sha256(body).hexdigest()[:16],
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": asked["model"],
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text[: most * 4] if cut else text},
                    "finish_reason": "length" if cut else "stop",
                }
            ],
            "usage": {
                "prompt_tokens": tokens_in,
                "completion_tokens": tokens_out,
                "total_tokens": tokens_in + tokens_out,
            },
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
        model, path = self.model, path.removeprefix("/v1")
        if method == "GET" and path == "/stats":
            self.send(200, model.stats())
        elif method == "GET" and path == "/models":
            self.send(200, {"object": "list", "data": [{"id": model.options.model or "local"}]})
        elif method == "POST" and path in ("/chat/completions", "/embeddings"):
            self.paid(path, headers, body)
        else:
            self.send(404, b"<html>nothing here</html>")

    def paid(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """A call of the API: refused, spoilt or answered after the latency."""
        model, now, asked = self.model, time.monotonic(), json.loads(body)
        model.first, model.last = model.first or now, now
        model.seen[body] += 1
        model.early += now < model.not_before.get(body, 0.0)
        if refusal := model.refusal(headers, asked):
            status, message, code = refusal
            self.send(status, {"error": {"message": message, "code": code}})
            return
        fault = model.fault(body)
        model.in_flight += 1
        model.most_in_flight = max(model.most_in_flight, model.in_flight)
        if fault != "hang":
            asyncio.get_running_loop().call_later(
                model.options.latency, self.answer, path, asked, body, fault
            )
            return
        model.statuses["hang"] += 1
        model.in_flight -= 1

    def answer(self, path: str, asked: dict[str, Any], body: bytes, fault: str | None) -> None:
        model = self.model
        model.in_flight -= 1
        model.last = time.monotonic()
        if fault in ("429", "429-bare", "500", "503"):
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
            if fault in ("truncated", "malformed", "schema"):
                model.statuses[fault] += 1
            else:
                model.answered[body] += 1
            if fault == "slow":
                self.head(200, len(raw))
                self.drip(raw)
            else:
                self.send(200, raw[: len(raw) // 2] if fault == "truncated" else raw)

    def drip(self, raw: bytes) -> None:
        if raw and not self.transport.is_closing():
            self.transport.write(raw[:1])
            asyncio.get_running_loop().call_later(0.05, self.drip, raw[1:])

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
    server = await loop.create_server(lambda: Connection(model), "127.0.0.1", options.port, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
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
    parser.add_argument("--key", help="refuse other keys with 401")
    parser.add_argument("--model", help="refuse other models with 404")
    parser.add_argument("--context", type=int, help="tokens of the prompt, about: refuse more with 400")
    parser.add_argument(
        "--schemas", choices=("take", "object", "refuse", "ignore"), default="take", help="response_format"
    )
    parser.add_argument("--renamed", action="store_true", help="take only max_completion_tokens")
    parser.add_argument("--no-system", action="store_true", help="refuse messages of the system")
    parser.add_argument("--writer", help="FILE.py:FUNCTION in place of `reply`")
    parser.add_argument("--seed", type=int, default=0)
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
