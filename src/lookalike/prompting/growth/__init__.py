"""Growth: the plan changes as the data grow."""

from lookalike.prompting.growth.evolving import eliminated
from lookalike.prompting.growth.growing import Grow, Growth, strategy
from lookalike.prompting.growth.known import Known
from lookalike.prompting.growth.novelty import Pool, novel
from lookalike.prompting.growth.topics import pruned_topics

__all__ = ["Grow", "Growth", "Known", "Pool", "eliminated", "novel", "pruned_topics", "strategy"]
