"""A job in shards by Ray (extra `lookalike[ray]`): on this machine or on a cluster.

Each actor loads what the job needs once, takes one shard after the other and puts it into its place itself,
so that only (shard, rows, seconds) comes back. Plain actors, not `ray.data`: its `map_batches` starts three
more processes, and a job of 2,000 rows took 14.5 CPU seconds by it and 10.6 by these (bench/RESULTS.md, work
in shards).
"""

from __future__ import annotations

import os
import pickle
import socket
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lookalike.errors import MissingDependency, OptionError, first_line
from lookalike.jobs import Doing, Done, Job, dealt, environment

PORT = "10001"  # of a cluster's client server, where an address has none
GAVE_UP = "Ray gave up ({}: {}): see its log; the shards that are done stay, and the same command goes on."


def does(
    job: Job, todo: Sequence[int], engine: str, workers: int | None, cpus: float, gpus: float
) -> Iterator[Done]:
    """The shards as they are done, in any order; the arguments are those of `Crew`. Raises MissingDependency
    without Ray, OptionError where no cluster answers or its version does not fit, and the UserError of a
    shard.
    """
    try:
        import ray
    except ImportError:
        raise MissingDependency("ray", "ray") from None
    with _connected(ray, engine.partition("://")[2]):
        there, options = ray.cluster_resources(), {"num_cpus": cpus, "num_gpus": gpus}
        if getattr(job, "here", False):  # on this machine, wherever the cluster has others
            node = ray.get_runtime_context().get_node_id()
            there = next(one["Resources"] for one in ray.nodes() if one["NodeID"] == node)
            here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node, soft=False)
            options["scheduling_strategy"] = here
        room = min(_room(there, cpus, gpus), workers or len(todo), len(todo))
        yield from dealt(job, todo, _Actors(ray, job, options), room)


class Actor:
    """What runs in a worker of Ray; answers are bytes, so that no array in them is one that Ray shares."""

    def __init__(self, job: bytes) -> None:
        self._do = Doing(pickle.loads(job))

    def ready(self) -> bytes:
        return pickle.dumps(("ready", None))

    def do(self, shard: int) -> bytes:
        return pickle.dumps(self._do(shard))


class _Actors:
    """`Workers` that are actors; one for which there is no room yet is not ready, and holds no shard."""

    def __init__(self, ray: Any, job: Job, options: dict[str, Any]) -> None:
        self._ray, self._job = ray, ray.put(pickle.dumps(job))
        self._actor = ray.remote(Actor).options(**options)
        self._asked = dict[Any, Any]()  # what will be answered -> by whom

    def start(self) -> None:
        actor = self._actor.remote(self._job)
        self._asked[actor.ready.remote()] = actor

    def give(self, worker: Any, shard: int) -> None:
        self._asked[worker.do.remote(shard)] = worker

    def heard(self) -> tuple[Any, str, Any]:
        (answer,), _ = self._ray.wait(list(self._asked), num_returns=1)
        actor = self._asked.pop(answer)
        try:
            return actor, *pickle.loads(self._ray.get(answer))
        except self._ray.exceptions.RayError as error:  # it has died, or its machine
            said = first_line(getattr(error, "cause", None) or error)
            return actor, "dead", GAVE_UP.format(type(error).__name__, said)


@contextmanager
def _connected(ray: Any, address: str) -> Iterator[None]:
    """The cluster of an address, the one that is connected already, or one of this machine for the block."""
    if ray.is_initialized():
        yield
        return
    named = address not in ("", "auto", "local")
    where = f"ray://{address}" if named else address or os.environ.get("RAY_ADDRESS") or "local"
    known = "" if where in ("auto", "local") else where.rpartition("://")[2]
    _check_answers(known)
    page = {"include_dashboard": False} if where == "local" else {}
    try:
        # Not a `runtime_env`: Ray starts each worker of one twice, and those that it starts in advance for
        # nothing. A cluster that is started here tells its makers nothing.
        with environment(RAY_USAGE_STATS_ENABLED="0"), warnings.catch_warnings(action="ignore"):
            ray.init(where, log_to_driver=False, logging_level="ERROR", **page)
    except Exception as error:  # of Ray, of gRPC, of the system
        at = f" at {known}" if known else ""
        if "mismatch" in str(error).lower():
            said = " ".join(str(error).split())[:200]
            raise OptionError(f"the cluster{at} runs another version of Ray or Python: {said}.") from None
        raise OptionError(
            f"no Ray cluster answers{at} ({type(error).__name__}: {first_line(error)}): check the "
            "address, or start one with  ray start --head."
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """Raises OptionError where nothing listens at HOST:PORT, which Ray would try for half a minute."""
    host, _, port = address.rpartition(":") if ":" in address else (address, "", PORT)
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except OSError as error:
        said = error.strerror or first_line(error)
        raise OptionError(f"no Ray cluster answers at {address} ({said}): check the address.") from None


def _room(there: dict[str, float], cpus: float, gpus: float) -> int:
    """How many workers there is room for. Raises OptionError where that is none."""
    rooms = [there.get(name, 0) // each for name, each in (("CPU", cpus), ("GPU", gpus)) if each > 0]
    room = int(min(rooms, default=1))
    if room < 1:
        raise OptionError(
            f"the cluster has {there.get('CPU', 0):g} CPUs and {there.get('GPU', 0):g} GPUs, and a worker "
            f"needs {cpus:g} and {gpus:g}: ask for less."
        )
    return room
