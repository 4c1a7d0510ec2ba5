"""The kinds of columns: a file holds everything about a kind (see `codecs.py`)."""
