"""Tests of `prompting/recipes/`."""
