"""Tiny language models with a tokenizer of their own, as folders: what the tests use as pretrained ones."""

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

WIDTH, POSITIONS = 32, 512
SMALL = {
    "hidden_size": WIDTH,
    "intermediate_size": 2 * WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": POSITIONS,
}
SPARE = 7  # rows of the embeddings beyond the tokens, as models have them


def tokenizer(texts: list[str], special: tuple[str, ...] = ("<|end|>",), size: int = 400) -> Tokenizer:
    """A byte-level BPE that is trained on the spot."""
    found = Tokenizer(models.BPE())
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    found.train_from_iterator(texts, trainer)
    return found


def sentence_pieces(texts: list[str], special: tuple[str, ...], size: int = 700) -> Tokenizer:
    """A BPE as that of Llama 2 and Mistral: spaces are letters, one comes first, rare letters are bytes."""
    found = Tokenizer(models.BPE(byte_fallback=True, unk_token=special[0]))
    found.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    letters = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=[*special, *letters], show_progress=False)
    found.train_from_iterator(texts, trainer)
    found.decoder = decoders.Sequence([
        decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)
    ])  # fmt: skip
    parts = json.loads(found.to_str())
    parts["added_tokens"] = parts["added_tokens"][: len(special)]  # bytes are tokens as others are
    return Tokenizer.from_str(json.dumps(parts))


def save_tokenizer(folder: Path, texts: list[str], make: Any = tokenizer, **tokens: str) -> int:
    """Writes the files of a tokenizer; tokens: such as eos_token. Returns its size."""
    own = make(texts, tuple(tokens.values()) or ("<|none|>",))
    wrapped = transformers.PreTrainedTokenizerFast(tokenizer_object=own, **tokens)
    wrapped.save_pretrained(folder)
    return len(wrapped)


def _llama(size: int) -> Any:
    config = transformers.LlamaConfig(
        vocab_size=size + SPARE,
        **SMALL,
        num_key_value_heads=2,
        bos_token_id=None,
        eos_token_id=0,
    )
    return transformers.LlamaForCausalLM(config)


def _gpt2(size: int) -> Any:
    config = transformers.GPT2Config(
        vocab_size=size + SPARE, n_embd=WIDTH, n_layer=2, n_head=2, n_positions=POSITIONS, eos_token_id=0
    )
    return transformers.GPT2LMHeadModel(config)


def _qwen2(size: int) -> Any:
    config = transformers.Qwen2Config(
        vocab_size=size + SPARE,
        **SMALL,
        num_key_value_heads=1,
        tie_word_embeddings=True,
        eos_token_id=0,
    )
    return transformers.Qwen2ForCausalLM(config)


def _mistral(size: int) -> Any:
    config = transformers.MistralConfig(
        vocab_size=size,
        **SMALL,
        num_key_value_heads=2,
        sliding_window=24,  # shorter than a record
    )
    return transformers.MistralForCausalLM(config)


FAMILIES = {"llama": _llama, "gpt2": _gpt2, "qwen2": _qwen2, "mistral": _mistral}
PIECES = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}  # of Mistral


def save_backbone(folder: Path, family: str, texts: list[str], steps: int = 0, **tokens: str) -> Path:
    """The folder of a random language model of a family and its tokenizer.

    steps: of training on the texts, which makes it a pretrained one.
    """
    if family == "mistral":
        size = save_tokenizer(folder, texts, sentence_pieces, **PIECES)
    else:
        size = save_tokenizer(folder, texts, **(tokens or {"eos_token": "<|end|>"}))
    with torch.random.fork_rng([]):
        torch.manual_seed(1)
        model = FAMILIES[family](size)
        if steps:
            _pretrain(model, transformers.AutoTokenizer.from_pretrained(folder), texts, steps)
    model.save_pretrained(folder)
    return folder


def _pretrain(model: Any, words: Any, texts: list[str], steps: int) -> None:
    rows = [[0, *words(text, add_special_tokens=False)["input_ids"], 0] for text in texts]
    longest = max(map(len, rows))
    tokens = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    labels = torch.tensor([row + [-100] * (longest - len(row)) for row in rows])
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    for step in range(steps):
        at = torch.randperm(len(rows))[:32]
        for group in optimizer.param_groups:
            group["lr"] = 1e-2 * (1 - step / steps)
        optimizer.zero_grad()
        model(input_ids=tokens[at], labels=labels[at]).loss.backward()
        optimizer.step()
    model.eval()


def save_bert(folder: Path, texts: list[str]) -> Path:
    """A tiny encoder, which is not a causal language model."""
    size = save_tokenizer(folder, texts, pad_token="<|pad|>", eos_token="<|end|>")
    config = transformers.BertConfig(
        vocab_size=size,
        hidden_size=WIDTH,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=2 * WIDTH,
        max_position_embeddings=POSITIONS,
    )
    with torch.random.fork_rng([]):
        torch.manual_seed(1)
        transformers.BertForMaskedLM(config).save_pretrained(folder)
    return folder


def save_gguf(folder: Path, file: Path) -> Path:
    """The Qwen2 of a folder as a GGUF file, in float32."""
    import gguf

    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    config, words = model.config, json.loads((folder / "tokenizer.json").read_text())["model"]
    writer = gguf.GGUFWriter(file, "qwen2")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    tokens = sorted(words["vocab"], key=words["vocab"].get)
    tokens += [f"<|spare {place}|>" for place in range(config.vocab_size - len(tokens))]
    special = [
        gguf.TokenType.CONTROL if token.startswith("<|") else gguf.TokenType.NORMAL for token in tokens
    ]
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types(special)
    writer.add_token_merges([" ".join(pair) for pair in words["merges"]])
    writer.add_eos_token_id(0)
    writer.add_pad_token_id(0)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN2, config.num_hidden_layers)
    for name, weight in model.state_dict().items():
        if name != "lm_head.weight":  # which is tied to the embeddings
            writer.add_tensor(names.get_name(name, (".weight", ".bias")), weight.float().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file
