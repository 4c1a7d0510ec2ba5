"""What is kept of a synthetic table, and how often: `curate` drops rows, `align` weighs them."""

from lookalike.curate.align import Alignment, align
from lookalike.curate.curating import curate
from lookalike.curate.resample import resample
from lookalike.curate.weights import METHODS, weigh

__all__ = ["METHODS", "Alignment", "align", "curate", "resample", "weigh"]
