"""What is wrong with a record that a language model wrote.

Its texts are judged by the checks that `curate` makes of any table (`texts/checks.py`), by limits that the
real texts set; each check passes real rows that were held out (measured in the tests). The checks of classes
and of records are here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from lookalike.arguments import brief
from lookalike.defaults import NEAR
from lookalike.learn import ClassCheck
from lookalike.prompting.growth.novelty import Pool, novel
from lookalike.prompting.record import Form, value_of
from lookalike.texts.checks import Hit, TextChecks
from lookalike.texts.duplicates import RECENT, Accepted, near_copy
from lookalike.texts.shingles import by_words, normal

# "encoding" and short texts are left to `curate`: to ask for them again would cost another call
TEXTS = ("length", "refusal", "meta", "repetition", "symbols", "language", "copy")


class Wrong(NamedTuple):
    """word: the reason, as the summary counts it. hit: the check of `curate` that finds the same, and why."""

    word: str
    hit: Hit


class Checker:
    """The real rows made ready for checking, and the texts accepted so far.

    texts: of the real rows; columns: the real texts of each text field, by its name; class_check: what tells
    classes apart, None where the real rows do not suffice; pool: texts from which every accepted one differs
    by ROUGE-L, too, None to leave that out.
    """

    def __init__(
        self,
        form: Form,
        texts: Sequence[str],
        columns: dict[str, list[str]],
        class_check: ClassCheck | None,
        pool: Pool | None = None,
    ) -> None:
        self.form, self.class_check = form, class_check
        self._judges = {name: TextChecks(columns[name], form[name].column.kind == "text") for name in columns}
        self.accepted = Accepted(by_words([normal(text) for text in texts]))
        self._recent: deque[str] = deque(maxlen=RECENT)
        self._pool = pool

    def wrong(self, records: Sequence[dict[str, Any]], labels: Sequence[str | None]) -> list[Wrong | None]:
        """What is wrong with each record, in order; labels: the class that was asked for. One that passes is
        accepted at once, so that its like is a duplicate.
        """
        found = self.alone(records, labels)
        return [
            self.repeated(record) if one is None else one for record, one in zip(records, found, strict=True)
        ]

    def alone(self, records: Sequence[dict[str, Any]], labels: Sequence[str | None]) -> list[Wrong | None]:
        """What is wrong with each record whatever else was accepted."""
        found: list[Wrong | None] = []
        texts = [text_of(self.form, record) for record in records]
        others = [False] * len(texts) if self.class_check is None else self.class_check.wrong(texts, labels)
        for record, text, label, other in zip(records, texts, labels, others, strict=True):
            wrong = self._alone(record, text, label)
            if wrong is None and other:
                wrong = Wrong("class", Hit("labels", f"it is surely not of the class '{brief(label)}'"))
            found.append(wrong)
        return found

    def repeated(self, record: dict[str, Any]) -> Wrong | None:
        """ "duplicate" for a text that nearly repeats an accepted one, more nearly still one of the last;
        "not novel" for one of the same words in the same order as one of the pool. One that passes is
        accepted at once.
        """
        text = text_of(self.form, record)
        if self._pool is not None and not novel(text, self._pool):
            return Wrong("not novel", Hit("near", "its words come in the order of another text's"))
        if near_copy(text, self._recent) or not self.accepted.add(text):
            return Wrong("duplicate", Hit("near", "its text nearly repeats an earlier one", limit=NEAR))
        self._recent.append(text)
        if self._pool is not None:
            self._pool.add(text)
        return None

    def _alone(self, record: dict[str, Any], text: str, label: str | None) -> Wrong | None:
        """What is wrong with a record whatever else was accepted, but for its class."""
        for name in self.form.texts:
            if not text.strip() or str(record[name]).strip() == "":
                return Wrong("empty", Hit("missing", f"column '{self.form[name].column.name}' is empty"))
        if label is not None and (given := str(record[str(self.form.label)])) != label:
            return Wrong("label", Hit("labels", f"it is labelled '{brief(given)}', not '{label}'"))
        for name, judge in self._judges.items():
            own = None if record[name] is None else str(record[name])
            hit = None if own is None else judge.first(own, TEXTS if judge.is_long(own) else TEXTS[1:])
            if hit is not None:
                return Wrong("too long" if hit.check == "length" else hit.check, hit)
        for field in self.form.fields:
            try:
                value_of(field, record[field.name])
            except (ValueError, TypeError, OverflowError):
                reason = f"{brief(record[field.name])} in column '{field.column.name}' is no such value"
                return Wrong("value", Hit("unknown" if field.values else "range", reason))
        return None


def text_of(form: Form, record: dict[str, Any]) -> str:
    """The text fields of a record, a line each."""
    return "\n".join(str(record[name]).strip() for name in form.texts if record[name] is not None)
