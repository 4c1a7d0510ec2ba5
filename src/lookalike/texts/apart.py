"""The checks of many texts, block by block, by several processes of this machine.

A check looks at one text, so that what it finds depends neither on the blocks nor on who does them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.jobs import in_processes
from lookalike.progress import bar
from lookalike.texts.checks import Hit, TextChecks

Array = npt.NDArray[Any]
Found = dict[str, list[tuple[int, Hit]]]  # check -> the number of a text, and what is wrong with it

BLOCK = 10_000  # texts that are checked together
WORTH = 3_000_000  # letters, about seconds of work, for which another process is begun


@dataclass(frozen=True)
class Checking:
    """A job of `jobs.py`: the checks of each block of texts. joined: all texts, one after the other; ends:
    (texts,) where each ends, so that a worker is sent one string and not a million.
    """

    judge: TextChecks
    names: tuple[str, ...]
    joined: str
    ends: Array
    block: int

    def open(self) -> Callable[[int], tuple[int, Found]]:
        return self.checked

    def checked(self, number: int) -> tuple[int, Found]:
        """(texts of this block, what is wrong with them)."""
        first = number * self.block
        ends = self.ends[first : first + self.block].tolist()
        begins = [int(self.ends[first - 1]) if first else 0, *ends[:-1]]
        texts = [self.joined[begin:end] for begin, end in zip(begins, ends, strict=True)]
        return len(texts), {name: _hits(self.judge, name, texts, first) for name in self.names}


def check_apart(
    judge: TextChecks,
    names: Sequence[str],
    texts: Sequence[str],
    workers: int | None = None,
    progress: bool = True,
) -> Found | None:
    """What these checks find wrong with each text; None where one process does it as soon.

    workers: processes, at most; None: one a core.
    """
    letters = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    blocks = range(-(-len(texts) // BLOCK))
    several = min(workers or os.cpu_count() or 1, int(letters.sum()) // WORTH, len(blocks))
    if several < 2 or not names:
        return None
    judge.ready(names)
    job = Checking(judge, tuple(names), "".join(texts), letters.cumsum(), BLOCK)
    done: dict[int, Found] = {}
    label = f"checking {len(texts):,} texts in {several} processes"
    with (
        bar(len(texts), label, unit="texts", progress=progress) as shown_bar,
        closing(in_processes(job, blocks, several)) as answers,  # they end with it, however it ends
    ):
        for one in answers:
            done[one.shard] = one.facts
            shown_bar.update(one.rows)
    return {name: [hit for block in blocks for hit in done[block][name]] for name in names}


def _hits(judge: TextChecks, name: str, texts: Sequence[str], first: int) -> list[tuple[int, Hit]]:
    return [(first + at, hit) for at, hit in enumerate(judge.each(name, texts)) if hit is not None]
