"""No habit of a server costs a run: errors by status, code and history, queues, calls that hang."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lookalike import SynAlign
from lookalike.characters import REPLACEMENT
from lookalike.errors import EndpointError
from lookalike.llm import LLM, Failure, Reply, Request, ask_all, embedder, pace, wait

Serve = Callable[..., Any]
WRITER = Path(__file__).parents[1] / "prompting" / "writer.py"
SHAPES = ("reasoning", "tool", "think", "prose", "bare", "lines", "two")
FLAWS = ("half", "half-escaped", "extra", "missing", "null", "case", "type")


def ask(llm: LLM, count: int, start: int = 0) -> list[Reply | Failure]:
    requests = [Request(f"Line {at}, please.") for at in range(start, start + count)]
    return wait(ask_all(llm, requests, progress=False))


@pytest.mark.parametrize("fault", ["quota", "error-200"])
def test_a_wait_in_words_is_kept_to(serve: Serve, fault: str) -> None:
    server = serve("--fault", f"{fault}=1", "--once", "--retry-after", "0.2")
    llm = LLM("m", server.url)
    assert all(isinstance(one, Reply) for one in ask(llm, 5))
    assert server.stats()["calls"] == 10 and llm.faults == {"rate limit": 5}
    assert llm.budget.spent.calls == 5


def test_a_long_wait_ends_the_run_with_the_time_to_resume(serve: Serve) -> None:
    server = serve("--fault", "429=1", "--retry-after", "7200")
    with pytest.raises(EndpointError, match=r"resume at \d\d:\d\d; what was paid for is kept"):
        ask(LLM("m", server.url), 50)
    assert server.stats()["calls"] <= 50


def test_a_prompt_that_is_forbidden_fails_alone_and_is_asked_once(serve: Serve, tmp_path: Path) -> None:
    server = serve("--fault", "forbidden=0.1")
    llm = LLM("m", server.url, ledger=tmp_path / "l.sqlite", concurrency=1)
    wait(llm.ask("Line 1, please."))  # the key is known to be good
    for known in (False, True):
        results = ask(LLM("m", server.url, ledger=tmp_path / "l.sqlite"), 40)
        kinds = {one.kind for one in results if isinstance(one, Failure)}
        assert kinds == {"refused"} and all("request denied" in one.reason for one in results
                                            if isinstance(one, Failure))  # fmt: skip
        assert server.stats()["calls"] == 40, known
    fresh = serve("--fault", "forbidden=1")
    with pytest.raises(EndpointError, match="asks for a key"):
        ask(LLM("m", fresh.url), 5)


@pytest.mark.parametrize("fault", ["refusal", "filtered"])
def test_a_refusal_is_asked_once_paid_and_shown(serve: Serve, tmp_path: Path, fault: str) -> None:
    server = serve("--fault", f"{fault}=0.2")
    for _ in range(2):
        llm = LLM("m", server.url, ledger=tmp_path / "l.sqlite")
        failures = [one for one in ask(llm, 30) if isinstance(one, Failure)]
        assert failures and all(one.kind == "refused" for one in failures)
        assert "refuses this request" in failures[0].reason
        stats = server.stats()
        assert stats["calls"] == 30 and llm.budget.spent[:3] == (30, stats["tokens_in"], stats["tokens_out"])


def test_what_every_request_is_refused_for_ends_the_run(serve: Serve) -> None:
    server = serve("--fault", "refusal=1")
    with pytest.raises(EndpointError, match="I can't assist"):
        ask(LLM("m", server.url, concurrency=4), 200)
    assert server.stats()["calls"] <= 16


def test_a_wrong_key_in_another_dialect_is_one(serve: Serve) -> None:
    server = serve("--key", "right-key-0123", "--key-status", "400")
    with pytest.raises(EndpointError, match="does not accept the key"):
        ask(LLM("m", server.url, "wrong-key-0123"), 50)


def test_calls_that_wait_in_a_queue_are_not_dead(serve: Serve) -> None:
    server = serve("--slots", "1", "--pace", "0.05")
    llm = LLM("m", server.url, timeout=0.8)  # the last of them waits for much longer
    assert all(isinstance(one, Reply) for one in ask(llm, 8))
    assert server.stats()["calls"] == 8 and not llm.faults


def test_a_call_that_hangs_is_found_by_the_pace_of_the_others(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "LEAST", 1.0)
    server = serve("--fault", "hang=0.05", "--once")
    llm = LLM("m", server.url, timeout=1000.0)
    ask(llm, 40)
    assert all(isinstance(one, Reply) for one in ask(llm, 200, 40))
    # a busy machine may also be silent, so calls that do not hang are cut off, too: test_pace.py has which
    assert llm.faults["timeout"] >= server.stats()["statuses"]["hang"] > 0


@pytest.mark.parametrize(("batch", "calls"), [("10", 4 + 1), ("32", 1 + 1)])
def test_batches_are_as_large_as_the_endpoint_takes(serve: Serve, batch: str, calls: int) -> None:
    server = serve("--batch", batch)
    llm = LLM("e", server.url, concurrency=1)
    texts = [f"text {at}" for at in range(40)]
    assert embedder(llm, progress=False)(texts).shape == (40, 32)
    assert llm.batch == int(batch) and server.stats()["calls"] == calls + (batch == "32")


def test_calls_that_were_never_sent_are_not_booked() -> None:
    llm = LLM("m", "http://127.0.0.1:9/v1", patience=0.5, progress=False)
    with pytest.raises(EndpointError, match=r"Connection refused|Connect call failed"):
        ask(llm, 5)
    assert llm.budget.spent.calls == 0


def test_a_server_that_does_not_say_what_it_used_is_counted_at_the_most(serve: Serve) -> None:
    server = serve("--no-usage")
    llm = LLM("m", server.url)
    assert all(isinstance(one, Reply) for one in ask(llm, 5))
    stats, spent = server.stats(), llm.budget.spent
    assert spent.calls == stats["calls"] == 5
    assert spent.tokens_in >= stats["tokens_in"] and spent.tokens_out == 5 * Request("").max_tokens


def test_texts_of_emoji_alone_are_texts(serve: Serve, rated: pd.DataFrame) -> None:
    real = rated.assign(
        text=["".join("😀😂😍😭😡👍👎🎉🔥💔"[at * k % 10] for k in (1, 3, 5, 7, 9)) for at in range(16)]
    )
    real = pd.concat([real.assign(text=real.text + one) for one in "🙏🤔😡"], ignore_index=True)
    server = serve("--writer", f"{WRITER}:good", "--flaw", "emoji")
    model = SynAlign(LLM("m", server.url), "text", "category", method="few-shot", progress=False).fit(real)
    assert len(model.sample(24)) == 24
    assert set(model.summary()["rejected"]) <= {"duplicate"}


@pytest.fixture(scope="module")
def rated(banking: pd.DataFrame) -> pd.DataFrame:
    """16 rows of two classes, each with a number, of 20 to 60 as the writer has them."""
    rows = banking.groupby("category").head(8)[:16].reset_index(drop=True)
    return rows.assign(stars=[20 + 8 * at // 3 for at in range(16)])


@pytest.mark.parametrize(
    "options", [*(("--shape", one) for one in SHAPES), *(("--flaw", one) for one in FLAWS)], ids="=".join
)
def test_every_record_of_a_paid_reply_that_can_be_used_is_used(
    serve: Serve, rated: pd.DataFrame, options: tuple[str, str]
) -> None:
    server = serve("--writer", f"{WRITER}:good", *options)
    model = SynAlign(
        LLM("m", server.url), "text", "category", method="few-shot", gen_size=4, progress=False
    ).fit(rated)
    table, facts = model.sample(24), model.summary()
    assert len(table) == 24 and table.dtypes.equals(rated.dtypes)
    assert table.category.value_counts().to_dict() == {name: 12 for name in rated.category.unique()}
    assert table.text.str.endswith(REPLACEMENT).all() == options[1].startswith("half")
    lost = facts["rejected"].get("missing", 0)
    assert facts["failures"] == {} and set(facts["rejected"]) <= {"missing"}
    assert facts["calls"] == server.stats()["calls"]
    if options[1] in ("missing", "null"):  # half of each reply was kept, and the other half counted
        assert 24 <= lost <= facts["accepted"] + facts["surplus"] + 4 and facts["calls"] <= 16
    else:
        assert (lost, facts["calls"], facts["surplus"]) == (0, 6, 0)
