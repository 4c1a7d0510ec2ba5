"""Does the synthetic table betray its training rows?

Distances are those of `space.points`. Each figure stands beside what it is when real rows take the place of
the synthetic ones: half of the holdout then plays the synthetic table, the other half the rows that were not
seen.

- dcr_share: of the synthetic rows, the share that is closer to the training rows than to as many holdout rows
  (distance to closest record; a tie counts half). 0.5 is ideal; above, the table leans on its training rows.
- nndr: median of the distance to the nearest training row over that to the second nearest; near 1 nothing
  points at one row, near 0 the nearest is singled out.
- membership_auc: AUC with which an attacker, given a real row, tells training rows from holdout rows; 0.5 is
  guessing. The stronger of two attacks: the row's distance to the nearest synthetic row (Chen et al.,
  GAN-Leaks, CCS 2020, black-box), and the ratio of the synthetic density to that of a reference table at the
  row (van Breugel et al., DOMIAS, AISTATS 2023, equation 2, densities from the distance of the fifth
  neighbour).
- attribute_gain: an attacker knows all but one column of a row and reads that one off the nearest synthetic
  row; how much more often it is right for training rows than for holdout rows, mean over columns (Houssiau et
  al., TAPAS, 2022, section 4). Numbers count as right in the same tenth of the values.
- rare_values: of the categories that 1 to 4 real rows have, the share that occurs. What other columns, and
  pairs of columns, show of few real rows: `identifying.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.chapters.detection import auc, auc_spread
from lookalike.evaluate.columns import ComparedColumn
from lookalike.evaluate.rows import SMALL, lengths, sample
from lookalike.evaluate.section import Attacks, Distances, Entry, Section, entry, share
from lookalike.evaluate.space import nearest, points
from lookalike.evaluate.view import View

Array = npt.NDArray[Any]

FEWEST = 40  # rows of the holdout below which nothing is said
NEIGHBOUR = 5  # that densities are read off
SECRETS = 6  # columns that the attribute attack guesses
SECRET_ROWS = 2_000
RARE = 5  # rows from which a category is not rare
BOOTSTRAPS = 50
BINS = 30  # of the distances to the closest record
ATTACKS = ("nearest", "density_ratio")


def measure(view: View) -> Section:
    """The entries `rare_values` and `nndr`, and with a holdout what attacks find, as far as distances can be
    measured."""
    if not view.has_points:
        return Section()
    section = Section({"privacy": {"rare_values": rare_values(view.columns, view.matched)}})
    some = view.points
    if view.apart is not None:  # what the synthesizer saw is no holdout here
        seen = {table: min(n, view.limits.points) for table, n in lengths(view.columns).items()}
        some = points(sample(view.columns, seen, view.rng))[0]
    section.entries["privacy"]["nndr"] = nndr(some, view.rng)
    if view.apart is not None or view.compared.get("holdout", 0) < FEWEST:
        least = max(FEWEST, min(SMALL, lengths(view.columns)["synthetic"]))  # as `match` wants it
        section.skipped["privacy"] = (
            f"attacks on membership and attributes need a real holdout of at least {least} rows."
        )
        return section
    target = None if view.target is None else str(view.target)
    found, section.attacks = attack(*view.near_points, view.near, target, view.limits.points, view.rng)
    section.entries["privacy"] |= found
    return section


def rare_values(columns: list[ComparedColumn], some: list[ComparedColumn]) -> Entry:
    """The entry `rare_values`; needs no holdout, but for its reference.

    columns: with all real rows, which tell what is rare; some: as many rows of the synthetic table as of the
    holdout, because more rows hold more values.
    """
    found: dict[str, list[Array]] = {}
    for column, drawn in zip(columns, some, strict=True):
        if not column.is_categorical:
            continue
        real = column.parts[0].codes["real"]
        values, number = np.unique(real[real >= 0], return_counts=True)
        rare = values[number < RARE]
        for table, codes in drawn.parts[0].codes.items():
            if table != "real":
                found.setdefault(table, []).append(np.isin(rare, codes))
    flags = {table: np.concatenate(parts) for table, parts in found.items()}
    if not flags or not len(flags["synthetic"]):
        return Entry()
    return share(flags["synthetic"], flags.get("holdout"))


def nndr(points: dict[str, Array], rng: np.random.Generator) -> Entry:
    """The entry `nndr`; needs no holdout, but for its reference."""
    rows = min(len(p) for p in points.values())
    if rows < 3:
        return Entry()
    some = {table: p[rng.permutation(len(p))[:rows]] for table, p in points.items()}

    def ratios(table: str) -> Array:
        distance = nearest(some[table], some["real"], 2)[0]
        return np.where(distance[:, 1] > 0, distance[:, 0] / np.maximum(distance[:, 1], 1e-12), 1.0)

    own = ratios("synthetic")
    draws = [np.median(rng.choice(own, len(own))) for _ in range(BOOTSTRAPS)]
    held = float(np.median(ratios("holdout"))) if "holdout" in some else None
    return entry(float(np.median(own)), held, float(np.std(draws, ddof=1)))


def attack(
    points: dict[str, Array],
    owner: Array,
    columns: list[ComparedColumn],
    target: str | None,
    most: int,
    rng: np.random.Generator,
) -> tuple[dict[str, Entry], Attacks]:
    """(the entries `dcr_share`, `membership_auc` and `attribute_gain`, details); needs a holdout.

    points, owner: as `space.points` gives them, of the rows of `columns`; most: rows of each that are used.
    """
    rows = {table: rng.permutation(len(p))[:most] for table, p in points.items()}
    rows["holdout"] = rows["holdout"][: len(rows["holdout"]) // 2 * 2]
    seen, unseen = rows["real"][: len(rows["holdout"])], rows["holdout"]
    half = len(unseen) // 2
    some = {table: points[table][at] for table, at in (("real", seen), ("holdout", unseen))}
    made = points["synthetic"][rows["synthetic"]]
    played, rest = some["holdout"][:half], some["holdout"][half:]

    closer, distances = _closer(made, some["real"], some["holdout"])
    out = {"dcr_share": share(closer, _closer(played, some["real"][:half], rest)[0])}
    attacks = _membership(made, some["real"][:half], played, rest)
    quarter = half // 2
    calm = _membership(played[:quarter], some["real"][:half], played[quarter:], rest)
    strongest = max(ATTACKS, key=lambda name: auc(attacks[name], attacks["labels"]))
    value = auc(attacks[strongest], attacks["labels"])
    spread = auc_spread(attacks[strongest], attacks["labels"], rng)
    reference = max(auc(calm[name], calm["labels"]) for name in ATTACKS)
    out["membership_auc"] = entry(value, reference, spread)
    gain, gains, calm_gain, noise = _secrets(points, owner, columns, target, rows, half, rng)
    out["attribute_gain"] = entry(gain, calm_gain, noise, bounds=(-1.0, 1.0))
    by_attack = {name: auc(attacks[name], attacks["labels"]) for name in ATTACKS}
    return out, Attacks(_distances(distances), by_attack, gains)


def _closer(query: Array, seen: Array, unseen: Array) -> tuple[Array, dict[str, Array]]:
    """((rows,) 1 where the row is closer to the seen rows, 0.5 for a tie; both distances)."""
    a, b = nearest(query, seen)[0][:, 0], nearest(query, unseen)[0][:, 0]
    tie = np.abs(a - b) < 1e-6
    return np.where(tie, 0.5, a < b), {"real": a, "holdout": b}


def _distances(distances: dict[str, Array]) -> Distances:
    """Shares of the synthetic rows by distance to the closest training and the closest holdout row."""
    top = float(np.quantile(np.concatenate(list(distances.values())), 0.99)) or 1.0
    edges = np.linspace(0, top, BINS + 1)
    shares = {
        name: (np.histogram(np.minimum(d, top), edges)[0] / len(d)).tolist() for name, d in distances.items()
    }
    return Distances(shares["real"], shares["holdout"], edges.tolist())


def _membership(made: Array, members: Array, reference: Array, others: Array) -> dict[str, Array]:
    """Scores of members and others under each attack, and their labels."""
    count = min(len(members), len(others))
    asked = np.concatenate([members[:count], others[:count]])
    drawn = made[: len(reference)]  # densities need equal numbers
    near = nearest(asked, made)[0][:, 0]
    k = min(NEIGHBOUR, len(drawn), len(reference))
    dense, plain = (nearest(asked, table, k)[0][:, -1] for table in (drawn, reference))
    return {
        "nearest": -near,
        "density_ratio": np.log(plain + 1e-9) - np.log(dense + 1e-9),
        "labels": np.repeat([1, 0], count),
    }


def _secrets(
    points: dict[str, Array],
    owner: Array,
    columns: list[ComparedColumn],
    target: str | None,
    rows: dict[str, Array],
    half: int,
    rng: np.random.Generator,
) -> tuple[float, dict[str, float], float, float]:
    """(mean gain, gain of each column, that of a holdout in the place of the synthetic rows, spread)."""
    useful = [i for i in np.unique(owner) if len(np.unique(columns[i].parts[0].codes["real"])) > 1]
    chosen = sorted(useful, key=lambda i: (str(columns[i].name) != target, rng.random()))[:SECRETS]
    if len(useful) < 2:
        return float("nan"), {}, float("nan"), float("nan")
    parts = {
        "members": ("real", rows["real"][: min(half, SECRET_ROWS)]),
        "others": ("holdout", rows["holdout"][half:][:SECRET_ROWS]),
        "made": ("synthetic", rows["synthetic"]),
        "played": ("holdout", rows["holdout"][:half]),
    }
    gains, calm, noise = {}, [], []
    for i in chosen:
        known = owner != i
        codes = {name: _tenths(columns[i], table)[at] for name, (table, at) in parts.items()}
        space = {name: points[table][at][:, known] for name, (table, at) in parts.items()}
        right = {
            (source, asked): codes[source][nearest(space[asked], space[source])[1][:, 0]] == codes[asked]
            for source in ("made", "played")
            for asked in ("members", "others")
        }
        name = str(columns[i].name)
        gains[name] = float(right["made", "members"].mean() - right["made", "others"].mean())
        calm.append(right["played", "members"].mean() - right["played", "others"].mean())
        noise.append(sum(right["made", t].var() / len(right["made", t]) for t in ("members", "others")))
    spread = float(np.sqrt(np.sum(noise)) / len(noise))
    return float(np.mean(list(gains.values()))), gains, float(np.mean(calm)), spread


def _tenths(column: ComparedColumn, table: str) -> Array:
    """Codes of a column; of a number or date, the tenth of the real values that it lies in."""
    part = column.parts[0]
    if not part.ordered or part.values is None:
        return part.codes[table]
    edges = np.unique(np.nanquantile(part.values["real"], np.linspace(0.1, 0.9, 9), method="nearest"))
    return np.where(
        np.isnan(part.values[table]), -1, np.searchsorted(edges, part.values[table], side="right")
    )
