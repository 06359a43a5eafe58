"""Reads what other tools ran: their result files become responses, matched to items by what was asked."""
