"""Work in shards: a table of any size in files of its own, each made by itself, by processes or by Ray."""
