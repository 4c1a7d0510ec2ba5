"""Work in shards: rows a second, memory by workers, and what Ray costs beside processes."""
