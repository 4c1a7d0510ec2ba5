"""A job in shards by Ray (extra `lookalike[ray]`): on this machine or on a cluster.

Each actor loads what the job needs once, takes one shard after the other and puts it into its place itself,
so that only (shard, rows, seconds) comes back. An actor that dies is replaced, and its shard alone is done
again. Plain actors, not `ray.data`: its `map_batches` starts three more processes, and a job of 2,000 rows
took 14.5 CPU seconds by it and 10.6 by these (bench/RESULTS.md, work in shards).
"""

from __future__ import annotations

import os
import pickle
import socket
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lookalike.errors import DataError, MissingDependency, OptionError, UserError, first_line
from lookalike.jobs import TRIES, Done, Job, error_of, given_up, search_path, timed

NAMES = ("auto", "local")  # addresses that Ray knows: a cluster that runs here, a new one
PORT = "10001"  # of a cluster's client server, where an address has none
GAVE_UP = "Ray gave up ({}: {}): see its log; the shards that are done stay, and the same command goes on."


def does(
    job: Job, todo: Sequence[int], engine: str, workers: int | None, cpus: float, gpus: float
) -> Iterator[Done]:
    """The shards as they are done, in any order; the arguments are those of `Crew`. Raises MissingDependency
    without Ray, OptionError where no cluster answers or its version does not fit, and the UserError of a
    shard.
    """
    ray = _ray()
    with _connected(ray, engine):
        room = int(min(_room(ray, cpus, gpus), workers or len(todo), len(todo)))
        worker = ray.remote(Worker).options(num_cpus=cpus, num_gpus=gpus)
        sent = ray.put(pickle.dumps(job))
        yield from _dealt(ray, lambda: worker.remote(sent), room, job, todo)


def _dealt(ray: Any, start: Callable[[], Any], room: int, job: Job, todo: Sequence[int]) -> Iterator[Done]:
    """Deals the shards to actors that have started: one for which there is no room yet holds none."""
    from ray.exceptions import RayError, RayTaskError

    waiting, missing, deaths = list(reversed(todo)), len(todo), dict.fromkeys(todo, 0)
    busy: dict[Any, tuple[Any, int | None]] = {}  # what is asked of an actor -> the actor, the shard

    def give(actor: Any, shard: int | None) -> None:
        busy[actor.ready.remote() if shard is None else actor.do.remote(shard)] = actor, shard

    for _ in range(room):
        give(start(), None)
    while missing:
        (one,), _ = ray.wait(list(busy), num_returns=1)
        actor, shard = busy.pop(one)
        try:
            kind, value = pickle.loads(ray.get(one))
        except RayTaskError as error:
            raise DataError(GAVE_UP.format(type(error).__name__, _cause(error))) from None
        except RayError as error:  # it has died, or its machine
            if shard is None:
                raise DataError(GAVE_UP.format(type(error).__name__, _cause(error))) from None
            deaths[shard] += 1
            kind, value = "dead", None
        if kind == "error":
            raise error_of(*value)
        if kind == "dead" and shard is not None:
            give(start(), None)
            if deaths[shard] < TRIES:
                waiting.append(shard)
                continue
            value = given_up(job, shard)
        elif waiting:
            give(actor, waiting.pop())
        if kind != "ready":
            missing -= 1
            yield value


class Worker:
    """An actor: loads the job with its first shard, and does one shard a call."""

    def __init__(self, job: bytes) -> None:
        self._job: Job = pickle.loads(job)
        self._do: Callable[[int], tuple[int, Any]] | None = None

    def ready(self) -> bytes:
        return pickle.dumps(("ready", None))

    def do(self, shard: int) -> bytes:
        answer: tuple[str, Any]
        try:
            self._do = self._do or self._job.open()
            answer = ("done", timed(self._do, shard))
        except UserError as error:
            answer = ("error", (type(error).__name__, str(error)))
        return pickle.dumps(answer)


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise MissingDependency("ray", "ray") from None
    return ray


@contextmanager
def _connected(ray: Any, engine: str) -> Iterator[None]:
    """The cluster of an address, the one that is connected already, or one of this machine for the block."""
    if ray.is_initialized():
        yield
        return
    address = engine.partition("://")[2]
    known = address or os.environ.get("RAY_ADDRESS", "")
    _check_answers(known.rpartition("://")[2])
    started: dict[str, Any] = {"address": engine if address not in ("", "auto") else address or None}
    if not known:  # not one of another job, which may end with it
        started = {"address": "local", "include_dashboard": False}
    try:
        with _found(), warnings.catch_warnings(action="ignore"):
            ray.init(log_to_driver=False, logging_level="ERROR", **started)
    except Exception as error:  # of Ray, of gRPC, of the system
        where = f" at {known}" if known else ""
        if "mismatch" in str(error).lower():
            said = " ".join(str(error).split())[:200]
            raise OptionError(f"the cluster{where} runs another version of Ray or Python: {said}.") from None
        raise OptionError(
            f"no Ray cluster answers{where} ({type(error).__name__}: {first_line(error)}): check the "
            "address, or start one with  ray start --head."
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _found() -> Iterator[None]:
    """While it lasts, processes that are started find this package: a `runtime_env` would have Ray start each
    worker twice, and those that it starts in advance for nothing.
    """
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = search_path()
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def _check_answers(address: str) -> None:
    """Raises OptionError where nothing listens at HOST:PORT, which Ray would try for half a minute."""
    host, _, port = address.rpartition(":") if ":" in address else (address, "", PORT)
    if not host or host in NAMES or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except OSError as error:
        said = error.strerror or first_line(error)
        raise OptionError(f"no Ray cluster answers at {address} ({said}): check the address.") from None


def _room(ray: Any, cpus: float, gpus: float) -> int:
    """How many workers the cluster has room for. Raises OptionError where that is none."""
    there = ray.cluster_resources()
    rooms = [there.get(name, 0) // each for name, each in (("CPU", cpus), ("GPU", gpus)) if each > 0]
    room = int(min(rooms, default=1))
    if room < 1:
        raise OptionError(
            f"the cluster has {there.get('CPU', 0):g} CPUs and {there.get('GPU', 0):g} GPUs, and a worker "
            f"needs {cpus:g} and {gpus:g}: ask for less."
        )
    return room


def _cause(error: BaseException) -> str:
    cause = getattr(error, "cause", None)
    return first_line(cause if isinstance(cause, BaseException) else error)
