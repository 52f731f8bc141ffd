"""Rows as people have them: files, columns, addresses."""
