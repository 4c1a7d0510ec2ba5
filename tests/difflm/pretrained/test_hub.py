"""Backbones that cannot be used, that have moved, and that are not the same any more."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import transformers

from lookalike import Schema
from lookalike.cli.main import main
from lookalike.difflm import DiffLM
from lookalike.difflm.pretrained import hub
from lookalike.difflm.training import memory
from lookalike.errors import MissingDependency, ModelError, OptionError
from tests.difflm.backbones import save_backbone, save_bert, save_gguf, save_tokenizer
from tests.difflm.pretrained.models import check_rows, made


def _without(folder: Path, target: Path, *files: str) -> Path:
    shutil.copytree(folder, target)
    for file in files:
        (target / file).unlink()
    return target


def test_backbones_that_cannot_be_used(
    texts: list[str], backbone: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, device = backbone("llama"), torch.device("cpu")
    for file in ("config.json", "model.safetensors", "tokenizer.json"):
        with pytest.raises(ModelError, match=f"lacks {file}"):
            hub.load_backbone(str(_without(own, tmp_path / file, file)), device)
    bert = save_bert(tmp_path / "bert", texts)
    with pytest.raises(ModelError, match="is a BertForMaskedLM, which is not a causal language model"):
        hub.load_backbone(str(bert), device)
    with pytest.raises(ModelError, match="is not a folder"):
        hub.load_backbone(str(tmp_path / "nothing"), device)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="is not a folder"):
        hub.load_backbone("bert/nothing", device)
    with pytest.raises(ModelError, match="the hub cannot be reached"):
        hub.load_backbone("lookalike-tests/no-such-model", device)
    endless = _without(own, tmp_path / "endless")
    save_tokenizer(endless, texts, bos_token="<|begin|>")
    with pytest.raises(ModelError, match="has no end-of-text token"):
        hub.load_backbone(str(endless), device)
    torn = _without(own, tmp_path / "torn")
    (torn / "model.safetensors").write_bytes((own / "model.safetensors").read_bytes()[:-100])
    with pytest.raises(ModelError, match="cannot be loaded"):
        hub.load_backbone(str(torn), device)
    foreign = _without(own, tmp_path / "foreign")
    settings = json.loads((foreign / "config.json").read_text())
    settings |= {"auto_map": {"AutoConfig": "evil.Config"}, "model_type": "evil"}
    (foreign / "config.json").write_text(json.dumps(settings))
    with pytest.raises(ModelError, match="cannot be loaded"):
        hub.load_backbone(str(foreign), device)
    monkeypatch.setattr(memory, "free_memory", lambda _: 1e5)
    with pytest.raises(OptionError, match=r"needs about 0.0 GB of memory and 0.0 GB are free \(cpu\)"):
        hub.load_backbone(str(own), device)


def test_a_backbone_on_a_gpu_does_without_the_attention_of_cudnn(
    backbone: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "_check_memory", lambda *_: None)
    monkeypatch.setattr(transformers.PreTrainedModel, "to", lambda self, *_: self)  # there may be no GPU
    before = torch.backends.cuda.cudnn_sdp_enabled()
    try:
        for device, kept in (("cpu", True), ("cuda", False)):
            torch.backends.cuda.enable_cudnn_sdp(True)
            hub.load_backbone(str(backbone("llama")), torch.device(device))
            assert torch.backends.cuda.cudnn_sdp_enabled() is kept
    finally:
        torch.backends.cuda.enable_cudnn_sdp(before)


def test_a_gguf_file_is_a_backbone(
    people: pd.DataFrame, schema: Schema, texts: list[str], tmp_path: Path
) -> None:
    pytest.importorskip("gguf")
    (tmp_path / "own").mkdir()
    own = save_backbone(tmp_path / "own", "qwen2", texts, eos_token="<|endoftext|>")  # as all of them have it
    file = save_gguf(own, tmp_path / "tiny.gguf")
    folder, found = (hub.load_backbone(str(one), torch.device("cpu")) for one in (own, file))
    tokens = torch.tensor([found.tokenizer('{"job":"nurse"}')["input_ids"]])
    assert tokens.tolist()[0] == folder.tokenizer('{"job":"nurse"}')["input_ids"]
    assert torch.allclose(found.model(tokens).logits, folder.model(tokens).logits, atol=1e-4)
    model = made(file, steps=2).fit(people, schema)
    model.save(tmp_path / "m")
    moved = shutil.move(file, tmp_path / "renamed.gguf")
    again = DiffLM.load(tmp_path / "m", backbone=str(moved))
    check_rows(again.sample(5, seed=0), people, schema)


def test_gguf_files_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device, file = torch.device("cpu"), tmp_path / "model.gguf"
    with pytest.raises(ModelError, match=r"there is no file .*model\.gguf"):
        hub.load_backbone(str(file), device)
    file.write_bytes(b"not one")
    with pytest.raises(ModelError, match="is not a GGUF file"):
        hub.load_backbone(str(file), device)
    file.write_bytes(b"GGUF and then nothing")
    monkeypatch.setattr(hub.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingDependency, match=r"'gguf'.*pip install '\.\[gguf\]'"):
        hub.load_backbone(str(file), device)


def test_the_command_line(
    people: pd.DataFrame, schema: Schema, backbone: Callable[[str], Path], tmp_path: Path, capsys: Any
) -> None:
    people.to_csv(tmp_path / "real.csv", index=False)
    real, model, out = str(tmp_path / "real.csv"), str(tmp_path / "m"), str(tmp_path / "out.csv")
    bert = save_bert(tmp_path / "bert", ["{}"])
    assert main(["fit", real, "-o", model, "--backbone", str(bert), "--quiet"]) == 2
    assert "not a causal language model" in capsys.readouterr().err
    moved = tmp_path / "backbone"
    shutil.copytree(backbone("llama"), moved)
    fit = ["fit", real, "-o", model, "--backbone", str(moved), "--lora", "2", "--max-time", "0.5s", "--quiet"]
    assert main(fit) == 0
    moved.rename(tmp_path / "elsewhere")
    sample = ["sample", model, "-n", "5", "-o", out, "--where", "job=nurse", "--quiet"]
    assert main(sample) == 2 and "is not a folder" in capsys.readouterr().err
    assert main([*sample, "--backbone", str(tmp_path / "elsewhere")]) == 0
    rows = pd.read_csv(out)
    assert list(rows.columns) == list(people.columns) and set(rows["job"]) == {"nurse"}
    other = str(backbone("gpt2"))
    assert main([*sample, "--backbone", other]) == 2
    assert "is not the model that was learned with" in capsys.readouterr().err
