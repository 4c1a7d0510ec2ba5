"""A language model as the synthesizer: what it is shown, what it is asked, what is kept of its replies."""

from lookalike.prompting.recipes.recipe import Recipe
from lookalike.prompting.synalign import SynAlign

__all__ = ["Recipe", "SynAlign"]
