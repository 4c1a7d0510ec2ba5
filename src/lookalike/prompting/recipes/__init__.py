"""Recipes: a table of columns, each written, drawn, computed or taken from a real row, in the order that
their names give.
"""
