"""Cells of a benchmark: run one after the other or side by side, kept in a file of JSON as each is done."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

Entry = dict[str, Any]


def kept(path: Path) -> Entry:
    """What an earlier run left in the file: {"runs": {key: entry}} and what else it says."""
    return json.loads(path.read_text()) if path.exists() else {"runs": {}}


def run_all(
    results: Entry, path: Path, cells: Mapping[str, tuple[Any, ...]], work: Callable[..., Entry], jobs: int
) -> Iterator[tuple[str, Entry]]:
    """The cells as they are done, each an entry of results["runs"] and in the file by then.

    cells: key -> the arguments of `work`, a function of a module, whose processes begin anew.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for key, entry in _done(cells, work, jobs):
        results["runs"][key] = entry
        partial = path.with_name(f".{path.name}.partial")
        partial.write_text(json.dumps(results, indent=1))
        partial.replace(path)
        yield key, entry


def _done(
    cells: Mapping[str, tuple[Any, ...]], work: Callable[..., Entry], jobs: int
) -> Iterable[tuple[str, Entry]]:
    if jobs == 1:
        for key, arguments in cells.items():
            yield key, work(*arguments)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), max_tasks_per_child=None) as pool:
        waiting = {pool.submit(work, *arguments): key for key, arguments in cells.items()}
        try:
            for future in as_completed(waiting):
                yield waiting[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
