"""From items and a model to scores: prompt, run, store, extract, score."""
