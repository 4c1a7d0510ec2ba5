"""What both lanes of DiffLM share while they train."""
