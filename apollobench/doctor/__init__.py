"""Examines media files before a run meets them: which are whole, which are not, and how many items each fault costs."""
