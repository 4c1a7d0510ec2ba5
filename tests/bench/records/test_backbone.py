"""The benchmark around a backbone: cells that are kept, tried again, and measured later."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest

from bench.records import backbone, plain


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the benchmark with made-up cells; gives which were asked for, and both files."""
    asked: list[str] = []

    def alone(key, args):
        asked.append(key)
        if len(asked) == 2:
            return {"error": "no memory"}
        return {"facts": {"fit_s": 1.0}, "tables": {"made": {"columns": ["text"], "rows": [["a"]]}}}

    monkeypatch.setattr(backbone, "alone", alone)
    monkeypatch.setattr(
        backbone, "scored", lambda *_: {"figures": {"rows": 1}, "facts": {}, "samples": {"made": []}}
    )

    def call(*options):
        asked.clear()
        out = tmp_path / "out.json"
        monkeypatch.setattr("sys.argv", ["backbone", str(tmp_path), f"-o{out}", "--sets=sst2", *options])
        backbone.main()
        scores = json.loads(out.read_text()) if out.exists() else {}
        return list(asked), json.loads((tmp_path / "out.rows.json").read_text()), scores

    return call


def test_it_goes_on_where_it_stopped_and_can_measure_later(run):
    asked, kept, scores = run("--arms=ours,plain", "--no-score")
    assert asked == ["sst2:ours:0", "sst2:plain:0"] and not scores
    assert kept["sst2:plain:0"]["error"] == "no memory" and "tables" in kept["sst2:ours:0"]
    asked, kept, scores = run("--arms=ours,plain", "--score-only")
    assert not asked and list(scores) == ["sst2:ours:0"]
    asked, kept, scores = run("--arms=ours,plain")
    assert asked == ["sst2:plain:0"] and list(scores) == ["sst2:ours:0", "sst2:plain:0"]
    asked, kept, scores = run("--arms=", "--ablation")
    assert asked == [f"sst2:{arm}:0" for arm in backbone.ABLATION]


def test_what_a_plain_language_model_wrote_is_read_or_left_out():
    rows = plain.Rows([], ["label", "text"], {"label": "category", "text": "text"}, {"label": {"a", "b"}})
    good = '{"label":"a","text":"x"}'
    texts = [
        good,
        good + " and more",
        '{"label":"c","text":"x"}',
        '{"label":"a"}',
        '{"label":"a","text":1}',
        "{",
    ]
    made, share = plain.table_of(rows, texts, ["text", "label"])
    assert made.values.tolist() == [["x", "a"]] * 2 and share == pytest.approx(2 / 6)
    assert rows.begun({"label": "a"}) == '{"label":"a'
    assert isinstance(made, pd.DataFrame)


def test_prompts_end_at_a_line_so_that_a_tokenizer_cuts_records_as_it_learned():
    rows = plain.Rows(['{"text":"a"}', '{"text":"b"}'], ["text"], {"text": "text"}, {})
    model = SimpleNamespace(ids=list)
    for prompt in plain.prompted(rows, 4, 0, model):
        assert sorted(prompt.split("\n")) == ["", *rows.texts] and prompt.endswith("}\n")


def test_every_cell_is_a_line_and_shows_what_it_wrote():
    cell = {"figures": {"rows": 1000, "accuracy": 0.5}, "facts": {"fit_s": 60.4}}
    text = backbone.tables({"sst2:ours:0": {**cell, "samples": {"made": ["a | 0", "b | 1", "c | 0"]}}}, 2)
    assert "| sst2 | ours | 1,000 | - | 50.0 | - |" in text and "| 60 | - | - |" in text
    assert "sst2, ours:\na | 0\nb | 1\n```" in text and "c | 0" not in text
