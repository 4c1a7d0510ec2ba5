"""What is kept of a synthetic table, and how often: weights that match it to a real one."""

from lookalike.curate.align import Alignment, align
from lookalike.curate.resample import resample
from lookalike.curate.weights import METHODS, weigh

__all__ = ["METHODS", "Alignment", "align", "resample", "weigh"]
