"""Rows a second and memory of work in shards, by workers and engine.

A small model of four columns of Adult is fitted in --max-time; it is sampled in shards by 1 and 2 workers and
by Ray; the shards are then evaluated and curated. Of every run: wall clock, CPU seconds of all its processes,
and the largest memory (resident, all processes together, shared pages counted once each). On a machine that
is busy with other work the CPU seconds are the figure to compare.

    python -m bench.scale --out bench/results/shards-scale.json
    python -m bench.scale --rows 10000000 --shards 40 --only sample --workers 2
    python -m bench.scale --only sample ray start --workers 2 --repeats 3       # medians, alternating
    python -m bench.scale --rows 100000000 --shards 100 --only sample --workers 2 --work DIR --minutes 20

Ray is measured with a cluster that runs already (ray), and started by the command as --engine ray does
(start). With --minutes a step ends after so long, shards that were begun are thrown away, and the rows are
those of the shards that are complete; with --go-on and the same --work the next call draws the rest, and its
figures are of what it did itself. With --out the runs of ten million rows and more become a table in
bench/RESULTS.md.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.command import count, parser
from bench.places import RESULTS, ROOT
from bench.publish import machine, publish

COLUMNS = ["age", "education", "hours-per-week", "income"]
STEPS = ("sample", "ray", "start", "evaluate", "curate")
LARGE = 10_000_000  # rows of a run that is a line in bench/RESULTS.md
TICKS = os.sysconf("SC_CLK_TCK")


def family(root: int) -> list[int]:
    """A process and all that descend from it."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parents[int(name)] = int(Path(f"/proc/{name}/stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted(found)


class Meter:
    """CPU seconds and the largest memory of this process and all below it, its own looking aside.

    Times are looked at twice a second, memory every third second.
    """

    def __init__(self, also: Callable[[], list[int]] = list) -> None:
        self._also, self._seen, self._begun = also, dict[int, float](), dict[int, float]()
        self._names = dict[int, str]()
        self.largest = self.worker = 0.0
        self._on, self._own = True, 0.0
        self._look(True)
        self._begun = dict(self._seen)
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _look(self, memory: bool) -> None:
        total = 0.0
        for pid in {*family(os.getpid()), *self._also()}:
            try:
                name, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
                stat, self._names[pid] = rest.split(), name.partition("(")[2].partition(".")[0]
                self._seen[pid] = (int(stat[11]) + int(stat[12])) / TICKS
                if not memory:
                    continue
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
                pss = sum(float(one.split()[1]) for one in lines if one.startswith("Pss:")) / 1024
            except (OSError, IndexError):
                continue
            total += pss
            if pid != os.getpid():
                self.worker = max(self.worker, pss)
        self.largest = max(self.largest, total)

    def _watch(self) -> None:
        turn = 0
        while self._on:
            self._look(turn % 6 == 0)
            self._own, turn = time.thread_time(), turn + 1
            time.sleep(0.5)

    def end(self) -> float:
        """The CPU seconds since it began."""
        self._on = False
        self._thread.join()
        self._look(False)
        return -self._own + sum(self.by_name().values())

    def by_name(self) -> dict[str, float]:
        """The CPU seconds of the processes of each name, this meter's own among them."""
        found = dict[str, float]()
        for pid, now in self._seen.items():
            name = self._names[pid]
            found[name] = round(found.get(name, 0.0) + now - self._begun.get(pid, 0.0), 2)
        return found


@contextmanager
def measured(into: dict[str, Any], rows: Callable[[], int]) -> Iterator[None]:
    meter, begun = Meter(), time.perf_counter()
    yield
    wall = time.perf_counter() - begun
    cpu, count = meter.end(), rows()
    into |= {
        "rows": count,
        "wall_seconds": round(wall, 1),
        "cpu_seconds": round(cpu, 1),
        "rows_per_second": round(count / wall),
        "rows_per_cpu_second": round(count / cpu),
        "largest_memory_mib": round(meter.largest),
        "largest_process_mib": round(meter.worker),
        "load": round(os.getloadavg()[0], 1),
    }
    into["cpu_seconds_by_name"] = meter.by_name()
    print(json.dumps(into), file=sys.stderr, flush=True)


@contextmanager
def at_most(minutes: float | None) -> Iterator[None]:
    """The block ends after so many minutes as if it were done."""
    if minutes is None:
        yield
        return

    def over(number: int, frame: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, minutes * 60)
    try:
        yield
    except TimeoutError:
        print(f"stopped after {minutes:g} minutes", file=sys.stderr, flush=True)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def model_of(folder: Path, max_time: str) -> Path:
    """The model folder, fitted where it is not there."""
    import lookalike

    model = folder / "model"
    if not (model / "model.json").exists():
        real = lookalike.read_table(ROOT / "examples" / "adult.csv.gz")[COLUMNS]
        lookalike.DiffLM(max_time=max_time, progress=False).fit(real).save(model)
    return model


def sampled(model: Path, out: Path, step: str, workers: int, given: Any) -> dict[str, Any]:
    """A step of drawing, in what time is given; shards that are there stay where it goes on."""
    from lookalike.shards.sampling import sample_shards

    engine = "processes" if step == "sample" else "ray"
    facts: dict[str, Any] = {"step": step, "engine": engine, "workers": workers, "shards": given.shards}
    if not given.go_on:
        shutil.rmtree(out, ignore_errors=True)
    before = rows_in(out)
    if step == "ray":
        import ray

        begun = time.perf_counter()
        options: dict[str, Any] = {"include_dashboard": False, "log_to_driver": False}
        ray.init("local", num_cpus=workers, logging_level="ERROR", **options)
        facts["cluster_started_seconds"] = round(time.perf_counter() - begun, 1)
    with measured(facts, lambda: rows_in(out) - before), at_most(given.minutes):
        sample_shards(
            model, given.rows, out, shards=given.shards, workers=workers, engine=engine, progress=False
        )
    if step == "ray":
        ray.shutdown()
    return facts | {"of_rows": given.rows, "there_before": before, "bytes": size_of(out)}


def medians(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each step and number of workers: the median of its repeats, and what it is above processes."""
    kinds: dict[tuple[str, int], list[float]] = {}
    for one in found:
        kinds.setdefault((one["step"], one["workers"]), []).append(one["cpu_seconds"])
    made = []
    for (step, workers), cpu in kinds.items():
        own, plain = statistics.median(cpu), kinds.get(("sample", workers))
        above = own / statistics.median(plain) - 1 if plain and step in ("ray", "start") else None
        each = {"step": step, "workers": workers, "cpu_seconds": cpu, "median": own}
        made.append(each | ({} if above is None else {"above_processes": round(above, 3)}))
    return made


def evaluated(out: Path, workers: int) -> dict[str, Any]:
    import lookalike

    real = lookalike.read_table(ROOT / "examples" / "adult.csv.gz")[COLUMNS]
    facts: dict[str, Any] = {"step": "evaluate", "engine": "processes", "workers": workers}
    with measured(facts, lambda: rows_in(out)):
        lookalike.evaluate_shards(real, out, workers=workers, target="income")
    return facts


def curated(out: Path, folder: Path, workers: int) -> dict[str, Any]:
    import lookalike

    real = lookalike.read_table(ROOT / "examples" / "adult.csv.gz")[COLUMNS]
    facts: dict[str, Any] = {"step": "curate", "engine": "processes", "workers": workers}
    shutil.rmtree(folder, ignore_errors=True)
    with measured(facts, lambda: rows_in(out)):
        made = lookalike.curate_shards(out, folder, real, workers=workers, progress=False)
    return facts | {"kept": made.kept}


def rows_in(out: Path) -> int:
    from lookalike.files.arrow import rows

    return sum(rows(file) for file in out.glob("*.parquet"))


def size_of(out: Path) -> int:
    return sum(file.stat().st_size for file in out.glob("*.parquet"))


def table(runs: list[dict[str, Any]]) -> str:
    """The large runs; of several with the same rows and workers, each did what was missing."""
    lines = [
        "| rows | drawn by this run | who | wall s | rows/s | CPU s | memory, MiB | files, GB | load |",
        "|" + "---|" * 9,
    ]
    for one in runs:
        if one.get("of_rows", 0) >= LARGE:
            who = f"{one['workers']} by {'processes' if one['step'] == 'sample' else 'Ray, ' + one['step']}"
            lines.append(
                f"| {one['of_rows']:,} | {one['rows']:,} | {who} | {one['wall_seconds']:,.0f} "
                f"| {one['rows_per_second']:,} | {one['cpu_seconds']:,.0f} | {one['largest_memory_mib']:,} "
                f"| {one['bytes'] / 1e9:.2f} | {one['load']} |"
            )
    return "\n".join(lines)


def main() -> None:
    args = parser("bench.scale", __doc__)
    args.add_argument("--rows", type=count, default=1_000_000)
    args.add_argument("--shards", type=count, default=10)
    args.add_argument("--workers", type=count, nargs="+", default=[1, 2])
    args.add_argument("--only", nargs="+", choices=STEPS, default=STEPS)
    args.add_argument("--max-time", default="60s")
    args.add_argument("--work", default=None, help="a folder to keep model and shards in")
    args.add_argument("--repeats", type=int, default=1, help="of drawing, the engines in turn")
    args.add_argument("--minutes", type=float, default=None, help="that a step of drawing takes at most")
    args.add_argument("--go-on", action="store_true", help="draw what is missing of the shards in --work")
    args.add_argument("--out", default=None, help="JSON to add the figures to")
    given = args.parse_args()
    work = Path(given.work or tempfile.mkdtemp(prefix="bench-scale-"))
    work.mkdir(exist_ok=True)
    model, found = model_of(work, given.max_time), []
    out = work / "made"
    os.environ.setdefault("RAY_worker_niceness", "0")  # 15 by default, as no other process here has
    drawing = [step for step in STEPS[:3] if step in given.only]
    for _ in range(given.repeats):
        for workers in given.workers:
            found += [sampled(model, out, step, workers, given) for step in drawing]
    for one in medians(found):
        print(json.dumps(one), file=sys.stderr, flush=True)
    if "evaluate" in given.only:
        found.append(evaluated(out, given.workers[-1]))
    if "curate" in given.only:
        found.append(curated(out, work / "curated", given.workers[-1]))
    if given.out is not None:
        place = Path(given.out)
        before = json.loads(place.read_text())["runs"] if place.exists() else []
        place.write_text(json.dumps({"machine": machine(1), "runs": before + found}, indent=1) + "\n")
        if any(one.get("of_rows", 0) >= LARGE for one in found):
            publish(table(before + found), RESULTS, "bench.scale")


if __name__ == "__main__":
    main()
