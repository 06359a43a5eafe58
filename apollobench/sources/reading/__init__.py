"""What readers of published benchmarks share: finding files, reading rows, and telling of malformed ones."""
