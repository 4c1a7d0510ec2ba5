"""lookalike beside its peers: every method fits the same tables, one after the other, and one scorer judges.

    python bench/tables.py --data FOLDER [--sets adult,magic] [--methods lookalike,tabularargn] [--seeds 0,1]

FOLDER holds <set>/train.csv.gz and <set>/test.csv.gz. Each peer gets an environment of its own under
bench/envs, made on first use; lookalike runs in the environment that runs this script (which needs xgboost
for the scorer). Synthetic tables go to bench/work, figures to --out after every run, so that an interrupted
benchmark goes on where it stopped; the tables are printed and put between the marks of bench/RESULTS.md (what
stands outside the marks is left alone). `--again` forgets what is known of the methods named.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from environments import make
from score import read, score

HERE = Path(__file__).resolve().parent
TARGETS = {
    "adult": "income",
    "default": "default.payment.next.month",
    "magic": "class",
    "shoppers": "Revenue",
    "beijing": "pm2.5",
}
ENVIRONMENTS = {"lookalike": None, "tabularargn": "mostlyai", "gaussiancopula": "sdv", "tvae": "sdv"}
HOLDOUT = "real holdout"
MOSTLYAI = (
    "accelerate datasets huggingface-hub joblib json-repair numpy>=2 opacus pandas peft psutil<6 pyarrow "
    "scikit-learn tokenizers transformers>=5.5.3 xgrammar<1"
)
INSTALLS = {  # environment -> what pip is asked for, in this order; the versions are in constraints.txt
    # The engine asks for builds of torchvision and torchaudio that do not exist for a CPU and that tables
    # never use, so its other requirements are installed by name and the engine alone.
    "mostlyai": (["torch"], MOSTLYAI.split(), ["--no-deps", "mostlyai-engine"]),
    "sdv": (["torch"], ["sdv"]),
}
MARKS = ("<!-- bench/tables.py: begin -->", "<!-- bench/tables.py: end -->")


def environment(name: str | None) -> Path:
    """The Python of an environment, installed first if it is not there."""
    if name is None:
        return Path(sys.executable)
    return make(name, *(["-c", HERE / "constraints.txt", *packages] for packages in INSTALLS[name]))


def run(
    method: str,
    train: Path,
    out: Path,
    seed: int,
    threads: int,
    rows: int | None = None,
    dates: Sequence[str] = (),
) -> dict[str, Any]:
    """Fit and sample in a process of its own; its figures, or the last lines of its error.

    dates: columns that the method is given as dates; lookalike finds them by itself.
    """
    out.parent.mkdir(exist_ok=True)
    command = [environment(ENVIRONMENTS[method]), HERE / "run.py", method, train, out, "--seed", str(seed)]
    command += ["--rows", str(rows)] if rows else []
    command += [word for name in dates for word in ("--dates", name)]
    count = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    offline = {"HF_HUB_OFFLINE": "1", "TELEMETRY_ENABLED": "false", "PYTHONWARNINGS": "ignore"}
    path = {"PYTHONPATH": str(HERE.parent / "src")} if ENVIRONMENTS[method] is None else {}
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | count | offline | path)
    if done.returncode:
        return {"error": "\n".join(done.stderr.strip().splitlines()[-5:])}
    return json.loads(done.stdout.strip().splitlines()[-1])


def machine(threads: int) -> str:
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line
        ]
        model = models[0] if models else model
    software = f"Python {platform.python_version()}, torch {version('torch')}"
    return f"{os.cpu_count()} cores ({model}), {threads} threads, {software}"


def mean(values: list[float], digits: int) -> str:
    spread = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{spread}"


def collect(results: dict[str, Any], name: str, method: str, seeds: list[int]) -> list[dict[str, Any]]:
    runs = [results["runs"].get(f"{name}/{method}/{seed}") for seed in seeds]
    return [r | r.pop("score") for r in map(dict, filter(None, runs)) if "score" in r]


def tables(results: dict[str, Any], sets: list[str], methods: list[str], seeds: list[int]) -> str:
    """Markdown: the figures of every method, then lookalike against TabularARGN and the real holdout."""
    lines = [
        "| set | method | fit s | rows/s | peak MB | shape % | trend % | trend % (SDMetrics) | C2ST AUC "
        "| MLE | copies % |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    ratios = [
        "| set | fit time / TabularARGN | C2ST gap / TabularARGN | shape / TabularARGN | trend / TabularARGN "
        "| MLE - TabularARGN | MLE / real | shape / holdout | trend / holdout |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in sets:
        found = {method: collect(results, name, method, seeds) for method in [*methods, HOLDOUT]}
        for method, runs in found.items():
            failed = results["runs"].get(f"{name}/{method}/{seeds[0]}", {}).get("error")
            if failed:
                lines.append(f"| {name} | {method} | failed: {failed.splitlines()[-1]} |" + " |" * 8)
            if not runs:
                continue
            timed = "fit_s" in runs[0]
            cells = [
                mean([r["fit_s"] for r in runs], 0) if timed else "-",
                f"{np.mean([r['rows'] / r['sample_s'] for r in runs]):,.0f}" if timed else "-",
                f"{np.mean([r['rss_mb'] for r in runs]):,.0f}" if timed else "-",
                *(mean([100 * r[key] for r in runs], 2) for key in ("shape", "trend", "trend_sdmetrics")),
                mean([r["c2st"] for r in runs], 3),
                mean([r["mle"] for r in runs], 1 if runs[0]["mle_kind"] == "rmse" else 3),
                mean([100 * r["copies"] for r in runs], 2),
            ]
            lines.append(f"| {name} | {method} | " + " | ".join(cells) + " |")
        average = {
            method: {
                key: float(np.mean([r[key] for r in runs]))
                for key in runs[0]
                if isinstance(runs[0][key], int | float)
            }
            for method, runs in found.items()
            if runs
        }
        if {"lookalike", "tabularargn", HOLDOUT} <= set(average):
            ours, peer, real = (average[method] for method in ("lookalike", "tabularargn", HOLDOUT))
            figures = [
                *(ours[key] / peer[key] for key in ("fit_s",)),
                (ours["c2st"] - 0.5) / (peer["c2st"] - 0.5),
                ours["shape"] / peer["shape"],
                ours["trend"] / peer["trend"],
                ours["mle"] - peer["mle"],
                ours["mle"] / real["mle"],
                ours["shape_matched"] / real["shape"],
                ours["trend_matched"] / real["trend"],
            ]
            ratios.append(f"| {name} | " + " | ".join(f"{x:.3f}" for x in figures) + " |")
    note = (
        "Means ± standard deviation over the seeds. shape, trend: mean error of columns and of pairs of "
        "columns, bin edges from the real table (SDMetrics cuts each table at its own; its default report "
        "also leaves out weakly related pairs, which is not done here). C2ST: gradient boosting, 5 folds, "
        "equal numbers of training and synthetic rows. MLE: XGBoost trained on the synthetic rows, AUC on "
        "the real test rows (beijing: RMSE); in the row of the real holdout, trained on the real training "
        "rows. copies: synthetic rows equal to a training row."
    )
    parts = [note, "", *lines]
    if len(ratios) > 2:
        parts += [
            "",
            "The same figures against the targets (`/ holdout`: on as many rows as the holdout has).",
            "",
            *ratios,
        ]
    return "\n".join(parts)


def publish(text: str, path: Path, marks: tuple[str, str] = MARKS) -> None:
    """Put the text between the marks of the file, which are added at the end of a file that has none."""
    old = path.read_text() if path.exists() else "# Results\n\n" + "\n".join(marks) + "\n"
    if marks[0] not in old:
        old += "\n" + "\n".join(marks) + "\n"
    before, rest = old.split(marks[0], 1)
    path.write_text(before + marks[0] + "\n" + text + "\n" + marks[1] + rest.split(marks[1], 1)[1])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", default=",".join(TARGETS))
    parser.add_argument("--methods", default=",".join(ENVIRONMENTS))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--out", type=Path, default=HERE / "results.json")
    parser.add_argument("--results", type=Path, default=HERE / "RESULTS.md")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument(
        "--rows", type=int, help="train on ROWS rows drawn at random (a trial of the benchmark itself)"
    )
    parser.add_argument("--again", default="", help="methods whose earlier figures are forgotten")
    parser.add_argument("--envs-only", action="store_true", help="make the environments and stop")
    args = parser.parse_args()
    sets, methods = args.sets.split(","), args.methods.split(",")
    seeds = [int(seed) for seed in args.seeds.split(",")]
    again = set(filter(None, args.again.split(",")))
    for kind, names, known in (
        ("set", sets, TARGETS),
        ("method", [*methods, *again], [*ENVIRONMENTS, HOLDOUT]),
    ):
        for wrong in set(names) - set(known):
            parser.error(f"there is no {kind} {wrong!r}: choose from {', '.join(known)}")

    for method in methods:  # before anything is timed
        environment(ENVIRONMENTS[method])
    if args.envs_only:
        return
    results: dict[str, Any] = {"runs": {}}
    if args.out.exists():
        results = json.loads(args.out.read_text())
    results["machine"] = machine(args.threads)
    results["command"] = "python bench/tables.py " + " ".join(
        "FOLDER" if before == "--data" else word for before, word in zip(sys.argv, sys.argv[1:], strict=False)
    )
    for name in sets:
        train, test = (args.data / name / f"{part}.csv.gz" for part in ("train", "test"))
        real, held = read(train), read(test)
        real = real.sample(args.rows, random_state=0) if args.rows else real
        for seed in seeds:
            for method in [*methods, HOLDOUT]:
                key = f"{name}/{method}/{seed}"
                if "score" in results["runs"].get(key, {}) and method not in again:
                    continue
                out = HERE / "work" / f"{name}-{method}-{seed}.csv.gz"
                entry: dict[str, Any] = {"when": time.strftime("%Y-%m-%d %H:%M")}
                if method == HOLDOUT:
                    entry["score"] = score(real, held, held, TARGETS[name], seed, trained_on=real)
                else:
                    entry |= run(method, train, out, seed, args.threads, args.rows)
                    if "error" not in entry:
                        entry["score"] = score(real, held, read(out), TARGETS[name], seed)
                results["runs"][key] = entry
                args.out.write_text(json.dumps(results, indent=1))
                shown = entry.get("score", {}) | {
                    k: v for k, v in entry.items() if k not in ("score", "when")
                }
                kept = ("fit_s", "sample_s", "rss_mb", "shape", "trend", "c2st", "mle", "copies", "error")
                print(key, {k: shown[k] for k in kept if k in shown}, flush=True)
    text = tables(results, sets, methods, seeds)
    text = f"{results['machine']}; `{results['command']}`.\n\n{text}"
    publish(text, args.results)
    print("\n" + text)


if __name__ == "__main__":
    main()
