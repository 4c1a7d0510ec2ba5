"""The methods of the benchmark of tables, each in an environment and a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.environments import make, variables
from bench.places import BENCH

METHODS = {  # method -> its environment; None: the one that runs the benchmark
    "lookalike": None,
    "lookalike-refined": None,
    "tabularargn": "mostlyai",
    "gaussiancopula": "sdv",
    "tvae": "sdv",
    "cart": None,
    "copula": None,
    "shuffled": None,
}
MOSTLYAI = (
    "accelerate datasets huggingface-hub joblib json-repair numpy>=2 opacus pandas peft psutil<6 pyarrow "
    "scikit-learn tokenizers transformers>=5.5.3 xgrammar<1"
)
INSTALLS = {  # environment -> what pip is asked for, in this order; the versions are in constraints.txt
    # The engine asks for builds of torchvision and torchaudio that do not exist for a CPU and that tables
    # never use, so its other requirements are installed by name and the engine alone.
    "mostlyai": (["torch"], MOSTLYAI.split(), ["--no-deps", "mostlyai-engine"]),
    "sdv": (["torch"], ["sdv"]),
}
OFFLINE = {"HF_HUB_OFFLINE": "1", "TELEMETRY_ENABLED": "false", "PYTHONWARNINGS": "ignore"}
CPU = {"CUDA_VISIBLE_DEVICES": ""}  # the figures are those of processors, also where there is a GPU


def environment(name: str | None) -> Path:
    """The Python of an environment, which is installed first if it is not there."""
    if name is None:
        return Path(sys.executable)
    return make(name, *(["-c", BENCH / "constraints.txt", *packages] for packages in INSTALLS[name]))


def run(
    method: str,
    train: Path,
    out: Path,
    seed: int,
    threads: int,
    rows: int | None = None,
    dates: Sequence[str] = (),
    made: int | None = None,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Fits and samples by `bench.tables.run`; its figures, or {"error": the last lines of what it says}.

    rows: to learn from, None: all; made: to sample, None: as many. dates: columns that the method is given as
    dates; lookalike finds them by itself. options: of the method's constructor.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    command = [environment(METHODS[method]), "-m", "bench.tables.run", method, train, out]
    command += ["--seed", str(seed)]
    command += ["--rows", str(rows)] if rows else []
    command += ["--made", str(made)] if made else []
    command += ["--options", json.dumps(options)] if options else []
    command += [word for name in dates for word in ("--dates", name)]
    found = variables(threads, peer=METHODS[method] is not None) | OFFLINE | CPU
    done = subprocess.run(command, capture_output=True, text=True, env=found)
    if done.returncode:
        return {"error": "\n".join(done.stderr.strip().splitlines()[-5:])}
    return json.loads(done.stdout.strip().splitlines()[-1])
