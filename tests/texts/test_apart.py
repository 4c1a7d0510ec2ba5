"""Texts that are checked by several processes: what one finds, whatever the blocks."""

from __future__ import annotations

import subprocess
from typing import Any

import pandas as pd
import pytest

import lookalike
from lookalike import jobs
from lookalike.texts import apart
from lookalike.texts.apart import check_apart
from lookalike.texts.checks import TEXT_CHECKS, TextChecks

SURROGATE = "a lone surrogate \ud800"
ODD = [
    "As an AI language model, I cannot write that.",
    "wo ist meine neue karte und warum ist sie noch nicht da",
    "no no no no no no no no no no no no no no no no no no no no",
    "\ufffd\ufffd",
    "",
    SURROGATE,
    "$$$$ %%%% &&&& !!!!",
]


@pytest.fixture
def texts(banking: pd.DataFrame) -> list[str]:
    return [*banking.text[100:160], *ODD, *banking.text[:5], *banking.text[160:200]]


def test_several_processes_find_what_one_finds(
    banking: pd.DataFrame, texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "WORTH", 1)
    monkeypatch.setattr(apart, "BLOCK", 7)
    judge = TextChecks(banking.text[:100].tolist())
    found = check_apart(judge, TEXT_CHECKS, texts, 2, progress=False)
    assert found is not None
    for name in TEXT_CHECKS:
        alone = [(at, hit) for at, hit in enumerate(judge.each(name, texts)) if hit is not None]
        assert repr(found[name]) == repr(alone)  # a score that is nan is no number equal to itself
    assert {name for name, hits in found.items() if hits} >= {"refusal", "copy", "encoding"}


def test_few_letters_and_one_worker_are_not_worth_a_process(texts: list[str]) -> None:
    assert check_apart(TextChecks([]), TEXT_CHECKS, texts, 2, progress=False) is None
    assert check_apart(TextChecks([]), [], texts, 2, progress=False) is None
    assert check_apart(TextChecks([]), TEXT_CHECKS, [], 2, progress=False) is None
    assert check_apart(TextChecks([]), TEXT_CHECKS, ["word " * 2000] * 9, 2, progress=False) is None


def test_curate_decides_the_same_with_any_number_of_processes(
    banking: pd.DataFrame, texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts.remove(SURROGATE)  # pandas cannot hold it
    table, real = pd.DataFrame({"text": texts}), banking[["text"]][:100]
    kept, decisions = lookalike.curate(table, real, text="text", progress=False, workers=1)
    monkeypatch.setattr(apart, "WORTH", 1)
    monkeypatch.setattr(apart, "BLOCK", 30)
    again, others = lookalike.curate(table, real, text="text", progress=False, workers=2)
    pd.testing.assert_frame_equal(kept, again)
    pd.testing.assert_frame_equal(decisions.table, others.table)
    assert 0 < len(kept) < len(table)


def test_processes_end_when_the_work_is_interrupted(
    texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "WORTH", 1)
    monkeypatch.setattr(apart, "BLOCK", 10)
    begun: list[subprocess.Popen[bytes]] = []
    made = jobs.subprocess.Popen

    def begin(*args: Any, **options: Any) -> Any:
        begun.append(made(*args, **options))
        return begun[-1]

    class Stopped:
        def __enter__(self) -> Stopped:
            return self

        def __exit__(self, *_: object) -> None: ...

        def update(self, _: int) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(jobs.subprocess, "Popen", begin)
    monkeypatch.setattr(apart, "bar", lambda *_, **__: Stopped())
    with pytest.raises(KeyboardInterrupt):
        check_apart(TextChecks([]), TEXT_CHECKS, texts, 2, progress=False)
    assert len(begun) == 2 and all(one.returncode is not None for one in begun)
