"""Statistics as pure functions on arrays: intervals, paired comparisons, bootstrap, agreement of rankings."""
