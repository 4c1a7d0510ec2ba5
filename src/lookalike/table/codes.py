"""Strings that look like keys, addresses and other names that nobody reads, and are made afresh."""

from __future__ import annotations

import re
from typing import Any

import numpy.typing as npt

from lookalike.table import patterns
from lookalike.table.repeats import RARE

Array = npt.NDArray[Any]

URL = r"(?:https?|ftp)://\S+"  # a web address
PATH = r"(?:[A-Za-z]:)?(?:[/\\][^/\\\n]+)+|[\w.-]+(?:/[\w.-]+){2,}"  # the path of a file
MAIL = r"[^@\s,;]+@[^@\s,;]+\.[A-Za-z]{2,}"
_MAC = re.compile(r"([0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}|[0-9a-fA-F]{12}")
_IP = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
ADDRESS = f"{URL}|{PATH}"
_ROOM, _SPARE = 1_000, 10  # codes that a pattern can make, at least, and for each that is there
_DIALLED, _VARIED = 7, 4  # digits of a phone number; places of a code that differ


def looks_like_id(distinct: Array) -> bool:
    """Whether unique strings look like keys: no spaces, a digit in each, and few shapes; or web addresses."""
    sample = [str(value) for value in distinct[:2000]]
    if all(re.fullmatch(ADDRESS, s) for s in sample) or is_random_key(sample):
        return True
    if any(len(s) > 64 or not re.search(r"\d", s) for s in sample if not _MAC.fullmatch(s)):
        return False
    if any(re.search(r"\s", s) for s in sample):  # numbers in blocks: phones, cards, IBANs, plates
        blocks = all(re.fullmatch(r"[0-9A-Z+()./# :-]+", s) and not re.search(r"[A-Z]{5}", s) for s in sample)
        if not blocks or patterns.learn(sample, RARE) is None:
            return False
    if all(_MAC.fullmatch(s) for s in sample):
        return True
    if all(re.fullmatch(r"[0-9a-fA-F-]{16,}", s) for s in sample) and len({len(s) for s in sample}) == 1:
        return True
    shapes = {re.sub(r"[A-Z]+", "A", re.sub(r"[a-z]+", "a", re.sub(r"\d+", "9", s))) for s in sample}
    return len(shapes) <= max(5, len(sample) // 20)


def has_check(distinct: Array) -> bool:
    """Whether distinct whole numbers, or strings of digits, are codes: all have the same kind of check digit,
    as cards and articles have. No measure has that by chance.
    """
    sample = [str(value) for value in distinct[:2000]]
    return all(s.isascii() and s.isdigit() for s in sample) and patterns.find_check(sample) is not None


def made_afresh(distinct: Array, rare: bool) -> bool:
    """Whether strings that a category would lose are mails, IP addresses or, where rare, keys of a pattern:
    a text of them would have broken ones, so fresh ones are made, which come again as the real ones do.
    """
    sample = [str(value) for value in distinct[:2000]]
    mails = sum(re.fullmatch(MAIL, s) is not None for s in sample)
    if mails >= 0.95 * len(sample) or all(re.fullmatch(_IP, s) for s in sample):
        return True
    shapes = patterns.learn(sample, RARE) if rare and looks_like_id(distinct) else None
    if shapes is None:
        return False
    if len({len(s) for s in sample}) > 1:
        roomy = patterns.room(shapes) >= max(_ROOM, _SPARE * len(distinct))
        lettered = roomy and patterns.are_lettered(shapes)  # postcodes, plates
        return lettered or all(len(re.sub(r"\D", "", s)) >= _DIALLED for s in sample)
    return sum(len(set(letters)) > 1 for letters in zip(*sample, strict=True)) >= _VARIED


def is_random_key(strings: list[str]) -> bool:
    """Whether strings are of one length and random letters and digits, as hashes are."""
    if len({len(s) for s in strings}) != 1 or not all(re.fullmatch(r"[\w+/=:.-]{16,}", s) for s in strings):
        return False
    varied = ["".join(sorted(set(letters))) for letters in zip(*strings, strict=True)]
    # of words, few letters stand at one place, and seldom digits
    several = [letters for letters in varied if len(letters) > min(10, len(strings) // 4)]
    return len(several) >= 16 and all(re.search(r"\d", letters) for letters in several)
