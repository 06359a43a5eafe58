"""Trains Apollo models of any size by the paper's protocol: stages, a data mixture, one process or many."""
