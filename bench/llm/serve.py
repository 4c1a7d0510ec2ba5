"""An OpenAI-compatible server of a causal language model in a folder of `transformers`, for benchmarks.

    python -m bench.llm.serve FOLDER [--port 8300] [--slots 256] [--context 2048]

It answers /v1/models and /v1/chat/completions, streamed or whole, and /stats. Requests that come at the same
time are written together: see engine.py. A JSON Schema in `response_format` is kept by the library
llguidance. Which tokens may be drawn is set here, for all requests, as servers do; the temperature comes
with the request. The first line that it prints is its address. It runs on a GPU where there is one, else on
the CPUs, in bfloat16 where these multiply such numbers. It guards against nothing: it is for a program on the
same machine.
"""

from __future__ import annotations

import json
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bench import command
from bench.llm.engine import Engine, Text

NAME = "bench.llm.serve"
ANY = {"type": "object"}  # what response_format {"type": "json_object"} asks for


class Refusal(Exception):
    """A request that cannot be answered: the sentence that the server says, with status 400."""


def text_of(engine: Engine, asked: dict[str, Any]) -> Text:
    """The text that a request asks for; Refusal where it cannot be written."""
    try:
        prompt = engine.prompt(asked["messages"])
    except Exception as error:  # whatever the chat template of the model says to these messages
        raise Refusal(f"the messages do not fit the chat template: {error}") from None
    room = engine.context - len(prompt)
    if room < 1:
        raise Refusal(
            f"This model's maximum context length is {engine.context} tokens. However, your messages "
            f"resulted in {len(prompt)} tokens."
        )
    most = asked.get("max_completion_tokens") or asked.get("max_tokens") or room
    form = asked.get("response_format") or {}
    schema = None
    if form.get("type") == "json_schema":
        schema = form["json_schema"]["schema"]
    elif form.get("type") == "json_object":
        schema = form.get("schema") or ANY
    try:
        grammar = None if schema is None else engine.grammar(schema)
    except ValueError as error:
        raise Refusal(f"the JSON schema cannot be kept: {error}") from None
    stops = asked.get("stop") or ()
    temperature = asked.get("temperature")
    return Text(
        prompt,
        min(int(most), room),
        1.0 if temperature is None else float(temperature),
        grammar,
        (stops,) if isinstance(stops, str) else tuple(stops),
    )


class Handler(BaseHTTPRequestHandler):
    """One connection; `server.engine` writes."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: Any) -> None:
        return

    def do_GET(self) -> None:
        engine = self.server.engine
        if self.path == "/stats":
            facts = {"steps": engine.steps, "written": engine.written, "read": engine.read}
            self._whole(200, facts | {"seconds": engine.seconds, "active": len(engine.active)})
        elif self.path == "/v1/models":
            self._whole(200, {"object": "list", "data": [{"id": self.server.model, "object": "model"}]})
        else:
            self._whole(404, {"error": {"message": f"there is no {self.path}", "type": "not_found"}})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            asked = json.loads(body)
            text = text_of(self.server.engine, asked)
        except (ValueError, KeyError, TypeError, Refusal) as error:
            self._whole(400, {"error": {"message": str(error), "type": "invalid_request_error"}})
            return
        self.server.engine.write(text)
        try:
            if asked.get("stream"):
                self._streamed(text)
                return
            while text.heard.get() is not None:
                pass
            if text.finish not in ("stop", "length"):
                self._whole(500, {"error": {"message": text.finish, "type": "server_error"}})
                return
            message = {"role": "assistant", "content": text.text}
            choice = {"index": 0, "message": message, "finish_reason": text.finish}
            self._whole(200, self._answer("chat.completion", [choice]) | {"usage": usage(text)})
        except (BrokenPipeError, ConnectionResetError):
            text.cancelled = True

    def _streamed(self, text: Text) -> None:
        """Server-sent events: what is new of the text, then why it ended, then what it took."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        told = 0
        while True:
            found = text.heard.get()
            known = (
                text.text if found is None else found.rstrip("\ufffd")
            )  # half a letter comes with its rest
            choice: dict[str, Any] = {"index": 0, "delta": {"content": known[told:]}, "finish_reason": None}
            told = max(told, len(known))
            if found is None:
                choice["finish_reason"] = text.finish
            self._event(self._answer("chat.completion.chunk", [choice]))
            if found is None:
                break
        self._event(self._answer("chat.completion.chunk", []) | {"usage": usage(text)})
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, found: dict[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(found).encode() + b"\n\n")
        self.wfile.flush()

    def _answer(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        made = int(time.time())
        return {
            "id": "chatcmpl-bench",
            "object": kind,
            "created": made,
            "model": self.server.model,
            "choices": choices,
        }

    def _whole(self, status: int, found: dict[str, Any]) -> None:
        body = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """model: the name that it gives."""

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, port: int, engine: Engine, model: str) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.engine, self.model = engine, model

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


def usage(text: Text) -> dict[str, int]:
    asked, written = len(text.prompt), len(text.tokens)
    return {"prompt_tokens": asked, "completion_tokens": written, "total_tokens": asked + written}


def started(engine: Engine, model: str, port: int = 0) -> Server:
    """A server that answers, in threads of this process; `engine` writes in another one."""

    def write() -> None:
        while True:
            try:
                engine.run()
            except Exception:
                traceback.print_exc()

    server = Server(port, engine, model)
    threading.Thread(target=write, daemon=True).start()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> None:
    parser = command.parser(NAME, __doc__)
    parser.add_argument("folder", type=command.folder, metavar="FOLDER")
    parser.add_argument("--name", help="of the model; default: of the folder")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--slots", type=int, default=0, help="texts at once; default 256 on a GPU, else 16")
    parser.add_argument("--context", type=int, default=2048, help="tokens of prompt and text; default 2048")
    parser.add_argument("--top-k", type=int, default=40, help="default 40")
    parser.add_argument("--top-p", type=float, default=0.95, help="default 0.95")
    parser.add_argument("--min-p", type=float, default=0.05, help="default 0.05")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    engine = Engine(
        str(args.folder), device=args.device, slots=args.slots, context=args.context,
        top_k=args.top_k, top_p=args.top_p, min_p=args.min_p, seed=args.seed,
    )  # fmt: skip
    server = started(engine, args.name or Path(args.folder).resolve().name, args.port)
    print(server.url, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
