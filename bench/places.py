"""Where the benchmarks keep their files."""

from pathlib import Path

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent  # of the repository
ENVIRONMENTS = BENCH / "envs"  # of the peers; git ignores them
WORK = BENCH / "work"  # synthetic tables and what else can be made again; git ignores it
FIGURES = BENCH / "results"  # JSON: what the tables of RESULTS are printed from
RESULTS = BENCH / "RESULTS.md"
