"""A language model as the annotator of `curate`: prompts for the label of a record, in several forms."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from lookalike.arguments import brief, whole
from lookalike.errors import LLMError
from lookalike.llm.batch import ask_all
from lookalike.llm.client import LLM
from lookalike.llm.request import Failure, Reply, Request
from lookalike.llm.structured import closed
from lookalike.llm.sync import wait
from lookalike.progress import say

Record = dict[str, str]

FORMS = (  # of the question; which label is named first is turned around, too
    "Which label does the last record have?",
    "Read the last record and decide to which of these classes it belongs.",
    "Somebody sorts records into these classes. Where does the last record go?",
    "Rule out the labels that do not fit the last record, and answer with the one that fits best.",
    "Choose the label that an expert would give the last record.",
)
MOST_VOTES = len(FORMS)
SPARE_TOKENS = 30
MOST_LETTERS = 6000  # of the records that are shown, together


class Annotator:
    """A language model that gives labels: the argument `annotate` of `lookalike.curate`.

        annotator = lookalike.Annotator(LLM("my-model", url), task="questions to a bank", votes=3)

    llm: a `lookalike.llm.LLM`. With a ledger no reply is paid for twice.
    task: what the records are, in half a sentence.
    votes: in how many forms of the prompt it is asked about each record, 1 to 5.
    progress: False for silence.

    `answers` counts the replies so far. `failures` counts the requests without a reply, by kind.
    """

    def __init__(self, llm: LLM, task: str | None = None, votes: int = 1, progress: bool = True) -> None:
        votes = whole("votes, the forms of the prompt,", votes, 1, MOST_VOTES)
        self.llm, self.task, self.votes, self.progress = llm, task, votes, progress
        self.failures: Counter[str] = Counter()
        self.answers = 0

    def __call__(
        self,
        records: Sequence[Record],
        shown: Sequence[Sequence[tuple[Record, str]]],
        classes: Sequence[str],
    ) -> list[list[str | None]]:
        """For each record the answer to each form of the prompt; None where there is none.

        Raises LLMError where not one request has been answered so far.
        """
        requests = [
            self.request(record, near, classes, form)
            for record, near in zip(records, shown, strict=True)
            for form in range(self.votes)
        ]
        replies = wait(ask_all(self.llm, requests, progress=self.progress, label="asking for labels"))
        failures = [reply for reply in replies if isinstance(reply, Failure)]
        self.failures.update(failure.kind for failure in failures)
        self.answers += len(replies) - len(failures)
        if failures and not self.answers:
            raise LLMError(f"the language model gave no label at all: {failures[0].reason}")
        if failures:
            say(f"{len(failures):,} labels were not told: {failures[0].reason}", progress=self.progress)
        answers = [str(one.data["label"]) if isinstance(one, Reply) else None for one in replies]
        return [answers[at : at + self.votes] for at in range(0, len(answers), self.votes)]

    def request(
        self, record: Record, near: Sequence[tuple[Record, str]], classes: Sequence[str], form: int = 0
    ) -> Request:
        """The question for one record. form: number of the form; odd ones name labels in reverse order."""
        turn = -1 if form % 2 else 1
        names = list(classes)[::turn]
        most = MOST_LETTERS // (len(near) + 1)
        lines = [] if self.task is None else [f"The records: {self.task}.", ""]
        lines += [f"The labels: {', '.join(json.dumps(name, ensure_ascii=False) for name in names)}.", ""]
        for other, label in list(near)[::turn]:
            lines += [_written(other, most), f"Label: {label}", ""]
        lines += [_written(record, most), "", FORMS[form], 'Answer as JSON: {"label": "..."}']
        schema = closed({"label": {"type": "string", "enum": names}})
        tokens = SPARE_TOKENS + max(map(len, names))
        return Request("\n".join(lines), schema, max_tokens=tokens, temperature=0.0)


def _written(record: Record, most: int) -> str:
    """A record as lines of the prompt, its cells cut to so many letters in all."""
    each = max(most // max(len(record), 1), 20)
    return "\n".join(
        f"{brief(name)}: {cell if len(cell) <= each else cell[:each].rstrip() + ' ...'}"
        for name, cell in record.items()
    )
