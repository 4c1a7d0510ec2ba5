"""`review`: a table and what was decided on it -> the table as people corrected it."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from lookalike import arguments
from lookalike.arguments import shown
from lookalike.decisions import Decisions
from lookalike.defaults import ERRORS, QUEUE
from lookalike.errors import DataError, OptionError
from lookalike.interrupt import finishing
from lookalike.progress import say
from lookalike.review import queue as queues
from lookalike.review.cards import Cards
from lookalike.review.outcome import outcome, summary
from lookalike.review.queue import Item
from lookalike.review.server import Server, Session, serving
from lookalike.review.store import Store
from lookalike.table import sources
from lookalike.table.cells import written
from lookalike.table.sources import Table

PRINTED = 20_000  # rows that the fingerprint of a table is of, at most
WAIT = 0.2  # seconds between two looks at whether the review ends


def review(
    table: Table,
    *,
    decisions: Decisions | None = None,
    real: Table = None,
    label: Any = None,
    text: Any = None,
    pair: tuple[Any, Any] | None = None,
    queue: int = QUEUE,
    reviewer: str = "",
    port: int | None = None,
    answers: str | Path = "review.sqlite",
    limit: float = ERRORS,
    seed: int = 0,
) -> tuple[Table, Decisions]:
    """Serves a page on which people review rows of a table; gives the table as they corrected it.

    The address of the page is printed. It ends when all rows of the queue are answered, or by Ctrl-C. Every
    answer is saved at once, and the same call goes on from there.

    table: any table, of any library (`table/sources.py`). The same kind comes back.
    decisions: what was decided on it, such as `curate` gives. Its rows come first. An answer of a person
        overrules a decision.
    real: real rows. The nearest of them is shown beside each row.
    label: the column of labels. None: that of the decisions.
    text: the column of text. None: the one with most words.
    pair: two columns of answers. People choose the better answer without knowing which column it is of.
    queue: how many rows are reviewed, at most.
    reviewer: whose answers they are. "": the page asks.
    port: a port of 127.0.0.1. None: the last one.
    answers: the file that keeps the answers.
    limit: the error rate, 0 to 1, below which the page says that it is enough.
    seed: of the rows that are drawn at random.

    Returns the corrected table and the decisions on the table as it was. Those of people are of the check
    "review". Of a pair, the table has a column `preferred`. Raises DataError where the file of answers is of
    another table, and OptionError for an option that does not fit, such as a port in use.
    """
    table, origin = sources.taken("the table", table)
    given = (table, decisions, real, label, text, pair)
    with Review.of(*given, queue=queue, answers=answers, limit=limit, seed=seed) as one:
        one.serve("review", reviewer, port, until_done=True)
        for line in one.summary():
            say(line)
        corrected, decided = one.outcome()
        return origin.back(corrected), decided


@dataclasses.dataclass
class Review:
    """A review that was begun: its rows, its queue and the file of its answers, closed by `with`."""

    cards: Cards
    store: Store
    items: list[Item]
    limit: float = ERRORS

    @classmethod
    def of(
        cls,
        table: pd.DataFrame,
        decisions: Decisions | None = None,
        real: pd.DataFrame | None = None,
        label: Any = None,
        text: Any = None,
        pair: tuple[Any, Any] | None = None,
        *,
        queue: int = QUEUE,
        answers: str | Path = "review.sqlite",
        limit: float = ERRORS,
        seed: int = 0,
    ) -> Review:
        """A new review, or the one that the file of answers holds; options as of `review`."""
        table = sources.table("the table", table).reset_index(drop=True)
        real = None if real is None else sources.table("the real table", real).reset_index(drop=True)
        queue = arguments.whole("queue", queue, 1)
        limit = arguments.number("limit", limit, 0.0, 1.0)
        seed = arguments.whole("seed", seed)
        path = arguments.path("answers", answers)
        if pair is not None and (len(pair) != 2 or pair[0] == pair[1]):
            raise OptionError(f"pair is {shown(pair)}: name two columns.")
        cards = Cards(table, real, decisions, label, text, None if pair is None else (pair[0], pair[1]), seed)
        own, columns = fingerprint(table), [str(cards.label), *map(str, cards.pair or ())]
        store = Store(path)
        try:
            before = store.fact("table")
            if before is not None and before != own:
                raise DataError(
                    f"{path} holds the review of another table: give that table, or name another output."
                )
            if (had := store.fact("columns")) is not None and had != columns:
                raise DataError(
                    f"{path} holds a review with the label '{had[0]}': give the same --label and --pair as "
                    "before, or name another output."
                )
            store.fact("table", own)
            store.fact("columns", columns)
            kept = store.queue()
            cards.seed = seed = seed if not kept else store.fact("seed")
            store.fact("seed", seed)
            if len(kept) < queue:
                wanted = queues.make(len(table), decisions, queue, seed, cards.texts())
                if len(wanted) > len(kept):
                    kept = store.queue(queues.longer(kept, wanted))
            return cls(cards, store, kept, limit)
        except BaseException:
            store.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()

    def outcome(self) -> tuple[pd.DataFrame, Decisions]:
        """The corrected table and the decisions, by the answers so far."""
        return outcome(self.cards, self.store.state())

    def summary(self) -> list[str]:
        """Sentences on what was answered so far."""
        return summary(self.cards, self.items, self.store.state(), self.limit)

    def serve(
        self,
        title: str,
        reviewer: str = "",
        port: int | None = None,
        write: Callable[[], None] = lambda: None,
        until_done: bool = False,
    ) -> None:
        """Serves the page until Ctrl-C; until_done: or until all items are answered.

        write: is called each time that all items have been answered.
        """
        ended, answered = threading.Event(), threading.Event()
        session = Session(self.store, self.cards, self.items, title, self.limit, answered.set)
        server = Server(session, port)
        thread = serving(server)
        if self.cards.nearest is not None:  # its index is made while the first page is read
            threading.Thread(target=self.cards.nearest.find, args=(0,), daemon=True).start()
        self._say(server.url(reviewer))
        try:
            with finishing(ended.set, "the review ends"):
                while not ended.wait(WAIT):
                    if answered.is_set():
                        answered.clear()
                        write()
                        if until_done:
                            ended.wait(1.0)  # the page asks for the next item, and is told that there is none
                            break
        except KeyboardInterrupt:  # a polite kill, or Ctrl-C again: what is saved is saved
            pass
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def _say(self, url: str) -> None:
        """How it stands, and where the page is."""
        standing, total = self.store.state().standing, len(self.items)
        done = sum((item.row, item.turn) in standing for item in self.items)
        say(
            f"{done:,} of {total:,} items are answered" + ("" if done < total else ": ask for a longer queue")
        )
        say("every answer is saved at once, several people may answer, Ctrl-C ends: open")
        say(f"  {url}")


def fingerprint(table: pd.DataFrame) -> str:
    """Sixteen letters that tell one table from another, by its cells as they are shown; of a table of more
    than 20,000 rows by as many that are spread over it.
    """
    rows = np.unique(np.linspace(0, len(table) - 1, min(len(table), PRINTED)).astype(np.int64))
    hashed = hashlib.sha256(repr((len(table), [str(name) for name in table.columns])).encode())
    for name in table.columns:
        cells = [written(cell) for cell in table[name].iloc[rows].tolist()]
        hashed.update(repr(cells).encode("utf-8", "backslashreplace"))
    return hashed.hexdigest()[:16]
