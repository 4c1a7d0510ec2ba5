"""What is wrong with a record that a language model wrote: one word for the reason, or None.

The thresholds hold for texts of a few words as for pages; each check passes real rows that were held out
(measured in the tests). The checks of texts alone are in `texts/`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from lookalike.learn import ClassCheck
from lookalike.prompting.growth.novelty import Pool, novel
from lookalike.prompting.record import Form, value_of
from lookalike.texts.copies import Originals
from lookalike.texts.duplicates import RECENT, Accepted, near_copy
from lookalike.texts.language import Language
from lookalike.texts.meta import meta_of
from lookalike.texts.refusals import refusals_of
from lookalike.texts.shingles import by_words, normal

TOO_LONG, SPARE_LETTERS = 2.0, 50  # times the longest real text, and a little more where all are short


class Checker:
    """The real rows made ready for checking, and the texts accepted so far.

    texts: of the real rows; class_check: what tells classes apart, None where the real rows do not suffice;
    pool: texts from which every accepted one differs by ROUGE-L, too, None to leave that out.
    """

    def __init__(
        self,
        form: Form,
        texts: Sequence[str],
        originals: Originals,
        class_check: ClassCheck | None,
        pool: Pool | None = None,
    ) -> None:
        self.form, self.originals, self.class_check = form, originals, class_check
        self.language = Language(texts)
        self.refusals = refusals_of(texts)
        self.meta = meta_of(texts)
        self.longest = int(max(map(len, texts)) * TOO_LONG) + SPARE_LETTERS
        self.accepted = Accepted(by_words([normal(text) for text in texts]))
        self._recent: deque[str] = deque(maxlen=RECENT)
        self._pool = pool

    def reasons(self, records: Sequence[dict[str, Any]], labels: Sequence[str | None]) -> list[str | None]:
        """What is wrong with each record, in order; labels: the class that was asked for. One that passes is
        accepted at once, so that its like is a duplicate.
        """
        found: list[str | None] = []
        texts = [text_of(self.form, record) for record in records]
        wrong = [False] * len(texts) if self.class_check is None else self.class_check.wrong(texts, labels)
        for record, text, label, other in zip(records, texts, labels, wrong, strict=True):
            reason = self._alone(record, text, label)
            if reason is None:
                reason = "class" if other else self._repeated(text)
            found.append(reason)
        return found

    def _repeated(self, text: str) -> str | None:
        """ "duplicate" for a text that nearly repeats an accepted one, more nearly still one of the last;
        "not novel" for one of the same words in the same order as one of the pool.
        """
        if self._pool is not None and not novel(text, self._pool):
            return "not novel"
        if near_copy(text, self._recent) or not self.accepted.add(text):
            return "duplicate"
        self._recent.append(text)
        if self._pool is not None:
            self._pool.add(text)
        return None

    def _alone(self, record: dict[str, Any], text: str, label: str | None) -> str | None:
        """What is wrong with a record whatever else was accepted, but for its class."""
        if not text.strip() or any(str(record[name]).strip() == "" for name in self.form.texts):
            return "empty"
        if label is not None and str(record[str(self.form.label)]) != label:
            return "label"
        if len(text) > self.longest:
            return "too long"
        if any(pattern.search(text) for pattern in self.refusals):
            return "refusal"
        if any(pattern.search(text) for pattern in self.meta):
            return "meta"
        if self.language.is_foreign(text):
            return "language"
        if self.originals.copied(text) is not None:
            return "copy"
        for field in self.form.fields:
            try:
                value_of(field, record[field.name])
            except (ValueError, TypeError, OverflowError):
                return "value"
        return None


def text_of(form: Form, record: dict[str, Any]) -> str:
    """The text fields of a record, a line each."""
    return "\n".join(str(record[name]).strip() for name in form.texts if record[name] is not None)
