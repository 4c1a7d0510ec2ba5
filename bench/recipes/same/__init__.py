"""The same recipes by lookalike and its peers, see `bench.recipes.peers`."""
