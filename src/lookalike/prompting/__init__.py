"""A language model as the synthesizer: what it is shown."""

from .explore import Exploration, explore

__all__ = ["Exploration", "explore"]
