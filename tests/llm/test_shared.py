"""One budget of several processes: no call passes it, and what the dead held is free again."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lookalike.errors import BudgetError, LedgerError
from lookalike.llm import Budget
from lookalike.llm.budget import Spent
from lookalike.llm.shared import SharedBudget, has_ended, process_of


def test_what_one_holds_the_other_cannot_have(tmp_path: Path) -> None:
    async def both() -> None:
        one, other = (SharedBudget(tmp_path / "b", Budget(max_calls=2)) for _ in range(2))
        first, _ = await one.reserve(9, 9), await other.reserve(9, 9)
        waiting = asyncio.ensure_future(other.reserve(9, 9))
        await asyncio.sleep(0.2)
        assert not waiting.done()  # both calls are held
        one.release(first)  # it took nothing
        assert (await waiting).held.calls == 1
        one.count("a", Spent(1, 5, 5))
        one.count("a", Spent(0, 1, 1))  # an earlier total, told late
        other.count("b", Spent(1, 2, 2))
        assert other.spent == Spent(2, 7, 7) and one.affords(Spent(1, 1, 1)) == 1
        with pytest.raises(BudgetError, match="max_calls=2 is used up"):
            await one.reserve(1, 1)
        assert one.affords(Spent(1, 1, 1)) == 0

    asyncio.run(both())


def test_many_that_wait_look_as_often_as_one_and_none_passes_the_limit(tmp_path: Path) -> None:
    async def call(budget: SharedBudget, ledger: str, total: list[int]) -> bool:
        try:
            hold = await budget.reserve(9, 9)
        except BudgetError:
            return False
        await asyncio.sleep(0)
        total[0] += 1
        budget.count(ledger, Spent(total[0], total[0], total[0]))
        budget.release(hold, Spent(1, 1, 1))
        return True

    async def wait_in_line() -> int:
        one, other = (SharedBudget(tmp_path / "line", Budget(max_calls=1)) for _ in range(2))
        hold, looks = await one.reserve(9, 9), []
        other._sql.set_trace_callback(lambda said: looks.append(said) if "BEGIN" in said else None)
        waiting = [asyncio.ensure_future(other.reserve(9, 9)) for _ in range(200)]
        while len(looks) < 4:
            await asyncio.sleep(0.01)
        assert len(looks) < 20  # not one of each that waits
        for task in waiting[:2]:  # the first is stopped, and the next one looks
            task.cancel()
        one.release(hold)
        await waiting[2]
        for task in waiting[3:]:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return other._held.calls

    async def all_at_once() -> int:
        made = [SharedBudget(tmp_path / "b", Budget(max_calls=20)) for _ in range(3)]
        totals = [[0] for _ in made]
        calls = [call(one, f"l{at}", totals[at]) for _ in range(20) for at, one in enumerate(made)]
        return sum(await asyncio.gather(*calls))

    assert asyncio.run(wait_in_line()) == 1
    assert asyncio.run(all_at_once()) == 20


def test_what_a_killed_process_held_is_free_again(tmp_path: Path) -> None:
    held = (
        "import asyncio, os, signal; from lookalike.llm import Budget; "
        "from lookalike.llm.shared import SharedBudget; "
        f"asyncio.run(SharedBudget({str(tmp_path / 'b')!r}, Budget(max_calls=1)).reserve(9, 9)); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", held]).returncode == -9
    own = SharedBudget(tmp_path / "b", Budget(max_calls=1))
    assert asyncio.run(asyncio.wait_for(own.reserve(9, 9), 60)).held.calls == 1


def test_a_later_process_of_the_same_number_holds_nothing(tmp_path: Path) -> None:
    this = process_of(os.getpid())
    assert not has_ended(this) and this.split()[0] == str(os.getpid())
    if " " in this:  # the system says when a process began
        assert has_ended(f"{os.getpid()} 1")
        ended = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
        name = process_of(ended.pid)
        ended.communicate()
        assert has_ended(name)
        one = SharedBudget(tmp_path / "b", Budget(max_calls=1))
        one._process = f"{os.getpid()} 1"  # it began before this one
        asyncio.run(one.reserve(9, 9))
        other = SharedBudget(tmp_path / "b", Budget(max_calls=1))
        assert asyncio.run(asyncio.wait_for(other.reserve(9, 9), 60)).held.calls == 1


def test_what_is_held_is_given_back_at_the_end(tmp_path: Path) -> None:
    one, other = (SharedBudget(tmp_path / "b", Budget(max_calls=1)) for _ in range(2))
    asyncio.run(one.reserve(9, 9))  # and whoever asked was stopped
    one.close()
    assert asyncio.run(asyncio.wait_for(other.reserve(9, 9), 60)).held.calls == 1


def test_a_folder_that_was_moved_is_not_counted_twice(tmp_path: Path) -> None:
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir(exist_ok=True)
        budget = SharedBudget(folder / "b", Budget(max_calls=9))
        budget.count(folder / "part" / "ledger", Spent(3, 1, 1))
        assert budget.spent == Spent(3, 1, 1)
        budget.close()
        if folder.name == "one":
            folder.rename(tmp_path / "two")


def test_what_was_counted_before_goes_along_and_comes_back(tmp_path: Path) -> None:
    own = Budget(max_calls=5)
    own.count(tmp_path / "other" / "ledger", Spent(2, 1, 1))
    shared = SharedBudget(tmp_path / "b", own)
    assert shared.spent.calls == 2
    other = SharedBudget(tmp_path / "b", own.limits())  # of another process
    other.count(tmp_path / "part" / "ledger", Spent(2, 1, 1))
    assert other.affords(Spent(1, 1, 1)) == 1
    for _ in range(2):
        shared.tell(own)
        assert own.spent.calls == 4


def test_a_file_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("no database, but long enough to look like one" * 30)
    with pytest.raises(LedgerError, match=r"the budget .*b is damaged: remove it"):
        SharedBudget(tmp_path / "b", Budget(max_calls=1))
