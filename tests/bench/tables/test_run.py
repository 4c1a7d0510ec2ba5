import json

import pandas as pd
import pytest

from bench.tables import peers, run

pytestmark = pytest.mark.usefixtures("quick_fits")


def test_one_method_writes_as_many_rows_and_says_what_it_took(small_csv, tmp_path, monkeypatch, capsys):
    out = tmp_path / "made.csv.gz"
    options = json.dumps({"max_time": "1s", "progress": False, "threads": 1})
    words = ["lookalike", str(small_csv), str(out), "--rows", "120", f"--options={options}"]
    monkeypatch.setattr("sys.argv", ["run", *words])
    run.main()
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    made, real = pd.read_csv(out), pd.read_csv(small_csv)
    assert figures["rows"] == len(made) == 120 and list(made.columns) == list(real.columns)
    assert set(figures) == {"fit_s", "sample_s", "rows", "rss_mb"} and figures["rss_mb"] > 10


def test_refined_is_lookalike_that_refines(monkeypatch):
    seen = []
    monkeypatch.setattr(run, "lookalike", lambda table, seed, options: seen.append((seed, options)))
    run.METHODS["lookalike-refined"](pd.DataFrame(), 3, {"threads": 1})
    assert seen == [(3, {"threads": 1, "refine": True})]


def test_every_method_has_an_environment():
    assert set(run.METHODS) == set(peers.METHODS)
