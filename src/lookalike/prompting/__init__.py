"""A language model as the synthesizer: what it is shown, what it is asked, what is kept of its replies."""

from .explore import Exploration, explore
from .synalign import SynAlign

__all__ = ["Exploration", "SynAlign", "explore"]
