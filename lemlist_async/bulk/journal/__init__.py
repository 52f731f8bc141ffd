"""The journal of a job: the truth about each of its rows."""
