"""Recipes: a run that is killed, the shipped recipes on a real small model, DiffLM and a language model
together.
"""
