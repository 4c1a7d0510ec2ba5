"""Latent -> the text of a record by a pretrained language model: cached, in batches, under a grammar.

What is given is forced, what a condition restricts is written next, and a row is drawn from several
candidates by the likelihood of both: sampling-importance-resampling. Every text is
valid: a token that the schema does not let through is never drawn, and a row that grows too long is brought
to its end.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lookalike.codec.grammar import Grammar, Walk
from lookalike.difflm.categorical import IMPOSSIBLE, pick, resample
from lookalike.difflm.pretrained.vae import PretrainedVAE
from lookalike.difflm.sampling.drawing import Drawing
from lookalike.difflm.sampling.told import Told
from lookalike.difflm.training.threads import Threads

RETIRE = 0.75  # the batch is packed anew when no more than this share of its rows is still being written


class Draft:
    """Texts being written: the cache, what has been seen, and the logits of the next token.

    latent: (rows, latent size); prefix: the tokens that every row begins with, of different lengths.
    """

    def __init__(self, vae: PretrainedVAE, latent: Tensor, prefix: list[list[int]]):
        self.vae, self.tokens = vae, [list(tokens) for tokens in prefix]
        longest = max(map(len, prefix))
        padded = torch.tensor([[vae.pad] * (longest - len(p)) + p for p in prefix], dtype=torch.long)
        pads = torch.tensor([longest - len(p) for p in prefix])
        device = latent.device
        inputs = vae.inputs(latent, padded.view(len(prefix), longest).to(device), pads.to(device))
        self.added = None
        if vae.config.injection == "input_embed":
            self.added = (vae.spread * vae.map(latent)).unsqueeze(1)
        self.mask = inputs["attention_mask"]
        memory = inputs.pop("past_key_values", None)
        self.cache = vae.empty_cache() if memory is None else memory
        model = vae.language.get_base_model() if vae.config.lora else vae.language
        self.last = (
            {"logits_to_keep": 1} if "logits_to_keep" in inspect.signature(model.forward).parameters else {}
        )
        self._forward(inputs)

    def _forward(self, inputs: dict[str, Any]) -> None:
        found = self.vae.language(**inputs, past_key_values=self.cache, use_cache=True, **self.last)
        self.logits = found.logits[:, -1].float()

    def put(self, tokens: Tensor) -> None:
        """(rows,) the next token of every row."""
        for written, token in zip(self.tokens, tokens.tolist(), strict=True):
            written.append(token)
        vectors = self.vae.embeddings[0](tokens.unsqueeze(1))
        if self.added is not None:
            vectors = vectors + self.added.to(vectors.dtype)
        self.mask = torch.cat([self.mask, self.mask.new_ones(len(tokens), 1)], 1)
        inputs: dict[str, Any] = {"inputs_embeds": vectors, "attention_mask": self.mask}
        if self.vae.numbered:
            inputs["position_ids"] = self.mask.sum(1, keepdim=True) - 1
        self._forward(inputs)

    def select(self, rows: Tensor) -> None:
        """Keep these rows, in this order (a row may come twice)."""
        self.tokens = [list(self.tokens[row]) for row in rows.tolist()]
        self.mask, self.logits = self.mask[rows], self.logits[rows]
        self.added = None if self.added is None else self.added[rows]
        self.cache.batch_select_indices(rows)


class _Fields:
    """How many fields of each record are complete: the commas outside of strings and of nested values."""

    def __init__(self, pieces: list[bytes], texts: list[bytes]):
        self.pieces = pieces
        self.states = [(0, False, False, 0)] * len(texts)  # depth, in a string, after a backslash, complete
        for row, text in enumerate(texts):
            self._read(row, text)

    def put(self, tokens: list[int]) -> None:
        for row, token in enumerate(tokens):
            self._read(row, self.pieces[token])

    def select(self, rows: list[int]) -> None:
        self.states = [self.states[row] for row in rows]

    def complete(self) -> list[int]:
        return [state[3] for state in self.states]

    def _read(self, row: int, text: bytes) -> None:
        depth, inside, escaped, complete = self.states[row]
        for letter in text.decode("latin-1"):
            if escaped:
                escaped = False
            elif inside:
                escaped, inside = letter == "\\", letter != '"'
            elif letter == '"':
                inside = True
            elif letter in "{[":
                depth += 1
            elif letter in "}]":
                depth -= 1
                complete += depth == 0
            elif letter == "," and depth == 1:
                complete += 1
        self.states[row] = depth, inside, escaped, complete


@torch.no_grad()
def write(
    vae: PretrainedVAE,
    grammar: Grammar,
    pieces: list[bytes],
    texts: Sequence[bool],
    latent: Tensor,
    rows: int,
    generator: torch.Generator,
    *,
    prefix: list[list[int]] | None = None,
    log_weight: Tensor | None = None,
    early: int = 0,
    free: Grammar,
    limit: int,
    drawing: Drawing | None = None,
    threads: Threads | None = None,
    told: Told | None = None,
) -> list[list[int]]:
    """Tokens of one record per row, without the one that ends it.

    latent: (rows x candidates, latent size), the candidates of a row one after the other; without `prefix`
    the rows share their candidates. prefix: the tokens that each candidate begins with, log_weight: their
    log likelihood. early: how many fields come before a candidate is chosen (0 = all candidates but the
    first of a row are left out); free: the grammar without the conditions: what it excludes, too, says
    nothing of a latent. limit: tokens after which a record is brought to its end. pieces: the
    bytes of every token. texts: of the fields in the order that they are written, which are texts: these are
    shaped by `drawing`, and the others are drawn as they were learned, so that no class is lost. threads:
    chosen as the texts are written; told: hears of it.
    """
    drawing, told = drawing or Drawing(), told or Told()
    threads = threads or Threads(torch.get_num_threads())
    told.expect(rows)
    by_row = each = prefix is not None
    prefix = prefix or [[] for _ in range(len(latent))]
    weight = torch.zeros(len(latent), device=latent.device) if log_weight is None else log_weight
    early = early if len(latent) > rows else 0
    if not early and len(latent) > rows:
        kept = torch.arange(rows, device=latent.device) * (len(latent) // rows)
        kept = resample(weight, rows, True, generator) if by_row else kept
        latent, prefix = latent[kept], [prefix[row] for row in kept.tolist()]
    draft = Draft(vae, latent, prefix)
    walk = _begun(grammar, prefix)
    unrestricted = _begun(free, prefix) if early else walk
    fields = _Fields(pieces, [b"".join(pieces[token] for token in begun) for begun in prefix])
    chosen = not early  # the candidates have been
    shaped = torch.tensor([*texts, False], device=latent.device)
    done = torch.zeros(len(latent), dtype=torch.bool, device=latent.device)
    written: list[list[int]] = [[] for _ in range(rows)]
    origin = torch.arange(len(latent))
    comma = torch.tensor([piece[:1] == b"," for piece in pieces], device=latent.device)
    while True:
        allowed = _allowed(walk, draft, done, limit, vae.end)
        if by_row:  # a number that is given must not go on
            allowed, by_row = allowed & comma, False
        if not chosen:
            open_ = torch.tensor([c < early for c in fields.complete()], device=latent.device) & ~done
            if not open_.any():
                kept = resample(weight, rows, each, generator)
                draft.select(kept)
                walk.select(kept.cpu().numpy())
                fields.select(kept.tolist())
                done, allowed = done[kept], allowed[kept]
                origin, chosen = torch.arange(rows), True
            else:
                possible = _allowed(unrestricted, draft, done, limit, vae.end)
                mass = _log_mass(draft.logits, allowed) - _log_mass(draft.logits, possible)
                weight = weight + torch.where(open_, mass, 0.0)
        in_text = shaped[torch.tensor(fields.complete(), device=latent.device).clamp(max=len(texts))]
        drawn = _draw(draft.logits, allowed, drawing, in_text, generator)
        tokens = torch.where(done, vae.end, drawn)
        live = ~done & (tokens != vae.end)
        for one in [walk] if chosen else [walk, unrestricted]:
            one.take(np.flatnonzero(live.cpu().numpy()), tokens[live].cpu().numpy())
        done = done | (tokens == vae.end)
        fields.put(tokens.tolist())
        if chosen and (done.all() or done.float().mean() >= 1 - RETIRE):
            for row in torch.nonzero(done).flatten().tolist():
                written[int(origin[row])] = [token for token in draft.tokens[row] if token != vae.end]
                told.add(1)
            kept = torch.nonzero(~done).flatten()
            if not len(kept):
                return written
            draft.select(kept)
            walk.select(kept.cpu().numpy())
            fields.select(kept.tolist())
            origin, tokens, done = origin[kept.cpu()], tokens[kept], done[kept]
        threads.begin()
        draft.put(tokens)
        threads.end(float(len(tokens)))


def _log_mass(logits: Tensor, allowed: Tensor) -> Tensor:
    return logits.masked_fill(~allowed, -torch.inf).logsumexp(1)


def _begun(grammar: Grammar, prefix: list[list[int]]) -> Walk:
    walk = grammar.walk(len(prefix))
    for place in range(max(map(len, prefix))):
        rows = np.array([row for row, begun in enumerate(prefix) if len(begun) > place])
        walk.take(rows, np.array([prefix[row][place] for row in rows]))
    return walk


def _allowed(walk: Walk, draft: Draft, done: Tensor, limit: int, end: int) -> Tensor:
    """(rows, tokens) bool; rows that are done may only end again."""
    live = np.flatnonzero(~done.cpu().numpy())
    allowed = torch.zeros(draft.logits.shape, dtype=torch.bool)
    allowed[:, end] = done.cpu()
    if len(live):
        closing = np.array([len(draft.tokens[row]) >= limit for row in live])
        allowed[torch.from_numpy(live)] = torch.from_numpy(walk.mask(live, closing))
    return allowed.to(done.device)


def _draw(
    logits: Tensor, allowed: Tensor, drawing: Drawing, texts: Tensor, generator: torch.Generator
) -> Tensor:
    """(rows, tokens) -> (rows,) one allowed token each; texts: (rows,) bool, those that `drawing` shapes."""
    some = allowed.any(0).nonzero().flatten()  # outside of texts a grammar leaves few tokens of a vocabulary
    masked = logits[:, some].float().masked_fill(~allowed[:, some], IMPOSSIBLE)
    masked = torch.where(texts.unsqueeze(1), drawing.shape(masked), masked)
    chosen = pick(masked, generator).unsqueeze(1)
    fits = allowed[:, some].gather(1, chosen)  # sums over a large vocabulary are rounded
    return some[torch.where(fits, chosen, masked.argmax(1, keepdim=True)).squeeze(1)]
