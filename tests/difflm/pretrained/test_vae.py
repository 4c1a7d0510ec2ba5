"""DiffLM around pretrained language models: tiny ones of several families, built on the spot."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from lookalike import Schema, infer
from lookalike.cli.parser import main
from lookalike.codec import NOT_MISSING, RecordCodec
from lookalike.codec.serialised import Serialised
from lookalike.difflm import DiffLM
from lookalike.difflm.pretrained import hub
from lookalike.difflm.pretrained import train as finetune
from lookalike.difflm.pretrained.train import Backtracking, parts
from lookalike.difflm.pretrained.vae import VARIANTS
from lookalike.difflm.pretrained.writer import Draft
from lookalike.difflm.training import memory
from lookalike.errors import ConditionError, ModelError, OptionError
from tests.difflm.backbones import save_backbone, save_bert, save_tokenizer

JOBS = ["clerk", "farmer", "nurse"]
Make = Callable[..., DiffLM]


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    job = rng.choice(JOBS, 150)
    hobby = rng.choice(["reads books", 'plants "trees"', "sails", "sings songs\nat night"], 150)
    table = pd.DataFrame(
        {
            "job": job,
            "age": rng.integers(18, 80, 150),
            "pay": np.round(rng.normal(30, 2, 150) + 20 * (job == "nurse"), 1),
            "born": pd.Timestamp("1990-01-01") + pd.to_timedelta(rng.integers(0, 3000, 150), "D"),
            "note": [f"{a} who {b}" for a, b in zip(job, hobby, strict=True)],
            "key": [f"p{i:04d}" for i in range(150)],
        }
    )
    table.loc[rng.random(150) < 0.2, "note"] = None
    return table


@pytest.fixture(scope="module")
def schema(people: pd.DataFrame) -> Schema:
    found = infer(people)
    found["note"].kind = "text"
    return found


@pytest.fixture(scope="module")
def texts(people: pd.DataFrame, schema: Schema) -> list[str]:
    records = Serialised.fit(RecordCodec.fit(people, schema), people)
    return [records.text(row, range(len(records.columns))) for row in records.cells(people)]


@pytest.fixture(scope="module")
def backbone(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a family's language model; "learned" is a Llama that was trained on the texts."""
    known: dict[str, Path] = {}

    def of(family: str) -> Path:
        if family not in known:
            own, steps = ("llama", 120) if family == "learned" else (family, 0)
            known[family] = save_backbone(tmp_path_factory.mktemp(family), own, texts, steps)
        return known[family]

    return of


def made(folder: Path | str, steps: int = 6, batch: int = 16, **options: Any) -> DiffLM:
    """A DiffLM that will take so many steps."""
    model = DiffLM(backbone=str(folder), progress=False, **options)
    assert model.setup is not None
    short = dataclasses.replace(model.setup.finetune, steps=(steps, steps), batch=batch)
    model.setup = dataclasses.replace(model.setup, finetune=short)
    model.train_config = dataclasses.replace(model.train_config, denoiser_steps=20, denoiser_batch=128)
    return model


@pytest.fixture(scope="module")
def learned(people: pd.DataFrame, schema: Schema, backbone: Callable[[str], Path]) -> DiffLM:
    return made(backbone("learned"), steps=60, batch=32).fit(people, schema=schema)


def check_rows(rows: pd.DataFrame, people: pd.DataFrame, schema: Schema) -> None:
    """Every row is one that the schema allows."""
    assert rows.dtypes.equals(people.dtypes)
    assert set(rows["job"]) <= set(JOBS)
    for name in ("age", "pay"):
        assert rows[name].between(schema[name].minimum, schema[name].maximum).all()
    assert (rows["pay"].round(1) == rows["pay"]).all()
    assert rows["born"].between(schema["born"].minimum, schema["born"].maximum).all()
    assert rows["key"].is_unique and not set(rows["key"]) & set(people["key"])
    assert rows["note"].dropna().str.len().between(1, people["note"].str.len().max()).all()


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
    model = made(backbone(family), injection=injection)
    model.fit(people, schema=schema)
    before = hub.load_backbone(str(backbone(family)), torch.device("cpu")).model.state_dict()
    for name, weight in model.vae.language.state_dict().items():
        assert torch.equal(weight, before[name]), name  # frozen
    check_rows(model.sample(12, seed=1), people, schema)
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
    pd.testing.assert_frame_equal(again.sample(5, seed=3), model.sample(5, seed=3))


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
    monkeypatch.setattr(hub, "precision", lambda device: torch.bfloat16)
    model = made(backbone(family), **options).fit(people, schema=schema)
    assert model.vae.embeddings[0].weight.dtype == torch.bfloat16
    assert all(p.dtype == torch.float32 for p in model.vae.trained().values())  # what is trained stays exact
    assert np.isfinite(model.history[0]["bound"])
    check_rows(model.sample(12, seed=1), people, schema)
    assert set(model.sample(5, where={"job": "nurse"})["job"]) == {"nurse"}
    given = people[["age"]].iloc[:6]
    assert model.sample(given=given)["age"].tolist() == given["age"].tolist()
    model.save(tmp_path / "m")
    again = DiffLM.load(tmp_path / "m")
    pd.testing.assert_frame_equal(again.sample(6, seed=2), model.sample(6, seed=2))


def test_what_is_learned_is_used(learned: DiffLM, people: pd.DataFrame, schema: Schema) -> None:
    steps = [entry for entry in learned.history if "bound" in entry]
    assert steps[-1]["bound"] < 0.95 * steps[0]["bound"]
    mean, _ = learned.records.posteriors(learned.records.encode(people))
    assert float(mean.var(0).max()) > 0.05
    rows = learned.sample(60, seed=0)
    check_rows(rows, people, schema)
    known = rows["note"].dropna().isin(set(people["note"].dropna()))
    assert known.mean() > 0.3  # whole sentences of the table, which chance would never write


def test_every_verb_of_the_model_works(learned: DiffLM, people: pd.DataFrame, schema: Schema) -> None:
    latents = learned.encode(people.iloc[:4])
    assert latents.shape == (4, 4, 8)
    check_rows(learned.decode(latents, seed=1), people, schema)
    assert len(learned.interpolate(people.iloc[:1], people.iloc[1:2], steps=3)) == 3
    check_rows(learned.sample(4, like=people.iloc[:2]), people, schema)
    assert learned.sample(9, balance="job")["job"].value_counts().to_dict() == dict.fromkeys(JOBS, 3)
    gaps = people.iloc[:8].copy()
    gaps.loc[::2, "job"] = None
    full = learned.impute(gaps)
    assert full["job"].isin(JOBS).all() and full["note"].notna().all()
    kept = gaps.notna()
    assert (full.where(kept) == gaps.where(kept)).to_numpy()[kept.to_numpy()].all()


@pytest.mark.parametrize(
    "where",
    [
        {"age": {20, 30}},
        {"pay": (29.5, 31.0)},
        {"born": ("1992-03", "1992-05")},
        {"born": "1991-04-04"},
        {"note": None},
        {"note": "nurse who sails"},
        {"job": {"clerk", "farmer"}, "pay": (40, None)},
    ],
)
def test_conditions_hold_in_every_row(learned: DiffLM, where: dict[str, Any]) -> None:
    rows = learned.sample(6, where=where)
    for name, wanted in where.items():
        values = rows[name]
        if wanted is None:
            assert values.isna().all()
        elif isinstance(wanted, set):
            assert values.isin(wanted).all()
        elif name == "born":
            low, high = (wanted, wanted) if isinstance(wanted, str) else wanted
            assert values.between(pd.Timestamp(low), pd.Period(high).end_time).all()
        elif isinstance(wanted, tuple):
            assert values.between(wanted[0], np.inf if wanted[1] is None else wanted[1]).all()
        else:
            assert (values == wanted).all()


@pytest.mark.parametrize("where", [{"note": ("a", "b")}, {"age": 900}, {"job": "king"}, {"key": "p0001"}])
def test_conditions_that_nothing_satisfies(learned: DiffLM, where: dict[str, Any]) -> None:
    with pytest.raises(ConditionError):
        learned.sample(2, where=where)


def test_a_number_that_is_given_does_not_go_on(learned: DiffLM) -> None:
    given = pd.DataFrame({"age": [3, 30] * 8})  # 3 is the beginning of 30 to 39
    drawn: list[Any] = []
    original = learned.records.decode
    learned.records.decode = lambda cells, *rest, **more: (
        drawn.append(cells) or original(cells, *rest, **more)
    )  # type: ignore
    try:
        learned.sample(given=given)
    finally:
        del learned.records.decode  # type: ignore[method-assign]
    assert drawn[0][:, 1].tolist() == ["3", "30"] * 8


@pytest.mark.parametrize(
    ("family", "injection"),
    [
        *(("llama", injection) for injection in VARIANTS),
        ("gpt2", "kv_memory"),  # it counts positions, and a memory takes some of them
        ("gpt2", "input_embed"),
        ("qwen2", "soft_prompt"),
        ("mistral", "kv_memory"),  # it attends to a window
    ],
)
def test_the_cache_changes_nothing(
    family: str, injection: str, people: pd.DataFrame, schema: Schema, backbone: Callable[[str], Path]
) -> None:
    """Prefixes of different lengths, and rows chosen twice, have the logits of one pass without a cache."""
    model = made(backbone(family), injection=injection)
    model._build(RecordCodec.fit(people, schema), people)
    vae = model.vae.eval()
    generator = torch.Generator().manual_seed(0)
    latent = torch.randn(3, vae.latent_size, generator=generator)
    rows = [[5, 6, 7, 8, 9, 10, 11], [12, 13], []]
    then = torch.tensor([[20, 21, 22], [23, 24, 25], [26, 27, 28]])
    with torch.no_grad():
        draft = Draft(vae, latent, rows)
        seen = [draft.logits]
        for step in range(2):
            draft.put(then[:, step])
            seen.append(draft.logits)
        draft.select(torch.tensor([2, 0, 0]))
        draft.put(then[[2, 0, 0], 2])
        for row, own in enumerate(rows):
            for step in range(3):
                nll = -seen[step][row].log_softmax(0)
                whole = torch.tensor([[*own, *then[row, :step].tolist(), 30]])
                alone = vae(latent[row : row + 1], whole, torch.ones_like(whole, dtype=torch.bool))
                assert float(nll[30]) == pytest.approx(float(alone[0, -1]), abs=2e-4)
        whole = torch.tensor([[*rows[0], *then[0].tolist(), 30]])
        alone = vae(latent[:1], whole, torch.ones_like(whole, dtype=torch.bool))
        for row in (1, 2):
            nll = -draft.logits[row].log_softmax(0)
            assert float(nll[30]) == pytest.approx(float(alone[0, -1]), abs=2e-4)


def test_padding_changes_no_likelihood(learned: DiffLM) -> None:
    latent = torch.randn(2, learned.vae.latent_size, generator=torch.Generator().manual_seed(0))
    tokens = torch.tensor([[5, 6, 7, 8], [9, 10, 0, 0]])
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    with torch.no_grad():
        both = learned.vae(latent, tokens, mask)
        alone = learned.vae(latent[1:], tokens[1:, :2], mask[1:, :2])
    assert torch.allclose(both[1, :2], alone[0], atol=1e-4) and both[1, 2:].abs().sum() == 0


def test_options_of_drawing(learned: DiffLM) -> None:
    assert len(learned.sample(30, temperature=0.05, top_p=0.5).drop(columns="key").drop_duplicates()) < 30
    for wrong in [{"temperature": 0.0}, {"top_p": 0.0}, {"top_p": 1.5}]:
        with pytest.raises(OptionError):
            learned.sample(2, **wrong)


def test_rows_that_grow_too_long_are_brought_to_their_end(
    learned: DiffLM, people: pd.DataFrame, schema: Schema
) -> None:
    longest = learned.records.longest
    learned.records.longest = 0  # every row is to end after 32 tokens
    try:
        rows = learned.sample(12, where={"note": NOT_MISSING})
    finally:
        learned.records.longest = longest
    check_rows(rows, people, schema)


def test_the_end_of_a_record_has_room(texts: list[str], backbone: Callable[[str], Path]) -> None:
    rng = np.random.default_rng(0)
    words = [" ".join(rng.choice(JOBS, int(count))) for count in [600, *rng.integers(5, 20, 99)]]
    keys = [f"a long name {key}" for key in range(12)]  # all of them required
    tools = [json.dumps({key: int(rng.integers(9)) for key in keys}) for _ in range(100)]
    table = pd.DataFrame({"note": words, "tool": tools, "label": rng.choice(["a", "b"], 100)})
    table.loc[3, "label"] = "c" * 2000  # too rare to be written
    schema = infer(table)
    schema["note"].kind, schema["tool"].kind, schema["label"].kind = "text", "json", "category"
    model = made(backbone("gpt2")).fit(table, schema=schema)  # which has no position beyond its last
    rows = model.sample(4, temperature=0.05)  # it writes one word over and over
    assert set(rows["label"]) <= {"a", "b"} and all(
        set(json.loads(tool)) == set(keys) for tool in rows["tool"]
    )


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


def test_the_schedule_falls_when_the_reconstruction_stops_improving() -> None:
    schedule = Backtracking()
    assert [schedule.update(x) for x in (100.0, 90.0, 95.0, 89.99, 80.0)] == [True, True, False, False, True]
    assert schedule.beta == pytest.approx(0.1 * 0.7**2)
    for _ in range(20):
        schedule.update(200.0)
    assert schedule.ended and schedule.beta == 0.001


def test_the_schedule_fires_in_training(
    people: pd.DataFrame, schema: Schema, backbone: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = iter([(90.0, 5.0), (95.0, 5.0), (80.0, 5.0), (85.0, 5.0)])
    monkeypatch.setattr(finetune, "_validate", lambda *_: next(said))
    model = made(backbone("llama"), steps=4, beta="schedule")
    model.train_config = dataclasses.replace(model.train_config, validations=4)
    monkeypatch.setattr(finetune, "EVERY", 1)
    model.fit(people, schema=schema)
    betas = [entry["beta"] for entry in model.history if "beta" in entry]
    assert betas == pytest.approx([0.1, 0.1, 0.07, 0.07])


def test_gradients_add_up_and_checkpointing_changes_nothing(
    people: pd.DataFrame, schema: Schema, backbone: Callable[[str], Path]
) -> None:
    weights = []
    for changes, checkpointing in [({}, False), ({"micro": 300}, False), ({}, True)]:
        model = made(backbone("llama"), steps=2)
        assert model.setup is not None
        model.setup = dataclasses.replace(
            model.setup,
            finetune=dataclasses.replace(model.setup.finetune, **changes),
            config=dataclasses.replace(model.setup.config, checkpointing=checkpointing),
        )
        model.fit(people, schema=schema)
        weights.append(model.vae.map.weight.detach())
    assert torch.allclose(weights[0], weights[2], atol=1e-5)
    # the encoder's running mean follows part by part, so that a step is only about the same
    assert float((weights[0] - weights[1]).abs().max()) < 0.02
    assert float((weights[0] - weights[1]).abs().mean()) < 5e-5 < float(weights[0].abs().mean()) / 100
    length = np.array([5, 3, 9, 1])
    assert [part.tolist() for part in parts(length, np.arange(4), 10)] == [[3, 1], [0], [2]]


@pytest.mark.parametrize("injection", ["soft_prompt", "kv_memory"])
def test_a_memory_that_is_short(
    injection: str,
    learned: DiffLM,
    people: pd.DataFrame,
    schema: Schema,
    backbone: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cached = injection == "kv_memory"  # which layers that are computed twice cannot use
    records = [learned.records.tokens.record(row, range(5)) for row in learned.records.encode(people)]
    vae = made(backbone("llama"), injection=injection).fit(people, schema=schema).vae
    chosen = []
    for free in np.geomspace(1e9, 1e5, 60):
        monkeypatch.setattr(finetune, "free_memory", lambda _, free=free: free)
        monkeypatch.setattr(memory, "free_memory", lambda _, free=free: free)
        try:
            chosen.append((finetune._tokens_at_once(vae, records[:5], 1024, True), vae.checkpointing))
        except OptionError as error:
            assert "training around" in str(error) and "GB are free" in str(error)
            break
    else:
        raise AssertionError("100 kB were enough")
    once = [micro for micro, twice in chosen if not twice]
    assert once == sorted(once, reverse=True) and set(once) == {1024, 512, 256}
    assert any(twice for _, twice in chosen) != cached
    assert capsys.readouterr().err.count("computed twice") == (not cached)


def test_an_encoder_by_name(
    people: pd.DataFrame,
    schema: Schema,
    texts: list[str],
    backbone: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    encoder = save_bert(tmp_path / "bert", texts)
    model = made(backbone("llama"), encoder=str(encoder)).fit(people, schema=schema)
    assert not any(name.startswith("vae.encoder") for name in model.records.weights())
    model.save(tmp_path / "m")
    again = DiffLM.load(tmp_path / "m")
    np.testing.assert_allclose(again.encode(people.iloc[:3]), model.encode(people.iloc[:3]), atol=1e-5)
    (encoder / "config.json").write_text((encoder / "config.json").read_text() + " ")
    with pytest.raises(ModelError, match=r"bert is not the model .* config.json differ"):
        DiffLM.load(tmp_path / "m")


def test_a_fit_that_was_stopped_goes_on(
    people: pd.DataFrame,
    schema: Schema,
    backbone: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = made(backbone("llama"), steps=6).fit(people, schema=schema)
    monkeypatch.setattr(finetune, "SECONDS", 0.0)
    terms, calls = finetune._terms, []

    def stop(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) > 3:
            raise KeyboardInterrupt
        return terms(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(finetune, "_terms", stop)
        with pytest.raises(KeyboardInterrupt):
            made(backbone("llama"), steps=6).fit(people, schema=schema, checkpoint=tmp_path)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 10e6
    again = made(backbone("llama"), steps=6).fit(people, schema=schema, checkpoint=tmp_path)
    assert torch.allclose(again.vae.map.weight, whole.vae.map.weight, atol=1e-6)
    other = made(backbone("qwen2"), steps=6)  # another backbone starts anew
    other._build(RecordCodec.fit(people, schema), people)
    assert other._identity(other.records.encode(people)) != again._identity(again.records.encode(people))


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
    with pytest.raises(ModelError, match="is a BertForMaskedLM, which is no causal language model"):
        hub.load_backbone(str(bert), device)
    with pytest.raises(ModelError, match="is no folder"):
        hub.load_backbone(str(tmp_path / "nothing"), device)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="is no folder"):
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


def test_a_table_too_large_for_the_memory_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda _: 1e3)
    table = pd.DataFrame({"text": [f"row {i} of a table that is too large" for i in range(100)]})
    schema = infer(table)
    schema["text"].kind = "text"
    with pytest.raises(OptionError, match=r"100 records of up to \d+ tokens need about .* give fewer rows"):
        DiffLM(progress=False).fit(table, schema)


def test_memory_that_runs_out_is_a_sentence() -> None:
    with (
        pytest.raises(OptionError, match=r"too small for M.*the checkpoint is kept"),
        memory.enough_memory("M", "choose another", True),
    ):
        raise MemoryError
    for other in (ZeroDivisionError, NotImplementedError):  # the latter is a RuntimeError
        with pytest.raises(other), memory.enough_memory("M", "choose another"):
            raise other


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


def test_the_command_line(
    people: pd.DataFrame, schema: Schema, backbone: Callable[[str], Path], tmp_path: Path, capsys: Any
) -> None:
    people.to_csv(tmp_path / "real.csv", index=False)
    real, model, out = str(tmp_path / "real.csv"), str(tmp_path / "m"), str(tmp_path / "out.csv")
    bert = save_bert(tmp_path / "bert", ["{}"])
    assert main(["fit", real, "-o", model, "--backbone", str(bert), "--quiet"]) == 2
    assert "no causal language model" in capsys.readouterr().err
    moved = tmp_path / "backbone"
    shutil.copytree(backbone("llama"), moved)
    fit = ["fit", real, "-o", model, "--backbone", str(moved), "--lora", "2", "--max-time", "2s", "--quiet"]
    assert main(fit) == 0
    moved.rename(tmp_path / "elsewhere")
    sample = ["sample", model, "-n", "5", "-o", out, "--where", "job=nurse", "--quiet"]
    assert main(sample) == 2 and "is no folder" in capsys.readouterr().err
    assert main([*sample, "--backbone", str(tmp_path / "elsewhere")]) == 0
    rows = pd.read_csv(out)
    assert list(rows.columns) == list(people.columns) and set(rows["job"]) == {"nurse"}
    other = str(backbone("gpt2"))
    assert main([*sample, "--backbone", other]) == 2
    assert "is not the model that was learned with" in capsys.readouterr().err


def test_keys_and_pseudonyms_are_made_after_the_text(
    people: pd.DataFrame, schema: Schema, backbone: Callable[[str], Path]
) -> None:
    persons, names = ([f"{text}{i // 3}" for i in range(150)] for text in ("P", "Anna "))
    table = people.assign(person=persons, name=names, email="anna@mail.test")
    own = infer(table)
    own["note"].kind = "text"
    own.set_kinds(["person=key", "name=pseudonym:name", "email=drop"])
    model = made(backbone("llama"), steps=2).fit(table, schema=own)
    assert model.records.columns == ["job", "age", "pay", "born", "note"]
    rows = model.sample(90)  # more than one chunk
    assert list(rows.columns) == [*people.columns, "person", "name"]
    assert rows["person"].value_counts().tolist() == [3] * 30
    assert (rows.groupby("person")["name"].nunique() == 1).all()
    assert not rows["name"].isin(table["name"]).any() and not rows["person"].isin(table["person"]).any()
