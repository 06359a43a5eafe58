"""Curation, one stage per file: lint, audit, filter, categorize, select, validate; `pipeline` runs them in order."""
