"""A report as a data card: front matter that a hub reads, figures that the report has, no cell of a table."""

import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fsspec.implementations.local import LocalFileSystem

import lookalike
from lookalike.errors import OptionError
from lookalike.evaluate.report import Report

pytestmark = pytest.mark.usefixtures("few_trees")


@pytest.fixture(scope="module")
def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(0)

    def table(rows: int) -> pd.DataFrame:
        return pd.DataFrame({"a|b <i>": rng.normal(size=rows), "zone": rng.choice(["Kiel", "Ulm"], rows)})

    return table(200), table(1_500)


@pytest.fixture(scope="module")
def report(tables: tuple[pd.DataFrame, pd.DataFrame]) -> Report:
    names = {"real": 'my "real" #1.csv'}
    return lookalike.evaluate(*tables, only="fidelity", quick=True, names=names)


def test_the_front_matter_is_yaml(report: Report) -> None:
    yaml = pytest.importorskip("yaml")
    _, front, text = report.card().split("---\n", 2)
    assert yaml.safe_load(front) == {
        "pretty_name": 'Synthetic rows like my "real" #1.csv',
        "size_categories": ["1K<n<10K"],
        "tags": ["synthetic", "tabular", "lookalike"],
    }
    assert text.startswith('\n# Synthetic rows like my "real" \\#1.csv\n')


def test_it_says_what_the_report_says(report: Report) -> None:
    text = report.card()
    error = report.to_dict()["fidelity"]["shape_error"]["value"]
    assert re.search(rf"\| column shape error \| {100 * error:.3g}% ", text)
    assert "| a\\|b \\<i\\> | number |" in text and "| zone | category |" in text
    assert "200 real rows, 1,500 synthetic rows" in text
    assert "Kiel" not in text


def test_it_is_the_card_of_a_dataset(
    report: Report, tables: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path
) -> None:
    report.save(tmp_path / "README.md")
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == report.card()
    with pytest.raises(OptionError, match=r"a \.html, \.json or \.md file"):
        report.save(tmp_path / "report.txt")
    datasets, hub = pytest.importorskip("datasets"), pytest.importorskip("huggingface_hub")
    made = lookalike.to_dataset(tables[1], report)
    assert made.info.description == report.card() and made["zone"][:] == tables[1]["zone"].tolist()
    assert hub.DatasetCard.load(tmp_path / "README.md").data.size_categories == ["1K<n<10K"]
    made.to_parquet(tmp_path / "train.parquet")
    again = datasets.load_dataset(str(tmp_path), split="train", cache_dir=str(tmp_path / "cache"))
    assert again["zone"][:] == made["zone"][:]


class Hub:
    """A stand-in for the API of huggingface_hub: a repository is a folder of this machine."""

    def __init__(self, root: Path) -> None:
        self.root, self.commits = root, 0

    def repo_info(self, *_: Any, **__: Any) -> Any:
        return SimpleNamespace(id="me/made", sha="0" * 40)

    def preupload_lfs_files(self, additions: list[Any], **_: Any) -> None:
        for one in additions:
            self.put(one)

    def create_commit(self, _: str, operations: list[Any], **__: Any) -> Any:
        self.commits += 1
        for one in operations:
            if isinstance(one.path_or_fileobj, bytes):
                self.put(one)
        return SimpleNamespace(oid="1")

    def upload_file(self, *, path_or_fileobj: Any, path_in_repo: str, **_: Any) -> None:
        shutil.copy(path_or_fileobj, self.root / path_in_repo)

    def put(self, one: Any) -> None:
        target = self.root / one.path_in_repo
        target.parent.mkdir(parents=True, exist_ok=True)
        given = one.path_or_fileobj
        target.write_bytes(given if isinstance(given, bytes) else Path(given).read_bytes())


def test_it_is_pushed_with_the_table(
    report: Report,
    tables: tuple[pd.DataFrame, pd.DataFrame],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    datasets, hub = pytest.importorskip("datasets"), pytest.importorskip("huggingface_hub")
    pushing, own = datasets.arrow_dataset, Hub(tmp_path)
    there = pushing.DirFileSystem
    monkeypatch.setattr(pushing, "HfApi", lambda **_: own)
    monkeypatch.setattr(pushing, "HfFileSystem", lambda **_: None)
    monkeypatch.setattr(pushing, "DirFileSystem", lambda fs, path: there(str(tmp_path), LocalFileSystem()))
    monkeypatch.setattr(hub.repocard, "upload_file", own.upload_file)
    monkeypatch.setattr(hub.DatasetCard, "validate", lambda *_, **__: None)  # which asks the hub
    lookalike.to_dataset(tables[1], report).push_to_hub("me/made")
    hub.DatasetCard(report.card()).push_to_hub("me/made")
    assert own.commits == 1
    card = hub.DatasetCard.load(tmp_path / "README.md")
    assert card.text.strip() == report.card().split("---\n", 2)[2].strip()
    assert card.data.size_categories == ["1K<n<10K"]
    again = datasets.load_dataset(str(tmp_path), split="train", cache_dir=str(tmp_path / "cache"))
    assert again.to_pandas().equals(lookalike.to_dataset(tables[1]).to_pandas())
