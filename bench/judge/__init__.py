"""The judge against planted truths, and on a real model."""
