"""What several test files share: a small real table, a model that was fitted in seconds, a local server."""

from __future__ import annotations

import os

from tests.forks import Forked, served, worker
from tests.once import Once, once
from tests.paths import DATA, EXAMPLES
from tests.short_fits import CANDIDATES, patched, short_fits

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny tables: threads only get in each other's way

import gc
import json
import signal
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from lookalike.progress import Watch

if TYPE_CHECKING:
    import pandas as pd

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what is followed by &
    signal.signal(signal.SIGINT, signal.default_int_handler)  # processes that tests start hear Ctrl-C


def pytest_collection_finish() -> None:
    """What collecting has made stays to the end: the collector of garbage need not look at it again."""
    gc.freeze()


@pytest.fixture(autouse=True)
def no_endpoint_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test reaches is its own local server, and never with the key of whoever runs the tests."""
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def no_lines_of_a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command says does not depend on how long it takes; tests/test_progress.py has the lines."""
    monkeypatch.setattr(Watch, "_look_again", lambda self: None)


@pytest.fixture
def short_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report of `generate` has one section, for tests of what happens before and after it."""
    package = import_module("lookalike.evaluate")
    monkeypatch.setattr(package, "evaluate", partial(package.evaluate, only=["privacy"]))
    monkeypatch.setattr("lookalike.pipeline.no_gain", lambda *_: None)


@pytest.fixture
def forked_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers of jobs in shards are forks; tests/test_jobs.py and some here and there begin real ones."""
    own = SimpleNamespace(Popen=worker, PIPE=subprocess.PIPE, TimeoutExpired=subprocess.TimeoutExpired)
    monkeypatch.setattr("lookalike.jobs.subprocess", own)


@pytest.fixture
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """The classifiers of a report are small, for tests that assert nothing of what they find."""
    detection = import_module("lookalike.evaluate.chapters.detection")
    utility = import_module("lookalike.evaluate.chapters.utility")
    monkeypatch.setattr(detection, "TREES", 5)
    monkeypatch.setattr(utility, "ROUNDS", 5)
    monkeypatch.setattr(utility, "ROUNDS_OF_NUMBERS", 5)
    monkeypatch.setattr(utility, "TREES", 5)


@pytest.fixture(scope="module")
def quick_fits() -> Iterator[None]:
    """Fits from scratch have few trees, for tests that assert nothing of how well is learned."""
    with short_fits():
        yield


@pytest.fixture(scope="module")
def few_candidates() -> Iterator[None]:
    """Few rows are drawn for a condition and for variations, for tests of what holds in every row."""
    with patched(CANDIDATES):
        yield


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Once:
    """made_once(name, make) -> a path that is made once, also where several processes run the tests."""
    return once(tmp_path_factory, worker_id)


@pytest.fixture(scope="session")
def small_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 rows of Adult as a CSV file."""
    import pandas as pd

    path = tmp_path_factory.mktemp("data") / "small.csv"
    pd.read_csv(EXAMPLES / "adult.csv.gz", nrows=300, keep_default_na=False).to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def small_model(small_csv: Path, made_once: Once) -> Path:
    """A model folder fitted on `small_csv` by the command line."""
    from lookalike.cli.main import main

    def fit(folder: Path) -> None:
        with short_fits():
            assert main(["fit", str(small_csv), "-o", str(folder), "--max-time", "2s", "--quiet"]) == 0

    return made_once("small.model", fit)


@pytest.fixture(scope="session")
def orders() -> pd.DataFrame:
    """400 invented orders of 80 customers, with their names, mails (one in five has none) and cities."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    first = ["Anna", "Bea", "Carl", "Dora", "Emil", "Frida", "Georg", "Hanna", "Igor", "Jana"]
    last = ["Abel", "Brandt", "Claus", "Dorn", "Ernst", "Fuchs", "Gross", "Haas"]
    names = [f"{a} {b}" for a in first for b in last]
    mails = [f"{name.lower().replace(' ', '.')}@mail.test" if i % 5 else None for i, name in enumerate(names)]
    cities = rng.choice(["Kiel", "Ulm", "Bonn", "Jena"], len(names), p=[0.4, 0.3, 0.2, 0.1])
    weights = rng.gamma(1.5, 1, len(names))
    of = np.r_[np.arange(len(names)), rng.choice(len(names), 320, p=weights / weights.sum())]
    rng.shuffle(of)
    return pd.DataFrame(
        {
            "order_id": np.arange(10_001, 10_401),
            "customer_id": [f"C-{1000 + 3 * i}" for i in of],
            "customer": [names[i] for i in of],
            "email": [mails[i] for i in of],
            "city": cities[of],
            "product": rng.choice(["pen", "ink", "paper", "stamp"], 400),
            "amount": np.round(rng.gamma(2, 20, 400), 2),
        }
    )


@pytest.fixture(scope="session")
def banking() -> pd.DataFrame:
    """10 classes of BANKING77 with 30 rows each, text and category."""
    import pandas as pd

    return pd.read_csv(DATA / "banking77.csv")


@pytest.fixture(scope="session")
def halves(banking: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """200 rows of BANKING77 that count as real, 100 others that were held out."""
    import numpy as np

    order = np.random.default_rng(0).permutation(len(banking))
    return banking.iloc[order[:200]].reset_index(drop=True), banking.iloc[order[200:]]


class Served:
    """A running server: `url` is its base URL."""

    def __init__(self, options: tuple[str, ...]) -> None:
        self.process = Forked(served, options)
        self.url = self.process.stdout.readline().strip()

    def stats(self) -> dict[str, Any]:
        with urllib.request.urlopen(self.url.removesuffix("/v1") + "/stats") as answer:
            return json.load(answer)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """serve("--latency", "0.1") -> a running server, stopped after the test."""
    running: list[Served] = []

    def start(*options: str) -> Served:
        running.append(Served(options))
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture(scope="session")
def bookings() -> pd.DataFrame:
    """600 invented bookings: a city tells its country, nights are between two dates, a total is a sum."""
    import numpy as np
    import pandas as pd

    rng, rows = np.random.default_rng(0), 600
    country = {"Paris": "FR", "Lyon": "FR", "Berlin": "DE", "Munich": "DE", "Rome": "IT", "Graz": "AT"}
    city = rng.choice(list(country), rows, p=[0.3, 0.1, 0.25, 0.1, 0.15, 0.1])
    nights = 1 + rng.poisson(2, rows)
    start = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, rows), "D")
    room = rng.integers(60, 300, rows) * nights
    tax = np.rint(room * 0.1).astype(int)
    return pd.DataFrame(
        {
            "city": city,
            "country": [country[one] for one in city],
            "start": start.strftime("%Y-%m-%d"),
            "end": (start + pd.to_timedelta(nights, "D")).strftime("%Y-%m-%d"),
            "nights": nights,
            "room": room,
            "tax": tax,
            "total": room + tax,
        }
    )
