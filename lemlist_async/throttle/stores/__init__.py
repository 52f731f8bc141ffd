"""Ledgers of slots that several processes share."""
