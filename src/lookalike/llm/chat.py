"""A request for a chat completion on its way: how it is written, read, and written again after a fault."""

from __future__ import annotations

from typing import Any

from lookalike.llm.budget import Spent
from lookalike.llm.dialect import Dialect, Sent
from lookalike.llm.faults import Fault
from lookalike.llm.ledger import Entry
from lookalike.llm.request import Request, read_chat
from lookalike.llm.structured import ReplyForm

CHAT = "/chat/completions"
GROWTH = 3.0  # times the tokens of a reply that was cut off


class Chat:
    """asked: the schema of the request, made ready; payload: the request as JSON; dialect: what the server is
    known to want, which learns from each reply.
    """

    def __init__(
        self, request: Request, asked: ReplyForm | None, payload: dict[str, Any], dialect: Dialect
    ) -> None:
        self._asked, self._payload, self._dialect = asked, payload, dialect
        self._tokens = request.max_tokens
        self._most = max(request.most_tokens or 0, request.max_tokens)
        self._times, self._room = 1.0, float(self._most)  # the tokens that it needs, and may have

    def wire(self) -> Sent:
        """The request as it is sent now."""
        wanted = self._tokens * max(self._times, self._dialect.times)
        tokens = min(wanted, self._most, self._room, self._dialect.most)
        return self._dialect.write(self._payload, self._asked, max(1, int(tokens)))

    def read(self, found: dict[str, Any], sent: Sent, spent: Spent) -> tuple[Entry, Spent]:
        """The reply taken apart, and what it used. Raises Fault for one that cannot be used."""
        whole = sent.tokens_out < self._longest()
        try:
            entry = read_chat(found, self._asked, sent, spent, whole)
        except Fault as fault:
            if fault.kind == "malformed":
                self._dialect.ways.answered(sent.way, fits=False)
            raise
        self._dialect.ways.answered(sent.way, fits=True)
        self._dialect.took(self._tokens, entry.tokens_out)
        return entry, Spent(1, entry.tokens_in, entry.tokens_out)

    def adapt(self, fault: Fault, sent: Sent) -> bool:
        """Whether it can be written differently after a fault, as `wire` then does."""
        if fault.kind == "dialect":
            if fault.adapt == "room" and fault.limit is not None:
                self._room = fault.limit
            return self._dialect.adapt(fault, sent)
        self._times = GROWTH * sent.tokens_out / self._tokens
        return sent.tokens_out < self._longest()

    def _longest(self) -> int:
        return int(min(self._most, self._room, self._dialect.most))
