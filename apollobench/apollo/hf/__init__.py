"""Apollo as transformers knows models: one folder, and the classes that its Auto loaders find for it."""
