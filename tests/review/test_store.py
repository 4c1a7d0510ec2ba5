"""Answers on disk: none is lost by a kill, a full disk or two writers, and undoing is another row."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from lookalike.errors import DataError
from lookalike.review.queue import Item
from lookalike.review.store import Answer, Store
from tests.forks import Forked, script
from tests.review.conftest import said

WRITER = """
import sys
from lookalike.review.store import Answer, Store
store = Store(sys.argv[1])
for row in range(10_000):
    store.add(Answer(row, 1, sys.argv[2], "keep", None, 1.0, key=f"{sys.argv[2]}-{row}"))
    print(row, flush=True)
"""


def test_what_was_acknowledged_is_there_after_a_kill_of_two_writers_at_once(tmp_path: Path) -> None:
    path, told = tmp_path / "a.review", {}
    Store(path).close()
    running = {name: Forked(script, WRITER, str(path), name) for name in ("ann", "bob")}
    for name, process in running.items():
        for _ in range(40):
            told[name] = int(process.stdout.readline())
    for name, process in running.items():
        process.kill()
        told[name] = int((process.communicate()[0].split() or [told[name]])[-1])
    store = Store(path)
    rows = [(answer.reviewer, answer.row) for some in store.state().standing.values() for answer in some]
    for name, last in told.items():
        assert {(name, row) for row in range(last + 1)} <= set(rows), name
    assert len(rows) == len(set(rows))
    store.close()


def test_undo_is_another_row_and_takes_back_the_last_answer_of_a_reviewer(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.review")
    for answer in (said(0, "keep"), said(1, "drop"), said(1, "keep", "bob")):
        store.add(answer)
    undone = store.undo("u1", "ann")
    assert undone is not None and (undone.row, undone.answer) == (1, "drop")
    assert [one.reviewer for one in store.state().standing[1, 1]] == ["bob"]
    again = store.undo("u1", "ann")  # sent again, as the reply was lost
    assert again is not None and again.row == 1
    assert (0, 1) in store.state().standing
    last = store.undo("u2", "ann")
    assert last is not None and last.row == 0
    assert store.undo("u3", "ann") is None
    rows = (
        sqlite3.connect(store.path).execute("SELECT answer, undoes FROM answers ORDER BY number").fetchall()
    )
    assert rows == [("keep", None), ("drop", None), ("keep", None), ("undo", 2), ("undo", 1)]
    store.close()


def test_an_answer_that_is_sent_again_counts_once_and_a_later_one_counts(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.review")
    assert store.add(said(4, "label", value="x"))
    assert not store.add(said(4, "label", value="x"))
    assert store.add(said(4, "edit", value={"text": "new"}))
    ((one,),) = store.state().standing.values()
    assert (one.answer, one.value) == ("edit", {"text": "new"})
    store.undo("u", "ann")
    ((one,),) = store.state().standing.values()
    assert (one.answer, one.value) == ("label", "x")
    store.close()


def test_nobody_is_given_what_another_one_has_and_repeats_go_to_another_one(tmp_path: Path) -> None:
    items = [Item(0, 1, "random"), Item(1, 1, "uncertain"), Item(0, 2, "random")]
    one, other = Store(tmp_path / "a.review"), Store(tmp_path / "a.review")  # two processes
    assert one.lease("ann", items, []) == items[0]
    assert other.lease("bob", items, []) == items[1]
    assert one.lease("ann", items, []) == items[0]  # her page was loaded again
    one.add(said(0, "keep", "ann"))
    assert one.lease("ann", items, []) is None  # the repeat is for bob, and row 1 is on his screen
    assert other.lease("bob", items, [(1, 1)]) == items[2]
    other.add(said(1, "keep", "bob"))
    other.add(said(0, "drop", "bob", turn=2))
    assert other.lease("bob", items, []) is one.lease("ann", items, []) is None
    assert one.state() == other.state()
    one.close()
    other.close()


def test_a_single_reviewer_sees_the_repeats(tmp_path: Path) -> None:
    items = [Item(0, 1, "random"), Item(0, 2, "random")]
    store = Store(tmp_path / "a.review")
    assert store.lease("ann", items, [(0, 1)]) is None  # not before the first time is answered
    store.add(said(0, "keep"))
    assert store.lease("ann", items, []) == items[1]
    store.close()


def test_many_threads_write_at_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.review")

    def write(name: str) -> None:
        for row in range(20):
            store.add(said(row, "keep", name))

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcdef"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(map(len, store.state().standing.values())) == 120
    assert store.state().reviewers == frozenset("abcdef")
    store.close()


def test_two_begin_the_same_review_at_once(tmp_path: Path) -> None:
    failed: list[BaseException] = []
    for turn in range(10):
        path, gate = tmp_path / f"{turn}.review", threading.Barrier(4)

        def begin(path: Path = path, gate: threading.Barrier = gate) -> None:
            gate.wait()
            try:
                Store(path).close()
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=begin) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []


def test_a_full_disk_is_one_sentence_and_loses_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.review")
    (pages,) = store._answers.execute("PRAGMA page_count").fetchone()
    store._answers.execute(f"PRAGMA max_page_count = {pages + 1}")
    kept: list[int] = []
    with pytest.raises(DataError, match="the disk is full: free some space"):
        for row in range(1000):
            store.add(Answer(row, 1, "ann", "edit", {"text": "x" * 500}, key=str(row)))
            kept.append(row)
    store._answers.execute("PRAGMA max_page_count = 10000")
    assert kept and [row for row, _ in store.state().standing] == kept
    assert store.add(said(2000, "keep"))
    store.close()


def test_other_files_are_refused(tmp_path: Path) -> None:
    text, other = tmp_path / "a.txt", tmp_path / "b.db"
    text.write_text("no database" * 100)
    sqlite3.connect(other).execute("CREATE TABLE t (x)")
    for path, reason in ((text, "it holds no review"), (other, "holds no review that this version reads")):
        with pytest.raises(DataError, match=reason):
            Store(path)
    with pytest.raises(DataError, match="it may not be written: check the folder"):
        Store(tmp_path / "nowhere" / "a.review")


def test_a_log_that_cannot_grow_is_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = sqlite3.OperationalError("disk I/O error")
    failed.sqlite_errorname = "SQLITE_IOERR_SHMSIZE"
    for free, why in ((1000, "the disk is full: free some space"), (10**9, "disk I/O error")):
        usage = SimpleNamespace(free=free)
        monkeypatch.setattr(shutil, "disk_usage", lambda _, usage=usage: usage)
        store = Store(tmp_path / f"{free}.review")
        with pytest.raises(DataError, match=why), store._errors():
            raise failed
        store.close()
