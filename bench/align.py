"""Time and memory of alignment and of exploration on made-up unit vectors of 384 dims.

    python bench/align.py [--synthetic 1000000] [--real 100000] [--picks 1000] [--case exact,linear,explore]

The points are Gaussian clusters, of equal shares in the real table and of skewed ones in the synthetic one.
Each case runs in a process of its own; the peak counts everything, the points included (1.5 GB a million).
Reads nothing from disk and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time

import numpy as np

DIMS = 384
CLUSTERS = 20
CASES = ("exact", "linear", "explore")


def points(rows: int, shares: np.ndarray, seed: int) -> np.ndarray:
    """(rows, 384) float32 of length 1."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((CLUSTERS, DIMS), dtype=np.float32)
    out = rng.standard_normal((rows, DIMS), dtype=np.float32)
    of = rng.choice(CLUSTERS, rows, p=shares / shares.sum())
    for start in range(0, rows, 10_000):
        some = out[start : start + 10_000]
        some += centres[of[start : start + 10_000]]
        some /= np.linalg.norm(some, axis=1, keepdims=True)
    return out


def measure(case: str, synthetic: int, real: int, picks: int) -> dict[str, object]:
    """Seconds, peak memory in MB, and what shows that the work was done."""
    one = points(real, np.ones(CLUSTERS), 0)
    if case == "explore":
        from lookalike.explore.explore import explore

        start = time.perf_counter()
        left = explore(one, picks, criterion="largest", group=1).coverage
        seconds = time.perf_counter() - start
        shown = f"variance left {left[0]:.3f} -> {left[-1]:.3f}"
    else:
        from lookalike.curate import align

        other = points(synthetic, np.arange(1.0, CLUSTERS + 1), 1)
        start = time.perf_counter()
        found = align(one, other, real, method=case)
        seconds = time.perf_counter() - start
        shown = (
            f"MMD^2 {found.mmd2['before']:.5f} -> {found.mmd2['after']:.5f} (real {found.mmd2['real']:.5f}), "
            f"effective {found.effective:,.0f}"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "peak_mb": peak, "shown": shown}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--synthetic", type=int, default=1_000_000, help="synthetic rows to align")
    parser.add_argument("--real", type=int, default=100_000, help="real rows")
    parser.add_argument("--picks", type=int, default=1_000, help="demonstrations to pick")
    parser.add_argument("--case", default=",".join(CASES), help=f"of {','.join(CASES)}")
    parser.add_argument("--here", action="store_true", help="run one case in this process and print JSON")
    args = parser.parse_args()
    if args.here:
        print(json.dumps(measure(args.case, args.synthetic, args.real, args.picks)))
        return
    print(f"{os.cpu_count()} cores, {args.real:,} real x {args.synthetic:,} synthetic rows of {DIMS} dims")
    for case in args.case.split(","):
        sizes = [f"--{name}={getattr(args, name)}" for name in ("synthetic", "real", "picks")]
        command = [sys.executable, __file__, "--here", f"--case={case}", *sizes]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found = json.loads(done.stdout)
        print(
            f"{case:8} {found['seconds']:7.1f} s {found['peak_mb']:7,.0f} MB   {found['shown']}", flush=True
        )


if __name__ == "__main__":
    main()
