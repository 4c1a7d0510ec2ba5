"""The judge where the truth is known: Elo and its intervals, padding, a slice of people's answers.

    python -m bench.judge [--runs 500] [--items 400] [-o OUT] [--publish]

Planted: six tables, the first place preferred .6 of the time among equals, longer rows favoured, 20% of the
votes a coin's. Beside it Arena-Hard's way: single votes without terms, strong ones three times, 100 draws of
votes, 5 to 95%.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench import command
from bench.judge.planted import ELOS, FAVOURS, World, world
from bench.places import FIGURES, RESULTS
from bench.publish import machine, publish
from lookalike.agreement import wilson
from lookalike.evaluate.judging.bradley_terry import ANCHOR, ELO, Votes, design, fit, standing
from lookalike.evaluate.judging.calibration import rate
from lookalike.seed import child

NAME = "bench.judge"
TABLES = len(ELOS)
ENDLESS = 15_000  # items that stand for endlessly many
PADDED = 3  # the table whose rows are padded
TIMES = (1.5, 2.0, 3.0)
STRONG, COPIES = 0.8, 3  # a chance from which Arena-Hard's judge says ">>", and how often that vote is copied
ARENA_DRAWS, ARENA_SPREAD = 100, (0.05, 0.95)
PAIRS, SLICE, RIGHT = 2_000, 100, 0.8


def _elos(beta: np.ndarray) -> np.ndarray:
    return ANCHOR + ELO * beta[..., : TABLES - 1]


def _fit(one: World, terms: int, times: np.ndarray | None = None) -> np.ndarray:
    """The coefficients by the chances of the votes, of the first so many terms."""
    x = design(one.votes, TABLES)[:, :terms]
    weights = np.ones(len(one.votes)) if times is None else times
    return fit(x, one.chance, weights[None])[0]


def _drawn(one: World) -> np.ndarray:
    """The coefficients by the votes themselves."""
    return fit(design(one.votes, TABLES), one.votes.won, np.ones((1, len(one.votes))))[0]


def _strong(chance: np.ndarray) -> np.ndarray:
    return np.where(np.maximum(chance, 1 - chance) >= STRONG, float(COPIES), 1.0)


def _arena(votes: Votes, times: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Arena-Hard's interval: single votes are drawn, after the strong ones were copied."""
    x, copied = design(votes, TABLES)[:, : TABLES - 1], np.repeat(np.arange(len(votes)), times.astype(int))
    drawn = child(seed, "arena").multinomial(len(copied), np.full(len(copied), 1 / len(copied)), ARENA_DRAWS)
    weights = np.zeros((ARENA_DRAWS, len(votes)))
    for one, row in zip(drawn, weights, strict=True):
        np.add.at(row, copied, one)
    low, high = np.quantile(_elos(fit(x, votes.won, weights)), ARENA_SPREAD, axis=0)
    return low, high


def elo(runs: int, items: int) -> dict[str, Any]:
    """How often the order is the planted one, and the intervals cover what endlessly many items would say."""
    endless = world(ENDLESS, ENDLESS)
    truth = _elos(_fit(endless, TABLES + 3))
    arena_truth = _elos(_fit(endless, TABLES - 1, _strong(endless.chance)))
    moved_endless: dict[str, dict[str, Any]] = {}
    for favour in FAVOURS:
        before = {
            terms: _elos(_fit(world(ENDLESS, ENDLESS, None, favour), terms)) for terms in (TABLES, TABLES + 3)
        }
        moved_endless[favour] = {}
        for times in TIMES:
            other = world(ENDLESS, ENDLESS, (PADDED, times), favour)
            apart = {terms: np.abs(_elos(_fit(other, terms)) - was).max() for terms, was in before.items()}
            moved_endless[favour][str(times)] = {
                "ours": float(apart[TABLES + 3]),
                "without the terms": float(apart[TABLES]),
            }
    covered, arena_covered, ordered, width, arena_width = [], [], [], [], []
    moved: dict[str, list[float]] = {str(times): [] for times in TIMES}
    seconds = 0.0
    for seed in range(runs):
        one = world(items, seed)
        start = time.process_time()
        found = standing(one.votes, TABLES, seed)
        seconds += time.process_time() - start
        covered.append((found.low[1:] <= truth) & (truth <= found.high[1:]))
        ordered.append(bool((np.diff(found.elo[1:]) > 0).all()))
        width.append(float((found.high - found.low)[1:].mean()))
        low, high = _arena(one.votes, _strong(one.chance), seed)
        arena_covered.append((low <= arena_truth) & (arena_truth <= high))
        arena_width.append(float((high - low).mean()))
        mine = _drawn(one)
        for times in TIMES:
            other = world(items, seed, (PADDED, times))
            after = _drawn(other)
            moved[str(times)].append(float((_elos(after) - _elos(mine))[PADDED - 1]))
    share = np.mean(covered, axis=0)
    total = int(np.sum(covered))
    return {
        "runs": runs,
        "items": items,
        "planted": list(ELOS),
        "what this judge says of endlessly many": truth.tolist(),
        "order right": float(np.mean(ordered)),
        "covered": float(np.mean(covered)),
        "covered, 95% interval": list(wilson(total, int(np.size(covered)))),
        "covered by table": share.tolist(),
        "width": float(np.mean(width)),
        "seconds": seconds / runs,
        "arena-hard covered (meant: 90%)": float(np.mean(arena_covered)),
        "arena-hard covered by table": np.mean(arena_covered, axis=0).tolist(),
        "arena-hard width": float(np.mean(arena_width)),
        "padding, endless": moved_endless,
        "padding, mean of runs": {times: float(np.mean(some)) for times, some in moved.items()},
        "padding, share of runs within 15": {
            times: float(np.mean(np.abs(some) <= 15)) for times, some in moved.items()
        },
        "padding, spread of runs": {times: float(np.std(some)) for times, some in moved.items()},
    }


def people(runs: int) -> list[dict[str, Any]]:
    """Coverage and width of the mean by PPI++, beside the slice alone. win: how often people prefer the
    row."""
    found = []
    for win in (0.5, 0.35, 0.2):
        rng, inside, alone, widths, own = child(0, "people", int(100 * win)), [], [], [], []
        for _ in range(runs):
            said = (rng.random(PAIRS) < win).astype(float)
            judged = np.where(rng.random(PAIRS) < RIGHT, said, 1 - said)
            one = rate(said[:SLICE], judged[:SLICE], judged[SLICE:])
            inside.append(one.low <= win <= one.high)
            alone.append(one.alone[0] <= win <= one.alone[1])
            widths.append(one.high - one.low)
            own.append(one.alone[1] - one.alone[0])
        ratio = float(np.mean(widths) / np.mean(own))
        one_row = {"win": win, "covered": float(np.mean(inside)), "alone": float(np.mean(alone))}
        found.append(one_row | {"width": float(np.mean(widths)), "of the slice alone": ratio})
    return found


def table(found: dict[str, Any]) -> str:
    """The figures as Markdown."""
    one, lines = found["elo"], []
    low, high = one["covered, 95% interval"]
    lines += [
        f"{found['machine']}; `python -m bench.judge --runs {one['runs']} --items {one['items']}`.",
        "",
        "| a judge with planted faults, 6 tables | lookalike | Arena-Hard's way | bar |",
        "|---|---|---|---|",
        f"| intervals cover, {one['runs']} runs | {one['covered']:.1%} of 95% ({low:.1%} to "
        f"{high:.1%}), by table "
        f"{min(one['covered by table']):.1%} to {max(one['covered by table']):.1%} "
        f"| {one['arena-hard covered (meant: 90%)']:.1%} of 90%, by table "
        f"{min(one['arena-hard covered by table']):.1%} to "
        f"{max(one['arena-hard covered by table']):.1%} | 92 to 98% |",
        f"| width of an interval, Elo | {one['width']:.0f} | {one['arena-hard width']:.0f} | |",
        f"| the planted order of all six | {one['order right']:.1%} of the runs | | true order |",
    ]
    for favour, by_times in one["padding, endless"].items():
        for times, moved in by_times.items():
            runs = ""
            if favour == next(iter(FAVOURS)):
                run, spread = one["padding, mean of runs"][times], one["padding, spread of runs"][times]
                runs = f" (runs: {run:+.1f} ± {spread:.1f})"
            lines.append(
                f"| one table's rows {times} times as long, a favour that {favour} | "
                f"{moved['ours']:.1f}{runs} "
                f"| {moved['without the terms']:.1f} | <= 15 |"
            )
    lines += ["", f"CPU seconds of one standing: {one['seconds']:.2f}.", ""]
    lines += [
        f"| people answer {SLICE} of {PAIRS:,} pairs, the judge agrees with {RIGHT:.0%} | covered | "
        "width | of the slice alone |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| people prefer {row['win']:.0%} | {row['covered']:.1%} (alone {row['alone']:.1%}) | "
        f"{row['width']:.3f} | "
        f"{row['of the slice alone']:.3f} |"
        for row in found["people"]
    ]
    return "\n".join(lines)


def main() -> None:
    parser = command.parser(NAME, __doc__)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--items", type=int, default=400)
    parser.add_argument("-o", "--out", type=Path, default=FIGURES / "judge-planted.json")
    parser.add_argument("--publish", action="store_true", help="write the table into RESULTS.md, too")
    args = parser.parse_args()
    found = {"machine": machine(1), "elo": elo(args.runs, args.items), "people": people(2_000)}
    args.out.write_text(json.dumps(found, indent=1) + "\n")
    text = table(found)
    print(text)
    if args.publish:
        publish(text, RESULTS, NAME)


if __name__ == "__main__":
    main()
