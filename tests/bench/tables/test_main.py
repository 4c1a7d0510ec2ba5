import json

import pytest

from bench.tables import __main__ as benchmark
from bench.tables.columns import BadInput

SCORE = {"mle_kind": "auc", "rows": 9, "mle": 0.9, "c2st": 0.5, "copies": 0.0, "closer": 0.5}
SCORE |= dict.fromkeys(
    ("shape", "trend", "trend_sdmetrics", "shape_matched", "trend_matched", "c2st_test"), 0.02
)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the benchmark with made-up figures; gives what was fitted, the figures and the text."""
    fitted: list[tuple[str, int]] = []
    failed: list[int] = []  # the first score fails
    folder = tmp_path / "data" / "magic"
    folder.mkdir(parents=True)
    for part in ("train", "test"):
        (folder / f"{part}.csv.gz").touch()

    def fit(method, train, out, seed, threads, rows):
        fitted.append((method, seed))
        return {"fit_s": 1.0, "sample_s": 1.0, "rows": 9, "rss_mb": 1.0}

    def score(real, held, made, target, seed, trained_on=None):
        if trained_on is None and not failed:
            failed.append(seed)
            raise BadInput("the synthetic table has 0 rows: give at least 5")
        return dict(SCORE)

    for name, stub in {"run": fit, "score": score, "read": lambda path: path}.items():
        monkeypatch.setattr(benchmark, name, stub)

    def call(*options):
        fitted.clear()
        files = [f"--{name}={tmp_path / name}" for name in ("data", "out", "results", "work")]
        monkeypatch.setattr("sys.argv", ["", *files, "--sets=magic", "--methods=lookalike", *options])
        benchmark.main()
        return list(fitted), json.loads((tmp_path / "out").read_text()), (tmp_path / "results").read_text()

    return call


def test_it_goes_on_where_it_stopped_and_tries_again_what_failed(run, tmp_path):
    fitted, figures, text = run("--seeds=0,1")
    assert fitted == [("lookalike", 0), ("lookalike", 1)]
    assert set(figures["runs"]) == {f"magic/{m}/{s}" for m in ("lookalike", "real holdout") for s in (0, 1)}
    assert "| magic | lookalike | failed: the synthetic table has 0 rows: give at least 5 |" in text
    assert "python -m bench.tables --data FOLDER --sets=magic --methods=lookalike --seeds=0,1`" in text
    assert str(tmp_path) not in text + json.dumps(figures)
    assert run("--seeds=1")[0] == []
    assert run("--seeds=1", "--again=lookalike")[0] == [("lookalike", 1)]
    assert run("--seeds=0,1,2")[0] == [("lookalike", 0), ("lookalike", 2)]


def test_what_an_older_bench_did_not_score_is_scored_where_the_table_is_still_there(run, tmp_path):
    run("--seeds=0,1")
    assert run("--seeds=0")[0] == [("lookalike", 0)]  # its score failed
    figures = json.loads((tmp_path / "out").read_text())
    for key in ("magic/lookalike/0", "magic/lookalike/1"):
        del figures["runs"][key]["score"]["closer"]
    (tmp_path / "work").mkdir()
    table = tmp_path / "work" / "magic-lookalike-0.csv.gz"
    table.write_text("rows")
    figures["runs"]["magic/lookalike/0"]["table"] = benchmark.digest(table)
    (tmp_path / "out").write_text(json.dumps(figures))
    fitted, figures, text = run("--seeds=0,1")
    assert fitted == []  # nothing is fitted again
    assert "closer" in figures["runs"]["magic/lookalike/0"]["score"]
    assert "closer" not in figures["runs"]["magic/lookalike/1"]["score"]
    assert "| 0.00 ± 0.00 | - |" in text  # a figure that one of two lacks


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--sets=magic,sun", "there is no set 'sun': choose from adult, default, magic"),
        ("--methods=me", "there is no method 'me': choose from lookalike, lookalike-refined, tabularargn"),
        ("--jobs=0", "argument --jobs: '0' is no whole number of at least 1"),
        ("--sets=adult", "adult/train.csv.gz': --data names the folder of the data"),
    ],
)
def test_what_is_not_there_is_a_sentence(run, option, sentence, capsys):
    with pytest.raises(SystemExit) as ended:
        run(option)
    assert ended.value.code == 2 and sentence in capsys.readouterr().err
