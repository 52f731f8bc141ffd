"""Lists and events out of lemlist, for files and databases."""
