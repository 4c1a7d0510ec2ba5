"""The rivals of a latent: the same backbone, fine-tuned by LoRA as a plain language model, or only prompted.

Both write the JSON text that lookalike writes (the same columns in the same order), without a grammar: what
does not parse, lacks a column or has a class that is not there is left out and counted. The fine-tuning is
what `peft` and `transformers` give, as a script of 30 lines would use them: AdamW at 1e-3, the rows in
batches of like length, as many in a batch and as many passes as lookalike takes, a cosine to the end of the
time.
"""

from __future__ import annotations

import json
import math
import time
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch

import lookalike
from lookalike.codec import RecordCodec
from lookalike.codec.serialised import Serialised
from lookalike.defaults import LORA_RANK
from lookalike.difflm.pretrained.batches import epoch_batches
from lookalike.difflm.pretrained.cache import empty_cache
from lookalike.difflm.pretrained.hub import load_backbone
from lookalike.difflm.pretrained.train import FinetuneConfig
from lookalike.difflm.training.loop import plan_steps
from lookalike.seed import child

AT_ONCE = {"cuda": 512, "cpu": 128}  # rows that are written at once
PART = {"cuda": 16_384, "cpu": 4_096}  # tokens of a part of a step, as lookalike has it on a GPU
SHOTS, SHOT_TOKENS = 8, 1_500  # rows of a prompt, and tokens of them at most
ROOM, LEAST_ROOM = 1.25, 32  # as lookalike has it: a row may be this much longer than the longest
TRAINED_MOST = 2_048  # tokens of a row
WARMUP, RATE = 0.05, 1e-3
Table = pd.DataFrame


@dataclass
class Rows:
    """A table as text: a record of `texts` is what lookalike learns from, `order` its columns."""

    texts: list[str]
    order: list[str]
    kinds: dict[str, str]
    classes: dict[str, set[str]]  # of the columns of kind category

    @classmethod
    def of(cls, train: Table, schema: lookalike.Schema, seed: int) -> Rows:
        records = Serialised.fit(RecordCodec.fit(train, schema, seed=seed), train)
        places = range(len(records.columns))
        texts = [records.text(row, places) for row in records.cells(train)]
        kinds = {str(column.name): column.kind for column in records.columns}
        classes = {n: set(train[n].dropna().astype(str)) for n, k in kinds.items() if k == "category"}
        return cls(texts, [str(name) for name in records.names], kinds, classes)

    def read(self, text: str) -> dict[str, Any] | None:
        """The row of a text; None where it is no such record."""
        try:
            found, _ = json.JSONDecoder(strict=False).raw_decode(text)
        except ValueError:
            return None
        if not isinstance(found, dict) or set(found) != set(self.order):
            return None
        row = {name: self._cell(name, value) for name, value in found.items()}
        known = all(str(row[name]) in own for name, own in self.classes.items())
        return row if known and all(value is not None for value in row.values()) else None

    def _cell(self, name: str, value: Any) -> Any:
        if self.kinds[name] == "json":
            return json.dumps(value, ensure_ascii=False)
        return value if isinstance(value, str) else None

    def begun(self, where: dict[str, str]) -> str:
        """How a record begins whose first columns are these, without the last quotation mark.

        A tokenizer joins that mark to what follows: a text cut behind it is none that the model has seen.
        """
        assert self.order[: len(where)] == list(where), "a plain language model is given the first columns"
        fields = (f"{json.dumps(k)}:{json.dumps(v, ensure_ascii=False)}" for k, v in where.items())
        return "{" + ",".join(fields)[:-1]


class Plain:
    """A backbone and its tokenizer; `finetune` adapts it."""

    def __init__(self, backbone: str, device: torch.device, seed: int):
        self.known = load_backbone(backbone, device, 1)
        self.model, self.tokenizer = self.known.model, self.known.tokenizer
        self.device, self.seed = device, seed
        self.begin = self.tokenizer.bos_token_id
        self.begin = self.tokenizer.eos_token_id if self.begin is None else self.begin

    def ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def adapt(self, rank: int = LORA_RANK) -> torch.optim.Optimizer:
        import peft

        config = peft.LoraConfig(
            r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"
        )
        torch.manual_seed(self.seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.model = peft.get_peft_model(self.model, config)
        own = [p for p in self.model.parameters() if p.requires_grad]
        return torch.optim.AdamW(own, RATE, (0.9, 0.99), weight_decay=0.0)

    def step(self, optimizer: torch.optim.Optimizer, rows: list[list[int]]) -> float:
        """One step of fine-tuning, in parts where logits would not fit; returns the loss, nats per row."""
        pad = self.tokenizer.pad_token_id
        told, most = sum(len(row) - 1 for row in rows), max(map(len, rows))
        size, total = max(1, PART.get(self.device.type, PART["cpu"]) // most), 0.0
        optimizer.zero_grad(set_to_none=True)
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            longest = max(map(len, part))
            tokens = torch.tensor([row + [pad] * (longest - len(row)) for row in part], device=self.device)
            mask = torch.tensor([[1] * len(r) + [0] * (longest - len(r)) for r in part], device=self.device)
            labels = tokens.masked_fill(mask == 0, -100)
            loss = self.model(input_ids=tokens, attention_mask=mask, labels=labels, use_cache=False).loss
            own = loss * (sum(len(row) - 1 for row in part) / told)
            own.backward()
            total += float(own.detach())
        torch.nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], 1.0)
        optimizer.step()
        return total * told / len(rows)

    def finetune(
        self, texts: list[str], minutes: float, begun: float, epochs: float | None = None
    ) -> dict[str, Any]:
        """begun: the time (perf_counter) that the minutes count from; epochs: None: as lookalike has it."""
        config, end = FinetuneConfig(), self.tokenizer.eos_token_id
        config = config if epochs is None else replace(config, epochs=epochs)
        records = [[self.begin, *self.ids(text), end][:TRAINED_MOST] for text in texts]
        length, rows = np.array([len(r) for r in records]), np.arange(len(records))
        size = config.size(len(records), self.device)
        per_epoch = math.ceil(len(records) / size)
        steps = plan_steps(per_epoch, config.epochs, config.steps)
        optimizer, seen, step, start = self.adapt(), 0, 0, time.perf_counter()
        loss, done = 0.0, 0.0
        while step < steps and done < 1:
            epoch = epoch_batches(length, rows, size, self.seed, step // per_epoch)
            at = epoch[step % per_epoch % len(epoch)]
            spent = (time.perf_counter() - start) / max(60 * minutes - (start - begun), 1.0)
            done = min(1.0, max(step / steps, spent))
            warm = min(1.0, (step + 1) / (WARMUP * steps))
            optimizer.param_groups[0]["lr"] = RATE * warm * 0.5 * (1 + math.cos(math.pi * done))
            loss = self.step(optimizer, [records[row] for row in at])
            seen, step = seen + int(length[at].sum()) - len(at), step + 1
        took = time.perf_counter() - start
        return {"steps": step, "planned": steps, "loss": loss, "train_tokens_s": seen / took, "batch": size}

    @torch.no_grad()
    def write(
        self, prompts: list[str], most: int, temperature: float, top_p: float, stop: str | None = None
    ) -> tuple[list[str], int]:
        """What follows each prompt, of `most` tokens at most; and how many tokens that were in all."""
        self.model.eval()
        found: list[str] = []
        made = 0
        torch.manual_seed(self.seed)
        size = AT_ONCE.get(self.device.type, AT_ONCE["cpu"])
        for start in range(0, len(prompts), size):
            own = [[self.begin, *self.ids(text)] for text in prompts[start : start + size]]
            longest, pad = max(map(len, own)), self.tokenizer.pad_token_id
            tokens = torch.tensor([[pad] * (longest - len(r)) + r for r in own], device=self.device)
            mask = torch.tensor([[0] * (longest - len(r)) + [1] * len(r) for r in own], device=self.device)
            options = {"stop_strings": [stop], "tokenizer": self.tokenizer} if stop else {}
            out = self.model.generate(
                input_ids=tokens, attention_mask=mask, max_new_tokens=most, do_sample=True,
                temperature=temperature, top_p=top_p, top_k=0, pad_token_id=pad,
                past_key_values=empty_cache(), **options,
            )  # fmt: skip
            out = out[:, longest:]
            made += int((out != pad).sum())
            found += self.tokenizer.batch_decode(out, skip_special_tokens=True)
        return found, made


def table_of(rows: Rows, texts: list[str], columns: list[str]) -> tuple[Table, float]:
    """The rows that can be read, and their share."""
    found = [row for text in texts if (row := rows.read(text)) is not None]
    return Table(found, columns=columns), len(found) / max(len(texts), 1)


def prompted(rows: Rows, n: int, seed: int, model: Plain) -> list[str]:
    """Prompts that show a few rows each, one a line, and end where the next one begins."""
    rng, prompts = child(seed, "shots"), []
    size = {}
    for _ in range(n):
        shown, room = [], SHOT_TOKENS
        for row in rng.permutation(len(rows.texts))[:SHOTS].tolist():
            if row not in size:
                size[row] = len(model.ids(rows.texts[row]))
            if shown and room < size[row]:
                break
            shown, room = [*shown, rows.texts[row]], room - size[row]
        prompts.append("\n".join(shown) + "\n")
    return prompts


def longest(rows: Rows, model: Plain) -> int:
    """Tokens that a row may have."""
    most = max(len(model.ids(text)) for text in sorted(rows.texts, key=len)[-20:])
    return min(int(most * ROOM) + LEAST_ROOM, TRAINED_MOST)
