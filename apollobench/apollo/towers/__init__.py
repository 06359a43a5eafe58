"""Vision towers, one kind per file, and the hybrid that joins several."""
