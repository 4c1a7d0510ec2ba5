"""The plan beside the shards, and which rows a shard has."""

import json

import pytest

from lookalike.errors import DataError, OptionError
from lookalike.files.place import Place
from lookalike.shards.plan import Plan, rows_of, shards_for


def test_rows_are_dealt_evenly_and_without_gaps():
    dealt = [rows_of(10, 4, shard) for shard in range(4)]
    assert dealt == [(0, 3), (3, 3), (6, 2), (8, 2)]


def test_shards_have_a_million_rows_where_nobody_says_how_many():
    assert [shards_for(n, None) for n in (1, 1_000_000, 1_000_001)] == [1, 1, 2]
    with pytest.raises(OptionError, match="3 rows cannot be dealt to 4 shards"):
        shards_for(3, 4)


def test_a_folder_keeps_to_its_plan(tmp_path):
    place, plan = Place(tmp_path / "made"), Plan("sample", 3, {"model": "abc", "seed": 0, "rows": 9})
    assert plan.begin(place) == set()
    (tmp_path / "made" / "part-00002-of-00003.parquet").write_bytes(b"PAR1...PAR1")
    (tmp_path / "made" / "part-00000-of-00003.parquet").write_bytes(b"PAR1...")  # cut off: made anew
    (tmp_path / "made" / ".part-00001-of-00003.parquet.xyz.partial").touch()
    assert plan.begin(place) == {2}
    with pytest.raises(DataError, match=r"another plan \(seed was 0, now it is 1\)"):
        Plan("sample", 3, {"model": "abc", "seed": 1, "rows": 9}).begin(place)
    with pytest.raises(DataError, match="the number of shards was 3, now it is 4"):
        Plan("sample", 4, {"model": "abc", "seed": 0, "rows": 9}).begin(place)
    (tmp_path / "made" / "plan.json").write_text("{")
    with pytest.raises(DataError, match="damaged"):
        plan.begin(place)


def test_shards_of_nobody_knows_what_are_left_alone(tmp_path):
    (tmp_path / "part-00000-of-00002.parquet").write_text("not ours")
    with pytest.raises(DataError, match="without a plan"):
        Plan("sample", 2).begin(Place(tmp_path))
    (tmp_path / "model.json").touch()
    with pytest.raises(DataError, match="is the folder of a model"):
        Plan("sample", 2).begin(Place(tmp_path))
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="is a file"):
        Plan("sample", 2).begin(Place(tmp_path / "file"))
    with pytest.raises(DataError, match="does not exist: make it first"):
        Plan("sample", 2).begin(Place(tmp_path / "a" / "b"))
    assert json.loads(json.dumps(Plan("sample", 2).to_dict())) == {"format": 1, "verb": "sample", "shards": 2}
