"""The report of a table in shards: counts of all rows, and a sample for all else."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.cli.main import main
from lookalike.errors import DataError
from lookalike.evaluate.adding import Frame
from lookalike.jobs import in_this_process
from lookalike.shards import evaluating
from lookalike.shards.crew import Crew

pytestmark = pytest.mark.usefixtures("few_trees")
COUNTED = ("shape_error", "missing_error", "unseen", "out_of_range", "pair_error")


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """(a real table of every kind that is counted, a synthetic one, its folder of 4 shards)."""
    rng = np.random.default_rng(0)

    def table(rows: int, shift: float) -> pd.DataFrame:
        amount = rng.normal(shift, 1, rows)
        made = pd.DataFrame(
            {
                "amount": np.where(rng.random(rows) < 0.1 + shift / 10, np.nan, amount),
                "size": rng.integers(0, 5 + round(3 * shift), rows),
                "double": amount * 2 + rng.normal(0, 0.1 + shift, rows),
                "city": rng.choice(["Kiel", "Ulm", "Bonn", "Oslo"][: 3 + (shift > 0)], rows),
                "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 300, rows), "D"),
                "place": [
                    f"{a:.1f},{a * 2 + b:.1f}" for a, b in zip(amount, rng.normal(0, 1, rows), strict=True)
                ],
                "text": [
                    f"order {i % 40} came {'late' if i % 3 else 'early'} to the city" for i in range(rows)
                ],
            }
        )
        return made

    real, synthetic = table(500, 0.0), table(2000, 0.3)
    folder = tmp_path_factory.mktemp("evaluated") / "made"
    folder.mkdir()
    for at in range(4):
        lookalike.write_table(
            synthetic.iloc[at * 500 : at * 500 + 500].reset_index(drop=True), folder / f"{at}.parquet"
        )
    return real, synthetic, folder


def test_counts_of_shards_are_those_of_the_whole_table(tables, monkeypatch):
    real, synthetic, folder = tables
    monkeypatch.setattr(evaluating, "SAMPLE", 400)
    report = lookalike.evaluate_shards(real, folder, only=["fidelity"], quick=True, workers=1)
    found, whole = (
        report.to_dict(),
        lookalike.evaluate(real, synthetic, only=["fidelity"], quick=True).to_dict(),
    )
    for key in COUNTED:
        assert found["fidelity"][key]["value"] == pytest.approx(whole["fidelity"][key]["value"], abs=1e-9), (
            key
        )
    assert {"place [1]", "place [2]"} < set(whole["columns"])  # a compound, by its members
    for name, column in whole["columns"].items():
        own = found["columns"][name]
        assert own["shape_error"]["value"] == pytest.approx(column["shape_error"]["value"], abs=1e-9), name
        assert own["missing"]["synthetic"] == column["missing"]["synthetic"]
        assert own["strange"]["synthetic"] == column["strange"]["synthetic"]
        assert own["pair_error"] == pytest.approx(column["pair_error"], abs=1e-9)
    pairs = {(one["first"], one["second"]): one["error"] for one in whole["pairs"]}
    assert all(one["error"] == pytest.approx(pairs[one["first"], one["second"]]) for one in found["pairs"])
    assert found["tables"]["rows"]["synthetic"] == 2000
    assert "2,000 rows in 4 shards" in found["warnings"][0] and "of 400 rows drawn" in found["warnings"][0]
    assert report._repr_html_()


def test_shards_are_added_in_their_order_whoever_is_first(tables):
    real, _, folder = tables
    files = sorted(map(str, folder.iterdir()))
    job = evaluating.Counting(files, Frame.of(real), (), {})

    class Backwards:
        def does(self, job, todo):
            return in_this_process(job, reversed(todo))

    found = [evaluating._added(crew, job, 2000, False) for crew in (Crew(workers=1), Backwards())]
    assert all((a == b).all() for a, b in zip(found[0].sums, found[1].sums, strict=True))
    assert found[0].rows == found[1].rows == 2000 and found[0].missing == found[1].missing


def test_a_small_table_in_shards_is_measured_as_a_whole(tables, capsys, tmp_path):
    real, _, folder = tables
    lookalike.write_table(real, tmp_path / "real.parquet")
    options = ["--only", "diversity", "--quick", "--json", str(tmp_path / "found.json"), "--quiet"]
    assert main(["evaluate", "--real", f"{tmp_path}/real.parquet", "--synthetic", str(folder), *options]) == 0
    assert "2,000 synthetic" in capsys.readouterr().out


def test_a_shard_of_another_schema_is_named(tables, tmp_path, monkeypatch):
    real, synthetic, _ = tables
    monkeypatch.setattr(evaluating, "SAMPLE", 10)
    lookalike.write_table(synthetic, tmp_path / "a.parquet")
    lookalike.write_table(synthetic.drop(columns="city"), tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"a\.parquet has the column 'city', which .*b\.parquet lacks"):
        lookalike.evaluate_shards(real, tmp_path, workers=1)


def test_an_empty_shard_adds_nothing(tables, tmp_path, monkeypatch):
    real, synthetic, _ = tables
    monkeypatch.setattr(evaluating, "SAMPLE", 50)
    for name, sizes in (("with", (30, 0, 70)), ("without", (30, 70))):
        (tmp_path / name).mkdir()
        ends = np.cumsum((0, *sizes))
        for at, (start, end) in enumerate(pairwise(ends)):
            lookalike.write_table(synthetic.iloc[start:end], tmp_path / name / f"{at}.parquet")
    counts = []
    for name in ("with", "without"):
        files = sorted(map(str, (tmp_path / name).glob("*")))
        job = evaluating.Counting(files, Frame.of(real), (), {})
        counts.append(evaluating._added(Crew(workers=1), job, 100, False))
    assert counts[0].rows == counts[1].rows == 100 and counts[0].missing == counts[1].missing
