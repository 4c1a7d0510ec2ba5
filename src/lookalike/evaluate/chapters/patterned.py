"""Ids and keys: are their strings well-formed?

well_formed: share of the cells, missing ones aside, that have the pattern of the real column (`patterns.py`),
and the check digits that all of its cells have. Of several columns the worst is told, beside the share of the
holdout's cells or, without one, of the real ones.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.columns import ComparedColumn
from lookalike.evaluate.section import Entry, Section, share
from lookalike.evaluate.view import View
from lookalike.table.patterns import follows

ROWS = 20_000  # distinct strings of a column that are looked at


def measure(view: View) -> Section:
    """The entry `well_formed`, where there are such columns, and a warning that names each that is not."""
    found = {str(column.name): _column(column) for column in view.columns if column.pattern is not None}
    entries = {name: one for name, one in found.items() if one is not None}
    if not entries:
        return Section()
    lacking = {name: (one.reference or 0.0) - (one.value or 0.0) for name, one in entries.items()}
    worst = max(lacking, key=lambda name: lacking[name])
    section = Section({"fidelity": {"well_formed": entries[worst]}})
    if lacking[worst] > 0.01:
        section.warnings.append(
            f"column '{worst}': {entries[worst].value:.1%} of its cells have the pattern that "
            f"{entries[worst].reference:.1%} of the real ones have."
        )
    return section


def _column(column: ComparedColumn) -> Entry | None:
    """The share of one column; None where a table has no cell in it."""
    assert column.labels is not None
    codes = {table: own[own >= 0] for table, own in column.identity.items()}
    if not all(map(len, codes.values())):
        return None
    fine = {table: _fine(column, own) for table, own in codes.items()}
    return share(fine["synthetic"], fine.get("holdout", fine["real"]))


def _fine(column: ComparedColumn, codes: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    assert column.labels is not None
    some = codes[np.linspace(0, len(codes) - 1, min(len(codes), ROWS)).astype(int)]
    return np.array([follows(str(column.labels[code]), column.pattern, column.check) for code in some])
