"""Shards by Ray, on real clusters of this machine; skipped where Ray is not installed."""

import hashlib
import os
from dataclasses import fields
from pathlib import Path

import pytest

import lookalike
from lookalike import scale
from lookalike.errors import OptionError
from lookalike.llm import LLM, Budget
from lookalike.prompting import SynAlign
from lookalike.shards import sampling
from lookalike.shards.crew import Crew
from lookalike.shards.sampling import Sampling
from tests.paths import ROOT, SRC
from tests.shards.dying import Dying
from tests.shards.work import Alone, Squares

ray = pytest.importorskip("ray")
os.environ.setdefault("RAY_worker_niceness", "0")  # 15 by default: where all cores are busy, workers starve
PATHS = {"env_vars": {"PYTHONPATH": os.pathsep.join([str(SRC), str(ROOT)]), "OMP_NUM_THREADS": "1"}}


@pytest.fixture(scope="module")
def two_nodes():
    """One cluster for all tests here: two nodes of a CPU each, as starting one takes the most time."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, log_to_driver=False, runtime_env=PATHS)
    yield
    ray.shutdown()
    cluster.shutdown()


def digests(folder: Path) -> dict[str, str]:
    return {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in folder.glob("part-*.parquet")}


def test_an_actor_opens_the_job_once_and_one_that_dies_costs_its_shard_alone(two_nodes, tmp_path):
    crew = Crew("ray", workers=1)
    assert sorted((one.shard, one.facts) for one in crew.does(Squares(str(tmp_path), dies=2), range(4))) == [
        (i, i * i) for i in range(4)
    ]
    begun = [len(list(tmp_path.glob(f"begun-{shard}-*"))) for shard in range(4)]
    assert begun == [1, 1, 2, 1] and len(list(tmp_path.glob("opened-*"))) == 2


def test_mistakes_are_sentences(two_nodes, tmp_path):
    with pytest.raises(OptionError, match=r"^shard 1 is wrong: choose another\.$"):
        list(Crew("ray", workers=1).does(Squares(str(tmp_path), wrong=1), range(2)))
    with pytest.raises(OptionError, match=r"2 CPUs and 0 GPUs, and a worker needs 1 and 1"):
        list(Crew("ray", gpus=1).does(Squares(str(tmp_path)), [0]))


def test_one_of_those_that_stand_alone_costs_itself(two_nodes, tmp_path):
    alone = Alone(str(tmp_path), dies=1, times=9)
    found = {one.shard: one.facts for one in Crew("ray", workers=1).does(alone, range(2))}
    assert found[0] == 0 and found[1].startswith("shard 1 ended its worker 3 times")


def test_killed_in_the_middle_on_two_nodes_the_bytes_are_those_without_ray(
    two_nodes, small_model, tmp_path, monkeypatch
):
    options = {"shards": 4, "progress": False}
    lookalike.sample_shards(small_model, 50, tmp_path / "alone", workers=1, **options)
    names = [one.name for one in fields(Sampling)]
    monkeypatch.setattr(sampling, "Sampling", lambda *given: Dying(**dict(zip(names, given, strict=False))))
    lookalike.sample_shards(small_model, 50, tmp_path / "made", engine="ray", **options)
    assert (tmp_path / "made" / ".died").exists() and digests(tmp_path / "made") == digests(
        tmp_path / "alone"
    )
    assert len(digests(tmp_path / "made")) == 4


def test_shards_of_a_language_model_are_written_on_this_machine_as_without_ray(
    two_nodes, serve, halves, tmp_path, monkeypatch
):
    pytest.importorskip("aiohttp")
    served, starts = serve("--writer", f"{ROOT}/tests/prompting/writer.py:good"), []
    begin = scale._Actors.__init__

    def noted(own, ray, job, options):
        starts.append(options["scheduling_strategy"].node_id)
        begin(own, ray, job, options)

    monkeypatch.setattr(scale._Actors, "__init__", noted)
    for engine in ("ray", "processes"):
        llm = LLM("m", served.url, concurrency=4, budget=Budget(max_calls=99), progress=False)
        writer = SynAlign(llm, "text", demonstrations=12, gen_size=5, method="few-shot", progress=False)
        out = tmp_path / engine
        options = {"shards": 2, "workers": 2, "engine": engine, "progress": False}
        made = lookalike.generate_shards(halves[0][["text"]], 20, writer, out, **options)
        assert made.rows == 20 and llm.budget.spent.calls == 4
    assert starts == [ray.get_runtime_context().get_node_id()]
    assert digests(tmp_path / "ray") == digests(tmp_path / "processes")


def test_an_address_without_a_cluster_is_a_sentence(monkeypatch, recwarn):
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(scale, "PORT", "1")
    for engine, known, said in (
        ("ray://127.0.0.1:1", "", r"127\.0\.0\.1:1"),
        ("ray://127.0.0.1", "", r"127\.0\.0\.1"),
        ("ray", "127.0.0.1:1", r"127\.0\.0\.1:1"),
        ("ray", "ray://127.0.0.1:1", r"127\.0\.0\.1:1"),
    ):
        monkeypatch.setenv("RAY_ADDRESS", known)
        with pytest.raises(OptionError, match=rf"no Ray cluster answers at {said} .* check the address"):
            list(Crew(engine).does(Squares("."), [0]))
    assert not recwarn.list


def test_a_cluster_that_is_started_finds_this_package_and_phones_nobody(monkeypatch):
    seen = []

    def start(address, **options):
        statistics = os.environ["RAY_USAGE_STATS_ENABLED"]
        seen.append((address, options, os.environ["PYTHONPATH"].split(os.pathsep)[0], statistics))
        raise RuntimeError("seen")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", start)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    for before in (None, "elsewhere"):
        monkeypatch.setenv("PYTHONPATH", before or "")
        if before is None:
            monkeypatch.delenv("PYTHONPATH")
        with pytest.raises(OptionError, match="no Ray cluster answers"):
            list(scale.does(Squares("."), [0], "ray", None, 1, 0))
        assert os.environ.get("PYTHONPATH") == before
    assert all(where == "local" and "runtime_env" not in options for where, options, _, _ in seen)
    assert [(path, tells) for _, _, path, tells in seen] == [(str(SRC), "0")] * 2


def test_another_version_of_ray_is_a_sentence(monkeypatch):
    def refuse(*_, **__):
        raise RuntimeError(
            "Version mismatch: The cluster was started with:\n    Ray: 2.9.3\n    Python: 3.9.1"
        )

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", refuse)
    with pytest.raises(OptionError, match=r"another version of Ray or Python: .* Ray: 2\.9\.3"):
        list(scale.does(Squares("."), [0], "ray", None, 1, 0))
