"""Limits are never passed, by many calls at once either, nor by the next run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lookalike.errors import BudgetError, OptionError
from lookalike.llm import LLM, Budget, Failure, Reply, Request, ask_all, wait
from lookalike.llm.budget import Spent, guess_tokens

Serve = Callable[..., Any]


def requests(count: int) -> list[Request]:
    return [Request(f"Line {at}, please.", max_tokens=50) for at in range(count)]


def paid(llm: LLM, count: int) -> tuple[int, set[str]]:
    """How many replies came, and the kinds of the failures."""
    results = wait(ask_all(llm, requests(count), progress=False))
    kinds = {one.kind for one in results if isinstance(one, Failure)}
    return sum(isinstance(one, Reply) for one in results), kinds


def test_max_calls_holds_over_runs_and_known_replies_are_free(serve: Serve, tmp_path: Path) -> None:
    server = serve("--latency", "0.01")
    for limit, replies in ((40, 40), (40, 40), (70, 70)):
        llm = LLM("m", server.url, ledger=tmp_path / "l.sqlite", budget=Budget(max_calls=limit))
        assert paid(llm, 200) == (replies, {"budget"})
        assert server.stats()["calls"] == limit
    with pytest.raises(BudgetError, match=r"max_calls=70 is used up.*raise it"):
        wait(llm.ask("One more"))


def test_max_tokens_and_max_cost_are_hard_but_used(serve: Serve) -> None:
    for given in ({"max_tokens": 3000}, {"max_cost": 0.003, "price_in": 1.0, "price_out": 2.0}):
        server = serve("--latency", "0.01")
        llm = LLM("m", server.url, budget=Budget(**given), concurrency=64)
        replies, kinds = paid(llm, 1000)
        stats = server.stats()
        cost = (stats["tokens_in"] + 2.0 * stats["tokens_out"]) / 1e6
        tokens = stats["tokens_in"] + stats["tokens_out"]
        share = tokens / 3000 if "max_tokens" in given else cost / 0.003
        assert 0.85 < share <= 1.0 and kinds == {"budget"} and replies == stats["calls"]


def test_calls_that_fail_unpaid_cost_nothing_and_lost_ones_count(serve: Serve) -> None:
    refusing = serve("--fault", "500=1", "--once")
    llm = LLM("m", refusing.url, budget=Budget(max_calls=10))
    assert paid(llm, 10) == (10, set()) and llm.budget.spent.calls == 10
    losing = serve("--fault", "reset=1", "--once")
    llm = LLM("m", losing.url, budget=Budget(max_calls=10))
    replies, kinds = paid(llm, 10)
    assert losing.stats()["calls"] == 10 and replies == losing.stats()["answered"] and kinds == {"budget"}


def test_the_estimate_leaves_out_what_is_known(serve: Serve, tmp_path: Path) -> None:
    server = serve("--latency", "0.05")
    budget = Budget(price_in=1.0, price_out=10.0)
    llm = LLM("m", server.url, ledger=tmp_path / "l.sqlite", budget=budget, concurrency=10)
    estimate = llm.estimate(requests(100))
    assert (estimate.calls, estimate.tokens_out, estimate.seconds) == (100, 5000, None)
    assert estimate.cost == pytest.approx((estimate.tokens_in + 10 * 5000) / 1e6)
    assert paid(llm, 40) == (40, set())
    estimate = llm.estimate([*requests(100), *requests(100)], tokens_out=7)
    assert (estimate.calls, estimate.tokens_out) == (60, 420)
    pace = budget.spent.seconds / budget.spent.calls
    assert pace >= 0.05 and estimate.seconds == pytest.approx(60 * pace / 10)  # ten at once
    assert str(estimate).startswith("60 calls, ")


def test_how_many_calls_the_rest_of_a_budget_pays_for() -> None:
    each = Spent(calls=2, tokens_in=30, tokens_out=10)
    assert Budget().affords(each) == float("inf")
    budget = Budget(max_calls=9, max_tokens=1000, max_cost=1.0, price_in=100.0, price_out=200.0)
    assert budget.affords(each) == 4  # by the calls
    budget.spent = Spent(1, 700, 150)
    assert budget.affords(each) == 3  # by the tokens: 150 are left
    budget.max_tokens, budget.max_cost = None, 0.051
    budget.spent = Spent(1, 100, 150)
    assert budget.affords(each) == 2  # by the cost: 0.011 are left, and one takes 0.005
    budget.spent = Spent(9, 100, 150)
    assert budget.affords(each) == 0
    assert budget.affords(Spent(1, 0, 0)) == 0


def test_limits_that_make_no_sense() -> None:
    for given in ({"max_calls": -1}, {"max_cost": 1.0}, {"max_tokens": float("nan")}):
        with pytest.raises(OptionError):
            Budget(**given)  # type: ignore[arg-type]


def test_tokens_are_guessed_within_reason() -> None:
    assert 200 <= guess_tokens("word " * 200) <= 300 and guess_tokens("雨" * 100) == 101
