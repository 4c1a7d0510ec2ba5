"""DiffLM: latent diffusion and a language model over the records of a table (extra lookalike[difflm])."""

from lookalike.difflm.spin import short_spin as _short_spin
from lookalike.errors import MissingDependency

try:
    import safetensors as _safetensors  # noqa: F401

    with _short_spin():
        import torch as _torch  # noqa: F401
except ImportError as error:
    raise MissingDependency(error.name or "torch") from error

from lookalike.difflm.model import DiffLM

__all__ = ["DiffLM"]
