"""What is kept of a synthetic table, and how often: weights that match it to a real one."""

from .align import Alignment, align
from .resample import resample
from .weights import METHODS, weigh

__all__ = ["METHODS", "Alignment", "align", "resample", "weigh"]
