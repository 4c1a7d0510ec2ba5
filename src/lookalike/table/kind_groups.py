"""The kinds of columns and what some of them have in common.

Other rooms ask a column what it is (`column.is_date`): only this file knows which kinds are alike.
"""

from __future__ import annotations

NUMBER, DATE = "number", "datetime"
NUMBERS_AND_DATES = (NUMBER, DATE)  # their values have an order and distances
CATEGORICAL = ("category", "boolean")  # few values, each of many rows
SEVERAL = ("compound", "range", "list")  # cells of several values, which are compared one by one
TEXTUAL = ("text", "code", "json")  # strings of any length
OF_ENTITIES = ("key", "pseudonym")  # made afresh, one value for all rows of an entity (`codec/made/`)
MADE = ("id", *OF_ENTITIES)  # not learned: all their values are made afresh
KINDS = (
    *("category", NUMBER, DATE, "boolean", *SEVERAL, *TEXTUAL, "id", "constant"),
    *(*OF_ENTITIES, "drop"),
)


class OfAKind:
    """What has a kind; `Column` says what each kind means."""

    kind: str

    @property
    def is_number(self) -> bool:
        return self.kind == NUMBER

    @property
    def is_date(self) -> bool:
        return self.kind == DATE

    @property
    def is_number_or_date(self) -> bool:
        return self.kind in NUMBERS_AND_DATES

    @property
    def is_categorical(self) -> bool:
        """A category or a boolean."""
        return self.kind in CATEGORICAL

    @property
    def is_textual(self) -> bool:
        """A text, code or JSON."""
        return self.kind in TEXTUAL

    @property
    def is_of_entities(self) -> bool:
        """A key or pseudonym, which all rows of an entity share."""
        return self.kind in OF_ENTITIES

    @property
    def is_made(self) -> bool:
        """An id, key or pseudonym, whose values are made afresh."""
        return self.kind in MADE
