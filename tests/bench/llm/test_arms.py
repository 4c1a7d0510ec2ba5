"""Arms on a server: what a cell keeps, that a command goes on, and what is scored."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.llm import arms
from bench.llm.scores import score
from bench.llm.sets import drawn, read
from tests.paths import DATA

WRITER = Path(__file__).parents[2] / "prompting" / "writer.py"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small BANKING77, and of texts with the labels of SST-2."""
    path, table = tmp_path_factory.mktemp("sets"), pd.read_csv(DATA / "banking77.csv")
    table[::2].to_csv(path / "banking77_train.csv.gz", index=False)
    table[1::2].to_csv(path / "banking77_test.csv.gz", index=False)
    other = pd.DataFrame({"text": table.text, "label": np.arange(len(table)) % 2})
    for part in ("train", "test"):
        other.to_csv(path / f"sst2_sentences_{part}.csv.gz", index=False)
    return path


def test_sets_have_labels_in_words_and_rows_are_drawn_by_the_seed(data: Path) -> None:
    train, _ = read(data, "sst2")
    assert set(train.sentiment) == {"negative", "positive"} and list(train.columns) == ["text", "sentiment"]
    train, test = read(data, "banking77")
    assert len(train) == len(test) == 150
    few = [drawn(train, "category", 3, seed) for seed in (0, 0, 1)]
    assert (few[0].category.value_counts() == 3).all() and few[0].equals(few[1])
    assert not few[0].equals(few[2])


def test_a_cell_keeps_its_budget_and_a_command_goes_on_where_it_stopped(
    serve: Callable[..., Any], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve("--writer", f"{WRITER}:good")
    how = arms.How(data, served.url, 12_000, 4, None, {"gen_size": 5, "temperature": 1.0})
    monkeypatch.setattr(arms, "written", lambda cells, *_: (kept(arms.write(cell, how)) for cell in cells))

    def kept(found: dict[str, Any]) -> dict[str, Any]:
        with (tmp_path / arms.WRITTEN).open("a") as file:
            file.write(json.dumps(found) + "\n")
        return found

    words = ["arms", f"--data={data}", f"--llm={served.url}", "--model=m", "--sets=banking77", "--seeds=1"]
    words += ["--rows-per-class=3", f"--out={tmp_path}", "--write-only"]
    monkeypatch.setattr("sys.argv", [*words, "--arms=few-shot"])
    arms.main()
    calls = served.stats()["calls"]
    monkeypatch.setattr("sys.argv", [*words, "--arms=few-shot,steered"])
    arms.main()
    cells = arms.known(tmp_path)
    assert list(cells) == ["m/banking77/few-shot/3/0", "m/banking77/steered/3/0"]
    for cell in cells.values():
        assert cell["spent"] <= 12_000
        assert cell["accepted"] == len(cell["texts"]) == len(cell["labels"]) >= 20
        assert set(cell["labels"]) <= set(read(data, "banking77")[0].category)
    assert cells["m/banking77/few-shot/3/0"]["calls"] == calls  # asked once
    with (tmp_path / arms.WRITTEN).open("a") as file:
        file.write('{"key": "half a li')  # of a command that was killed
    assert arms.known(tmp_path) == cells


def test_texts_are_scored_once_and_the_tables_tell_good_from_bad(data: Path, tmp_path: Path) -> None:
    train, _ = read(data, "banking77")
    facts = {"accepted": 60, "surplus": 0, "rejected": {"copy": 20}, "calls": 9, "spent": 99, "seconds": 1.0}
    rows = train.groupby("category").sample(6, random_state=5)
    labels = {"right": rows.category.tolist(), "wrong": np.roll(rows.category.to_numpy(), 6).tolist()}
    cells = {
        f"m/banking77/{arm}/3/0": {**facts, "texts": rows.text.tolist(), "labels": own}
        for arm, own in labels.items()
    }
    text = score(data, tmp_path, cells, None)
    found = json.loads((tmp_path / "scores.json").read_text())
    real = found["real"]["banking77/3/0"]["tfidf"]
    right, wrong = (found["cells"][key] for key in cells)
    assert right["aligned"]["tfidf"]["both"] > real > wrong["aligned"]["tfidf"]["synthetic"]
    assert right["aligned"]["tfidf"]["helps"] and not wrong["aligned"]["tfidf"]["helps"]
    assert 0 <= right["as written"]["text"]["mauve"] <= 1 and 0 <= right["as written"]["text"]["c2st"] <= 1
    assert f"| m | banking77 | 3 | right | 60 | {100 * real:.1f} |" in text and "copy 25" in text
    (tmp_path / "scores.json").write_text(json.dumps(found | {"mark": 1}))
    assert score(data, tmp_path, cells, None) == text
    assert json.loads((tmp_path / "scores.json").read_text()) == found | {
        "mark": 1
    }  # nothing was scored anew
