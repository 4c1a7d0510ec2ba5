"""People in the loop: a page for reviewers, its server, their answers on disk, and how far they agree."""

from lookalike.review.reviewing import review

__all__ = ["review"]
