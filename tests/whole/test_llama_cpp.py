"""Against llama.cpp's own server, where it is installed: pip install 'llama-cpp-python[server]' gguf

The model is a tiny one of random weights, so what it says means nothing; how it is asked does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lookalike.llm import LLM, Reply, Request, ask_all, wait
from tests.processes import language_model

gguf = pytest.importorskip("gguf")
pytest.importorskip("llama_cpp.server")

WIDTH, HEADS, FORWARD, CONTEXT = 32, 2, 64, 1024
LETTERS = "etaoinshrdlucmfwypvbgkjqxz .,?!0123456789"
CHOICES = {
    "type": "object",
    "properties": {"label": {"enum": ["yes", "no"]}, "sure": {"type": "boolean"}},
    "required": ["label", "sure"],
    "additionalProperties": False,
}


def write_model(path: Path) -> None:
    """A llama of one layer with a byte-level vocabulary."""
    rng = np.random.default_rng(0)
    kinds = gguf.TokenType
    tokens = [("<unk>", kinds.UNKNOWN), ("<s>", kinds.CONTROL), ("</s>", kinds.CONTROL)]
    tokens += [(f"<0x{byte:02X}>", kinds.BYTE) for byte in range(256)]
    tokens += [(letter.replace(" ", "\u2581"), kinds.NORMAL) for letter in LETTERS]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list([token for token, _ in tokens])
    writer.add_token_scores([-float(at) for at in range(len(tokens))])
    writer.add_token_types([kind for _, kind in tokens])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    shapes = {
        "token_embd": (len(tokens), WIDTH),
        "output": (len(tokens), WIDTH),
        "blk.0.attn_q": (WIDTH, WIDTH),
        "blk.0.attn_k": (WIDTH, WIDTH),
        "blk.0.attn_v": (WIDTH, WIDTH),
        "blk.0.attn_output": (WIDTH, WIDTH),
        "blk.0.ffn_gate": (FORWARD, WIDTH),
        "blk.0.ffn_up": (FORWARD, WIDTH),
        "blk.0.ffn_down": (WIDTH, FORWARD),
    }
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", (rng.standard_normal(shape) * 0.1).astype(np.float32))
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("llama")
    write_model(folder / "tiny.gguf")

    def command(port: int) -> list[str]:
        options = {"model": folder / "tiny.gguf", "port": port, "n_ctx": CONTEXT, "chat_format": "chatml"}
        more = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        return [sys.executable, "-m", "llama_cpp.server", *more]

    with language_model(command, folder / "log", 30) as base:
        yield base


def test_texts_are_written_counted_and_kept(url: str, tmp_path: Path) -> None:
    llm = LLM("tiny", url, ledger=tmp_path / "ledger.sqlite")
    replies = wait(ask_all(llm, [Request("Say a word.", sample=at, max_tokens=6) for at in range(4)]))
    for reply in replies:
        assert isinstance(reply, Reply), reply
        assert reply.finish in ("length", "stop") and reply.tokens_in > 3
        assert bool(reply.text) == (reply.tokens_out > 0)
    again = LLM("tiny", url, ledger=tmp_path / "ledger.sqlite")
    assert wait(again.ask("Say a word.", sample=0, max_tokens=6)).known


def test_the_server_holds_the_model_to_a_schema(url: str) -> None:
    llm = LLM("tiny", url)
    for reply in wait(ask_all(llm, [Request("Do you like rain?", CHOICES, at, 64) for at in range(5)])):
        assert isinstance(reply, Reply), reply
        assert reply.data["label"] in ("yes", "no") and isinstance(reply.data["sure"], bool)
        assert reply.way in ("response_format", "json_object")  # its grammar: a random model knows no JSON
