"""Texts -> vectors of a sentence encoder that lies in a folder, such as all-MiniLM-L6-v2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

BATCH, LONGEST = 64, 256  # texts at once; tokens of one


def encoder(folder: Path) -> Callable[[Sequence[str]], np.ndarray]:
    """A function from n texts to (n, dims) float32 of length 1: the mean of the last states of a text."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32).eval()

    @torch.inference_mode()
    def embed(texts: Sequence[str]) -> np.ndarray:
        order = np.argsort([len(text) for text in texts], kind="stable")
        found = np.zeros((len(texts), model.config.hidden_size), dtype=np.float32)
        for start in range(0, len(texts), BATCH):
            rows = order[start : start + BATCH]
            read = tokenizer(
                [texts[row] for row in rows],
                padding=True,
                truncation=True,
                max_length=LONGEST,
                return_tensors="pt",
            )
            weights = read["attention_mask"].unsqueeze(-1).float()
            states = (model(**read).last_hidden_state * weights).sum(1) / weights.sum(1)
            found[rows] = torch.nn.functional.normalize(states, dim=-1).numpy()
        return found

    return embed
