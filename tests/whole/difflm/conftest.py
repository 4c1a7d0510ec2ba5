"""The fixtures of `tests/difflm`, for tests of DiffLM as a whole."""

from tests.difflm.conftest import fits_of_the_module, one_thread, quick

__all__ = ["fits_of_the_module", "one_thread", "quick"]
