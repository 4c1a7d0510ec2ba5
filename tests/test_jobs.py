"""Work by processes: every shard once, whoever dies; mistakes as one sentence."""

import time
from pathlib import Path

import pytest

from lookalike.errors import DataError, OptionError
from lookalike.jobs import in_processes, in_this_process
from tests.paths import ROOT
from tests.shards.work import Alone, Slow, Squares


@pytest.fixture(autouse=True)
def tests_can_be_imported(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def begun(folder: Path, shard: int) -> int:
    return len(list(folder.glob(f"begun-{shard}-*")))


def test_one_worker_does_every_shard_after_it_opened_the_job_once(tmp_path):
    done = list(in_this_process(Squares(str(tmp_path)), [3, 1]))
    assert [(one.shard, one.rows, one.facts) for one in done] == [(3, 3, 9), (1, 1, 1)]
    assert len(list(tmp_path.glob("opened-*"))) == 1


def test_two_workers_do_what_one_does_and_one_that_dies_costs_its_shard_alone(tmp_path):
    done = list(in_processes(Squares(str(tmp_path), dies=2), range(5), 2))
    assert sorted((one.shard, one.facts) for one in done) == [(i, i * i) for i in range(5)]
    assert [begun(tmp_path, shard) for shard in range(5)] == [1, 1, 2, 1, 1]
    assert 2 <= len(list(tmp_path.glob("opened-*"))) <= 3  # one may do them all


def test_a_shard_that_always_ends_its_worker_is_given_up(tmp_path):
    with pytest.raises(DataError, match="shard 1 ended its worker 3 times"):
        list(in_processes(Squares(str(tmp_path), dies=1, times=9), [1], 2))


def test_one_of_those_that_stand_alone_costs_itself(tmp_path):
    found = {one.shard: one.facts for one in in_processes(Alone(str(tmp_path), dies=1, times=9), range(3), 2)}
    assert (found[0], found[2]) == (0, 4) and found[1].startswith("shard 1 ended its worker 3 times")


def test_a_users_mistake_comes_back_as_its_sentence_and_other_errors_with_their_place(tmp_path):
    with pytest.raises(OptionError, match=r"^shard 1 is wrong: choose another\.$"):
        list(in_processes(Squares(str(tmp_path), wrong=1), range(3), 2))
    with pytest.raises(RuntimeError, match=r"(?s)work\.py.*ZeroDivisionError: by design"):
        list(in_processes(Squares(str(tmp_path), faulty=0), range(3), 2))


def test_where_the_work_is_stopped_a_worker_tidies_up_and_says_nothing(tmp_path, capfd):
    work = in_processes(Slow(str(tmp_path)), range(2), 1)
    assert next(work).shard == 0  # it has shard 1 by now
    end = time.monotonic() + 60
    while not (tmp_path / "at-1").exists() and time.monotonic() < end:
        time.sleep(0.01)
    work.close()
    assert (tmp_path / "tidied-1").exists() and capfd.readouterr() == ("", "")
