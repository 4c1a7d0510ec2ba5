"""Rounds: what is missing is asked for again where it is missing, and nothing that came in is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lookalike import SynAlign
from lookalike.errors import EndpointError, LLMError
from lookalike.llm import LLM, Reply, Request
from lookalike.prompting.arms import Place
from lookalike.prompting.checks import Wrong
from lookalike.prompting.work import Work
from lookalike.prompting.writing import PATIENCE, Writer
from lookalike.prompting.written import Written
from lookalike.texts.checks import Hit
from tests.forks import Forked
from tests.paths import ROOT

Writing = Callable[..., Any]
Answer = Callable[
    [int, int, int], Sequence[str | None]
]  # (place, records, part) -> their reasons, None: good
DATA = ROOT / "tests" / "data" / "banking77.csv"
IN_FLIGHT = 8


def write(url: str, ledger: str, out: str, grow: str) -> None:
    """75 rows and where they came from, to a file."""
    llm = LLM("m", url, ledger=ledger, concurrency=IN_FLIGHT)
    real = pd.read_csv(DATA)[:90]
    model = SynAlign(llm, "text", "category", progress=False, grow=grow).fit(real)
    pd.concat([model.sample(75), model.provenance], axis=1).to_csv(out, index=False)


class Reasons:
    """In place of a Checker: the records say themselves what is wrong with them."""

    def __init__(self) -> None:
        self.looked = 0  # records
        self.enough = asyncio.Event()  # at 15 of them

    def alone(self, records: Sequence[dict[str, Any]], labels: Sequence[str | None]) -> list[Wrong | None]:
        self.looked += len(records)
        if self.looked >= 15:
            self.enough.set()
        return [
            None if record["reason"] is None else Wrong(record["reason"], Hit(record["reason"], "so"))
            for record in records
        ]

    def repeated(self, record: dict[str, Any]) -> None:
        """None is a duplicate."""


def run_with(works: list[Work], answer: Answer, live: bool = True, checker: Reasons | None = None) -> Writer:
    """Writes with a model whose replies are what `answer` returns, or the error that it raises."""
    llm = LLM("m", "http://127.0.0.1:1/v1")

    async def reply(request: Request) -> Reply:
        place, n, part = (int(one) for one in str(request.messages).split())
        await asyncio.sleep(0.001 * (5 - place))  # the first place answers last
        records = [{"reason": reason} for reason in answer(place, n, part)]
        return Reply(
            "", {"records": records}, "response_format", False, "stop", 1, 1, False, f"{place}-{part}"
        )

    llm.answer = reply  # type: ignore[method-assign]
    return Writer(
        llm,
        works,
        checker or Reasons(),  # type: ignore[arg-type]
        lambda work, n, part: Request(f"{work.number} {n} {part}"),
        None,
        Written(),
        affordable=lambda: float("inf"),
        live=live,
        progress=False,
    )


def works_of(*labels: str, wanted: int = 10, size: int = 5) -> list[Work]:
    return [Work(at, Place(label, at), wanted, size) for at, label in enumerate(labels)]


def made(writer: Writer) -> list[tuple[int, int]]:
    """(place, sample index within it) of the accepted rows."""
    return [(row.place.row, row.sample % 1_000_000) for row in writer.written.accepted]


def test_what_comes_behind_a_call_that_hangs_is_looked_at_at_once() -> None:
    reasons = Reasons()
    writer = run_with(works_of("a", "b"), lambda place, n, part: [None] * n, checker=reasons)
    answered = writer._llm.answer

    async def hanging(request: Request) -> Reply:
        if request.messages == "0 5 1":  # the first one comes when the others were looked at
            await asyncio.wait_for(reasons.enough.wait(), 20)
            assert not writer.written.accepted and writer._ahead == 15
        return await answered(request)

    writer._llm.answer = hanging  # type: ignore[method-assign]
    writer.write()
    assert made(writer) == [(0, 0)] * 5 + [(1, 0)] * 5 + [(0, 1)] * 5 + [(1, 1)] * 5
    assert reasons.looked == 20 and writer._ahead == 0  # each once


@pytest.mark.parametrize("live", [True, False])
def test_rows_are_kept_in_the_order_in_which_they_were_asked_for(live: bool) -> None:
    writer = run_with(works_of("a", "b"), lambda place, n, part: [None] * n, live)
    writer.write()
    assert made(writer) == [(0, 0)] * 5 + [(1, 0)] * 5 + [(0, 1)] * 5 + [(1, 1)] * 5
    assert writer.written.calls == 4


def test_missing_rows_are_asked_for_at_their_place() -> None:
    asked: list[tuple[int, int, int]] = []

    def answer(place: int, n: int, part: int) -> list[str | None]:
        asked.append((place, n, part))
        return ["copy"] * (3 if (place, part) == (1, 1) else 0) + [None] * (
            n - (3 if (place, part) == (1, 1) else 0)
        )

    writer = run_with(works_of("a", "a"), answer)
    writer.write()
    assert sorted(asked)[:4] == [
        (0, 5, 1),
        (0, 5, 2),
        (1, 4, 3),
        (1, 5, 1),
    ]  # 3 missing, 4 for an acceptance of 17/20
    assert len(writer.written.accepted) == 20 and len(writer.written.surplus) == 1
    assert len(writer.written.rejected) == 3


def test_a_place_that_stays_bad_gives_its_rows_to_the_next_unused_one_of_its_class() -> None:
    works = [*works_of("a", "b", "a", "a"), Work(4, Place("a", 4), 0, 5)]
    works[2].wanted = 0
    works[3].wanted = 10
    writer = run_with(works, lambda place, n, part: ["refusal" if place == 0 else None] * n)
    writer.write()
    rows = [place for place, _ in made(writer)]
    assert {place: rows.count(place) for place in set(rows)} == {1: 10, 2: 10, 3: 10}
    assert works[0].closed and works[0].wanted == 0
    bad = [row for row in writer.written.rejected if row.place.row == 0]
    assert len({row.key for row in bad}) >= 2 * PATIENCE  # two requests a round at least


def test_without_another_place_a_class_is_given_up_after_a_few_rounds() -> None:
    writer = run_with(works_of("a", "b"), lambda place, n, part: ["copy" if place == 0 else None] * n)
    writer.write()
    assert {place for place, _ in made(writer)} == {1} and writer.missing == 10
    assert writer.written.calls <= 2 + 2 + 8 * PATIENCE


def test_requests_that_stay_malformed_become_smaller() -> None:
    sizes = []

    def answer(place: int, n: int, part: int) -> list[str | None]:
        sizes.append(n)
        if n > 2:
            raise LLMError("too much at once", "malformed")
        return [None] * n

    writer = run_with(works_of("a", wanted=12, size=12), answer)
    writer.write()
    assert len(writer.written.accepted) == 12
    assert sizes[:3] == [12, 6, 6] and max(sizes[3:]) <= 3
    assert writer.written.failures["malformed"] >= 3


def test_good_rows_left_over_fill_what_the_budget_left_open() -> None:
    def answer(place: int, n: int, part: int) -> list[str | None]:
        if part == 1:
            return ["copy", "copy", None, None]
        if place == 1:
            raise LLMError("the budget is used up", "budget")
        return [None] * n

    writer = run_with(works_of("a", "a", "b", wanted=4, size=4), answer)
    writer.write()
    assert writer.written.stopped == "the budget is used up"
    assert made(writer).count((0, 1)) == 4  # two for its own place, two more that place 1 lacks
    assert writer.missing == 0 and len(writer.written.surplus) == 2  # those of class b fill nothing of a


def test_what_was_answered_before_the_endpoint_died_is_kept() -> None:
    def answer(place: int, n: int, part: int) -> list[str | None]:
        if place == 0:
            raise EndpointError("it is gone")
        return [None] * n

    writer = run_with(works_of("a", "a", "a", size=10), answer)
    with pytest.raises(EndpointError):
        writer.write()
    assert made(writer) == [(1, 0)] * 10 + [(2, 0)] * 10


@pytest.mark.parametrize("grow", ["real", "coverage"])
def test_a_run_that_was_killed_goes_on_to_the_same_table(writing: Writing, tmp_path: Path, grow: str) -> None:
    options = ("half_mislabelled", "--latency", "0.05", "--fault", "500=0.05", "--once")
    server = writing(*options)
    write(server.url, str(tmp_path / "whole.sqlite"), str(tmp_path / "whole.csv"), grow)
    whole = server.stats()
    server.stop()
    port = server.url.split(":")[2].removesuffix("/v1")
    again = writing(*options, "--port", port)  # keys in the ledger depend on the URL
    ledger, killed, resumed = (str(tmp_path / name) for name in ("l.sqlite", "killed.csv", "resumed.csv"))
    first = Forked(write, again.url, ledger, killed, grow)
    end = time.monotonic() + 60
    while again.stats()["calls"] < whole["calls"] // 2 and time.monotonic() < end:
        time.sleep(0.01)
    first.kill()
    first.wait()
    assert again.stats()["calls"] < whole["calls"] and not Path(killed).exists()
    write(again.url, ledger, resumed, grow)
    assert Path(resumed).read_bytes() == (tmp_path / "whole.csv").read_bytes()
    stats = again.stats()
    assert stats["answered_again"] <= IN_FLIGHT  # what was in flight when it was killed
    assert stats["answered"] - stats["answered_again"] == whole["answered"]
    assert len(pd.read_csv(resumed)) == 75
