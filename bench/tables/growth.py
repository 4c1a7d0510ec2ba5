"""Time and memory of a fit as the table grows.

    python -m bench.tables.growth --model MODEL_DIR [--rows 32000,125000,500000,1000000] [--epochs 1]

The tables are sampled from a fitted model. Each fit runs in a process of its own with the same number of
passes, so that what grows is the work per row. The table is printed and put between its marks of
bench/RESULTS.md.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import command
from bench.environments import variables
from bench.places import RESULTS
from bench.publish import machine, publish
from lookalike import DiffLM, read_table
from lookalike.files.writing import ChunkWriter

NAME = "bench.tables.growth"


def measure(table: Path, epochs: float) -> dict[str, float]:
    """Fit one table; seconds and peak memory of this process."""
    real = read_table(table)
    start = time.perf_counter()
    model = DiffLM(epochs=epochs, progress=False).fit(real)
    fit = time.perf_counter() - start
    start = time.perf_counter()
    sampled = sum(len(chunk) for chunk in model.sample_chunks(200_000))
    rate = sampled / (time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"fit_s": fit, "sample_rows_s": rate, "peak_mb": peak}


def main() -> None:
    parser = command.parser(NAME, __doc__)
    parser.add_argument("--model", type=command.folder)
    parser.add_argument("--rows", default="32000,125000,500000,1000000")
    parser.add_argument("--epochs", type=float, default=1)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--table", type=command.file, help="measure this table alone and print JSON")
    args = parser.parse_args()
    if args.table:
        print(json.dumps(measure(args.table, args.epochs)))
        return
    if args.model is None:
        parser.error("--model is needed: a folder that `lookalike fit` wrote")
    lines = ["| rows | fit s | us a row and pass | peak MB | sampled rows/s |", "|---|---|---|---|---|"]
    for rows in [int(r) for r in args.rows.split(",")]:
        with tempfile.TemporaryDirectory() as folder:
            table = Path(folder) / "table.parquet"
            with ChunkWriter(table) as writer:
                for chunk in DiffLM.load(args.model).sample_chunks(rows, seed=1):
                    writer.write(chunk)
            alone = [sys.executable, "-m", NAME, "--table", table, "--epochs", str(args.epochs)]
            done = subprocess.run(alone, stdout=subprocess.PIPE, text=True, check=True, env=variables())
        found = json.loads(done.stdout)
        each = found["fit_s"] / rows / args.epochs * 1e6
        lines.append(
            f"| {rows:,} | {found['fit_s']:.1f} | {each:.0f} | {found['peak_mb']:.0f} | "
            f"{found['sample_rows_s']:,.0f} |"
        )
        print(lines[-1], flush=True)
    head = f"{machine()}; {args.epochs:g} pass over tables sampled by the model."
    text = "\n".join([head, "", *lines])
    publish(text, args.results, NAME)
    print("\n" + text)


if __name__ == "__main__":
    main()
