"""The judge is asked, every pair in both orders; what it said, as votes and scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lookalike.errors import EndpointError
from lookalike.evaluate.judging.controls import LEAST_RIGHT
from lookalike.evaluate.judging.pairs import Pair
from lookalike.evaluate.judging.rubric import Rubric
from lookalike.llm import LLM, Failure, Reply, Request, ask_all, wait
from lookalike.progress import say

REASON = 400  # tokens of a reply with one verdict, at first
EACH = 150  # more, for each criterion
MOST_TOKENS = 4_000  # of a reply that thinks aloud
TYPICAL = 60  # tokens of one verdict with its reason, for the estimate
WON = {"A": 1.0, "tie": 0.5, "B": 0.0}


@dataclass(frozen=True)
class Vote:
    """What the judge said of a pair. swapped: `other` stood first. won: 1 where the pair's `one` is
    preferred, 0.5 for a tie, else 0.
    """

    pair: Pair
    swapped: bool
    won: float
    reason: str

    @property
    def first(self) -> float:
        """1 where the row in the first place is preferred, 0.5 for a tie, else 0."""
        return 1 - self.won if self.swapped else self.won


@dataclass(frozen=True)
class Rated:
    """A row of a table and the scores that it got, by criterion."""

    table: str
    row: int
    scores: dict[str, int]


@dataclass
class Said:
    """All that the judge said. lost: why there was no answer -> how often. stopped: the limit that was
    met."""

    votes: list[Vote] = field(default_factory=list)
    rated: list[Rated] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    stopped: str | None = None


def pair_requests(rubric: Rubric, pairs: Sequence[Pair]) -> list[Request]:
    """Two for each pair: as it is, and with its rows in the other order."""
    found = []
    for pair in pairs:
        one, other = pair.texts
        for first, second in ((one, other), (other, one)):
            messages = rubric.pair(first, second, pair.given)
            found.append(_request(messages, rubric.verdict_schema, REASON))
    return found


def row_request(rubric: Rubric, text: str, given: str) -> Request:
    """For the scores of a row."""
    return _request(rubric.row(text, given), rubric.scores_schema, EACH * (1 + len(rubric.criteria)))


def _request(messages: Any, schema: dict[str, Any], tokens: int) -> Request:
    return Request(messages, schema, max_tokens=tokens, temperature=0.0, most_tokens=MOST_TOKENS)


def ask(
    llm: LLM,
    rubric: Rubric,
    controls: Sequence[Pair],
    pairs: Sequence[Pair],
    rows: Sequence[tuple[str, int, Request]],
    progress: bool,
) -> Said:
    """What the judge says of the controls, then of the pairs, then of the rows (table, row, its request).

    The controls come first, so that an unusable judge is known before most of it is paid for. Raises
    EndpointError, LedgerError.
    """
    said = Said()
    for some, label in ((controls, "asking the controls"), (pairs, "comparing")):
        requests = pair_requests(rubric, some)
        replies = _asked(llm, requests, label, progress)
        for at, reply in enumerate(replies):
            if (data := _data(reply, said)) is not None:
                swapped = bool(at % 2)
                first = WON[data["verdict"]]
                won = 1 - first if swapped else first
                said.votes.append(Vote(some[at // 2], swapped, won, data["reason"]))
        if some is controls and said.votes and (right := right_share(said.votes)) < LEAST_RIGHT:
            say(
                f"the judge got {right:.0%} of the controls right, below {LEAST_RIGHT:.0%}: it is unusable; "
                "Ctrl-C ends here, and what was paid for is kept",
                progress=progress,
            )
    requests = [request for _, _, request in rows]
    replies = _asked(llm, requests, "rating", progress)
    for (table, row, _), reply in zip(rows, replies, strict=True):
        if (data := _data(reply, said)) is not None:
            scores = {one.name: int(data[one.name]["score"]) for one in rubric.criteria}
            said.rated.append(Rated(table, row, scores))
    return said


def _asked(llm: LLM, requests: Sequence[Request], label: str, progress: bool) -> Sequence[Reply | Failure]:
    """The replies in their order; says of a judge, not of a writer, why none of them can be read."""
    if not requests:
        return []
    try:
        return wait(ask_all(llm, requests, progress=progress, label=label))
    except EndpointError as error:
        if error.kind not in ("malformed", "cut off"):
            raise
        raise EndpointError(
            f"the model '{llm.model}' comes to no verdict that can be read, time after time: use one that "
            "writes JSON better.",
            error.kind,
        ) from None


def right_share(votes: Sequence[Vote]) -> float:
    """The share of the votes on controls that prefer the row that was not damaged; a tie is not right."""
    own = [vote.won == 1.0 for vote in votes if vote.pair.control]
    return sum(own) / len(own) if own else 0.0


def _data(reply: Reply | Failure, said: Said) -> Any:
    if isinstance(reply, Failure):
        said.lost[reply.kind] += 1
        said.stopped = reply.reason if reply.kind == "budget" else said.stopped
        return None
    return reply.data
