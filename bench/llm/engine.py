"""A causal language model of `transformers` that writes many texts at once, each from its own prompt.

The cache is one block of slots. A text has a slot from its prompt to its end, so it joins and leaves between
two steps and the others are not moved, but for the last one, which takes the slot that is free. A step is
one forward pass of all texts; what a JSON Schema allows next is looked up on the CPUs while the pass runs.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

import numpy as np
import torch
from torch import Tensor

COMPACT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
PAUSE = 8  # steps between two looks at who waits: a prompt costs as much as a step
AT_ONCE = {"cuda": 32_768, "cpu": 2_048}  # tokens of prompts that are read in one pass
ROUND = 64  # the cache is read up to a multiple of this
TOLD = 16  # tokens after which a stream hears of them


@dataclass
class Text:
    """A text to be written, and how far it is.

    prompt: tokens; most: tokens at most; grammar: where it is in its JSON Schema; stops: what ends it;
    heard: gets the text so far now and then, and at the end None. finish: "stop", "length", "cancelled" or
    the error that ended it.
    """

    prompt: list[int]
    most: int
    temperature: float = 1.0
    grammar: Any = None
    stops: tuple[str, ...] = ()
    tokens: list[int] = field(default_factory=list)
    text: str = ""
    finish: str | None = None
    heard: SimpleQueue[str | None] = field(default_factory=SimpleQueue)
    cancelled: bool = False


class Slots:
    """Keys and values of all texts, as the layers of `transformers` want to have them: (slots, heads,
    context, size) a layer. rows, places: where the next ones go; first: whether they are those of whole
    prompts.
    """

    def __init__(
        self, config: Any, slots: int, context: int, device: torch.device, dtype: torch.dtype
    ) -> None:
        heads = config.num_key_value_heads
        size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        shape = (config.num_hidden_layers, slots, heads, context, size)
        self.keys, self.values = (torch.zeros(shape, device=device, dtype=dtype) for _ in range(2))
        self.rows = self.places = torch.empty(0)
        self.first, self.upto = True, 0

    def update(self, keys: Tensor, values: Tensor, layer: int, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Keeps (rows, heads, new, size) and returns what the attention of these rows reads."""
        own = self.keys[layer], self.values[layer]
        if self.first:
            length = keys.shape[2]
            for kept, new in zip(own, (keys, values), strict=True):
                kept[self.rows, :, :length] = new
            return keys, values
        for kept, new in zip(own, (keys, values), strict=True):
            kept[self.rows, :, self.places] = new[:, :, 0]
        count = len(self.rows)
        return own[0][:count, :, : self.upto], own[1][:count, :, : self.upto]

    def get_seq_length(self, *_: Any) -> int:
        return 0

    def move(self, source: int, target: int) -> None:
        self.keys[:, target] = self.keys[:, source]
        self.values[:, target] = self.values[:, source]


def attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scaling: float, **_: Any
) -> tuple[Tensor, None]:
    """Of whole prompts (no mask), or of one new token a row over its slot; grouped heads are not repeated."""
    if mask is None:
        found = torch.nn.functional.scaled_dot_product_attention(
            query, key, value, is_causal=True, scale=scaling, enable_gqa=True
        )
        return found.transpose(1, 2).contiguous(), None
    rows, heads, _new, size = query.shape
    grouped = query.reshape(rows, key.shape[1], heads // key.shape[1], size)
    scores = grouped @ key.transpose(-1, -2) * scaling + mask
    found = scores.float().softmax(-1).to(value.dtype) @ value
    return found.reshape(rows, 1, heads, size), None


class Engine:
    """The model of a folder, its tokenizer and the texts that it is writing; `run` never ends.

    slots: texts at once; context: tokens of prompt and text together. top_k, top_p, min_p: which tokens may
    be drawn, in this order and before the temperature. Raises ValueError for a model whose layers look back
    less far than the context.
    """

    def __init__(
        self, folder: str, *, device: str = "auto", slots: int = 0, context: int = 2048, top_k: int = 40,
        top_p: float = 0.95, min_p: float = 0.05, seed: int = 0,
    ) -> None:  # fmt: skip
        import llguidance
        import llguidance.hf
        import llguidance.numpy
        from transformers import AttentionInterface, AutoModelForCausalLM, AutoTokenizer

        from lookalike.difflm.pretrained.hub import precision

        self._guidance = llguidance
        AttentionInterface.register("slots", attention)
        kind = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        self.device = torch.device(kind)
        self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = AutoModelForCausalLM.from_pretrained(
            folder, local_files_only=True, dtype="auto", attn_implementation="slots"
        )
        dtype = precision(self.device, model.num_parameters())
        self.model = model.eval().to(self.device, dtype)
        config = model.config.get_text_config()
        self.context = min(context, int(config.max_position_embeddings))
        window = getattr(config, "sliding_window", None)
        if window and getattr(config, "use_sliding_window", True) and window < self.context:
            raise ValueError(f"layers of this model see {window} tokens: give a context of at most that.")
        self.slots = slots or {"cuda": 256}.get(kind, 16)
        self.cache = Slots(config, self.slots, self.context, self.device, dtype)
        self.vocabulary = int(config.vocab_size)
        self.guide = llguidance.hf.from_tokenizer(self.tokenizer, n_vocab=self.vocabulary)
        self.workers = llguidance.LLExecutor()
        ends = model.generation_config.eos_token_id
        ends = [ends] if isinstance(ends, int) else list(ends or [])
        self.ends = {self.tokenizer.eos_token_id, *ends}
        self.top_k, self.top_p, self.min_p = top_k, top_p, min_p
        self._draw = torch.Generator(self.device).manual_seed(seed)
        self._waiting: deque[Text] = deque()
        self._came = threading.Condition()
        self._grammars: dict[str, Any] = {}
        self.active: list[Text] = []
        self.steps = self.written = self.read = 0
        self.seconds = 0.0

    def prompt(self, messages: list[dict[str, Any]]) -> list[int]:
        """The tokens of a chat, up to where the answer begins."""
        text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def grammar(self, schema: dict[str, Any]) -> Any:
        """What may be written under a JSON Schema, from its beginning; ValueError for one that is not
        understood.
        """
        name = json.dumps(schema, sort_keys=False)
        if name not in self._grammars:
            text = self._guidance.LLMatcher.grammar_from_json_schema(name, overrides=COMPACT)
            found = self._guidance.LLMatcher(self.guide, text, log_level=0)
            if found.is_error():
                raise ValueError(found.get_error())
            self._grammars[name] = found
        return self._grammars[name].deep_copy()

    def write(self, text: Text) -> None:
        """Puts a text in the row of those that wait."""
        with self._came:
            self._waiting.append(text)
            self._came.notify()

    def run(self) -> None:
        """Writes whatever comes, for ever."""
        while True:
            with self._came:
                while not self._waiting and not self.active:
                    self._came.wait()
            try:
                self._work()
            except Exception as error:  # the texts that are under way are lost, the server is not
                for text in [*self.active, *self._waiting]:
                    text.finish = text.finish or f"{type(error).__name__}: {error}"
                    text.heard.put(None)
                self.active.clear()
                self._waiting.clear()
                raise

    @torch.inference_mode()
    def _work(self) -> None:
        """Lets in who waits, then writes a few tokens of all."""
        begun = time.perf_counter()
        self._admit()
        for _ in range(PAUSE):
            if not self.active:
                break
            self._step()
        self.seconds += time.perf_counter() - begun

    def _admit(self) -> None:
        new: list[Text] = []
        with self._came:
            while self._waiting and len(self.active) + len(new) < self.slots:
                new.append(self._waiting.popleft())
        new.sort(key=lambda text: len(text.prompt))
        while new:
            most = AT_ONCE.get(self.device.type, 2_048)
            count = 1
            while count < len(new) and (count + 1) * len(new[count].prompt) <= most:
                count += 1
            self._read(new[:count])
            new = new[count:]

    def _read(self, some: list[Text]) -> None:
        """Reads prompts, of about the same length, and draws the first token of each."""
        longest = max(len(text.prompt) for text in some)
        padded = torch.zeros(len(some), longest, dtype=torch.long)
        for row, text in enumerate(some):
            padded[row, : len(text.prompt)] = torch.tensor(text.prompt)
        slots = range(len(self.active), len(self.active) + len(some))
        self.active += some
        self.cache.first, self.cache.rows = True, torch.tensor(slots, device=self.device)
        places = torch.arange(longest, device=self.device).expand(len(some), -1)
        states = self._forward(padded.to(self.device), places, None)
        last = torch.tensor([len(text.prompt) - 1 for text in some], device=self.device)
        states = states[torch.arange(len(some), device=self.device), last]
        self.read += sum(len(text.prompt) for text in some)
        self._put(some, self._logits(states))

    def _step(self) -> None:
        """The next token of every text."""
        some = list(self.active)
        tokens = torch.tensor([text.tokens[-1] for text in some], device=self.device)
        lengths = [len(text.prompt) + len(text.tokens) for text in some]
        places = torch.tensor([length - 1 for length in lengths], device=self.device)
        cache = self.cache
        cache.first, cache.rows, cache.places = False, torch.arange(len(some), device=self.device), places
        cache.upto = min(-(-max(lengths) // ROUND) * ROUND, self.context)
        beyond = torch.arange(cache.upto, device=self.device)[None] > places[:, None]
        mask = torch.zeros(beyond.shape, device=self.device, dtype=cache.keys.dtype)
        mask = mask.masked_fill(beyond, float("-inf"))[:, None, None]
        states = self._forward(tokens[:, None], places[:, None], mask)
        self.steps += 1
        self._put(some, self._logits(states[:, 0]))

    def _forward(self, tokens: Tensor, places: Tensor, mask: Tensor | None) -> Tensor:
        return self.model.base_model(
            input_ids=tokens,
            position_ids=places,
            attention_mask=mask,
            past_key_values=self.cache,
            use_cache=True,
        ).last_hidden_state

    def _logits(self, states: Tensor) -> Tensor:
        return self.model.get_output_embeddings()(states).float()

    def _put(self, some: list[Text], logits: Tensor) -> None:
        """Draws a token of each and ends the texts that are complete."""
        self._allow(some, logits)
        drawn = self._drawn(logits, [text.temperature for text in some]).tolist()
        jobs = []
        for text, token in zip(some, drawn, strict=True):
            if token in self.ends:
                text.finish = "stop"
                continue
            text.tokens.append(token)
            if text.grammar is not None:
                jobs.append((text.grammar, token))
        if jobs:
            self.workers.consume_token_par(jobs)
        self.written += len(drawn)
        for text in some:
            self._tell(text)
        for text in some:
            if text.finish is not None:
                self._leave(text)

    def _allow(self, some: list[Text], logits: Tensor) -> None:
        """Takes away what the schemas do not allow."""
        jobs = [(text.grammar, row) for row, text in enumerate(some) if text.grammar is not None]
        if not jobs:
            return
        bits = np.full((len(some), -(-self.guide.vocab_size // 32)), -1, dtype=np.int32)
        self._guidance.numpy.fill_next_token_bitmask_par(self.workers, jobs, bits)
        words = torch.from_numpy(bits).to(self.device)
        single = torch.arange(32, device=self.device, dtype=torch.int32)
        allowed = ((words[:, :, None] >> single) & 1).bool().flatten(1)[:, : logits.shape[1]]
        logits[:, : allowed.shape[1]].masked_fill_(~allowed, float("-inf"))
        logits[:, allowed.shape[1] :] = float("-inf")

    def _drawn(self, logits: Tensor, temperatures: list[float]) -> Tensor:
        best, tokens = logits.topk(self.top_k, dim=-1)
        chances = best.softmax(-1)
        before = chances.cumsum(-1) - chances
        dropped = (before > self.top_p) | (chances < self.min_p * chances[:, :1])
        heat = torch.tensor([max(one, 1e-4) for one in temperatures], device=self.device)[:, None]
        chances = (best.masked_fill(dropped, float("-inf")) / heat).softmax(-1)
        places = torch.multinomial(chances, 1, generator=self._draw)
        return tokens.gather(1, places)[:, 0]

    def _tell(self, text: Text) -> None:
        """Whether a text is at its end, and what of it is told."""
        if text.finish is None and text.grammar is not None and text.grammar.is_stopped():
            text.finish = "stop"
        full = len(text.prompt) + len(text.tokens) >= self.context
        if text.finish is None and (len(text.tokens) >= text.most or full):
            text.finish = "length"
        if text.cancelled:
            text.finish = "cancelled"
        if text.finish is None and not text.stops and len(text.tokens) % TOLD:
            return
        text.text = self.tokenizer.decode(text.tokens, skip_special_tokens=True)
        found = [at for stop in text.stops if (at := text.text.find(stop)) >= 0]
        if found:
            text.text, text.finish = text.text[: min(found)], "stop"
        if text.finish is None:
            text.heard.put(text.text)

    def _leave(self, text: Text) -> None:
        """Frees the slot of a text; the last one moves there."""
        slot, last = self.active.index(text), len(self.active) - 1
        if slot != last:
            self.cache.move(last, slot)
            self.active[slot] = self.active[last]
        self.active.pop()
        text.heard.put(None)
