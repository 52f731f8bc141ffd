"""The ready-made jobs, each with its kind as journals name it."""
