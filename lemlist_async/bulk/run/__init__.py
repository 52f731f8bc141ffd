"""Execution of a plan: rows from the journal, requests to lemlist, outcomes to the journal."""
