"""A budget of several processes of one machine: what all have spent and hold, in a small SQLite file."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path

from lookalike.errors import BudgetError, LedgerError, first_line
from lookalike.llm.budget import Budget, Hold, Spent, add

BUSY = 60.0  # seconds that one process waits for another's transaction
AGAIN = 0.05  # seconds after which one that waits looks again
TABLES = (
    "CREATE TABLE IF NOT EXISTS spent (ledger TEXT PRIMARY KEY, calls, tokens_in, tokens_out, seconds)",
    "CREATE TABLE IF NOT EXISTS held (who TEXT PRIMARY KEY, process, calls, tokens_in, tokens_out, seconds)",
)
SUM = "SELECT total(calls), total(tokens_in), total(tokens_out), total(seconds) FROM "
PUT = (
    "INSERT INTO spent VALUES (?, ?, ?, ?, ?) ON CONFLICT (ledger) DO UPDATE SET "
    "calls = max(calls, excluded.calls), tokens_in = max(tokens_in, excluded.tokens_in), "
    "tokens_out = max(tokens_out, excluded.tokens_out), seconds = max(seconds, excluded.seconds)"
)


class SharedBudget(Budget):
    """As `Budget`, and no call passes its limits over all processes that share the file.

    What is lost with the file is counted again from the ledgers. Raises LedgerError where it cannot be used.
    """

    def __init__(self, path: str | Path, own: Budget) -> None:
        super().__init__(own.max_calls, own.max_tokens, own.max_cost, own.price_in, own.price_out, own.place)
        self._path, self._who = path, uuid.uuid4().hex
        with self._errors():
            self._sql = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
            self._sql.execute("PRAGMA synchronous = OFF")
            with self._alone():
                for statement in TABLES:
                    self._sql.execute(statement)

    def count(self, ledger: object, total: Spent) -> None:
        with self._errors(), self._alone():
            self._sql.execute(PUT, (str(ledger), *total))
            self.spent = self._sum("spent")

    async def reserve(self, most_in: int, most_out: int) -> Hold:
        asked = Spent(1, most_in, most_out)
        if not self._limited:
            return Hold(asked, asked)
        held = Spent(1, most_in + self._excess[0], most_out + self._excess[1])
        while True:
            with self._errors(), self._alone():
                self.spent = self._sum("spent")
                if reason := self._passed(add(self.spent, held)):
                    raise BudgetError(reason)
                self._forget_the_dead()
                if not self._passed(add(add(self.spent, self._sum("held")), held)):
                    self._hold(add(self._held, held))
                    return Hold(asked, held)
            await asyncio.sleep(AGAIN)

    def release(self, hold: Hold, used: Spent | None = None) -> None:
        super().release(hold, used)
        if self._limited:
            with self._errors(), self._alone():
                self._hold(self._held)

    def close(self) -> None:
        self._sql.close()

    def _hold(self, held: Spent) -> None:
        self._held = held
        self._sql.execute(
            "INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?, ?)", (self._who, os.getpid(), *held)
        )

    def _sum(self, table: str) -> Spent:
        calls, tokens_in, tokens_out, seconds = self._sql.execute(SUM + table).fetchone()
        return Spent(int(calls), int(tokens_in), int(tokens_out), seconds)

    def _forget_the_dead(self) -> None:
        """What processes held that have ended: their calls are over."""
        for (process,) in self._sql.execute("SELECT DISTINCT process FROM held").fetchall():
            try:
                os.kill(process, 0)
            except ProcessLookupError:
                self._sql.execute("DELETE FROM held WHERE process = ?", (process,))
            except OSError:
                continue  # it is another user's

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """A transaction, in which no other process looks or writes."""
        self._sql.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            self._sql.execute("COMMIT")

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(
                f"the budget {self._path} cannot be used ({first_line(error)}): check its folder."
            ) from None
