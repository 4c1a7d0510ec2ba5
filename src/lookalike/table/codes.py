"""Strings that look like keys, addresses and other names that nobody reads, and are made afresh."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.table import patterns
from lookalike.table.check_digits import find_check
from lookalike.table.repeats import RARE

Array = npt.NDArray[Any]

URL = r"(?:https?|ftp)://\S+"  # a web address
PATH = r"(?:[A-Za-z]:)?(?:[/\\][^/\\\n]+)+|(?=.*[a-z])[\w.-]+(?:/[\w.-]+){2,}"  # the path of a file
MAIL = r"[^@\s,;]+@[^@\s,;]+\.[A-Za-z]{2,}"
_MAC = re.compile(r"([0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}|[0-9a-fA-F]{12}")
_IP = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
_IP6 = re.compile(r"(?=.*:.*:)[0-9a-fA-F:]{3,39}")
_HEX = re.compile(r"[0-9a-fA-F-]{6,}")
_PLACES, _LETTERS = 10, 10  # of a random key: places that vary, and letters at each of them
_FEW_PLACES = 5  # of a short one
ADDRESS = f"{URL}|{PATH}"
_ROOM, _SPARE = 1_000, 10  # codes that a pattern can make, at least, and for each that is there
_SHORT, _PARTS, _TWICE = 40, 7, 2  # letters and parts of a code, at most; codes that can be made for each
WITHOUT = 0.01  # the share of the rows that may have no digit beside codes: a blank, a word
_CAPITALS, _BARE = r"[A-Z]{1,6}", 0.1  # a code of letters alone; the share of such codes that have no vowel
_SMALL = 3  # small letters of such a code, all of one length: of a language
_DIALLED, _VARIED = 7, 4  # digits of a phone number; places of a code that differ


def looks_like_id(distinct: Array) -> bool:
    """Whether unique strings look like keys: no spaces, a digit in each, and few shapes; or web addresses."""
    sample = [str(value) for value in distinct[:2000]]
    if all(re.fullmatch(ADDRESS, s) for s in sample) or is_random_key(sample):
        return True
    if len(set(sample)) == len(sample) and short_key(sample) is not None:
        return True
    if all(_MAC.fullmatch(s) for s in sample) or _are_ips(sample) or _are_hex(sample):
        return True
    if any(len(s) > 64 or not re.search(r"\d", s) for s in sample if not _MAC.fullmatch(s)):
        return False
    if any(re.search(r"\s", s) for s in sample):  # numbers in blocks: phones, cards, IBANs, plates
        blocks = all(re.fullmatch(r"[0-9A-Z+()./# :-]+", s) and not re.search(r"[A-Z]{5}", s) for s in sample)
        if not blocks or patterns.learn(sample, RARE) is None:
            return False
    shapes = {re.sub(r"[A-Z]+", "A", re.sub(r"[a-z]+", "a", re.sub(r"\d+", "9", s))) for s in sample}
    return len(shapes) <= max(5, len(sample) // 20)


def _are_hex(strings: list[str]) -> bool:
    """Whether strings are hexadecimal and of one length, but for what all of them begin and end with: hashes,
    UUIDs in braces, colours.
    """
    if len({len(s) for s in strings}) != 1:
        return False
    inner = _without_ends(strings)
    if not all(_HEX.fullmatch(s) for s in inner):
        return False
    mixed = sum(bool(re.search("[a-fA-F]", s)) and bool(re.search(r"\d", s)) for s in inner)
    return len(inner[0]) >= 16 or mixed > len(inner) / 2


def _without_ends(strings: list[str]) -> list[str]:
    """Strings of one length without the signs and the name that all begin with, and the signs at their end:
    `{...}`, `#...`, `urn:uuid:...`.
    """
    ahead = len(re.sub(r"\w*$", "", _shared(strings)))
    ends = _shared([s[:ahead:-1] for s in strings])
    behind = len(ends) - len(re.sub(r"^\W+", "", ends))
    return [s[ahead : len(s) - behind] for s in strings]


def _shared(strings: list[str]) -> str:
    """What all strings begin with."""
    first, last = min(strings), max(strings)
    same = [a == b for a, b in zip(first, last, strict=False)]
    return first[: same.index(False)] if False in same else first[: len(same)]


def _are_ips(strings: list[str]) -> bool:
    """Whether strings are IP addresses; of version 6, some have letters, as times have not."""
    old = [_IP.fullmatch(s) is not None for s in strings]
    six = [s for s, one in zip(strings, old, strict=True) if not one]
    lettered = sum(re.search("[a-fA-F]", s) is not None for s in six)
    return all(_IP6.fullmatch(s) for s in six) and 2 * lettered >= len(six)


def has_check(distinct: Array) -> bool:
    """Whether distinct whole numbers, or strings of digits, are codes: all have the same kind of check digit,
    as cards and articles have. No measure has that by chance.
    """
    sample = [str(value) for value in distinct[:2000]]
    return all(s.isascii() and s.isdigit() for s in sample) and find_check(sample) is not None


def made_afresh(distinct: Array, rare: bool) -> bool:
    """Whether strings that a category would lose are mails, IP addresses or, where rare, keys of a pattern:
    a text of them would have broken ones, so fresh ones are made, which come again as the real ones do.
    """
    sample = [str(value) for value in distinct[:2000]]
    mails = sum(re.fullmatch(MAIL, s) is not None for s in sample)
    if mails >= 0.95 * len(sample) or _are_ips(sample):
        return True
    shapes = patterns.learn(sample, RARE) if rare and looks_like_id(distinct) else None
    if shapes is None:
        return False
    if len({len(s) for s in sample}) > 1:
        roomy = patterns.room(shapes) >= max(_ROOM, _SPARE * len(distinct))
        lettered = roomy and patterns.are_lettered(shapes)  # postcodes, plates
        return lettered or all(len(re.sub(r"\D", "", s)) >= _DIALLED for s in sample)
    varied = sum(len(set(letters)) > 1 for letters in zip(*sample, strict=True)) >= _VARIED
    return varied or patterns.sequential(sample)  # invoices of several lines: INV-0001, INV-0002


def with_digits(counts: pd.Series) -> tuple[Array, float]:
    """(the distinct strings that have a digit, share of the rows that have none).

    counts: the rows of each distinct string.
    """
    has = np.array([re.search(r"\d", str(text)) is not None for text in counts.index], dtype=bool)
    return np.asarray(counts.index[has], dtype=object), float(counts[~has].sum() / counts.sum())


def counted(strings: list[str]) -> list[str]:
    """The strings without up to 1% of them that have no digit, where the others count on: `Total` below the
    numbers of rows.
    """
    own = [text for text in strings if re.search(r"\d", text)]
    return own if (1 - WITHOUT) * len(strings) <= len(own) and patterns.sequential(own) else strings


def are_codes(distinct: Array, alone: bool = False) -> bool:
    """Whether strings that are no key by their looks alone are still codes, phones, versions or handles:
    short, of ASCII, of one word at most and few parts, most with a digit or a few capitals, of few layouts,
    and all their runs understood. A text of them would have broken ones. alone: whether none comes twice, so
    that each layout has to allow as many others.
    """
    sample = [str(value) for value in distinct[:2000]]
    if not all(s.isascii() and len(s.split()) <= _PARTS for s in sample):
        return False
    if any(len(s) > _SHORT or len(re.findall(r"(?<!\S)[^\W\d_]+[.:]?(?!\S)", s)) > 1 for s in sample):
        return False
    lettered = [s for s in sample if re.search(r"\d", s) is None]
    if len(lettered) > (1 - patterns.COVERED) * len(sample) and not _are_short(lettered):
        return False
    shapes = patterns.clear(sample, RARE)
    if shapes is None or (alone and any(patterns.room([one]) < _TWICE * one.share for one in shapes)):
        return False
    return patterns.room(shapes) >= _TWICE * len(distinct)


def _are_short(strings: list[str]) -> bool:
    """Whether strings are codes of a few capitals, as of airports, or of small letters, as of languages, not
    words: some have no vowel.
    """
    small = all(len(s) == _SMALL and re.fullmatch("[a-z]+", s) for s in strings)
    few = sum(small or re.fullmatch(_CAPITALS, s) is not None for s in strings)
    bare = sum(re.search("[AEIOUY]", s.upper()) is None for s in strings)
    return few >= patterns.COVERED * len(strings) and bare >= _BARE * len(strings)


def is_random_key(strings: list[str]) -> bool:
    """Whether strings are of one length and random letters and digits, as hashes are."""
    several = _random_places(strings)
    return several is not None and len(several) >= _PLACES


def _random_places(strings: list[str]) -> list[str] | None:
    """The letters of the places of strings that are random; None where the strings are not of one length, or
    one of these places has no digit.
    """
    if len({len(s) for s in strings}) != 1:
        return None
    if not all(re.fullmatch(rf"[\w+/=:.-]{{{_FEW_PLACES},}}", s) for s in _without_ends(strings)):
        return None
    varied = ["".join(sorted(set(letters))) for letters in zip(*strings, strict=True)]
    # of words, few letters stand at one place, and seldom digits
    several = [letters for letters in varied if len(letters) > min(_LETTERS, len(strings) // 4)]
    return several if all(re.search(r"\d", letters) for letters in several) else None


def short_key(strings: list[str]) -> str | None:
    """The pattern of unique strings that are short random keys, such as `yk2wqd3`, some places of which may
    always be the same; None of others.
    """
    several = _random_places(strings)
    if several is None or not _FEW_PLACES <= len(several) < _PLACES:
        return None
    layouts = {*map(patterns.classes, strings)}
    if len(layouts) <= max(patterns.SHAPES, len(strings) // 20):
        return None
    letters = "".join(sorted(set("".join(several))))
    often = len(strings) * len(several) >= patterns.OFTEN * 62  # a letter that never comes is none of them
    some = f"[{''.join(map(re.escape, letters))}]" if often else patterns.set_of(letters)
    places = ["".join(sorted(set(own))) for own in zip(*strings, strict=True)]
    said = ""
    for own, run in groupby(some if own in several else patterns.set_of(own) for own in places):
        n = len(list(run))
        said += own if n == 1 else f"{own}{{{n}}}"
    return said
