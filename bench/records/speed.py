"""Tokens a second of DiffLM beside a plain transformers loop: a Llama of the same width, layers, heads and
vocabulary, random weights, its own generate with a cache, and a plain training step with AdamW.

Tokens are those of the records, without padding, and the same for both. DiffLM's seconds of training include
its encoder, its validation and the averaging of its weights; those of sampling include the diffusion and the
way back to a table. The loop has neither a latent nor a table: its seconds are what the decoder costs alone.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd
import torch

from lookalike import DiffLM

PASSES = 1.0
ROWS = 2_000  # that are written
BATCH = 64  # records of a training step of the loop
AT_ONCE = 256  # records written at once by the loop


def speed(train: pd.DataFrame, _: pd.DataFrame, seed: int, rows: int = 0) -> dict[str, float]:
    """{"train", "write": tokens a second of DiffLM; "train_plain", "write_plain": of the loop; "tokens" of a
    record, mean; "parameters", "parameters_plain"}."""
    train = train.head(rows) if rows else train
    model = DiffLM(seed=seed, epochs=PASSES, progress=False).fit(train)
    ids = _ids(model, train)
    lengths = (ids >= 0).sum(1)
    learned = next(e["seconds"] for e in reversed(model.history) if "bound" in e)
    wanted = min(ROWS, len(train))
    model.sample(64, seed=seed)  # what happens only once
    started = time.perf_counter()
    made = model.sample(wanted, seed=seed)
    written = time.perf_counter() - started
    config = model.settings.vae
    plain = llama(
        config.width, config.layers, config.heads, config.expansion, int(ids.max()) + 3, ids.shape[1]
    )
    return {
        "tokens": float(lengths.mean()),
        "parameters": _size(model.vae),
        "parameters_plain": _size(plain),
        "train": PASSES * float(lengths.sum()) / learned,
        "train_plain": _train(plain, ids, seed),
        "write": float((_ids(model, made) >= 0).sum()) / written,
        "write_plain": _write(plain, wanted, round(float(lengths.mean())), seed),
    }


def _ids(model: DiffLM, table: pd.DataFrame) -> np.ndarray:
    """(rows, slots) tokens, -1 where there is none. All slots share one count of ids: their largest."""
    return np.asarray(model.codec.encode(table)[0])


def _size(module: Any) -> float:
    return float(sum(p.numel() for p in module.parameters()))


def llama(width: int, layers: int, heads: int, expansion: int, vocabulary: int, length: int) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=vocabulary, hidden_size=width, intermediate_size=expansion * width,
        num_hidden_layers=layers, num_attention_heads=heads, num_key_value_heads=heads,
        max_position_embeddings=length + 8,
        bos_token_id=vocabulary - 2, eos_token_id=vocabulary - 1, pad_token_id=vocabulary - 1,
    )  # fmt: skip
    return LlamaForCausalLM(config)


def _train(model: Any, ids: np.ndarray, seed: int) -> float:
    """Tokens a second of one pass; records of like length together, as any trainer would have them."""
    lengths = (ids >= 0).sum(1)
    batches = np.array_split(np.argsort(lengths, kind="stable"), max(1, len(ids) // BATCH))
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    model.train()
    seen, started = 0, time.perf_counter()
    for at in np.random.default_rng(seed).permutation(len(batches)):
        own = [torch.from_numpy(row[row >= 0].astype(np.int64)) for row in ids[batches[at]]]
        tokens = torch.nn.utils.rnn.pad_sequence(own, batch_first=True, padding_value=-100)
        loss = model(input_ids=tokens.clamp(min=0), attention_mask=(tokens >= 0).long(), labels=tokens).loss
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        seen += int((tokens >= 0).sum())
    return seen / (time.perf_counter() - started)


@torch.no_grad()
def _write(model: Any, rows: int, length: int, seed: int) -> float:
    """Tokens a second of records of the mean length, none of which ends early."""
    model.eval()
    torch.manual_seed(seed)
    begin = torch.full((AT_ONCE, 1), model.config.bos_token_id)
    options = {"do_sample": True, "use_cache": True, "attention_mask": torch.ones_like(begin)}
    model.generate(begin, max_new_tokens=2, min_new_tokens=2, **options)
    seen, started = 0, time.perf_counter()
    while seen < rows * length:
        made = model.generate(begin, max_new_tokens=length, min_new_tokens=length, **options)
        seen += (made.shape[1] - 1) * len(made)
    return seen / (time.perf_counter() - started)
