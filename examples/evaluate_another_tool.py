"""Measure what another tool made: any synthetic table beside the real one it was learned from.

    python examples/evaluate_another_tool.py [SYNTHETIC]

Without a file, the "other tool" is the simplest there is: every column drawn by itself from the real one. Its
columns are perfect, its rows are nonsense, and the report should say so.
"""

import sys
from pathlib import Path

import lookalike

HERE = Path(__file__).parent


def main() -> int:
    real = lookalike.read_table(HERE / "adult.csv.gz")
    holdout = lookalike.read_table(HERE / "adult-test.csv.gz")  # rows that the tool never saw
    if len(sys.argv) > 1:
        synthetic = lookalike.read_table(sys.argv[1])
    else:
        synthetic = real.apply(lambda column: column.sample(frac=1, random_state=len(column.name)).to_numpy())

    report = lookalike.evaluate(real, synthetic, holdout, target="income", progress=True)
    print(report)
    report.save("report.html")
    report.save("report.json")
    failed = report.failures("c2st=0.60,utility=0.95")  # a gate for a pipeline
    print("\n".join(failed) or "all good")
    return 3 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
