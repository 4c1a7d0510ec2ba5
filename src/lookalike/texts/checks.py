"""What is wrong with a text by itself: the checks that `curate` makes of a table, and SynAlign as it writes.

With real texts, limits are what these allow; without them they are absolute, and what needs real texts finds
nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from re import Pattern

from lookalike.arguments import brief
from lookalike.texts.copies import Originals
from lookalike.texts.language import Language
from lookalike.texts.measures import MEASURES, OF_PROSE, learned
from lookalike.texts.meta import meta_of
from lookalike.texts.refusals import refusals_of

SAID = {  # of MEASURES
    "length": "its letters and signs are {:,.0f}",
    "repetition": "the share of it that repeats is {:.3g}",
    "symbols": "the share of its signs that are no letters or digits is {:.3g}",
    "encoding": "its damaged signs are {:,.0f}",
}
PROSE = ("language", "refusal", "meta")  # these are of no use for code and JSON
TEXT_CHECKS = (*MEASURES, *PROSE, "copy")


@dataclass(frozen=True)
class Hit:
    """A check that a text fails: its name, and why, in words. score, limit: what was measured, and the limit
    that it crossed; nan where the check knows only yes and no. value: the number of the real text that is
    copied.
    """

    check: str
    reason: str
    score: float = float("nan")
    limit: float = float("nan")
    value: int | None = None


class TextChecks:
    """The checks of `TEXT_CHECKS`, ready for texts of one column; each is made ready when it is first used.

    real: its real texts, [] for none. prose: whether it holds what people write, not code or JSON.
    """

    def __init__(self, real: Sequence[str], prose: bool = True) -> None:
        self._real, self._prose = real, prose
        self._limits: dict[str, tuple[float, float]] = {}

    def ready(self, names: Collection[str]) -> None:
        """Makes all that these checks need of the real texts, before the judge is sent elsewhere."""
        for name in names:
            self.of(name, "")

    def first(self, text: str, names: Collection[str] = TEXT_CHECKS) -> Hit | None:
        """The first of the checks that the text fails."""
        return next((hit for name in names if (hit := self.of(name, text)) is not None), None)

    def is_long(self, text: str) -> bool:
        """Whether the text is longer than the check "length" allows."""
        hit = self.of("length", text)
        return hit is not None and hit.score > hit.limit

    def each(self, name: str, texts: Sequence[str]) -> Iterator[Hit | None]:
        """What a check finds wrong with each of many texts: as `of`, in less time."""
        if name == "copy" and self._originals is not None:
            return map(_copy, self._originals.copies(texts))
        return (self.of(name, text) for text in texts)

    def of(self, name: str, text: str) -> Hit | None:
        """What a check finds wrong with the text."""
        if name in MEASURES:
            return self._measured(name, text)
        if name == "copy":
            return _copy(self._originals.copied(text)) if self._originals is not None else None
        if not self._prose:
            return None
        if name == "language":
            foreign = self._language is not None and self._language.is_foreign(text)
            return Hit(name, "it is in a language of no real text") if foreign else None
        for pattern in self._refusals if name == "refusal" else self._meta:
            if said := pattern.search(text):
                return Hit(name, f"it says '{brief(said.group())}'")
        return None

    def _measured(self, name: str, text: str) -> Hit | None:
        if name in OF_PROSE and not (self._real or self._prose):  # an object is half brackets and quotes
            return None
        if name not in self._limits:
            self._limits[name] = learned(name, self._real)
        low, high = self._limits[name]
        score = MEASURES[name](text)
        if low <= score <= high:
            return None
        limit, side = (low, "below") if score < low else (high, "above")
        return Hit(name, f"{SAID[name].format(score)}, {side} {limit:.3g}", score, limit)

    @cached_property
    def _originals(self) -> Originals | None:
        return Originals(self._real) if self._real else None

    @cached_property
    def _language(self) -> Language | None:
        return Language(self._real) if self._real else None

    @cached_property
    def _refusals(self) -> list[Pattern[str]]:
        return refusals_of(self._real)

    @cached_property
    def _meta(self) -> list[Pattern[str]]:
        return meta_of(self._real)


def _copy(source: int | None) -> Hit | None:
    """source: the number of the real text that is copied."""
    return (
        None
        if source is None
        else Hit("copy", f"it copies the text of real row {source + 1:,}", value=source)
    )
