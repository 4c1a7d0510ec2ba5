"""The page's server: on this machine alone, for whoever has the address with its token.

`Host` has to name this machine, so that no other name that leads here (DNS rebinding) works, and `Origin`
has to be the page's own, so that no other page can send answers.
"""

from __future__ import annotations

import errno
import hmac
import json
import secrets
import statistics
import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from lookalike.agreement import wilson
from lookalike.errors import DataError, OptionError, UserError
from lookalike.markup import palette
from lookalike.progress import say
from lookalike.review.cards import Cards
from lookalike.review.outcome import answer_of, named, tally
from lookalike.review.queue import Item
from lookalike.review.store import State, Store

HOST = "127.0.0.1"
PORT = 8471  # where none is asked for
LARGEST = 32 << 20  # bytes of a request
IDLE = 120  # seconds after which a connection that says nothing is closed
LAST = 30  # answers of which the time a row is told


class Session:
    """What the page asks for. cards: the rows; items: the queue; limit: of the error rate, below which the
    page says that the reviewer can stop; done: is called when all items are answered.
    """

    def __init__(
        self,
        store: Store,
        cards: Cards,
        items: Sequence[Item],
        title: str,
        limit: float,
        done: Callable[[], None] = lambda: None,
    ) -> None:
        self.store, self.cards, self.items = store, cards, items
        self.id, self.limit, self._title, self._done = store.fact("table"), limit, title, done
        self._queued = {(item.row, item.turn): item for item in items}

    def next(self, reviewer: str, held: Sequence[tuple[int, int]]) -> dict[str, Any]:
        """The next card for a reviewer whose page has `held`."""
        found = self.store.lease(reviewer, self.items, held)
        state = self.store.state()
        told: dict[str, Any] = {"card": None, "progress": self.progress(state)}
        if found is not None:
            told["card"] = self.cards.card(found)
        elif any(place not in state.standing for place in self._queued) and not held:
            told["over"] = "All other rows are on another reviewer's screen, or need another reviewer."
        return told

    def answer(self, told: dict[str, Any]) -> dict[str, Any]:
        """Keeps an answer; it is on disk when this returns."""
        answer = answer_of(self.cards, told)
        if answer is None or not answer.key:
            raise DataError("this is not an answer: reload the page.")
        self.store.add(answer)
        return {"progress": self._told()}

    def undo(self, told: dict[str, Any]) -> dict[str, Any]:
        """Takes the reviewer's last answer back, and gives its card."""
        key, reviewer = str(told.get("key"))[:100], named(told.get("reviewer"))
        before = self.store.undo(key, reviewer)
        card = None if before is None else self.cards.card(self._item(before.row, before.turn))
        return {"card": card, "progress": self._told()}

    def find(self, text: str) -> dict[str, Any]:
        """The rows that hold a text."""
        return {"hits": self.cards.find(text) if text else []}

    def card(self, row: int) -> dict[str, Any]:
        """The card of any row of the table."""
        if not 0 <= row < len(self.cards.table):
            raise DataError(f"there is no row {row + 1:,}: the table has {len(self.cards.table):,}.")
        return {"card": self.cards.card(self._item(row, 1))}

    def progress(self, state: State) -> dict[str, Any]:
        """How many items are answered, and the share of errors among the random ones with its interval."""
        done = sum(place in state.standing for place in self._queued)
        wrong, of = tally(self.items, state)
        low, high = wilson(wrong, of)
        answers = sorted((a for some in state.standing.values() for a in some), key=lambda a: a.number)
        seconds = [answer.seconds for answer in answers[-LAST:] if answer.seconds is not None]
        return {
            **{"done": done, "total": len(self.items), "wrong": wrong, "told": of, "low": low, "high": high},
            "pace": statistics.median(seconds) if seconds else None,
            "number": state.number,
        }

    def _told(self) -> dict[str, Any]:
        progress = self.progress(self.store.state())
        if progress["done"] == progress["total"]:
            self._done()
        return progress

    def _item(self, row: int, turn: int) -> Item:
        return self._queued.get((row, turn), Item(row, turn, "found"))

    @cached_property
    def page(self) -> str:
        """The page, without what differs from one request to the next."""
        return page({"id": self.id, "config": config(self.cards, self._title, self.limit)})


def config(cards: Cards, title: str, limit: float, reviewer: str = "") -> dict[str, Any]:
    """What the page knows from its start. reviewer: whose answers, "" where the page asks."""
    labels = [{"name": name, "value": name} for name in cards.labels]
    text = None if cards.text is None else str(cards.text)
    return {
        **{"title": title, "labels": labels, "text": text, "pair": cards.pair is not None},
        **{"limit": limit, "reviewer": reviewer, "saved": "answers.jsonl"},
    }


def page(data: dict[str, Any]) -> str:
    """The page with its data: as JSON in which nothing can end the script element that holds it."""
    text = json.dumps(data).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    source = files("lookalike.review").joinpath("page.html").read_text(encoding="utf-8")
    return source.replace("__PALETTE__", palette()).replace("__DATA__", text)


class Server(ThreadingHTTPServer):
    """Serves a session on 127.0.0.1 until `shutdown`. port: None is the last one of this review, or the usual
    one, or where these are taken any other; 0 is any. Raises OptionError for a port that is in use.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, session: Session, port: int | None = None) -> None:
        self.session = session
        self.token = session.store.fact("token") or session.store.fact("token", secrets.token_urlsafe(24))
        before = session.store.fact("port")
        super().__init__((HOST, 0), Handler, bind_and_activate=False)
        for wanted in [port] if port is not None else [before or PORT, 0]:
            self.server_address = (HOST, wanted)
            try:
                self.server_bind()
                break
            except OSError as error:
                if wanted and port is None:
                    continue
                self.server_close()
                reason = "is in use" if error.errno == errno.EADDRINUSE else "may not be used"
                raise OptionError(
                    f"port {wanted} {reason}: choose another one with --port, or 0 for any that is free."
                ) from None
        self.server_activate()
        self.port = int(self.server_address[1])
        session.store.fact("port", self.port)
        self.hosts = {f"{name}:{self.port}" for name in (HOST, "localhost")}

    def url(self, reviewer: str = "") -> str:
        """The address of the page, with its token; reviewer: whose page."""
        more = f"&reviewer={quote(reviewer)}" if reviewer else ""
        return f"http://{HOST}:{self.port}/?token={self.token}{more}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that has gone away is no error."""


class Handler(BaseHTTPRequestHandler):
    server: Server
    server_version, sys_version = "lookalike", ""
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # an answer is two small writes, which it would hold back for 40 ms
    wbufsize = -1
    timeout = IDLE

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        asked = {name: values[-1] for name, values in parse_qs(url.query).items()}
        if not self._allowed(asked.get("token", "")):
            return
        if url.path == "/":
            self._send_page()
        elif url.path in GET:
            self._reply(lambda: GET[url.path](self.server.session, asked))
        else:
            self._say(HTTPStatus.NOT_FOUND, "there is no such page: use the address that was printed.")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LARGEST:
            self.close_connection = True
            self._say(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the answer is too long to be sent.")
            return
        body = self.rfile.read(int(length))
        if not self._allowed(""):
            return
        try:
            told = json.loads(body)
        except ValueError:
            told = None
        run = POST.get(urlsplit(self.path).path)
        if run is None or not isinstance(told, dict):
            self._say(HTTPStatus.BAD_REQUEST, "this is not an answer: reload the page.")
            return
        self._reply(lambda: run(self.server.session, told))

    def _allowed(self, token: str) -> bool:
        """Whether a request comes from the page: it knows the token, names this machine, and comes from
        nowhere else.
        """
        origin = self.headers.get("Origin")
        own = {f"http://{host}" for host in self.server.hosts}
        given = self.headers.get("X-Token") or token
        if self.headers.get("Host", "").lower() not in self.server.hosts:
            reason = "this page is only for this machine: use the address that was printed."
        elif origin is not None and origin not in own:
            reason = "another page may not use this one: use the address that was printed."
        elif not hmac.compare_digest(given.encode(), self.server.token.encode()):
            reason = "the token of the address is missing or wrong: use the address that was printed."
        else:
            return True
        self._say(HTTPStatus.FORBIDDEN, reason)
        return False

    def _reply(self, run: Callable[[], dict[str, Any]]) -> None:
        try:
            self._send(HTTPStatus.OK, json.dumps(run()).encode(), "application/json")
        except UserError as error:
            full = "disk is full" in str(error)
            unusable = " cannot be used, " in str(error)  # the file of the answers
            code = HTTPStatus.BAD_REQUEST
            if full or unusable:
                code = HTTPStatus.INSUFFICIENT_STORAGE if full else HTTPStatus.SERVICE_UNAVAILABLE
                say(f"lookalike: {error}")
            self._say(code, str(error))

    def _say(self, code: HTTPStatus, sentence: str) -> None:
        if urlsplit(self.path).path.startswith("/api/"):
            self._send(code, json.dumps({"error": sentence}).encode(), "application/json")
        else:
            self._send(code, f"{sentence}\n".encode(), "text/plain; charset=utf-8")

    def _send_page(self) -> None:
        nonce = secrets.token_urlsafe(16)
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; "
            "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        body = self.server.session.page.replace("__NONCE__", nonce).encode()
        self._send(HTTPStatus.OK, body, "text/html; charset=utf-8", {"Content-Security-Policy": policy})

    def _send(self, code: HTTPStatus, body: bytes, kind: str, more: dict[str, str] | None = None) -> None:
        self.send_response(code)
        usual = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        usual |= {"Referrer-Policy": "no-referrer", "Content-Type": kind, "Content-Length": str(len(body))}
        for name, value in (usual | (more or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """The terminal is for people."""


def _held(text: str) -> list[tuple[int, int]]:
    pairs = [one.split(".") for one in text.split(",") if one]
    if not all(len(pair) == 2 and pair[0].isdecimal() and pair[1].isdecimal() for pair in pairs):
        raise DataError("this is not a list of rows: reload the page.")
    return [(int(row), int(turn)) for row, turn in pairs]


def _row(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 16 else -1


GET: dict[str, Callable[[Session, dict[str, str]], dict[str, Any]]] = {
    "/api/next": lambda one, asked: one.next(named(asked.get("reviewer")), _held(asked.get("held", ""))),
    "/api/find": lambda one, asked: one.find(asked.get("text", "")),
    "/api/card": lambda one, asked: one.card(_row(asked.get("row", ""))),
}
POST: dict[str, Callable[[Session, dict[str, Any]], dict[str, Any]]] = {
    "/api/answer": lambda one, told: one.answer(told),
    "/api/undo": lambda one, told: one.undo(told),
}


def serving(server: Server) -> threading.Thread:
    """Serves in a thread of its own, which ends with `server.shutdown()`."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    return thread
