"""The one door to a language model: `LLM.ask`."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from lookalike.arguments import number, path, shown, switch, text, whole
from lookalike.defaults import CONCURRENCY, TIMEOUT
from lookalike.errors import EndpointError, LedgerError, LLMError, OptionError
from lookalike.llm.address import address, is_secret
from lookalike.llm.budget import Budget, Estimate, Spent, add, guess_tokens
from lookalike.llm.chat import CHAT, Chat
from lookalike.llm.dialect import Dialect, Sent, dumps
from lookalike.llm.faults import FAILS, MOST_TRIES, REFUSED, STOPS, Fault
from lookalike.llm.health import Health
from lookalike.llm.inflight import InFlight
from lookalike.llm.ledger import Entry, Ledger
from lookalike.llm.pace import Pace
from lookalike.llm.request import Messages, Reply, Request, key_of, reply_of
from lookalike.llm.sentences import sentence
from lookalike.llm.structured import Malformed, ReplyForm, form
from lookalike.llm.sync import at_end
from lookalike.llm.throttle import Outcome, Throttle
from lookalike.llm.transport import Call, Transport

MOST_ADAPTED = 8  # changes of a request, at most
T = TypeVar("T")


class LLM:
    """A model behind an OpenAI-compatible endpoint.

    model: its name there; url: the base, such as http://127.0.0.1:8000/v1 (default: OPENAI_BASE_URL), a query
    such as ?api-version=2024-10-21 goes with every call; key: default OPENAI_API_KEY, None for none; headers:
    further ones of every call; ledger: a `Ledger` or the path of one, None to keep no replies;
    budget: limits over all runs with that ledger, counted per model; concurrency: calls in flight at most;
    timeout: seconds of silence after which a call is given up, which lives as long as tokens come;
    total_timeout: seconds for which a failing request is repeated; patience: seconds without any reply after
    which the endpoint counts as dead; structured: how a schema is asked for ("auto": the first of
    `dialect.WAYS` that the server takes); progress: False for silence. Raises OptionError, MissingDependency,
    LedgerError.

    Its coroutines belong to one event loop at a time; `wait` calls them from plain code.
    """

    def __init__(
        self,
        model: str,
        url: str | None = None,
        key: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        ledger: Ledger | str | Path | None = None,
        budget: Budget | None = None,
        concurrency: int = CONCURRENCY,
        timeout: float = TIMEOUT,
        total_timeout: float = 600.0,
        patience: float = 60.0,
        structured: str = "auto",
        progress: bool = True,
    ) -> None:
        if url is None or (isinstance(url, str) and not url):
            url = os.environ.get("OPENAI_BASE_URL")
        if url is None or (isinstance(url, str) and not url):
            raise OptionError("no endpoint is named: give its URL, or set OPENAI_BASE_URL.")
        url = text("url", url, "give the URL of the endpoint, such as http://127.0.0.1:8000/v1")
        model = text("model", model, "give the name that the endpoint knows the model by")
        concurrency = whole("concurrency", concurrency, 1, 2**31)
        timeout = number("timeout", timeout, 0, above=True)
        total_timeout = number("total_timeout", total_timeout, 0, above=True)
        patience = number("patience", patience, 0, above=True)
        if not (ledger is None or isinstance(ledger, Ledger)):
            ledger = path("ledger", ledger)
        if not (budget is None or isinstance(budget, Budget)):
            raise OptionError(f"budget is {shown(budget)}: give a lookalike.llm.Budget, or None.")
        self.model, self.progress = model, switch("progress", progress)
        self.address = address(url, key if key is not None else os.environ.get("OPENAI_API_KEY"), headers)
        self.url, self._key = self.address.url, self.address.key
        self.timeout, self.total_timeout, self.patience = timeout, total_timeout, patience
        self.account = f"{model} at {self.url}"
        self.structured, self.dialect = structured, Dialect(structured)
        self.ledger = ledger if ledger is None or isinstance(ledger, Ledger) else Ledger(ledger)
        self.budget = Budget() if budget is None else budget
        self.throttle = Throttle(concurrency)
        self.pace = Pace(timeout, total_timeout)
        if self.ledger is not None:
            self.budget.count(self.ledger.path, self.ledger.totals(self.account))
        self.faults: Counter[str] = Counter()  # by kind, those that repeating mended too
        self.batch = 64  # texts that an embedding call holds at most; fewer where the server says so
        self.known = 0  # replies read back from the ledger
        self._asking: InFlight[bytes, Entry] = InFlight()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._transport: Transport | None = None
        self._names: asyncio.Future[list[str]] | None = None
        self._active = 0  # calls, with those that wait to be repeated
        self._health = Health(
            self.url, patience, total_timeout, self.pace, self.throttle, self._clean,
            answered=self.budget.spent.calls > 0, progress=self.progress,
        )  # fmt: skip

    @property
    def key(self) -> str | None:
        """The key that it asks with, for a further model of the same endpoint."""
        return self._key

    def __repr__(self) -> str:
        return f"LLM({self.model!r}, {self.url!r})"

    @property
    def endpoint(self) -> dict[str, Any]:
        """The arguments that another `LLM` of the same endpoint is made of, in this process or another."""
        return {
            "url": self.address.of(""),
            "key": self._key or "",
            "headers": self.address.headers,
            "concurrency": self.throttle.most,
            "timeout": self.timeout,
            "total_timeout": self.total_timeout,
            "patience": self.patience,
            "structured": self.structured,
        }

    def of_model(self, model: str) -> LLM:
        """The same endpoint with another model, such as one for embeddings; its calls count on this one's
        budget.
        """
        other = LLM(model, **self.endpoint, progress=self.progress)
        other.ledger, other.budget, other.account = self.ledger, self.budget, self.account
        return other

    async def ask(
        self,
        messages: Messages,
        schema: dict[str, Any] | None = None,
        *,
        sample: int = 0,
        max_tokens: int = 1024,
        temperature: float | None = None,
        **options: Any,
    ) -> Reply:
        """One reply, from the ledger where it holds one (parameters as in `Request`).

        It is in the ledger before this returns. Raises LLMError where this request got no usable reply,
        EndpointError where none can, BudgetError, LedgerError; OptionError for a schema that is none.
        """
        return await self.answer(Request(messages, schema, sample, max_tokens, temperature, options))

    async def answer(self, request: Request) -> Reply:
        """`ask` for a Request."""
        self._bind()
        asked, payload, _, key = self._written(request)
        known = self._read_back(asked, key)
        if known is not None:
            self.known += 1
            return known
        chat = Chat(request, asked, payload, self.dialect)

        async def pay() -> Entry:
            async def keep(entry: Entry, used: Spent) -> Entry:
                return (await self.keep({key: entry}, used))[key]

            try:
                return await self.call(CHAT, chat.wire, chat.read, keep, chat.adapt)
            except LLMError as error:
                if error.kind == REFUSED:
                    await self.keep({key: Entry(str(error), REFUSED, None, 0, 0)}, Spent())
                raise

        entry = await self._asking.join(key, pay)
        try:
            return reply_of(entry, asked, key, known=False)
        except Malformed as error:  # kept by a version that let it pass, and kept replies stay
            raise LLMError(f"the ledger's reply {error}: use a new ledger.", "malformed") from None

    def read_back(self, request: Request) -> Reply | None:
        """The reply that the ledger holds to a request, None where it holds none; nothing is sent.

        Raises LLMError where it holds that the request is refused.
        """
        asked, _, _, key = self._written(request)
        return self._read_back(asked, key)

    def estimate(
        self, requests: Sequence[Request], tokens_out: int | Sequence[int] | None = None
    ) -> Estimate:
        """What asking for all of them will take, without those that the ledger holds.

        tokens_out: of one reply, or of each; without it, the mean of what the ledger has seen from this
        model, else max_tokens. Nothing is sent.
        """
        missing, seen = {}, self.budget.spent
        if tokens_out is None:
            mean = seen.tokens_out // seen.calls if seen.calls else None
            tokens_out = [request.max_tokens if mean is None else mean for request in requests]
        elif isinstance(tokens_out, int):
            tokens_out = [tokens_out] * len(requests)
        for request, each in zip(requests, tokens_out, strict=True):
            asked, _, body, key = self._written(request)
            if key not in missing and not self._is_known(asked, key):
                missing[key] = (guess_tokens(body.decode()), each)
        total = Spent(
            len(missing), sum(one[0] for one in missing.values()), sum(one[1] for one in missing.values())
        )
        return self.budget.estimate(total, self.throttle.most)

    async def call(
        self,
        path: str,
        wire: Callable[[], Sent],
        read: Callable[[dict[str, Any], Sent, Spent], tuple[T, Spent]],
        keep: Callable[[T, Spent], Awaitable[T]],
        adapt: Callable[[Fault, Sent], bool] = lambda fault, sent: False,
    ) -> T:
        """One paid call with its repetitions, for `answer` and `embed`.

        wire: writes the body; read: takes the reply apart and says what it used; keep: makes it durable;
        adapt: has it written differently after a fault, False where it cannot be. Errors as in `ask`.
        """
        self._bind()
        if not self._active:  # after a pause of its own, a run does not count it as the server's silence
            self._health.alive()
        self._active += 1
        since, tries = None, Counter[str]()
        try:
            while True:
                started = await self.throttle.acquire()
                sent = wire()
                try:
                    return await self._once(started, path, sent, read, keep)
                except Fault as fault:
                    caught = fault
                tries[caught.kind] += 1
                since = since or started
                if caught.kind in ("dialect", "cut off"):
                    self.faults[caught.kind] += 1
                    if tries.total() <= MOST_ADAPTED and adapt(caught, sent):
                        continue
                    if caught.kind == "dialect":
                        caught = Fault("rejected", caught.reason)
                await asyncio.sleep(await self._wait_or_give_up(caught, tries, since, path))
        finally:
            self._active -= 1

    async def keep(self, rows: Mapping[bytes, Entry], used: Spent) -> Mapping[bytes, Entry]:
        """Makes replies durable and counts what they took; returns what is now kept under their keys."""
        if self.ledger is None:
            self.budget.spent = add(self.budget.spent, used)
            return rows
        ledger = self.ledger
        kept, total = await ledger.put(self.account, rows, used)
        self.budget.count(ledger.path, total)
        return kept

    @contextlib.contextmanager
    def keeping(self, ledger: Ledger) -> Iterator[None]:
        """Replies are read from this ledger and kept in it for the length of the block; the budget counts
        what it holds beside what other ledgers do.
        """
        own, self.ledger = self.ledger, ledger
        self.budget.count(ledger.path, ledger.totals(self.account))
        try:
            yield
        finally:
            self.ledger = own

    async def close(self) -> None:
        """Closes the connections; `wait` does it by itself. The ledger stays open: `ledger.close()`."""
        if self._transport is not None:
            transport, self._transport, self._loop = self._transport, None, None
            await transport.close()

    async def _once(
        self,
        started: float,
        path: str,
        sent: Sent,
        read: Callable[[dict[str, Any], Sent, Spent], tuple[T, Spent]],
        keep: Callable[[T, Spent], Awaitable[T]],
    ) -> T:
        """One HTTP call in a slot that was acquired; it is given back when the reply is on disk, so that
        what a killed process loses is never more than what was in flight.
        """
        assert self._transport is not None
        outcome: Outcome = "neither"
        hold, used = None, None
        call = Call(sent.tokens_out)
        try:
            # A token is a byte or longer, and the JSON around a message longer than the template's tokens.
            hold = await self.budget.reserve(len(sent.body), sent.tokens_out)
            if self.ledger is not None:
                self.ledger.check()
            try:
                found = await self._transport.post(path, sent.body, call)
                self._health.alive()
                value, used = read(found, sent, hold.asked)
            except Fault as fault:
                outcome = fault.outcome
                if fault.paid and (call.sent or fault.used is not None):
                    used = fault.used or call.used(hold.asked)
                    await self.keep({}, used)
                raise
            except asyncio.CancelledError:
                if call.sent:  # it may be charged for, and is counted before this process ends
                    with contextlib.suppress(LedgerError):
                        await self.keep({}, call.used(hold.asked))
                raise
            self._health.good()
            outcome = "slow" if call.first is not None and self.pace.queued(call.first) else "good"
            self.pace.first(call.first or 0.0)
            return await keep(value, used._replace(seconds=self._health.last_good - started))
        finally:
            if hold is not None:
                self.budget.release(hold, used)
            self.throttle.release(started, outcome)

    async def _wait_or_give_up(self, fault: Fault, tries: Counter[str], since: float, path: str) -> float:
        """Seconds to wait before the call is repeated; raises where it is not. since: when it first began."""
        if fault.kind == "forbidden":  # the key is known to be good once a call went through
            fault = Fault(REFUSED if self._health.answered else "key", fault.reason)
        if fault.kind != "cut off":
            self.faults[fault.kind] += 1
        if fault.kind in STOPS:
            names = await self._models() if fault.kind == "model" else []
            raise EndpointError(self._say(fault, names), fault.kind) from None
        spoilt = fault.kind == "malformed" and tries["malformed"] >= MOST_TRIES["malformed"]
        if spoilt or fault.kind in (*FAILS, "cut off"):
            if path == CHAT:
                self._health.failed(fault)
            raise LLMError(self._say(fault), fault.kind) from None
        return 0.0 if fault.kind == "malformed" else self._health.wait(fault, tries, since)

    def _bind(self) -> None:
        """Opens connections in the running event loop, the first time and whenever it is another one."""
        loop = asyncio.get_running_loop()
        if loop is self._loop:
            return
        if self._loop is not None and not self._loop.is_closed() and self._active:
            raise OptionError("this LLM is busy in another event loop: make a second one, or wait.")
        self.throttle.restart()
        self._asking = InFlight()
        self._names = None
        self._transport = Transport(self.address, self.throttle.most, self.throttle, self.pace)
        self._loop = loop
        at_end(self.close)

    def _written(self, request: Request) -> tuple[ReplyForm | None, dict[str, Any], bytes, bytes]:
        """A request's schema made ready, its payload, the payload's bytes and its key.

        The key is that of the payload with response_format, however it is sent in the end: a server that is
        found to take none is found so again by the next run.
        """
        asked = form(request.schema) if request.schema is not None else None
        payload = request.payload(self.model, asked.response_format if asked is not None else None)
        body = dumps(payload)
        return asked, payload, body, key_of(self.url, CHAT, body, request.sample)

    def _read_back(self, asked: ReplyForm | None, key: bytes) -> Reply | None:
        """The reply that the ledger holds; raises LLMError where it holds that the request is refused."""
        entry = self.ledger.get(key) if self.ledger is not None else None
        if entry is None:
            return None
        if entry.way == REFUSED:
            self.known += 1
            self._health.failed(Fault(REFUSED, str(entry.body)))
            raise LLMError(str(entry.body), REFUSED)
        try:
            return reply_of(entry, asked, key, known=True)
        except Malformed:  # of a version that let it pass
            return None

    def _is_known(self, asked: ReplyForm | None, key: bytes) -> bool:
        entry = self.ledger.get(key) if self.ledger is not None else None
        return entry is not None and (entry.way == REFUSED or self._read_back(asked, key) is not None)

    async def _models(self) -> list[str]:
        assert self._transport is not None
        if self._names is None:
            self._names = asyncio.ensure_future(self._transport.models())
        return await asyncio.shield(self._names)

    def _say(self, fault: Fault, models: Sequence[str] = ()) -> str:
        return self._clean(sentence(fault, self.url, self.model, self._key is not None, models))

    def _clean(self, text: str) -> str:
        """A text without the key: some servers quote it in their errors."""
        return text.replace(self._key, "***") if self._key and is_secret(self._key) else text
