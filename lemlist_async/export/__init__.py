"""Exports of lists and events, for files and databases."""
