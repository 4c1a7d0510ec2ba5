"""How alike a synthetic table is to the real one: `evaluate(real, synthetic, holdout)` gives a `Report`."""

from lookalike.evaluate.measure import SECTIONS
from lookalike.evaluate.report import Report, evaluate

__all__ = ["SECTIONS", "Report", "evaluate"]
