"""People checking items: what they said, kept for good; who may see it when; how far they agree; the pages for it."""
