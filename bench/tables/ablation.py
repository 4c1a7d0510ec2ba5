"""What the latent and its prior are worth: C2ST of four priors at several rates, on one table.

    python -m bench.tables.ablation --train adult/train.csv.gz [--rates 1,4,10,25] [--draws 2]

Priors: the diffusion model; N(0, I), for which the KL was paid; a Gaussian with the mean and covariance of
the encoded rows; the encoded training rows themselves (posterior samples), which no prior can beat. Each
C2ST is the mean over --draws tables, as one alone is off by some .003. Figures are kept in --out after every
fit, so that an interrupted run goes on; the table is printed and put between its marks of bench/RESULTS.md.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

import numpy as np
import pandas as pd

from bench import command
from bench.places import FIGURES, RESULTS
from bench.publish import machine, publish
from bench.tables.columns import read
from bench.tables.score import c2st
from lookalike import DiffLM

NAME = "bench.tables.ablation"
PRIORS = ("diffusion", "N(0, I)", "Gaussian", "encoded rows")


def by_prior(model: DiffLM, real: pd.DataFrame, seed: int, draw: int) -> dict[str, pd.DataFrame]:
    """As many rows as there are real ones, of the latents of every prior."""
    encoded = model.encode(real)
    flat = encoded.reshape(len(real), -1)
    shrunk = np.maximum(1 - flat.var(0), 0.0)  # about the posterior variance in each dimension
    rng = np.random.default_rng((seed, draw))
    # posterior samples, not means, are what the decoder was trained on
    order = real.sample(frac=1, random_state=draw)
    noise = rng.standard_normal(flat.shape)
    aggregate = rng.multivariate_normal(flat.mean(0), np.cov(flat.T), len(real)) + noise * np.sqrt(shrunk)
    return {
        "diffusion": model.sample(len(real), seed=draw),
        "N(0, I)": model.decode(noise.reshape(encoded.shape), seed=draw),
        "Gaussian": model.decode(aggregate.reshape(encoded.shape), seed=draw),
        "encoded rows": model.sample(len(real), like=order, strength=0.0, seed=draw),
    }


def facts(model: DiffLM) -> dict[str, float]:
    """What the training says of the latent; nothing where it ended before the first validation."""
    found = {key: value for entry in model.history for key, value in entry.items()}  # the last of each
    names = {"nats": "rate", "bound": "bound", "beta": "beta", "active": "active_dimensions"}
    return {name: found[key] for name, key in names.items() if key in found}


def measure(train: Path, rate: float, seed: int, draws: int) -> dict[str, float]:
    """One fit at one rate: C2ST of every prior, and what the training says of the latent."""
    real = read(train)
    model = DiffLM(rate=rate, seed=seed, progress=False).fit(real)
    found: dict[str, list[float]] = {name: [] for name in PRIORS}
    for draw in range(draws):
        for name, table in by_prior(model, real, seed, draw).items():
            found[name].append(c2st(real, table, draw))
    return facts(model) | {name: mean(values) for name, values in found.items()}


def table(found: dict[str, dict[str, float]], rates: Sequence[float], seeds: Sequence[int]) -> list[str]:
    """Markdown: means over the seeds, "-" where no training came as far as its first validation."""
    lines = [
        "| rate asked | KL (nats) | active dims | beta | bound | " + " | ".join(PRIORS) + " |",
        "|---" * (5 + len(PRIORS)) + "|",
    ]
    digits = {"nats": 1, "active": 1, "beta": 2, "bound": 2} | dict.fromkeys(PRIORS, 3)
    for rate in rates:
        rows = [found[f"{rate:g}/{seed}"] for seed in seeds]
        values = {name: [row[name] for row in rows if name in row] for name in digits}
        cells = [f"{mean(own):.{digits[name]}f}" if own else "-" for name, own in values.items()]
        lines.append(f"| {rate:g} | " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    parser = command.parser(NAME, __doc__)
    parser.add_argument("--train", type=command.file, required=True)
    parser.add_argument("--rates", default="1,4,10,25")
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--out", type=Path, default=FIGURES / "ablation.json")
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    rates, seeds = [float(r) for r in args.rates.split(",")], [int(s) for s in args.seeds.split(",")]
    found = json.loads(args.out.read_text()) if args.out.exists() else {}
    for seed in seeds:
        for rate in rates:
            key = f"{rate:g}/{seed}"
            if key not in found:
                found[key] = measure(args.train, rate, seed, args.draws)
                args.out.write_text(json.dumps(found, indent=1))
                print(key, found[key], flush=True)
    lines = table(found, rates, seeds)
    what = f"C2ST AUC on {args.train.parent.name}, mean over seeds {args.seeds}, {args.draws} tables of each"
    text = "\n".join([f"{machine()}; {what}.", "", *lines])
    publish(text, args.results, NAME)
    print("\n" + text)


if __name__ == "__main__":
    main()
