"""What SynAlign asks of its language model: the requests of each place, and what they need to have first."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lookalike.arguments import shown
from lookalike.errors import OptionError
from lookalike.llm.batch import ask_all
from lookalike.llm.budget import Spent, guess_tokens
from lookalike.llm.client import LLM
from lookalike.llm.request import Failure, Reply, Request
from lookalike.llm.sync import wait
from lookalike.progress import say
from lookalike.prompting.arms import EXPLORED, Place
from lookalike.prompting.facts import asked_of, described
from lookalike.prompting.prompts import ATTRIBUTES, MOST_PLACES, STAND_IN, Prompts, cell, sample_of
from lookalike.prompting.source import Source
from lookalike.prompting.work import Work, answer
from lookalike.prompting.written import Written

LOOKS = (4, 8, 16, 24)  # real rows that are described when it is looked how well the model does: telling.py
LOOKED = 5  # such a part of the budget goes on them at most, as their replies may be of no use
NO_RECORD = (
    "the budget that is left pays for a description but for no record after it: raise it (--max-calls, "
    "--max-tokens, --max-cost) and run again with the same ledger, which keeps what was paid for."
)


@dataclass(frozen=True)
class Asking:
    """attributes: names of attributes, or "propose" to have the model name them; gen_size: records a request;
    places: how many there are; known: real row -> its attributes, where they were asked for; the rest as
    `SynAlign` has it.
    """

    llm: LLM
    prompts: Prompts
    source: Source
    method: str
    attributes: str | list[str]
    gen_size: int
    seed: int
    progress: bool
    places: int
    known: dict[int, dict[str, str]] = field(default_factory=dict)

    def at_first(self, works: list[Work]) -> list[Request]:
        """What is asked first, with stand-ins of about that length for attributes that need a reply first."""
        names = list(ATTRIBUTES) if isinstance(self.attributes, str) else self.attributes
        found: list[Request] = []
        has_attributes = self.method in ("synalign", "attributes")
        if self.attributes == "propose" and (has_attributes or self.method == "auto"):
            found.append(self.prompts.names(self.seed))
        if self.method == "auto":
            found += [self.prompts.attributes(names, row, 0) for row in probes(works)[: LOOKS[0]]]
        works = [work for work in works if work.wanted]
        if self.method == "synalign":
            found += [self.prompts.attributes(names, work.place.row, 0) for work in works]
        if self.method == "attributes":
            labels = dict.fromkeys(work.place.label for work in works)
            found += [self.prompts.grid(names, label) for label in labels]
        for at, work in enumerate(works):
            stand_in = {name: f"{STAND_IN} ({at})" for name in names} if has_attributes else None
            for part in range(-(-work.wanted // work.size)):
                count = min(work.size, work.wanted - part * work.size)
                found.append(self.records(work, count, part + 1, stand_in))
        return found

    def records(self, work: Work, n: int, part: int, attributes: dict[str, str] | None) -> Request:
        """The request for n records at a place; part: its number there."""
        place, sample, plan = work.place, sample_of(work.number, part), list[str]()
        seen = place.seen(sample)
        shown = seen[: max(len(seen) >> work.shorter, 1)]
        if self.method in EXPLORED and not shown and not place.now_and_then:
            rng = np.random.default_rng((self.seed, sample))
            plan = self.source.facts.plan(place, n, rng)
        told = part
        if place.now_and_then and not shown:  # what places of a class ask without a text is told apart
            told += work.number % MOST_PLACES + (part - 1) * (self.places - 1)
        return self.prompts.records(place.label, n, part, attributes, shown, work.number, plan, told)

    def names(self, written: Written) -> list[str]:
        """The names of the attributes; asked for where they are to be proposed."""
        if self.attributes != "propose":
            return list(self.attributes)
        if self.method not in ("auto", "synalign", "attributes"):
            return []
        reply = wait(answer(self.llm, self.prompts.names(self.seed)))
        if isinstance(reply, Reply):
            written.count(reply)
            names = dict.fromkeys(" ".join(str(one).split())[:60] for one in reply.data["attributes"])
            if found := asked_of([name for name in names if name]):
                return found
        else:
            written.failed(reply)
        say("no attributes were proposed: the usual ones are taken.", progress=self.progress)
        return list(ATTRIBUTES)

    def probed(self, rows: Sequence[int], first: Place) -> list[int]:
        """The first ones of some real rows, so many that their descriptions take at most a fifth of the
        budget that is left, and leave a request for records. first: as of `describing`.
        """
        if self.affordable(first)() < 2:
            return []
        asked = [self.prompts.attributes(ATTRIBUTES, row, 0) for row in rows]
        read = max((guess_tokens(str(one.messages)) for one in asked), default=0)
        said = max((self.prompts.expected(one) for one in asked), default=0)
        most = self.llm.budget.affords(Spent(1, read, said)) / LOOKED
        fresh = 0
        for at, (row, request) in enumerate(zip(rows, asked, strict=True)):
            fresh += row not in self.known and not self._held(request)
            if fresh > most:
                return list(rows[:at])
        return list(rows)

    def described(self, names: list[str], rows: Sequence[int], written: Written) -> list[dict[str, str]]:
        """What the model says of some real rows, without what is of no use; {} where it says nothing else."""
        new = [row for row in rows if row not in self.known]
        asked = [self.prompts.attributes(names, row, 0) for row in new]
        replies = wait(ask_all(self.llm, asked, progress=self.progress, label="descriptions"))
        for row, reply in zip(new, replies, strict=True):
            if not isinstance(reply, Reply):
                written.failed(reply)
                continue
            written.count(reply)
            if said := described(reply.data, self.source.texts[row], self.source.labels[row]):
                self.known[row] = said | self.source.facts.of(row)
        return [self.known.get(row, {}) for row in rows]

    def recall(self, names: list[str], rows: Sequence[int], written: Written) -> None:
        """Reads what the ledger holds of the names and descriptions that were asked for; nothing is sent."""
        if self.attributes == "propose" and self._held(self.prompts.names(self.seed)):
            self.names(written)
        held = [row for row in rows if self._held(self.prompts.attributes(names, row, 0))]
        self.described(names, held, written)

    def _held(self, request: Request) -> bool:
        return not self.llm.estimate([request]).calls

    def fill_in_grids(self, works: list[Work], names: list[str], written: Written) -> None:
        """Asks for a grid a class and gives every place its cell; classes without a grid are given up."""
        labels = list(dict.fromkeys(work.place.label for work in works if work.wanted))
        asked = [self.prompts.grid(names, label) for label in labels]
        replies = wait(ask_all(self.llm, asked, progress=self.progress, label="grids"))
        grids: dict[str | None, Any] = {}
        for label, reply in zip(labels, replies, strict=True):
            if isinstance(reply, Reply):
                written.count(reply)
                grids[label] = reply.data
            else:
                written.failed(reply)
                if reply.kind == "budget":
                    written.stopped = reply.reason
        for work in works:
            if work.place.label in grids:
                work.attributes = cell(grids[work.place.label], work.place.draw)
            else:
                work.closed = True

    def describing(
        self, names: list[str], first: Place, written: Written
    ) -> Callable[[Place, int], Coroutine[Any, Any, dict[str, str] | Failure]]:
        """Describes a place by attributes of these names; the second argument counts the tries. first: a
        place, as long as the others.
        """
        one, both = self._each(first)
        budget, facts = self.llm.budget, self.source.facts

        def no_record(request: Request) -> bool:
            """Whether a description would be paid, and no record after it."""
            return budget.affords(both) < 1 <= budget.affords(one) and not self._held(request)

        async def describe(place: Place, tries: int) -> dict[str, str] | Failure:
            if place.row in self.known:
                return self.known[place.row]
            request = self.prompts.attributes(names, place.row, tries)
            if no_record(request):
                return Failure("budget", NO_RECORD)
            reply = await answer(self.llm, request)
            if isinstance(reply, Failure):
                return reply
            written.count(reply)
            found = described(reply.data, self.source.texts[place.row], place.label)
            if not found and not tries:  # a second time, what is computed has to do
                return Failure(
                    "quote", "every attribute quotes the record that it describes, or speaks of it"
                )
            return found | facts.of(place.row)

        return describe

    def affordable(self, first: Place) -> Callable[[], float]:
        """Tells how many places, each with a description and a request, the budget that is left pays for."""
        _, both = self._each(first)
        return lambda: self.llm.budget.affords(both)

    def _each(self, first: Place) -> tuple[Spent, Spent]:
        """What the budget holds for a description, and for a request for records once that is paid."""
        work = Work(0, first, self.gen_size, self.gen_size)
        one = self.prompts.attributes(ATTRIBUTES, work.place.row, 0)
        many = self.records(work, self.gen_size, 1, dict.fromkeys(ATTRIBUTES, STAND_IN))
        said, asked = (str(some.messages) + str(some.schema) for some in (one, many))
        paid = guess_tokens(said) + self.prompts.expected(one)
        return (
            Spent(1, len(said.encode()), one.max_tokens),
            Spent(2, len(asked.encode()) + paid, many.max_tokens),
        )


def probes(works: Sequence[Work]) -> list[int]:
    """The real rows that are described to find out how well the model does, at most: those of the first
    places where rows are wanted. None where they are fewer than such a look takes.
    """
    rows = [work.place.row for work in works if work.wanted][: LOOKS[-1]]
    return rows if len(rows) >= LOOKS[1] else []


def checked_names(attributes: str | Sequence[str] | None) -> str | list[str]:
    """Names of attributes, or "propose"; None: the usual ones. Raises OptionError for anything else."""
    if attributes is None:
        return list(ATTRIBUTES)
    if isinstance(attributes, str):
        if attributes != "propose":
            raise OptionError(f"attributes={attributes!r} is not known: write 'propose' or a list of names.")
        return attributes
    if not isinstance(attributes, list | tuple) or not all(isinstance(name, str) for name in attributes):
        raise OptionError(f"attributes is {shown(attributes)}: write 'propose' or a list of names.")
    names = [str(name).strip() for name in attributes]
    if not names or not all(names) or len(set(names)) < len(names):
        raise OptionError("attributes must be different names, at least one: write a list such as ['topic'].")
    return names
