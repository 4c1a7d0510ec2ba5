"""How alike a synthetic table is to the real one: `evaluate(real, synthetic, holdout)` gives a `Report`."""

from .measure import SECTIONS
from .report import Report, evaluate

__all__ = ["SECTIONS", "Report", "evaluate"]
