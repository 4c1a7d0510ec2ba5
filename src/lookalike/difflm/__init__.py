"""DiffLM: latent diffusion and a language model over the records of a table (extra lookalike[difflm])."""

from ..errors import MissingDependency

try:
    import safetensors as _safetensors  # noqa: F401
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise MissingDependency(error.name or "torch") from error

from .model import DiffLM

__all__ = ["DiffLM"]
