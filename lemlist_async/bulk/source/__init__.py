"""Sources of rows: files, columns, addresses."""
