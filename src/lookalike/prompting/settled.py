"""What a run has settled before its first record, kept in its ledger beside the replies.

A description that fails by a passing fault is asked for again when the run is resumed. Its answer must not
change the method or the names of attributes: the records that are there were asked for with the first ones.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import NamedTuple

from lookalike.llm.budget import NOTHING
from lookalike.llm.client import LLM
from lookalike.llm.ledger import Entry
from lookalike.llm.request import Request
from lookalike.llm.sync import wait

WAY = "settled"  # of its entry, among those of the replies


class Settled(NamedTuple):
    """names: of the attributes; method: that "auto" took; told: how well the model describes (telling.py);
    described: how many real rows that was seen on.
    """

    names: list[str]
    method: str
    told: float
    described: int


def key_of(llm: LLM, requests: Sequence[Request], wanted: str | list[str]) -> bytes:
    """The name of a decision in the ledger: of the model, what it was to describe, and the attributes that
    were wanted.
    """
    asked = [[request.payload(llm.model, None), request.sample] for request in requests]
    said = json.dumps([WAY, llm.account, wanted, asked], sort_keys=True)
    return hashlib.sha256(said.encode()).digest()


def known(llm: LLM, key: bytes) -> Settled | None:
    """What the ledger holds, None for nothing and without a ledger."""
    entry = None if llm.ledger is None else llm.ledger.get(key)
    return None if entry is None else Settled(*json.loads(entry.body))


def kept(llm: LLM, key: bytes, settled: Settled) -> Settled:
    """Keeps a decision; the one that holds, where another process was first."""
    if llm.ledger is None:
        return settled
    entry = Entry(json.dumps(settled), WAY, None, 0, 0)
    return Settled(*json.loads(wait(llm.keep({key: entry}, NOTHING))[key].body))
