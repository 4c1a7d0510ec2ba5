"""Rows in shards: the same bytes whoever draws them; what is there is not drawn again."""

import hashlib
from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest

import lookalike
from lookalike.cli.main import main
from lookalike.errors import ConditionError, DataError, ModelError, OptionError
from lookalike.files.place import Place
from lookalike.shards import sampling
from lookalike.shards.sampling import Sampling, sample_shards
from tests.paths import ROOT
from tests.shards.dying import Dying

pytestmark = pytest.mark.usefixtures("quick_fits", "few_candidates")


def digests(folder: Path) -> dict[str, str]:
    return {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in folder.glob("part-*")}


def made(folder: Path, model: Path, **options):
    return sample_shards(model, 50, folder, shards=4, progress=False, **options)


@pytest.fixture(scope="session")
def four(small_model, tmp_path_factory) -> Path:
    """50 rows in 4 shards, drawn by this process."""
    folder = tmp_path_factory.mktemp("shards") / "made"
    made(folder, small_model, workers=1)
    return folder


def test_the_bytes_do_not_depend_on_the_workers_and_add_up_to_the_rows(four, small_model, tmp_path):
    assert sorted(digests(four)) == [f"part-0000{i}-of-00004.parquet" for i in range(4)]
    done = made(tmp_path / "two", small_model, workers=2)
    assert digests(tmp_path / "two") == digests(four)
    assert [one.rows for one in done.done] == [13, 13, 12, 12] and "50 rows in 4 shards" in str(done)
    table = lookalike.read_table(four)
    assert len(table) == 50 and not table.iloc[:13].equals(table.iloc[13:26].reset_index(drop=True))


def test_shards_one_by_one_are_those_of_the_whole(four, small_model, tmp_path, capsys):
    for shard in ("2", "0", "3", "1"):
        options = ["-o", f"{tmp_path}/made/", "--shards", "4", "--shard", shard, "--quiet"]
        assert main(["sample", str(small_model), "-n", "5e1", *options]) == 0
    assert digests(tmp_path / "made") == digests(four)
    assert main(["sample", str(small_model), "-n", "50", *options]) == 0
    assert "nothing was left to do, 1 were there" in capsys.readouterr().out


def test_a_shard_that_is_gone_or_half_written_is_drawn_again(four, small_model, tmp_path):
    made(tmp_path / "made", small_model, workers=1)
    (tmp_path / "made" / "part-00001-of-00004.parquet").unlink()
    (tmp_path / "made" / ".part-00001-of-00004.parquet.x.partial.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"lacks 1 of its 4 shards \(the first is part-00001-"):
        lookalike.read_table(tmp_path / "made")
    assert [one.shard for one in made(tmp_path / "made", small_model, workers=1).done] == [1]
    assert digests(tmp_path / "made") == digests(four)
    assert not list((tmp_path / "made").glob(".part*"))


@pytest.mark.usefixtures("forked_workers")
def test_a_worker_that_is_killed_in_the_middle_changes_no_byte(four, small_model, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    def dying(**facts):
        return Dying(**facts)

    names = [one.name for one in fields(Sampling)]
    monkeypatch.setattr(sampling, "Sampling", lambda *given: dying(**dict(zip(names, given, strict=False))))
    made(tmp_path / "made", small_model, workers=2)
    assert (tmp_path / "made" / ".died").exists() and digests(tmp_path / "made") == digests(four)


def test_keys_go_on_from_shard_to_shard(orders, tmp_path):
    schema = lookalike.infer(orders)
    schema.set_kinds(["customer_id=key"])
    model = lookalike.DiffLM(max_time=0.5, epochs=1, progress=False).fit(orders, schema)
    sample_shards(model, 90, tmp_path / "made", shards=3, workers=1, progress=False)
    parts = [pd.read_parquet(one) for one in sorted((tmp_path / "made").glob("part-*"))]
    assert pd.concat(parts)["order_id"].is_unique
    assert not set(parts[0]["customer_id"]) & set(parts[1]["customer_id"])


def test_conditions_hold_in_every_shard_and_are_checked_before_any(small_model, tmp_path):
    sample_shards(small_model, 20, tmp_path / "a", shards=2, where=["sex=Male"], workers=1, progress=False)
    assert set(lookalike.read_table(tmp_path / "a")["sex"]) == {"Male"}
    with pytest.raises(ConditionError):
        sample_shards(small_model, 20, tmp_path / "b", shards=2, where=["sex=x"], progress=False)
    assert not (tmp_path / "b").exists()
    with pytest.raises(DataError, match=r"another plan \(options was"):
        sample_shards(small_model, 20, tmp_path / "a", shards=2, where=["sex=Female"], progress=False)


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"shards": 51}, OptionError, "50 rows cannot be dealt to 51 shards"),
        ({"shards": 4, "shard": 4}, OptionError, "shard is 4: choose one of 0 to 3"),
        ({"workers": 0}, OptionError, "workers is 0"),
        ({"engine": "dask"}, OptionError, "engine 'dask' is not known"),
        ({"model": "nowhere"}, ModelError, "holds no finished model"),
        ({"model": 7}, OptionError, "the model is 7"),
    ],
)
def test_a_mistake_is_a_sentence_and_makes_nothing(options, error, sentence, small_model, tmp_path):
    given = {"model": small_model, "n": 50, "out": tmp_path / "made", "progress": False} | options
    with pytest.raises(error, match=sentence):
        sample_shards(**given)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["-n", "9", "--shard", "0"], "add  --shards N"),
        (["--shards", "2"], "add  -n ROWS"),
        (["-n", "9", "--shards", "2", "--like", "x.csv"], "--like is for a single file"),
        (["-n", "1e-9", "--shards", "2"], "a whole number of at least 1"),
    ],
)
def test_the_command_line_refuses_what_does_not_go_together(options, sentence, small_model, tmp_path, capsys):
    assert main(["sample", str(small_model), "-o", f"{tmp_path}/made/", *options]) == 2
    assert sentence in capsys.readouterr().err and not (tmp_path / "made").exists()


def test_a_place_behind_a_url_gets_the_same_bytes(four, small_model):
    pytest.importorskip("fsspec")
    made_there = sample_shards(
        small_model, 50, "memory://made-by-shards/", shards=4, workers=1, progress=False
    )
    place = Place("memory://made-by-shards")
    held = {name: hashlib.sha256(place.read(name)).hexdigest() for name in place.names() if "part" in name}
    assert held == digests(four) and made_there.rows == 50
    assert lookalike.read_table("memory://made-by-shards").equals(lookalike.read_table(four))
