"""The small lane: a language model from scratch, over the slots of a record."""
