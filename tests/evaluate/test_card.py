"""A report as a data card: front matter that a hub reads, figures that the report has, no cell of a table."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.errors import OptionError
from lookalike.evaluate.report import Report


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
