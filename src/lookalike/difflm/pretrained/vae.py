"""The variational autoencoder around a pretrained causal language model (DiffLM, sections 3.1 and 3.3).

The language model stays frozen (or is adapted by LoRA) and is used through the interfaces that all of them
share: input embeddings, a key/value cache, logits. What is trained is the encoder's head and the injection
of the latent:

- soft_prompt: vectors before the record's first token (the default);
- prefix_soft_prompt: learned vectors that are the same for every record, then those of the latent;
- kv_memory: keys and values of each layer, seen by all positions;
- input_embed: one vector is added to the embedding of every token.
"""

from __future__ import annotations

import contextlib
import inspect
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lookalike.difflm.pretrained.adapters import Adapters
from lookalike.difflm.pretrained.cache import empty_cache
from lookalike.difflm.pretrained.hub import PretrainedLM
from lookalike.errors import ModelError, OptionError

# Of what is injected at first, over that of embeddings. With 1 the posterior's noise disturbs the language
# model and is made small for that, which takes all of the rate: a bound of 91 nats, not 83, on a tiny Llama.
SPREAD = 0.1
UNSEEN = 0.01  # how often a token that no record has is counted
FOLLOW = 0.02  # how fast the encoder's running mean and deviation follow
SHORT = 256  # tokens of a record, up to which attention takes little memory where all of it is kept
VARIANTS = ("soft_prompt", "prefix_soft_prompt", "kv_memory", "input_embed")


@dataclass(frozen=True)
class PretrainedConfig:
    """Sizes of what is trained around the language model.

    lora: rank of the adapters, 0 = the language model stays as it is. latent_tokens x latent_width: size of
    the latent; prompt: vectors (or keys) that it becomes; width, layers, heads: of the encoder;
    checkpointing: trade time for memory, even where the memory does not ask for it.
    """

    injection: str = "soft_prompt"
    lora: int = 0
    latent_tokens: int = 4
    latent_width: int = 8
    prompt: int = 4
    width: int = 128
    layers: int = 2
    heads: int = 4
    checkpointing: bool = False


class Reader(nn.Module):
    """Embedded tokens -> posterior: a small transformer, pooled by a learned query for each latent token."""

    def __init__(self, inputs: int, config: PretrainedConfig, layers: int):
        super().__init__()
        width = config.width
        self.inputs = nn.Sequential(nn.LayerNorm(inputs), nn.Linear(inputs, width))
        layer = nn.TransformerEncoderLayer(
            width, config.heads, 2 * width, 0.0, F.gelu, batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False) if layers else None
        self.query = nn.Parameter(torch.randn(config.latent_tokens, width) * width**-0.5)
        self.norm = nn.LayerNorm(width)
        self.shift = nn.Parameter(torch.zeros(config.latent_tokens, width), requires_grad=False)
        self.gain = nn.Parameter(torch.ones(config.latent_tokens, width), requires_grad=False)
        # without a bias: a mean that is the same for all records would spend the rate on a prompt
        self.mean = nn.Linear(width, config.latent_width, bias=False)
        self.log_variance = nn.Linear(width, config.latent_width)
        for head in (self.mean, self.log_variance):
            nn.init.normal_(head.weight, std=0.3 * head.weight.std().item())
        nn.init.zeros_(self.log_variance.bias)

    def pooled(self, embedded: Tensor, mask: Tensor) -> Tensor:
        """(rows, tokens, inputs), (rows, tokens) True where a token is -> (rows, latent tokens, width)."""
        hidden = self.inputs(embedded.float())
        if self.layers is not None:
            hidden = self.layers(hidden + _positions(hidden), src_key_padding_mask=~mask)
        hidden = self.norm(hidden)
        scores = (hidden @ self.query.T).masked_fill(~mask.unsqueeze(-1), -torch.inf)
        return scores.softmax(1).transpose(1, 2) @ hidden

    @torch.no_grad()
    def follow(self, pooled: Tensor, share: float = 1.0) -> None:
        """Moves shift and gain by `share` to what gives these rows mean 0 and variance 1.

        Records are alike in most of their tokens: without it, what tells them apart is lost among what does
        not.
        """
        if len(pooled) > 1:
            self.shift.lerp_(pooled.mean(0), share)
            self.gain.lerp_(1 / pooled.std(0, correction=0).clamp(min=0.01), share)

    def forward(self, embedded: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The same inputs -> mean and log variance, each (rows, latent size)."""
        pooled = self.pooled(embedded, mask)
        if self.training:
            self.follow(pooled.detach(), FOLLOW)
        told = (pooled - self.shift) * self.gain
        return self.mean(told).flatten(1), self.log_variance(told).flatten(1).clamp(-8, 4)


def _positions(hidden: Tensor) -> Tensor:
    """Sines and cosines of the place, (tokens, width): any length."""
    width, device = hidden.shape[-1], hidden.device
    rates = 10_000.0 ** -(torch.arange(0, width, 2, device=device) / width)
    angle = torch.arange(hidden.shape[1], device=device).unsqueeze(-1) * rates
    return torch.cat([angle.sin(), angle.cos()], -1)[:, :width] * 0.3


class PretrainedVAE(nn.Module):
    """p(record | latent) of a language model that the latent is injected into, and q(latent | record).

    Raises ModelError for a language model without the interfaces that are needed.
    """

    def __init__(self, backbone: PretrainedLM, encoder: PretrainedLM | None, config: PretrainedConfig):
        super().__init__()
        self.config, self.name = config, backbone.name
        self.language = backbone.model
        self.encoder = None if encoder is None else encoder.model
        # lists, so that these are not a part twice
        self.embeddings: list[Any] = [backbone.model.get_input_embeddings()]
        self.head: list[Any] = [backbone.model.get_output_embeddings()]
        self.head[0].register_forward_pre_hook(_together)
        tokenizer = backbone.tokenizer
        self.begin = tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id
        self.end, self.pad = int(tokenizer.eos_token_id), int(tokenizer.pad_token_id)
        self.reading = self.pad if encoder is None else int(encoder.tokenizer.pad_token_id)  # of the encoder
        self.limit = _limit(backbone.model.config)
        self.numbered = "position_ids" in inspect.signature(backbone.model.forward).parameters
        weight = self.embeddings[0].weight
        self.hidden, self.vocabulary = int(weight.shape[1]), int(weight.shape[0])
        inputs = self.hidden if self.encoder is None else int(self.encoder.config.hidden_size)
        self.reader = Reader(inputs, config, config.layers if self.encoder is None else 0)
        self._injection(weight)
        self.checkpointing = False
        if config.lora:
            self.language = Adapters(self.language, config.lora).model
        if config.checkpointing:
            self.checkpoint_layers()
        self.to(weight.device)

    def checkpoint_layers(self) -> None:
        """From now on the layers are computed a second time for their gradients, which takes less memory.

        Raises OptionError where it is not possible.
        """
        if self.config.injection == "kv_memory":
            raise OptionError(
                "injection kv_memory needs the cache that checkpointing does without: choose another one."
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # newer versions have another name for it
            self.language.gradient_checkpointing_enable(
                gradient_checkpointing_kwargs={"use_reentrant": False}
            )
        self.checkpointing = True

    @contextlib.contextmanager
    def attending(self, longest: int) -> Iterator[None]:
        """While this lasts, attention to records of so many tokens is computed as is quickest with gradients.

        On a CPU torch's fused attention goes back slowly: steps of SmolLM2 on 8 records of 40 or 128 tokens
        took a sixth less time without it. Writing, where one position attends at a time, is quicker with it.
        """
        model = self.base
        usual = getattr(model.config, "_attn_implementation", None)
        known = usual == "sdpa" and hasattr(model, "set_attn_implementation")
        if not known or longest > SHORT or self.words.device.type != "cpu":
            yield
            return
        model.set_attn_implementation("eager")
        try:
            yield
        finally:
            model.set_attn_implementation(usual)

    def _injection(self, weight: Tensor) -> None:
        config, size = self.config, self.latent_size
        self.spread = float(weight[:10_000].float().std())  # of an embedding: what is injected has its scale
        outputs = {"input_embed": self.hidden, "kv_memory": 0}.get(
            config.injection, config.prompt * self.hidden
        )
        if config.injection == "kv_memory":
            self.shapes = self._probe()
            outputs = sum(2 * config.prompt * heads * width for heads, width, _, _ in self.shapes)
        self.map = nn.Linear(size, outputs)
        nn.init.normal_(self.map.weight, std=SPREAD * size**-0.5)
        nn.init.zeros_(self.map.bias)
        self.bag = nn.Linear(size, self.hidden, bias=False)
        nn.init.normal_(self.bag.weight, std=SPREAD * size**-0.5)
        self.common = torch.zeros(self.vocabulary, device=weight.device)
        vectors = {"soft_prompt": config.prompt, "prefix_soft_prompt": 2 * config.prompt}
        words = torch.randint(len(weight), (vectors.get(config.injection, 0),), device=weight.device)
        self.words = nn.Parameter(
            weight[words].detach().float().clone()
        )  # prompts that start as words learn faster

    @torch.no_grad()
    def _probe(self) -> list[tuple[int, int, float, float]]:
        """Heads, head width, and the scales of keys and values in the cache of every layer."""
        cache = empty_cache()
        words = torch.randint(self.vocabulary, (1, 16), device=self.embeddings[0].weight.device)
        self.language(inputs_embeds=self.embeddings[0](words), past_key_values=cache, use_cache=True)
        pairs = [(layer.keys, layer.values) for layer in cache.layers]
        if any(not isinstance(key, Tensor) or key.ndim != 4 for key, _ in pairs):
            raise ModelError(
                f"the cache of {self.name} has no keys in some layer, so injection kv_memory cannot be used: "
                "choose soft_prompt."
            )
        return [
            (key.shape[1], key.shape[3], float(key.float().std()), float(value.float().std()))
            for key, value in pairs
        ]

    def count(self, records: list[list[int]]) -> None:
        """Takes from these records, as tokens, how common every token is."""
        counts = torch.full((self.vocabulary,), UNSEEN, dtype=torch.float32)
        for tokens in records:
            counts[list(set(tokens))] += 1
        self.common = (counts / counts.sum()).log().to(self.words.device)

    def bag_of_words(self, latent: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        """(rows,) negative log likelihood of the words of records, in any order, given the latent alone.

        A language model writes a text well without a latent, so that nothing makes the latent tell what the
        text is about (Zhao et al., Learning Discourse-level Diversity, 2017, section 3.3). The words are
        compared with the embeddings of the backbone; how common each is need not be told. tokens, mask:
        as of `forward`.
        """
        weight = self.embeddings[0].weight
        logits = F.linear(self.bag(latent).to(weight.dtype), weight).float() + self.common
        told = logits.log_softmax(1).gather(1, tokens)
        return -(told * mask).sum(1)

    @property
    def latent_size(self) -> int:
        return self.config.latent_tokens * self.config.latent_width

    @property
    def base(self) -> Any:
        """The language model as it was loaded, below its adapters."""
        return self.language.get_base_model() if self.config.lora else self.language

    @property
    def before(self) -> int:
        """Positions before the record's first token."""
        return len(self.words) + 1 + (self.config.prompt if self.config.injection == "kv_memory" else 0)

    def trained(self) -> dict[str, nn.Parameter]:
        """name -> what is trained and saved."""
        kept = {"reader.shift", "reader.gain"}  # which follow the records
        return {name: p for name, p in self.named_parameters() if p.requires_grad or name in kept}

    # ---- the two directions --------------------------------------------------------------------------------

    def posterior(self, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance, each (rows, latent size), of records; mask: where there is a token.

        With an encoder by name, the tokens are those of its own tokenizer.
        """
        mean, log_variance = self.reader(self.embedded(tokens, mask), mask)
        return mean, log_variance

    @torch.no_grad()
    def embedded(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """What the reader is given: embeddings of the language model, or what the encoder makes of them."""
        if self.encoder is None:
            return self.embeddings[0](tokens)
        return self.encoder(input_ids=tokens, attention_mask=mask.long()).last_hidden_state

    def inputs(self, latent: Tensor, tokens: Tensor, pads: Tensor | None = None) -> dict[str, Any]:
        """What the language model is given for records that begin with `tokens`, (rows, tokens).

        pads: (rows,) how many positions at the left are empty, so that texts of different lengths end
        together: `tokens` then stands right. The logits at position `before - 1` and on (without the
        memory's) are those of the record's tokens.
        """
        rows, config = len(latent), self.config
        dtype = self.embeddings[0].weight.dtype
        begin = torch.full((rows, 1), self.begin, device=latent.device)
        vectors = self.embeddings[0](torch.cat([begin, tokens], 1)).to(dtype)
        scaled = self.map(latent)
        if config.injection == "input_embed":
            vectors = vectors + (self.spread * scaled).unsqueeze(1).to(dtype)
        elif config.injection != "kv_memory":
            prompt = self.words + F.pad(
                self.spread * scaled.view(rows, config.prompt, self.hidden),
                (0, 0, len(self.words) - config.prompt, 0),
            )
            vectors = torch.cat([prompt.to(dtype), vectors], 1)
        mask = torch.ones(rows, vectors.shape[1], dtype=torch.long, device=latent.device)
        found: dict[str, Any] = {}
        if pads is not None:  # [prompt][begin][tokens] moves to the right by its pads
            width = vectors.shape[1]
            at = torch.arange(width, device=latent.device) - pads.unsqueeze(1)
            head = width - tokens.shape[1]  # the tokens stand right already, the head has to follow
            source = torch.where(at < head, at, torch.arange(width, device=latent.device))
            vectors = vectors.gather(1, source.clamp(min=0).unsqueeze(-1).expand(-1, -1, self.hidden))
            mask = (at >= 0).long()
        if config.injection == "kv_memory":
            found["past_key_values"] = self._memory(scaled)
            mask = F.pad(mask, (config.prompt, 0), value=1)
        if self.numbered:
            places = (mask.cumsum(1) - 1).clamp(min=0)
            found["position_ids"] = places[:, -vectors.shape[1] :]
        return {**found, "inputs_embeds": vectors, "attention_mask": mask}

    def _memory(self, scaled: Tensor) -> Any:
        cache, dtype = empty_cache(), self.embeddings[0].weight.dtype
        sizes = [self.config.prompt * heads * width for heads, width, _, _ in self.shapes for _ in range(2)]
        parts = iter(scaled.split(sizes, 1))
        for layer, (heads, width, keys, values) in enumerate(self.shapes):
            shape = (len(scaled), heads, self.config.prompt, width)
            pair = [(next(parts).view(shape) * scale).to(dtype) for scale in (keys, values)]
            cache.update(*pair, layer)
        return cache

    def forward(self, latent: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        """Negative log likelihood of every token of records, (rows, tokens), in nats; 0 where there is none.

        latent: (rows, latent size); tokens: (rows, tokens), padded at the right; mask: where there is a
        token.
        """
        inputs = self.inputs(latent, tokens[:, :-1])
        width = inputs["inputs_embeds"].shape[1]
        inputs["attention_mask"][:, inputs["attention_mask"].shape[1] - tokens.shape[1] + 1 :] &= mask[:, :-1]
        wanted = F.pad(mask, (width - tokens.shape[1], 0), value=False)
        nll = F.cross_entropy(self._logits(inputs, wanted).float(), tokens[mask], reduction="none")
        return torch.zeros(tokens.shape, device=nll.device).masked_scatter(mask, nll)

    def _logits(self, inputs: dict[str, Any], wanted: Tensor) -> Tensor:
        """(positions, vocabulary) logits of the positions `wanted`, (rows, positions) bool, alone.

        With a vocabulary of 50,000 the head costs as much as 8 layers: the positions of the prompt and of
        the padding are left out before it.
        """

        def gathered(_: Any, hidden: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            return (hidden[0][wanted].unsqueeze(0), *hidden[1:])

        hook = self.head[0].register_forward_pre_hook(gathered)
        try:
            cached = self.config.injection == "kv_memory"
            found: Tensor = self.language(**inputs, use_cache=cached).logits[0]
        finally:
            hook.remove()
        return found


def _together(_: Any, hidden: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The last positions of several rows, side by side in memory.

    Otherwise torch 2.13 multiplies row by row on a CPU: 64 rows and 49,152 tokens took 7.5 s, and .03 so.
    """
    return (hidden[0].contiguous(), *hidden[1:])


def _limit(config: Any) -> int:
    """Positions that the language model was made for."""
    text = config.get_text_config()
    found = getattr(text, "max_position_embeddings", None) or getattr(text, "n_positions", None)
    return int(found or 4096)
