"""What can be computed of a text, so that no model is asked for it, and of what model says what is left.

Small models describe badly: of a text of eight words they say that it has 85, they speak of "the text" and
repeat its label. So length, form, marks, case, figures and language are counted here, the call that
describes sees no label, and of its answer only what speaks of the content is kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from lookalike.codec.kinds.text import SPACELESS
from lookalike.prompting.arms import Array, Place
from lookalike.texts.language import FUNCTION_WORDS
from lookalike.texts.words import words_of

SHARED = 3  # real rows that words must open before they are told
LONGEST_VALUE = 300  # letters of an attribute
QUOTE = 5  # words in a row that count as quoted
QUESTION, ENDS = "?\uff1f\u061f", ".!?\u2026\u3002\uff01\uff1f\u061f"  # in full width and in Arabic, too
COMPUTED = frozenset(  # names of attributes that nobody is asked for
    {
        *("length", "word count", "number of words", "sentence length", "text length", "size", "language"),
        *("punctuation", "case", "capitalization", "capitalisation", "casing", "numbers", "digits"),
        *("form", "ending", "label", "class", "category"),
    }
)
_THING = r"(?:text|review|record|sentence|message|label|data set|dataset|example|passage|statement|tweet)"
_LEAD = re.compile(  # "The text is about", "This customer review expresses the"
    rf"^(?:the |this |an? )?(?:\w+ )?{_THING}(?:'s)? ?(?:\w+ )?(?:is|describes|discusses|expresses|conveys|"
    r"mentions|talks|speaks|shows|uses|has|contains|consists|asks|reflects|focuses)(?: written)?(?: \w+ly)?"
    r"(?: (?:about|of|on|in|for|that))?(?: an?| the)?[: ]+",
    re.IGNORECASE,
)
_SPEAKS = re.compile(
    rf"\b(?:the|this|that|each|a|an|of) (?:\w+ )?(?:{_THING}|author|writer|reviewer)s?\b|\blabel\w*\b",
    re.IGNORECASE,
)
_ENDING = re.compile(r"(?:ness|ments?|ly|ity|ing|ed|es|s|e)$")


class Facts:
    """Counts what the real texts have in common, and describes each by what is its own.

    texts: (rows,) of the real rows; labels: theirs.
    """

    def __init__(self, texts: Sequence[str], labels: Sequence[str | None]) -> None:
        self.texts, self.labels = texts, labels
        spaced = sum(len(text.split()) for text in texts)
        self.unit = "characters" if sum(map(len, texts)) > SPACELESS * max(spaced, 1) else "words"
        self.lengths = [len(text) if self.unit == "characters" else len(text.split()) for text in texts]
        self._words = [words_of(text) for text in texts]
        self._openings = Counter(
            " ".join(words[:size]) for words in self._words for size in (1, 2) if words[size:]
        )
        speech = [language_of(words) for words in self._words]
        self._speech = speech if len({one for one in speech if one}) > 1 else [None] * len(texts)
        self._of_class: dict[str | None, list[int]] = {}
        for row, label in enumerate(labels):
            self._of_class.setdefault(label, []).append(row)

    def of(self, row: int) -> dict[str, str]:
        """What is computed of one text but for its length: fact -> in a few words; only what is telling."""
        text = self.texts[row].strip()
        found = {"form": "a question" if is_question(text) else "a statement"}
        found["ending"] = f"ends with {text[-1]}" if text[-1:] in ENDS else "ends without a mark"
        letters = [letter for letter in text if letter.isalpha() and letter.lower() != letter.upper()]
        if letters and all(letter.islower() for letter in letters):
            found["case"] = "small letters only"
        elif len(letters) > 1 and all(letter.isupper() for letter in letters):
            found["case"] = "capitals only"
        if any(letter.isdigit() for letter in text):
            found["numbers"] = "names a number"
        if self._speech[row]:
            found["language"] = str(self._speech[row])
        return found

    def plan(self, place: Place, n: int, rng: np.random.Generator) -> list[str]:
        """What each of n records is to be like: a line, of a real row each.

        The rows are of the place's class, and of the form of its row where enough are. No two of them open
        alike as long as there are others.
        """
        rows = self._of_class[place.label]
        if place.row >= 0:
            asks = is_question(self.texts[place.row])
            alike = [row for row in rows if is_question(self.texts[row]) == asks]
            rows = alike if len(alike) >= min(n, SHARED) else rows
        lines, used = [], set[str]()
        for row in (rows[at] for at in _drawn(len(rows), n, rng)):
            opening = self._opening(row)
            lines.append(self.line(row, "" if opening in used else opening))
            used.add(opening)
        return lines

    def line(self, row: int, opening: str) -> str:
        """What a text is like: its length, and how it begins, where that is not empty."""
        found = f"about {self.lengths[row]} {self.unit}"
        return found + (f', begins with "{opening}"' if opening else "")

    def _opening(self, row: int) -> str:
        """The first two words, or one, that enough real rows open with, written as in the row."""
        words = self._words[row]
        for size in (2, 1):
            if len(words) > size and self._openings[" ".join(words[:size])] >= SHARED:
                written = self.texts[row].split()[:size]
                if words_of(" ".join(written)) == words[:size]:
                    return " ".join(written)
        return ""


def _drawn(rows: int, n: int, rng: np.random.Generator) -> Array:
    """(n,) row numbers: all of them before one comes again."""
    turns = [rng.permutation(rows) for _ in range(-(-n // rows))]
    return np.concatenate(turns)[:n]


def is_question(text: str) -> bool:
    """Whether its last sentence ends with a question mark."""
    return text.rstrip(" \t\n\"')").endswith(tuple(QUESTION))


def language_of(words: Sequence[str]) -> str | None:
    """The language of most of its function words; None where fewer than two are of one language alone."""
    counts = {name: sum(word in own for word in words) for name, own in FUNCTION_WORDS.items()}
    best = max(counts, key=lambda name: counts[name])
    others = max(count for name, count in counts.items() if name != best)
    return best if counts[best] >= max(2, others + 1) else None


def asked_of(names: Sequence[str]) -> list[str]:
    """The names of attributes without those that are computed."""
    return [name for name in names if name.strip().lower() not in COMPUTED]


def described(attributes: dict[str, str], text: str, label: str | None) -> dict[str, str]:
    """What a model said of a text, without what is of no use to whoever writes another one.

    Dropped are attributes that quote the text (five of its words in a row, or all of them where it has
    fewer), that name its label, and that speak of "the text" or the like once their lead-in ("The text is
    about ...") is cut off. What is left is one line each, at most 300 letters.
    """
    words = words_of(text)
    size = min(QUOTE, len(words))
    said = {tuple(words[at : at + size]) for at in range(len(words) - size + 1)} if size else set()
    found = {}
    for name, value in attributes.items():
        line = _LEAD.sub("", re.sub(r"\s+", " ", value).strip())[:LONGEST_VALUE].strip()
        own = words_of(line)
        quotes = size > 1 and any(tuple(own[at : at + size]) in said for at in range(len(own) - size + 1))
        if line and not quotes and not _SPEAKS.search(line) and not names_label(own, label):
            found[name] = line
    return found


def names_label(words: Sequence[str], label: str | None) -> bool:
    """Whether the words name the label: all of its words in a row, in whatever ending. A number names
    nothing.
    """
    wanted = [_stem(word) for word in words_of((label or "").replace("_", " ").replace("-", " "))]
    if not wanted or "".join(wanted).isdigit():
        return False
    own = [_stem(word) for word in words]
    return any(own[at : at + len(wanted)] == wanted for at in range(len(own) - len(wanted) + 1))


def _stem(word: str) -> str:
    """A word without its endings, as long as four letters are left."""
    while len(short := _ENDING.sub("", word)) >= 4 and short != word:
        word = short
    return word
