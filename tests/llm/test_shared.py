"""One budget of several processes: no call passes it, and what the dead held is free again."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from lookalike.errors import BudgetError, LedgerError
from lookalike.llm import Budget
from lookalike.llm.budget import Spent
from lookalike.llm.shared import SharedBudget


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


def test_what_a_killed_process_held_is_free_again(tmp_path: Path) -> None:
    held = (
        "import asyncio, os, signal; from lookalike.llm import Budget; "
        "from lookalike.llm.shared import SharedBudget; "
        f"asyncio.run(SharedBudget({str(tmp_path / 'b')!r}, Budget(max_calls=1)).reserve(9, 9)); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", held]).returncode == -9
    own = SharedBudget(tmp_path / "b", Budget(max_calls=1))
    assert asyncio.run(asyncio.wait_for(own.reserve(9, 9), 10)).held.calls == 1


def test_a_file_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("no database, but long enough to look like one" * 30)
    with pytest.raises(LedgerError, match=r"the budget .*b cannot be used"):
        SharedBudget(tmp_path / "b", Budget(max_calls=1))
