"""What a reader has: the examples, the large ones cut."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import lookalike
from tests.docs.blocks import QWEN, URL
from tests.forks import FORKS
from tests.paths import EXAMPLES, ROOT

FORKS.set_forkserver_preload(["server"])  # of processes there are only local servers here
WRITER = ROOT / "tests" / "docs" / "writer.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("reader")
    (where / "examples").mkdir()
    for path in EXAMPLES.glob("*.csv"):
        shutil.copy(path, where / "examples")
    for path in EXAMPLES.glob("*.csv.gz"):
        pd.read_csv(path, nrows=500, keep_default_na=False).to_csv(
            where / "examples" / path.name, index=False
        )
    return where


@pytest.fixture(autouse=True)
def in_small(
    quick_fits: None, few_candidates: None, few_trees: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the pages say is run to see that it runs; by this process, as others take seconds to begin."""
    monkeypatch.setattr("lookalike.shards.crew.os.cpu_count", lambda: 1)


@pytest.fixture(scope="module")
def learned(folder: Path, quick_fits: None) -> Path:
    """adult.model, as the tutorial leaves it."""
    real = lookalike.read_table(folder / "examples" / "adult.csv.gz", missing={"?"})
    lookalike.DiffLM(max_time="0.5s", progress=False).fit(real).save(folder / "adult.model")
    return folder / "adult.model"


@pytest.fixture(scope="module")
def backbone(folder: Path) -> str:
    from tests.difflm.backbones import save_backbone

    texts = pd.read_csv(EXAMPLES / "messages.csv").to_json(orient="records", lines=True).splitlines()
    return str(save_backbone(folder / "backbone", "llama", texts))


@pytest.fixture
def reader(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reader who sits in the folder."""
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def instead(
    request: pytest.FixtureRequest, serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], dict[str, str]]:
    """text -> what is put in the place of a model on the hub and of an endpoint, if the text names them."""

    def of(text: str) -> dict[str, str]:
        found = {}
        if URL in text:
            monkeypatch.setenv("JUDGE_KNOWS", str(EXAMPLES / "messages.csv"))  # to its judge
            found[URL] = serve("--writer", f"{WRITER}:answer").url
        if QWEN in text:
            found[QWEN] = request.getfixturevalue("backbone")
        return found

    return of
