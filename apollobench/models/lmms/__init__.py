"""The model classes of lmms-eval as models of the roster."""
