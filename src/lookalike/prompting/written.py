"""What a run of SynAlign has written: every record, where it came from, and why it was rejected."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt
import pandas as pd

from lookalike.decisions import Decisions
from lookalike.errors import LedgerError, LLMError
from lookalike.llm.budget import NOTHING, Spent
from lookalike.llm.request import Failure, Reply
from lookalike.prompting.alarm import fix, main_reason
from lookalike.prompting.arms import Place
from lookalike.prompting.record import Form, table_of
from lookalike.texts.checks import Hit

Array = npt.NDArray[Any]


@dataclass
class Row:
    """A record that was written: where it came from and, if it was rejected, why.

    reason: in a word. hit: the check that it failed; None for what did not fit the schema of the reply.
    """

    record: dict[str, Any]
    place: Place
    attributes: dict[str, str] | None
    sample: int
    key: str
    reason: str | None = None
    hit: Hit | None = None

    def demonstration(self, rows: Array) -> int:
        """Its row number in the real table, -1 for none; rows: (usable rows,) their row numbers there."""
        return int(rows[self.place.row]) if self.place.row >= 0 else -1

    def shown(self, rows: Array) -> list[int]:
        """Row numbers in the real table of all rows that the model was shown or told of for it; rows as in
        `demonstration`.
        """
        seen = self.place.seen(self.sample)
        own = [self.place.row] if self.place.row >= 0 and (seen or not self.place.now_and_then) else []
        return sorted({int(rows[row]) for row in (*own, *seen)})


@dataclass
class Written:
    """What a run has made so far.

    asked: records asked for; surplus: good ones beyond what was wanted; failures: requests without a reply,
    by kind; said: of each kind the first sentence, with the server's own words; calls: replies that were
    used, of which known were read back; paid: what all calls of the model have taken so far by the server's
    own count, the failed ones and those of earlier runs with the ledger among them; stopped: why it ended
    early, as a sentence; classes: of which rows are wanted.
    """

    accepted: list[Row] = field(default_factory=list)
    rejected: list[Row] = field(default_factory=list)
    surplus: list[Row] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    said: dict[str, str] = field(default_factory=dict)
    asked: int = 0
    calls: int = 0
    known: int = 0
    paid: Spent = NOTHING
    classes: list[str | None] = field(default_factory=list)
    stopped: str | None = None

    def count(self, reply: Reply) -> None:
        self.calls += 1
        self.known += reply.known

    def failed(self, failure: Failure, kind: str | None = None) -> None:
        kind = failure.kind if kind is None else kind
        self.failures[kind] += 1
        self.said.setdefault(kind, failure.reason)

    def stop(self, error: LLMError | LedgerError) -> None:
        """The run ends with this error."""
        self.stopped = str(error)
        self.said.setdefault(error.kind if isinstance(error, LLMError) else "ledger", str(error))

    def why_missing(self) -> str:
        """Why fewer rows came than were wanted; that is why it stopped, where nothing else was said."""
        if self.stopped is None:
            reason = self.main_reason()
            self.stopped = "no way was found to the rows that are missing"
            if reason is not None:
                self.stopped = f"most others fail as '{reason}': {fix(reason)}"
        return self.stopped

    def records(self, form: Form) -> pd.DataFrame:
        """The accepted rows as a table of the real one's columns and dtypes."""
        return table_of(form, [row.record for row in self.accepted])

    def rejects(self, form: Form, rows: Array) -> pd.DataFrame:
        """The rejected records as the model wrote them, with reason, demonstration and key.

        rows: (usable rows,) their row numbers in the real table.
        """
        columns = {
            field.column.name: pd.Series(
                [_scalar(row.record.get(field.name)) for row in self.rejected], dtype=object
            )
            for field in form.fields
        }
        facts = {
            "reason": [row.reason for row in self.rejected],
            "demonstration": [row.demonstration(rows) for row in self.rejected],
            "key": [row.key for row in self.rejected],
        }
        return pd.DataFrame(columns | {_free(name, columns): values for name, values in facts.items()})

    def provenance(self, rows: Array, prompt: str) -> pd.DataFrame:
        """Where each accepted row came from; rows as in `rejects`, prompt: version of the templates."""
        return pd.DataFrame(
            {
                "demonstration": [row.demonstration(rows) for row in self.accepted],
                "shown": [json.dumps(row.shown(rows)) for row in self.accepted],
                "attributes": [json.dumps(row.attributes or {}, ensure_ascii=False) for row in self.accepted],
                "prompt": [prompt] * len(self.accepted),
                "key": [row.key for row in self.accepted],
                "sample": [row.sample for row in self.accepted],
            }
        )

    def decisions(self, label: Any) -> Decisions:
        """On the accepted rows and, after them, the rejected ones: which check each of these failed."""
        found = []
        for place, row in enumerate(self.rejected, len(self.accepted)):
            hit = Hit(str(row.reason), "it does not fit the schema") if row.hit is None else row.hit
            found.append({"row": place, "action": "drop", **dataclasses.asdict(hit)})
        return Decisions.of(found, len(self.accepted) + len(self.rejected), label)

    def figures(self) -> dict[str, Any]:
        """Its counts for a summary; reasons and failures, the most frequent first."""
        return {
            "asked": self.asked,
            "accepted": len(self.accepted),
            "surplus": len(self.surplus),
            "classes_without_rows": self.without_rows(self.classes),
            "rejected": dict(Counter(str(row.reason) for row in self.rejected).most_common()),
            "failures": dict(self.failures.most_common()),
            "said": dict(self.said),
            "replies": self.calls,
            "known": self.known,
            "calls": self.paid.calls,
            "tokens_in": self.paid.tokens_in,
            "tokens_out": self.paid.tokens_out,
        }

    def without_rows(self, labels: Iterable[str | None]) -> list[str]:
        """The classes of those that were asked for of which nothing was accepted."""
        got = {row.place.label for row in self.accepted}
        return [str(name) for name in dict.fromkeys(labels) if name is not None and name not in got]

    def main_reason(self) -> str | None:
        """The most frequent reason for which rows are missing; None where nothing failed."""
        return main_reason(Counter(str(row.reason) for row in self.rejected) + self.failures)


def _scalar(value: Any) -> Any:
    """A value that a table can hold: what is nested as its JSON text."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _free(name: str, taken: Container[Any]) -> str:
    """The name, longer by an underscore where the table has a column of it."""
    while name in taken:
        name += "_"
    return name
