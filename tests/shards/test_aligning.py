"""Rows chosen shard by shard match the real ones as those that `align` chooses of the whole."""

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.aligning import points_of
from lookalike.cli.main import main
from lookalike.curate.kernel import Features
from lookalike.errors import DataError, OptionError
from lookalike.shards.aligning import Weighing, _dealt

NEAR = 0.03  # of the distance that aligning takes away, between shards and the whole


def table(rows: int, young: float, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    of = rng.random(rows) < young
    age = np.where(of, rng.normal(0.3, 0.05, rows), rng.normal(0.8, 0.05, rows))
    return pd.DataFrame({"age": age, "city": np.where(of, "Rome", "Paris"), "kind": rng.integers(0, 2, rows)})


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """(real, synthetic, the folder of its 3 shards): sorted, so that no shard is like another."""
    real, synthetic = table(1500, 0.5, 0), table(3000, 0.25, 1)
    folder = tmp_path_factory.mktemp("align") / "made"
    folder.mkdir()
    ordered = synthetic.sort_values("age")
    for at in range(3):
        lookalike.write_table(ordered.iloc[at * 1000 : at * 1000 + 1000], folder / f"{at}.parquet")
    return real, synthetic, folder


def distance(real: pd.DataFrame, other: pd.DataFrame) -> float:
    """MMD in 512 random features."""
    points = points_of({"real": real, "synthetic": other}, None, None, 0)
    features = Features(points["real"].shape[1], 1.0, np.random.default_rng(0))
    return float(np.linalg.norm(features.mean(points["real"]) - features.mean(points["synthetic"])))


@pytest.mark.parametrize("label", [None, "kind"])
def test_sorted_shards_are_aligned_as_the_whole(tables, tmp_path, label):
    real, synthetic, folder = tables
    options = {"label": label, "holdout": table(200, 0.5, 2), "progress": False}
    whole, _ = lookalike.align(real, synthetic, 1500, **options)
    made, figures = lookalike.align_shards(real, folder, 1500, tmp_path / "a", workers=1, **options)
    own = lookalike.read_table(tmp_path / "a")
    assert len(own) == made.rows == 1500 and len(made.done) == 3 and figures.cap > 0
    before, joined, shards = (distance(real, one) for one in (synthetic, whole, own))
    assert before > 0.2 and abs(shards - joined) < NEAR * (before - joined)
    assert own.value_counts().max() <= figures.cap
    if label is not None:
        assert own["kind"].value_counts().to_dict() == whole["kind"].value_counts().to_dict()
    rows = set(synthetic.itertuples(index=False, name=None))
    assert set(own.itertuples(index=False, name=None)) <= rows


def test_a_row_comes_as_often_however_the_rows_are_dealt_to_shards(tables, tmp_path):
    real, synthetic, folder = tables
    (tmp_path / "one").mkdir()
    lookalike.write_table(lookalike.read_table(folder), tmp_path / "one" / "0.parquet")
    rows = {}
    for name, made in (("three", folder), ("one", tmp_path / "one")):
        lookalike.align_shards(real, made, 6000, tmp_path / f"of-{name}", workers=1, progress=False)
        found = lookalike.read_table(tmp_path / f"of-{name}").value_counts()
        rows[name] = found.reindex(synthetic.value_counts().index, fill_value=0)
    assert rows["one"].max() > 2 and (rows["one"] - rows["three"]).abs().max() <= 1


@pytest.mark.parametrize("cap", [1, 2])
def test_no_shard_gives_more_than_it_may(cap):
    found = [(np.array([10]), np.array([29.0])), (np.array([30]), np.array([1.0]))]
    counts, repeats = _dealt(found, {None: 20 * cap}, cap, cap)
    assert [one.tolist() for one in counts] == [[10 * cap], [10 * cap]] and repeats == [cap]


def test_classes_may_be_in_shards_of_their_own(tables, tmp_path):
    real, synthetic, _ = tables
    (tmp_path / "made").mkdir()
    for kind in (0, 1):
        lookalike.write_table(synthetic[synthetic["kind"] == kind], tmp_path / "made" / f"{kind}.parquet")
    lookalike.align_shards(
        real, tmp_path / "made", 600, tmp_path / "a", label="kind", workers=1, progress=False
    )
    own = lookalike.read_table(tmp_path / "a")
    assert abs(own["kind"].mean() - real["kind"].mean()) < 1 / 600 and len(own) == 600


def test_it_goes_on_where_it_stopped_to_the_same_bytes(tables, tmp_path, capsys):
    real, _, folder = tables
    lookalike.write_table(real, tmp_path / "real.parquet")
    asked = [
        "align",
        "--real",
        f"{tmp_path}/real.parquet",
        "--synthetic",
        str(folder),
        "-n",
        "300",
        "--quiet",
    ]
    assert main([*asked, "-o", f"{tmp_path}/a/", "--workers", "1"]) == 0
    second = tmp_path / "a" / "part-00001-of-00003.parquet"
    before = second.read_bytes()
    second.unlink()
    assert main([*asked, "-o", f"{tmp_path}/a/", "--workers", "1"]) == 0
    assert "1 shards, 2 were there" in capsys.readouterr().out and second.read_bytes() == before
    assert main([*asked, "-o", f"{tmp_path}/a.csv"]) == 2
    assert "into a folder" in capsys.readouterr().err


def test_what_cannot_be_is_a_sentence(tables, tmp_path):
    real, _, folder = tables
    with pytest.raises(OptionError, match="ask for fewer"):
        lookalike.align_shards(real, folder, 10**6, tmp_path / "a", progress=False)
    with pytest.raises(OptionError, match="give a name"):
        lookalike.align_shards(real, folder, 10, tmp_path / "a", embed=len, progress=False)
    (tmp_path / "b").mkdir()
    lookalike.write_table(real, tmp_path / "b" / "0.parquet")
    lookalike.write_table(real.drop(columns="kind"), tmp_path / "b" / "1.parquet")
    with pytest.raises(DataError, match="kind"):
        lookalike.align_shards(real, tmp_path / "b", 10, tmp_path / "a", label="kind", progress=False)


def test_a_shard_may_be_empty_and_a_table_that_vanishes_is_a_sentence(tables, tmp_path):
    real, synthetic, _ = tables
    (tmp_path / "made").mkdir()
    for at, rows in enumerate((synthetic.iloc[:100], synthetic.iloc[:0], synthetic.iloc[100:200])):
        lookalike.write_table(rows, tmp_path / "made" / f"{at}.parquet")
    lookalike.align_shards(real, tmp_path / "made", 50, tmp_path / "a", workers=1, progress=False)
    assert len(lookalike.read_table(tmp_path / "a")) == 50
    weighing = Weighing(
        [str(tmp_path / "gone.parquet")], (), {}, real, synthetic, None, None, None, 0, [], []
    )
    with pytest.raises(DataError, match=r"gone\.parquet does not exist"):
        weighing.open()(0)
