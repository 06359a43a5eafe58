"""apollobench: curate a video benchmark from public ones, and score any model on it with honest error bars."""

__version__ = "0.1.0"
