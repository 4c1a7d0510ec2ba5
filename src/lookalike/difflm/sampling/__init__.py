"""Rows out of a fitted model: what is asked for, checked, drawn in chunks, and written."""
