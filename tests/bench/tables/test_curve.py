import json

import pytest

from bench.tables import curve


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Runs the command; gives the figures and the text."""

    def run(*words):
        files = [f"--{name}={tmp_path / name}" for name in ("out", "results", "work")]
        monkeypatch.setattr("sys.argv", ["", *files, "--jobs=1", *words])
        curve.main()
        return json.loads((tmp_path / "out").read_text())["runs"], (tmp_path / "results").read_text()

    return run


def test_cells_are_measured_once_and_published(call, monkeypatch):
    monkeypatch.setattr(curve.forest, "TREES", 20)
    runs, text = call("--sets=iris", "--methods=cart,shuffled", "--seeds=0,1")
    assert set(runs) == {f"iris/105/{m}/{s}" for m in ("cart", "shuffled", curve.REAL) for s in (0, 1)}
    assert all(set(curve.FIGURES) <= set(entry) for entry in runs.values())
    assert runs["iris/105/cart/0"]["c2st_test"] < runs["iris/105/shuffled/0"]["c2st_test"]
    assert runs["iris/105/cart/0"]["utility"] > 0.8 > 0.6 > runs["iris/105/shuffled/0"]["utility"]
    assert "| set | rows | cart | shuffled | real rows |" in text and "| iris | 105 | 0." in text
    monkeypatch.setattr(curve, "measured", lambda *_: {"error": "no memory"})
    again, text = call("--sets=iris", "--methods=cart,shuffled", "--seeds=0,1", "--again=cart")
    assert again["iris/105/shuffled/1"] == runs["iris/105/shuffled/1"]
    assert again["iris/105/cart/1"] == {"error": "no memory"} and "| iris | 105 | failed | 0." in text


def test_figures_of_another_machine_are_published_as_they_are(call, tmp_path):
    cell = dict.fromkeys(("fit_s", *curve.FIGURES), 0.25)
    runs = {f"iris/105/{m}/{s}": cell for m in ("shuffled", "lookalike") for s in (0, 3)}
    runs["wine/125/lookalike/3"] = {"error": "no memory"}
    kept = {"runs": runs, "machine": "a far one", "command": "python -m x", "note": "Stopped at noon."}
    (tmp_path / "out").write_text(json.dumps(kept))
    again, text = call("--publish-only", "--sets=iris")
    assert again == runs and "a far one; `python -m x`.\n\nStopped at noon.\n\n" in text
    assert "| set | rows | lookalike | shuffled |" in text
    assert "| iris | 105 | 0.250 / 0.250 | 0.250 / 0.250 |" in text and "| wine | 125 | failed | - |" in text


def test_the_rows_that_a_set_has(tmp_path):
    assert curve.sizes("wine", [50, 100], None) == [125] and curve.sizes("diabetes", [], None) == [309]
    (tmp_path / "magic").mkdir()
    for part, rows in (("train", 250), ("test", 9)):
        (tmp_path / "magic" / f"{part}.csv.gz").write_bytes(b"")
        table = curve.parts("iris", None, 0)[0].sample(rows, replace=True, random_state=0)
        table.to_csv(tmp_path / "magic" / f"{part}.csv.gz", index=False)
    assert curve.sizes("magic", [100, 200, 500], tmp_path) == [100, 200]
    assert curve.sizes("magic", [500], tmp_path) == [250]


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--sets=sun", "there is no set 'sun': choose from iris, wine"),
        ("--sets=adult", "--data is needed for adult"),
        ("--methods=me", "there is no method 'me'"),
    ],
)
def test_what_is_not_there_is_a_sentence(call, option, sentence, capsys):
    with pytest.raises(SystemExit) as ended:
        call(option)
    assert ended.value.code == 2 and sentence in capsys.readouterr().err
