"""Roster names and what answers for them."""
