"""What `judge` returns: figures to be printed, saved as a page or as JSON, and the pairs for people to
answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lookalike import __version__
from lookalike.arguments import path as path_of
from lookalike.arguments import whole
from lookalike.atomic import replace_text
from lookalike.errors import OptionError, file_errors
from lookalike.evaluate.judging.asking import Vote
from lookalike.evaluate.judging.calibration import spread
from lookalike.evaluate.judging.counting import outcomes
from lookalike.evaluate.judging.pairs import REAL
from lookalike.evaluate.judging.words import headline, interval, number, percents, worth
from lookalike.evaluate.results import plain
from lookalike.evaluate.section import Entry, Judgement
from lookalike.seed import child

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1
SLICE = 100  # pairs for people


@dataclass
class Judged:
    """figures: what was found. votes: each verdict with its reason. pairs: for people, without the
    verdicts."""

    figures: Judgement
    votes: Sequence[Vote]
    pairs: pd.DataFrame
    seed: int
    date: str = field(default_factory=lambda: datetime.now().astimezone().isoformat(timespec="seconds"))

    @property
    def usable(self) -> bool:
        """Whether the judge got nine in ten of the controls right."""
        return self.figures.usable

    def to_dict(self) -> dict[str, Any]:
        """Every figure, as nested dicts of JSON values; no row and no reason of the judge, which may quote
        one."""
        about = {"lookalike": __version__, "date": self.date, "seed": self.seed}
        found: dict[str, Any] = plain({"format": FORMAT, "about": about} | asdict(self.figures))
        return found

    def verdicts(self) -> list[dict[str, Any]]:
        """A line for each vote: pair, tables, which row was preferred, which stood first, the reason, the
        control."""
        return [
            {
                **{"pair": vote.pair.key, "one": vote.pair.one, "other": vote.pair.other},
                **{"control": vote.pair.control, "first": "other" if vote.swapped else "one"},
                **{"preferred": {1.0: "one", 0.5: "tie", 0.0: "other"}[vote.won], "reason": vote.reason},
            }
            for vote in self.votes
        ]

    def slice(self, n: int = SLICE) -> pd.DataFrame:
        """n of `pairs` for people to answer, spread over tables and verdicts, in an order by chance: what
        they say of all pairs is then known best (`calibration.py`). The verdicts are not in it.
        """
        n = whole("n", n, 1)
        said = outcomes([vote for vote in self.votes if not vote.pair.control])
        rows = {key: at for at, key in enumerate(self.pairs["pair"].tolist())}
        chosen: list[int] = []
        names = list(self.figures.tables)
        for at, name in enumerate(names):
            own = {rows[pair.key]: value for pair, value in said.items()
                   if (pair.one, pair.other) == (REAL, name)}  # fmt: skip
            most = n // len(names) + (at < n % len(names))
            rng = child(self.seed, "judge", "slice", name)
            found = spread(np.array(list(own.values())), most, rng) if own else []
            chosen += [list(own)[one] for one in found]
        order = child(self.seed, "judge", "slice").permutation(len(chosen))
        return self.pairs.iloc[[chosen[one] for one in order]].reset_index(drop=True)

    def save(self, path: str | Path) -> None:
        """Writes the page (.html) or the figures (.json). Raises OptionError for another suffix."""
        path = path_of("path", path)
        if path.suffix == ".html":
            from lookalike.evaluate.page.judged import judged_page

            text = judged_page(self.figures, self.date, __version__, self.seed)
        elif path.suffix == ".json":
            text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False)
        else:
            raise OptionError(f"a report is written to a .html or .json file, and '{path.name}' is neither.")
        with file_errors(path, "written"):
            replace_text(path, text + "\n")

    def _repr_html_(self) -> str:
        """The page in a frame, for notebooks."""
        from html import escape

        from lookalike.evaluate.page.judged import judged_page

        source = escape(judged_page(self.figures, self.date, __version__, self.seed), quote=True)
        return f'<iframe srcdoc="{source}" style="width:100%;height:560px;border:0"></iframe>'

    def __repr__(self) -> str:
        found = self.figures
        lines = [headline(found), ""]
        names = list(found.real)
        lines.append(
            f"{'':20}{'preferred to real':>22}{'Elo':>22}" + "".join(f"{name:>14}" for name in names)
        )
        lines.append(
            f"{'real':20}{'':22}{'1000':>22}" + "".join(f"{number(found.real[n], 2):>14}" for n in names)
        )
        for name, one in found.tables.items():
            scores = "".join(f"{number(one.scores.get(n, Entry()), 2):>14}" for n in names)
            lines.append(f"{name[:19]:20}{percents(one.preferred):>22}{interval(one.elo):>22}{scores}")
            if one.people is not None:
                lines.append(
                    f"{'  by people':20}{percents(one.people):>22}   ({one.answers:,} answers and the judge)"
                )
        lines += ["", *(f"note: {text}" for text in [*worth(found), *found.notes])]
        return "\n".join(lines)
