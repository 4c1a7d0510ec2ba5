"""How alike a synthetic table is to the real one: `evaluate(real, synthetic, holdout)` gives a `Report`."""

from lookalike.evaluate.report import Report, evaluate
from lookalike.evaluate.section import SECTIONS

__all__ = ["SECTIONS", "Report", "evaluate"]
