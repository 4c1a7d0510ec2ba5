"""The figures of `python -m bench.llm.arms` as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.publish import mean

WAYS = ("as written", "aligned")
LEARNED = (
    "| model | set | real rows a class | arm | rows | real alone % | synthetic % | aligned % "
    "| real + synthetic % | real + aligned % | gain of real + aligned | gated % | gate right |"
)
TEXTS = (
    "| model | set | real rows a class | arm | calls | tokens | seconds | rejected % | mostly as "
    "| MAUVE | aligned | C2ST | aligned | self-BLEU | aligned |"
)
NOTE = """Means ± standard deviation over the seeds, which draw the real rows. Every arm has the same budget
of tokens, prompts and replies together. Accuracy is on the real test rows. "gain" is paired: real + aligned
less real alone, in points, of the same real rows. "gated" takes real + aligned rows where the gate says,
from the given rows alone, that they help, and else the real ones; "gate right": how often that was the
better choice, or no worse. Seconds are of cells that were written side by side. C2ST: AUC of telling the
rows from real training rows; 0.5 is best."""


def tables(found: dict[str, Any], written: dict[str, dict[str, Any]]) -> str:
    """What a classifier learns, by features, and what the texts are like."""
    groups: dict[tuple[str, str, str, str], list[str]] = {}
    for key in found["cells"]:
        model, name, arm, rows, _ = key.rsplit("/", 4)
        groups.setdefault((model, name, rows, arm), []).append(key)
    parts = [NOTE]
    for features in ("minilm", "tfidf"):
        lines = [
            row for group, keys in sorted(groups.items()) if (row := _learned(found, group, keys, features))
        ]
        if lines:
            parts.append(f"Features: {features}.\n\n" + _table(LEARNED, lines))
    parts.append(_table(TEXTS, [_texts(found, written, *one) for one in sorted(groups.items())]))
    return "\n\n".join(parts)


def _table(head: str, lines: Sequence[str]) -> str:
    return "\n".join([head, "|---" * (head.count("|") - 1) + "|", *lines])


def _learned(found: dict[str, Any], group: tuple[str, ...], keys: list[str], features: str) -> str | None:
    """A line of LEARNED; None where no cell was scored by these features."""
    cells = [(key, found["cells"][key]) for key in keys]
    cells = [(key, cell) for key, cell in cells if features in cell.get("as written", {})]
    if not cells:
        return None
    alone = [found["real"]["{1}/{3}/{4}".format(*key.rsplit("/", 4))][features] for key, _ in cells]
    cell_of = [cell for _, cell in cells]
    taken = [_best(cell)[features] for cell in cell_of]
    gated = [one["both"] if one["helps"] else real for one, real in zip(taken, alone, strict=True)]
    right = [
        (one["both"] >= real) == one["helps"] or one["both"] == real
        for one, real in zip(taken, alone, strict=True)
    ]
    gains = [100 * (one["both"] - real) for one, real in zip(taken, alone, strict=True)]
    shown = [mean([float(cell["rows"]) for cell in cell_of], 0), mean([100 * one for one in alone], 1)]
    for what in ("synthetic", "both"):
        for way in WAYS:
            shown.append(_mean([cell.get(way, {}).get(features, {}).get(what) for cell in cell_of], 100))
    shown += [mean(gains, 1), mean([100 * one for one in gated], 1), f"{sum(right)} of {len(right)}"]
    return "| " + " | ".join([*group, *shown]) + " |"


def _best(cell: dict[str, Any]) -> dict[str, Any]:
    """The aligned rows' figures, those of the rows as written where they could not be aligned."""
    return cell.get("aligned") or cell["as written"]


def _texts(
    found: dict[str, Any], written: dict[str, dict[str, Any]], group: tuple[str, ...], keys: list[str]
) -> str:
    own, cells = [written[key] for key in keys], [found["cells"][key] for key in keys]
    reasons: dict[str, int] = {}
    for cell in own:
        for name, count in cell["rejected"].items():
            reasons[name] = reasons.get(name, 0) + count
    most = sorted(reasons, key=lambda name: -reasons[name])[:3]
    came = sum(cell["accepted"] + cell["surplus"] + sum(cell["rejected"].values()) for cell in own)
    shown = [
        mean([float(cell["calls"]) for cell in own], 0),
        mean([float(cell["spent"]) for cell in own], 0),
        mean([cell["seconds"] for cell in own], 0),
        f"{100 * sum(reasons.values()) / max(came, 1):.0f}",
        ", ".join(f"{name} {100 * reasons[name] / max(came, 1):.0f}" for name in most) or "-",
    ]
    for name in ("mauve", "c2st", "self_bleu"):
        shown += [
            _mean([cell.get(way, {}).get("text", {}).get(name) for cell in cells], 1, 2) for way in WAYS
        ]
    return "| " + " | ".join([*group, *shown]) + " |"


def _mean(values: Sequence[float | None], scale: float, digits: int = 1) -> str:
    """Of the values that are there."""
    there = [scale * value for value in values if value is not None and value == value]
    return mean(there, digits) if there else "-"
