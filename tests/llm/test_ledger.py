"""Nothing that was paid for is lost or paid for again."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lookalike.errors import LedgerError
from lookalike.llm import LLM, Ledger, Reply, Request, ask_all, wait
from lookalike.llm.budget import Spent
from lookalike.llm.ledger import Entry
from tests.forks import Forked, script
from tests.llm.soon import put, soon

Serve = Callable[..., Any]
IN_FLIGHT = 32
SCRIPT = """
import json, sys
from lookalike.llm import LLM, Request, ask_all, wait
url, ledger, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
llm = LLM("m", url, ledger=ledger, concurrency=32, timeout=60)
requests = [Request(f"Line {at}, please.") for at in range(count)]
print(json.dumps([reply.text for reply in wait(ask_all(llm, requests, progress=False))]))
"""


def start(url: str, ledger: Path, count: int) -> Forked:
    return Forked(script, SCRIPT, url, str(ledger), str(count))


def wait_for(server: Any, calls: int) -> None:
    end = time.monotonic() + 120
    while server.stats()["calls"] < calls and time.monotonic() < end:
        time.sleep(0.01)


def entry(text: str) -> Entry:
    return Entry(text, "text", "stop", 1, 1)


def test_after_a_kill_no_finished_call_is_made_again(serve: Serve, tmp_path: Path) -> None:
    server, ledger = serve("--latency", "0.05"), tmp_path / "l.sqlite"
    first = start(server.url, ledger, 600)
    wait_for(server, 300)
    first.kill()
    first.communicate()
    before = server.stats()["calls"]
    assert 300 <= before < 600
    second, _ = start(server.url, ledger, 600).communicate(timeout=120)
    assert 0 <= server.stats()["repeated"] <= IN_FLIGHT
    whole, _ = start(server.url, tmp_path / "other.sqlite", 600).communicate(timeout=120)
    assert json.loads(second) == json.loads(whole) and len(json.loads(second)) == 600


def test_ctrl_c_leaves_a_whole_ledger(serve: Serve, tmp_path: Path) -> None:
    server, ledger = serve("--latency", "0.05"), tmp_path / "l.sqlite"
    process = start(server.url, ledger, 2000)
    wait_for(server, 300)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert errors.rstrip().endswith("KeyboardInterrupt") and "never retrieved" not in errors
    assert sqlite3.connect(ledger).execute("PRAGMA integrity_check").fetchone() == ("ok",)
    stats = server.stats()
    kept = sqlite3.connect(ledger).execute("SELECT count(*) FROM replies").fetchone()[0]
    assert stats["answered"] - IN_FLIGHT <= kept <= stats["answered"]


def test_two_runs_share_a_ledger(serve: Serve, tmp_path: Path) -> None:
    server, ledger = serve("--latency", "0.02"), tmp_path / "l.sqlite"
    runs = [start(server.url, ledger, 400) for _ in range(2)]
    (one, _), (other, _) = (run.communicate(timeout=120) for run in runs)
    assert json.loads(one) == json.loads(other)
    assert sqlite3.connect(ledger).execute("SELECT count(*) FROM replies").fetchone() == (400,)
    totals = Ledger(ledger).totals(f"m at {server.url}")
    assert totals.calls == server.stats()["calls"] and totals.tokens_in == server.stats()["tokens_in"]


def test_the_first_reply_to_a_key_stays(tmp_path: Path) -> None:
    first, second = Ledger(tmp_path / "l.sqlite"), Ledger(tmp_path / "l.sqlite")

    async def both() -> tuple[Any, Any]:
        rows = {bytes([at]): entry(f"first {at}") for at in range(3)}
        await first.put("a", rows, Spent(3, 3, 3))
        return await second.put("a", {b"\x01": entry("second"), b"\x09": entry("new")}, Spent(2, 2, 2, 0.5))

    kept, totals = wait(both())
    assert kept == {b"\x01": entry("first 1"), b"\x09": entry("new")} and totals == Spent(5, 5, 5, 0.5)
    assert first.get(b"\x09") == entry("new") and first.get(b"\x0a") is None


def test_a_thousand_replies_take_few_transactions(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.sqlite")
    commits = []
    commit, ledger._commit = ledger._commit, lambda writes: (commits.append(len(writes)), commit(writes))[1]

    async def many() -> None:
        rows = [{at.to_bytes(2): entry(str(at))} for at in range(1000)]
        await asyncio.gather(*(ledger.put("a", one, Spent(1, 1, 1)) for one in rows))

    wait(many())
    assert sum(commits) == 1000 and len(commits) <= 50
    assert ledger.totals("a") == Spent(1000, 1000, 1000)


def test_files_that_are_no_ledger_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    sqlite3.connect(other).execute("CREATE TABLE t (x)")
    with pytest.raises(LedgerError, match="another program"):
        Ledger(other)
    (tmp_path / "text").write_text("no database " * 100)
    with pytest.raises(LedgerError, match="no ledger"):
        Ledger(tmp_path / "text")
    Ledger(tmp_path / "new.sqlite").close()
    connection = sqlite3.connect(tmp_path / "new.sqlite")
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    with pytest.raises(LedgerError, match=r"another version of lookalike \(format 2, this one writes 1\)"):
        Ledger(tmp_path / "new.sqlite")
    with pytest.raises(LedgerError, match="cannot be used"):
        Ledger(tmp_path / "text" / "l.sqlite")


def test_a_full_disk_keeps_what_is_in_flight_and_stops(serve: Serve, tmp_path: Path) -> None:
    server = serve("--latency", "0.02")
    ledger = Ledger(tmp_path / "l.sqlite")
    limit = "PRAGMA max_page_count = {}"
    ledger._writer.execute(limit.format(12))

    class Spare:  # giving the spare file back makes room, as it does on a real disk
        def unlink(self, missing_ok: bool) -> None:
            if not ledger._closed:
                ledger._writer.execute(limit.format(1000))

    ledger._spare = Spare()  # type: ignore[assignment]
    llm = LLM("m", server.url, ledger=ledger, concurrency=16)
    with pytest.raises(LedgerError, match="full disk: free some space"):
        wait(ask_all(llm, [Request(f"Line {at}") for at in range(2000)], progress=False))
    kept = ledger._reader.execute("SELECT count(*) FROM replies").fetchone()[0]
    assert kept == server.stats()["answered"] < 2000
    ledger.close()
    again = LLM("m", server.url, ledger=tmp_path / "l.sqlite")
    replies = wait(ask_all(again, [Request(f"Line {at}") for at in range(300)], progress=False))
    assert all(isinstance(reply, Reply) for reply in replies) and server.stats()["answered_again"] == 0


def test_a_disk_with_no_room_at_all_is_said_before_anything_is_paid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(LedgerError, match="full disk"):
        Ledger(tmp_path / "l.sqlite")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (sqlite3.OperationalError("database or disk is full"), "full disk"),
        (sqlite3.OperationalError("database is locked"), "held by another process"),
        (sqlite3.OperationalError("disk I/O error"), "cannot be used"),
        (OSError(5, "Input/output error"), "cannot be used"),
        (UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates not allowed"), "UnicodeEncodeError"),
        (OverflowError("Python int too large"), "OverflowError"),
        (MemoryError(), "MemoryError"),
        (SystemExit(), "SystemExit"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_error_of_the_writing_thread_reaches_all_who_wait(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, said: str
) -> None:
    server, ledger = serve(), Ledger(tmp_path / "l.sqlite")

    def fails(writes: Any) -> None:
        raise error

    monkeypatch.setattr(ledger, "_commit", fails)
    llm = LLM("m", server.url, ledger=ledger, concurrency=4)
    with pytest.raises(LedgerError, match=said):
        soon(ask_all(llm, [Request(f"Line {at}") for at in range(50)], progress=False))
    calls = server.stats()["calls"]
    assert calls <= 8  # what was in flight
    with pytest.raises(LedgerError, match=said):  # and nothing more is paid for
        soon(llm.ask("another"))
    assert server.stats()["calls"] == calls
    ledger.close()


def test_a_ledger_that_nobody_writes_any_more_says_so(serve: Serve, tmp_path: Path) -> None:
    server, ledger = serve(), Ledger(tmp_path / "l.sqlite")
    ledger._queue.put(None)  # the thread ends, as after a fork
    ledger._thread.join()
    with pytest.raises(LedgerError, match="is closed"):
        soon(put(ledger, Entry("x", "text", None, 1, 1)))
    with pytest.raises(LedgerError, match="is closed"):
        soon(LLM("m", server.url, ledger=ledger).ask("x"))
    assert server.stats()["calls"] == 0
    ledger.close()
