"""Video language models of transformers, asked through the chat template of their own processor."""
