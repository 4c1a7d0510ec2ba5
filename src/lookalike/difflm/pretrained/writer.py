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
from lookalike.difflm.pretrained.cache import empty_cache
from lookalike.difflm.pretrained.vae import PretrainedVAE
from lookalike.difflm.sampling.drawing import Drawing
from lookalike.difflm.sampling.told import Told
from lookalike.difflm.training.threads import Threads
from lookalike.errors import SchemaError

MOST_OVER = 2_000  # tokens that a record may take to come to its end
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
        self.cache = empty_cache() if memory is None else memory
        known = inspect.signature(vae.base.forward).parameters
        self.last = {"logits_to_keep": 1} if "logits_to_keep" in known else {}
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


class _FieldCounts:
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


class _Records:
    """Records that are written side by side: of each row one, or its candidates while they are weighed.

    done: (records,) bool, those that have ended. origin: (records,) the row that each is of. free: the walk
    without the conditions, by which candidates are weighed; None where there is one record a row.
    """

    def __init__(
        self,
        draft: Draft,
        grammar: Grammar,
        free: Grammar | None,
        pieces: list[bytes],
        texts: Sequence[bool],
        limit: int,
        end: int,
    ):
        self.draft, self.limit, self.end, self.pieces = draft, limit, end, pieces
        self.latest = max(limit, *map(len, draft.tokens), 0)
        self.walk = _begun(grammar, draft.tokens)
        self.free = None if free is None else _begun(free, draft.tokens)
        self.fields = _FieldCounts(
            pieces, [b"".join(pieces[token] for token in begun) for begun in draft.tokens]
        )
        self.device = draft.logits.device
        self._texts = torch.tensor([*texts, False], device=self.device)
        self.done = torch.zeros(len(draft.tokens), dtype=torch.bool, device=self.device)
        self.origin = torch.arange(len(draft.tokens))

    def waiting(self, fields: int) -> Tensor:
        """(records,) bool: those that have not come to so many complete fields."""
        behind = [complete < fields for complete in self.fields.complete()]
        return torch.tensor(behind, device=self.device) & ~self.done

    def in_text(self) -> Tensor:
        """(records,) bool: those whose next token is of a text."""
        complete = torch.tensor(self.fields.complete(), device=self.device)
        return self._texts[complete.clamp(max=len(self._texts) - 1)]

    def allowed(self, walk: Walk) -> Tensor:
        """(records, words) int32, bits of the tokens that may come; records that are done only end again.

        Raises SchemaError where a record that has to come to its end does not.
        """
        done = self.done.cpu().numpy()
        live = np.flatnonzero(~done)
        bits = np.zeros((len(done), walk.grammar.width), dtype=np.int32)
        bits.view(np.uint32)[done, self.end // 32] = 1 << self.end % 32
        if len(live):
            length = np.array([len(self.draft.tokens[row]) for row in live])
            if length.max() > self.latest + MOST_OVER:
                self._explain(self.draft.tokens[live[length.argmax()]])
            bits[live] = walk.bits(live, length >= self.limit)
        return torch.from_numpy(bits).to(self.device)

    def _explain(self, tokens: list[int]) -> None:
        said = b"".join(self.pieces[token] for token in tokens[-40:]).decode("utf-8", "replace")
        raise SchemaError(
            f"a row does not come to an end, {MOST_OVER:,} tokens after it had to; its text ends in "
            f"{said!r}: leave that column out, or declare it a text."
        )

    def log_share(self, allowed: Tensor) -> Tensor:
        """(records,) the log of how likely `allowed` is among what may come without the conditions."""
        assert self.free is not None
        logits, possible = self.draft.logits, self.allowed(self.free)
        return _log_mass(logits, allowed) - _log_mass(logits, possible)

    def take(self, tokens: Tensor) -> None:
        """(records,) what was drawn; the draft gets it by itself, when it is known which records go on."""
        live = ~self.done & (tokens != self.end)
        rows, own = np.flatnonzero(live.cpu().numpy()), tokens[live].cpu().numpy()
        for walk in (self.walk, self.free):
            if walk is not None:
                walk.take(rows, own)
        self.done = self.done | (tokens == self.end)
        self.fields.put(tokens.tolist())

    def select(self, kept: Tensor) -> None:
        """Keep these records, in this order (one may come twice)."""
        self.draft.select(kept)
        self.walk.select(kept.cpu().numpy())
        self.fields.select(kept.tolist())
        self.done, self.origin = self.done[kept], self.origin[kept.cpu()]

    def choose(self, kept: Tensor) -> None:
        """One candidate of each row has been chosen."""
        self.select(kept)
        self.free, self.origin = None, torch.arange(len(kept))

    def finished(self) -> list[tuple[int, list[int]]]:
        """(row, tokens) of the records that have ended."""
        ended = torch.nonzero(self.done).flatten().tolist()
        return [(int(self.origin[i]), [t for t in self.draft.tokens[i] if t != self.end]) for i in ended]


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
    chosen as the texts are written; told: hears of it. Raises SchemaError for a record that does not end.
    """
    drawing, told = drawing or Drawing(), told or Told()
    threads = threads or Threads(torch.get_num_threads())
    told.expect(rows)
    by_row = prefix is not None  # each row has candidates of its own
    prefix = prefix or [[] for _ in range(len(latent))]
    weight = torch.zeros(len(latent), device=latent.device) if log_weight is None else log_weight
    weighing = early > 0 and len(latent) > rows
    if not weighing and len(latent) > rows:  # no more is known of the candidates
        kept = resample(weight, rows, True, generator) if by_row else _first_of_each(latent, rows)
        latent, prefix = latent[kept], [prefix[row] for row in kept.tolist()]
    draft = Draft(vae, latent, prefix)
    records = _Records(draft, grammar, free if weighing else None, pieces, texts, limit, vae.end)
    written: list[list[int]] = [[] for _ in range(rows)]
    while True:
        # choose: what the conditions restrict is written, so each row goes on with one of its candidates
        if weighing and not (waiting := records.waiting(early)).any():
            records.choose(resample(weight, rows, by_row, generator))
            weighing = False
        allowed = records.allowed(records.walk)
        # weigh: how likely what the conditions allow is, among all that may come
        if weighing:
            weight = weight + torch.where(waiting, records.log_share(allowed), 0.0)
        # draw a token of every record
        tokens = _draw(draft.logits, allowed, drawing, records.in_text(), generator)
        tokens = torch.where(records.done, vae.end, tokens)
        records.take(tokens)
        # pack: records that have ended leave the batch, once they are a good part of it
        if not weighing and records.done.float().mean() >= 1 - RETIRE:
            for row, record in records.finished():
                written[row] = record
                told.add(1)
            if records.done.all():
                return written
            tokens = tokens[~records.done]
            records.select(torch.nonzero(~records.done).flatten())
        threads.begin()
        draft.put(tokens)
        threads.end(float(len(tokens)))


def _first_of_each(latent: Tensor, rows: int) -> Tensor:
    """(rows,) the place of the first candidate of each row."""
    return torch.arange(rows, device=latent.device) * (len(latent) // rows)


def _log_mass(logits: Tensor, allowed: Tensor) -> Tensor:
    return logits.masked_fill(~_unpacked(allowed, logits.shape[1]), -torch.inf).logsumexp(1)


def _unpacked(bits: Tensor, tokens: int) -> Tensor:
    """(rows, words) int32 -> (rows, tokens) bool."""
    places = torch.arange(32, dtype=torch.int32, device=bits.device)
    return (bits.unsqueeze(2) >> places & 1).bool().flatten(1)[:, :tokens]


def _begun(grammar: Grammar, prefix: list[list[int]]) -> Walk:
    walk = grammar.walk(len(prefix))
    for place in range(max(map(len, prefix))):
        rows = np.array([row for row, begun in enumerate(prefix) if len(begun) > place])
        walk.take(rows, np.array([prefix[row][place] for row in rows]))
    return walk


def _draw(
    logits: Tensor, allowed: Tensor, drawing: Drawing, texts: Tensor, generator: torch.Generator
) -> Tensor:
    """(rows, tokens) -> (rows,) one allowed token each; texts: (rows,) bool, those that `drawing` shapes.

    allowed: (rows, words) int32, bits. A language model that has learned the records seldom says what is not
    allowed. So a token is drawn of all, and anew of the allowed ones where it is none of them: the allowed
    ones keep their shares, and few rows have to be masked.
    """
    chosen = pick(logits, generator)
    again = (allowed.gather(1, (chosen // 32).unsqueeze(1)).squeeze(1) >> chosen % 32 & 1) == 0
    if drawing != Drawing():
        again = again | texts
    rows = again.nonzero().flatten()
    if len(rows):
        chosen[rows] = _among(logits[rows], allowed[rows], drawing, texts[rows], generator)
    return chosen


def _among(
    logits: Tensor, allowed: Tensor, drawing: Drawing, texts: Tensor, generator: torch.Generator
) -> Tensor:
    """As `_draw`, by logits that are masked and shaped."""
    possible = _unpacked(allowed, logits.shape[1])
    some = possible.any(0).nonzero().flatten()  # outside of texts a grammar leaves few tokens of a vocabulary
    possible = possible[:, some]
    masked = logits[:, some].masked_fill(~possible, IMPOSSIBLE)
    masked = torch.where(texts.unsqueeze(1), drawing.shape(masked), masked)
    chosen = pick(masked, generator).unsqueeze(1)
    fits = possible.gather(1, chosen)  # sums over a large vocabulary are rounded
    return some[torch.where(fits, chosen, masked.argmax(1, keepdim=True)).squeeze(1)]
