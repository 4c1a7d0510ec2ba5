"""The fixtures of `tests/difflm`, for tests of DiffLM as a whole."""

from tests.difflm.conftest import one_thread, quick, small_texts

__all__ = ["one_thread", "quick", "small_texts"]
