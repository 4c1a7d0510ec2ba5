"""Rules between columns: found in the real rows, kept in the synthetic ones."""
