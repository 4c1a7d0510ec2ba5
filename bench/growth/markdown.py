"""The figures of bench/results/growth-*.json as tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.growth.arms import CASES
from bench.publish import mean

T_975 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}
NAMES = (
    *("case", "arm", "seeds", "calls", "rows", "asked", "misplaced %", "clusters hit %", "MMD² x 1000"),
    *("accuracy %", "with real %"),
)
BESIDE = {  # plan -> plans that it is compared with
    "fixed": (),
    "cleaned": ("fixed",),
    "errors": ("fixed", "cleaned"),
    "coverage": ("fixed",),
    "any-place": ("fixed",),
}
HEAD = f"| {' | '.join(NAMES)} |\n{'|---' * len(NAMES)}|"


def tables(runs: dict[str, Any]) -> str:
    """A table of arms, and what each plan has over others of its method, seed by seed."""
    lines, against = [HEAD], list[str]()
    for name, case in CASES.items():
        of = {arm: _runs(runs, name, arm) for arm in case.arms}
        for arm, own in of.items():
            if own:
                lines.append(_line(name, arm, list(own.values())))
            for plan in BESIDE[arm.split()[1]]:
                other = of[f"{arm.split()[0]} {plan}"]
                seeds = sorted(set(own) & set(other))
                if seeds:
                    pairs = [own[s] for s in seeds], [other[s] for s in seeds]
                    against.append(_against(name, arm, plan, *pairs))
        some = next((own for own in of.values() if own), {})
        if some:
            alone = mean([100 * one["real_alone"] for one in some.values()], 1)
            far = mean([100 * one["real_misplaced"] for one in some.values()], 1)
            cells = (name, "the real rows given", len(some), "-", case.real, "-", far, "-", "-", "-", alone)
            lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join([*lines, "", *against])


def _runs(runs: dict[str, Any], name: str, arm: str) -> dict[int, Any]:
    start = f"{name}/{arm}/"
    return {int(key.removeprefix(start)): one for key, one in runs.items() if key.startswith(start)}


def _line(name: str, arm: str, some: Sequence[Any]) -> str:
    def shown(key: str, scale: float = 1.0, digits: int = 1) -> str:
        return mean([scale * one[key] for one in some], digits)

    cells = [shown(key, digits=0) for key in ("calls", "rows", "asked")]
    cells += [shown(key, 100) for key in ("misplaced", "covered")] + [shown("mmd2", 1000)]
    cells += [shown(key, 100) for key in ("accuracy", "with_real")]
    return f"| {name} | {arm} | {len(some)} | {' | '.join(cells)} |"


def _against(name: str, arm: str, plan: str, own: Sequence[Any], other: Sequence[Any]) -> str:
    misplaced = np.mean([a["misplaced"] / b["misplaced"] for a, b in zip(own, other, strict=True)])
    calls = np.mean([a["calls"] / b["calls"] for a, b in zip(own, other, strict=True)])
    words = [f"misplaced {misplaced:.2f} and calls {calls:.2f} times those of '{plan}'"]
    for key in ("accuracy", "with_real"):
        over = [100 * (a[key] - b[key]) for a, b in zip(own, other, strict=True)]
        words.append(f"{key.replace('_', ' ')} {interval(over)}")
    return f"- {name}, {arm}: {'; '.join(words)}."


def interval(values: Sequence[float]) -> str:
    """The mean difference with its 95% interval by Student's t over the seeds."""
    if len(values) < 2:
        return f"{values[0]:+.1f}"
    half = T_975[len(values) - 1] * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    middle = float(np.mean(values))
    return f"{middle:+.1f} ({middle - half:+.1f} to {middle + half:+.1f})"
