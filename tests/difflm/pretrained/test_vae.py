"""The VAE around a pretrained language model: families, injections, precision, adapters."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from lookalike import Schema
from lookalike.codec import NOT_MISSING
from lookalike.difflm import DiffLM
from lookalike.difflm.pretrained import hub
from lookalike.errors import OptionError
from tests.difflm.pretrained.models import check_rows, made, untrained


@pytest.mark.parametrize(
    ("family", "injection"),
    [
        ("llama", "soft_prompt"),
        ("llama", "kv_memory"),  # grouped queries: fewer keys than heads
        ("gpt2", "kv_memory"),
        ("gpt2", "prefix_soft_prompt"),
        ("qwen2", "input_embed"),
        ("mistral", "soft_prompt"),
        ("mistral", "kv_memory"),
    ],
)
def test_families_and_injections(
    family: str,
    injection: str,
    people: pd.DataFrame,
    schema: Schema,
    backbone: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    model = made(backbone(family), injection=injection, lora=0)
    model.fit(people, schema=schema)
    before = hub.load_backbone(str(backbone(family)), torch.device("cpu")).model.state_dict()
    for name, weight in model.vae.language.state_dict().items():
        assert torch.equal(weight, before[name]), name  # frozen
    free = model.sample(12, seed=1)
    check_rows(free, people, schema)
    named = model.sample(5, where={"job": "nurse", "age": (30, 40), "note": NOT_MISSING})
    assert (
        set(named["job"]) == {"nurse"} and named["age"].between(30, 40).all() and named["note"].notna().all()
    )
    given = people[["age", "note"]].iloc[:6]
    rows = model.sample(given=given)
    kept = given["note"].notna()
    assert rows["age"].tolist() == given["age"].tolist()
    assert rows["note"][kept].tolist() == given["note"][kept].tolist()
    model.save(tmp_path / "m")
    assert sum(file.stat().st_size for file in (tmp_path / "m").iterdir()) < 3e6
    again = DiffLM.load(tmp_path / "m")
    pd.testing.assert_frame_equal(again.sample(12, seed=1), free)


@pytest.mark.parametrize(
    ("family", "options"),
    [
        ("llama", {"lora": True}),
        ("gpt2", {"injection": "prefix_soft_prompt"}),
        ("qwen2", {"injection": "kv_memory"}),
        ("mistral", {"injection": "input_embed"}),
    ],
)
def test_the_precision_of_a_gpu(
    family: str,
    options: dict[str, Any],
    people: pd.DataFrame,
    schema: Schema,
    backbone: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(hub, "precision", lambda device, parameters: torch.bfloat16)
    model = made(backbone(family), **options).fit(people, schema=schema)
    assert model.vae.embeddings[0].weight.dtype == torch.bfloat16
    assert all(p.dtype == torch.float32 for p in model.vae.trained().values())  # what is trained stays exact
    assert np.isfinite(model.history[0]["bound"])
    free = model.sample(12, seed=1)
    check_rows(free, people, schema)
    assert set(model.sample(5, where={"job": "nurse"})["job"]) == {"nurse"}
    given = people[["age"]].iloc[:6]
    assert model.sample(given=given)["age"].tolist() == given["age"].tolist()
    model.save(tmp_path / "m")
    again = DiffLM.load(tmp_path / "m")
    pd.testing.assert_frame_equal(again.sample(12, seed=1), free)


def test_padding_changes_no_likelihood(learned: DiffLM) -> None:
    latent = torch.randn(2, learned.vae.latent_size, generator=torch.Generator().manual_seed(0))
    tokens = torch.tensor([[5, 6, 7, 8], [9, 10, 0, 0]])
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    with torch.no_grad():
        both = learned.vae(latent, tokens, mask)
        alone = learned.vae(latent[1:], tokens[1:, :2], mask[1:, :2])
    assert torch.allclose(both[1, :2], alone[0], atol=1e-4) and both[1, 2:].abs().sum() == 0


def test_adapters(
    people: pd.DataFrame, schema: Schema, backbone: Callable[[str], Path], tmp_path: Path
) -> None:
    model = made(backbone("gpt2"), lora=4).fit(people, schema=schema)
    names = list(model.records.weights())
    assert any("lora_B" in name for name in names)
    assert not any("base_layer" in name or "wte" in name for name in names)
    changed = [p for n, p in model.vae.trained().items() if "lora_B" in n]  # they begin at zero
    assert changed and all(float(p.detach().abs().max()) > 0 for p in changed)
    model.save(tmp_path / "m")
    rows = DiffLM.load(tmp_path / "m").sample(4, seed=2)
    pd.testing.assert_frame_equal(rows, model.sample(4, seed=2))
    check_rows(rows, people, schema)


def test_options_that_do_not_fit_together(backbone: Callable[[str], Path]) -> None:
    for wrong in [
        {"lora": True},
        {"beta": "schedule"},
        {"encoder": "x"},
        {"injection": "prefix_soft_prompt"},
        {"backbone": "x", "beta": "falling"},
        {"backbone": "x", "lora": -1},
        {"backbone": "x", "injection": "magic"},
    ]:
        with pytest.raises(OptionError):
            DiffLM(**wrong)


def test_only_trained_positions_reach_the_head(learned: DiffLM) -> None:
    """Neither the prompt nor the padding has logits, and what is said of a token is what the model says."""
    vae, seen = learned.vae, []
    latent = torch.randn(2, vae.latent_size, generator=torch.Generator().manual_seed(0))
    tokens = torch.tensor([[5, 6, 7, 8], [9, 10, 0, 0]])
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    hook = vae.head[0].register_forward_hook(lambda _, given, found: seen.append(found.shape[:-1].numel()))
    with torch.no_grad():
        found = vae(latent, tokens, mask)
        logits = vae.language(**vae.inputs(latent, tokens[:, :-1])).logits[:, -4:].log_softmax(-1)
    hook.remove()
    assert seen[0] == 6
    exact = -logits.gather(2, tokens.unsqueeze(2)).squeeze(2)
    assert torch.allclose(found[0], exact[0], atol=1e-4) and torch.allclose(
        found[1, :2], exact[1, :2], atol=1e-4
    )


def test_the_words_of_a_record_are_told_by_the_latent(
    people: pd.DataFrame, schema: Schema, backbone: Callable[[str], Path]
) -> None:
    vae = untrained(made(backbone("llama")), people, schema).records.vae
    vae.count([[5, 6], [5, 7], [5, 8]])
    shares = vae.common.exp()
    assert shares[5] > 2.9 * shares[6] > 0 and float(shares.sum()) == pytest.approx(1)
    tokens, mask = torch.tensor([[5, 6, 7], [8, 0, 0]]), torch.tensor([[True] * 3, [True, False, False]])
    none = torch.zeros(2, vae.latent_size)
    told = vae.bag_of_words(none, tokens, mask)  # without a latent they are as common as they are
    assert told.tolist() == pytest.approx([-float(shares[[5, 6, 7]].log().sum()), -float(shares[8].log())])
    optimizer = torch.optim.Adam(vae.bag.parameters(), 0.1)
    latent = torch.randn(2, vae.latent_size, generator=torch.Generator().manual_seed(0))
    for _ in range(20):
        optimizer.zero_grad()
        vae.bag_of_words(latent, tokens, mask).sum().backward()
        optimizer.step()
    assert (vae.bag_of_words(latent, tokens, mask) < told).all()


@pytest.mark.parametrize(("longest", "how"), [(40, "eager"), (1_000, "sdpa")])
def test_short_records_are_learned_without_fused_attention(
    longest: int, how: str, people: pd.DataFrame, schema: Schema, backbone: Callable[[str], Path]
) -> None:
    vae = untrained(made(backbone("llama")), people, schema).records.vae.eval()
    config = vae.language.get_base_model().config
    tokens = torch.arange(5, 17).view(2, 6)
    mask = torch.ones_like(tokens, dtype=torch.bool)
    usual = vae(torch.zeros(2, vae.latent_size), tokens, mask)
    with vae.attending(longest):
        assert config._attn_implementation == how
        assert torch.allclose(vae(torch.zeros(2, vae.latent_size), tokens, mask), usual, atol=1e-4)
    assert config._attn_implementation == "sdpa"
