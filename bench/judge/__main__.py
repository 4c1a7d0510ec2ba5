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
from lookalike.evaluate.judging.calibration import rate, spread
from lookalike.seed import child

NAME = "bench.judge"
TABLES = len(ELOS)
ENDLESS = 15_000  # items that stand for endlessly many
PADDED = 3  # the table whose rows are padded
TIMES = (1.5, 2.0, 3.0)
STRONG, COPIES = 0.8, 3  # a chance from which Arena-Hard's judge says ">>", and how often that vote is copied
ARENA_DRAWS, ARENA_SPREAD = 100, (0.05, 0.95)
PAIRS, SLICE, RIGHT = 2_000, 100, 0.8
WINS = (0.5, 0.6, 0.7, 0.8, 0.35, 0.2)  # how often people prefer the synthetic row; .5 is ideal
EQUAL = 114  # items of all 21 pairs, which are as many calls as 400 items of 6
BETWEEN_RUNS = 100  # with intervals, which take 3 CPU seconds each


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


def ordered(runs: int, items: int) -> dict[str, Any]:
    """How often the order is the planted one: by votes against real rows alone, by an estimator that is told
    how far the judge favours first places and length, and where the tables meet one another, too.
    """
    ends = TABLES - 1
    favours = _fit(world(ENDLESS, ENDLESS), TABLES + 3)[ends:]
    right = {"ours": 0, "told the favours": 0}
    for seed in range(runs):
        votes = world(items, seed).votes
        right["ours"] += _in_order(_drawn_of(votes))
        right["told the favours"] += _in_order(_told(votes, favours))
    among = {some: sum(_in_order(_drawn_of(world(some, seed, between=True).votes)) for seed in range(runs))
             for some in (EQUAL, items)}  # fmt: skip
    truth = _elos(_fit(world(ENDLESS // 5, ENDLESS, between=True), TABLES + 3))
    inside, width = [], []
    for seed in range(min(runs, BETWEEN_RUNS)):
        found = standing(world(EQUAL, seed, between=True).votes, TABLES, seed)
        inside.append((found.low[1:] <= truth) & (truth <= found.high[1:]))
        width.append(float((found.high - found.low)[1:].mean()))
    return {
        "runs": runs,
        "items": items,
        "of stars": {name: count / runs for name, count in right.items()},
        "tables meet, too": {str(some): count / runs for some, count in among.items()},
        "tables meet, covered": float(np.mean(inside)),
        "tables meet, covered, 95% interval": list(wilson(int(np.sum(inside)), int(np.size(inside)))),
        "tables meet, width": float(np.mean(width)),
    }


def _drawn_of(votes: Votes) -> np.ndarray:
    return fit(design(votes, TABLES), votes.won, np.ones((1, len(votes))))[0]


def _told(votes: Votes, favours: np.ndarray) -> np.ndarray:
    """The strengths where the other coefficients are known: Newton's method with an offset."""
    x = design(votes, TABLES)
    x, offset = x[:, : TABLES - 1], x[:, TABLES - 1 :] @ favours
    beta = np.zeros(TABLES - 1)
    for _ in range(20):
        p = 1 / (1 + np.exp(-(x @ beta + offset)))
        beta += np.linalg.solve((x.T * (p * (1 - p))) @ x, x.T @ (votes.won - p))
    return beta


def _in_order(beta: np.ndarray) -> bool:
    return bool((np.diff(beta[: TABLES - 1]) > 0).all())


def people(runs: int) -> list[dict[str, Any]]:
    """Coverage and width of what people say of all pairs, beside their answers alone. win: how often people
    prefer the synthetic row. Slices: drawn at random, of which PPI++ alone and ours make an interval, and
    spread over the verdicts.
    """
    found = []
    for win in WINS:
        rng = child(0, "people", int(100 * win))
        inside: dict[str, list[bool]] = {}
        widths: dict[str, list[float]] = {}

        def note(name: str, low: float, high: float) -> None:
            inside.setdefault(name, []).append(low <= win <= high)  # noqa: B023
            widths.setdefault(name, []).append(high - low)  # noqa: B023

        for _ in range(runs):
            said = (rng.random(PAIRS) < win).astype(float)
            judged = np.where(rng.random(PAIRS) < RIGHT, said, 1 - said)
            one = rate(said[:SLICE], judged[:SLICE], judged[SLICE:], strata=False)
            note("alone", *one.alone)
            note("PPI++", one.low, one.high)
            one = rate(said[:SLICE], judged[:SLICE], judged[SLICE:])
            note("random", one.low, one.high)
            seen = np.zeros(PAIRS, dtype=bool)
            seen[spread(judged, SLICE, rng)] = True
            one = rate(said[seen], judged[seen], judged[~seen])
            note("spread", one.low, one.high)
        own = float(np.mean(widths["alone"]))
        row: dict[str, Any] = {"win": win}
        for name, some in inside.items():
            row[name] = {"covered": float(np.mean(some)), "width": float(np.mean(widths[name])) / own}
        found.append(row)
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
    lines += [*_of_order(found["order"]), ""]
    lines += [
        f"| people answer {SLICE} of {PAIRS:,} pairs, the judge agrees with {RIGHT:.0%}: covered, width of "
        "that of the answers alone | PPI++ | by verdict, random slice | by verdict, slice spread over "
        "the verdicts (`judge`) |",
        "|---|---|---|---|",
    ]
    for row in found["people"]:
        cells = [
            f"{row[one]['covered']:.1%}, {row[one]['width']:.3f}" for one in ("PPI++", "random", "spread")
        ]
        lines.append(f"| people prefer {row['win']:.0%} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _of_order(one: dict[str, Any]) -> list[str]:
    low, high = one["tables meet, covered, 95% interval"]
    stars, meet = one["of stars"], one["tables meet, too"]
    return [
        f"| the planted order of all six, {one['runs']} runs | order right |",
        "|---|---|",
        f"| {one['items']} items, each table against real rows | {stars['ours']:.1%} |",
        "| the same votes, told how far the judge favours places and length | "
        f"{stars['told the favours']:.1%} |",
        f"| {EQUAL} items, tables meet one another, too (`--between`): as many calls | "
        f"{meet[str(EQUAL)]:.1%} (intervals cover {one['tables meet, covered']:.1%}, {low:.1%} to "
        f"{high:.1%}; width {one['tables meet, width']:.0f} Elo) |",
        f"| {one['items']} items, tables meet one another, too | {meet[str(one['items'])]:.1%} |",
    ]


def main() -> None:
    parser = command.parser(NAME, __doc__)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--items", type=int, default=400)
    parser.add_argument(
        "--only", action="append", choices=("elo", "order", "people"), help="the rest is kept"
    )
    parser.add_argument("-o", "--out", type=Path, default=FIGURES / "judge-planted.json")
    parser.add_argument("--publish", action="store_true", help="write the table into RESULTS.md, too")
    args = parser.parse_args()
    kept = json.loads(args.out.read_text()) if args.only and args.out.exists() else {"machine": machine(1)}
    parts = {
        "elo": lambda: elo(args.runs, args.items),
        "order": lambda: ordered(args.runs, args.items),
        "people": lambda: people(2_000),
    }
    found = kept | {name: parts[name]() for name in args.only or parts}
    args.out.write_text(json.dumps(found, indent=1) + "\n")
    text = table(found)
    print(text)
    if args.publish:
        publish(text, RESULTS, NAME)


if __name__ == "__main__":
    main()
