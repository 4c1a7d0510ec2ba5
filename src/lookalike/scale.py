"""A job in shards by Ray (extra `lookalike[ray]`): on this machine or on a cluster.

`ray.data` deals the numbers of the shards to a pool of actors. Each loads what the job needs once and puts
its shards into their place itself, so that only (shard, rows, seconds) comes back. An actor that dies is
started again by Ray, and its shard alone is done again.
"""

from __future__ import annotations

import logging
import os
import pickle
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lookalike.errors import DataError, MissingDependency, OptionError, UserError, first_line
from lookalike.shards.jobs import OFTEN, TRIES, Done, Job, error_of, timed


def does(
    job: Job, todo: Sequence[int], engine: str, workers: int | None, cpus: float, gpus: float
) -> Iterator[Done]:
    """The shards as they are done, in any order; the arguments are those of `Crew`. Raises MissingDependency
    without Ray, OptionError where no cluster answers or its version does not fit, and the UserError of a
    shard.
    """
    ray = _ray()
    from ray.exceptions import RayError

    with _connected(ray, engine):
        room = int(min(_room(ray, cpus, gpus), workers or len(todo), len(todo)))
        shards = ray.data.from_items([{"shard": one} for one in todo], override_num_blocks=len(todo))
        answers = shards.map_batches(
            Worker,
            fn_constructor_args=(pickle.dumps(job), ray.remote(Tries).options(num_cpus=0).remote()),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=room, max_tasks_in_flight_per_actor=1),
            num_cpus=cpus,
            num_gpus=gpus,
        )
        try:
            for row in answers.iter_rows():
                kind, value = pickle.loads(row["answer"])
                if kind == "error":
                    raise error_of(*value)
                yield value
        except RayError as error:
            raise DataError(
                f"Ray gave up ({type(error).__name__}: {_cause(error)}): see its log; the shards that are "
                "done stay, and the same command goes on."
            ) from None


class Tries:
    """An actor that knows how often each shard was begun, as Ray would try one for ever."""

    def __init__(self) -> None:
        self._begun: dict[int, int] = {}

    def begin(self, shard: int) -> int:
        self._begun[shard] = self._begun.get(shard, 0) + 1
        return self._begun[shard]


class Worker:
    """An actor: loads the job with its first shard, and does one shard a batch."""

    def __init__(self, job: bytes, tries: Any) -> None:
        self._job: Job = pickle.loads(job)
        self._tries = tries
        self._do: Callable[[int], tuple[int, Any]] | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        import ray

        answer: tuple[str, Any]
        shard = int(batch["shard"][0])
        try:
            if ray.get(self._tries.begin.remote(shard)) > TRIES:
                raise DataError(OFTEN.format(shard, TRIES))
            self._do = self._do or self._job.open()
            answer = ("done", timed(self._do, shard))
        except UserError as error:
            answer = ("error", (type(error).__name__, str(error)))
        return {"answer": [pickle.dumps(answer)]}


def _ray() -> Any:
    try:
        import ray
        import ray.data
    except ImportError:
        raise MissingDependency("ray", "ray") from None
    return ray


@contextmanager
def _connected(ray: Any, engine: str) -> Iterator[None]:
    """The cluster of an address, the one that is connected already, or one of this machine for the block."""
    _quiet(ray)
    if ray.is_initialized():
        yield
        return
    address = engine.partition("://")[2]
    source = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    path = os.pathsep.join([source, *filter(None, [os.environ.get("PYTHONPATH")])])
    _check_answers(address)
    started: dict[str, Any] = {"address": engine if address not in ("", "auto") else address or None}
    if not address and not os.environ.get("RAY_ADDRESS"):
        started |= {"include_dashboard": False, "runtime_env": {"env_vars": {"PYTHONPATH": path}}}
    try:
        ray.init(log_to_driver=False, logging_level="ERROR", **started)
    except Exception as error:  # of Ray, of gRPC, of the system
        where = f" at {address}" if address else ""
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


def _check_answers(address: str) -> None:
    """Raises OptionError where nothing listens at HOST:PORT, which Ray would try for half a minute."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except OSError as error:
        said = error.strerror or first_line(error)
        raise OptionError(f"no Ray cluster answers at {address} ({said}): check the address.") from None


def _quiet(ray: Any) -> None:
    """One bar for the whole is enough."""
    ray.data.DataContext.get_current().enable_progress_bars = False
    for name in [one for one in logging.root.manager.loggerDict if one.startswith("ray.data")]:
        logging.getLogger(name).setLevel(logging.ERROR)


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
