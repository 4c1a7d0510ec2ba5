"""Rules between columns: found in the real rows, kept in the synthetic ones, and reported."""

from __future__ import annotations

from lookalike.rules.find import find_rules, rules_of
from lookalike.rules.keep import Plan
from lookalike.rules.vocabularies import with_vocabularies

__all__ = ["Plan", "find_rules", "rules_of", "with_vocabularies"]
