"""Asking one model: replies, faults, refusals, and the key that nobody may see."""

from __future__ import annotations

import asyncio
import inspect
import logging
import traceback
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lookalike.errors import EndpointError, LLMError, OptionError
from lookalike.llm import LLM, Budget, Failure, Reply, Request, ask_all, health, throttle, wait
from lookalike.llm.structured import form

Serve = Callable[..., Any]

KEY = "sk-very-secret-0123456789"

ROWS = {
    "type": "object",
    "properties": {"rows": {"type": "array", "items": {"type": "string"}, "minItems": 2}},
    "required": ["rows"],
    "additionalProperties": False,
}


def prompts(count: int, schema: dict[str, Any] | None = None) -> list[Request]:
    return [Request(f"Line {at}, please.", schema) for at in range(count)]


def ask_many(llm: LLM, requests: list[Request]) -> list[Reply | Failure]:
    return wait(ask_all(llm, requests, progress=False))


def test_replies_come_in_order_and_samples_differ_in_the_ledger(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    llm = LLM("m", server.url, ledger=tmp_path / "l.sqlite")
    replies = ask_many(llm, prompts(50))
    again = [wait(LLM("m", server.url).ask(request.messages)).text for request in prompts(50)[:5]]
    assert [reply.text for reply in replies[:5] if isinstance(reply, Reply)] == again
    wait(llm.ask("Line 0, please."))
    assert server.stats()["calls"] == 55  # read back, not asked
    wait(llm.ask("Line 0, please.", sample=1))
    assert server.stats()["calls"] == 56


def test_the_same_request_in_flight_is_paid_once(serve: Serve) -> None:
    server = serve("--latency", "0.1")
    replies = ask_many(LLM("m", server.url), prompts(1) * 20)
    assert server.stats()["calls"] == 1
    assert len({reply.text for reply in replies if isinstance(reply, Reply)}) == 1


@pytest.mark.parametrize(
    ("schemas", "way", "calls"),
    [
        ("take", "response_format", 10),
        ("object", "json_object", 11),
        ("refuse", "prompt", 12),
        ("ignore", "prompt", 13),
    ],
)
def test_schemas_are_asked_for_in_the_way_the_server_takes(
    serve: Serve, tmp_path: Path, schemas: str, way: str, calls: int
) -> None:
    server = serve("--schemas", schemas)
    llm = LLM("m", server.url, concurrency=1, ledger=tmp_path / "l.sqlite")
    replies = ask_many(llm, prompts(10, ROWS))
    assert all(isinstance(reply, Reply) and len(reply.data["rows"]) == 2 for reply in replies)
    assert {reply.way for reply in replies if isinstance(reply, Reply)} == {way}
    assert server.stats()["calls"] == calls
    second = LLM("m", server.url, concurrency=1, ledger=tmp_path / "l.sqlite")
    assert [one.data for one in ask_many(second, prompts(10, ROWS))] == [one.data for one in replies]
    assert server.stats()["calls"] == calls


def test_calls_that_are_refused_at_once_change_the_way_once(serve: Serve) -> None:
    replies = ask_many(LLM("m", serve("--schemas", "object", "--latency", "0.05").url), prompts(20, ROWS))
    assert [reply.way for reply in replies if isinstance(reply, Reply)] == ["json_object"] * 20


def test_max_completion_tokens_is_used_where_it_is_wanted(serve: Serve) -> None:
    server = serve("--renamed")
    assert len(ask_many(LLM("m", server.url, concurrency=1), prompts(5))) == 5
    assert server.stats()["calls"] == 6


def test_loose_json_is_repaired_and_cut_json_is_asked_again(serve: Serve) -> None:
    sloppy = serve("--fault", "sloppy=1")
    reply = wait(LLM("m", sloppy.url).ask("Hello", ROWS))
    assert reply.repaired and len(reply.data["rows"]) == 2 and sloppy.stats()["calls"] == 1
    for fault in ("malformed", "schema", "truncated", "invalid-json"):
        server = serve("--fault", f"{fault}=1", "--once")
        llm = LLM("m", server.url)
        reply = wait(llm.ask("Hello", ROWS))
        assert not reply.repaired and len(reply.data["rows"]) == 2
        assert server.stats()["calls"] == 2 and llm.faults == {"malformed": 1}


def test_a_reply_that_stays_malformed_spoils_no_other(serve: Serve) -> None:
    server = serve("--fault", "schema=1")
    failure, *_ = ask_many(LLM("m", server.url), prompts(1, ROWS))
    assert isinstance(failure, Failure) and failure.kind == "malformed" and "schema" in failure.reason
    assert server.stats()["calls"] == 4
    small = Request("Write.", ROWS, max_tokens=3)
    fine = serve()
    results = ask_many(LLM("m", fine.url), [*prompts(5, ROWS), small])
    assert [isinstance(one, Failure) for one in results] == [False] * 5 + [True]
    assert isinstance(results[5], Failure) and "cut off after 3 tokens" in results[5].reason
    assert fine.stats()["calls"] == 6 and results[5].kind == "cut off"  # not asked again


def test_many_faults_lose_nothing(serve: Serve, tmp_path: Path) -> None:
    faults = {
        "429-bare": 0.05,
        "500": 0.05,
        "reset": 0.03,
        "truncated": 0.03,
        "malformed": 0.03,
        "hang": 0.005,
    }
    server = serve(*(word for name, share in faults.items() for word in ("--fault", f"{name}={share}")))
    llm = LLM("m", server.url, ledger=tmp_path / "l.sqlite", concurrency=64, timeout=3.0)
    replies = ask_many(llm, prompts(400, ROWS))
    assert all(isinstance(reply, Reply) for reply in replies)
    stats = server.stats()
    assert stats["answered"] == 400 and stats["answered_again"] == 0
    assert stats["calls"] == 400 + llm.faults.total()
    assert {"rate limit", "server error", "connection", "malformed"} <= set(llm.faults)


def test_rate_limits_narrow_the_run_and_it_recovers(serve: Serve) -> None:
    server = serve("--fault", "429-bare=1", "--once", "--latency", "0.02")
    llm = LLM("m", server.url, concurrency=32)
    limits = []
    for _ in range(
        5
    ):  # only the first time is there a refusal for each; then it opens up again, step by step
        wait(
            ask_all(
                llm, prompts(120), progress=False, watch=lambda at, one: limits.append(llm.throttle.limit)
            )
        )
    assert min(limits) < 16 and limits[-1] == 32
    assert server.stats()["answered"] == 600 and server.stats()["statuses"]["429"] == 120


@pytest.mark.parametrize(("after", "most"), [(("--retry-after", "0.3"), 0.4), (("--dates",), 2.2)])
def test_retry_after_is_honoured(
    serve: Serve, after: tuple[str, ...], most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve("--fault", "429=1", "--once", *after)
    waits, together = [], 0
    sleep = asyncio.sleep

    async def counted(seconds: float) -> None:
        nonlocal together
        waits.append(seconds)
        together = max(together, len(waits) - done[0])
        await sleep(seconds)
        done[0] += 1

    done = [0]
    monkeypatch.setattr(asyncio, "sleep", counted)
    assert all(isinstance(one, Reply) for one in ask_many(LLM("m", server.url), prompts(8)))
    assert server.stats()["early"] == 0 and server.stats()["calls"] == 16
    assert len(waits) == 8 and max(waits) <= most  # a date has whole seconds, and a tenth is jitter
    assert together > 1  # not one after the other


@pytest.mark.parametrize("fault", ["hang", "ping"])
def test_a_hanging_call_is_cut_off_and_asked_again(serve: Serve, fault: str) -> None:
    server = serve("--fault", f"{fault}=1", "--once")
    llm = LLM("m", server.url, timeout=1.5, total_timeout=1.5, concurrency=2)
    assert all(isinstance(one, Reply) for one in ask_many(llm, prompts(2)))
    assert llm.faults == {"timeout": 2} and server.stats()["calls"] == 4
    assert llm.throttle.in_flight == 0


@pytest.mark.parametrize("options", [("--pace", "0.1"), ("--stream", "ignore", "--fault", "slow=1")])
def test_slow_is_not_dead(serve: Serve, options: tuple[str, ...]) -> None:
    server = serve(*options)
    llm = LLM("m", server.url, timeout=0.4, total_timeout=0.4)
    (reply,) = ask_many(llm, [Request("Line", ROWS)])
    assert isinstance(reply, Reply) and len(reply.text.split()) * 0.1 > 2 * llm.timeout
    assert not llm.faults and server.stats()["calls"] == 1


def test_a_dead_endpoint_stops_the_run_when_the_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    now, sleep = [100.0], asyncio.sleep

    async def slept(seconds: float) -> None:  # the only thing that moves the clock
        until = now[0] + seconds
        await sleep(0)
        now[0] = max(now[0], until)

    monkeypatch.setattr(asyncio, "sleep", slept)
    for module in (health, throttle):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    llm = LLM("m", "http://127.0.0.1:9/v1", patience=6.0, progress=False)
    with pytest.raises(EndpointError, match=r"has not answered for .* s .*check its URL"):
        ask_many(llm, prompts(500))
    assert 1.0 < now[0] - 100.0 < 1.5  # a sixth of the patience, as it never answered


def test_an_endpoint_that_dies_keeps_what_it_answered(serve: Serve, tmp_path: Path) -> None:
    server = serve("--latency", "0.02")
    llm = LLM("m", server.url, ledger=tmp_path / "l.sqlite", patience=1.0, concurrency=8)
    done = []

    def watch(place: int, result: Reply | Failure) -> None:
        done.append(place)
        if len(done) == 50:
            server.stop()

    with pytest.raises(EndpointError):
        wait(ask_all(llm, prompts(200), progress=False, watch=watch))
    assert llm.ledger is not None
    assert len(done) >= 50 and llm.ledger.totals(llm.account).calls >= len(done)


def test_a_hung_endpoint_stops_the_run_too(serve: Serve) -> None:
    server = serve("--fault", "hang=1")
    with pytest.raises(EndpointError, match="has not answered"):
        ask_many(LLM("m", server.url, timeout=0.2, patience=0.3, concurrency=4), prompts(50))
    assert server.stats()["calls"] < 50


@pytest.mark.parametrize(
    ("options", "given", "says"),
    [
        (("--key", "other"), {"key": KEY}, "does not accept the key"),
        (("--key", "other"), {}, "asks for a key"),
        (("--model", "right"), {}, "has no model 'm'.*: name one of these: right"),
    ],
)
def test_what_no_request_survives_stops_the_run(serve: Serve, options: Any, given: Any, says: str) -> None:
    server = serve(*options)
    with pytest.raises(EndpointError, match=says) as caught:
        ask_many(LLM("m", server.url, **given), prompts(300))
    assert server.stats()["calls"] <= 64
    assert "\n" not in str(caught.value)


def test_what_is_no_endpoint_is_said(serve: Serve) -> None:
    with pytest.raises(EndpointError, match=r"not an OpenAI-compatible endpoint .*ends in /v1"):
        wait(LLM("m", serve().url + "/wrong").ask("Hello"))


def test_a_prompt_that_is_too_long_fails_alone(serve: Serve) -> None:
    results = ask_many(LLM("m", serve("--context", "100").url), [*prompts(3), Request("word " * 500)])
    assert [type(one) for one in results] == [Reply, Reply, Reply, Failure]
    assert isinstance(results[3], Failure) and results[3].kind == "too long"


def test_the_key_is_nowhere(
    serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    good, bad = serve("--key", KEY), serve("--key", "other")  # the second quotes the key in its error
    llm = LLM("m", good.url, KEY, ledger=tmp_path / "l.sqlite")
    wait(ask_all(llm, prompts(5), progress=True))
    said = [repr(llm), str(vars(llm.budget))]
    for url in (bad.url, "http://127.0.0.1:9/v1", f"http://{KEY}@127.0.0.1/v1"):
        with pytest.raises((LLMError, OptionError)) as caught:
            wait(LLM("m", url, KEY, patience=0.2).ask("Hello"))
        said.append("".join(traceback.format_exception(caught.value)))
        error: BaseException | None = caught.value
        while error is not None:
            said.append(repr(error) + str(error.args))
            error = error.__context__
    with pytest.raises(OptionError) as bad_key:
        LLM("m", good.url, KEY + "\nmore")
    said += [str(bad_key.value), caplog.text, *capfd.readouterr()]
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert KEY not in "".join(said) and KEY.encode() not in files
    assert "***" in said[2]


def test_run_works_inside_a_running_loop(serve: Serve) -> None:
    server = serve()
    llm = LLM("m", server.url)

    async def notebook() -> str:
        return wait(llm.ask("Hello")).text

    assert asyncio.run(notebook()) == wait(llm.ask("Hello")).text
    with pytest.raises(ZeroDivisionError):
        asyncio.run(_divides())


async def _divides() -> None:
    async def inside() -> float:
        return 1 / 0

    wait(inside())


def test_every_argument_goes_along_to_another_model_and_process() -> None:
    own = {"model", "ledger", "budget", "progress"}  # of this one alone, or said apart
    given: dict[str, Any] = {
        **{"url": "http://127.0.0.1:1/v1?api-version=2", "key": "k", "headers": {"X-Own": "1"}},
        **{"concurrency": 3, "timeout": 5.0, "total_timeout": 50.0, "patience": 7.0, "structured": "prompt"},
    }
    assert set(given) == set(inspect.signature(LLM).parameters) - own
    llm = LLM("m", **given)
    assert llm.endpoint == given == llm.of_model("n").endpoint
    assert llm.of_model("n").dialect.ways.now == "prompt"


def test_a_call_that_is_cancelled_counts_at_once(serve: Serve, tmp_path: Path) -> None:
    server = serve("--latency", "30")
    llm = LLM("m", server.url, ledger=tmp_path / "l.sqlite", budget=Budget(max_calls=5))

    async def cut() -> None:
        asked = asyncio.ensure_future(llm.ask("Line 0, please.", max_tokens=7))
        while not server.stats()["calls"]:
            await asyncio.sleep(0.01)
        asked.cancel()
        await asyncio.wait([asked])

    wait(cut())
    assert llm.ledger is not None and llm.budget.spent == llm.ledger.totals(llm.account)
    assert (llm.budget.spent.calls, llm.budget.spent.tokens_out) == (1, 7)


def test_options_that_make_no_sense() -> None:
    for wrong in (
        {"url": "nonsense"},
        {"url": None},
        {"concurrency": 0},
        {"timeout": -1},
        {"structured": "xml"},
    ):
        with pytest.raises(OptionError):
            LLM("m", **{"url": "http://127.0.0.1:9/v1", **wrong})
    with pytest.raises(OptionError, match="not a JSON schema"):
        form({"type": "wrong"})
