"""Tokens a second of training: DiffLM around a backbone, and a plain fine-tuning of it, in turns.

Both take the same rows of one set, in batches of the same size; tokens are those of the records. The machine
may be busy: the steps of the two follow each other in one process, and the seconds of a step are the least of
a few, of the process's own time on a CPU, and by the clock on a GPU.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.records.plain import Plain, Rows
from bench.records.sets import load
from lookalike import DiffLM, infer
from lookalike.codec import RecordCodec
from lookalike.difflm.fitted import build
from lookalike.difflm.pretrained import train as finetune
from lookalike.difflm.pretrained.examples import Texts
from lookalike.difflm.pretrained.records import TextRecords
from lookalike.difflm.settings import Arguments, Settings, derive, pick_device

ROWS, BATCHES, TURNS = 600, 4, 4


def paired(folder: Path, backbone: str, device: str, name: str = "banking77") -> dict[str, Any]:
    """{"ours", "plain": tokens a second; "share": of plain; "batch": rows; "tokens": of a record}."""
    train = load(folder, name)[0].sample(ROWS, random_state=0).reset_index(drop=True)
    arguments = Arguments.of(DiffLM(backbone=backbone, device=device, progress=False).get_params())
    schema, settings = infer(train), derive(arguments, Settings(), True)
    codec = RecordCodec.fit(train, schema)
    fitted = build(codec, settings, 0, arguments.device, arguments.threads, train)
    records = fitted.records
    assert isinstance(records, TextRecords)
    vae, cells = records.vae, records.encode(train)
    written = [records.tokens.record(row, records.canonical) for row in cells]
    vae.count(written)
    size = records.finetune.size(len(train), arguments.device)
    optimizer = finetune._optimizer(torch.nn.ParameterDict(
        {key.replace(".", "/"): p for key, p in vae.trained().items()}
    ), records.finetune)  # fmt: skip
    plain = Plain(backbone, pick_device(device), 0)
    other = plain.adapt()
    texts = Rows.of(train, schema, 0).texts
    rows = [[plain.begin, *plain.ids(text), plain.tokenizer.eos_token_id] for text in texts]
    order = np.argsort([len(row) for row in written], kind="stable")
    at = [
        order[k * size : (k + 1) * size] for k in np.linspace(0, len(order) // size - 1, BATCHES).astype(int)
    ]

    def step_ours(batch: np.ndarray[Any, Any]) -> None:
        own = Texts([written[i] for i in batch], [written[i] for i in batch])
        noise = torch.randn(len(batch), vae.latent_size, device=vae.words.device)
        finetune._set_training(vae, True)
        nll, kl, told = finetune._terms(vae, own, noise, True)
        optimizer.zero_grad(set_to_none=True)
        ((nll.sum() + kl.sum() + 0.1 * told.sum()) / len(batch)).backward()
        optimizer.step()

    def step_plain(batch: np.ndarray[Any, Any]) -> None:
        plain.step(other, [rows[i] for i in batch])

    took: dict[str, list[list[float]]] = {"ours": [], "plain": []}
    for batch in at:
        each: dict[str, list[float]] = {"ours": [], "plain": []}
        for _ in range(TURNS):
            each["ours"].append(_seconds(lambda batch=batch: step_ours(batch), device))
            each["plain"].append(_seconds(lambda batch=batch: step_plain(batch), device))
        for key, own in each.items():
            took[key].append(own)
    tokens = {
        "ours": sum(len(written[i]) for batch in at for i in batch),
        "plain": sum(len(rows[i]) - 1 for batch in at for i in batch),
    }
    speed = {key: tokens[key] / sum(min(own) for own in took[key]) for key in took}
    mean = float(np.mean([len(row) for row in written]))
    return speed | {"share": speed["ours"] / speed["plain"], "batch": size, "tokens": mean}


def _seconds(work: Callable[[], None], device: str) -> float:
    gpu = pick_device(device).type == "cuda"
    clock = time.perf_counter if gpu else time.process_time
    if gpu:
        torch.cuda.synchronize()
    started = clock()
    work()
    if gpu:
        torch.cuda.synchronize()
    return clock() - started
