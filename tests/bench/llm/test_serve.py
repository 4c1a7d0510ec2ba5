"""The bench server: what it writes is what the model alone would write, one text at a time."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from bench.llm.engine import Engine, Text
from bench.llm.serve import Server, started
from tests.difflm import backbones

transformers = pytest.importorskip("transformers")
TEMPLATE = "{% for message in messages %}[{{ message.role }}] {{ message.content }}\n{% endfor %}[assistant]"
SCHEMA = {
    "type": "object",
    "properties": {
        "records": {
            "type": "array",
            "minItems": 2,
            "maxItems": 2,
            "items": {
                "type": "object",
                "properties": {"kind": {"enum": ["good", "bad"]}, "n": {"type": "integer", "maximum": 9}},
                "required": ["kind", "n"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["records"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, banking: pd.DataFrame) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("served")
    backbones.save_backbone(path, "llama", banking.text.tolist(), steps=20)
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def engine(folder: Path) -> Engine:
    return Engine(str(folder), device="cpu", slots=3, context=200)


@pytest.fixture(scope="module")
def server(engine: Engine) -> Server:
    return started(engine, "tiny")


def asked(server: Server, **body: Any) -> Any:
    data = json.dumps({"model": "tiny", "messages": [{"role": "user", "content": "a card"}], **body}).encode()
    with urllib.request.urlopen(server.url + "/chat/completions", data, timeout=60) as answer:
        return answer.read().decode()


def test_texts_that_are_written_together_are_those_of_the_model_alone(engine: Engine, server: Server) -> None:
    """More texts than slots, of different lengths, so that some join and some leave on the way."""
    model = transformers.AutoModelForCausalLM.from_pretrained(engine.tokenizer.name_or_path)
    texts = []
    for at in range(7):
        prompt = engine.prompt([{"role": "user", "content": "where is my card " * (at + 1)}])
        texts.append(Text(prompt, most=5 + 9 * at, temperature=0.0))
        engine.write(texts[-1])
    for text in texts:
        while text.heard.get(timeout=60) is not None:
            pass
        found = model.generate(
            torch.tensor([text.prompt]),
            max_new_tokens=text.most,
            do_sample=False,
            eos_token_id=0,
            pad_token_id=0,
        )[0, len(text.prompt) :].tolist()
        assert text.tokens == [token for token in found if token != 0]
        assert text.finish == ("stop" if 0 in found else "length")
    assert engine.active == []


def test_a_schema_is_kept_and_usage_is_told(server: Server) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
    found = json.loads(asked(server, response_format=form, max_tokens=150))
    choice = found["choices"][0]
    records = json.loads(choice["message"]["content"])["records"]
    assert len(records) == 2 and {one["kind"] for one in records} <= {"good", "bad"}
    assert choice["finish_reason"] == "stop"
    usage = found["usage"]
    assert usage["completion_tokens"] > 10 and usage["total_tokens"] == sum(
        usage[name] for name in ("prompt_tokens", "completion_tokens")
    )


def test_a_stream_brings_the_same_text_in_pieces(server: Server) -> None:
    whole = json.loads(asked(server, max_tokens=60, temperature=0))["choices"][0]
    lines = asked(server, max_tokens=60, temperature=0, stream=True).split("\n\n")
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: {")]
    pieces = [choice["delta"]["content"] for event in events for choice in event["choices"]]
    assert "".join(pieces) == whole["message"]["content"] and len(pieces) > 2
    assert events[-1]["usage"]["completion_tokens"] == 60 and lines[-2] == "data: [DONE]"


def test_requests_at_once_are_written_in_the_same_steps(engine: Engine, server: Server) -> None:
    before = engine.steps
    threads = [threading.Thread(target=asked, args=(server,), kwargs={"max_tokens": 40}) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert engine.steps - before < 3 * 40


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"messages": [{"role": "user", "content": "card " * 300}]}, "maximum context length is 200"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "nothing"}}}},
            "schema",
        ),
        ({"messages": 3}, "chat template"),
    ],
)
def test_what_cannot_be_written_is_refused_with_a_sentence(server: Server, body: Any, words: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        asked(server, **body)
    assert caught.value.code == 400
    assert words in json.loads(caught.value.read())["error"]["message"]


def test_a_text_ends_where_it_is_told_to(server: Server) -> None:
    whole = json.loads(asked(server, max_tokens=60, temperature=0))["choices"][0]["message"]["content"]
    stop = whole[10:13]
    found = json.loads(asked(server, max_tokens=60, temperature=0, stop=[stop]))["choices"][0]
    assert found["message"]["content"] == whole[: whole.find(stop)] and found["finish_reason"] == "stop"
