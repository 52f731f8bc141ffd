"""Running a plan: rows out of the journal, requests to lemlist, outcomes back."""
