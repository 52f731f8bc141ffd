"""Journal of a job: the durable state of each row."""
