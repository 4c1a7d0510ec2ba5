"""Records of every kind: texts, code, queries, tool specifications and mixed tables."""
