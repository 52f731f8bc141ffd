"""One module per area of the API: its models, its TypedDicts, its methods."""
