"""How often `--method auto` takes `synalign`, by recorded descriptions, and how many it looks at.

    python -m bench.llm.looks

bench/results/looks.json holds how well each description that Qwen2.5-Coder-0.5B wrote of a real row tells
that row (`lookalike/prompting/telling.py`), of cells of `bench.llm.arms`. A run draws some of a cell's, with
repeats, and decides by them: by the mean of three and of eight, and as it does now, with 10 at most (what a
fifth of 12,000 tokens pays for) and with 24.
"""

from __future__ import annotations

import json

import numpy as np

from bench import command
from bench.places import FIGURES
from lookalike.prompting.asking import LOOKS
from lookalike.prompting.telling import TELLS, sure

NAME = "bench.llm.looks"
RUNS = 4000


def decided(told: np.ndarray, most: int, rng: np.random.Generator) -> tuple[float, float]:
    """The share of runs that take `synalign`, and how many descriptions they look at."""
    taken, looked = 0, 0
    for _ in range(RUNS):
        drawn = rng.choice(told, most)
        for look in sorted({min(look, most) for look in LOOKS}):
            verdict = sure(drawn[:look])
            if verdict is not None:
                break
        taken, looked = taken + bool(verdict), looked + look
    return taken / RUNS, looked / RUNS


def main() -> None:
    command.parser(NAME, __doc__).parse_args()
    print(
        "| cell | embedding | mean | by 3 % | by 8 % | at most 10 % | looked at | at most 24 % | looked at |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for cell, both in json.loads((FIGURES / "looks.json").read_text(encoding="utf-8")).items():
        for embedding, values in both.items():
            rng, told = np.random.default_rng(0), np.array(values)
            means = [(rng.choice(told, (RUNS, many)).mean(1) >= TELLS).mean() for many in (3, 8)]
            now = [decided(told, most, rng) for most in (10, LOOKS[-1])]
            shares = " | ".join(f"{100 * one:.1f}" for one in means)
            looks = " | ".join(f"{100 * taken:.1f} | {looked:.1f}" for taken, looked in now)
            print(f"| {cell.split('/', 1)[1]} | {embedding} | {told.mean():.2f} | {shares} | {looks} |")


if __name__ == "__main__":
    main()
