"""Finding, checking and loading a Hugging Face causal language model and its fast tokenizer.

A folder or a GGUF file is read as it is. Only a name that is neither is looked up on the hub. No code of a
repository is ever run, and of a folder only safetensors are read.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lookalike.difflm.half import HALF
from lookalike.difflm.training.memory import check_memory, enough_memory, free_memory, ran_out
from lookalike.errors import MissingDependency, ModelError, first_line

WEIGHTS = "model.safetensors"  # or several files
FILES = ("config.json", "tokenizer.json", WEIGHTS)  # that a model has
WANTED = ("*.json", "*.safetensors", "*.txt", "*.model")
# bytes of logits and their gradients that training may take: so many, or this share of a GPU's free memory
LOGITS, LOGITS_SHARE = 3_000_000_000, 0.1
SMALLER = "choose a smaller backbone or shorter texts"
LARGE = 50_000_000  # parameters, from which on bfloat16 is worth it on a CPU
_SPARE = 1.25  # activations, logits and what the machine needs itself, over the weights


@dataclass
class PretrainedLM:
    """A loaded language model or encoder, and its tokenizer.

    name: as the user wrote it; files: name -> SHA-256 of what it consists of.
    """

    name: str
    model: Any
    tokenizer: Any
    files: dict[str, str]


def hugging_face() -> Any:
    """The package transformers, or MissingDependency."""
    try:
        import transformers
    except ImportError:
        raise MissingDependency("transformers", "pretrained") from None
    return transformers


def load_backbone(name: str, device: torch.device, tokens: int = 0) -> PretrainedLM:
    """A causal language model, frozen, in the numbers of `precision`.

    name: a folder, a GGUF file (whose weights are taken out of their blocks), or the id of a model on the
    hub. tokens: that training has at once, 0 where nothing is
    trained: for the check of the memory, which comes before any weight is read. Raises ModelError for what
    is not a causal language model or lacks files, OptionError where the memory is too small.
    """
    transformers = hugging_face()
    with _quiet(transformers):
        own = gguf_file(name)
        options = _LOCAL | ({} if own is None else {"gguf_file": own.name})
        folder = own.parent if own else fetch(name, FILES[:1])
        if own is None:
            _check_files(name, folder, FILES[:1])
        config = _read(name, lambda: transformers.AutoConfig.from_pretrained(folder, **options))
        _check_causal(name, config)
        _check_memory(name, config, device, tokens)
        if own is None:
            folder = fetch(name, WANTED)
            _check_files(name, folder)
        tokenizer = _tokenizer(name, folder, options)
        if device.type == "cuda":  # cuDNN's attention under a mask fails at times, or has gradients of NaN,
            torch.backends.cuda.enable_cudnn_sdp(False)  # in torch 2.11 (its issues 190321 and 196678)
        dtype = precision(device, _parameters(name, config))
        model = _load(name, transformers.AutoModelForCausalLM, folder, dtype, options).to(device)
    rows = model.get_input_embeddings().num_embeddings
    if len(tokenizer) > rows:
        raise ModelError(
            f"the tokenizer of {name} has {len(tokenizer)} tokens, but the model knows {rows}: "
            "give a folder in which both are of the same model."
        )
    return PretrainedLM(name, freeze(model), tokenizer, fingerprint(own or folder))


def gguf_file(name: str) -> Path | None:
    """The file that a name ending in .gguf means, None for another name.

    Raises ModelError where there is no such file or it is of another format, MissingDependency without the
    package that reads it.
    """
    path = Path(name).expanduser()
    if path.suffix.lower() != ".gguf" or path.is_dir():
        return None
    if not path.is_file():
        raise ModelError(f"there is no file {name}: give the place of a GGUF file with backbone.")
    with open(path, "rb") as file:
        if file.read(4) != b"GGUF":
            raise ModelError(f"the file {name} is not a GGUF file: download it again, or give a folder.")
    if importlib.util.find_spec("gguf") is None:
        raise MissingDependency("gguf", "gguf")
    return path


def precision(device: torch.device, parameters: int) -> torch.dtype:
    """That of a backbone's weights: bfloat16 on a GPU, and on a processor that multiplies such numbers.

    SmolLM2-135M then trains 1.5 to 2 times as fast on a CPU. A tiny model is no faster for it, and any is
    many times as slow where the processor has no instructions for such numbers.
    """
    if device.type == "cuda" or (parameters >= LARGE and HALF):
        return torch.bfloat16
    return torch.float32


def load_encoder(name: str, device: torch.device) -> PretrainedLM:
    """An encoder such as BERT, frozen, with its tokenizer; as `load_backbone` otherwise."""
    transformers = hugging_face()
    with _quiet(transformers):
        folder = fetch(name, WANTED)
        _check_files(name, folder)
        config = _read(name, lambda: transformers.AutoConfig.from_pretrained(folder, **_LOCAL))
        if config.is_encoder_decoder:
            raise ModelError(f"the encoder {name} also has a decoder: name a model such as a BERT.")
        tokenizer = _read(name, lambda: transformers.AutoTokenizer.from_pretrained(folder, **_LOCAL))
        tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
        if tokenizer.pad_token is None:
            raise ModelError(f"the tokenizer of the encoder {name} has no padding token: name another one.")
        model = _load(name, transformers.AutoModel, folder, torch.float32, _LOCAL).to(device)
    return PretrainedLM(name, freeze(model), tokenizer, fingerprint(folder))


_LOCAL = {"local_files_only": True, "trust_remote_code": False}


def freeze(model: Any) -> Any:
    """No gradients and no dropout: what it says of a text is then one and the same in training and after."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    for option in ("attention_dropout", "attention_probs_dropout_prob", "attn_pdrop"):
        if isinstance(getattr(model.config, option, None), float):
            setattr(model.config, option, 0.0)
    for module in model.modules():
        if isinstance(getattr(module, "attention_dropout", None), float):
            module.attention_dropout = 0.0
    return model.requires_grad_(False).eval()


def fetch(name: str, patterns: tuple[str, ...]) -> Path:
    """The folder of a model; of the hub only the files that match are downloaded.

    Raises ModelError where there is no such folder, no such model, or the hub cannot be reached.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    beside = len(folder.parts) > 1 and folder.parent.is_dir()  # a slip in the name of a folder
    if name.startswith((".", "~", os.sep)) or name.count("/") != 1 or folder.exists() or beside:
        raise ModelError(
            f"the backbone {name} is not a folder: give its place with backbone, or its id on the hub "
            "as OWNER/NAME."
        )
    import huggingface_hub as hub  # transformers needs it

    try:
        return Path(
            hub.snapshot_download(
                name, allow_patterns=list(patterns), ignore_patterns=["*/*", "consolidated*"]
            )
        )
    except hub.errors.GatedRepoError:
        raise ModelError(
            f"the model {name} may not be read without its owner's permission: ask for it on the hub "
            "and log in."
        ) from None
    except hub.errors.RepositoryNotFoundError:
        raise ModelError(f"the hub has no model {name}: check the name.") from None
    except (hub.errors.LocalEntryNotFoundError, hub.errors.HfHubHTTPError, OSError, ValueError) as error:
        raise ModelError(
            f"the model {name} is not on this machine and the hub cannot be reached "
            f"({type(error).__name__}): go online, or give a folder."
        ) from None


def fingerprint(folder: Path) -> dict[str, str]:
    """file -> SHA-256 of the configuration, the tokenizer and the weights, or of a GGUF file."""
    if folder.is_file():  # which holds all three, and may have another name later
        with open(folder, "rb") as file:
            return {"the GGUF file": hashlib.file_digest(file, "sha256").hexdigest()}
    names = [p for p in sorted(folder.iterdir()) if p.name in ("config.json", "tokenizer.json")]
    names += sorted(folder.glob("*.safetensors"))
    found = {}
    for path in names:
        with open(path, "rb") as file:
            found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def check_same(name: str, known: dict[str, str], found: dict[str, str]) -> None:
    """Raises ModelError naming the files in which a model differs from the one that was learned with."""
    odd = sorted(file for file in known.keys() | found.keys() if known.get(file) != found.get(file))
    if odd:
        raise ModelError(
            f"{name} is not the model that was learned with, {', '.join(odd)} differ: give the same one "
            "with backbone=, or fit again."
        )


def logits_bytes(vocabulary: int, tokens: int) -> int:
    """What the logits of so many tokens take in training, with their gradients."""
    return 12 * vocabulary * tokens


def most_tokens(vocabulary: int, tokens: int, device: torch.device) -> int:
    """At most so many tokens at once, fewer where the vocabulary is large."""
    room = max(LOGITS, LOGITS_SHARE * free_memory(device)) if device.type == "cuda" else LOGITS
    return max(256, min(tokens, int(room / logits_bytes(vocabulary, 1))))


def _check_memory(name: str, config: Any, device: torch.device, tokens: int) -> None:
    parameters = _parameters(name, config)
    weights = parameters * precision(device, parameters).itemsize
    vocabulary = config.get_text_config().vocab_size
    at_once = most_tokens(vocabulary, tokens, device) if tokens else 0
    needed = weights * _SPARE + logits_bytes(vocabulary, at_once)
    check_memory(needed, device, f"the backbone {name} needs", "choose a smaller one")


def _parameters(name: str, config: Any) -> int:
    """How many a causal language model has, which is not read for it."""
    with torch.device("meta"):
        empty = _read(name, lambda: hugging_face().AutoModelForCausalLM.from_config(config))
    return sum(p.numel() for p in empty.parameters())


def _check_causal(name: str, config: Any) -> None:
    """Models that only fill gaps (BERT) can be loaded as causal ones, and would write nonsense."""
    auto = hugging_face().models.auto.modeling_auto
    causal = auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    kinds = {one for names in causal.values() for one in ([names] if isinstance(names, str) else names)}
    named = list(config.architectures or [])
    two_ways = config.model_type in auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES and not getattr(
        config, "is_decoder", False
    )
    if config.model_type in causal and not two_ways and (not named or kinds & set(named)):
        return
    what = named[0] if named else f"model of the type {config.model_type}"
    raise ModelError(
        f"the backbone {name} is a {what}, which is not a causal language model: name one such as "
        "Qwen/Qwen2.5-0.5B."
    )


def _check_files(name: str, folder: Path, wanted: Sequence[str] = FILES) -> None:
    there = {WEIGHTS if path.suffix == ".safetensors" else path.name for path in folder.iterdir()}
    missing = [file for file in wanted if file not in there]
    if missing:
        raise ModelError(f"the model {name} lacks {' and '.join(missing)}: give its complete folder.")


def _tokenizer(name: str, folder: Path, options: Mapping[str, Any]) -> Any:
    tokenizer = _read(name, lambda: hugging_face().AutoTokenizer.from_pretrained(folder, **options))
    if not tokenizer.is_fast:
        raise ModelError(
            f"the tokenizer of {name} is not a fast one: name a model that has a tokenizer.json."
        )
    if tokenizer.eos_token_id is None:
        raise ModelError(
            f"the tokenizer of {name} has no end-of-text token: set eos_token in its configuration."
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    _one_way_of_bytes(tokenizer)
    return tokenizer


def _one_way_of_bytes(tokenizer: Any) -> None:
    """A tokenizer that splits texts by bytes also joins them so.

    Some releases of transformers (5.17 is one) give the tokenizer of a GGUF file decoders of two kinds. A
    reader that believes the first kind takes the sign of a space for a letter: texts lose all their spaces.
    """
    own = tokenizer.backend_tokenizer
    parts = json.loads(own.to_str())
    splits, joins = (json.dumps(parts[name]) for name in ("pre_tokenizer", "decoder"))
    if '"ByteLevel"' in splits and '"ByteFallback"' in joins:
        from tokenizers.decoders import ByteLevel  # transformers needs it

        own.decoder = ByteLevel()


def _load(name: str, auto: Any, folder: Path, dtype: torch.dtype, options: Mapping[str, Any]) -> Any:
    format_ = {} if "gguf_file" in options else {"use_safetensors": True}
    with enough_memory(name, SMALLER):
        model, report = _read(
            name,
            lambda: auto.from_pretrained(folder, dtype=dtype, output_loading_info=True, **format_, **options),
        )
    lost = sorted(report["missing_keys"])
    if lost and not all("pooler" in key for key in lost):  # BERT's pooler is not used
        raise ModelError(f"the weights of {name} lack {lost[0]}: give its complete folder.")
    if "gguf_file" in options and hasattr(model.config, "quantization_config"):
        del model.config.quantization_config  # of the file: the weights are of `dtype` now
    return model


def _read(name: str, make: Any) -> Any:
    try:
        return make()
    except Exception as error:  # the library raises whatever its parsers raise
        if ran_out(error):
            raise
        own_code = "trust_remote_code" in str(error)
        why = "it needs code of its own, which is never run" if own_code else first_line(error)[:160]
        raise ModelError(f"the model {name} cannot be loaded ({why}): give another one.") from None


@contextlib.contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """No bars and no warnings of the library: what is wrong is said in one sentence."""
    logging = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # the bar of a GGUF file is not the library's
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
