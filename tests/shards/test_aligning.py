"""Rows chosen shard by shard are those that `align` would choose of the whole, but for a stated error."""

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.cli.main import main
from lookalike.errors import DataError, OptionError

OFF = 0.05  # of a mean or a share, between shards and the whole: three standard errors of the draws


def table(rows: int, young: float, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    of = rng.random(rows) < young
    age = np.where(of, rng.normal(0.3, 0.05, rows), rng.normal(0.8, 0.05, rows))
    return pd.DataFrame({"age": age, "city": np.where(of, "Rome", "Paris"), "kind": rng.integers(0, 2, rows)})


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """(real, synthetic, the folder of its 3 shards)."""
    real, synthetic = table(1500, 0.5, 0), table(3000, 0.25, 1)
    folder = tmp_path_factory.mktemp("align") / "made"
    folder.mkdir()
    for at in range(3):
        lookalike.write_table(synthetic.iloc[at * 1000 : at * 1000 + 1000], folder / f"{at}.parquet")
    return real, synthetic, folder


@pytest.mark.parametrize("label", [None, "kind"])
def test_shards_are_aligned_as_the_whole(tables, tmp_path, label):
    real, synthetic, folder = tables
    options = {"label": label, "holdout": table(200, 0.5, 2), "progress": False}
    whole, alignment = lookalike.align(real, synthetic, 1500, **options)
    made, figures = lookalike.align_shards(real, folder, 1500, tmp_path / "a", workers=1, **options)
    own = lookalike.read_table(tmp_path / "a")
    assert len(own) == made.rows == 1500 and len(made.done) == 3 and figures.cap == alignment.cap > 0
    assert abs((synthetic["city"] == "Rome").mean() - (real["city"] == "Rome").mean()) > 0.15
    assert abs((own["city"] == "Rome").mean() - (whole["city"] == "Rome").mean()) < OFF
    assert abs(own["age"].mean() - whole["age"].mean()) < OFF
    assert own.value_counts().max() <= figures.cap
    if label is not None:
        assert own["kind"].value_counts().to_dict() == whole["kind"].value_counts().to_dict()
    rows = set(synthetic.itertuples(index=False, name=None))
    assert set(own.itertuples(index=False, name=None)) <= rows


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
