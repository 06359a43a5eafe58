"""Trains the tiny family on the synthetic world: encoders and language model first, then the paper's three stages."""
